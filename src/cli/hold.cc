// amanat hold, detect: what detection stopped, a second person's word on it, and the same
// alerts judged again from the ledger.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "crypto/device_key.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

std::string text_at(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  const std::string* text = member != nullptr ? member->string() : nullptr;
  return text != nullptr ? visible(*text) : std::string();
}

const net::Json::Array& rows_at(const net::Json& object, std::string_view name) {
  static const net::Json::Array none;
  const net::Json* member = object.find(name);
  return member != nullptr && member->array() != nullptr ? *member->array() : none;
}

std::string time_at(const net::Json& object, std::string_view name) {
  const std::uint64_t minutes = number_at(object, name) / 60'000;
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(minutes / 1440)));
  const std::chrono::year_month_day date(day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02u:%02uZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<unsigned>(minutes % 1440 / 60), static_cast<unsigned>(minutes % 60));
  return text;
}

// "3.2 (peers 2.9)": a rate of the officer's month, a day, and the unit's.
std::string against_peers(const net::Json& month, const char* what) {
  const auto rate = [&](const char* whose) -> std::string {
    const net::Json* rates = month.find(whose);
    const net::Json* one = rates != nullptr ? rates->find(what) : nullptr;
    if (one == nullptr) return "0";
    const auto* real = std::get_if<net::Json::Number>(&one->value);
    const std::string text = real ? real->text : std::to_string(one->integer().value_or(0));
    const std::size_t point = text.find('.');
    return point == text.npos ? text : text.substr(0, point + 2);
  };
  return rate("a_day") + " (peers " + rate("peers_a_day") + ")";
}

std::string hold_for_people(const net::Json& hold, const Manner& manner) {
  const std::string number = std::to_string(number_at(hold, "hold"));
  std::string out = painted(manner, Paint::strong, "hold " + number) + "  " +
                    text_at(hold, "account") + "  " + text_at(hold, "tier") + "  since " +
                    time_at(hold, "since");
  if (const std::string by = text_at(hold, "by"); !by.empty()) out += "  by " + by;
  out += "\n" + wrapped(text_at(hold, manner.urdu ? "says_urdu" : "says"), 96, "    ");
  if (out.back() != '\n') out += "\n";
  if (const net::Json* month = hold.find("last_thirty_days"); month != nullptr)
    out += "    a day of the last thirty: citizens " + against_peers(*month, "citizens") +
           ", unexplained " + against_peers(*month, "unexplained") + ", nobody " +
           against_peers(*month, "absent") + "\n";
  out += "    whoever has the right '" + text_at(hold, "released_by") +
         "' releases it: amanat hold release " + number + " --reason R\n";
  return out;
}

std::string list_for_people(const net::Json& list, const Manner& manner) {
  std::string out;
  const auto& holds = rows_at(list, "holds");
  if (holds.empty()) out += "Nobody is on hold.\n";
  for (const net::Json& hold : holds) out += hold_for_people(hold, manner);
  const auto& alerts = rows_at(list, "alerts");
  if (!alerts.empty()) out += "\nAlerts, the newest first:\n";
  for (const net::Json& alert : alerts) {
    out += "  entry " + std::to_string(number_at(alert, "entry")) + "  " + time_at(alert, "at") +
           "  " + text_at(alert, "account") + "  " + text_at(alert, "tier");
    if (const std::string ref = text_at(alert, "case"); !ref.empty()) out += "  case " + ref;
    out += "\n" + wrapped(text_at(alert, manner.urdu ? "says_urdu" : "says"), 96, "    ");
    if (out.back() != '\n') out += "\n";
    if (const std::string note = text_at(alert, "note"); !note.empty())
      out += wrapped(note, 96, "    ");
    if (out.back() != '\n') out += "\n";
    if (const auto& entries = rows_at(alert, "rests_on"); !entries.empty()) {
      out += "    rests on entries";
      for (std::size_t i = 0; i < entries.size() && i < 8; ++i)
        out += " " + std::to_string(entries[i].integer().value_or(0));
      out += entries.size() > 8 ? " and " + std::to_string(entries.size() - 8) + " more\n" : "\n";
    }
  }
  return out;
}

// as_json writes what came as it came.
void as_json(net::JsonWriter& json, const net::Json& value) {
  if (const auto* object = value.object()) {
    json.begin_object();
    for (const auto& member : *object) as_json(json.key(member.name), member.value);
    json.end_object();
  } else if (const auto* array = value.array()) {
    json.begin_array();
    for (const auto& one : *array) as_json(json, one);
    json.end_array();
  } else if (const auto* text = value.string()) {
    json.string(*text);
  } else if (const auto yes = value.boolean()) {
    json.boolean(*yes);
  } else if (const auto* real = std::get_if<net::Json::Number>(&value.value)) {
    json.raw(real->text);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value.value)) {
    json.raw(std::to_string(*whole));
  } else if (const auto number = value.integer()) {
    json.number(*number);
  } else {
    json.null();
  }
}

}  // namespace

int send_hold_act(const Call& call, const Emit& emit, const Act& act, std::string_view done) {
  auto body = signed_act(call, act);
  if (!body) return complain(emit, call.manner, body.error());
  auto answer = ask_exchange(call, "POST", "/v1/holds", *body);
  if (!answer) return complain(emit, call.manner, answer.error());
  const std::string entry = std::to_string(number_at(*answer, "entry"));
  if (call.manner.json)
    emit(1, "{\"entry\":" + entry + "}\n");
  else
    emit(1, std::string(done) + " It is entry " + entry + " of the ledger.\n");
  return 0;
}

int run_hold_list(const Call& call, const Emit& emit) {
  auto list = ask_exchange(call, "GET", "/v1/alerts", "");
  if (!list) return complain(emit, call.manner, list.error());
  if (!call.manner.json) {
    emit(1, list_for_people(*list, call.manner));
    return 0;
  }
  net::JsonWriter json;
  as_json(json, *list);
  emit(1, json.take() + "\n");
  return 0;
}

int run_hold_place(const Call& call, const Emit& emit) {
  Act act;
  act.verb = "hold";
  act.target = call.words.at(0);
  act.reason = call.option("reason");
  return send_hold_act(call, emit, act, visible(act.target) + " is on hold.");
}

int run_hold_release(const Call& call, const Emit& emit) {
  Act act;
  act.verb = "release";
  act.target = call.words.at(0);
  act.reason = call.option("reason");
  return send_hold_act(call, emit, act, "Hold " + visible(act.target) + " is released.");
}

int run_detect(server::Exchange& exchange, const Call& call, const Emit& emit) {
  if (call.has("parameters")) {
    emit(1, detection::write_parameters(exchange.detection().parameters()));
    return 0;
  }
  auto replayed = exchange.replay_alerts();
  if (!replayed) return complain(emit, call.manner, replayed.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("lookups").number(replayed->lookups);
    json.key("alerts").number(replayed->alerts).key("same").number(replayed->same);
    json.key("by_other_parameters").number(replayed->by_other_parameters);
    json.key("different").begin_array();
    for (const std::uint64_t entry : replayed->different) json.number(entry);
    json.end_array().end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "Judged " + grouped(replayed->lookups) + " lookups and " + grouped(replayed->alerts) +
                " alerts of the ledger again.\n  " + grouped(replayed->same) +
                " alerts came out the same, to the bit.\n");
    if (replayed->by_other_parameters > 0)
      emit(1, "  " + grouped(replayed->by_other_parameters) +
                  " were judged by other parameters than those in force now.\n");
    for (const std::uint64_t entry : replayed->different)
      emit(1, "  entry " + std::to_string(entry) + " does not come out of the ledger.\n");
  }
  return replayed->different.empty() ? 0 : 1;
}

}  // namespace amanat::cli
