// amanat init: a new exchange in a directory.

#include <sstream>

#include "cli/commands.h"
#include "cli/embedded.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

Result<std::vector<server::Document>> documents(const Call& call, std::string_view option, std::string_view built_in) {
  if (call.has(option)) return documents_in(call.option(option));
  return embedded_documents(built_in);
}

}  // namespace

int run_init(const Call& call, const Emit& emit) {
  server::InitOptions options;
  options.home = call.option("home");
  options.origin = call.option("origin");
  options.store = call.option_or("store", options.store);
  options.ledger_store = call.option_or("ledger-store", options.ledger_store);
  if (auto origin = server::check_origin(options.origin); !origin) return complain(emit, call.manner, origin.error());
  auto catalog = documents(call, "catalog", kEmbeddedCatalog);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto policy = documents(call, "policy", kEmbeddedPolicy);
  if (!policy) return complain(emit, call.manner, policy.error());
  options.catalog = *std::move(catalog);
  options.policy = *std::move(policy);
  std::istringstream names(call.option_or("server-name", ""));
  for (std::string name; std::getline(names, name, ',');)
    if (!name.empty()) options.server_names.push_back(name);

  if (auto made = server::Exchange::init(options); !made) return complain(emit, call.manner, made.error());
  const server::Home home(options.home);
  auto vkey = storage::read_file(home.vkey(), 4096);
  if (!vkey) return complain(emit, call.manner, vkey.error());
  while (vkey->ends_with('\n')) vkey->pop_back();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("origin").string(options.origin).key("vkey").string(*vkey).key("home").string(home.root);
    json.end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  table.add({"home", home.root});
  table.add({"origin", options.origin});
  table.add({"vkey", *vkey});
  table.add({"keys", home.keys() + "  (back these up apart from the records)"});
  table.add({"next", "amanat import --home " + home.root + " identity.persons FILE"});
  emit(1, "A new exchange.\n" + table.render("  "));
  return 0;
}

}  // namespace amanat::cli
