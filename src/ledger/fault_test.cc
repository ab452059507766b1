// One call fails, once or for a while: the answers of that moment are refused with a reason,
// nothing of them becomes visible, and the log goes on by itself when the disk does.

#include <gtest/gtest.h>

#include <atomic>

#include "ledger/log_for_tests.h"
#include "ledger/recovery.h"

namespace amanat::ledger {
namespace {

using Fault = SimulatedDisk::Fault;
using Call = SimulatedDisk::Call;

std::vector<std::vector<EntryContent>> wave(const LogForTests& log, std::mt19937_64& random,
                                            std::size_t n) {
  std::vector<std::vector<EntryContent>> out(n);
  for (auto& append : out) append.push_back(log.denial(random(), 2000));
  return out;
}

// Every call of the write path in turn, each with each effect.
TEST(Fault, EachFailedCallIsSurvivedOrStopsTheLogAtOnce) {
  std::mt19937_64 random(7);
  LogForTests log;
  std::uint64_t refused = 0, died = 0, runs = 0;
  for (const Fault fault : {Fault{Reason::disk_full, Fault::Effect::none},
                            Fault{Reason::disk_full, Fault::Effect::half},
                            Fault{Reason::file_failed, Fault::Effect::half},
                            Fault{Reason::file_failed, Fault::Effect::whole}}) {
    for (std::uint64_t n = 0;; ++n, ++runs) {
      SCOPED_TRACE("call " + std::to_string(n) + ", effect " +
                   std::to_string(static_cast<int>(fault.effect)));
      SimulatedDisk disk;
      ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
      Promises promises;
      std::atomic<bool> hit{false};
      std::atomic<int> deaths{0};
      std::uint64_t acknowledged = 0;
      std::atomic<bool> fatal{false};
      disk.set_plan(
          [&, n](std::uint64_t call, Call kind, const std::string& path) -> std::optional<Fault> {
            if (call != n) return std::nullopt;
            hit = true;
            fatal = kind == Call::sync && path.find("/segments/0") != std::string::npos;
            return fault;
          });
      auto options = log.options(&disk);
      options.on_death = [&](std::string_view) { ++deaths; };
      auto ledger = Ledger::open(options, log.seed);
      if (!ledger) {
        // At the start there is nobody to answer: it says why, and works the next time.
        EXPECT_TRUE(ledger.error().reason == Reason::disk_full ||
                    ledger.error().reason == Reason::file_failed);
      } else {
        for (int i = 0; i < 8; ++i) {
          const bool over = deaths > 0;
          for (const auto& outcome : record_all(**ledger, wave(log, random, 4))) {
            if (outcome) {
              promises.saw(*outcome, log.key());
              ++acknowledged;
              EXPECT_FALSE(over) << "an acknowledgement after a failed sync";
            } else {
              ++refused;
              EXPECT_TRUE(outcome.error().reason == Reason::disk_full ||
                          outcome.error().reason == Reason::ledger_not_durable);
            }
          }
        }
        // Whatever failed, only a failed fdatasync of the log itself may end it. All else goes on:
        // at once, but for the filler, which tries again by itself after a moment.
        bool resumed = false;
        for (int i = 0; i < 500 && !resumed && !fatal; ++i) {
          resumed = record_one(**ledger, log.denial(1)).has_value();
          if (!resumed) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        EXPECT_EQ(resumed, !fatal);
        if (resumed) {
          wait_published(**ledger, log.key());
          EXPECT_EQ((*ledger)->size(), 1 + acknowledged + 1) << "a refused append became visible";
        } else {
          ++died;
          for (int i = 0; i < 1000 && deaths == 0; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          EXPECT_EQ(deaths, 1);
          auto after = record_one(**ledger, log.denial(1));
          ASSERT_FALSE(after);
          EXPECT_EQ(after.error().reason, Reason::ledger_not_durable);
        }
        ledger->reset();
      }
      disk.set_plan(nullptr);
      auto again = Ledger::open(log.options(&disk), log.seed);
      ASSERT_TRUE(again) << again.error().detail;
      promises.check(**again, log.key());
      EXPECT_EQ(promises.broken, "");
      ASSERT_TRUE(record_one(**again, log.denial(2)));
      again->reset();
      auto verdict = verify_files(disk, "/ledger", log.key(), nullptr);
      ASSERT_TRUE(verdict);
      EXPECT_EQ(verdict->problem, "");
      if (!hit || HasFailure()) break;
    }
  }
  std::printf("    %llu runs, %llu appends refused, %llu logs stopped by a failed sync\n",
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(refused),
              static_cast<unsigned long long>(died));
  EXPECT_GT(refused, 50u);
  EXPECT_GT(died, 5u);
}

TEST(Fault, AFullDiskStopsAnswersAndRoomBringsThemBack) {
  LogForTests log;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  auto ledger = Ledger::open(log.options(&disk), log.seed);
  ASSERT_TRUE(ledger);
  std::atomic<bool> full{true};
  // Preallocated segments still take writes on a full disk; a new one cannot be made.
  disk.set_plan([&](std::uint64_t, Call call, const std::string& path) -> std::optional<Fault> {
    if (full && (call == Call::write || call == Call::open) &&
        path.find("next.tmp") != std::string::npos)
      return Fault{Reason::disk_full, Fault::Effect::none};
    return std::nullopt;
  });
  std::uint64_t acknowledged = 0;
  Result<Recorded> outcome = fail(Reason::internal_error);
  for (int i = 0; i < 200; ++i) {
    outcome = record_one(**ledger, log.denial(1, 3000));
    if (!outcome) break;
    ++acknowledged;
  }
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::disk_full);
  EXPECT_GT(acknowledged, 10u) << "what is preallocated is still used";
  const auto refused = record_one(**ledger, log.denial(1, 3000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  full = false;
  for (int i = 0; i < 500 && !outcome; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    outcome = record_one(**ledger, log.denial(2, 3000));
  }
  ASSERT_TRUE(outcome) << "appends did not come back with the room";
  EXPECT_EQ((*ledger)->size(), 1 + acknowledged + 1);
  ledger->reset();
  auto verdict = verify_files(disk, "/ledger", log.key(), nullptr);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "");
}

// A refused frame that reached the disk whole or in part, and then a crash: either it is found
// whole and counts (nobody was told it would not), or it is gone; a shorter one over it leaves no
// rest.
TEST(Fault, ARefusedFrameNeverComesBackBesideItsSuccessor) {
  std::mt19937_64 random(11);
  LogForTests log;
  for (const auto effect : {Fault::Effect::half, Fault::Effect::whole})
    for (int states = 0; states < 60; ++states) {
      std::atomic<bool> failing{true};
      SimulatedDisk disk;
      ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
      auto ledger = Ledger::open(log.options(&disk), log.seed);
      ASSERT_TRUE(ledger);
      disk.set_plan([&](std::uint64_t, Call call, const std::string& path) -> std::optional<Fault> {
        if (failing && call == Call::write && path.ends_with("segments/0000000000"))
          return Fault{Reason::file_failed, effect};
        return std::nullopt;
      });
      EXPECT_FALSE(record_one(**ledger, log.denial(1, 20000)));
      failing = false;
      Promises promises;
      const bool goes_on = states % 2 == 0;
      if (goes_on) {
        auto outcome = record_one(**ledger, log.denial(2, 10));
        ASSERT_TRUE(outcome);
        promises.saw(*outcome, log.key());
      }
      auto after = disk.crash(random, states % 4 < 2 ? 512 : 4096, 0.5);
      auto recovered = Ledger::open(log.options(after.get()), log.seed);
      ASSERT_TRUE(recovered) << recovered.error().detail;
      promises.check(**recovered, log.key());
      EXPECT_EQ(promises.broken, "");
      if (goes_on) EXPECT_EQ((*recovered)->size(), 2u);
    }
}

TEST(Fault, AnotherSignerOnTheSameLogStopsThisOne) {
  LogForTests log;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  std::atomic<int> deaths{0};
  auto options = log.options(&disk);
  options.on_death = [&](std::string_view) { ++deaths; };
  auto first = Ledger::open(options, log.seed);
  ASSERT_TRUE(first);
  ASSERT_TRUE(record_one(**first, log.denial(1)));
  auto bytes = disk.content(published_path("/ledger"));
  bytes.replace(bytes.find("boot ") + 5, 32, std::string(32, '0'));
  ASSERT_TRUE(storage::replace_file(disk, published_path("/ledger"), bytes));
  for (int i = 0; i < 500 && deaths == 0; ++i) {
    (void)record_one(**first, log.denial(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(deaths, 1);
  auto refused = record_one(**first, log.denial(3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::ledger_not_durable);
}

}  // namespace
}  // namespace amanat::ledger
