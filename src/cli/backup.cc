// amanat backup, restore: a copy that can be restored, the keys apart from the rest.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "server/backup.h"
#include "server/engine.h"

namespace amanat::cli {
namespace {

int tell(const Emit& emit, const Manner& manner, const server::Kept& kept, const std::string& text) {
  if (manner.json) {
    net::JsonWriter json;
    json.begin_object().key("rows").number(kept.rows).key("files").number(kept.files);
    json.key("bytes").number(kept.bytes).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, text);
  return 0;
}

}  // namespace

int run_backup(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const std::string directory = call.words.at(0), keys = call.option_or("keys", "");
  auto kept = exchange.backup(directory, keys);
  if (!kept) return complain(emit, call.manner, kept.error());
  std::string text = "Backed up " + grouped(kept->rows) + " rows and " + grouped(kept->files) +
                     " files, " + grouped(kept->bytes) + " bytes, to " + directory + ".\n";
  text += keys.empty() ? "  The keys are not in it. Back them up too, elsewhere: --keys DIR\n"
                       : "  The keys are in " + keys + ": keep them apart, few and short-lived.\n";
  text += "  Try it: amanat restore " + directory + " --keys KEYS --home NEW\n";
  return tell(emit, call.manner, *kept, text);
}

int run_restore(const Call& call, const Emit& emit) {
  const server::Home home(call.option("home"));
  const std::string store = call.option_or("store", server::kLocalStore);
  auto kept = server::restore(call.words.at(0), call.option("keys"), home, store,
                              call.option_or("ledger-store", server::kLocalStore));
  if (!kept) return complain(emit, call.manner, kept.error());
  // What does not open was not restored.
  auto exchange = server::Exchange::open(home.root);
  if (!exchange) return complain(emit, call.manner, exchange.error());
  auto status = (*exchange)->status();
  if (!status) return complain(emit, call.manner, status.error());
  return tell(emit, call.manner, *kept,
              "Restored " + status->origin + ": " + grouped(kept->rows) + " rows, " +
                  grouped(status->ledger_size) + " entries.\n  next: amanat serve --home " +
                  home.root + "\n");
}

}  // namespace amanat::cli
