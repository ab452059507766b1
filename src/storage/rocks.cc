#include "storage/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
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
    {16, 8, 2},  // slices: keyed name of the label 16, quarter 4
    {0, 4, 1},   // spent
    {0, 1, 1},   // settings
    {0, 8, 2},   // labels: tag, read alone
}};
constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kMemtablesMaxMib = 256;
constexpr std::size_t kSortFrom = 64;
constexpr std::uint64_t kReopenBytes = 16 << 20;
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
rocksdb::ColumnFamilyOptions family_options(const Shape& shape,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
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
  o.env = env;
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
  o.bgerror_resume_retry_interval = std::chrono::microseconds(kResumePause).count();
  // RocksDB's own log: little, and nothing in it but file names, sizes and errors.
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.keep_log_file_num = 2;
  o.max_log_file_size = 1 << 20;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  return o;
}

Result<bool> get_from(rocksdb::DB& db, Family* family, const rocksdb::Snapshot* snapshot,
                      std::string_view key, std::string& out) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const auto status = db.Get(options, family, slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return failure_of(status);
  out.append(value.data(), value.size());
  return true;
}

Result<void> scan_from(rocksdb::DB& db, Family* family, const rocksdb::Snapshot* snapshot,
                       const Shape& shape, std::string_view prefix, std::string_view from,
                       const Visitor& visit) {
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

// Everybody who uses the database is inside the gate; whoever reopens it closes the gate first.
// Threads are spread over locks in cache lines of their own: one lock for all would be the very
// thing readers wait for.
class Gate {
 public:
  std::shared_lock<std::shared_mutex> enter() const {
    static std::atomic<std::size_t> threads = 0;
    thread_local const std::size_t mine = threads++;
    return std::shared_lock(stripes_[mine % stripes_.size()].mutex);
  }
  /// close returns the locks of all stripes, or none if somebody stays inside: a scan whose visitor
  /// writes is inside itself, so waiting for ever would be a deadlock.
  std::vector<std::unique_lock<std::shared_mutex>> close() {
    std::vector<std::unique_lock<std::shared_mutex>> held;
    const auto deadline = Clock::now() + kResumePause;
    for (auto& stripe : stripes_) {
      std::unique_lock lock(stripe.mutex, std::try_to_lock);
      for (; !lock.owns_lock(); (void)lock.try_lock()) {
        if (Clock::now() > deadline) return {};
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      held.push_back(std::move(lock));
    }
    return held;
  }

 private:
  struct alignas(64) Stripe {
    mutable std::shared_mutex mutex;
  };
  std::array<Stripe, 16> stripes_;
};

class Rocks : public Store {
 public:
  Rocks(DirectoryLock lock, rocksdb::Env* env, std::string directory, const RocksOptions& options)
      : lock_(std::move(lock)),
        env_(env != nullptr ? env : rocksdb::Env::Default()),
        directory_(std::move(directory)),
        options_(options),
        cache_(rocksdb::HyperClockCacheOptions(options.cache_mib << 20, kBlockBytes)
                   .MakeSharedCache()) {}
  ~Rocks() override {
    if (db_) (void)sync();
    close();
  }
  rocksdb::Status open();

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    const auto inside = gate_.enter();
    if (!db_) return closed();
    return get_from(*db_, family(table), nullptr, key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    const auto inside = gate_.enter();
    if (!db_) return closed();
    return scan_from(*db_, family(table), nullptr, shape_of(table), prefix, from, visit);
  }
  Result<void> write(const Batch& batch, Durability durability) override;
  Result<void> sync() override;
  std::unique_ptr<Reader> snapshot() const override;
  Result<void> purge(Table table, std::string_view prefix) override;

 private:
  friend class RocksSnapshot;
  static std::unexpected<Failure> closed() {
    return fail(Reason::store_failed, "closed after a failed write");
  }
  Family* family(Table table) const {
    const auto i = static_cast<std::size_t>(table);
    insist(i < kTables && families_.size() == kTables + 1);
    return families_[i];
  }
  void close();
  /// attempt does `act`, and once more if the first time failed and the database could be revived.
  template <class Act>
  Result<void> attempt(const Act& act);
  bool revive();
  bool may_reopen() const;
  bool reopen();
  Result<void> wait_for_old_snapshots();

  const DirectoryLock lock_;
  rocksdb::Env* const env_;
  const std::string directory_;
  const RocksOptions options_;
  const std::shared_ptr<rocksdb::Cache> cache_;

  Gate gate_;                        // over the next two
  std::unique_ptr<rocksdb::DB> db_;  // null: a reopening failed
  std::vector<Family*> families_;    // by Table; the last is RocksDB's own "default", unused
  mutable std::atomic<int> snapshots_ = 0;
  std::mutex revive_mutex_;
  Clock::time_point revived_{};
};

// The database is not reopened while a snapshot lives, so reads through one need not pass the gate.
class RocksSnapshot : public Reader {
 public:
  explicit RocksSnapshot(const Rocks& rocks) : rocks_(rocks) {
    const auto inside = rocks_.gate_.enter();
    ++rocks_.snapshots_;
    if (rocks_.db_) snapshot_ = rocks_.db_->GetSnapshot();
  }
  ~RocksSnapshot() override {
    if (snapshot_ != nullptr) rocks_.db_->ReleaseSnapshot(snapshot_);
    --rocks_.snapshots_;
  }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    if (snapshot_ == nullptr) return Rocks::closed();
    return get_from(*rocks_.db_, rocks_.family(table), snapshot_, key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    if (snapshot_ == nullptr) return Rocks::closed();
    return scan_from(*rocks_.db_, rocks_.family(table), snapshot_, shape_of(table), prefix, from,
                     visit);
  }

 private:
  const Rocks& rocks_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
};

std::unique_ptr<Reader> Rocks::snapshot() const { return std::make_unique<RocksSnapshot>(*this); }

rocksdb::Status Rocks::open() {
  insist(!db_ && families_.empty());
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
  for (std::size_t i = 0; i < kTables; ++i)
    wanted.emplace_back(std::to_string(i), family_options(kShapes[i], cache_));
  wanted.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(Shape{0, 1, 1}, cache_));
  rocksdb::DB* db = nullptr;
  const auto status =
      rocksdb::DB::Open(database_options(env_, options_), directory_, wanted, &families_, &db);
  if (status.ok())
    db_.reset(db);
  else
    families_.clear();
  return status;
}

void Rocks::close() {
  if (!db_) return;
  for (Family* family : families_) (void)db_->DestroyColumnFamilyHandle(family);
  families_.clear();
  (void)db_->Close();
  db_.reset();
}

// After a failed write or flush RocksDB refuses all writes until it has resumed, and after some
// errors for good. From a full disk it resumes by itself; the rest is seen to at the next write,
// not more often than every kResumePause, because each time the memtables are written out.
template <class Act>
Result<void> Rocks::attempt(const Act& act) {
  auto once = [&]() -> Result<void> {
    const auto inside = gate_.enter();
    if (!db_) return closed();
    if (const rocksdb::Status status = act(*db_); !status.ok()) return failure_of(status);
    return {};
  };
  auto first = once();
  if (first || !revive()) return first;
  return once();
}

bool Rocks::revive() {
  const std::scoped_lock lock(revive_mutex_);
  if (Clock::now() - revived_ < kResumePause) return false;
  bool revived = false, hopeless = true;
  {
    const auto inside = gate_.enter();
    if (db_) {
      const auto status = db_->Resume();
      revived = status.ok();
      // Whatever is less (no space, a recovery of RocksDB's own under way) may be resumed from
      // later.
      hopeless = status.severity() >= rocksdb::Status::Severity::kFatalError;
    }
  }
  if (!revived && hopeless) revived = reopen();
  revived_ = Clock::now();
  return revived;
}

// Recovery writes what the log has to new files, so there must be room for that, and the disk must
// take a small file again: until then the store stays as it is and reads go on.
bool Rocks::may_reopen() const {
  std::vector<std::string> names;
  if (!env_->GetChildren(directory_, &names).ok()) return false;
  std::uint64_t needed = kReopenBytes, available = 0;
  for (const auto& name : names)
    if (std::uint64_t size = 0;
        name.ends_with(".log") && env_->GetFileSize(directory_ + "/" + name, &size).ok())
      needed += size * 2;
  if (!env_->GetFreeSpace(directory_, &available).ok() || available < needed) return false;
  const std::string probe = directory_ + "/probe";
  if (!rocksdb::WriteStringToFile(env_, "amanat", probe, true).ok()) return false;
  (void)env_->DeleteFile(probe);
  return true;
}

bool Rocks::reopen() {
  if (!may_reopen()) return false;
  const auto gate = gate_.close();
  if (gate.empty() || snapshots_ != 0) return false;
  close();
  return open().ok();
}

Result<void> Rocks::write(const Batch& batch, Durability durability) {
  if (batch.empty()) return {};
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::synced;
  const auto order = write_order(batch);
  return attempt([&](rocksdb::DB& db) {
    rocksdb::WriteBatch writes(batch.bytes() + batch.size() * 16);
    for (const auto i : order) {
      const Batch::Write w = batch[i];
      const auto status = w.erase ? writes.Delete(family(w.table), slice(w.key))
                                  : writes.Put(family(w.table), slice(w.key), slice(w.value));
      if (!status.ok()) return status;
    }
    return db.Write(options, &writes);
  });
}

// A synced write of nothing, not SyncWAL(): that one aborts (RocksDB 7.8 as Debian builds it, with
// assertions) when it meets a log file that failed before.
Result<void> Rocks::sync() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return attempt([&](rocksdb::DB& db) {
    rocksdb::WriteBatch nothing;
    (void)nothing.PutLogData(rocksdb::Slice());
    return db.Write(options, &nothing);
  });
}

Result<void> Rocks::wait_for_old_snapshots() {
  const auto deadline = Clock::now() + kSnapshotWait;
  std::uint64_t now = 0;
  for (;;) {
    {
      const auto inside = gate_.enter();
      if (!db_) return closed();
      if (now == 0) now = db_->GetLatestSequenceNumber();
      std::uint64_t oldest = 0;
      insist(db_->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest));
      if (oldest == 0 || oldest >= now) return {};
    }
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
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const std::string end = after(prefix);
  const rocksdb::Slice from = slice(prefix), to(end);
  return attempt([&](rocksdb::DB& db) {
    auto status = db.Flush(rocksdb::FlushOptions(), families_);
    if (status.ok())
      status = db.CompactRange(options, family(table), prefix.empty() ? nullptr : &from,
                               end.empty() ? nullptr : &to);
    if (status.ok()) status = db.DisableFileDeletions();
    if (status.ok()) status = db.EnableFileDeletions(true);
    return status;
  });
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_on(rocksdb::Env* env, const std::string& directory,
                                             const RocksOptions& options) {
  insist(options.background_threads >= 1 && options.cache_mib >= 1);
  if (auto made = system_disk().make_directory(directory); !made)
    return std::unexpected(std::move(made.error()));
  auto lock = DirectoryLock::take(directory);
  if (!lock) return std::unexpected(std::move(lock.error()));
  auto rocks = std::make_unique<Rocks>(std::move(*lock), env, directory, options);
  if (const auto status = rocks->open(); !status.ok()) return failure_of(status);
  return rocks;
}

Result<std::unique_ptr<Store>> open_rocks(const std::string& directory,
                                          const RocksOptions& options) {
  return open_rocks_on(nullptr, directory, options);
}

}  // namespace amanat::storage
