// amanat status: what the exchange holds, and whether it serves.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {

namespace {

std::string marks_line(const Manner& manner, const server::Status& status) {
  const auto& marks = status.marks;
  if (!marks.configured)
    return painted(manner, Paint::bad,
                   "NONE: no auditor is configured; a leak cannot be traced to a copy");
  if (status.slots_version == 0)
    return painted(manner, Paint::bad, "NONE: the catalog declares no slots");
  std::string line = "slot catalogue " + std::to_string(status.slots_version) + ", " +
                     grouped(marks.keys) + " keys in memory, " + grouped(marks.fetched_today) +
                     " fetched today";
  if (!marks.locked)
    line += painted(manner, Paint::bad, "; memory could not be locked (raise memlock)");
  if (!marks.trouble.empty())
    line += painted(manner, Paint::bad, "; the auditor does not answer: " + marks.trouble);
  return line;
}

std::string witnesses_line(const Manner& manner, const server::Status& status) {
  const auto& witnesses = status.witnesses;
  if (!witnesses.has_witnesses)
    return "none: nobody outside confirms that the ledger only grows (docs/ledger-witness.md)";
  std::string line = std::to_string(witnesses.cosignatures) + " cosigned the head of " +
                     grouped(witnesses.cosigned_size) + " entries";
  if (witnesses.without_quorum_ms == 0) return line;
  std::string trouble = "; NO QUORUM for " + grouped(witnesses.without_quorum_ms / 1000) + " s";
  if (witnesses.all_stopped)
    trouble += ": every disclosure is refused";
  else if (witnesses.a1_stopped)
    trouble += ": what needs witnesses is refused";
  return line + painted(manner, Paint::bad,
                        trouble +
                            "; the log says which does not answer, and all goes on by itself "
                            "when they do");
}

}  // namespace

int run_status(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto status = exchange.status();
  if (!status) return complain(emit, call.manner, status.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("origin").string(status->origin).key("vkey").string(status->vkey);
    json.key("listening");
    if (status->listening.empty())
      json.null();
    else
      json.string(status->listening);
    json.key("ledger_size").number(status->ledger_size).key("accounts").number(status->accounts);
    json.key("rules").number(status->rules);
    const auto& witnesses = status->witnesses;
    json.key("witnesses").begin_object().key("configured").boolean(witnesses.has_witnesses);
    json.key("cosignatures").number(witnesses.cosignatures);
    json.key("cosigned_size").number(witnesses.cosigned_size);
    json.key("without_quorum_ms").number(witnesses.without_quorum_ms);
    json.key("witnessed_stopped").boolean(witnesses.a1_stopped);
    json.key("all_stopped").boolean(witnesses.all_stopped).end_object();
    json.key("marks").begin_object().key("auditor").boolean(status->marks.configured);
    json.key("slots_version").number(status->slots_version).key("keys").number(status->marks.keys);
    json.key("fetched_today").number(status->marks.fetched_today);
    json.key("locked").boolean(status->marks.locked).key("trouble").string(status->marks.trouble);
    json.end_object();
    json.key("datasets").begin_object();
    for (const auto& one : status->datasets) json.key(one.dataset).number(one.records);
    json.end_object().key("live").begin_array();
    for (const auto& one : status->live) {
      json.begin_object().key("dataset").string(one.dataset).key("where").string(one.where);
      json.key("resting").boolean(one.resting).key("answered").number(one.answered);
      json.key("failed").number(one.failed).key("spared").number(one.spared);
      json.key("wrong_values").number(one.wrong_values).key("last_failure").string(one.last_failure).end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns head;
  head.add({"exchange", status->origin});
  head.add({"home", exchange.home().root});
  head.add({"answers", status->listening.empty()
                           ? "no; start it: amanat serve --home " + exchange.home().root
                           : painted(call.manner, Paint::good, "https://" + status->listening)});
  head.add({"ledger", grouped(status->ledger_size) + " entries"});
  head.add({"accounts", grouped(status->accounts)});
  head.add({"policy", grouped(status->rules) + " rules"});
  head.add({"witnesses", witnesses_line(call.manner, *status)});
  head.add({"marks", marks_line(call.manner, *status)});
  Columns records({Columns::Align::left, Columns::Align::right});
  for (const auto& one : status->datasets) records.add({one.dataset, grouped(one.records)});
  std::string live;
  for (const auto& one : status->live)
    live += "  " + one.dataset + " at " + visible(one.where) + ": " + grouped(one.answered) + " answered, " +
            grouped(one.failed) + " failed" + (one.resting ? ", left alone for a while" : "") +
            (one.last_failure.empty() ? "" : "; last: " + visible(one.last_failure)) + "\n";
  if (!live.empty()) live = "kept by departments themselves\n" + live;
  emit(1, head.render() + "records\n" + records.render("  ") + live);
  return 0;
}

}  // namespace amanat::cli
