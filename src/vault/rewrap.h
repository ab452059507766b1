#pragma once
// vault, rewrap: a new master key, and everything that the old one wrapped wrapped anew. A small
// door beside vault.h. Not thread-safe, and for a vault that nobody has open: its caller holds the
// DirectoryLock of the home.
//
// The order of writes, so that a crash at any point leaves either the old vault whole or one that
// the next rewrap() finishes, and never a mixture that opens:
//   1. master.key.next, durable. From here on Vault::open refuses: nothing may change meanwhile.
//   2. of every slot file and secret F: F.next, wrapped under the new key, durable.
//   3. rewrap.commit, durable. Until now everything could be thrown away; from now on it goes on.
//   4. of every F, master.key last: zeros over the old file, durable, and F.next renamed over it.
//   5. rewrap.commit goes.
// What the old key must still name (tags, labels and index: the store and the ledger are full of
// them) moves into names.secret; docs/vault-format.md.

#include <cstdint>
#include <functional>
#include <string>

#include "model/result.h"
#include "storage/file.h"

namespace amanat::vault {

/// Rewrapped counts what was wrapped anew.
struct Rewrapped {
  std::uint64_t keys = 0, destroyed = 0, secrets = 0;
  std::uint64_t broken = 0;  // slots that opened under the old key no more: copied as they are
};
/// rewrap makes a new master key, or finishes what a former call began. `progress` is told of slots
/// done; may be null. Errors: key_missing, seal_broken (a secret), file_failed, disk_full; then
/// call it again.
Result<Rewrapped> rewrap(storage::Disk& disk, const std::string& directory,
                         const std::function<void(std::uint64_t slots)>& progress);
/// rewrap_unfinished says whether one was begun and not finished. Errors: file_failed.
Result<bool> rewrap_unfinished(storage::Disk& disk, const std::string& directory);

}  // namespace amanat::vault
