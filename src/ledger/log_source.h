#pragma once
// Where an outsider reads a log from: a static folder, or a URL by way of the curl program (neither
// is trusted, so neither needs a TLS library here). One owner, one thread.

#include <memory>
#include <string>

#include "ledger/audit.h"
#include "model/result.h"

namespace amanat::ledger {

/// open_folder reads DIR/checkpoint, DIR/tile/.... Whether there is such a folder, read() tells.
std::unique_ptr<LogSource> open_folder(std::string directory);

/// open_url reads PREFIX/checkpoint, or where that is absent PREFIX/ledger/checkpoint, and the
/// tiles beside it, with `curl` (run without a shell) into a temporary folder that is removed at
/// the end. `ca_file` may be empty. Errors: usage_wrong (not a plain http(s) URL), file_failed,
/// peer_unreachable, peer_untrusted.
Result<std::unique_ptr<LogSource>> open_url(std::string prefix, std::string ca_file);

}  // namespace amanat::ledger
