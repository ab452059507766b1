// amanat ledger retain, prune, trim: what may go from the ledger, and the acts that let it go.

#include "cli/commands.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {
namespace {

int send_act(const Call& call, const Emit& emit, const char* verb) {
  Act act;
  act.verb = verb;
  act.target = call.words.at(0);
  act.reason = call.option("reason");
  auto body = signed_act(call, act);
  if (!body) return complain(emit, call.manner, body.error());
  auto answer = ask_exchange(call, "POST", "/v1/ledger/retention", *body);
  if (!answer) return complain(emit, call.manner, answer.error());
  const std::uint64_t entry = number_at(*answer, "entry");
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("entry").number(entry);
    for (const char* key : {"minimum", "slices", "entries"})
      if (answer->find(key) != nullptr) json.key(key).number(number_at(*answer, key));
    emit(1, json.end_object().take() + "\n");
  } else if (answer->find("minimum") != nullptr) {
    emit(1, "Entries below " + grouped(number_at(*answer, "minimum")) +
                " are refused from now on; entry " + grouped(entry) +
                " says so. Nothing is deleted until another person prunes.\n");
  } else {
    emit(1, grouped(number_at(*answer, "slices")) + " slices were destroyed, " +
                grouped(number_at(*answer, "entries")) + " entries deleted but for their hashes; entry " +
                grouped(entry) + " says so.\n");
  }
  return 0;
}

}  // namespace

int run_ledger_retention(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto plan = exchange.retention();
  if (!plan) return complain(emit, call.manner, plan.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("minimum").number(number(plan->now.index));
    json.key("allowed").number(number(plan->allowed)).key("entries").number(plan->entries);
    json.key("held_by").string(plan->held_by).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  table.add({"minimum index", grouped(number(plan->now.index))});
  table.add({"may be moved to", grouped(number(plan->allowed))});
  table.add({"entries past retention", grouped(plan->entries)});
  if (!plan->held_by.empty()) table.add({"held by", plan->held_by});
  emit(1, table.render());
  return 0;
}

int run_ledger_retain(const Call& call, const Emit& emit) { return send_act(call, emit, "retain"); }

int run_ledger_prune(const Call& call, const Emit& emit) { return send_act(call, emit, "prune"); }

int run_ledger_trim(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto trimmed = exchange.trim_ledger();
  if (!trimmed) return complain(emit, call.manner, trimmed.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("segments").number(trimmed->segments);
    json.key("bytes_before").number(trimmed->bytes_before);
    json.key("bytes_after").number(trimmed->bytes_after).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, trimmed->segments == 0
              ? "No segment is finished for long enough.\n"
              : grouped(trimmed->segments) + " segments moved to the archive: " +
                    grouped(trimmed->bytes_before) + " bytes became " +
                    grouped(trimmed->bytes_after) + ".\n");
  return 0;
}

}  // namespace amanat::cli
