// amanat migrate: moves an exchange's rows to another engine, and back.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "net/json.h"
#include "server/move.h"

namespace amanat::cli {

int run_migrate(const Call& call, const Emit& emit) {
  const server::Home home(call.option("home"));
  const std::string to = call.option("to");
  server::Moved moved;
  {
    Progress copying(call.manner, emit, "Copying rows"), comparing(call.manner, emit, "Comparing");
    auto done = server::move_store(home, to, [&](int pass, std::uint64_t rows) {
      (pass == 1 ? copying : comparing).show(0, 0, rows, "rows");
      return true;
    });
    if (!done) return complain(emit, call.manner, done.error());
    moved = *done;
  }
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("rows").number(moved.rows).key("bytes").number(moved.bytes);
    json.key("resumed_after").number(moved.resumed_after);
    json.key("digest").string(crypto::hex(moved.digest)).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  table.add({"rows", grouped(moved.rows)});
  if (moved.resumed_after > 0)
    table.add({"resumed", "after the " + grouped(moved.resumed_after) + " rows an earlier run had brought"});
  table.add({"compared", "every row, by SHA-256 " + crypto::hex(moved.digest).substr(0, 16)});
  table.add({"ledger", "untouched"});
  table.add({"next", "amanat serve --home " + home.root});
  emit(1, "Moved. The old store is marked as left; it may be removed.\n" + table.render("  "));
  return 0;
}

}  // namespace amanat::cli
