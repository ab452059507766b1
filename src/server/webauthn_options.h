#pragma once
// server, WebAuthn options: what a browser is asked to sign, as JSON (WebAuthn Level 3, 5.1.8), and
// the session's cookie. Pure functions.

#include <string>
#include <string_view>

#include "identity/offers.h"
#include "net/json.h"

namespace amanat::server {

/// write_request_options writes the member "publicKey" of PublicKeyCredentialRequestOptionsJSON.
void write_request_options(net::JsonWriter& json, const identity::Offer& offer);
/// request_options is {"publicKey": ...} of the same.
std::string request_options(const identity::Offer& offer);
/// creation_options is {"expires", "publicKey"} with PublicKeyCredentialCreationOptionsJSON: ES256
/// alone is offered.
std::string creation_options(const identity::RegistrationOffer& made);

/// session_cookie is the Set-Cookie of a session; no_session_cookie ends it.
std::string session_cookie(std::string_view token);
std::string no_session_cookie();

}  // namespace amanat::server
