#pragma once
// server, backup: copies of an exchange that can be restored. Keys go to a place of their own, so
// that either copy is useless without the other. docs/home.md.
//
// A backup is taken while the exchange answers. In order: the store's rows as of one moment, the
// ledger, the keys. So whatever a row or an entry names is in what was copied after it; entries
// made meanwhile may be in the ledger's copy, which loses nothing. SHA256SUMS comes last: a
// directory without it is no backup.

#include <cstdint>
#include <string>

#include "model/result.h"
#include "server/exchange.h"

namespace amanat::server {

struct Kept {
  std::uint64_t rows = 0, files = 0, bytes = 0;
};

/// copy_home copies what Exchange::backup copies but the store's rows, which are there as
/// `directory`/records.rows. `keys` may be empty: then no keys. Errors: file_failed, disk_full.
Result<Kept> copy_home(const Home& home, const std::string& directory, const std::string& keys);

/// check_sums compares every file of a backup with SHA256SUMS. Errors: file_failed (one that is
/// missing or differs, by name).
Result<Kept> check_sums(const std::string& directory);

/// restore makes a home of a backup and its keys, its rows in `store` (kLocalStore or a URL), its
/// ledger in `ledger_store` (the same), where none of its name may be. The backup is checked first; exchange.toml comes last. Errors: exchange_exists, file_failed,
/// key_missing, config_wrong, store_failed, disk_full.
Result<Kept> restore(const std::string& directory, const std::string& keys, const Home& home,
                     const std::string& store, const std::string& ledger_store = "local");

}  // namespace amanat::server
