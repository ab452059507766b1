#include "ledger/map_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/crypto.h"
#include "ledger/citizens_for_tests.h"
#include "ledger/recovery.h"
#include "ledger/simulated_disk.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

const Digest kLog = crypto::sha256("a log");

struct Folded {
  Map map;
  KeptMap kept;
};

// The map of some citizens after so many entries.
Folded folded(const Key256& map_key, std::uint64_t entries) {
  Folded out{Map(map_key), {}};
  std::mt19937_64 random(3);
  std::vector<MapUpdate> updates;
  for (std::uint64_t i = 0; i < entries; ++i)
    updates.push_back({crypto::sha256(std::to_string(random() % 9000)),
                       leaf_hash(std::to_string(i)), i, 1000 + i});
  const Digest root = out.map.stage(updates);
  out.map.commit();
  out.kept = {{entries + 1, 5, entries, root, 17}, {4096, entries}, {3, 9}};
  return out;
}

TEST(MapFile, TheMapThatIsReadIsTheMapThatWasWritten) {
  const Key256 map_key = crypto::random_key(), key = crypto::random_key();
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory("/ledger"));
  Map nobody(map_key);
  EXPECT_EQ(read_map(disk, "/ledger", kLog, key, nobody).error().reason, Reason::no_record);
  const Folded was = folded(map_key, 40'000);  // more mailboxes than one piece holds
  ASSERT_TRUE(write_map(disk, "/ledger", kLog, key, was.kept, was.map));
  Map map(map_key);
  const auto kept = read_map(disk, "/ledger", kLog, key, map);
  ASSERT_TRUE(kept) << kept.error().detail;
  EXPECT_EQ(kept->epoch.index, was.kept.epoch.index);
  EXPECT_EQ(kept->epoch.root, was.kept.epoch.root);
  EXPECT_EQ(kept->rest.offset, 4096u);
  EXPECT_EQ(kept->runs, was.kept.runs);
  EXPECT_EQ(map.citizens(), was.map.citizens());
  was.map.each([&](const Mailbox& m) {
    const auto same = map.find(m.label);
    ASSERT_TRUE(same);
    EXPECT_EQ(same->count, m.count);
    EXPECT_EQ(same->head, m.head);
    EXPECT_EQ(same->place, m.place);
    ASSERT_EQ(map_root(bucket_of(m.label), map.prove(m.label)), was.map.root());
  });
  // Another log's, another key's, another map key's.
  Map other(map_key), third(map_key), fourth(crypto::random_key());
  EXPECT_FALSE(read_map(disk, "/ledger", crypto::sha256("another"), key, other));
  EXPECT_FALSE(read_map(disk, "/ledger", kLog, crypto::random_key(), third));
  EXPECT_FALSE(read_map(disk, "/ledger", kLog, key, fourth));
}

TEST(MapFile, EveryFlippedBitAndEveryCutIsNoticed) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const Key256 map_key = crypto::random_key(), key = crypto::random_key();
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory("/ledger"));
  const Folded was = folded(map_key, 60);
  ASSERT_TRUE(write_map(disk, "/ledger", kLog, key, was.kept, was.map));
  const std::string path = map_path("/ledger");
  const std::uint64_t bits = disk.content(path).size() * 8;
  const auto reads = [&] {
    Map map(map_key);
    return read_map(disk, "/ledger", kLog, key, map).has_value();
  };
  ASSERT_TRUE(reads());
  for (int i = 0; i < 400; ++i) {
    // The head first, then anywhere.
    const std::uint64_t bit = i < 200 ? random() % 1152 : random() % bits;
    disk.flip(path, bit);
    EXPECT_FALSE(reads()) << bit;
    disk.flip(path, bit);
  }
  const std::string whole = disk.content(path);
  for (int i = 0; i < 100; ++i) {
    auto file = disk.open(path, storage::Disk::Open::existing);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->truncate(random() % whole.size()));
    EXPECT_FALSE(reads());
    ASSERT_TRUE((*file)->write_at(0, whole));
  }
  EXPECT_TRUE(reads());
}

TEST(MapFile, ACrashAtAnyCallOfTheWritingLeavesTheOldOneOrTheNewOne) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const Key256 map_key = crypto::random_key(), key = crypto::random_key();
  const Folded old = folded(map_key, 300), fresh = folded(map_key, 30'000);
  bool finished = false;
  for (std::uint64_t n = 0; !finished; ++n) {
    SimulatedDisk disk;
    ASSERT_TRUE(disk.make_directory("/ledger"));
    ASSERT_TRUE(write_map(disk, "/ledger", kLog, key, old.kept, old.map));
    disk.die_at(n);
    finished = write_map(disk, "/ledger", kLog, key, fresh.kept, fresh.map).has_value();
    for (const double keep : {0.0, 0.5, 1.0}) {
      auto after = disk.crash(random, 512, keep);
      Map map(map_key);
      const auto kept = read_map(*after, "/ledger", kLog, key, map);
      ASSERT_TRUE(kept) << "call " << n << ": " << kept.error().detail;
      EXPECT_TRUE(map.root() == fresh.map.root() || (!finished && map.root() == old.map.root()));
    }
    ASSERT_LT(n, 100u);
  }
}

// A town whose ledger kept its map several times, closed.
struct KeptTown {
  CitizensForTests town;
  SimulatedDisk disk;
  std::map<std::string, std::uint64_t> counts;
  std::vector<std::string> maps;  // as they were kept, oldest first

  KeptTown() {
    EXPECT_TRUE(Ledger::create(town.options(&disk), town.log.seed, town.log.slice));
    for (int run = 0; run < 4; ++run) live(10);
  }
  void live(unsigned entries) {
    auto ledger = Ledger::open(town.options(&disk), town.log.seed);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    for (unsigned i = 0; i < entries; ++i) {
      const std::string id = town.citizen(i % 4);
      ASSERT_TRUE(record_one(**ledger, town.entry(id)));
      ++counts[id];
    }
    if (maps.size() == 1) {
      ASSERT_TRUE(town.erase(**ledger, town.citizen(1)));
      ++counts[town.citizen(1)];
    }
    ASSERT_TRUE(town.history(**ledger, town.citizen(0), (*ledger)->size() - 1));
    ledger->reset();
    maps.push_back(disk.content(map_path("/ledger")));
  }
  void put(const std::string& path, const std::string& bytes) {
    auto file = disk.open(path, storage::Disk::Open::create_or_existing);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->truncate(0));
    ASSERT_TRUE((*file)->write_at(0, bytes));
    ASSERT_TRUE((*file)->sync());
  }
  // Everybody's history is whole, whatever the start made of the file.
  void expect_whole() {
    auto ledger = Ledger::open(town.options(&disk), town.log.seed);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    for (const auto& [id, count] : counts) {
      const auto file = town.history(**ledger, id);
      ASSERT_TRUE(file) << file.error().detail;
      const auto verdict = verify_history(*file, town.check(id));
      EXPECT_EQ(verdict.problem, "");
      EXPECT_EQ(verdict.entries.size(), count);
    }
  }
};

TEST(KeptMap, AStartGoesOnFromItAndHistoriesAreWhole) {
  KeptTown kept;
  ASSERT_EQ(kept.maps.size(), 4u);
  EXPECT_NE(kept.maps[1], kept.maps[2]);
  kept.expect_whole();
  EXPECT_TRUE(kept.town.alarms.empty()) << kept.town.alarms.front();
  // An older one of the same log is as good; the lines after it are folded.
  for (const std::string& map : kept.maps) {
    kept.put(map_path("/ledger"), map);
    kept.expect_whole();
  }
  EXPECT_TRUE(kept.town.alarms.empty()) << kept.town.alarms.front();
  // Without one, all is folded.
  ASSERT_TRUE(kept.disk.remove(map_path("/ledger")));
  kept.expect_whole();
  EXPECT_TRUE(kept.town.alarms.empty()) << kept.town.alarms.front();
}

TEST(KeptMap, OneThatDoesNotFitTheLedgerIsThrownAwayAndFoldedAnew) {
  KeptTown kept;
  const std::string good = kept.disk.content(map_path("/ledger"));
  std::string flipped = good, cut = good.substr(0, good.size() / 2);
  flipped[good.size() - 3] ^= 1;
  KeptTown stranger;
  const std::string others = stranger.disk.content(map_path("/ledger"));
  unsigned told = 0;
  for (const std::string& bad :
       {flipped, cut, others, std::string("AMNMAP01"), std::string(9000, 'x')}) {
    kept.put(map_path("/ledger"), bad);
    kept.expect_whole();
    EXPECT_EQ(kept.town.alarms.size(), ++told);
  }
  // One that opens, but is of no EPOCH of this log, or does not say where its lines end.
  SimulatedDisk& disk = kept.disk;
  Map map(kept.town.map_key);
  auto of_log = read_map(disk, "/ledger", log_id(kept.town.log.origin), kept.town.chain_key, map);
  ASSERT_TRUE(of_log) << of_log.error().detail;
  for (const int what : {0, 1, 2}) {
    KeptMap forged = *of_log;
    if (what == 0) forged.epoch.index += 1;          // another entry of the log
    if (what == 1) forged.epoch.index += 1'000'000;  // none at all
    if (what == 2) forged.rest.offset += 1;          // no line begins there
    ASSERT_TRUE(
        write_map(disk, "/ledger", log_id(kept.town.log.origin), kept.town.chain_key, forged, map));
    kept.expect_whole();
    EXPECT_EQ(kept.town.alarms.size(), ++told) << what;
  }
}

}  // namespace
}  // namespace amanat::ledger
