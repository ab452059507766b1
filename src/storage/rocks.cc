#include "storage/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "model/insist.h"
#include "storage/file.h"

namespace amanat::storage {
namespace {

using Clock = std::chrono::steady_clock;
using Family = rocksdb::ColumnFamilyHandle;

// What is known of a table's keys: `prefix` bytes are what scans ask for (0: scans are whole or
// rare). A table that imports fill has small memtables, which stay in the processor's cache, and
// joins `joined` of them into one file.
struct Shape {
  std::size_t prefix;
  std::size_t memory_mib;
  int joined;
};
constexpr std::array<Shape, kTables> kShapes = {{
    {0, 8, 2},   // subjects: tag, read alone
    {10, 8, 4},  // records: dataset 2, slot 8, record 16
    {10, 8, 2},  // past: the same and a version
    {16, 8, 4},  // index: blind index tag 16, then a record's key
    {0, 4, 1},   // imports
    {0, 4, 1},   // cases
    {0, 4, 1},   // accounts
    {0, 4, 1},   // slices
    {0, 4, 1},   // spent
    {0, 1, 1},   // settings
}};
constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kMemtablesMaxMib = 256;
constexpr std::size_t kSortFrom = 64;
constexpr auto kResumePause = std::chrono::milliseconds(100);
constexpr auto kSnapshotWait = std::chrono::seconds(30);

const Shape& shape_of(Table table) {
  const auto i = static_cast<std::size_t>(table);
  insist(i < kTables);
  return kShapes[i];
}

rocksdb::Slice slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

std::unexpected<Failure> failure_of(const rocksdb::Status& status) {
  insist(!status.ok());
  const bool full = status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit;
  return fail(full ? Reason::disk_full : Reason::store_failed, status.ToString().substr(0, 200));
}

/// The first key after all that begin with `prefix`; empty if there is none.
std::string after(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

// In key order each insert begins where the last one ended (family_options gives the hint),
// which makes a big batch several times cheaper. Equal keys stay as they were made, so that the
// later write wins.
std::vector<std::uint32_t> write_order(const Batch& batch) {
  struct Row {
    Table table;
    std::uint32_t i;
    std::uint64_t head;  // the key's first bytes: keyed hashes mostly differ there
  };
  std::vector<Row> rows(batch.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    const Batch::Write w = batch[i];
    std::uint64_t head = 0;
    for (std::size_t b = 0; b < sizeof head; ++b)
      head = head << 8 | (b < w.key.size() ? static_cast<std::uint8_t>(w.key[b]) : 0u);
    rows[i] = Row{w.table, i, head};
  }
  if (rows.size() >= kSortFrom)
    std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      if (a.table != b.table) return a.table < b.table;
      if (a.head != b.head) return a.head < b.head;
      const int order = batch[a.i].key.compare(batch[b.i].key);
      return order != 0 ? order < 0 : a.i < b.i;
    });
  std::vector<std::uint32_t> order(rows.size());
  std::transform(rows.begin(), rows.end(), order.begin(), [](const Row& row) { return row.i; });
  return order;
}

// No compression: values are ciphertext and keys are keyed hashes. Blocks are read into the cache
// and not mapped: a bad sector then is an error to report, not a SIGBUS that ends the exchange.
rocksdb::ColumnFamilyOptions family_options(const Shape& shape, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.whole_key_filtering = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;

  rocksdb::ColumnFamilyOptions o;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.compression = rocksdb::kNoCompression;
  o.bottommost_compression = rocksdb::kNoCompression;
  if (shape.prefix > 0) o.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(shape.prefix));
  o.memtable_whole_key_filtering = true;
  o.memtable_prefix_bloom_size_ratio = 0.05;
  // One hint for all keys: where the last insert ended (the public name is for prefixes).
  o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
  o.write_buffer_size = shape.memory_mib << 20;
  o.min_write_buffer_number_to_merge = shape.joined;
  o.max_write_buffer_number = 3 * shape.joined + 1;
  // An import is bound by the processor, not by how many files wait: never slow writers down.
  o.level0_file_num_compaction_trigger = 8;
  o.level0_slowdown_writes_trigger = 64;
  o.level0_stop_writes_trigger = 96;
  o.soft_pending_compaction_bytes_limit = 0;
  o.hard_pending_compaction_bytes_limit = 0;
  o.level_compaction_dynamic_level_bytes = true;
  o.target_file_size_base = 64 << 20;
  o.max_bytes_for_level_base = 512 << 20;
  return o;
}

rocksdb::DBOptions database_options(rocksdb::Env* env, const RocksOptions& options) {
  rocksdb::DBOptions o;
  if (env != nullptr) o.env = env;
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  o.paranoid_checks = true;
  o.max_background_jobs = static_cast<int>(options.background_threads) + 1;
  o.db_write_buffer_size = kMemtablesMaxMib << 20;
  o.max_total_wal_size = 256 << 20;
  o.bytes_per_sync = 1 << 20;
  o.max_open_files = -1;
  o.max_manifest_file_size = 64 << 20;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // One writer at a time inserts a batch; sorted batches then reuse the place of the last key.
  o.allow_concurrent_memtable_write = false;
  // RocksDB's own log: little, and nothing in it but file names, sizes and errors.
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.keep_log_file_num = 2;
  o.max_log_file_size = 1 << 20;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  return o;
}

Result<bool> get_from(rocksdb::DB& db, Family* family, const rocksdb::Snapshot* snapshot, std::string_view key,
                      std::string& out) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const auto status = db.Get(options, family, slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return failure_of(status);
  out.append(value.data(), value.size());
  return true;
}

Result<void> scan_from(rocksdb::DB& db, Family* family, const rocksdb::Snapshot* snapshot, const Shape& shape,
                       std::string_view prefix, std::string_view from, const Visitor& visit) {
  insist(from.empty() || from.starts_with(prefix));
  const std::string end = after(prefix);
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  if (!end.empty()) options.iterate_upper_bound = &bound;
  // The prefix filter may be asked only about a prefix it knows; a shorter one needs total order.
  options.total_order_seek = shape.prefix == 0 || prefix.size() < shape.prefix;
  options.prefix_same_as_start = !options.total_order_seek;
  options.fill_cache = !prefix.empty();  // a walk over everything must not push out what is in use
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options, family));
  for (it->Seek(slice(from.empty() ? prefix : from)); it->Valid(); it->Next()) {
    const std::string_view key = view(it->key());
    if (!key.starts_with(prefix) || !visit(key, view(it->value()))) break;
  }
  if (!it->status().ok()) return failure_of(it->status());
  return {};
}

class Rocks : public Store {
 public:
  Rocks(DirectoryLock lock, std::unique_ptr<rocksdb::DB> db, std::vector<Family*> families)
      : lock_(std::move(lock)), db_(std::move(db)), families_(std::move(families)) {
    insist(db_ != nullptr && families_.size() == kTables + 1);
  }
  ~Rocks() override {
    (void)db_->SyncWAL();
    for (Family* family : families_) (void)db_->DestroyColumnFamilyHandle(family);
    (void)db_->Close();
  }

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    return get_from(*db_, family(table), nullptr, key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    return scan_from(*db_, family(table), nullptr, shape_of(table), prefix, from, visit);
  }
  Result<void> write(const Batch& batch, Durability durability) override;
  Result<void> sync() override {
    return again_if_stopped([this] { return db_->SyncWAL(); });
  }
  std::unique_ptr<Reader> snapshot() const override;
  Result<void> purge(Table table, std::string_view prefix) override;

 private:
  friend class RocksSnapshot;
  Family* family(Table table) const {
    const auto i = static_cast<std::size_t>(table);
    insist(i < kTables);
    return families_[i];
  }
  template <class Write>
  Result<void> again_if_stopped(const Write& write);
  Result<void> wait_for_old_snapshots();

  const DirectoryLock lock_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::vector<Family*> families_;  // by Table; the last is RocksDB's own "default", unused
  std::mutex resume_mutex_;
  Clock::time_point resumed_{};
};

class RocksSnapshot : public Reader {
 public:
  explicit RocksSnapshot(const Rocks& rocks) : rocks_(rocks), snapshot_(rocks.db_->GetSnapshot()) {}
  ~RocksSnapshot() override { rocks_.db_->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    return get_from(*rocks_.db_, rocks_.family(table), snapshot_, key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    return scan_from(*rocks_.db_, rocks_.family(table), snapshot_, shape_of(table), prefix, from, visit);
  }

 private:
  const Rocks& rocks_;
  const rocksdb::Snapshot* const snapshot_;
};

std::unique_ptr<Reader> Rocks::snapshot() const { return std::make_unique<RocksSnapshot>(*this); }

// After a failed write or flush RocksDB refuses all writes until it is told to resume. We tell it at
// the next write, so that writes come back as soon as there is space; not more often than every
// kResumePause, because each attempt tries to write the memtables out.
template <class Write>
Result<void> Rocks::again_if_stopped(const Write& write) {
  rocksdb::Status status = write();
  if (status.ok()) return {};
  const auto first = failure_of(status);
  {
    const std::scoped_lock lock(resume_mutex_);
    const auto time = Clock::now();
    if (time - resumed_ < kResumePause) return first;
    resumed_ = time;
    if (!db_->Resume().ok()) return first;
  }
  status = write();
  if (!status.ok()) return failure_of(status);
  return {};
}

Result<void> Rocks::write(const Batch& batch, Durability durability) {
  if (batch.empty()) return {};
  rocksdb::WriteBatch writes(batch.bytes() + batch.size() * 16);
  for (const auto i : write_order(batch)) {
    const Batch::Write w = batch[i];
    const auto status = w.erase ? writes.Delete(family(w.table), slice(w.key))
                                : writes.Put(family(w.table), slice(w.key), slice(w.value));
    if (!status.ok()) return failure_of(status);
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::synced;
  return again_if_stopped([&] { return db_->Write(options, &writes); });
}

Result<void> Rocks::wait_for_old_snapshots() {
  const std::uint64_t now = db_->GetLatestSequenceNumber();
  const auto deadline = Clock::now() + kSnapshotWait;
  for (;;) {
    std::uint64_t oldest = 0;
    insist(db_->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest));
    if (oldest == 0 || oldest >= now) return {};
    if (Clock::now() > deadline)
      return fail(Reason::store_failed, "an open snapshot still sees what is to be purged");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// 1. Snapshots that see the erased values must be gone, or compaction keeps them.
// 2. Flushing every table makes every log file obsolete (they share them).
// 3. Compaction of the range, the lowest level included, drops the values and their tombstones.
// 4. What became obsolete is unlinked now, and not when RocksDB next gets to it.
Result<void> Rocks::purge(Table table, std::string_view prefix) {
  if (auto waited = wait_for_old_snapshots(); !waited) return waited;
  if (auto flushed = again_if_stopped([this] { return db_->Flush(rocksdb::FlushOptions(), families_); }); !flushed)
    return flushed;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const std::string end = after(prefix);
  const rocksdb::Slice from = slice(prefix), to(end);
  if (auto compacted = again_if_stopped([&] {
        return db_->CompactRange(options, family(table), prefix.empty() ? nullptr : &from,
                                 end.empty() ? nullptr : &to);
      });
      !compacted)
    return compacted;
  if (auto status = db_->DisableFileDeletions(); !status.ok()) return failure_of(status);
  if (auto status = db_->EnableFileDeletions(true); !status.ok()) return failure_of(status);
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_on(rocksdb::Env* env, const std::string& directory,
                                             const RocksOptions& options) {
  insist(options.background_threads >= 1 && options.cache_mib >= 1);
  if (auto made = system_disk().make_directory(directory); !made) return std::unexpected(std::move(made.error()));
  auto lock = DirectoryLock::take(directory);
  if (!lock) return std::unexpected(std::move(lock.error()));
  const auto cache = rocksdb::HyperClockCacheOptions(options.cache_mib << 20, kBlockBytes).MakeSharedCache();
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  for (std::size_t i = 0; i < kTables; ++i)
    wanted.emplace_back(std::to_string(i), family_options(kShapes[i], cache));
  wanted.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(Shape{0, 1, 1}, cache));
  std::vector<Family*> families;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(database_options(env, options), directory, wanted, &families, &db);
  if (!status.ok()) return failure_of(status);
  return std::make_unique<Rocks>(std::move(*lock), std::unique_ptr<rocksdb::DB>(db), std::move(families));
}

Result<std::unique_ptr<Store>> open_rocks(const std::string& directory, const RocksOptions& options) {
  return open_rocks_on(nullptr, directory, options);
}

}  // namespace amanat::storage
