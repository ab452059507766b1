#pragma once
// server, policy record: the entry that says which policy is in force. Its digest covers the
// policy's files, so that a start finds a file edited behind the exchange's back. Pure functions.

#include <optional>
#include <string_view>

#include "ledger/ledger.h"
#include "model/ids.h"

namespace amanat::server {

/// kPolicyInForce is the entry's note (part 1). Part 5 is the policy's hash, as in every
/// disclosure; part 6 the digest of its files.
inline constexpr std::string_view kPolicyInForce = "policy in force";

/// policy_recorded_by is the digest an entry puts in force; nothing of any other entry.
std::optional<Digest> policy_recorded_by(const ledger::Opened& entry);

}  // namespace amanat::server
