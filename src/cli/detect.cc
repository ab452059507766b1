// amanat detect report, hold announce, hold follow: what shows over weeks and between officers, an
// operation announced beforehand, and alerts as a stream of findings for a SIEM.

#include <charconv>
#include <chrono>
#include <ctime>
#include <thread>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "lookup/looks.h"
#include "net/json.h"

namespace amanat::cli {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);
constexpr std::uint64_t kDayMs = 86'400'000;

std::string rfc3339(std::uint64_t ms) {
  const auto s = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&s, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return date;
}

Result<std::uint64_t> time_of(const Call& call, std::string_view option, std::uint64_t otherwise) {
  if (!call.has(option)) return otherwise;
  std::string text = call.option(option);
  if (text.size() == 10) text += "T00:00:00Z";
  const auto moment = lookup::moment_of(text);
  if (!moment)
    return fail(Reason::usage_wrong,
                "--" + std::string(option) + " is like 2026-03-01 or 2026-03-01T08:00:00Z");
  return number(*moment);
}

std::string names(const std::vector<Asker>& all, const detection::Found& found) {
  std::string out;
  for (const AccountId account : found.accounts) {
    std::string id = "account " + std::to_string(number(account));
    for (const Asker& a : all)
      if (a.account == account) id = a.id;
    out += (out.empty() ? "" : ", ") + visible(id);
  }
  return out;
}

std::string report_json(const server::DetectionReport& report, const std::vector<Asker>& all) {
  net::JsonWriter json;
  json.begin_object().key("from").string(rfc3339(number(report.from)));
  json.key("until").string(rfc3339(number(report.until)));
  json.key("lookups").number(report.lookups).key("officers").number(report.officers);
  json.key("found").begin_array();
  for (const detection::Found& found : report.found) {
    const detection::RuleRow& row = detection::row_of(found.rule);
    json.begin_object().key("rule").string(row.id).key("tier").string(word_of(row.tier));
    json.key("says").string(row.english).key("says_urdu").string(row.urdu);
    json.key("accounts").begin_array();
    for (const AccountId account : found.accounts) {
      std::string id = std::to_string(number(account));
      for (const Asker& a : all)
        if (a.account == account) id = a.id;
      json.string(id);
    }
    json.end_array().key("score").raw(detection::number_text(found.score));
    json.key("threshold").raw(detection::number_text(found.threshold));
    json.key("numbers").string(found.numbers).key("entries").begin_array();
    for (const std::uint64_t entry : found.entries) json.number(entry);
    json.end_array().end_object();
  }
  json.end_array().key("alerts").begin_object();
  for (const auto& [rule, count] : report.alerts) json.key(rule).number(count);
  json.end_object().key("recorded").begin_array();
  for (const std::uint64_t entry : report.recorded) json.number(entry);
  json.end_array().end_object();
  return json.take() + "\n";
}

std::string report_for_people(const server::DetectionReport& report, const std::vector<Asker>& all,
                              const Manner& manner) {
  std::string out = rfc3339(number(report.from)) + " to " + rfc3339(number(report.until)) + ": " +
                    grouped(report.lookups) + " lookups of " + grouped(report.officers) +
                    " officers.\n";
  for (const auto& [rule, count] : report.alerts)
    out += "  " + grouped(count) + " x " + rule + "\n";
  if (report.found.empty()) out += "\nBetween the officers nothing shows.\n";
  for (const detection::Found& found : report.found) {
    const detection::RuleRow& row = detection::row_of(found.rule);
    out += "\n" + painted(manner, Paint::strong, std::string(row.id)) + "  " + names(all, found) +
           "\n" + wrapped(manner.urdu ? row.urdu : row.english, 96, "    ");
    if (out.back() != '\n') out += "\n";
    out += "    " + found.numbers + " (score " + detection::number_text(found.score) +
           ", threshold " + detection::number_text(found.threshold) + ")\n";
    std::string entries;
    for (const std::uint64_t entry : found.entries) entries += ' ' + std::to_string(entry);
    if (!entries.empty()) out += wrapped("entries" + entries, 96, "    ");
    if (out.back() != '\n') out += "\n";
  }
  if (!report.recorded.empty()) {
    out += "\nRecorded as entries";
    for (const std::uint64_t entry : report.recorded) out += ' ' + std::to_string(entry);
    out += ".\n";
  }
  return out;
}

// From informational to critical: OCSF's severity_id.
unsigned severity_of(std::string_view tier) {
  if (tier == "report") return 1;
  if (tier == "review" || tier == "friction") return 2;
  if (tier == "hold") return 3;
  if (tier == "silent" || tier == "close_class") return 4;
  return 5;
}

void put_ecs(net::JsonWriter& json, const net::Json& a) {  // Elastic Common Schema 8
  const std::string rule = member_text(a, "rule"), tier = member_text(a, "tier");
  json.begin_object().key("@timestamp").string(rfc3339(number_at(a, "at")));
  json.key("ecs").begin_object().key("version").string("8.11.0").end_object();
  json.key("event").begin_object().key("kind").string("alert");
  json.key("category").begin_array().string("intrusion_detection").end_array();
  json.key("type").begin_array();
  json.string(severity_of(tier) >= 3 || tier == "friction" ? "denied" : "info").end_array();
  json.key("action").string(rule).key("severity").number(severity_of(tier));
  json.key("sequence").number(number_at(a, "entry")).key("dataset").string("amanat.alerts");
  json.end_object();
  json.key("rule").begin_object().key("id").string(rule).key("description");
  json.string(member_text(a, "says")).end_object();
  json.key("user").begin_object().key("id").string(member_text(a, "account")).end_object();
  if (const std::string device = member_text(a, "device"); !device.empty())
    json.key("device").begin_object().key("id").string(device).end_object();
  json.key("labels").begin_object().key("tier").string(tier).key("unit");
  json.string(member_text(a, "unit")).key("case").string(member_text(a, "case")).end_object();
  json.end_object();
}

void put_ocsf(net::JsonWriter& json, const net::Json& a) {  // OCSF 1.3, Detection Finding (2004)
  const std::string rule = member_text(a, "rule"), tier = member_text(a, "tier");
  const std::uint64_t entry = number_at(a, "entry");
  json.begin_object().key("class_uid").number(2004).key("category_uid").number(2);
  json.key("activity_id").number(1).key("type_uid").number(200401);
  json.key("severity_id").number(severity_of(tier)).key("status_id").number(1);
  json.key("time").number(number_at(a, "at"));
  json.key("finding_info").begin_object().key("uid").string("entry/" + std::to_string(entry));
  json.key("title").string(rule).key("desc").string(member_text(a, "says"));
  json.key("analytic").begin_object().key("type_id").number(1).key("uid").string(rule);
  json.end_object().end_object();
  json.key("resources").begin_array().begin_object().key("type").string("account");
  json.key("uid").string(member_text(a, "account")).end_object().end_array();
  json.key("metadata").begin_object().key("version").string("1.3.0").key("sequence").number(entry);
  json.key("product").begin_object().key("name").string("Amanat").key("vendor_name");
  json.string("Amanat").end_object().end_object();
  json.key("unmapped").begin_object().key("tier").string(tier).key("entry").number(entry);
  json.key("unit").string(member_text(a, "unit")).key("case").string(member_text(a, "case"));
  json.key("device").string(member_text(a, "device")).end_object();
  json.end_object();
}

std::string finding_of(std::string_view format, const net::Json& a) {
  if (format == "text")
    return rfc3339(number_at(a, "at")) + "  " + std::to_string(number_at(a, "entry")) + "  " +
           visible(member_text(a, "account")) + "  " + member_text(a, "tier") + "  " + member_text(a, "rule") +
           "\n";
  net::JsonWriter json;
  if (format == "ecs") {
    put_ecs(json, a);
  } else if (format == "ocsf") {
    put_ocsf(json, a);
  } else {
    json.begin_object().key("time").string(rfc3339(number_at(a, "at")));
    json.key("entry").number(number_at(a, "entry"));
    for (const char* key : {"rule", "tier", "says", "account", "device", "unit", "case"})
      json.key(key).string(member_text(a, key));
    json.end_object();
  }
  return json.take() + "\n";
}

}  // namespace

int run_detect_report(server::Exchange& exchange, const Call& call, const Emit& emit) {
  // Whole days, so that a timer that runs a little late or twice makes the same report.
  const std::uint64_t midnight = number(now()) / kDayMs * kDayMs;
  auto until = time_of(call, "to", midnight);
  if (!until) return complain(emit, call.manner, until.error());
  auto from =
      time_of(call, "from", *until - std::min(*until, (call.has("month") ? 30 : 7) * kDayMs));
  if (!from) return complain(emit, call.manner, from.error());
  if (*from >= *until)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--from is not before --to"});
  auto report = exchange.report(
      Moment{*from}, Moment{*until},
      call.has("record") ? server::Exchange::Recording::yes : server::Exchange::Recording::no);
  if (!report) return complain(emit, call.manner, report.error());
  const std::vector<Asker> all = exchange.identity().accounts();
  emit(1,
       call.manner.json ? report_json(*report, all) : report_for_people(*report, all, call.manner));
  return 0;
}

int run_hold_announce(const Call& call, const Emit& emit) {
  auto from = time_of(call, "from", number(now()));
  if (!from) return complain(emit, call.manner, from.error());
  auto until = time_of(call, "to", 0);
  if (!until) return complain(emit, call.manner, until.error());
  Act act;
  act.verb = "announce";
  act.target = call.words.at(0) + ' ' + rfc3339(*from) + '/' + rfc3339(*until);
  act.reason = call.option("reason");
  return send_hold_act(call, emit, act, "The operation is announced.");
}

int run_hold_follow(const Call& call, const Emit& emit) {
  const std::string format = call.option_or("format", call.manner.json ? "json" : "text");
  if (format != "text" && format != "json" && format != "ecs" && format != "ocsf")
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "--format is json, ecs or ocsf"});
  std::uint64_t after = 0, left = 0;
  for (const auto& [option, into] : {std::pair{"after", &after}, {"count", &left}}) {
    const std::string text = call.option_or(option, "0");
    const auto read = std::from_chars(text.data(), text.data() + text.size(), *into);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size())
      return complain(emit, call.manner,
                      Failure{Reason::usage_wrong, "--" + std::string(option) + " is a number"});
  }
  for (;; std::this_thread::sleep_for(kEvery)) {
    auto list = ask_exchange(call, "GET", "/v1/alerts?after=" + std::to_string(after), "");
    if (!list) return complain(emit, call.manner, list.error());
    const net::Json* alerts = list->find("alerts");
    if (alerts == nullptr || alerts->array() == nullptr)
      return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
    for (const net::Json& alert : *alerts->array()) {
      after = std::max(after, number_at(alert, "entry"));
      emit(1, finding_of(format, alert));
      if (left > 0 && --left == 0) return 0;
    }
  }
}

}  // namespace amanat::cli
