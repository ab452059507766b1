#pragma once
// identity, the public routes: the closed list of what a stranger may ask. None returns citizen
// data. A route that is not named here takes a Caller or does not compile.

#include <cstdint>

namespace amanat::identity {

enum class PublicRoute : std::uint8_t {
  health,                  // GET /healthz: empty body
  description,             // GET /v1/openapi.json
  checkpoint,              // GET /ledger/checkpoint: commitments only
  tile,                    // GET /ledger/tile/...: commitments only
  sign_in_begin,           // POST /v1/session/begin: a challenge, the same for everybody
  sign_in_finish,          // POST /v1/session/finish: proves itself by a passkey
  register_begin,          // POST /v1/passkeys/begin: proves itself by an enrolment code
  register_finish,         // POST /v1/passkeys/finish: the same, and by an attestation
  authorization_metadata,  // GET /.well-known/oauth-authorization-server
  token_keys,              // GET /oauth/keys: public keys
  token,                   // POST /oauth/token: proves its client itself, as the next two do
  introspection,           // POST /oauth/introspect
  revocation,              // POST /oauth/revoke
  sign_in_page,            // /sign-in: the page of sign_in_begin and sign_in_finish
  enrol_page,              // /enrol: the page of register_begin and register_finish
  ledger_page,             // GET /ledger: the checkpoint as a page
  language,                // GET /language: remembers the reader's choice
  notice_page,             // /notice: whether a message is genuine, by its code and number together
  api_page,                // GET /api: the list of routes as a page
  asset,                   // GET /assets/...: style, script, font
};

}  // namespace amanat::identity
