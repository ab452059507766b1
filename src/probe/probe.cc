#include "probe/probe.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "probe/examine.h"
#include "probe/journal.h"

namespace amanat::probe {
namespace {

struct Target {
  std::string origin, base;
};

// target_of splits an address into its origin and the path all operations are under.
Result<Target> target_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos)
    return fail(Reason::usage_wrong, "the address begins with https:// or http://");
  const auto slash = std::min(url.find('/', scheme + 3), url.size());
  Target made{std::string(url.substr(0, slash)), std::string(url.substr(slash))};
  while (made.base.ends_with('/')) made.base.pop_back();
  for (const char c : made.base)
    if (c <= 0x20 || c >= 0x7F || c == '?' || c == '#')
      return fail(Reason::usage_wrong, "the address holds a query, a fragment or an odd character");
  return made;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm t{};
  ::gmtime_r(&now, &t);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t);
  return text;
}

// fingerprint says which question a journal belongs to; it holds no credential.
std::string fingerprint(const Options& options) {
  std::string text = options.description + '\0' + options.url + '\0';
  for (const auto* one : {&options.own, &options.other, &options.expired})
    text += one->has_value() ? '1' : '0';
  text += static_cast<char>('0' + static_cast<int>(options.writes));
  return crypto::hex(crypto::sha256(text));
}

bool may_ask(const Options& options, const Operation& operation) {
  if (!operation.writes() || options.writes == Writes::all) return true;
  return options.writes == Writes::as_asked && options.may_write &&
         options.may_write(operation.method, operation.path);
}

// meet asks for what nobody has, to know how this app says no.
Result<void> meet(Scene& scene) {
  Ask ask;
  ask.method = "GET";
  ask.path = nonsense_path();
  Ask alive = ask;
  if (scene.options.own) show(alive, *scene.options.own);
  scene.asker.alive_by(alive);
  std::vector<std::string> methods = {"GET", "HEAD", "OPTIONS", "PROPFIND", "get"};
  if (scene.options.writes == Writes::all)
    methods.insert(methods.end(), {"POST", "PUT", "PATCH", "DELETE"});
  for (const auto& method : methods) {
    ask.method = method;
    ask.body = method == "POST" || method == "PUT" || method == "PATCH" ? "{}" : "";
    ask.media = ask.body.empty() ? "" : "application/json";
    auto look = scene.asker.ask(ask);
    if (!look) return std::unexpected(look.error());
    scene.nonsense[method] = *std::move(look);
  }
  for (const auto& operation : scene.description.operations())
    if (operation.is_public && operation.method == "GET" &&
        operation.path.find('{') == std::string::npos &&
        (scene.open_path.empty() || operation.path.size() < scene.open_path.size()))
      scene.open_path = operation.path;
  return {};
}

// A verb that was forgotten on a path whose other verbs are protected has a name of its own.
void name_forgotten_verbs(Report& report) {
  std::set<std::string> protected_paths;
  for (const auto& visit : report.visits)
    if (!visit.is_public && visit.outcome == Outcome::refused) protected_paths.insert(visit.path);
  for (auto& finding : report.findings)
    if (finding.kind == Kind::no_credential && protected_paths.contains(finding.path))
      finding.kind = Kind::verb_unprotected;
}

void take(Report& report, const Examined& examined) {
  report.visits.push_back(examined.visit);
  report.findings.insert(report.findings.end(), examined.findings.begin(), examined.findings.end());
}

void sort_findings(Report& report) {
  const auto key = [](const Finding& f) {
    return std::tuple(static_cast<int>(row_of(f.kind).weight), f.path, f.method,
                      static_cast<int>(f.kind));
  };
  std::sort(report.findings.begin(), report.findings.end(),
            [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
}

void add_notes(Report& report, const Options& options, const Description& description) {
  report.notes = description.notes();
  const auto of = [&](Outcome outcome) {
    return std::count_if(report.visits.begin(), report.visits.end(),
                         [outcome](const Visit& v) { return v.outcome == outcome; });
  };
  if (!options.own)
    report.notes.push_back(
        "no credential was given: what the rightful caller gets is unknown, and less could be "
        "compared");
  if (!options.other)
    report.notes.push_back(
        "no other user's credential was given: whether one user sees another's records was not "
        "asked");
  if (!options.expired)
    report.notes.push_back(
        "no expired credential was given: whether expiry is checked was not asked");
  const auto refused = std::count_if(
      report.visits.begin(), report.visits.end(),
      [](const Visit& v) { return !v.is_public && (v.own_status == 401 || v.own_status == 403); });
  if (refused > 0)
    report.notes.push_back("the credential given was itself refused by " + std::to_string(refused) +
                           " operations");
  if (of(Outcome::not_asked) > 0)
    report.notes.push_back(std::to_string(of(Outcome::not_asked)) +
                           " operations write and were not asked; --writes allows them");
  if (of(Outcome::unclear) > 0)
    report.notes.push_back(std::to_string(of(Outcome::unclear)) +
                           " operations neither answered nor refused a stranger; @value lines in "
                           "the credential file name records that exist");
}

}  // namespace

Result<Report> run_probe(const Options& options) {
  insist(options.catalog != nullptr);
  insist(options.per_second > 0 && options.seconds_max > 0);
  auto target = target_of(options.url);
  if (!target) return std::unexpected(target.error());
  auto description = Description::read(options.description);
  if (!description) return std::unexpected(description.error());
  auto journal = Journal::open(options.journal_file, fingerprint(options));
  if (!journal) return std::unexpected(journal.error());
  net::ForeignOptions foreign;
  foreign.origin = target->origin;
  foreign.ca_file = options.ca_file;
  foreign.seconds_max = options.seconds_max;
  auto opened = net::Foreign::open(foreign);
  if (!opened) return std::unexpected(opened.error());

  const registry::Recogniser recogniser(*options.catalog);
  Asker asker(*std::move(opened), target->base, recogniser, options.per_second);
  Scene scene{options, *description, asker, {}, {}};
  Report report;
  report.title = description->title();
  report.origin = target->origin + target->base;
  report.began = now_text();
  report.had_own = options.own.has_value();
  report.had_other = options.other.has_value();
  report.had_expired = options.expired.has_value();
  if (auto met = meet(scene); !met) return std::unexpected(met.error());

  std::map<std::string, const Examined*> done;
  for (const auto& one : journal->done())
    done.emplace(one.visit.method + " " + one.visit.path, &one);
  const std::size_t total = description->operations().size() + 1;
  std::size_t count = 0;
  const auto asked = [&] { return journal->asked() + asker.asked(); };
  for (const auto& operation : description->operations()) {
    if (options.progress) options.progress(count++, total, asked());
    if (const auto before = done.find(operation.name()); before != done.end()) {
      take(report, *before->second);
      ++report.resumed;
      continue;
    }
    Examined one;
    one.visit = {operation.method, operation.path, operation.is_public, Outcome::not_asked, 0, 0};
    if (may_ask(options, operation)) {
      auto examined = examine(scene, operation);
      if (!examined) return std::unexpected(examined.error());
      one = *std::move(examined);
    }
    if (const auto kept = journal->add(one, asked()); !kept) return std::unexpected(kept.error());
    take(report, one);
  }
  if (options.progress) options.progress(count, total, asked());
  auto around = look_around(scene);
  if (!around) return std::unexpected(around.error());
  for (auto& one : *around) report.findings.push_back(std::move(one));
  report.asked = asked();
  name_forgotten_verbs(report);
  sort_findings(report);
  add_notes(report, options, *description);
  return report;
}

std::string report_json(const Report& report) {
  net::JsonWriter json;
  json.begin_object();
  json.key("title").string(report.title);
  json.key("origin").string(report.origin);
  json.key("began").string(report.began);
  json.key("asked").number(report.asked);
  json.key("resumed").number(report.resumed);
  json.key("holes").number(report.findings.size());
  json.key("credentials").begin_object();
  json.key("own")
      .boolean(report.had_own)
      .key("other")
      .boolean(report.had_other)
      .key("expired")
      .boolean(report.had_expired);
  json.end_object();
  json.key("findings").begin_array();
  for (const auto& one : report.findings) append_finding(json, one);
  json.end_array();
  json.key("operations").begin_array();
  for (const auto& one : report.visits) append_visit(json, one);
  json.end_array();
  json.key("notes").begin_array();
  for (const auto& one : report.notes) json.string(one);
  json.end_array().end_object();
  return json.take();
}

}  // namespace amanat::probe
