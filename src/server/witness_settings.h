#pragma once
// server, witness settings: H/witnesses/settings.toml, the few numbers beside the witness policy.

#include <string>

#include "ledger/ledger.h"
#include "model/result.h"

namespace amanat::server {

/// read_witness_settings fills `options` from the file; a file that is not there changes nothing.
/// Keys, all optional: alarm_seconds, all_stop_seconds, subjects_max. Errors: config_wrong
/// ("file:line: …"), file_failed.
Result<void> read_witness_settings(const std::string& file, ledger::WitnessOptions& options);

}  // namespace amanat::server
