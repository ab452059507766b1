#pragma once
// cli, policy: what its commands share. Pure functions.

#include <string>

#include "cli/commands.h"

namespace amanat::cli {

/// PolicyPlaces says where a policy and its catalog are: a home's own, or those given.
struct PolicyPlaces {
  std::string policy, catalog;
};
/// policy_places reads --home, --policy and --catalog. Errors: usage_wrong.
Result<PolicyPlaces> policy_places(const Call& call);

}  // namespace amanat::cli
