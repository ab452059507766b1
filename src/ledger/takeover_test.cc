// The ledger of a gateway without a disk, in PostgreSQL: the same log, the same promises, whatever
// becomes of its session, its server or its term; and never two signers. AMANAT_TAKEOVERS sets how
// often the holder is deposed (default 8), AMANAT_SEED replays.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ledger/citizens_for_tests.h"
#include "ledger/long_run_for_tests.h"
#include "ledger/recovery.h"
#include "storage/postgres_disk.h"
#include "storage/postgres_server.h"

namespace amanat::ledger {
namespace {

using storage::PostgresServer;
constexpr const char* kDatabase = "ledgers";

/// Gateway is what one process holds: the disk and, on it, the ledger.
struct Gateway {
  std::unique_ptr<storage::Disk> disk;
  std::unique_ptr<Ledger> ledger;
  std::shared_ptr<std::atomic<int>> deaths = std::make_shared<std::atomic<int>>(0);
};

class Takeover : public testing::Test {
 protected:
  Takeover() : url_(PostgresServer::shared().database(kDatabase)) {
    static int made = 0;
    town_.log.origin = "takeover.example/" + std::to_string(++made);
    auto disk = open_disk();
    EXPECT_TRUE(disk) << disk.error().detail;
    EXPECT_TRUE(Ledger::create(town_.options(disk->get()), town_.log.seed, town_.log.slice));
  }
  Result<std::unique_ptr<storage::Disk>> open_disk() {
    storage::PostgresDiskOptions options;
    options.name = town_.log.origin;
    options.on_lost = [](std::string_view) {};
    options.silence_ms = 60'000;  // however busy the machine is
    options.lease_ms = 61'000;
    options.busy = storage::PostgresDiskOptions::Busy::wait;
    return storage::open_postgres_disk(url_, options);
  }
  Result<Gateway> open() {
    Gateway gateway;
    auto disk = open_disk();
    if (!disk) return std::unexpected(disk.error());
    gateway.disk = *std::move(disk);
    auto options = town_.options(gateway.disk.get(), 20);
    options.on_death = [deaths = gateway.deaths](std::string_view) { ++*deaths; };
    auto ledger = Ledger::open(options, town_.log.seed);
    if (!ledger) return std::unexpected(ledger.error());
    gateway.ledger = *std::move(ledger);
    return gateway;
  }
  std::vector<std::vector<EntryContent>> wave(std::mt19937_64& random, std::size_t n) {
    std::vector<std::vector<EntryContent>> out(n);
    for (auto& append : out) {
      append.push_back(town_.entry(CitizensForTests::citizen(static_cast<unsigned>(random() % 7))));
      append.back().evidence.assign(random() % 3000, 'e');
    }
    return out;
  }
  void expect_whole(storage::Disk& disk) {
    auto verdict = verify_files(disk, "/ledger", town_.log.key(), nullptr);
    ASSERT_TRUE(verdict) << verdict.error().detail;
    EXPECT_EQ(verdict->problem, "");
  }
  std::string sql(const std::string& text) { return PostgresServer::shared().sql(kDatabase, text); }
  std::string ours() const { return "name = '" + town_.log.origin + "'"; }
  /// say_it_is_dead spares the next one the lease: this test knows that the holder is gone.
  void say_it_is_dead() { sql("UPDATE amanat_disks SET released = true WHERE " + ours()); }

  CitizensForTests town_;
  const std::string url_;
  Promises promises_;
};

TEST_F(Takeover, ALogInPostgresqlLivesAsOneInFiles) {
  std::mt19937_64 random(3);
  const std::string citizen = CitizensForTests::citizen(1);
  for (int run = 0; run < 3; ++run) {
    auto gateway = open();
    ASSERT_TRUE(gateway) << gateway.error().detail;
    for (int i = 0; i < 12; ++i)
      for (const auto& outcome : record_all(*gateway->ledger, wave(random, 6))) {
        ASSERT_TRUE(outcome) << outcome.error().detail;
        promises_.saw(*outcome, town_.log.key());
      }
    wait_published(*gateway->ledger, town_.log.key());
    promises_.check(*gateway->ledger, town_.log.key());
    EXPECT_EQ(promises_.broken, "");
    if (run == 1) {
      const auto trimmed = gateway->ledger->trim();
      ASSERT_TRUE(trimmed) << trimmed.error().detail;
      EXPECT_GT(trimmed->segments, 0u);
    }
    gateway->ledger.reset();
    ASSERT_NO_FATAL_FAILURE(expect_whole(*gateway->disk));
  }
  EXPECT_GT(promises_.entries.size(), 200u);
}

TEST_F(Takeover, AnotherGatewayGoesOnWhereTheFirstEndedAndTheFirstSignsNoMore) {
  std::mt19937_64 random(4);
  auto first = open();
  ASSERT_TRUE(first) << first.error().detail;
  for (const auto& outcome : record_all(*first->ledger, wave(random, 20)))
    promises_.saw(*outcome, town_.log.key());
  // The first is cut off from everybody but does not know it yet: its session lives, and a
  // successor holds the term. What it appends now is refused, and no head of it gets out.
  sql("UPDATE amanat_disks SET term = term + 1, holder = 'nobody yet', released = true WHERE " +
      ours());
  auto late = record_one(*first->ledger, town_.entry(CitizensForTests::citizen(1)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::ledger_not_durable);
  sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '" +
      std::string(kDatabase) + "' AND pid <> pg_backend_pid()");
  auto second = open();
  ASSERT_TRUE(second) << second.error().detail;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(record_one(*first->ledger, town_.entry(CitizensForTests::citizen(2))));
    for (const auto& outcome : record_all(*second->ledger, wave(random, 5))) {
      ASSERT_TRUE(outcome) << outcome.error().detail;
      promises_.saw(*outcome, town_.log.key());
    }
  }
  EXPECT_EQ(*first->deaths, 1);
  promises_.saw_checkpoint(first->ledger->checkpoint(), town_.log.key());
  first->ledger.reset();
  wait_published(*second->ledger, town_.log.key());
  promises_.check(*second->ledger, town_.log.key());
  EXPECT_EQ(promises_.broken, "");
}

// Under load the holder loses its session, its server or its term at some moment of some commit;
// the next one opens the log, and everything that was let out still holds.
TEST_F(Takeover, NothingLetOutIsLostOrForkedHoweverAHolderEnds) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  const std::uint64_t takeovers = number_from("AMANAT_TAKEOVERS", 8);
  std::uint64_t refused = 0, cut = 0;
  for (std::uint64_t round = 0; round < takeovers; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    auto gateway = open();
    ASSERT_TRUE(gateway) << gateway.error().detail;
    promises_.check(*gateway->ledger, town_.log.key());
    ASSERT_EQ(promises_.broken, "");
    const std::uint64_t way = random() % 4, pause = random() % 60;
    std::thread fate([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(pause));
      if (way == 0) {  // the server crashes
        PostgresServer::shared().stop(SIGQUIT);
      } else if (way == 1) {  // it stops in an orderly way
        PostgresServer::shared().stop(SIGINT);
      } else if (way == 2) {
        sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '" +
            std::string(kDatabase) + "' AND pid <> pg_backend_pid()");
      } else {
        sql("UPDATE amanat_disks SET term = term + 1, holder = '' WHERE " + ours());
      }
    });
    while (*gateway->deaths == 0) {
      for (const auto& outcome : record_all(*gateway->ledger, wave(random, 1 + random() % 16))) {
        if (outcome)
          promises_.saw(*outcome, town_.log.key());
        else
          ++refused;
      }
      promises_.saw_checkpoint(gateway->ledger->checkpoint(), town_.log.key());
    }
    fate.join();
    if (way < 2) PostgresServer::shared().start();  // a server dies with the thread that started it
    EXPECT_FALSE(record_one(*gateway->ledger, town_.entry(CitizensForTests::citizen(1))));
    gateway->ledger.reset();
    gateway->disk.reset();
    ++cut;
    say_it_is_dead();
  }
  auto last = open();
  ASSERT_TRUE(last) << last.error().detail;
  promises_.check(*last->ledger, town_.log.key());
  EXPECT_EQ(promises_.broken, "");
  last->ledger.reset();
  ASSERT_NO_FATAL_FAILURE(expect_whole(*last->disk));
  std::printf(
      "    %llu holders ended, %zu acknowledged entries and %zu heads hold, %llu refused; %s\n",
      static_cast<unsigned long long>(cut), promises_.entries.size(), promises_.heads.size(),
      static_cast<unsigned long long>(refused), seed.text().c_str());
  EXPECT_GT(promises_.entries.size(), 0u);
}

// Several gateways want one origin for as long as it takes, each of them dies again and again, and
// only one signs at a time.
TEST_F(Takeover, OfSeveralGatewaysExactlyOneSigns) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  const std::uint64_t wanted = number_from("AMANAT_TAKEOVERS", 8);
  std::mutex mutex;
  std::atomic<int> signing{0}, most{0};
  std::atomic<std::uint64_t> terms{0};
  const auto gateway = [&](std::uint64_t number) {
    std::mt19937_64 random(seed.value + number);
    while (terms < wanted) {
      auto mine = open();
      ASSERT_TRUE(mine) << mine.error().detail;
      ++terms;
      for (int i = 0, end = 1 + static_cast<int>(random() % 6); i < end; ++i) {
        most = std::max(most.load(), ++signing);
        for (const auto& outcome : record_all(*mine->ledger, wave(random, 4))) {
          const std::lock_guard lock(mutex);
          ASSERT_TRUE(outcome) << outcome.error().detail;
          promises_.saw(*outcome, town_.log.key());
        }
        --signing;
      }
    }
  };
  std::vector<std::thread> gateways;
  for (std::uint64_t i = 0; i < 3; ++i) gateways.emplace_back(gateway, i);
  for (auto& one : gateways) one.join();
  EXPECT_EQ(most, 1);
  auto last = open();
  ASSERT_TRUE(last) << last.error().detail;
  promises_.check(*last->ledger, town_.log.key());
  EXPECT_EQ(promises_.broken, "");
}

// A server without room: as after any failed sync nothing more is signed, and a restart goes on.
TEST_F(Takeover, TheServersOwnLossOfRoomStopsTheSignerAndLosesNothing) {
  std::mt19937_64 random(6);
  auto gateway = open();
  ASSERT_TRUE(gateway) << gateway.error().detail;
  for (const auto& outcome : record_all(*gateway->ledger, wave(random, 20)))
    promises_.saw(*outcome, town_.log.key());
  // A table that takes no more rows stands for a disk that takes none.
  sql("CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
      "EXCEPTION "
      "'no room' USING ERRCODE = '53100'; END $$;"
      "CREATE TRIGGER no_room BEFORE INSERT ON amanat_disk_blocks EXECUTE FUNCTION no_room()");
  auto refused = record_one(*gateway->ledger, town_.entry(CitizensForTests::citizen(1)));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().reason == Reason::disk_full ||
              refused.error().reason == Reason::ledger_not_durable);
  EXPECT_EQ(*gateway->deaths, 1);
  gateway->ledger.reset();
  gateway->disk.reset();
  sql("DROP TRIGGER no_room ON amanat_disk_blocks");
  say_it_is_dead();
  auto again = open();
  ASSERT_TRUE(again) << again.error().detail;
  promises_.check(*again->ledger, town_.log.key());
  EXPECT_EQ(promises_.broken, "");
  EXPECT_TRUE(record_one(*again->ledger, town_.entry(CitizensForTests::citizen(1))));
}

}  // namespace
}  // namespace amanat::ledger
