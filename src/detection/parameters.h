#pragma once
// detection, parameters: every number a rule is judged by, in one table (parameters.def), with its
// rule in words (rules.def). Plain values; thread-safe as such.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::detection {

/// Rule is what an alert rests on. Its word is in the ledger.
enum class Rule : std::uint8_t {
#define RULE(id, tier, en, ur) id,
#include "detection/rules.def"
#undef RULE
};

/// Tier is what follows from an alert, from the mildest on.
enum class Tier : std::uint8_t {
  report,          // in the weekly or monthly report, nothing else
  review,          // the auditor looks at it
  silent,          // answered as usual, the auditor is told at once
  friction,        // a fresh touch and a reason, then on
  hold,            // refused until a supervisor lifts it; accuses nobody
  close_class,     // that class of data is closed until an auditor acts
  suspend_device,  // the device is
  suspend          // the account is
};

struct RuleRow {
  Rule rule;
  std::string_view id;
  Tier tier;
  std::string_view english, urdu;
};
const RuleRow& row_of(Rule rule);
std::size_t rule_count();
/// rule_named and tier_named find a row by its word; false if there is none.
bool rule_named(std::string_view id, Rule& rule);
std::string_view word_of(Tier tier);
bool tier_named(std::string_view word, Tier& tier);

/// Parameters are the values in force. Every member is a row of parameters.def.
struct Parameters {
#define PARAMETER(rule, name, value, least, greatest, unit, words) double name = value;
#include "detection/parameters.def"
#undef PARAMETER
};

/// nothing_judged has every switch off: budgets and holds alone, as tools and tests need them.
Parameters nothing_judged();

/// read_parameters reads a detection.toml: decimal numbers, written as integers or in quotes
/// ("0.05"); what it leaves out keeps its standard value. Errors: config_wrong ("file:line: ...",
/// with the nearest known name, or the range).
Result<Parameters> read_parameters(std::string_view text, std::string_view file);
/// write_parameters is a complete detection.toml with every rule and parameter in words.
std::string write_parameters(const Parameters& parameters);

/// number_text writes a double so that reading it gives the same bits.
std::string number_text(double value);

}  // namespace amanat::detection
