#pragma once
// server, engine: opens the store an exchange's rows rest in, as exchange.toml's `store` names it.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/ledger.h"
#include "model/result.h"
#include "server/exchange.h"
#include "storage/file.h"
#include "storage/storage.h"

namespace amanat::server {

/// kLocalStore is what `store` says of RocksDB in the home's own directory.
inline constexpr std::string_view kLocalStore = "local";

/// Rows of the settings that say a store is no exchange's just now: one that rows are being moved
/// to, or were moved away from (src/server/move.h).
inline constexpr std::string_view kMovingRow = "store/moving";
inline constexpr std::string_view kLeftRow = "store/left";

/// Engine says where: kLocalStore, then in `directory`, or a postgresql:// URL.
struct Engine {
  std::string store;
  std::string directory;
  unsigned cache_mib = 256;
};

/// check_store says whether exchange.toml may name this store. Errors: config_wrong.
Result<void> check_store(const std::string& store);
/// open_engine opens a store whatever is in it. Errors: config_wrong, exchange_busy, store_failed,
/// disk_full.
Result<std::unique_ptr<storage::Store>> open_engine(const Engine& engine);
/// open_store opens the store of an exchange that is to be used. Errors: as open_engine, and
/// store_failed for one that rows are being moved to or were moved away from.
Result<std::unique_ptr<storage::Store>> open_store(const Engine& engine);

/// LedgerPlace is where a ledger's files rest: a directory of the home, or of a disk in PostgreSQL,
/// where it is the same whatever home looks.
struct LedgerPlace {
  std::unique_ptr<storage::Disk> disk;  // null: the file system
  std::string directory;
};
/// hold_ledger takes the place of a home's ledger for this process alone, in files by the home's own
/// lock. Errors: exchange_busy (another gateway holds it, and `waiting` does not wait), config_wrong,
/// shutting_down, store_failed.
Result<LedgerPlace> hold_ledger(const Home& home, const Config& config, const Waiting& waiting);
/// look_at_ledger shows it as it is now, while another process may write on. Errors: config_wrong,
/// exchange_missing, store_failed.
Result<LedgerPlace> look_at_ledger(const Home& home, const Config& config);
/// verify_ledger is ledger::verify_directory wherever the ledger rests. Errors: as it and
/// look_at_ledger.
Result<ledger::Verdict> verify_ledger(const Home& home, std::string_view vkey,
                                      const std::function<void(std::uint64_t)>& progress);

}  // namespace amanat::server
