#include "storage/rocks.h"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <random>
#include <thread>

#include "storage/scratch.h"

namespace amanat::storage {
namespace {

constexpr RocksOptions kSmall{.cache_mib = 8, .background_threads = 1};

std::string noise(std::mt19937_64& random, std::size_t size) {
  std::string out;
  while (out.size() < size) out.push_back(static_cast<char>(random()));
  return out;
}

bool any_file_holds(const std::string& directory, std::string_view bytes) {
  for (const auto& [path, content] : bytes_of_files(directory))
    if (content.find(bytes) != content.npos) return true;
  return false;
}

enum class Trouble : std::uint8_t { none, full, broken };

rocksdb::IOStatus status_of(Trouble trouble) {
  auto status = trouble == Trouble::full ? rocksdb::IOStatus::NoSpace("injected")
                                         : rocksdb::IOStatus::IOError("injected");
  status.SetRetryable(trouble == Trouble::full);  // as the system's file system does
  return status;
}

// A file system that counts syncs and whose writes fail while `trouble` is not none.
class FailingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, const std::atomic<Trouble>& trouble,
              std::atomic<int>& syncs)
      : FSWritableFileOwnerWrapper(std::move(file)), trouble_(trouble), syncs_(syncs) {}
  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    const Trouble trouble = trouble_;
    if (trouble == Trouble::none) return FSWritableFileOwnerWrapper::Append(data, options, context);
    // Half of it arrives, as on a disk that fills up.
    (void)FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2), options,
                                             context);
    return status_of(trouble);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    const Trouble trouble = trouble_;
    ++syncs_;
    return trouble == Trouble::none ? FSWritableFileOwnerWrapper::Sync(options, context)
                                    : status_of(trouble);
  }

 private:
  const std::atomic<Trouble>& trouble_;
  std::atomic<int>& syncs_;
};

class FailingSystem : public rocksdb::FileSystemWrapper {
 public:
  FailingSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FailingSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    auto status = FileSystemWrapper::NewWritableFile(name, options, &file, context);
    if (status.ok()) *result = std::make_unique<FailingFile>(std::move(file), trouble, syncs);
    return status;
  }
  std::atomic<Trouble> trouble = Trouble::none;
  std::atomic<int> syncs = 0;
};

class Rocks : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> open() {
    return open_rocks_on(env_.get(), scratch_ / "store", kSmall);
  }
  static Result<void> put(Store& store, Table table, std::string_view key, std::string_view value,
                          Durability durability = Durability::synced) {
    Batch batch;
    batch.put(table, key, value);
    return store.write(batch, durability);
  }
  static Result<void> erase(Store& store, Table table, std::string_view key) {
    Batch batch;
    batch.erase(table, key);
    return store.write(batch, Durability::synced);
  }
  static std::optional<std::string> get(const Store& store, Table table, std::string_view key) {
    std::string out;
    const auto found = store.get(table, key, out);
    EXPECT_TRUE(found);
    return found && *found ? std::optional(out) : std::nullopt;
  }

  Scratch scratch_;
  std::shared_ptr<FailingSystem> system_ = std::make_shared<FailingSystem>();
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(system_);
};

TEST_F(Rocks, ASecondOpeningIsToldThatTheExchangeIsBusy) {
  auto first = open();
  ASSERT_TRUE(first);
  EXPECT_EQ(open().error().reason, Reason::exchange_busy);
  first->reset();
  EXPECT_TRUE(open());
}

TEST_F(Rocks, OnlyWhatAsksForItWaitsForTheDisk) {
  auto store = open();
  ASSERT_TRUE(store);
  int before = system_->syncs;
  ASSERT_TRUE(put(**store, Table::spent, "a", "1", Durability::buffered));
  EXPECT_EQ(system_->syncs, before);
  ASSERT_TRUE((*store)->sync());
  EXPECT_EQ(system_->syncs, before + 1);
  before = system_->syncs;
  ASSERT_TRUE(put(**store, Table::spent, "b", "1", Durability::synced));
  EXPECT_EQ(system_->syncs, before + 1);
}

TEST_F(Rocks, AfterAPurgeNoFileHoldsWhatWasErased) {
  std::mt19937_64 random(11);
  const std::string erased = noise(random, 64), replaced = noise(random, 64),
                    kept = noise(random, 64);
  auto store = open();
  ASSERT_TRUE(store);
  for (const Table table : {Table::records, Table::past, Table::index, Table::subjects}) {
    ASSERT_TRUE(put(**store, table, "subject one, key one", erased));
    ASSERT_TRUE(put(**store, table, "subject one, key two", replaced));
    ASSERT_TRUE(put(**store, table, "subject two, key one", kept));
  }
  // Some of it lies in a table file already, some only in the log.
  ASSERT_TRUE((*store)->purge(Table::records, ""));
  for (const Table table : {Table::records, Table::past, Table::index, Table::subjects}) {
    ASSERT_TRUE(erase(**store, table, "subject one, key one"));
    ASSERT_TRUE(put(**store, table, "subject one, key two", "corrected"));
  }
  EXPECT_TRUE(any_file_holds(scratch_.path(), erased));
  EXPECT_TRUE(any_file_holds(scratch_.path(), replaced));
  for (const Table table : {Table::records, Table::past, Table::index, Table::subjects})
    ASSERT_TRUE((*store)->purge(table, "subject one"));
  EXPECT_FALSE(any_file_holds(scratch_.path(), erased));
  EXPECT_FALSE(any_file_holds(scratch_.path(), replaced));
  EXPECT_TRUE(any_file_holds(scratch_.path(), kept));
  EXPECT_EQ(get(**store, Table::records, "subject one, key two"), "corrected");
  EXPECT_EQ(get(**store, Table::records, "subject two, key one"), kept);
}

TEST_F(Rocks, APurgeReachesTheLogThatAllTablesShare) {
  std::mt19937_64 random(15);
  const std::string erased = noise(random, 64);
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE(put(**store, Table::settings, "of no concern", "1"));
  ASSERT_TRUE(put(**store, Table::records, "key", erased));
  ASSERT_TRUE(erase(**store, Table::records, "key"));
  ASSERT_TRUE((*store)->purge(Table::records, "key"));
  EXPECT_FALSE(any_file_holds(scratch_.path(), erased));
  EXPECT_EQ(get(**store, Table::settings, "of no concern"), "1");
}

TEST_F(Rocks, APurgeOutlivesTheSnapshotsThatStillSee) {
  std::mt19937_64 random(12);
  const std::string erased = noise(random, 64);
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE(put(**store, Table::records, "key", erased));
  auto snapshot = (*store)->snapshot();
  ASSERT_TRUE(erase(**store, Table::records, "key"));
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    snapshot.reset();
  });
  EXPECT_TRUE((*store)->purge(Table::records, "key"));
  reader.join();
  EXPECT_FALSE(any_file_holds(scratch_.path(), erased));
}

TEST_F(Rocks, ItsOwnLogIsSmallAndHoldsNoKeyAndNoValue) {
  std::mt19937_64 random(13);
  auto store = open();
  ASSERT_TRUE(store);
  for (int i = 0; i < 2'000; ++i)
    ASSERT_TRUE(put(**store, Table::records, "a key to look for " + std::to_string(i),
                    "a value to look for", Durability::buffered));
  ASSERT_TRUE((*store)->purge(Table::records, "a key"));
  store->reset();
  std::size_t logs = 0;
  for (const auto& [path, content] : bytes_of_files(scratch_.path())) {
    if (path.find("/LOG") == path.npos) continue;
    ++logs;
    EXPECT_LT(content.size(), 1u << 20);
    EXPECT_EQ(content.find("a key"), content.npos);
    EXPECT_EQ(content.find("a value"), content.npos);
    EXPECT_EQ(content.find("61206B6579"), content.npos);  // "a key" in hex, as RocksDB writes keys
  }
  EXPECT_GE(logs, 1u);
}

TEST_F(Rocks, AFullDiskStopsWritesAndSpaceResumesThem) {
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE(put(**store, Table::spent, "before", "1"));
  system_->trouble = Trouble::full;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(put(**store, Table::spent, "during", "2").error().reason, Reason::disk_full);
    EXPECT_EQ(get(**store, Table::spent, "before"), "1");
    EXPECT_EQ(get(**store, Table::spent, "during"), std::nullopt);
    EXPECT_EQ((*store)->sync().error().reason, Reason::disk_full);
  }
  system_->trouble = Trouble::none;
  Result<void> written = fail(Reason::store_failed);
  for (int i = 0; i < 100 && !written; ++i) {
    written = put(**store, Table::spent, "after", "3");
    if (!written) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(written) << written.error().detail;
  ASSERT_TRUE(put(**store, Table::spent, "later", "4", Durability::buffered));
  ASSERT_TRUE((*store)->sync());
  store->reset();
  store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(get(**store, Table::spent, "before"), "1");
  EXPECT_EQ(get(**store, Table::spent, "during"), std::nullopt);
  EXPECT_EQ(get(**store, Table::spent, "after"), "3");
  EXPECT_EQ(get(**store, Table::spent, "later"), "4");
}

TEST_F(Rocks, ABrokenDiskStopsWritesAndAHealedOneResumesThem) {
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE(put(**store, Table::spent, "before", "1"));
  system_->trouble = Trouble::broken;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(put(**store, Table::spent, "during", "2").error().reason, Reason::store_failed);
    EXPECT_EQ(get(**store, Table::spent, "before"), "1");
    EXPECT_EQ((*store)->sync().error().reason, Reason::store_failed);
  }
  system_->trouble = Trouble::none;
  Result<void> written = fail(Reason::store_failed);
  for (int i = 0; i < 100 && !written; ++i) {
    written = put(**store, Table::spent, "after", "3");
    if (!written) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(written) << written.error().detail;
  store->reset();
  store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(get(**store, Table::spent, "before"), "1");
  EXPECT_EQ(get(**store, Table::spent, "after"), "3");
}

TEST_F(Rocks, WhatWasBufferedBeforeADiskFilledUpIsNotLost) {
  auto store = open();
  ASSERT_TRUE(store);
  for (int i = 0; i < 1'000; ++i)
    ASSERT_TRUE(put(**store, Table::index, "key " + std::to_string(i), std::string(200, 'v'),
                    Durability::buffered));
  system_->trouble = Trouble::full;
  EXPECT_EQ((*store)->sync().error().reason, Reason::disk_full);
  EXPECT_EQ(get(**store, Table::index, "key 999"), std::string(200, 'v'));
  system_->trouble = Trouble::none;
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  ASSERT_TRUE((*store)->sync());
  const Scratch crash;
  std::filesystem::copy(scratch_ / "store", crash / "store",
                        std::filesystem::copy_options::recursive);
  auto again = open_rocks(crash / "store", kSmall);
  ASSERT_TRUE(again);
  for (int i = 0; i < 1'000; ++i)
    ASSERT_EQ(get(**again, Table::index, "key " + std::to_string(i)), std::string(200, 'v')) << i;
}

TEST_F(Rocks, AScanMayMeetABrokenDiskInItsVisitor) {
  auto store = open();
  ASSERT_TRUE(store);
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(put(**store, Table::cases, key, ""));
  system_->trouble = Trouble::broken;
  int seen = 0;
  EXPECT_TRUE((*store)->scan(Table::cases, "", "", [&](std::string_view key, auto) {
    EXPECT_FALSE(put(**store, Table::cases, std::string(key) + "x", ""));
    system_->trouble = Trouble::none;  // healed, but the scan itself keeps the store from reopening
    ++seen;
    return true;
  }));
  EXPECT_EQ(seen, 3);
}

TEST_F(Rocks, ADamagedFileIsReportedAndNotBelieved) {
  std::mt19937_64 random(14);
  auto store = open();
  ASSERT_TRUE(store);
  const std::string value = noise(random, 100);
  ASSERT_TRUE(put(**store, Table::records, "key", value));
  ASSERT_TRUE((*store)->purge(Table::records, ""));
  store->reset();
  std::size_t damaged = 0;
  for (auto [path, content] : bytes_of_files(scratch_.path())) {
    const auto at = content.find(value);
    if (!path.ends_with(".sst") || at == content.npos) continue;
    content[at + 50] = static_cast<char>(content[at + 50] ^ 1);
    std::ofstream(path, std::ios::binary) << content;
    ++damaged;
  }
  ASSERT_EQ(damaged, 1u);
  store = open();
  ASSERT_TRUE(store);
  std::string out;
  EXPECT_EQ((*store)->get(Table::records, "key", out).error().reason, Reason::store_failed);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ((*store)->scan(Table::records, "", "", [](auto, auto) { return true; }).error().reason,
            Reason::store_failed);
}

TEST_F(Rocks, ADirectoryThatCannotBeMadeIsAnError) {
  std::ofstream(scratch_ / "store") << "a file";
  EXPECT_EQ(open().error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::storage
