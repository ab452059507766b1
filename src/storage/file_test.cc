#include "storage/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <random>

#include "storage/power_disk.h"
#include "storage/scratch.h"

namespace amanat::storage {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777u : 0;
}

TEST(File, WritesAreReadBackWhereTheyWerePut) {
  const Scratch scratch;
  auto file = system_disk().open(scratch / "f", Disk::Open::create_new);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(10'000, "tail"));
  ASSERT_TRUE((*file)->write_at(0, "head"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size().value(), 10'004u);
  std::string out = "x";
  ASSERT_TRUE((*file)->read_at(9'999, 100, out));
  EXPECT_EQ(out, std::string("x\0tail", 6));
  ASSERT_TRUE((*file)->truncate(2));
  out.clear();
  ASSERT_TRUE((*file)->read_at(0, 100, out));
  EXPECT_EQ(out, "he");
  ASSERT_TRUE((*file)->read_at(50, 100, out));
  EXPECT_EQ(out, "he");
}

TEST(File, ANewFileIsItsOwnersAlone) {
  const Scratch scratch;
  ASSERT_TRUE(system_disk().make_directory(scratch / "a/b/c"));
  ASSERT_TRUE(system_disk().make_directory(scratch / "a/b/c"));
  EXPECT_EQ(mode_of(scratch / "a/b"), 0700u);
  ASSERT_TRUE(system_disk().open(scratch / "a/b/c/f", Disk::Open::create_or_existing));
  EXPECT_EQ(mode_of(scratch / "a/b/c/f"), 0600u);
}

TEST(File, OpeningTellsOldFromNew) {
  const Scratch scratch;
  Disk& disk = system_disk();
  EXPECT_EQ(disk.open(scratch / "f", Disk::Open::existing).error().reason, Reason::file_failed);
  EXPECT_EQ(disk.open_for_recovery(scratch / "f").error().reason, Reason::file_failed);
  EXPECT_TRUE(disk.open(scratch / "f", Disk::Open::create_new));
  EXPECT_EQ(disk.open(scratch / "f", Disk::Open::create_new).error().reason, Reason::file_failed);
  EXPECT_TRUE(disk.open(scratch / "f", Disk::Open::create_or_existing));
  EXPECT_EQ(disk.make_directory(scratch / "f").error().reason, Reason::file_failed);
}

TEST(File, RecoveryReadsAnyRange) {
  const Scratch scratch;
  std::string bytes;
  std::mt19937_64 random(7);
  while (bytes.size() < 3'000'001) bytes.push_back(static_cast<char>(random()));
  auto file = system_disk().open(scratch / "f", Disk::Open::create_new);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(0, bytes));
  auto again = system_disk().open_for_recovery(scratch / "f");
  ASSERT_TRUE(again);
  for (const auto& [offset, size] : {std::pair<std::size_t, std::size_t>{0, 4'000'000},
                                     {4095, 2},
                                     {4096, 4096},
                                     {1'048'575, 1'048'577},
                                     {2'999'999, 10},
                                     {3'000'001, 5},
                                     {5'000'000, 5}}) {
    std::string out;
    ASSERT_TRUE((*again)->read_at(offset, size, out));
    EXPECT_EQ(out, offset < bytes.size() ? bytes.substr(offset, size) : "");
  }
  ASSERT_TRUE((*again)->write_at(1, "unaligned"));
  ASSERT_TRUE((*again)->sync());
  std::string out;
  ASSERT_TRUE((*again)->read_at(0, 11, out));
  EXPECT_EQ(out, bytes.substr(0, 1) + "unaligned" + bytes.substr(10, 1));
}

TEST(File, AListIsInOrder) {
  const Scratch scratch;
  for (const char* name : {"b", "c", "a"})
    ASSERT_TRUE(system_disk().open(scratch / name, Disk::Open::create_new));
  EXPECT_EQ(system_disk().list(scratch.path()).value(), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(system_disk().rename(scratch / "a", scratch / "d"));
  ASSERT_TRUE(system_disk().remove(scratch / "b"));
  EXPECT_EQ(system_disk().list(scratch.path()).value(), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(system_disk().list(scratch / "none").error().reason, Reason::file_failed);
  EXPECT_EQ(system_disk().remove(scratch / "none").error().reason, Reason::file_failed);
}

TEST(File, AFullDiskHasItsOwnReason) {
  auto full = system_disk().open("/dev/full", Disk::Open::existing);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ((*full)->write_at(0, "x").error().reason, Reason::disk_full);
}

TEST(File, AFileLargerThanItsLimitIsNotRead) {
  const Scratch scratch;
  ASSERT_TRUE(replace_file(system_disk(), scratch / "f", "12345"));
  EXPECT_EQ(read_file(scratch / "f", 5).value(), "12345");
  EXPECT_EQ(read_file(scratch / "f", 4).error().reason, Reason::file_failed);
  EXPECT_EQ(read_file("/dev/zero", 100'000).error().reason, Reason::file_failed);
  EXPECT_EQ(read_file(scratch / "none", 4).error().reason, Reason::file_failed);
}

TEST(File, AReplacedFileHasItsModeAndNothingIsLeftBeside) {
  const Scratch scratch;
  ASSERT_TRUE(replace_file(system_disk(), scratch / "f", "a long first content"));
  EXPECT_EQ(mode_of(scratch / "f"), 0600u);
  ASSERT_TRUE(replace_file(system_disk(), scratch / "f", "second", 0644));
  EXPECT_EQ(read_file(scratch / "f", 100).value(), "second");
  EXPECT_EQ(mode_of(scratch / "f"), 0644u);
  EXPECT_EQ(system_disk().list(scratch.path()).value(), std::vector<std::string>{"f"});
}

TEST(File, AReplacementThatFailsAnywhereLeavesTheOldOrTheNew) {
  for (const auto then : {PowerDisk::Then::recovers, PowerDisk::Then::stays_dead}) {
    std::uint64_t step = 0;
    for (bool done = false; !done; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      ASSERT_LT(step, 20u) << "no attempt succeeded";
      PowerDisk disk;
      disk.set_content("d/f", "old");
      disk.fail_at(step, Reason::disk_full, then);
      const auto replaced = replace_file(disk, "d/f", "new and longer");
      disk.heal();
      done = replaced.has_value();
      const auto content = disk.content("d/f");
      ASSERT_TRUE(content);
      EXPECT_TRUE(*content == "new and longer" || (!done && *content == "old")) << *content;
      EXPECT_TRUE(done || replaced.error().reason == Reason::disk_full);
      // What a failure leaves behind does not stand in the way of the next attempt.
      EXPECT_TRUE(replace_file(disk, "d/f", "third"));
      EXPECT_EQ(disk.content("d/f"), "third");
    }
    EXPECT_EQ(step,
              7u);  // create, truncate, write, sync, rename, sync of the directory; then success
  }
}

TEST(File, APowerLossAnywhereInAReplacementLeavesTheOldOrTheNew) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    PowerDisk disk;
    const std::string old(1'500, 'o'), fresh(2'000, 'n');
    disk.set_content("d/f", old);
    disk.fail_at(random() % 8, Reason::file_failed, PowerDisk::Then::stays_dead);
    const auto replaced = replace_file(disk, "d/f", fresh);
    disk.lose_power(random);
    const auto content = disk.content("d/f");
    ASSERT_TRUE(content);
    ASSERT_TRUE(*content == fresh || (!replaced && *content == old));
  }
}

TEST(DirectoryLock, ASecondHolderIsToldThatTheExchangeIsBusy) {
  const Scratch scratch;
  {
    auto first = DirectoryLock::take(scratch.path());
    ASSERT_TRUE(first);
    EXPECT_EQ(DirectoryLock::take(scratch.path()).error().reason, Reason::exchange_busy);
    const DirectoryLock moved = std::move(*first);
    EXPECT_EQ(DirectoryLock::take(scratch.path()).error().reason, Reason::exchange_busy);
  }
  EXPECT_TRUE(DirectoryLock::take(scratch.path()));
  EXPECT_EQ(DirectoryLock::take(scratch / "none").error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::storage
