// Complete histories: what is in them, and that nothing can be left out, added, moved or changed.

#include "ledger/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ledger/big_endian.h"
#include "ledger/by_citizen.h"
#include "ledger/citizens_for_tests.h"
#include "ledger/drafts_for_tests.h"
#include "ledger/liar_for_tests.h"
#include "ledger/long_run_for_tests.h"

namespace amanat::ledger {
namespace {

TEST(History, ShowsACitizenEverythingAndAStrangerNothing) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  const std::string a = town.citizen(1), b = town.citizen(2), nobody = town.citizen(3);
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(
        record_one(**ledger, town.entry(i % 2 == 0 ? a : b, "purpose-" + std::to_string(i))));
    if (i == 3) ASSERT_TRUE(record_one(**ledger, town.entry(a, "no", EntryType::denied)));
  }
  const auto file = town.history(**ledger, a, (*ledger)->size());
  ASSERT_TRUE(file) << file.error().detail;
  const auto verdict = verify_history(*file, town.check(a));
  EXPECT_EQ(verdict.problem, "");
  ASSERT_EQ(verdict.entries.size(), 4u);
  EXPECT_EQ(verdict.entries[0].parts[0], "purpose-0");
  EXPECT_EQ(verdict.entries[0].parts[2], "identity.persons.name");
  EXPECT_EQ(verdict.entries[0].parts[1], "") << "the case is not shown";
  EXPECT_EQ(verdict.entries[2].parts[9], "quota_spent");
  EXPECT_EQ(file->find("FIR 1/26"), file->npos);
  EXPECT_EQ(write_history(*parse_history(*file)), *file);
  EXPECT_EQ(verify_history(*file, town.check(b)).fault, HistoryFault::label);

  const auto none = town.history(**ledger, nobody, (*ledger)->size());
  ASSERT_TRUE(none);
  const auto never = verify_history(*none, town.check(nobody));
  EXPECT_EQ(never.problem, "");
  EXPECT_TRUE(never.entries.empty());

  // What was seen once must be the beginning of what is seen next time.
  ASSERT_TRUE(record_one(**ledger, town.entry(a, "later")));
  const auto next = town.history(**ledger, a, (*ledger)->size());
  ASSERT_TRUE(next);
  auto check = town.check(a);
  check.before = verdict.now;
  EXPECT_EQ(verify_history(*next, check).problem, "");
  const auto remembered = parse_remembered(write_remembered(verdict.now));
  ASSERT_TRUE(remembered);
  EXPECT_EQ(remembered->head, verdict.now.head);
  auto longer = verify_history(*next, town.check(a)).now;
  check.before = longer;
  EXPECT_EQ(verify_history(*file, check).fault, HistoryFault::rewritten);
}

TEST(History, BeforeAnybodyWasLookedAtItSaysSo) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk, 60'000);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  const std::string a = town.citizen(1);
  for (const bool again : {false, true}) {
    SCOPED_TRACE(again);
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    const auto file = town.history(**ledger, a);
    ASSERT_TRUE(file) << file.error().detail;
    const auto verdict = verify_history(*file, town.check(a));
    EXPECT_EQ(verdict.problem, "");
    EXPECT_TRUE(verdict.entries.empty());
    EXPECT_EQ(verdict.now.epoch, 1u) << "asking once more makes no second";
  }
}

TEST(History, StaysShortHoweverManyEntriesNameNobody) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk, 60'000);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  const std::string a = town.citizen(1);
  ASSERT_TRUE(town.history(**ledger, a));
  constexpr std::uint64_t kMany = 9000;  // twice what may follow an EPOCH
  while ((*ledger)->size() < kMany) {
    std::vector<EntryContent> some(500);
    for (EntryContent& one : some) {
      one.type = EntryType::alert;
      one.part(BodyPart::purpose) = "clock";
      one.slice = town.log.slice;
    }
    ASSERT_TRUE(wait(record_task(**ledger, std::move(some))));
  }
  for (;;) {  // an EPOCH is published when it is
    const auto file = town.history(**ledger, a);
    ASSERT_TRUE(file) << file.error().detail;
    const auto verdict = verify_history(*file, town.check(a));
    ASSERT_EQ(verdict.problem, "");
    const auto parsed = parse_history(*file);
    ASSERT_TRUE(parsed);
    if (town.covers(*parsed, (*ledger)->size()) && verdict.now.epoch > 1) {
      EXPECT_LE(parsed->after.size(), 5000u);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(History, AnErasedSliceLeavesTheCountAndTheAct) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  const std::string a = town.citizen(1);
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(record_one(**ledger, town.entry(a, "secret-purpose")));
    ASSERT_TRUE(town.erase(**ledger, a));
    ASSERT_TRUE(record_one(**ledger, town.entry(a, "after")));
    const auto file = town.history(**ledger, a, (*ledger)->size());
    ASSERT_TRUE(file) << file.error().detail;
    const auto verdict = verify_history(*file, town.check(a));
    EXPECT_EQ(verdict.problem, "");
    ASSERT_EQ(verdict.entries.size(), 5u);
    EXPECT_EQ(verdict.entries[1].state, HistoryEntry::State::erased);
    EXPECT_EQ(verdict.entries[3].parts[0], "erased on request");
    EXPECT_EQ(verdict.entries[4].parts[0], "after");
  }
  // The chain of an erased slice is primary data: it outlives a restart that cannot read it again.
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  const auto file = town.history(**ledger, a);
  ASSERT_TRUE(file) << file.error().detail;
  EXPECT_EQ(verify_history(*file, town.check(a)).problem, "");
  ASSERT_TRUE(record_one(**ledger, town.entry(a, "next")));
  const auto more = town.history(**ledger, a, (*ledger)->size());
  ASSERT_TRUE(more) << more.error().detail;
  const auto verdict = verify_history(*more, town.check(a));
  EXPECT_EQ(verdict.problem, "");
  EXPECT_EQ(verdict.entries.size(), 6u);
  EXPECT_TRUE(town.alarms.empty()) << town.alarms.front();
}

TEST(History, ACovertEntryIsCountedHiddenAndOpensOnItsDateByItself) {
  CitizensForTests town;
  SimulatedDisk disk;
  std::atomic<std::uint64_t> time{1'790'000'000'000};
  Options options = town.options(&disk);
  options.clock = [&time] { return Moment{time.load()}; };
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  const std::string a = town.citizen(1);
  EntryContent covert = town.entry(a, "terror-investigation");
  const std::uint64_t date = time + 86'400'000;
  covert.sealed_until = Moment{date};
  ASSERT_TRUE(record_one(**ledger, std::move(covert)));
  ASSERT_TRUE(record_one(**ledger, town.entry(a, "open-one")));
  const auto file = town.history(**ledger, a, 3);
  ASSERT_TRUE(file) << file.error().detail;
  auto check = town.check(a);
  check.unix_time = time / 1000;
  const auto verdict = verify_history(*file, check);
  EXPECT_EQ(verdict.problem, "");
  ASSERT_EQ(verdict.entries.size(), 2u);
  EXPECT_EQ(verdict.entries[0].state, HistoryEntry::State::sealed);
  EXPECT_EQ(verdict.entries[0].sealed_until, Moment{date});
  EXPECT_EQ(verdict.entries[0].parts[0], "");
  EXPECT_EQ(file->find(crypto::base64(crypto::bytes_of("terror-investigation"))), file->npos);
  // Past its date a seal is a breach that the citizen can show ...
  check.unix_time = date / 1000 + 1;
  EXPECT_EQ(verify_history(*file, check).fault, HistoryFault::seal_date);
  // ... and the exchange does not commit one: it opens by itself.
  time = date + 1;
  const auto opened = town.history(**ledger, a, 3);
  ASSERT_TRUE(opened);
  check.uncovered_age_max = 1u << 30;
  const auto later = verify_history(*opened, check);
  EXPECT_EQ(later.problem, "");
  EXPECT_EQ(later.entries[0].parts[0], "terror-investigation");
}

TEST(History, MissingEpochsAreNoticed) {
  CitizensForTests town;
  SimulatedDisk disk;
  std::atomic<std::uint64_t> time{1'790'000'000'000};
  Options options = town.options(&disk, 5);
  options.clock = [&time] { return Moment{time.load()}; };
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  const std::string a = town.citizen(1);
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    ASSERT_TRUE(record_one(**ledger, town.entry(a)));
    ASSERT_TRUE(town.history(**ledger, a, 2));
  }
  options.citizens->epoch_ms = 1u << 30;  // from now on no epochs in time
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  const auto size = (*ledger)->size();
  ASSERT_TRUE(record_one(**ledger, town.entry(a)));
  wait_published(**ledger, town.log.key());
  const auto file = town.history(**ledger, a);
  ASSERT_TRUE(file) << file.error().detail;
  auto check = town.check(a);
  check.unix_time = time / 1000 + 60;
  EXPECT_EQ(verify_history(*file, check).problem, "") << size;
  check.unix_time = time / 1000 + 121;
  EXPECT_EQ(verify_history(*file, check).fault, HistoryFault::stale_epoch);
}

TEST(History, EpochsGoOnAcrossCrashesWithoutAnOperator) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  CitizensForTests town;
  auto disk = std::make_unique<SimulatedDisk>();
  ASSERT_TRUE(Ledger::create(town.options(disk.get()), town.log.seed, town.log.slice));
  std::map<std::string, std::uint64_t> counts;
  for (int round = 0; round < 12; ++round) {
    auto ledger = Ledger::open(town.options(disk.get()), town.log.seed);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    const bool dies = round % 2 == 0;
    for (int i = 0; i < 12; ++i) {
      const std::string id = town.citizen(random() % 5);
      if (random() % 10 == 0 && town.live.contains(id)) {
        ASSERT_TRUE(town.erase(**ledger, id));
        ++counts[id];
      }
      ASSERT_TRUE(record_one(**ledger, town.entry(id)));
      ++counts[id];
      if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 8));
    }
    std::unique_ptr<SimulatedDisk> after;
    if (dies) after = disk->crash(random, 512, 0.5);
    ledger->reset();
    if (dies) disk = std::move(after);
    auto again = Ledger::open(town.options(disk.get()), town.log.seed);
    ASSERT_TRUE(again) << again.error().detail;
    for (const auto& [id, count] : counts) {
      const auto file = town.history(**again, id, dies ? 0 : 1);
      ASSERT_TRUE(file) << file.error().detail;
      // All of it is covered in the end: the first epoch after the start sees to it.
      for (int i = 0; i < 3000; ++i) {
        const auto now = town.history(**again, id);
        ASSERT_TRUE(now);
        const auto verdict = verify_history(*now, town.check(id));
        ASSERT_EQ(verdict.problem, "");
        if (verdict.entries.size() == count) break;
        ASSERT_LT(i, 2999) << id << " " << verdict.entries.size() << " of " << count;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
  EXPECT_TRUE(town.alarms.empty()) << town.alarms.front();
}

// ---- the malicious operator, part one: the file he hands out
// -------------------------------------

TEST(MaliciousOperator, EveryLieToACitizenIsNamedAndNoHonestHistoryIsSuspected) {
  const std::uint64_t wanted = number_from("AMANAT_LIES", 1500);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Liar liar;
  std::uint64_t lies = 0;
  std::map<std::string, unsigned> kinds;
  while (lies < wanted) {
    const std::size_t who = random() % liar.ids.size();
    const std::string& honest = random() % 4 == 0 ? liar.old_files[who] : liar.files[who];
    const auto check = liar.town.check(liar.ids[who]);
    if (lies % 50 == 0) ASSERT_EQ(verify_history(honest, check).problem, "");
    History h = *parse_history(honest);
    const std::string what = liar.lie(random, who, h);
    const std::string told = write_history(h);
    if (what.empty() || told == honest) continue;
    ++lies;
    ++kinds[what];
    const auto verdict = verify_history(told, check);
    ASSERT_NE(verdict.fault, HistoryFault::none) << what;
  }
  EXPECT_GT(kinds.size(), 25u);
  std::printf("    %llu lies of %zu kinds, every one named; %s\n",
              static_cast<unsigned long long>(lies), kinds.size(), seed.text().c_str());
}

TEST(MaliciousOperator, EveryFlippedBitOfAHistoryIsNoticed) {
  const std::uint64_t wanted = number_from("AMANAT_LIES", 1500);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Liar liar;
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const std::size_t who = random() % liar.ids.size();
    std::string told = liar.files[who];
    // The cosignatures' place holds lines of keys a reader does not know: those are not signed for.
    const std::size_t end = told.rfind("\n\n");
    told[random() % end] ^= static_cast<char>(1u << (random() % 8));
    EXPECT_NE(verify_history(told, liar.town.check(liar.ids[who])).fault, HistoryFault::none);
  }
}

TEST(HistoryForExperts, ShowsToWhichAccountAndWhichFieldsAndNothingElse) {
  CitizensForTests town;
  SimulatedDisk disk;
  Options options = town.options(&disk);
  options.citizens->epoch_ms = 3'600'000;  // none is due but the one that is asked for
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  const std::string a = town.citizen(1), b = town.citizen(2);
  for (int i = 0; i < 5; ++i) {
    EntryContent entry = town.entry(i % 2 == 0 ? a : b, "why", EntryType::disclosure);
    entry.part(BodyPart::marks) = "marks";
    ASSERT_TRUE(record_one(**ledger, std::move(entry)));
  }
  const std::uint64_t size = (*ledger)->size();
  const auto covered = (*ledger)->cover(20'000);
  ASSERT_TRUE(covered) << covered.error().detail;
  EXPECT_GE(*covered, size);
  const Ledger::Labelled both[] = {{town.label(a), town.proof(a)}, {town.label(b), town.proof(b)}};
  const auto files = (*ledger)->shown_to(both);
  ASSERT_TRUE(files) << files.error().detail;
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(write_history(*parse_history(files->front())), files->front());
  HistoryCheck check = town.check(a);
  check.reader = Reader::expert;
  check.unix_time += 1'000'000'000;  // however old
  const auto verdict = verify_history(files->front(), check);
  EXPECT_EQ(verdict.problem, "");
  ASSERT_EQ(verdict.entries.size(), 3u);
  for (const ShownEntry& e : verdict.entries) {
    ASSERT_TRUE(e.actor);
    EXPECT_EQ(e.actor->account, AccountId{7});
    EXPECT_EQ(e.parts[2], "identity.persons.name");
    EXPECT_EQ(e.parts[7], "marks");
    EXPECT_EQ(e.parts[0], "") << "why is the citizen's to know";
  }
  EXPECT_EQ(verdict.label, town.label(a));

  History changed = *parse_history(files->front());
  changed.entries[1].actor->actor.account = AccountId{8};
  EXPECT_EQ(verify_history(write_history(changed), check).fault, HistoryFault::opening_actor);
  changed = *parse_history(files->front());
  changed.entries[1].actor.reset();
  EXPECT_EQ(verify_history(write_history(changed), check).fault, HistoryFault::opening_actor);
  changed = *parse_history(files->front());
  changed.entries[1].parts.pop_back();
  EXPECT_EQ(verify_history(write_history(changed), check).fault, HistoryFault::opening_body);
  changed = *parse_history(files->front());
  changed.entries.erase(changed.entries.begin() + 1);
  EXPECT_EQ(verify_history(write_history(changed), check).fault, HistoryFault::chain);
}

}  // namespace
}  // namespace amanat::ledger
