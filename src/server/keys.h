#pragma once
// server, keys: a new master key for a home, recorded before and after (docs/vault-format.md). The
// exchange must be stopped.

#include <cstdint>
#include <functional>

#include "model/result.h"
#include "server/exchange.h"
#include "vault/rewrap.h"

namespace amanat::server {

/// The notes (part 1) of the POLICY/KEY entries; the tail is SHA-256 of the document, which lies in
/// the private opening: "amanat-rewrap v1", "check HEX", the check of the master key then in force.
inline constexpr const char* kRewrapBegun = "master key rewrap begun";
inline constexpr const char* kRewrapped = "master key rewrapped";

/// RewrappedHome is what was done, and where it is recorded.
struct RewrappedHome {
  vault::Rewrapped vault;
  bool resumed = false;     // a former call had begun it
  std::uint64_t entry = 0;  // of the ledger, that says it is done
};
/// rewrap_keys makes a new master key, or finishes what was begun. `progress` may be null. Errors:
/// exchange_missing, exchange_busy, vault::rewrap's, the ledger's; then call it again.
Result<RewrappedHome> rewrap_keys(const Home& home,
                                  const std::function<void(std::uint64_t slots)>& progress);

}  // namespace amanat::server
