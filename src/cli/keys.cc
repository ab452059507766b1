// amanat keys rewrap: a new master key.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "server/keys.h"

namespace amanat::cli {

int run_keys_rewrap(const Call& call, const Emit& emit) {
  const server::Home home(call.option("home"));
  server::RewrappedHome done;
  {
    Progress progress(call.manner, emit, "Wrapping keys");
    auto rewrapped = server::rewrap_keys(
        home, [&](std::uint64_t slots) { progress.show(0, 0, slots, "places"); });
    if (!rewrapped) return complain(emit, call.manner, rewrapped.error());
    done = *rewrapped;
  }
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("keys").number(done.vault.keys).key("destroyed").number(done.vault.destroyed);
    json.key("broken").number(done.vault.broken).key("secrets").number(done.vault.secrets);
    json.key("resumed").boolean(done.resumed).key("entry").number(done.entry).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  if (done.vault.keys > 0) table.add({"keys", grouped(done.vault.keys) + " wrapped anew"});
  if (done.vault.broken > 0)
    table.add({"broken", grouped(done.vault.broken) + " places did not open before either"});
  if (done.resumed) table.add({"resumed", "what an earlier run had begun"});
  table.add({"recorded", "entry " + grouped(done.entry)});
  table.add({"now", "destroy every copy of the old master.key and every backup of " + home.keys()});
  table.add({"next", "amanat backup DIR --keys KEYS --home " + home.root});
  emit(1, "There is a new master key; the old one opens none of these keys.\n" + table.render("  "));
  return 0;
}

}  // namespace amanat::cli
