#pragma once
// server, authenticators: authenticators.toml of a home: which makes of authenticator officers may
// register, and where their makers' attestations must lead. Without the file no officer registers a
// passkey. Form: docs/callers.md.

#include <string>

#include "identity/offers.h"
#include "model/field.h"
#include "model/result.h"
#include "server/config.h"

namespace amanat::server {

/// read_authenticators reads the file (none: an empty list) and joins it with the configuration's
/// origins. Errors: config_wrong ("file:line: ..."), file_failed.
Result<identity::PasskeyRules> read_authenticators(const std::string& file, const Config& config,
                                                   const FieldTable& fields);
/// rp_id_of is the host name passkeys are bound to: the first origin's.
std::string rp_id_of(const Config& config);

}  // namespace amanat::server
