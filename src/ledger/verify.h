#pragma once
// The offline check of a ledger's files, for any Disk; verify_directory in ledger.h is its front.

#include <cstdint>
#include <functional>
#include <string>

#include "ledger/ledger.h"
#include "ledger/note.h"
#include "storage/file.h"

namespace amanat::ledger {

/// verify_files reads every frame, leaf, root and signature, and compares tiles, places, snapshots
/// and the published checkpoint with what the frames say. Only reads. Errors: file_failed.
Result<Verdict> verify_files(storage::Disk& disk, const std::string& directory,
                             const VerifierKey& log,
                             const std::function<void(std::uint64_t)>& progress);

}  // namespace amanat::ledger
