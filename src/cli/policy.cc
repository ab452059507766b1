// amanat policy: who can see a field, and what is wrong with a policy.

#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "policy/policy.h"

namespace amanat::cli {
namespace {

std::string_view level_word(Level level) {
  switch (level) {
    case Level::none: return "none";
    case Level::exists: return "exists";
    case Level::masked: return "masked";
    case Level::full: return "full";
  }
  return "none";
}

}  // namespace

Result<PolicyPlaces> policy_places(const Call& call) {
  PolicyPlaces places;
  if (call.has("home")) {
    const server::Home home(call.option("home"));
    places.policy = home.policy();
    places.catalog = home.catalog();
  }
  places.policy = call.option_or("policy", places.policy);
  places.catalog = call.option_or("catalog", places.catalog);
  if (places.policy.empty() || places.catalog.empty())
    return fail(Reason::usage_wrong,
                std::string(call.command->path) + " needs --home DIR, or --policy DIR and --catalog DIR");
  return places;
}

int run_policy_who(const Call& call, const Emit& emit) {
  auto places = policy_places(call);
  if (!places) return complain(emit, call.manner, places.error());
  auto catalog = registry::Catalog::load(places->catalog);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto sentences =
      policy::who_in_directory(places->policy, catalog->fields(), call.words[0], call.option_or("purpose", ""));
  if (!sentences) return complain(emit, call.manner, sentences.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("field").string(call.words[0]).key("who").begin_array();
    for (const auto& one : *sentences) {
      json.begin_object().key("role").string(one.role).key("purpose").string(one.purpose);
      json.key("level").string(level_word(one.level)).key("rule").string(one.rule).key("text").string(one.text);
      json.end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  if (sentences->empty()) {
    emit(1, "Nobody can see " + visible(call.words[0]) + ".\n");
    return 0;
  }
  std::string text;
  for (const auto& one : *sentences) {
    text += painted(call.manner, Paint::strong, level_word(one.level)) +
            painted(call.manner, Paint::faint, "  rule " + one.rule) + "\n" + wrapped(one.text, 96, "  ");
  }
  emit(1, text);
  return 0;
}

int run_policy_check(const Call& call, const Emit& emit) {
  auto places = policy_places(call);
  if (!places) return complain(emit, call.manner, places.error());
  auto catalog = registry::Catalog::load(places->catalog);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto complaints = policy::check_directory(places->policy, catalog->fields());
  if (!complaints) return complain(emit, call.manner, complaints.error());

  std::size_t errors = 0;
  for (const auto& one : *complaints) errors += one.error ? 1 : 0;
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("errors").number(errors).key("complaints").begin_array();
    for (const auto& one : *complaints) {
      json.begin_object().key("rule").string(one.rule).key("text").string(one.text);
      json.key("error").boolean(one.error).end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return errors > 0 ? 1 : 0;
  }
  std::string text;
  for (const auto& one : *complaints)
    text += painted(call.manner, one.error ? Paint::bad : Paint::name, one.error ? "wrong" : "note ") + "  " + one.rule +
            ": " + visible(one.text) + "\n";
  text += errors > 0 ? "The policy cannot be loaded.\n"
                     : complaints->empty() ? "The policy holds: nothing dead, nothing contradictory.\n"
                                           : "The policy can be loaded.\n";
  emit(1, text);
  return errors > 0 ? 1 : 0;
}

}  // namespace amanat::cli
