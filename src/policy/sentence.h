#pragma once
// policy, sentence: a rule and its circumstances in words, for people who do not read tables.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "policy/compiled.h"
#include "policy/policy.h"

namespace amanat::policy {

/// Reached is what one role reaches for one purpose through one grant.
struct Reached {
  std::map<std::uint16_t, Rank> rank;  // by field: the best over all circumstances
  std::set<std::string> forbids;       // ids of forbids that take some of it in some circumstance
};

/// sentence_of puts it into words; nothing if no field is reached.
std::optional<Sentence> sentence_of(const Compiled& compiled, Column role, Column purpose,
                                    std::size_t grant, const Reached& reached);

/// needs_in_words says what a grant asks for: "an open case of kind fir that names the citizen,
/// ...".
std::string needs_in_words(const Compiled& compiled, const GrantRow& grant,
                           const PurposeRow& purpose);

}  // namespace amanat::policy
