#pragma once
// cli, signed acts: an act confirmed by a device's key file, for commands that need no browser.

#include <string>

#include "cli/commands.h"
#include "model/question.h"

namespace amanat::cli {

/// signed_act is the body that confirms an act with the key of --key (docs/callers.md). Errors:
/// malformed_value, file_failed, key_missing.
Result<std::string> signed_act(const Call& call, const Act& act);

}  // namespace amanat::cli
