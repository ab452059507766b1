#pragma once
// cli, signed acts: an act confirmed by a device's key file, for commands that need no browser.

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "model/question.h"
#include "net/json.h"

namespace amanat::cli {

/// signed_act is the body that confirms an act with the key of --key (docs/callers.md). Errors:
/// malformed_value, file_failed, key_missing.
Result<std::string> signed_act(const Call& call, const Act& act);

/// ask_exchange sends one request as the device of --cert and --key. Errors: what the exchange
/// answers, peer_unreachable, malformed_json.
Result<net::Json> ask_exchange(const Call& call, std::string_view method, const std::string& target,
                               std::string_view body);
/// number_at is a member that is a number; 0 where it is none.
std::uint64_t number_at(const net::Json& object, std::string_view name);

/// send_hold_act signs an act, sends it to POST /v1/holds and says that it is done.
int send_hold_act(const Call& call, const Emit& emit, const Act& act, std::string_view done);

}  // namespace amanat::cli
