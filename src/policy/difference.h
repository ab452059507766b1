#pragma once
// policy, difference: what a change of policy opens, closes or alters, found by going through both
// policies side by side over every role, purpose, field and circumstance. Pure functions.

#include <vector>

#include "policy/policy.h"
#include "policy/tables.h"

namespace amanat::policy {

/// difference lists it: per role, purpose and field what changes at best, what can be seen in more
/// circumstances (eased) or fewer (tightened), then whatever else was altered (rights, quotas,
/// proofs). Ascending by kind, role, purpose, field.
std::vector<Change> difference(const Tables& before, const Tables& after, const FieldTable& fields);

/// widens says whether any of it lets anybody see or do more.
bool widens(const std::vector<Change>& changes);

}  // namespace amanat::policy
