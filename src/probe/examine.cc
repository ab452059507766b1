// The order matters: what a stranger gets decides what is worth trying. An operation that answers
// anybody has one hole, not thirty; a credential that is not checked makes its expiry moot.

#include "probe/examine.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "probe/variants.h"

namespace amanat::probe {
namespace {

constexpr std::size_t kPeopleMost = 200;  // in one answer; beyond it a listing is a copy
constexpr std::size_t kValueLeast = 6;    // bytes; shorter values occur by chance
constexpr std::string_view kForeignOrigin = "https://probe.invalid";
constexpr std::string_view kPageWords[] = {
    "limit",    "size",    "count",    "top",  "take", "page_size", "pageSize",
    "per_page", "perPage", "pagesize", "$top", "max",  "maxResults"};

class Examiner {
 public:
  Examiner(const Scene& scene, const Operation& operation)
      : scene_(scene),
        operation_(operation),
        own_(scene.options.own ? &*scene.options.own : nullptr) {
    out_.visit.method = operation.method;
    out_.visit.path = operation.path;
    out_.visit.is_public = operation.is_public;
  }

  Result<Examined> run();

 private:
  // Kept looks at a reply for what no reply should show, and hands it on.
  Result<Look> ask(const Ask& ask, std::string_view what);
  Result<Look> ask_at(const Ask& ask, const std::string& target, std::string_view what);
  void notice(const Look& look, std::string_view what);

  Result<void> rightful_and_stranger();
  Result<void> ways_around();
  Result<void> path_ways();
  Result<void> verb_ways();
  Result<void> header_ways();
  Result<void> media_ways();
  Result<void> wrong_credentials();
  Result<void> credential_in_url();
  Result<void> cross_origin();
  Result<void> other_user();
  Result<void> pages();
  Result<void> broken_values();
  void judge_answer();

  bool answers(const Look& look) const {
    const auto at = scene_.nonsense.find(operation_.method);
    return answered(look, rightful(), at == scene_.nonsense.end() ? nullptr : &at->second,
                    operation_);
  }
  const Look* rightful() const { return rightful_.good() ? &rightful_ : nullptr; }
  Ask stranger() const { return fill(operation_, own_); }
  Ask own() const {
    Ask ask = stranger();
    if (own_ != nullptr) show(ask, *own_);
    return ask;
  }
  Finding& found(Kind kind, const Look& look, std::string_view how);

  const Scene& scene_;
  const Operation& operation_;
  const Credential* own_;
  Look rightful_, stranger_;
  bool through_ = false;    // a stranger gets in
  bool unchecked_ = false;  // any credential is accepted
  Examined out_;
};

// found adds to the finding of that kind, or begins it.
Finding& Examiner::found(Kind kind, const Look& look, std::string_view how) {
  for (auto& one : out_.findings) {
    if (one.kind != kind) continue;
    if (!how.empty() && std::find(one.how.begin(), one.how.end(), how) == one.how.end())
      one.how.emplace_back(how);
    if (one.personal.empty() && look.personal()) one.personal = counted(look.sightings);
    return one;
  }
  Finding made;
  made.kind = kind;
  made.method = operation_.method;
  made.path = operation_.path;
  if (!how.empty()) made.how.emplace_back(how);
  made.status = look.status;
  made.difference = difference(look, rightful());
  if (look.personal()) made.personal = counted(look.sightings);
  out_.findings.push_back(std::move(made));
  return out_.findings.back();
}

void Examiner::notice(const Look& look, std::string_view what) {
  if (look.status >= 400 && look.personal()) found(Kind::personal_in_error, look, what);
  if (look.shows_inside && (look.status >= 400 || look.says_error))
    found(Kind::stack_trace, look, what);
  if (look.personal() && !scene_.asker.encrypted()) found(Kind::plain_http, look, "");
}

Result<Look> Examiner::ask(const Ask& ask, std::string_view what) {
  return ask_at(ask, target_of(ask, scene_.asker.base()), what);
}

Result<Look> Examiner::ask_at(const Ask& ask, const std::string& target, std::string_view what) {
  auto look = scene_.asker.ask_target(ask, target);
  if (look) notice(*look, what);
  return look;
}

Result<void> Examiner::rightful_and_stranger() {
  // A rightful DELETE would leave nothing to compare with, and nothing at all.
  if (own_ != nullptr && operation_.method != "DELETE") {
    auto look = ask(own(), "a rightful request");
    if (!look) return std::unexpected(look.error());
    rightful_ = *std::move(look);
    out_.visit.own_status = rightful_.status;
  }
  auto look = ask(stranger(), "a request without a credential");
  if (!look) return std::unexpected(look.error());
  stranger_ = *std::move(look);
  out_.visit.stranger_status = stranger_.status;
  return {};
}

Result<Examined> Examiner::run() {
  if (auto asked = rightful_and_stranger(); !asked) return std::unexpected(asked.error());
  through_ = answers(stranger_);
  Visit& visit = out_.visit;
  if (operation_.is_public) {
    visit.outcome = Outcome::open;
    if (through_ && stranger_.personal()) found(Kind::public_personal, stranger_, "");
  } else if (through_) {
    visit.outcome = Outcome::answered;
    found(Kind::no_credential, stranger_, "");
  } else {
    visit.outcome =
        stranger_.refuses() || rightful() != nullptr ? Outcome::refused : Outcome::unclear;
  }
  if (!operation_.is_public) {
    if (!through_)
      if (auto done = ways_around(); !done) return std::unexpected(done.error());
    judge_answer();
    for (auto step : {&Examiner::cross_origin, &Examiner::other_user, &Examiner::pages})
      if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
  }
  if (auto done = broken_values(); !done) return std::unexpected(done.error());
  return std::move(out_);
}

Result<void> Examiner::ways_around() {
  for (auto step :
       {&Examiner::path_ways, &Examiner::verb_ways, &Examiner::header_ways, &Examiner::media_ways,
        &Examiner::wrong_credentials, &Examiner::credential_in_url})
    if (auto done = (this->*step)(); !done) return done;
  return {};
}

Result<void> Examiner::path_ways() {
  const Ask plain = stranger();
  for (const auto& variant :
       path_variants(scene_.asker.base(), plain.path, plain.query, scene_.open_path)) {
    const auto look = ask_at(plain, variant.target, variant.what);
    if (!look) return std::unexpected(look.error());
    if (answers(*look)) found(Kind::path_variant, *look, variant.what);
  }
  return {};
}

Result<void> Examiner::verb_ways() {
  Ask ask_as = stranger();
  if (!operation_.writes()) {
    for (const std::string_view verb : {"HEAD", "OPTIONS", "PROPFIND", "get"}) {
      if (verb == operation_.method) continue;
      ask_as.method = verb;
      const auto look = ask(ask_as, verb);
      if (!look) return std::unexpected(look.error());
      const auto at = scene_.nonsense.find(std::string(verb));
      const bool as_nonsense = at != scene_.nonsense.end() && alike(*look, at->second);
      // HEAD has no body by definition: its status is the answer.
      const bool in =
          verb == "HEAD" ? look->good() && !as_nonsense : answers(*look) && !as_nonsense;
      if (in) found(Kind::method_variant, *look, verb);
    }
    ask_as.method = operation_.method;
    for (const std::string_view verb : {"HEAD", "OPTIONS"})
      for (const auto& variant : override_headers(verb)) {
        Ask with = ask_as;
        with.headers.insert(with.headers.end(), variant.headers.begin(), variant.headers.end());
        const std::string what = std::string(variant.what) + ": " + std::string(verb);
        const auto look = ask(with, what);
        if (!look) return std::unexpected(look.error());
        if (answers(*look)) found(Kind::method_variant, *look, what);
      }
  }
  // POST carrying another verb: only where a POST may be sent at all.
  const bool may_post = operation_.writes() || scene_.options.writes == Writes::all;
  if (!may_post || operation_.method == "POST") return {};
  for (const auto& variant : override_headers(operation_.method)) {
    Ask with = ask_as;
    with.method = "POST";
    with.headers.insert(with.headers.end(), variant.headers.begin(), variant.headers.end());
    const std::string what = "POST with " + std::string(variant.what);
    const auto look = ask(with, what);
    if (!look) return std::unexpected(look.error());
    const auto at = scene_.nonsense.find("POST");
    if (answers(*look) && !(at != scene_.nonsense.end() && alike(*look, at->second)))
      found(Kind::method_variant, *look, what);
  }
  return {};
}

Result<void> Examiner::header_ways() {
  const Ask plain = stranger();
  for (const auto& variant : trusted_headers(target_of(plain, scene_.asker.base()))) {
    Ask with = plain;
    with.headers.insert(with.headers.end(), variant.headers.begin(), variant.headers.end());
    const auto look = ask(with, variant.what);
    if (!look) return std::unexpected(look.error());
    if (answers(*look)) found(Kind::header_trusted, *look, variant.what);
    // The same, asked at the public path: the app may go where the header says.
    if (!variant.what.ends_with("-URL") || scene_.open_path.empty()) continue;
    with.path = scene_.open_path;
    with.query.clear();
    const auto there = ask(with, variant.what);
    if (!there) return std::unexpected(there.error());
    if (there->personal()) found(Kind::header_trusted, *there, variant.what);
  }
  return {};
}

Result<void> Examiner::media_ways() {
  const Ask plain = stranger();
  if (operation_.writes() && !plain.body.empty()) {
    for (const std::string_view media :
         {"text/plain", "application/xml", "application/x-www-form-urlencoded",
          "application/json; charset=utf-7", "multipart/form-data; boundary=x"}) {
      if (plain.media == media) continue;
      Ask with = plain;
      with.media = media;
      const auto look = ask(with, media);
      if (!look) return std::unexpected(look.error());
      if (answers(*look)) found(Kind::media_variant, *look, "Content-Type: " + std::string(media));
    }
  }
  for (const std::string_view media :
       {"application/xml", "text/csv", "text/html", "application/octet-stream"}) {
    Ask with = plain;
    with.headers.emplace_back("Accept", media);
    const auto look = ask(with, media);
    if (!look) return std::unexpected(look.error());
    const bool other_form =
        look->personal() || (look->good() && rightful() != nullptr && look->hash == rightful_.hash);
    if (other_form && answers(*look))
      found(Kind::media_variant, *look, "Accept: " + std::string(media));
  }
  return {};
}

Result<void> Examiner::wrong_credentials() {
  const auto with_headers = [&](auto&& change) {
    Ask with = stranger();
    if (own_ != nullptr)
      for (const auto& [name, value] : own_->headers)
        with.headers.emplace_back(name, change(name, value));
    return with;
  };
  if (own_ == nullptr || !own_->headers.empty()) {
    Ask with = with_headers([](const auto&, const std::string& value) { return made_up(value); });
    if (own_ == nullptr) with.headers.emplace_back("Authorization", "Bearer qqqqqqqqqqqqqqqq");
    const auto look = ask(with, "a made-up credential");
    if (!look) return std::unexpected(look.error());
    if (answers(*look)) {
      found(Kind::any_credential, *look, "");
      unchecked_ = true;
    }
  }
  if (unchecked_) return {};
  if (own_ != nullptr) {
    for (const auto& [name, value] : own_->headers)
      for (const auto& [what, broken] : broken_tokens(value)) {
        const Ask with = with_headers(
            [&](const std::string& n, const std::string& v) { return n == name ? broken : v; });
        const auto look = ask(with, what);
        if (!look) return std::unexpected(look.error());
        if (answers(*look)) found(Kind::unsigned_token, *look, what);
      }
  }
  if (!scene_.options.expired) return {};
  Ask with = fill(operation_, own_ != nullptr ? own_ : &*scene_.options.expired);
  show(with, *scene_.options.expired);
  const auto look = ask(with, "an expired credential");
  if (!look) return std::unexpected(look.error());
  if (answers(*look)) found(Kind::expired_credential, *look, "");
  return {};
}

Result<void> Examiner::credential_in_url() {
  if (own_ == nullptr || unchecked_ || own_->headers.empty()) return {};
  std::vector<std::string> names = {"access_token", "token", "api_key", "apikey"};
  for (const auto& name : scene_.description.url_keys())
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  const std::string& value = own_->headers.front().second;
  const auto space = value.find_last_of(" =");
  const std::string token = space == std::string::npos ? value : value.substr(space + 1);
  for (const auto& name : names) {
    Ask with = stranger();
    with.query += (with.query.empty() ? "" : "&") + encoded(name) + "=" + encoded(token);
    const auto look = ask(with, "the credential in the address");
    if (!look) return std::unexpected(look.error());
    if (answers(*look)) found(Kind::credential_in_url, *look, "?" + plain_member(name) + "=");
  }
  return {};
}

// judge_answer looks at what the rightful caller got.
void Examiner::judge_answer() {
  const Look* look = rightful() != nullptr ? rightful() : through_ ? &stranger_ : nullptr;
  if (look == nullptr) return;
  const auto& recogniser = scene_.asker.recogniser();
  Excess beyond = excess(*look, operation_.answer, scene_.description, recogniser);
  if (!beyond.members.empty()) {
    Finding& finding = found(Kind::excess_fields, *look, "");
    finding.how = std::move(beyond.members);
    finding.personal = counted(beyond.sightings);
    finding.difference = Difference::unknown;
  }
  if (look->people > kPeopleMost) found(Kind::bulk_listing, *look, "as described");
  if (counted_through(*look, recogniser)) found(Kind::sequential_ids, *look, "");
  const std::string& caching = look->cache_control;
  const auto says = [&](std::string_view word) { return caching.find(word) != caching.npos; };
  const bool kept =
      says("public") || says("s-maxage=") ||
      (says("max-age=") && !says("max-age=0") && !says("private")) ||
      (caching.empty() && !look->expires.empty() && look->expires != "0" && look->expires != "-1");
  if (look->personal() && kept && !says("no-store") && !says("no-cache"))
    found(Kind::cacheable, *look, caching.empty() ? "Expires" : "Cache-Control");
}

Result<void> Examiner::cross_origin() {
  if (operation_.writes() || (rightful() == nullptr && !through_)) return {};
  Ask with = own();
  with.headers.emplace_back("Origin", kForeignOrigin);
  const auto look = ask(with, "a foreign origin");
  if (!look) return std::unexpected(look.error());
  const bool any = look->allow_origin == kForeignOrigin || look->allow_origin == "*" ||
                   look->allow_origin == "null";
  if (look->good() && any && look->allow_credentials == "true") found(Kind::cors_any, *look, "");
  return {};
}

Result<void> Examiner::other_user() {
  if (own_ == nullptr || !scene_.options.other || through_ || unchecked_) return {};
  Ask theirs = fill(operation_, own_);
  if (operation_.writes() && !theirs.own_value) return {};
  if (rightful() == nullptr && !operation_.writes()) return {};
  const bool object = theirs.own_value;
  show(theirs, *scene_.options.other);
  const auto look = ask(theirs, "another user's credential");
  if (!look) return std::unexpected(look.error());
  if (!answers(*look)) return {};
  if (object) {
    const bool same =
        rightful() != nullptr && (look->hash == rightful_.hash ||
                                  (!rightful_.sightings.empty() && shares(*look, rightful_)));
    if (same || (operation_.writes() && look->good())) found(Kind::other_object, *look, "");
    return {};
  }
  // A list: does it hold what only the first user may see?
  for (const auto& [name, value] : own_->values) {
    if (value.size() < kValueLeast) continue;
    const auto holds = [&](const Look& one) {
      std::set<std::string> normal = {value};
      for (auto& s : scene_.asker.recogniser().in_member(name, value))
        normal.insert(std::move(s.normal));
      return std::any_of(one.sightings.begin(), one.sightings.end(),
                         [&](const auto& s) { return normal.contains(s.normal); });
    };
    if (holds(*look) && holds(rightful_)) {
      found(Kind::other_list, *look, "");
      return {};
    }
  }
  return {};
}

Result<void> Examiner::pages() {
  const bool lists = rightful_.people > 0 || (through_ && stranger_.people > 0);
  if (!lists || operation_.writes()) return {};
  std::vector<std::pair<std::string, std::optional<std::uint64_t>>> words;
  for (const auto& p : operation_.parameters)
    if (p.in == Parameter::In::query &&
        std::find(std::begin(kPageWords), std::end(kPageWords), p.name) != std::end(kPageWords))
      words.emplace_back(p.name, p.maximum);
  if (words.empty()) words = {{"limit", {}}, {"page_size", {}}, {"per_page", {}}, {"size", {}}};
  for (const auto& [word, most] : words) {
    Ask with = own();
    // The same parameter twice would be read in two ways.
    std::string kept;
    for (std::string_view left = with.query; !left.empty();) {
      const auto end = std::min(left.find('&'), left.size());
      const auto one = left.substr(0, end);
      left.remove_prefix(std::min(end + 1, left.size()));
      if (!one.starts_with(encoded(word) + "="))
        kept += (kept.empty() ? "" : "&") + std::string(one);
    }
    with.query = kept + (kept.empty() ? "" : "&") + encoded(word) + "=100000";
    const auto look = ask(with, "a large page");
    if (!look) return std::unexpected(look.error());
    const bool beyond = look->people > kPeopleMost || (most && look->people > *most);
    if (look->good() && beyond) found(Kind::bulk_listing, *look, plain_member(word) + "=100000");
  }
  return {};
}

// broken_values asks for what cannot be: errors are where programs talk.
Result<void> Examiner::broken_values() {
  std::vector<std::pair<Ask, std::string_view>> asks;
  const bool named = std::any_of(
      operation_.parameters.begin(), operation_.parameters.end(),
      [](const auto& p) { return p.in == Parameter::In::path || p.in == Parameter::In::query; });
  // Nothing is deleted by a wrong name, and nothing written under one that might exist.
  if (named && operation_.method != "DELETE")
    for (const std::string_view value : {"'", "0", "999999999"})
      if (value == "'" || !operation_.writes())
        asks.emplace_back(fill_with(operation_, value), "a value that cannot be");
  if (operation_.writes() && !operation_.media.empty() && operation_.method != "DELETE") {
    Ask bent = fill(operation_, own_);
    bent.body = "{";
    asks.emplace_back(std::move(bent), "a body cut short");
  }
  for (auto& [one, what] : asks) {
    if (own_ != nullptr) show(one, *own_);
    const auto look = ask(one, what);
    if (!look) return std::unexpected(look.error());
  }
  return {};
}

constexpr std::string_view kNeighbours[] = {"/actuator",
                                            "/actuator/env",
                                            "/actuator/httptrace",
                                            "/actuator/mappings",
                                            "/swagger",
                                            "/swagger-ui.html",
                                            "/swagger-ui/",
                                            "/v2/api-docs",
                                            "/v3/api-docs",
                                            "/api-docs",
                                            "/openapi.json",
                                            "/.env",
                                            "/.git/HEAD",
                                            "/metrics",
                                            "/debug",
                                            "/debug/pprof/",
                                            "/debug/vars",
                                            "/server-status",
                                            "/phpinfo.php",
                                            "/h2-console",
                                            "/console",
                                            "/admin",
                                            "/_profiler",
                                            "/trace",
                                            "/heapdump",
                                            "/dump.sql",
                                            "/backup.sql",
                                            "/config.json",
                                            "/WEB-INF/web.xml",
                                            "/elmah.axd"};

}  // namespace

Result<Examined> examine(const Scene& scene, const Operation& operation) {
  Examiner examiner(scene, operation);
  return examiner.run();
}

Result<std::vector<Finding>> look_around(const Scene& scene) {
  std::vector<Finding> findings;
  const auto at = scene.nonsense.find("GET");
  Operation any;
  any.method = "GET";
  for (const std::string_view path : kNeighbours) {
    if (scene.description.describes(path)) continue;
    Ask ask;
    ask.method = "GET";
    ask.path = path;
    const auto look = scene.asker.ask(ask);
    if (!look) return std::unexpected(look.error());
    if (!answered(*look, nullptr, at == scene.nonsense.end() ? nullptr : &at->second, any))
      continue;
    Finding made;
    made.kind = Kind::neighbour;
    made.method = "GET";
    made.path = path;
    made.status = look->status;
    made.personal = counted(look->sightings);
    findings.push_back(std::move(made));
  }
  return findings;
}

std::string nonsense_path() {
  std::uint8_t bytes[8];
  crypto::random_bytes(bytes);
  return "/amanat-probe-" + crypto::hex(bytes);
}

}  // namespace amanat::probe
