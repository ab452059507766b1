#include "server/engine.h"

namespace amanat::server {

Result<void> check_store(const std::string& store) {
  if (store == kLocalStore) return {};
  if (store.find_first_of("\"\\\n") != store.npos)
    return fail(Reason::config_wrong, "store: a URL has no quotes and no backslashes");
  return storage::check_postgres_url(store);
}

Result<std::unique_ptr<storage::Store>> open_engine(const Engine& engine) {
  if (engine.store != kLocalStore) return storage::open_postgres(engine.store, {});
  storage::RocksOptions options;
  options.cache_mib = engine.cache_mib;
  return storage::open_rocks(engine.directory, options);
}

Result<std::unique_ptr<storage::Store>> open_store(const Engine& engine) {
  auto store = open_engine(engine);
  if (!store) return store;
  for (const auto& [row, what] :
       {std::pair{kMovingRow, "rows are being moved here: finish it with amanat migrate"},
        std::pair{kLeftRow, "the rows were moved elsewhere with amanat migrate"}}) {
    std::string value;
    auto there = (*store)->get(storage::Table::settings, row, value);
    if (!there) return std::unexpected(there.error());
    if (*there) return fail(Reason::store_failed, what);
  }
  return store;
}

}  // namespace amanat::server
