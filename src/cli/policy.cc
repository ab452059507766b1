// amanat policy: who can see a field, and what is wrong with a policy.

#include "cli/commands.h"
#include "cli/embedded.h"
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

int run_policy_who(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto sentences = exchange.policy().who(call.words[0]);
  if (!sentences) {
    Failure failure = sentences.error();
    const auto near = exchange.catalog().fields().nearest(call.words[0]);
    if (failure.reason == Reason::unknown_field && !near.empty() && failure.detail.find("mean") == std::string::npos)
      failure.detail += (failure.detail.empty() ? "did you mean " : "; did you mean ") + near + "?";
    return complain(emit, call.manner, failure);
  }
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
  std::string policy_directory, catalog_directory;
  if (call.has("home")) {
    const server::Home home(call.option("home"));
    policy_directory = home.policy();
    catalog_directory = home.catalog();
  }
  policy_directory = call.option_or("policy", policy_directory);
  catalog_directory = call.option_or("catalog", catalog_directory);
  if (policy_directory.empty() || catalog_directory.empty())
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "policy check needs --home DIR, or --policy DIR and --catalog DIR"});
  auto catalog = registry::Catalog::load(catalog_directory);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto complaints = policy::check_directory(policy_directory, catalog->fields());
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
