// What the durable files promise, of every disk there is: the file system, the disk of the power
// cuts, and PostgreSQL; then what is PostgreSQL's alone: one holder, exactly.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <random>
#include <thread>

#include "storage/file.h"
#include "storage/postgres_disk.h"
#include "storage/postgres_server.h"
#include "storage/power_disk.h"
#include "storage/scratch.h"

namespace amanat::storage {
namespace {

PostgresDiskOptions named(const std::string& name) {
  PostgresDiskOptions options;
  options.name = name;
  options.on_lost = [](std::string_view) {};
  options.silence_ms = 60'000;  // however busy the machine is
  options.lease_ms = 61'000;
  return options;
}

std::string fresh_name() {
  static int made = 0;
  return "disk" + std::to_string(::getpid()) + "-" + std::to_string(++made);
}

std::string database() { return PostgresServer::shared().database("disks"); }

enum class Kind { files, power, postgres };

/// Place is a disk and how to find it again after an orderly end.
class Place {
 public:
  explicit Place(Kind kind) : kind_(kind), name_(fresh_name()) { again(); }
  void again() {
    if (kind_ != Kind::postgres) return;
    held_.reset();
    auto opened = open_postgres_disk(database(), named(name_));
    insist(opened.has_value());
    held_ = *std::move(opened);
  }
  Disk& disk() {
    if (kind_ == Kind::files) return system_disk();
    return kind_ == Kind::power ? static_cast<Disk&>(power_) : *held_;
  }
  std::string path(const std::string& name) const {
    return kind_ == Kind::files ? scratch_ / name : "at/" + name;
  }
  std::string directory() const { return kind_ == Kind::files ? scratch_.path() : "at"; }

 private:
  const Kind kind_;
  const std::string name_;
  Scratch scratch_;
  PowerDisk power_;
  std::unique_ptr<Disk> held_;
};

std::string all_of(Disk& disk, const std::string& path) {
  auto file = disk.open(path, Disk::Open::existing);
  if (!file) return "-";
  std::string out;
  EXPECT_TRUE((*file)->read_at(0, std::size_t{1} << 24, out));
  return out;
}

class EveryDisk : public testing::TestWithParam<Kind> {};

TEST_P(EveryDisk, ReadsBackWhatWasWrittenWhereItWasPut) {
  Place at(GetParam());
  ASSERT_TRUE(at.disk().make_directory(at.directory()));
  auto file = at.disk().open(at.path("f"), Disk::Open::create_new);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(100'000, "tail"));
  ASSERT_TRUE((*file)->write_at(8'190, "over an edge"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size().value(), 100'004u);
  std::string out = "x";
  ASSERT_TRUE((*file)->read_at(99'999, 100, out));
  EXPECT_EQ(out, std::string("x\0tail", 6));
  out.clear();
  ASSERT_TRUE((*file)->read_at(8'190, 12, out));
  EXPECT_EQ(out, "over an edge");
  ASSERT_TRUE((*file)->truncate(8'194));
  ASSERT_TRUE((*file)->write_at(8'200, "!"));
  out.clear();
  ASSERT_TRUE((*file)->read_at(8'190, 100, out));
  EXPECT_EQ(out, std::string("over\0\0\0\0\0\0!", 11));
  ASSERT_TRUE((*file)->read_at(50'000, 100, out));
  EXPECT_EQ(out.size(), 11u);
}

TEST_P(EveryDisk, TellsOldFromNewAndListsInOrder) {
  Place at(GetParam());
  Disk& disk = at.disk();
  ASSERT_TRUE(disk.make_directory(at.directory()));
  EXPECT_EQ(disk.open(at.path("b"), Disk::Open::existing).error().reason, Reason::file_failed);
  EXPECT_EQ(disk.open_for_recovery(at.path("b")).error().reason, Reason::file_failed);
  for (const char* name : {"b", "c", "a"})
    ASSERT_TRUE(disk.open(at.path(name), Disk::Open::create_new));
  EXPECT_EQ(disk.open(at.path("b"), Disk::Open::create_new).error().reason, Reason::file_failed);
  EXPECT_TRUE(disk.open(at.path("b"), Disk::Open::create_or_existing));
  EXPECT_EQ(disk.list(at.directory()).value(), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(disk.rename(at.path("a"), at.path("d")));
  ASSERT_TRUE(disk.rename(at.path("b"), at.path("c")));
  EXPECT_EQ(disk.list(at.directory()).value(), (std::vector<std::string>{"c", "d"}));
  ASSERT_TRUE(disk.remove(at.path("c")));
  EXPECT_EQ(disk.remove(at.path("c")).error().reason, Reason::file_failed);
  EXPECT_EQ(disk.rename(at.path("c"), at.path("x")).error().reason, Reason::file_failed);
  EXPECT_TRUE(disk.sync_directory(at.directory()));
}

TEST_P(EveryDisk, AReplacedFileIsNewAndWhoHadTheOldOneOpenReadsOn) {
  Place at(GetParam());
  Disk& disk = at.disk();
  ASSERT_TRUE(disk.make_directory(at.directory()));
  ASSERT_TRUE(replace_file(disk, at.path("f"), std::string(20'000, 'o')));
  auto old = disk.open(at.path("f"), Disk::Open::existing);
  ASSERT_TRUE(replace_file(disk, at.path("f"), "new"));
  EXPECT_EQ(all_of(disk, at.path("f")), "new");
  std::string out;
  ASSERT_TRUE((*old)->read_at(19'990, 100, out));
  EXPECT_EQ(out, std::string(10, 'o'));
  EXPECT_EQ(disk.list(at.directory()).value(), std::vector<std::string>{"f"});
}

// Any sequence of calls says what the same calls say of a string in memory, also when the disk is
// left and found again in between.
TEST_P(EveryDisk, AgreesWithAStringInMemory) {
  const char* const given = std::getenv("AMANAT_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("AMANAT_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  Place at(GetParam());
  ASSERT_TRUE(at.disk().make_directory(at.directory()));
  std::map<std::string, std::string> model;
  std::map<std::string, std::unique_ptr<File>> open;
  const std::string letters = "abc";
  for (int step = 0; step < 400; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const std::string name(1, letters[random() % letters.size()]);
    auto& file = open[name];
    if (!file) {
      auto opened = at.disk().open(at.path(name), Disk::Open::create_or_existing);
      ASSERT_TRUE(opened);
      file = *std::move(opened);
      model[name];
    }
    std::string& bytes = model[name];
    const std::uint64_t offset = random() % 60'000;
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        std::string data(1 + random() % (random() % 4 == 0 ? 40'000 : 9'000), '\0');
        if (random() % 3 != 0)
          for (char& c : data) c = static_cast<char>('a' + random() % 26);
        ASSERT_TRUE(file->write_at(offset, data));
        if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size(), '\0');
        bytes.replace(offset, data.size(), data);
        break;
      }
      case 3:
        ASSERT_TRUE(file->truncate(offset));
        bytes.resize(offset, '\0');
        break;
      case 4:
        ASSERT_TRUE(file->sync());
        break;
      case 5: {
        ASSERT_TRUE(file->sync());
        const std::string to(1, letters[random() % letters.size()]);
        if (to == name) break;
        ASSERT_TRUE(at.disk().rename(at.path(name), at.path(to)));
        ASSERT_TRUE(at.disk().sync_directory(at.directory()));
        model[to] = bytes;
        model.erase(name);
        open[to] = std::move(file);
        open.erase(name);
        break;
      }
      case 6:
        if (random() % 4 != 0) break;
        open.clear();
        at.again();
        break;
      default: {
        auto other = at.disk().open_for_recovery(at.path(name));
        ASSERT_TRUE(other);
        std::string out;
        ASSERT_TRUE((*other)->read_at(offset, 30'000, out));
        ASSERT_TRUE(out == (offset < bytes.size() ? bytes.substr(offset, 30'000) : ""));
      }
    }
    for (const auto& [path, content] : model)
      ASSERT_TRUE(all_of(at.disk(), at.path(path)) == content) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, EveryDisk,
                         testing::Values(Kind::files, Kind::power, Kind::postgres),
                         [](const auto& kind) {
                           return kind.param == Kind::files   ? "Files"
                                  : kind.param == Kind::power ? "PowerCuts"
                                                              : "Postgresql";
                         });

/// kill_sessions ends the sessions of everybody in the disks' database, as an administrator does.
void kill_sessions() {
  PostgresServer::shared().sql("postgres",
                               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                               "WHERE datname = 'disks'");
}

/// an_hour_ago makes it so that nothing has been heard of a disk's holder for an hour.
void an_hour_ago(const std::string& name) {
  PostgresServer::shared().sql(
      "disks",
      "UPDATE amanat_disks SET seen = seen - interval '1 hour' WHERE name = '" + name + "'");
}

Result<void> put(Disk& disk, const std::string& path, const std::string& content) {
  return replace_file(disk, path, content);
}

TEST(PostgresDisk, WhatWasNotSyncedIsLostAndWhatWasIsNot) {
  const std::string name = fresh_name();
  {
    auto disk = open_postgres_disk(database(), named(name));
    ASSERT_TRUE(disk);
    ASSERT_TRUE(put(**disk, "d/f", "kept"));
    auto file = (*disk)->open("d/f", Disk::Open::existing);
    ASSERT_TRUE((*file)->write_at(0, "lost"));
    ASSERT_TRUE((*disk)->open("d/unsynced", Disk::Open::create_new));
    kill_sessions();  // as a kill of this process: nothing more of it arrives
  }
  an_hour_ago(name);
  auto again = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(all_of(**again, "d/f"), "kept");
  EXPECT_EQ((*again)->list("d").value(), std::vector<std::string>{"f"});
}

TEST(PostgresDisk, ASecondHolderIsToldThatItIsBusyAndOneThatWaitsGetsIt) {
  const std::string name = fresh_name();
  auto first = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(first);
  EXPECT_TRUE(open_postgres_disk(database(), named(fresh_name()))) << "another disk is nobody's";
  EXPECT_EQ(open_postgres_disk(database(), named(name)).error().reason, Reason::exchange_busy);
  auto waiting = named(name);
  waiting.busy = PostgresDiskOptions::Busy::wait;
  std::atomic<bool> go{true}, told{false};
  waiting.go_on = [&] { return go.load(); };
  waiting.on_wait = [&](std::string_view) {
    told = true;
    go = false;
  };
  EXPECT_EQ(open_postgres_disk(database(), waiting).error().reason, Reason::shutting_down);
  EXPECT_TRUE(told);
  go = true;
  ASSERT_TRUE(put(**first, "d/f", "from the first"));
  waiting.on_wait = [&](std::string_view) { told = true; };
  std::thread second([&] {
    auto disk = open_postgres_disk(database(), waiting);
    ASSERT_TRUE(disk) << disk.error().detail;
    EXPECT_EQ(all_of(**disk, "d/f"), "from the first");
    EXPECT_TRUE(put(**disk, "d/f", "from the second"));
  });
  first->reset();
  second.join();
  EXPECT_EQ(all_of(**open_postgres_disk(database(), named(name)), "d/f"), "from the second");
}

TEST(PostgresDisk, ALostSessionEndsItForGood) {
  const std::string name = fresh_name();
  auto options = named(name);
  std::atomic<int> lost{0};
  options.on_lost = [&](std::string_view) { ++lost; };
  auto disk = open_postgres_disk(database(), options);
  ASSERT_TRUE(disk);
  ASSERT_TRUE(put(**disk, "d/f", "before"));
  auto file = (*disk)->open("d/f", Disk::Open::existing);
  ASSERT_TRUE((*file)->write_at(0, "after"));
  kill_sessions();
  EXPECT_EQ((*file)->sync().error().reason, Reason::file_failed);
  EXPECT_EQ((*file)->sync().error().reason, Reason::file_failed);
  EXPECT_EQ(put(**disk, "d/f", "again").error().reason, Reason::file_failed);
  EXPECT_FALSE((*disk)->list("d"));
  std::string out;
  EXPECT_FALSE((*file)->read_at(0, 10, out));
  for (int i = 0; i < 10'000 && lost == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(lost, 1) << "said once, also to whoever does not write";
}

// The advisory lock is not replicated: after a failover a second holder may get it while the first
// believes that it has it. Here the lock is taken away behind its back; the row is the fence.
TEST(PostgresDisk, WithoutTheLockTheTermAloneKeepsAFormerHolderOut) {
  PostgresServer& server = PostgresServer::shared();
  const std::string name = fresh_name();
  auto first = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(first);
  ASSERT_TRUE(put(**first, "d/f", "of the first"));
  auto file = (*first)->open("d/f", Disk::Open::existing);
  ASSERT_TRUE((*file)->write_at(0, "OF THE FIRST, LATE"));
  // A successor's term, as it would begin on another server.
  server.sql(
      "disks",
      "UPDATE amanat_disks SET term = term + 1, holder = 'successor' WHERE name = '" + name + "'");
  EXPECT_EQ((*file)->sync().error().reason, Reason::file_failed);
  EXPECT_FALSE(put(**first, "d/g", "late"));
  EXPECT_EQ(server.sql("disks",
                       "SELECT count(*) FROM amanat_disk_names n JOIN amanat_disks d USING (disk) "
                       "WHERE d.name = '" +
                           name + "'"),
            "1");
  first->reset();  // gives back nothing that is not its own
  EXPECT_EQ(server.sql("disks", "SELECT released FROM amanat_disks WHERE name = '" + name + "'"),
            "f");
}

TEST(PostgresDisk, ASuccessorWaitsForTheLeaseOfWhoDidNotGiveItBack) {
  const std::string name = fresh_name();
  {
    auto first = open_postgres_disk(database(), named(name));
    ASSERT_TRUE(first);
    kill_sessions();
  }
  auto options = named(name);
  options.lease_ms = 3'600'000;
  int asked = 0;
  options.go_on = [&asked] { return ++asked < 3; };
  EXPECT_EQ(open_postgres_disk(database(), options).error().reason, Reason::shutting_down);
  an_hour_ago(name);
  EXPECT_TRUE(open_postgres_disk(database(), named(name)));
}

// A holder that hangs keeps its session, and the server keeps its lock: who waits ends it once it
// has been silent for twice the lease.
TEST(PostgresDisk, AHolderThatHangsIsEnded) {
  PostgresServer& server = PostgresServer::shared();
  const std::string name = fresh_name();
  auto first = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(first);
  ASSERT_TRUE(put(**first, "d/f", "content"));
  // As if nothing had been heard of it for an hour, though its session lives.
  server.sql(
      "disks",
      "UPDATE amanat_disks SET seen = seen - interval '1 hour', holder = 'hangs' WHERE name = '" +
          name + "'");
  auto options = named(name);
  options.busy = PostgresDiskOptions::Busy::wait;
  auto second = open_postgres_disk(database(), options);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(all_of(**second, "d/f"), "content");
  EXPECT_FALSE(put(**first, "d/f", "late"));
  EXPECT_EQ(all_of(**second, "d/f"), "content");
}

// Two threads take the disk from each other as fast as they can; each adds one to a number. Then
// the number is how often one of them was told that its change is durable, or a little more: a
// change whose answer was lost may count.
TEST(PostgresDisk, NoChangeIsLostHoweverOftenTheHolderIsDeposed) {
  const std::string name = fresh_name();
  std::atomic<int> acknowledged{0}, tried{0};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    while (!stop) {
      auto options = named(name);
      options.busy = PostgresDiskOptions::Busy::wait;
      options.go_on = [&] { return !stop.load(); };
      options.silence_ms = 2'000;
      options.lease_ms = 2'001;
      auto disk = open_postgres_disk(database(), options);
      if (!disk) continue;
      for (;;) {
        const std::string was = all_of(**disk, "d/n");
        const int number = was == "-" ? 0 : std::atoi(was.c_str());
        ++tried;
        if (!put(**disk, "d/n", std::to_string(number + 1))) break;
        ++acknowledged;
        if (stop) return;
      }
    }
  };
  std::thread one(work), other(work);
  for (int i = 0; i < 6; ++i) {
    const int before = acknowledged;
    while (acknowledged < before + 20) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // The term goes to nobody: whoever has it is told so by its next transaction, not by its
    // session.
    PostgresServer::shared().sql("disks",
                                 "UPDATE amanat_disks SET term = term + 1, released = true "
                                 "WHERE name = '" +
                                     name + "'");
  }
  stop = true;
  one.join();
  other.join();
  auto disk = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(disk);
  const int number = std::atoi(all_of(**disk, "d/n").c_str());
  EXPECT_GE(number, acknowledged);
  EXPECT_LE(number, tried);
  EXPECT_GT(acknowledged, 100);
}

// A server that waits for a standby that is not there: whoever cancels the waiting COMMIT makes it
// succeed on this server alone. That is no success.
TEST(PostgresDisk, ACommitThatWasCancelledWhileItWaitedForTheStandbyIsNoSuccess) {
  PostgresServer server("wal_level = replica\nmax_wal_senders = 2\n");
  const std::string url = server.database("disks");
  auto disk = open_postgres_disk(url, named("one"));
  ASSERT_TRUE(disk) << disk.error().detail;
  ASSERT_TRUE(put(**disk, "d/f", "on both"));
  server.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'");
  server.sql("postgres", "SELECT pg_reload_conf()");
  std::atomic<bool> done{false};
  Result<void> late;
  std::thread writer([&] {
    late = put(**disk, "d/f", "on one");
    done = true;
  });
  while (!done) {
    server.sql("postgres",
               "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE "
               "wait_event = 'SyncRep'");
  }
  writer.join();
  // The reload may have come after the first commits; sooner or later one waits.
  for (int i = 0; i < 200 && late; ++i) {
    std::atomic<bool> next{false};
    std::thread again([&] {
      late = put(**disk, "d/f", "on one");
      next = true;
    });
    while (!next)
      server.sql("postgres",
                 "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE "
                 "wait_event = 'SyncRep'");
    again.join();
  }
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::file_failed);
  EXPECT_FALSE(put(**disk, "d/g", "later"));
}

TEST(PostgresDisk, AServerThatDoesNotAnswerInTimeEndsTheTerm) {
  const std::string name = fresh_name();
  auto options = named(name);
  options.silence_ms = 3'000;
  auto disk = open_postgres_disk(database(), options);
  ASSERT_TRUE(disk) << disk.error().detail;
  ASSERT_TRUE(put(**disk, "d/f", "before"));
  // Somebody holds the disk's row, so that every transaction of the holder waits.
  std::thread blocker([&] {
    PostgresServer::shared().sql("disks", "BEGIN; SELECT 1 FROM amanat_disks WHERE name = '" +
                                              name + "' FOR UPDATE; SELECT pg_sleep(5); COMMIT");
  });
  Result<void> waited;
  while (waited) waited = put(**disk, "d/f", "while it is held");
  EXPECT_EQ(waited.error().reason, Reason::file_failed);
  EXPECT_FALSE((*disk)->list("d"));
  blocker.join();
}

TEST(PostgresDisk, AFileOfZerosTakesNoRowsAndARemovedOneLeavesNone) {
  PostgresServer& server = PostgresServer::shared();
  const std::string name = fresh_name();
  const auto blocks = [&] {
    return server.sql(
        "disks",
        "SELECT count(*) FROM amanat_disk_blocks JOIN amanat_disks USING (disk) WHERE "
        "name = '" +
            name + "'");
  };
  auto disk = open_postgres_disk(database(), named(name));
  ASSERT_TRUE(disk);
  auto file = (*disk)->open("d/f", Disk::Open::create_new);
  for (int i = 0; i < 64; ++i)
    ASSERT_TRUE((*file)->write_at(static_cast<std::uint64_t>(i) << 20, std::string(1 << 20, '\0')));
  ASSERT_TRUE((*file)->sync());
  ASSERT_TRUE((*disk)->sync_directory("d"));
  EXPECT_EQ(blocks(), "0");
  EXPECT_EQ((*file)->size().value(), std::uint64_t{64} << 20);
  ASSERT_TRUE((*file)->write_at(30'000'000, "something"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(blocks(), "1");
  file->reset();
  ASSERT_TRUE((*disk)->remove("d/f"));
  ASSERT_TRUE((*disk)->sync_directory("d"));
  EXPECT_EQ(blocks(), "0");
}

TEST(PostgresDisk, AUrlWithAPasswordOrWithoutTlsIsRefused) {
  EXPECT_EQ(open_postgres_disk("postgresql://a:b@/d?host=/tmp", named("x")).error().reason,
            Reason::config_wrong);
  EXPECT_EQ(
      open_postgres_disk("postgresql://a@server.test/d?sslmode=require", named("x")).error().reason,
      Reason::config_wrong);
}

TEST(PostgresDisk, AServerThatIsNotThereIsSaid) {
  auto options = named("x");
  options.silence_ms = 300;
  options.lease_ms = 301;
  EXPECT_EQ(open_postgres_disk("postgresql://a@/d?host=/nowhere", options).error().reason,
            Reason::store_failed);
}

}  // namespace
}  // namespace amanat::storage
