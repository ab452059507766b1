#pragma once
// The master key's file. Private to the vault. Format: docs/vault-format.md.

#include <string>
#include <string_view>

#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"

namespace amanat::vault {

/// write_master writes the master key, 0600, durable. Errors: file_failed, disk_full.
Result<void> write_master(storage::Disk& disk, const std::string& path, const Key256& master);
/// read_master reads it. Errors: key_missing (absent, of the wrong form, or readable by others).
Result<Key256> read_master(storage::Disk& disk, const std::string& path);

/// write_secret keeps 32 bytes at `path`, wrapped under `wrap` and bound to `name`. Errors:
/// file_failed, disk_full.
Result<void> write_secret(storage::Disk& disk, const std::string& path, const Key256& wrap,
                          std::string_view name, const Key256& secret);
/// read_secret reads them back. Errors: key_missing, seal_broken, file_failed.
Result<Key256> read_secret(storage::Disk& disk, const std::string& path, const Key256& wrap,
                           std::string_view name);

/// has_file says whether `directory` holds `name`. Errors: file_failed.
Result<bool> has_file(storage::Disk& disk, const std::string& directory, const std::string& name);

}  // namespace amanat::vault
