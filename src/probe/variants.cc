#include "probe/variants.h"

#include <algorithm>
#include <set>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/json.h"

namespace amanat::probe {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char other_case(char c) {
  return c >= 'a' && c <= 'z'   ? static_cast<char>(c - 'a' + 'A')
         : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a')
                                : c;
}

std::string hex_of(char c) {
  const auto b = static_cast<unsigned char>(c);
  return {'%', kHex[b >> 4], kHex[b & 15]};
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += "/" + part;
  return out;
}

// The first part with letters is the collection's name: what rules are written for.
std::size_t named_part(const std::vector<std::string>& parts) {
  for (std::size_t i = parts.size(); i-- > 0;)
    if (std::count_if(parts[i].begin(), parts[i].end(), is_letter) >= 3 &&
        parts[i].find('%') == std::string::npos &&
        (i + 1 < parts.size() || i == 0 || parts.size() <= 2))
      return i;
  return 0;
}

}  // namespace

std::vector<PathVariant> path_variants(std::string_view base, std::string_view path,
                                       std::string_view query, std::string_view open_path) {
  const std::string plain(path);
  std::vector<PathVariant> out;
  std::set<std::string> seen = {plain};
  const auto add = [&](std::string_view what, std::string spelled, std::string_view more = {}) {
    if (!seen.insert(spelled + std::string(more)).second) return;
    std::string target = std::string(base) + spelled + std::string(more);
    if (!query.empty()) target += (more.empty() ? "?" : "&") + std::string(query);
    out.push_back({what, std::move(target)});
  };
  const auto parts = parts_of(path);
  if (parts.empty() || path == "/") return out;
  const auto changed = [&](std::size_t at, std::string part) {
    auto copy = parts;
    copy[at] = std::move(part);
    return joined(copy);
  };
  const std::size_t named = named_part(parts);
  const std::string& name = parts[named];

  if (plain.ends_with('/'))
    add("no trailing slash", plain.substr(0, plain.size() - 1));
  else
    add("trailing slash", plain + "/");
  add("double slash", "/" + plain);
  if (parts.size() > 1)
    add("double slash inside",
        plain.substr(0, plain.rfind('/')) + "/" + plain.substr(plain.rfind('/')));
  add("dot segment", "/." + plain);
  add("dot segment at the end", plain + "/.");
  add("dot dot segment", "/" + name + "/.." + plain);
  add("encoded dot dot segment", "/" + name + "/%2e%2e" + plain);
  add("dot dot segment with a parameter", "/" + name + "/..;" + plain);
  if (!open_path.empty() && open_path != path) {
    std::string back(open_path);
    for (std::size_t i = 0; i < parts_of(open_path).size(); ++i) back += "/..";
    add("dot dot segment after a public path", back + plain);
    add("encoded slash after a public path", std::string(open_path) + "/..%2f" + plain.substr(1));
  }
  std::string swapped = name, capitals = name;
  if (!swapped.empty()) swapped[0] = other_case(swapped[0]);
  for (char& c : capitals)
    if (c >= 'a' && c <= 'z') c = other_case(c);
  add("one letter in the other case", changed(named, swapped));
  add("capital letters", changed(named, capitals));
  if (!name.empty()) {
    add("encoded letter", changed(named, hex_of(name[0]) + name.substr(1)));
    add("twice encoded letter", changed(named, "%25" + hex_of(name[0]).substr(1) + name.substr(1)));
  }
  if (parts.size() > 1) {
    std::string one = plain;
    one.replace(one.rfind('/'), 1, "%2F");
    add("encoded slash", one);
  }
  add("path parameter", changed(named, name + ";x=1"));
  add("encoded space at the end", plain + "%20");
  add("encoded null at the end", plain + "%00");
  add("encoded tab at the end", plain + "%09");
  add("semicolon at the end", plain + ";");
  for (const auto& [what, suffix] :
       {std::pair<std::string_view, std::string_view>{"suffix .json", ".json"},
        {"suffix .xml", ".xml"},
        {"suffix .csv", ".csv"},
        {"suffix .html", ".html"},
        {"suffix .css", ".css"}})
    if (!plain.ends_with('/')) add(what, plain + std::string(suffix));
  add("static file's name in a path parameter", plain + ";x.css");
  add("static file's name in the query", plain, "?x=.css");
  add("format in the query", plain, "?format=json");
  add("debug in the query", plain, "?debug=true");
  return out;
}

std::vector<HeaderVariant> trusted_headers(std::string_view target) {
  return {
      {"X-Forwarded-For: 127.0.0.1", {{"X-Forwarded-For", "127.0.0.1"}}},
      {"X-Real-IP: 127.0.0.1", {{"X-Real-IP", "127.0.0.1"}}},
      {"X-Client-IP: 127.0.0.1", {{"X-Client-IP", "127.0.0.1"}, {"True-Client-IP", "127.0.0.1"}}},
      {"Forwarded: for=127.0.0.1", {{"Forwarded", "for=127.0.0.1;proto=https"}}},
      {"X-Forwarded-Host: localhost", {{"X-Forwarded-Host", "localhost"}}},
      {"X-Original-URL", {{"X-Original-URL", std::string(target)}}},
      {"X-Rewrite-URL", {{"X-Rewrite-URL", std::string(target)}}},
      {"X-Internal: true", {{"X-Internal", "true"}, {"X-Internal-Request", "true"}}}};
}

std::vector<HeaderVariant> override_headers(std::string_view verb) {
  std::vector<HeaderVariant> out;
  for (const std::string_view name :
       {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"})
    out.push_back({name, {{std::string(name), std::string(verb)}}});
  return out;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool stays =
        is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (stays)
      out.push_back(c);
    else
      out += hex_of(c);
  }
  return out;
}

std::vector<std::pair<std::string_view, std::string>> broken_tokens(std::string_view value) {
  // A token stands at the end, behind a scheme or a cookie's name.
  const auto begin = value.find_last_of(" =");
  const auto before = begin == value.npos ? std::string_view() : value.substr(0, begin + 1);
  const auto token = value.substr(before.size());
  const auto first = token.find('.'),
             second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return {};
  const auto head = crypto::from_base64url(token.substr(0, first));
  if (!head) return {};
  const auto parsed = net::parse_json(*head);
  if (!parsed || parsed->find("alg") == nullptr) return {};
  const std::string kept(token.substr(0, second));
  const std::string payload(token.substr(first, second - first));
  const std::string_view signature = token.substr(second + 1);
  std::vector<std::pair<std::string_view, std::string>> out;
  out.emplace_back("signature cut off", std::string(before) + kept + ".");
  for (const std::string_view none : {R"({"alg":"none","typ":"JWT"})", R"({"alg":"None"})"}) {
    const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(none.data()),
                                              none.size());
    out.emplace_back("algorithm none",
                     std::string(before) + crypto::base64url(bytes) + payload + ".");
  }
  if (signature.size() >= 8) {
    std::string turned(signature);  // in the middle, where every bit counts
    char& c = turned[turned.size() / 2];
    c = c == 'A' ? 'B' : 'A';
    out.emplace_back("signature changed", std::string(before) + kept + "." + turned);
  }
  return out;
}

std::string made_up(std::string_view value) {
  const auto begin = value.find_last_of(" =");
  std::string out(value.substr(0, begin == value.npos ? 0 : begin + 1));
  for (const char c : value.substr(out.size())) {
    if (c >= '0' && c <= '9')
      out.push_back(c == '7' ? '3' : '7');
    else if (is_letter(c))
      out.push_back(c == 'q' ? 'z' : 'q');
    else
      out.push_back(c);
  }
  if (out == value) out += "x";
  return out;
}

}  // namespace amanat::probe
