#pragma once
// The file that keeps the map of an EPOCH (docs/ledger-frames.md section 10), so that a start folds
// only what came after it. A projection: what does not fit its log is thrown away and folded anew.
// One thread.

#include <cstdint>
#include <string>

#include "ledger/by_citizen.h"
#include "ledger/map.h"
#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"

namespace amanat::ledger {

std::string map_path(const std::string& ledger_directory);

/// write_map replaces the file: killed or out of power at any moment, the old one or the new one is
/// there, whole. The chain file must be durable up to kept.rest. Errors: file_failed, disk_full,
/// value_too_long (too many retention runs).
Result<void> write_map(storage::Disk& disk, const std::string& directory, const Digest& log,
                       const Key256& chain_key, const KeptMap& kept, const Map& map);
/// read_map puts the mailboxes into an empty map and holds them to the EPOCH's root. After an error
/// the map is of no use. Errors: no_record (there is no file), ledger_corrupt (what does not fit),
/// file_failed.
Result<KeptMap> read_map(storage::Disk& disk, const std::string& directory, const Digest& log,
                         const Key256& chain_key, Map& into);

}  // namespace amanat::ledger
