#include "vault/slots.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "storage/power_disk.h"

namespace amanat::vault {
namespace {

using storage::PowerDisk;
using Kind = SlotFile::Kind;

const std::string kPath = "keys/subject.slots";
constexpr SlotFile::CacheShape kSmall{2, 4};

Key256 master_of(std::uint8_t n) {
  Key256 key;
  key.mutable_bytes()[0] = n;
  return key;
}

std::string bytes_of(const Key256& key) { return std::string(crypto::text_of(key.bytes())); }

std::string key_at(const SlotFile& file, std::uint64_t slot) {
  const auto held = file.read(slot);
  EXPECT_TRUE(held) << row_of(held.error().reason).id << " " << held.error().detail;
  return held ? bytes_of(held->key) : "";
}

Reason reason_at(const SlotFile& file, std::uint64_t slot) {
  const auto held = file.read(slot);
  EXPECT_FALSE(held);
  return held ? Reason::internal_error : held.error().reason;
}

class Slots : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(SlotFile::create(disk_, kPath, Kind::subject, master_of(1)));
    ASSERT_TRUE(disk_.sync_directory("keys"));
  }
  std::unique_ptr<SlotFile> open() {
    auto file = SlotFile::open(disk_, kPath, Kind::subject, master_of(1), kSmall);
    EXPECT_TRUE(file);
    return file ? std::move(*file) : nullptr;
  }
  std::string content() { return disk_.content(kPath).value(); }

  PowerDisk disk_;
};

TEST_F(Slots, AKeyIsReadBackAfterReopening) {
  std::map<std::uint64_t, std::string> keys;
  for (int round = 0; round < 3; ++round) {
    const auto file = open();
    for (int i = 0; i < 40; ++i) {
      const auto made = file->make();
      ASSERT_TRUE(made);
      EXPECT_TRUE(keys.emplace(made->slot, bytes_of(made->key)).second);
    }
    for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);  // synced or not
    ASSERT_TRUE(file->sync());
    for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);
  }
  std::set<std::string> distinct;
  for (const auto& [slot, key] : keys) distinct.insert(key);
  EXPECT_EQ(distinct.size(), 120u);
}

TEST_F(Slots, ADestroyedKeyIsGoneForGood) {
  auto file = open();
  const auto first = file->make().value(), second = file->make().value(),
             unsynced = file->make().value();
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(key_at(*file, second.slot), bytes_of(second.key));
  for (const auto slot : {second.slot, unsynced.slot}) {
    ASSERT_TRUE(file->destroy({&slot, 1}));
    EXPECT_EQ(reason_at(*file, slot), Reason::erased);
    ASSERT_TRUE(file->destroy({&slot, 1}));
  }
  disk_.lose_everything_unsynced();
  file = open();
  EXPECT_EQ(key_at(*file, first.slot), bytes_of(first.key));
  EXPECT_EQ(reason_at(*file, second.slot), Reason::erased);
  EXPECT_EQ(reason_at(*file, unsynced.slot), Reason::erased);
  // The last slot was destroyed, and still its number is not given again.
  EXPECT_EQ(file->make()->slot, unsynced.slot + 1);
}

TEST_F(Slots, AKeyMayBeDestroyedBeforeItWasEverSynced) {
  const auto file = open();
  const auto made = file->make().value();
  ASSERT_TRUE(file->destroy({&made.slot, 1}));
  EXPECT_EQ(reason_at(*file, made.slot), Reason::erased);
}

TEST_F(Slots, ASlotNeverMadeHasNoKey) {
  const auto file = open();
  ASSERT_TRUE(file->make());
  for (const std::uint64_t slot : {0ull, 2ull, 4'096ull, ~0ull}) {
    EXPECT_EQ(reason_at(*file, slot), Reason::key_missing);
    EXPECT_EQ(file->destroy({&slot, 1}).error().reason, Reason::key_missing);
  }
}

TEST_F(Slots, EveryChangedBitOfASlotIsNoticed) {
  std::uint64_t slot = 0;
  {
    const auto file = open();
    slot = file->make()->slot;
    ASSERT_TRUE(file->make());
    ASSERT_TRUE(file->sync());
  }
  const std::string good = content();
  for (std::size_t bit = 0; bit < SlotFile::kSlotBytes * 8; ++bit) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    std::string bad = good;
    char& byte = bad[slot * SlotFile::kSlotBytes + bit / 8];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    disk_.set_content(kPath, bad);
    const auto file = open();
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(reason_at(*file, slot), Reason::seal_broken);
    EXPECT_TRUE(file->read(slot + 1));
  }
}

TEST_F(Slots, GarbageIsAnErrorAndNeverAKey) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::string good;
  {
    const auto file = open();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(file->make());
    ASSERT_TRUE(file->sync());
    good = content();
  }
  for (int round = 0; round < 200; ++round) {
    std::string bad = good.substr(0, random() % 3 == 0 ? random() % good.size() : good.size());
    for (std::size_t i = 0; i < random() % 2'000; ++i)
      if (const std::size_t at = random() % (2 * bad.size() + 1); at < bad.size())
        bad[at] = static_cast<char>(random());
    if (random() % 4 == 0) bad.append(random() % 300, static_cast<char>(random()));
    disk_.set_content(kPath, bad);
    const auto file = SlotFile::open(disk_, kPath, Kind::subject, master_of(1), kSmall);
    if (!file) {
      EXPECT_EQ(file.error().reason, Reason::key_missing);
      continue;
    }
    for (std::uint64_t slot = 0; slot < (*file)->end() + 3; ++slot) {
      const bool intact = slot > 0 && slot <= 10 &&
                          bad.size() >= (slot + 1) * SlotFile::kSlotBytes &&
                          bad.compare(slot * SlotFile::kSlotBytes, SlotFile::kSlotBytes, good,
                                      slot * SlotFile::kSlotBytes, SlotFile::kSlotBytes) == 0;
      ASSERT_EQ((*file)->read(slot).has_value(), intact) << slot;
    }
    // And the file can be used on, without touching what is there.
    const auto made = (*file)->make();
    ASSERT_TRUE(made);
    ASSERT_TRUE((*file)->sync());
    ASSERT_GT((made->slot + 1) * SlotFile::kSlotBytes, bad.find_last_not_of('\0'));
  }
}

TEST_F(Slots, AKeyOpensOnlyInItsOwnPlaceAndFile) {
  ASSERT_TRUE(SlotFile::create(disk_, "keys/slice.slots", Kind::slice, master_of(1)));
  {
    const auto file = open();
    ASSERT_TRUE(file->make());
    ASSERT_TRUE(file->make());
    ASSERT_TRUE(file->sync());
  }
  std::string bytes = content();
  const std::string one = bytes.substr(SlotFile::kSlotBytes, SlotFile::kSlotBytes);
  bytes.replace(2 * SlotFile::kSlotBytes, SlotFile::kSlotBytes, one);
  disk_.set_content(kPath, bytes);
  EXPECT_EQ(reason_at(*open(), 2), Reason::seal_broken);

  std::string slices = disk_.content("keys/slice.slots").value();
  slices.replace(SlotFile::kSlotBytes, SlotFile::kSlotBytes, one);
  disk_.set_content("keys/slice.slots", slices);
  const auto other = SlotFile::open(disk_, "keys/slice.slots", Kind::slice, master_of(1), kSmall);
  ASSERT_TRUE(other);
  EXPECT_EQ(reason_at(**other, 1), Reason::seal_broken);
}

TEST_F(Slots, AWrongMasterKeyOrFileIsFoundAtTheStart) {
  const auto reason = [&](Kind kind, const Key256& master) {
    const auto file = SlotFile::open(disk_, kPath, kind, master, kSmall);
    return file ? Reason::internal_error : file.error().reason;
  };
  EXPECT_EQ(reason(Kind::subject, master_of(2)), Reason::key_missing);
  EXPECT_EQ(reason(Kind::slice, master_of(1)), Reason::key_missing);
  const std::string good = content();
  for (const std::string& bad :
       {std::string(), good.substr(0, 63), std::string(4'096, '\0'), std::string(100, 'x')}) {
    disk_.set_content(kPath, bad);
    EXPECT_EQ(reason(Kind::subject, master_of(1)), Reason::key_missing);
  }
  ASSERT_TRUE(disk_.remove(kPath));
  EXPECT_EQ(reason(Kind::subject, master_of(1)), Reason::key_missing);
}

TEST_F(Slots, CreateNeverOverwritesKeys) {
  ASSERT_TRUE(
      SlotFile::create(disk_, kPath, Kind::subject, master_of(2)));  // empty: may be made anew
  ASSERT_TRUE(SlotFile::create(disk_, kPath, Kind::subject, master_of(1)));
  {
    const auto file = open();
    ASSERT_TRUE(file->make());
    ASSERT_TRUE(file->sync());
  }
  const std::string before = content();
  EXPECT_EQ(SlotFile::create(disk_, kPath, Kind::subject, master_of(2)).error().reason,
            Reason::key_missing);
  EXPECT_EQ(content(), before);
}

TEST_F(Slots, AFailedSyncIsSimplyDoneAgain) {
  for (const Reason reason : {Reason::disk_full, Reason::file_failed}) {
    for (std::uint64_t step = 0; step < 2; ++step) {  // the write, the sync
      SCOPED_TRACE("step " + std::to_string(step));
      auto file = open();
      std::map<std::uint64_t, std::string> keys;
      const auto make = [&](int n) {
        for (int i = 0; i < n; ++i) {
          const auto made = file->make();
          ASSERT_TRUE(made);
          keys[made->slot] = bytes_of(made->key);
        }
      };
      make(20);
      disk_.fail_at(step, reason, PowerDisk::Then::recovers);
      EXPECT_EQ(file->sync().error().reason, reason);
      make(20);
      for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);
      ASSERT_TRUE(file->sync());
      disk_.lose_everything_unsynced();
      file = open();
      for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);
    }
  }
}

TEST_F(Slots, AFailedDestructionIsSimplyDoneAgain) {
  for (std::uint64_t step = 0; step < 3; ++step) {  // two tombstones, the sync
    SCOPED_TRACE("step " + std::to_string(step));
    auto file = open();
    const std::uint64_t slots[] = {file->make()->slot, file->make()->slot};
    const auto kept = file->make().value();
    ASSERT_TRUE(file->sync());
    disk_.fail_at(step, Reason::file_failed, PowerDisk::Then::recovers);
    EXPECT_EQ(file->destroy(slots).error().reason, Reason::file_failed);
    ASSERT_TRUE(file->destroy(slots));
    disk_.lose_everything_unsynced();
    file = open();
    for (const auto slot : slots) EXPECT_EQ(reason_at(*file, slot), Reason::erased);
    EXPECT_EQ(key_at(*file, kept.slot), bytes_of(kept.key));
  }
}

// Any mix of making, syncing and destroying, with the power lost anywhere: what was synced is
// there, what was destroyed is gone, and no number that anything may name is given twice.
TEST(SlotsAndPower, WhatWasPromisedSurvivesAnyPowerLoss) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    PowerDisk disk;
    ASSERT_TRUE(SlotFile::create(disk, kPath, Kind::subject, master_of(1)));
    ASSERT_TRUE(disk.sync_directory("keys"));
    std::map<std::uint64_t, std::string> synced, pending;
    std::set<std::uint64_t> destroyed, doubtful;
    for (int life = 0; life < 4; ++life) {
      auto opened = SlotFile::open(disk, kPath, Kind::subject, master_of(1), kSmall);
      ASSERT_TRUE(opened);
      const auto& file = *opened;
      for (const auto& [slot, key] : synced) {
        if (doubtful.contains(slot)) continue;
        ASSERT_EQ(key_at(*file, slot), key);
      }
      for (const auto slot : destroyed) ASSERT_EQ(reason_at(*file, slot), Reason::erased);
      if (random() % 2 == 0)
        disk.fail_at(random() % 40, Reason::disk_full, PowerDisk::Then::stays_dead);
      for (int i = 0; i < 60; ++i) {
        const auto dice = random() % 10;
        if (dice < 6) {
          const auto made = file->make();
          if (!made) break;
          ASSERT_FALSE(synced.contains(made->slot) || destroyed.contains(made->slot));
          pending[made->slot] = bytes_of(made->key);
        } else if (dice < 8) {
          if (!file->sync()) break;
          synced.merge(pending);
          pending.clear();
        } else if (!synced.empty()) {
          auto it = synced.lower_bound(random() % (synced.rbegin()->first + 1));
          if (destroyed.contains(it->first)) continue;
          doubtful.insert(
              it->first);  // asked for: from now on it may be gone, even if the call fails
          if (!file->destroy({&it->first, 1})) break;
          destroyed.insert(it->first);
        }
      }
      pending.clear();
      disk.lose_power(random);
    }
  }
}

TEST_F(Slots, ThreadsMakeReadSyncAndDestroyTogether) {
  const auto file = open();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<unsigned>(t));
      std::map<std::uint64_t, std::string> mine;
      for (int i = 0; i < 400; ++i) {
        const auto made = file->make();
        if (!made)
          ++wrong;
        else
          mine[made->slot] = bytes_of(made->key);
        const auto it = std::next(mine.begin(), static_cast<long>(random() % mine.size()));
        const auto held = file->read(it->first);
        if (!held || bytes_of(held->key) != it->second) ++wrong;
        if (random() % 20 == 0 && !file->sync()) ++wrong;
        if (random() % 20 == 0) {
          if (!file->destroy({&it->first, 1})) ++wrong;
          const auto gone = file->read(it->first);
          if (gone || gone.error().reason != Reason::erased) ++wrong;
          mine.erase(it);
        }
        if (mine.empty()) break;
      }
      for (const auto& [slot, key] : mine) {
        const auto held = file->read(slot);
        if (!held || bytes_of(held->key) != key) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// A disk whose syncs wait until they are let go.
class SlowDisk : public PowerDisk {
 public:
  Result<std::unique_ptr<storage::File>> open(const std::string& path, Open how) override {
    auto file = PowerDisk::open(path, how);
    if (!file) return file;
    return std::make_unique<SlowFile>(*this, std::move(*file));
  }
  void wait_until_syncing() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void slow(bool on) {
    const std::scoped_lock lock(mutex_);
    slow_ = on;
    changed_.notify_all();
  }

 private:
  class SlowFile : public storage::File {
   public:
    SlowFile(SlowDisk& disk, std::unique_ptr<storage::File> file)
        : disk_(disk), file_(std::move(file)) {}
    Result<void> write_at(std::uint64_t offset, std::string_view data) override {
      return file_->write_at(offset, data);
    }
    Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
      return file_->read_at(offset, size, out);
    }
    Result<void> sync() override {
      std::unique_lock lock(disk_.mutex_);
      ++disk_.waiting_;
      disk_.changed_.notify_all();
      disk_.changed_.wait(lock, [this] { return !disk_.slow_; });
      --disk_.waiting_;
      lock.unlock();
      return file_->sync();
    }
    Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    SlowDisk& disk_;
    std::unique_ptr<storage::File> file_;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool slow_ = false;
};

TEST(SlotsAndPower, NeitherReadersNorMakersWaitForASync) {
  SlowDisk disk;
  ASSERT_TRUE(SlotFile::create(disk, kPath, Kind::subject, master_of(1)));
  auto opened = SlotFile::open(disk, kPath, Kind::subject, master_of(1), kSmall);
  ASSERT_TRUE(opened);
  const auto& file = *opened;
  std::map<std::uint64_t, std::string> keys;
  const auto make = [&] {
    const auto made = file->make().value();
    keys[made.slot] = bytes_of(made.key);
  };
  for (int i = 0; i < 50; ++i) make();
  disk.slow(true);
  std::thread syncing([&] { EXPECT_TRUE(file->sync()); });
  disk.wait_until_syncing();
  for (int i = 0; i < 50; ++i) make();
  for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);
  disk.slow(false);
  syncing.join();
  for (const auto& [slot, key] : keys) EXPECT_EQ(key_at(*file, slot), key);
}

}  // namespace
}  // namespace amanat::vault
