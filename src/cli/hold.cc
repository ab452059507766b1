// amanat hold, detect: what detection stopped, a second person's word on it, and the same
// alerts judged again from the ledger.

#include <algorithm>

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

std::string list_for_people(const net::Json& list, const Manner& manner) {
  std::string out;
  const auto& holds = rows_at(list, "holds");
  if (holds.empty()) out += "Nobody is on hold.\n";
  for (const net::Json& hold : holds) {
    out += painted(manner, Paint::strong, "hold " + std::to_string(number_at(hold, "hold"))) +
           "  " + text_at(hold, "account") + "  " + text_at(hold, "tier") + "  (" +
           text_at(hold, "rule") + ")\n";
  }
  const auto& alerts = rows_at(list, "alerts");
  if (!alerts.empty()) out += "\nAlerts, the newest first:\n";
  for (const net::Json& alert : alerts) {
    out += "  entry " + std::to_string(number_at(alert, "entry")) + "  " +
           text_at(alert, "account") + "  " + text_at(alert, "tier") + "\n";
    out += wrapped(text_at(alert, manner.urdu ? "says_urdu" : "says"), 96, "    ");
    if (out.back() != '\n') out += "\n";
  }
  return out;
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
  json.begin_object().key("holds").begin_array();
  for (const net::Json& hold : rows_at(*list, "holds")) {
    json.begin_object().key("hold").number(number_at(hold, "hold"));
    for (const char* key : {"account", "rule", "tier"}) json.key(key).string(text_at(hold, key));
    json.end_object();
  }
  json.end_array().key("alerts").begin_array();
  for (const net::Json& alert : rows_at(*list, "alerts")) {
    json.begin_object().key("entry").number(number_at(alert, "entry"));
    for (const char* key : {"account", "rule", "tier", "says"})
      json.key(key).string(text_at(alert, key));
    json.end_object();
  }
  json.end_array().end_object();
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
