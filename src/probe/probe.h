#pragma once
// probe: does a department's own app answer people it should not? It asks every operation of an
// OpenAPI description without a credential, with an expired one, with another user's, and by
// variants of path, verb and form, and says which answered and whether personal data came back. It
// observes: it keeps no value it saw, and asks nothing that writes unless it is told to.
//
// Invariants
//  1. Bytes go to the address given and to no other: what the description says about servers, and
//     references to other documents, are not followed; nor are redirects.
//  2. A report holds no value of a reply: counts, types, shapes, and names of members as far as
//     they are plain words. Paths in it are the description's, with {parameters} unfilled.
//  3. A verb that may write (any but GET, HEAD, OPTIONS and PROPFIND) is sent only for an operation
//     that `may_write` allowed.
// One thread. See docs/probe.md.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"
#include "net/foreign.h"
#include "registry/catalog.h"
#include "registry/recognise.h"

namespace amanat::probe {

/// Kind is a kind of hole: a row of probe/kinds.def.
enum class Kind : std::uint8_t {
#define HOLE(id, weight, en, ur, means_en, means_ur, next_en, next_ur) id,
#include "probe/kinds.def"
#undef HOLE
};
enum class Weight : std::uint8_t { high, medium, low };
struct KindRow {
  Kind kind;
  std::string_view id;  // with dashes
  Weight weight;
  std::string_view english, urdu, means_english, means_urdu, next_english, next_urdu;
};
/// row_of returns a kind's row; kind_count is how many there are. They never fail.
const KindRow& row_of(Kind kind);
std::size_t kind_count();

/// Credential is who to ask as. It comes from a file, never from a command line.
struct Credential {
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, std::string>> query;
  net::ForeignCertificate certificate;
  std::map<std::string, std::string, std::less<>> values;  // parameter -> this user's own value
  std::map<std::string, std::string, std::less<>> bodies;  // "POST /path" -> body to send
  bool empty() const {
    return headers.empty() && query.empty() && certificate.certificate_file.empty();
  }
};
/// read_credential reads a credential file: header lines, and lines beginning with @. Nobody but
/// its owner may have any right to it. Errors: file_failed, credential_wrong (with the line's
/// number).
Result<Credential> read_credential(const std::string& file);

/// PersonalCount says how many values of a type came back and what one of them looked like.
struct PersonalCount {
  registry::PersonalType type{};
  std::uint64_t count = 0;
  std::string shape;
};

/// Difference says how an answer compares with the one the rightful caller got.
enum class Difference : std::uint8_t { unknown, same_body, same_members, other_members, no_body };
std::string_view words_of(Difference difference, bool urdu);

struct Finding {
  Kind kind{};
  std::string method, path;      // the operation's, or a neighbour's path
  std::vector<std::string> how;  // the variants that got through, or the members concerned
  unsigned status = 0;
  Difference difference = Difference::unknown;
  std::vector<PersonalCount> personal;
};

/// Outcome is what a stranger got from an operation.
enum class Outcome : std::uint8_t {
  refused,   // as it should be
  open,      // answered, and described as public
  answered,  // a hole
  unclear,   // neither a refusal nor an answer: give a credential file with @value lines
  not_asked  // it writes, and was not allowed
};
std::string_view words_of(Outcome outcome, bool urdu);

struct Visit {
  std::string method, path;
  bool is_public = false;
  Outcome outcome{};
  unsigned stranger_status = 0, own_status = 0;  // 0: not asked, or the connection was refused
};

struct Report {
  std::string title, origin;
  std::uint64_t asked = 0;  // requests, those of earlier runs included
  std::size_t resumed = 0;  // operations taken over from the journal
  std::string began;        // 2026-11-22T18:00:00Z
  std::vector<Visit> visits;
  std::vector<Finding> findings;  // by weight, then path, verb and kind
  std::vector<std::string> notes;
  bool had_own = false, had_other = false, had_expired = false;
};

/// Writes says whether operations that write may be asked.
enum class Writes : std::uint8_t { none, as_asked, all };

struct Options {
  std::string description;  // the OpenAPI file's content, JSON or YAML
  std::string url;          // http(s)://host[:port][/base/path]
  std::string ca_file;      // empty: the system's authorities
  const registry::Catalog* catalog = nullptr;
  std::optional<Credential> own, other, expired;
  Writes writes = Writes::none;
  std::function<bool(std::string_view method, std::string_view path)> may_write;  // for as_asked
  unsigned per_second = 20, seconds_max = 10;
  std::string journal_file;  // what was done is kept here and not done again; empty: nowhere
  std::function<void(std::size_t done, std::size_t total, std::uint64_t asked)> progress;
};

/// run_probe does it all. Errors: description_wrong, malformed_json, malformed_yaml, body_too_large
/// (the description), usage_wrong (the address, a journal of another run), peer_unreachable,
/// peer_untrusted, file_failed, key_missing.
Result<Report> run_probe(const Options& options);

/// PageOptions: the language the page opens in, and an Urdu font (WOFF2) to put into it; without
/// one it takes what the reader's machine has.
struct PageOptions {
  enum class Language : std::uint8_t { english, urdu };
  Language language = Language::english;
  std::string_view font;
};

/// The report for machines (one JSON object) and for people (one HTML file in English and Urdu that
/// needs nothing else). Neither holds a personal value.
std::string report_json(const Report& report);
std::string report_html(const Report& report, const PageOptions& options);

}  // namespace amanat::probe
