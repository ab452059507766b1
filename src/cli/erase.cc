// amanat erase: destroys a citizen's keys. What is left in any copy of the records is noise.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {

int run_erase(server::Exchange& exchange, const Call& call, const Emit& emit) {
  // The registry knows how the catalog writes a national ID; people type it with dashes or without.
  Question question;
  question.subject.search = "national_id";
  question.subject.value = call.option("national-id");
  auto citizen = exchange.registry().subject_of_question(question);
  if (!citizen) return complain(emit, call.manner, citizen.error());
  if (!*citizen) return complain(emit, call.manner, Failure{Reason::malformed_value, "--national-id"});
  auto erased = exchange.erase(**citizen);
  if (!erased) return complain(emit, call.manner, erased.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("records").number(erased->records).key("keys").number(erased->keys);
    json.key("openings").number(erased->openings).key("entry").number(number(erased->entry)).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  std::string elsewhere;
  for (const auto& one : exchange.registry().live_standings())
    elsewhere += (elsewhere.empty() ? "" : ", ") + one.dataset;
  if (!elsewhere.empty())
    elsewhere = "  What departments keep themselves is theirs to erase: " + elsewhere + ".\n";
  emit(1, "Erased " + masked(**citizen) + ": " + grouped(erased->keys) + " keys destroyed, " +
              grouped(erased->records) + " records and " + grouped(erased->openings) +
              " openings gone for good.\n  That it was done is entry " + std::to_string(number(erased->entry)) +
              " of the ledger.\n" + elsewhere);
  return 0;
}

}  // namespace amanat::cli
