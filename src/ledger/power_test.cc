// Power cuts: everything that was not synced is lost, torn or reordered, after every system call of
// the append path, over a simulated disk. AMANAT_POWER_STATES sets how many crash states to try.

#include <gtest/gtest.h>

#include "ledger/log_for_tests.h"
#include "ledger/long_run_for_tests.h"

namespace amanat::ledger {
namespace {

// Appends until the disk dies or `appends` are through; remembers what got out.
void use(Ledger& ledger, const SimulatedDisk& disk, const LogForTests& log, std::mt19937_64& random,
         int appends, Promises& promises) {
  std::uniform_int_distribution<std::uint64_t> salt;
  for (int done = 0; done < appends && !disk.dead();) {
    std::vector<std::vector<EntryContent>> wave(1 + random() % 6);
    for (auto& append : wave) {
      append.resize(1 + random() % (random() % 8 == 0 ? 60 : 3));
      for (auto& entry : append) entry = log.denial(salt(random), random() % 4 == 0 ? 6000 : 30);
      ++done;
    }
    for (const auto& outcome : record_all(ledger, std::move(wave)))
      if (outcome) promises.saw(*outcome, log.key());
    promises.saw_checkpoint(ledger.checkpoint(), log.key());
  }
}

TEST(PowerCut, NothingAcknowledgedIsLostAndNoHeadIsContradicted) {
  const std::uint64_t states = number_from("AMANAT_POWER_STATES", 3000);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  LogForTests log;
  std::uint64_t tried = 0, torn = 0, acknowledged = 0;
  while (tried < states) {
    auto disk = std::make_unique<SimulatedDisk>();
    ASSERT_TRUE(Ledger::create(log.options(disk.get()), log.seed, log.slice));
    Promises promises;
    const int generations = 1 + static_cast<int>(random() % 3);
    for (int generation = 0; generation < generations; ++generation) {
      disk->die_at(random() % 160);
      {
        auto ledger = Ledger::open(log.options(disk.get()), log.seed);
        if (ledger) {
          use(**ledger, *disk, log, random, 40, promises);
          // Sometimes it is closed before the lights go out, or while.
          if (random() % 2 == 0) disk->die_at(random() % 24);
        } else {
          ASSERT_TRUE(disk->dead()) << ledger.error().detail;
        }
      }
      acknowledged += promises.entries.size();
      std::unique_ptr<SimulatedDisk> survivor;
      for (int i = 0; i < 8; ++i, ++tried) {
        const double keep = std::vector<double>{0, 1, 0.1, 0.5, 0.9, 0.99}[random() % 6];
        survivor = disk->crash(random, random() % 2 == 0 ? 512 : 4096, keep);
        auto options = log.options(survivor.get());
        options.alarm = [&torn](std::string_view words) {
          torn += words.find("torn") != std::string_view::npos;
        };
        auto recovered = Ledger::open(options, log.seed);
        ASSERT_TRUE(recovered) << recovered.error().detail << ", state " << tried;
        Promises now = promises;
        now.check(**recovered, log.key());
        ASSERT_EQ(now.broken, "") << "state " << tried;
        ASSERT_TRUE(record_one(**recovered, log.denial(1)));
        recovered->reset();
        auto verdict = verify_files(*survivor, "/ledger", log.key(), nullptr);
        ASSERT_TRUE(verdict) << verdict.error().detail;
        ASSERT_EQ(verdict->problem, "") << "state " << tried;
      }
      // Life goes on with one of the states; what the recovered log has shown counts as well.
      auto again = Ledger::open(log.options(survivor.get()), log.seed);
      ASSERT_TRUE(again) << again.error().detail;
      promises.saw_checkpoint((*again)->checkpoint(), log.key());
      again->reset();
      disk = std::move(survivor);
    }
  }
  std::printf(
      "    %llu crash states, %llu torn writes cut off, %llu acknowledged entries checked; %s\n",
      static_cast<unsigned long long>(tried), static_cast<unsigned long long>(torn),
      static_cast<unsigned long long>(acknowledged), seed.text().c_str());
  // That the states are what they are meant to be; a short run may meet none.
  if (states >= 2000) EXPECT_GT(torn, states / 200);
}

}  // namespace
}  // namespace amanat::ledger
