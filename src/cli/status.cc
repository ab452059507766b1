// amanat status: what the exchange holds, and whether it serves.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {

int run_status(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto status = exchange.status();
  if (!status) return complain(emit, call.manner, status.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("origin").string(status->origin).key("vkey").string(status->vkey);
    json.key("listening");
    if (status->listening.empty()) json.null();
    else json.string(status->listening);
    json.key("ledger_size").number(status->ledger_size).key("accounts").number(status->accounts);
    json.key("rules").number(status->rules).key("datasets").begin_object();
    for (const auto& one : status->datasets) json.key(one.dataset).number(one.records);
    json.end_object().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns head;
  head.add({"exchange", status->origin});
  head.add({"home", exchange.home().root});
  head.add({"answers", status->listening.empty() ? "no; start it: amanat serve --home " + exchange.home().root
                                                 : painted(call.manner, Paint::good, "https://" + status->listening)});
  head.add({"ledger", grouped(status->ledger_size) + " entries"});
  head.add({"accounts", grouped(status->accounts)});
  head.add({"policy", grouped(status->rules) + " rules"});
  Columns records({Columns::Align::left, Columns::Align::right});
  for (const auto& one : status->datasets) records.add({one.dataset, grouped(one.records)});
  emit(1, head.render() + "records\n" + records.render("  "));
  return 0;
}

}  // namespace amanat::cli
