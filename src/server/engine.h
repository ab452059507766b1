#pragma once
// server, engine: opens the store an exchange's rows rest in, as exchange.toml's `store` names it.

#include <memory>
#include <string>
#include <string_view>

#include "model/result.h"
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

}  // namespace amanat::server
