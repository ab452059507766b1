#pragma once
// identity, services: what the room keeps for departments' systems: the exchange's address, its
// nonces and token key, what was used once. This room only.

#include <string>

#include "identity/nonce.h"
#include "identity/replay.h"
#include "identity/token.h"

namespace amanat::identity {

struct Services {
  explicit Services(const Key256& token_secret) : nonces(0), tokens(token_secret) {}
  // Set once, before the first request: scheme and authority, no path; issuer and audience at once.
  std::string url, normal_url;
  Nonces nonces;
  ReplayStore replay;
  Tokens tokens;
};

/// once_only turns a second use into `reason`. Errors: reason, too_busy.
Result<void> once_only(ReplayStore& store, const Tag& name, Moment until, Moment at, Reason reason);

}  // namespace amanat::identity
