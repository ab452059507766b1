#include "vault/slices.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "storage/power_disk.h"

namespace amanat::vault {
namespace {

using storage::PowerDisk;

const std::string kPath = "keys/slice.slots";
constexpr Moment kJune{1'781'000'000'000}, kSeptember{1'789'000'000'000};  // both in 2026

Label label_of(unsigned n) { return crypto::sha256("label " + std::to_string(n)); }

bool same(const Key256& a, const Key256& b) { return crypto::equal(a.bytes(), b.bytes()); }

class SliceKeys : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(SlotFile::create(disk_, kPath, SlotFile::Kind::slice, Key256()));
    ASSERT_TRUE(disk_.sync_directory("keys"));
  }
  std::unique_ptr<Slices> open() {
    auto file = SlotFile::open(disk_, kPath, SlotFile::Kind::slice, Key256(), {2, 8});
    EXPECT_TRUE(file);
    return std::make_unique<Slices>(std::move(*file), Key256());
  }
  static Slice slice(Slices& slices, unsigned label, Moment at = kJune) {
    auto got = slices.slice_for(label_of(label), at);
    EXPECT_TRUE(got);
    return got ? *std::move(got) : Slice{};
  }

  PowerDisk disk_;
};

TEST_F(SliceKeys, ACitizenHasOneSliceAQuarter) {
  const auto slices = open();
  const Slice first = slice(*slices, 1);
  EXPECT_EQ(slice(*slices, 1).id, first.id);
  EXPECT_TRUE(same(slice(*slices, 1).key, first.key));
  EXPECT_NE(slice(*slices, 2).id, first.id);
  EXPECT_NE(slice(*slices, 1, kSeptember).id, first.id);
  EXPECT_FALSE(same(slice(*slices, 1, kSeptember).key, first.key));
}

TEST_F(SliceKeys, QuartersAreTheCalendarsInUtc) {
  const auto slices = open();
  // The last and first milliseconds around 1 January, 1 April, 1 July and 1 October 2028, a leap
  // year.
  std::set<Slices::Id> seen;
  for (const std::uint64_t edge :
       {1'830'297'600'000ull, 1'838'160'000'000ull, 1'846'022'400'000ull, 1'853'971'200'000ull}) {
    const auto before = slice(*slices, 1, Moment{edge - 1}).id,
               after = slice(*slices, 1, Moment{edge}).id;
    EXPECT_NE(before, after);
    seen.insert(before);
    seen.insert(after);
  }
  EXPECT_EQ(seen.size(), 5u);
  // A clock gone mad is no reason to crash.
  (void)slice(*slices, 1, Moment{0});
  (void)slice(*slices, 1, Moment{~0ull});
}

TEST_F(SliceKeys, ASliceIsDurableWhenItIsHandedOut) {
  auto slices = open();
  std::vector<Slice> handed;
  for (unsigned i = 0; i < 200; ++i) handed.push_back(slice(*slices, i));
  slices.reset();
  disk_.lose_everything_unsynced();
  slices = open();
  for (const Slice& s : handed) {
    const auto key = slices->key(s.id);
    ASSERT_TRUE(key);
    EXPECT_TRUE(same(*key, s.key));
  }
}

TEST_F(SliceKeys, ASliceIsNeverGivenToTwoCitizens) {
  std::set<Slices::Id> seen;
  for (unsigned life = 0; life < 3; ++life) {
    const auto slices = open();
    for (unsigned i = 0; i < 10'000; ++i)
      ASSERT_TRUE(seen.insert(slice(*slices, life * 10'000 + i).id).second);
  }
}

TEST_F(SliceKeys, AfterARestartOnlyWhatIsRememberedGoesOn) {
  auto slices = open();
  const Slice known = slice(*slices, 1), forgotten = slice(*slices, 2);
  slices = open();
  ASSERT_TRUE(slices->remember(known.id, label_of(1), kJune));
  ASSERT_TRUE(slices->remember(known.id, label_of(1), kJune));
  EXPECT_EQ(slice(*slices, 1).id, known.id);
  EXPECT_TRUE(same(slice(*slices, 1).key, known.key));
  EXPECT_NE(slice(*slices, 2).id, forgotten.id);
  EXPECT_NE(slice(*slices, 1, kSeptember).id, known.id);
  EXPECT_EQ(slices->destroy(label_of(1)).value(), 2u);
}

TEST_F(SliceKeys, DestroyingACitizensSlicesDestroysAllOfThemAndNoOthers) {
  auto slices = open();
  const Slice june = slice(*slices, 1), september = slice(*slices, 1, kSeptember),
              other = slice(*slices, 2);
  EXPECT_EQ(slices->destroy(label_of(1)).value(), 2u);
  EXPECT_EQ(slices->destroy(label_of(1)).value(), 0u);
  EXPECT_EQ(slices->destroy(label_of(3)).value(), 0u);
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(slices->key(june.id).error().reason, Reason::erased);
    EXPECT_EQ(slices->key(september.id).error().reason, Reason::erased);
    EXPECT_TRUE(same(slices->key(other.id).value(), other.key));
    const Slice next = slice(*slices, 1);  // of the entry that records the erasure
    EXPECT_NE(next.id, june.id);
    EXPECT_TRUE(slices->key(next.id));
    disk_.lose_everything_unsynced();
    slices = open();
    ASSERT_TRUE(slices->remember(june.id, label_of(1), kJune));  // the ledger still names it
  }
}

TEST_F(SliceKeys, WithAStoreARestartForgetsNothingAndNothingNeedsToBeTold) {
  const auto store = storage::open_memory();
  auto slices = open();
  slices->keep_in(*store);
  const Slice june = slice(*slices, 1), september = slice(*slices, 1, kSeptember),
              other = slice(*slices, 2);
  slices = open();
  slices->keep_in(*store);
  EXPECT_EQ(slice(*slices, 1).id, june.id);
  EXPECT_TRUE(same(slice(*slices, 1, kSeptember).key, september.key));
  EXPECT_EQ(slice(*slices, 2).id, other.id);
  slices = open();
  slices->keep_in(*store);
  // Nobody has asked about the citizen in this life, and yet all of it goes.
  EXPECT_EQ(slices->destroy(label_of(1)).value(), 2u);
  EXPECT_EQ(slices->destroy(label_of(1)).value(), 0u);
  EXPECT_EQ(slices->key(september.id).error().reason, Reason::erased);
  EXPECT_TRUE(slices->key(other.id));
  const Slice next = slice(*slices, 1);
  EXPECT_NE(next.id, june.id);
  slices = open();
  slices->keep_in(*store);
  EXPECT_EQ(slice(*slices, 1).id, next.id);
}

TEST_F(SliceKeys, WhatTheStoreLostWithThePowerIsToldAgain) {
  auto store = storage::open_memory();
  auto slices = open();
  slices->keep_in(*store);
  const Slice lost = slice(*slices, 1);
  store = storage::open_memory();
  slices = open();
  slices->keep_in(*store);
  ASSERT_TRUE(slices->remember(lost.id, label_of(1), kJune));
  EXPECT_EQ(slice(*slices, 1).id, lost.id);
  slices = open();
  slices->keep_in(*store);
  EXPECT_EQ(slice(*slices, 1).id, lost.id);
}

TEST_F(SliceKeys, TheMemoryIsBoundedAndTheStoreRemembersTheRest) {
  const auto store = storage::open_memory();
  const auto slices = open();
  slices->keep_in(*store);
  std::vector<Slices::Id> first;
  for (unsigned i = 0; i < 100; ++i) first.push_back(slice(*slices, i).id);
  // Every shard is emptied at least once on the way.
  for (unsigned i = 100; i < 16 * 32'768 + 40'000; ++i) (void)slice(*slices, i);
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(slice(*slices, i).id, first[i]);
}

TEST_F(SliceKeys, AFailedDestructionIsDoneAgain) {
  for (std::uint64_t step = 0; step < 3; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    auto slices = open();
    const Slice june = slice(*slices, 1), september = slice(*slices, 1, kSeptember);
    slices = open();  // no pool of its own yet, so no refill runs beside the injected failure
    ASSERT_TRUE(slices->remember(june.id, label_of(1), kJune));
    ASSERT_TRUE(slices->remember(september.id, label_of(1), kSeptember));
    disk_.fail_at(step, Reason::file_failed, PowerDisk::Then::recovers);
    EXPECT_EQ(slices->destroy(label_of(1)).error().reason, Reason::file_failed);
    EXPECT_EQ(slices->destroy(label_of(1)).value(), 2u);
    disk_.lose_everything_unsynced();
    slices = open();
    EXPECT_EQ(slices->key(june.id).error().reason, Reason::erased);
    EXPECT_EQ(slices->key(september.id).error().reason, Reason::erased);
  }
}

TEST_F(SliceKeys, AnUnknownIdHasNoKey) {
  const auto slices = open();
  Slices::Id id = slice(*slices, 1).id;
  for (std::size_t bit = 0; bit < 128; ++bit) {
    id[bit / 8] = static_cast<std::uint8_t>(id[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(slices->key(id).error().reason, Reason::key_missing);
    ASSERT_TRUE(slices->remember(id, label_of(9), kJune));
    id[bit / 8] = static_cast<std::uint8_t>(id[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_EQ(slices->destroy(label_of(9)).value(), 0u);
  EXPECT_EQ(slices->key(Slices::Id{}).error().reason, Reason::key_missing);
}

TEST_F(SliceKeys, AnOlderBackupDoesNotOpenNewerSlicesWithStrangersKeys) {
  const std::string backup = disk_.content(kPath).value();
  std::vector<Slice> lost;
  {
    const auto slices = open();
    for (unsigned i = 0; i < 100; ++i) lost.push_back(slice(*slices, i));
  }
  disk_.set_content(kPath, backup);
  const auto slices = open();
  for (unsigned i = 0; i < 100; ++i) (void)slice(*slices, 1'000 + i);  // the same slots, other keys
  for (const Slice& s : lost) EXPECT_EQ(slices->key(s.id).error().reason, Reason::key_missing);
}

TEST_F(SliceKeys, AFullDiskIsReportedWhenThePoolIsDryAndSpaceResumes) {
  const auto slices = open();
  disk_.fail_at(0, Reason::disk_full, PowerDisk::Then::stays_dead);
  EXPECT_EQ(slices->slice_for(label_of(1), kJune).error().reason, Reason::disk_full);
  EXPECT_EQ(slices->slice_for(label_of(1), kJune).error().reason, Reason::disk_full);
  disk_.heal();
  const Slice got = slice(*slices, 1);
  EXPECT_TRUE(same(slices->key(got.id).value(), got.key));
}

TEST_F(SliceKeys, ThreadsAgreeOnACitizensSlice) {
  const auto slices = open();
  std::array<std::array<Slices::Id, 300>, 4> seen;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (auto& mine : seen)
    threads.emplace_back([&] {
      for (unsigned i = 0; i < mine.size(); ++i) {
        const auto got = slices->slice_for(label_of(i), kJune);
        if (!got)
          ++wrong;
        else
          mine[i] = got->id;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (const auto& mine : seen) EXPECT_EQ(mine, seen[0]);
  EXPECT_EQ(std::set(seen[0].begin(), seen[0].end()).size(), 300u);
}

}  // namespace
}  // namespace amanat::vault
