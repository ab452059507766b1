#include "server/engine.h"

#include <filesystem>

#include "ledger/verify.h"
#include "storage/postgres_disk.h"

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

namespace {
// The name of the ledger's directory on a disk in PostgreSQL.
constexpr const char* kLedgerFiles = "ledger";
}  // namespace

Result<LedgerPlace> hold_ledger(const Home& home, const Config& config, const Waiting& waiting) {
  if (config.ledger_store == kLocalStore) return LedgerPlace{nullptr, home.ledger()};
  storage::PostgresDiskOptions options;
  options.name = config.origin;
  if (waiting.go_on) {
    options.busy = storage::PostgresDiskOptions::Busy::wait;
    options.go_on = waiting.go_on;
    options.on_wait = waiting.say;
  }
  auto disk = storage::open_postgres_disk(config.ledger_store, options);
  if (!disk) return std::unexpected(disk.error());
  return LedgerPlace{*std::move(disk), kLedgerFiles};
}

Result<LedgerPlace> look_at_ledger(const Home& home, const Config& config) {
  if (config.ledger_store == kLocalStore) return LedgerPlace{nullptr, home.ledger()};
  auto disk = storage::look_at_postgres_disk(config.ledger_store, config.origin);
  if (!disk) return std::unexpected(disk.error());
  return LedgerPlace{*std::move(disk), kLedgerFiles};
}

Result<ledger::Verdict> verify_ledger(const Home& home, std::string_view vkey,
                                      const std::function<void(std::uint64_t)>& progress) {
  // A copy of the ledger's files and its key alone has no settings: it is checked where it lies.
  std::error_code unknown;
  if (!std::filesystem::exists(home.config(), unknown) && !unknown)
    return ledger::verify_directory(home.ledger(), vkey, progress);
  auto config = read_config(home.config());
  if (!config) return std::unexpected(config.error());
  auto place = look_at_ledger(home, *config);
  if (!place) return std::unexpected(place.error());
  if (!place->disk) return ledger::verify_directory(place->directory, vkey, progress);
  auto key = ledger::parse_verifier_key(vkey);
  if (!key) return std::unexpected(key.error());
  return ledger::verify_files(*place->disk, place->directory, *key, progress);
}

}  // namespace amanat::server
