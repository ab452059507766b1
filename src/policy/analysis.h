#pragma once
// policy, analysis: every value of every attribute is known, so what a policy allows is found by
// going through all of them: exact, with no proof and no sampling. Pure functions.

#include <vector>

#include "model/field.h"
#include "policy/compiled.h"
#include "policy/policy.h"

namespace amanat::policy {

/// who_can_see lists, per role, purpose and grant, what of `fields` is reached at best, once every
/// forbid has had its word. Ascending by role, purpose, rule.
std::vector<Sentence> who_can_see(const Compiled& compiled, const FieldSet& fields);

/// sentences_about is who_can_see for a pattern as people write one; for one purpose if it is not
/// empty. Errors: unknown_field, unknown_purpose.
Result<std::vector<Sentence>> sentences_about(const Compiled& compiled, std::string_view pattern,
                                              std::string_view purpose);

/// complaints lists what is dead, shadowed, unused or contradictory. Ascending by rule.
std::vector<Complaint> complaints(const Compiled& compiled);

}  // namespace amanat::policy
