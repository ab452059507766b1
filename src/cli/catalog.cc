// amanat catalog check: what the catalog declares, and whether the departments that keep their datasets
// themselves can be asked. Nobody is asked about.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "registry/catalog.h"
#include "server/exchange.h"

namespace amanat::cli {
namespace {

std::string in_json(const registry::Catalog& catalog,
                    const std::vector<registry::Catalog::LiveTrial>& trials) {
  net::JsonWriter json;
  json.begin_object().key("datasets").number(catalog.dataset_names().size()).key("live").begin_array();
  for (const auto& one : trials) {
    json.begin_object().key("dataset").string(one.dataset).key("where").string(one.where);
    json.key("milliseconds").number(one.took_ms).key("answers").boolean(!one.failure);
    if (one.failure) {
      json.key("reason").string(row_of(one.failure->reason).id);
      json.key("detail").string(one.failure->detail);
    }
    json.key("complaints").begin_array();
    for (const std::string& complaint : one.complaints) json.string(complaint);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

std::string in_words(const Call& call, const registry::Catalog& catalog,
                     const std::vector<registry::Catalog::LiveTrial>& trials) {
  std::string text = "The catalog holds: " + std::to_string(catalog.dataset_names().size()) + " datasets, " +
                     std::to_string(trials.size()) + " of them live.\n";
  for (const auto& one : trials) {
    const bool good = !one.failure && one.complaints.empty();
    text += painted(call.manner, one.failure ? Paint::bad : good ? Paint::strong : Paint::name,
                    one.failure ? "wrong" : good ? "good " : "note ") +
            "  " + one.dataset + " at " + visible(one.where) + ", " + std::to_string(one.took_ms) + " ms\n";
    if (one.failure) {
      const ReasonRow& row = row_of(one.failure->reason);
      text += wrapped(std::string(row.english) +
                          (one.failure->detail.empty() ? "" : " " + visible(one.failure->detail) + "."),
                      96, "       ");
    }
    for (const std::string& complaint : one.complaints) text += wrapped(visible(complaint) + ".", 96, "       ");
  }
  return text;
}

}  // namespace

int run_catalog_check(const Call& call, const Emit& emit) {
  std::string directory = call.has("home") ? server::Home(call.option("home")).catalog() : std::string();
  directory = call.option_or("catalog", directory);
  if (directory.empty())
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "catalog check needs --home DIR, or --catalog DIR"});
  auto catalog = registry::Catalog::load(directory);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  const auto trials = catalog->try_live();
  emit(1, call.manner.json ? in_json(*catalog, trials) : in_words(call, *catalog, trials));
  for (const auto& one : trials)
    if (one.failure) return 1;
  return 0;
}

}  // namespace amanat::cli
