// What may stand in a dataset's `live` and [dataset.ask]. A catalog is public: nothing in it is a
// secret, and an ID never becomes part of a URL, which every server on the way writes into its log.

#include <algorithm>
#include <string>

#include "net/json.h"
#include "registry/declaration.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kBodyBytesMax = 8 * 1024;
constexpr std::size_t kNameBytesMax = 63;  // PostgreSQL's NAMEDATALEN, less its end

bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}
bool all_host(std::string_view text) { return std::ranges::all_of(text, host_character); }

bool loopback(const Live& live) {
  return live.host == "127.0.0.1" || live.host == "localhost" || live.host == "::1" ||
         live.host.starts_with('/');
}

std::optional<std::string> read_place(std::string_view place, Live& out) {
  if (place.starts_with('[')) {
    const auto end = place.find(']');
    if (end == place.npos) return "`live`: an address in [ ] has no end";
    out.host = place.substr(1, end - 1);
    place.remove_prefix(end + 1);
    if (out.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
      return "`live`: no address stands in [ ]";
  } else {
    const auto colon = std::min(place.find(':'), place.size());
    out.host = place.substr(0, colon);
    place.remove_prefix(colon);
    if (!all_host(out.host))
      return "`live`: the host's name has other than letters, digits, . and -";
  }
  if (place.empty()) return std::nullopt;
  out.port = place.substr(1);
  if (place[0] != ':' || out.port.empty() || out.port.size() > 5 ||
      out.port.find_first_not_of("0123456789") != std::string::npos)
    return "`live`: the port is a number";
  return std::nullopt;
}

std::optional<std::string> read_postgresql(std::string_view rest, Live& out) {
  const auto at = rest.find('@');
  if (at == rest.npos || at == 0) return "`live` is postgresql://USER@HOST/DATABASE";
  out.user = rest.substr(0, at);
  if (out.user.find(':') != std::string::npos)
    return "`live`: no password in the catalog; name a file in `secret`, or use a certificate";
  rest.remove_prefix(at + 1);
  const auto slash = rest.find('/');
  if (slash == rest.npos) return "`live` is postgresql://USER@HOST/DATABASE";
  if (const auto wrong = read_place(rest.substr(0, slash), out)) return wrong;
  std::string_view database = rest.substr(slash + 1);
  if (const auto mark = database.find("?host=/"); mark != database.npos && out.host.empty()) {
    out.host = database.substr(mark + 6);
    database = database.substr(0, mark);
    if (out.host.find_first_of("?&%,") != std::string::npos)
      return "`live`: the socket's directory is a plain path";
  }
  out.database = database;
  if (!all_host(out.user) || out.database.empty() || !all_host(out.database))
    return "`live`: user and database are letters, digits, . - and _; everything else stands in "
           "[dataset.ask]";
  return std::nullopt;
}

std::optional<std::string> read_rest(std::string_view rest, Live& out) {
  const auto slash = std::min(rest.find('/'), rest.size());
  if (const auto wrong = read_place(rest.substr(0, slash), out)) return wrong;
  out.path = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  const bool plain = std::ranges::all_of(
      out.path, [](char c) { return host_character(c) || c == '/' || c == '~'; });
  if (!plain) return "`live`: a path of letters, digits, / . - _ and ~; the ID goes in the `body`";
  return std::nullopt;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

bool name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.find('\0') == text.npos;
}

std::optional<std::string> unfit_place(const Live& live) {
  if (live.host.empty()) return "`live` names no host";
  if (live.plain && !loopback(live))
    return "`plain` is for a server on this machine; a department is asked over TLS";
  if (live.host.starts_with('/') && !live.plain)
    return "a socket of this machine has no TLS: `plain = true`";
  if (live.plain && live.rest)
    return "`plain` belongs to postgresql://; an interface is asked over https";
  if (live.certificate.empty() != live.key.empty())
    return "`certificate` and `key` belong together";
  if (live.connect_ms > live.total_ms) return "`connect_ms` is above `total_ms`";
  if (live.form.size() > 64) return "`form` is at most 64 characters";
  return std::nullopt;
}

std::optional<std::string> unfit_question(const Live& live) {
  if (!live.rest) {
    if (!name(live.table) || !name(live.id_column) || (!live.schema.empty() && !name(live.schema)))
      return "`schema`, `table` and `id_column` are names of at most 63 bytes";
    return std::nullopt;
  }
  if (live.body.size() > kBodyBytesMax || !net::parse_json(live.body))
    return "`body` is a JSON document of at most 8 KiB";
  if (count(live.body, "\"{id}\"") != 1) return "`body` has the string \"{id}\" once";
  if (count(live.body, "\"{fields}\"") != 1)
    return "`body` has the string \"{fields}\" once: only what is granted is asked for";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> live_from(std::string_view url, Live& out) {
  if (url.size() > 1'024) return "`live` is longer than 1 KiB";
  if (url.starts_with("postgresql://")) return read_postgresql(url.substr(13), out);
  out.rest = true;
  if (url.starts_with("https://")) return read_rest(url.substr(8), out);
  return "`live` begins with postgresql:// or https://";
}

std::optional<std::string> unfit_for_live(const Dataset& d) {
  const Live& live = *d.live;
  if (const auto wrong = unfit_place(live)) return wrong;
  if (const auto wrong = unfit_question(live)) return wrong;
  if (!d.keep || d.tree || d.mirror || d.held_by || d.latest_by || d.unidentified || !d.subject)
    return "a live dataset is about one citizen: no `keep = false`, `derived`, mirror, `held_by`, "
           "`latest_by` or `unidentified`";
  const Field& subject = d.fields[*d.subject];
  if (subject.type != FieldType::national_id || subject.or_passport)
    return "the subject of a live dataset is a national_id";
  for (const Field& f : d.fields) {
    if (!f.search.empty() || !f.narrow.empty() || !f.link.empty() || f.trait != Trait::none ||
        f.split != '\0')
      return "field \"" + f.name +
             "\": what stays with its department is asked for by ID alone, without search, narrow, "
             "link, trait or split";
    if (!name(f.asked_as)) return "field \"" + f.name + "\" needs a `column` of at most 63 bytes";
  }
  return std::nullopt;
}

}  // namespace amanat::registry
