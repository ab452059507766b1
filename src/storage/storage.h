#pragma once
// storage: where bytes rest. One small interface (ordered tables, point read, prefix scan, atomic
// batch, snapshot) with an engine in memory for tests, RocksDB for one machine and PostgreSQL for
// more: keys and values are byte strings, no engine's type shows, and a batch is one transaction.
// Also the durable files the ledger and the vault write themselves. Store is thread-safe. A
// Snapshot is read by one thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::storage {

/// Table is a keyspace. Values name column families on disk: never renumber.
enum class Table : std::uint8_t {
  subjects = 0,  // subject tag -> key slot and what is known of the subject
  records = 1,   // dataset, slot, record -> sealed current version
  past = 2,      // dataset, slot, record, version -> sealed older version
  index = 3,     // blind index tag, slot, record -> posting
  imports = 4,   // progress of imports, row digests seen
  cases = 5,
  accounts = 6,  // officers, services, devices
  slices = 7,    // label and quarter, keyed -> which slices a citizen has
  spent = 8,     // budgets
  settings = 9,  // one row each: format, counters
  labels = 10    // subject tag -> sealed label, of everybody ever asked about
};
inline constexpr std::size_t kTables = 11;

/// Batch is a set of writes that become visible and durable together; of two writes to one key the
/// later wins. Keys are 1 to 1024 bytes, values at most 64 MiB. Used by one thread at a time.
class Batch {
 public:
  void put(Table table, std::string_view key, std::string_view value);
  void erase(Table table, std::string_view key);
  void clear();
  bool empty() const { return places_.empty(); }
  std::size_t size() const { return places_.size(); }
  /// bytes is the size of all keys and values together.
  std::size_t bytes() const { return text_.size(); }

  struct Write {
    Table table;
    bool erase;
    std::string_view key, value;  // of the batch, until it changes
  };
  /// operator[] returns the i-th write, in the order they were made.
  Write operator[](std::size_t i) const;

 private:
  struct Place {
    std::uint64_t offset;
    std::uint32_t value_size;
    std::uint16_t key_size;
    Table table;
    bool erase;
  };
  std::vector<Place> places_;
  std::string text_;  // key, value, key, value, ...: one growing block, not two strings a write
};

enum class Durability : std::uint8_t {
  synced,   // on stable storage when write() returns
  buffered  // ordered before every later synced write; lost at most as a suffix
};

/// Visitor gets each key and value in ascending key order; returning false ends the scan.
using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

/// Reader is what can be read: the store now, or a snapshot of it.
class Reader {
 public:
  virtual ~Reader() = default;
  /// get appends the value to `out` and returns true, or returns false if there is none.
  /// Errors: store_failed.
  virtual Result<bool> get(Table table, std::string_view key, std::string& out) const = 0;
  /// scan visits all keys that begin with `prefix`, from `from` (itself within the prefix, or
  /// empty) on, as they were when the scan began; the visitor may write. Errors: store_failed.
  virtual Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                            const Visitor& visit) const = 0;
};

class Store : public Reader {
 public:
  /// write applies the batch atomically. Errors: store_failed, disk_full: nothing was applied, and
  /// after disk_full writes succeed again by themselves once there is space.
  virtual Result<void> write(const Batch& batch, Durability durability) = 0;
  /// sync makes every buffered write durable. Errors: store_failed, disk_full.
  virtual Result<void> sync() = 0;
  /// snapshot reads the store as it is now, whatever is written later. It must die before the
  /// store.
  virtual std::unique_ptr<Reader> snapshot() const = 0;
  /// purge rewrites the files so that nothing erased or overwritten under `prefix` is left in them,
  /// the log included. Slow; reads and writes go on. It waits for snapshots older than itself, half
  /// a minute at most. Errors: store_failed, disk_full; then purge again.
  virtual Result<void> purge(Table table, std::string_view prefix) = 0;
};

/// open_memory makes an empty store that lives in memory.
std::unique_ptr<Store> open_memory();

/// RocksOptions: memory for cached blocks, and threads for compaction besides one for flushes.
struct RocksOptions {
  std::size_t cache_mib = 256;
  unsigned background_threads = 1;
};
/// open_rocks opens or makes a RocksDB store in `directory` (docs/storage.md).
/// Errors: exchange_busy (another process has it open), store_failed, disk_full.
Result<std::unique_ptr<Store>> open_rocks(const std::string& directory,
                                          const RocksOptions& options);

/// PostgresOptions: connections to one server at a time, and how long a read or write waits for a
/// server that is gone for a moment (a failover, a restart).
struct PostgresOptions {
  std::size_t connections_max = 64;
  unsigned patience_ms = 5'000;
};
/// open_postgres opens or makes a store in the PostgreSQL database that `url` names, and on the
/// servers on which Citus has placed its tables (docs/storage.md). Errors: config_wrong (as
/// check_postgres_url), exchange_busy (another process has it open), store_failed, disk_full.
Result<std::unique_ptr<Store>> open_postgres(const std::string& url,
                                             const PostgresOptions& options);
/// check_postgres_url says whether a URL is fit to be written down: no password in it, a host, and
/// on the network TLS with the server's name checked. Errors: config_wrong.
Result<void> check_postgres_url(const std::string& url);

}  // namespace amanat::storage
