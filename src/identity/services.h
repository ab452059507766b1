#pragma once
// identity, services: what the room keeps for departments' systems: the exchange's address, its
// nonces and token key, what was used once. This room only.

#include <string>
#include <vector>

#include "identity/nonce.h"
#include "identity/replay.h"
#include "identity/token.h"
#include "model/request.h"

namespace amanat::identity {

struct Services {
  explicit Services(const Key256& token_secret) : nonces(0), tokens(token_secret) {}

  // Set once, before the first request: scheme and authority, no path. `url` is issuer and audience;
  // `places` are all addresses of ours, normalised, the issuer's first.
  std::string url = "https://localhost:8443";
  std::vector<std::string> places = {"https://localhost:8443"};
  /// place_of is the address of ours that a request was sent to, by its Host.
  const std::string& place_of(const Request& request) const;
  Nonces nonces;
  ReplayStore replay;
  Tokens tokens;
};

/// once_only turns a second use into `reason`. Errors: reason, too_busy.
Result<void> once_only(ReplayStore& store, const Tag& name, Moment until, Moment at, Reason reason);

}  // namespace amanat::identity
