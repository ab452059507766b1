#pragma once
// storage: where bytes rest. One small interface (ordered tables, point read, prefix scan, atomic
// batch, snapshot) with an engine in memory for tests and RocksDB for real; shaped so that a
// PostgreSQL engine fits behind it: keys and values are byte strings, no engine's type shows, and a
// batch is one transaction. Also the durable files the ledger and the vault write themselves.
// Store is thread-safe. A Snapshot is read by one thread at a time.

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
  subjects = 0,   // subject tag -> key slot and what is known of the subject
  records = 1,    // dataset, slot, record -> sealed current version
  past = 2,       // dataset, slot, record, version -> sealed older version
  index = 3,      // blind index tag, slot, record -> posting
  imports = 4,    // progress of imports, row digests seen
  cases = 5,
  accounts = 6,   // officers, services, devices
  slices = 7,     // which slices a citizen has
  spent = 8,      // budgets
  settings = 9    // one row each: format, counters
};
inline constexpr std::size_t kTables = 10;

/// Batch is a set of writes that become visible and durable together.
class Batch {
 public:
  void put(Table table, std::string_view key, std::string_view value);
  void erase(Table table, std::string_view key);
  void clear();
  bool empty() const { return writes_.empty(); }
  std::size_t size() const { return writes_.size(); }
  std::size_t bytes() const { return bytes_; }

  struct Write {
    Table table;
    bool erase;
    std::string key, value;
  };
  const std::vector<Write>& writes() const { return writes_; }

 private:
  std::vector<Write> writes_;
  std::size_t bytes_ = 0;
};

enum class Durability : std::uint8_t {
  synced,    // on stable storage when write() returns
  buffered   // ordered before every later synced write; lost at most as a suffix
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
  /// empty) on. Errors: store_failed.
  virtual Result<void> scan(Table table, std::string_view prefix, std::string_view from, const Visitor& visit) const = 0;
};

class Store : public Reader {
 public:
  /// write applies the batch atomically. Errors: store_failed, disk_full (nothing was applied).
  virtual Result<void> write(const Batch& batch, Durability durability) = 0;
  /// sync makes every buffered write durable. Errors: store_failed, disk_full.
  virtual Result<void> sync() = 0;
  virtual std::unique_ptr<Reader> snapshot() const = 0;
  /// purge rewrites the files so that nothing erased under `prefix` is left in them.
  virtual Result<void> purge(Table table, std::string_view prefix) = 0;
};

/// open_memory makes an empty store that lives in memory.
std::unique_ptr<Store> open_memory();

struct RocksOptions {
  std::size_t cache_mib = 256;
  unsigned background_threads = 1;
};
/// open_rocks opens or makes a RocksDB store in `directory`.
/// Errors: exchange_busy (another process has it open), store_failed, disk_full.
Result<std::unique_ptr<Store>> open_rocks(const std::string& directory, const RocksOptions& options);

}  // namespace amanat::storage
