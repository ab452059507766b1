#pragma once
// identity, the public routes: the closed list of what a stranger may ask. None returns citizen
// data. A route that is not named here takes a Caller or does not compile.

#include <cstdint>

namespace amanat::identity {

enum class PublicRoute : std::uint8_t {
  health,       // GET /healthz: empty body
  description,  // GET /v1/openapi.json
  checkpoint,   // GET /ledger/checkpoint: commitments only
  tile,         // GET /ledger/tile/...: commitments only
};

}  // namespace amanat::identity
