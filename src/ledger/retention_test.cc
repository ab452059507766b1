// What is left of a log after its segments were trimmed, and after retention took entries: the same
// tree, the same proofs, and nothing that a crash at any call could lose.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "ledger/archive.h"
#include "ledger/audit.h"
#include "ledger/citizens_for_tests.h"
#include "ledger/epoch_heads.h"
#include "ledger/refold.h"

namespace amanat::ledger {
namespace {

constexpr const char* kDirectory = "/ledger";
constexpr const char* kDamaged = "/ledger/tree/damaged";

/// Archivist is a log of several segments that a crowd was written into, closed.
struct Archivist {
  CitizensForTests town;
  std::unique_ptr<SimulatedDisk> disk = std::make_unique<SimulatedDisk>();
  Promises promises;

  explicit Archivist(unsigned waves = 110) {
    EXPECT_TRUE(Ledger::create(options(), town.log.seed, town.log.slice));
    auto ledger = open();
    if (!ledger) return;
    for (unsigned wave = 0; wave < waves; ++wave) {
      std::vector<std::vector<EntryContent>> appends(8);
      for (unsigned i = 0; i < appends.size(); ++i)
        appends[i].push_back(town.entry(CitizensForTests::citizen((wave + i) % 11)));
      for (const auto& outcome : record_all(*ledger, std::move(appends)))
        promises.saw(*outcome, town.log.key());
    }
    wait_published(*ledger, town.log.key());
  }
  Options options(SimulatedDisk* at = nullptr) {
    return town.options(at != nullptr ? at : disk.get(), 40);
  }
  std::unique_ptr<Ledger> open(SimulatedDisk* at = nullptr) {
    auto ledger = Ledger::open(options(at), town.log.seed);
    EXPECT_TRUE(ledger) << ledger.error().detail;
    return ledger ? *std::move(ledger) : nullptr;
  }
  std::string verified(SimulatedDisk* at = nullptr) {
    auto verdict = verify_files(at != nullptr ? *at : *disk, kDirectory, town.log.key(), nullptr);
    EXPECT_TRUE(verdict) << verdict.error().detail;
    return verdict ? verdict->problem : "trouble";
  }
  /// forget removes what is made from the log: the next start must make it again.
  void forget() {
    for (const auto& path : disk->paths())
      if (path.starts_with("/ledger/tree/") || path.starts_with("/ledger/snapshots/"))
        EXPECT_TRUE(disk->remove(path));
  }
  /// move_minimum is what the exchange does: the POLICY entry, then the file.
  void move_minimum(Ledger& ledger, std::uint64_t minimum) {
    EntryContent policy;
    policy.type = EntryType::policy_key;
    policy.actor = Actor{AccountId{7}, KeyKind::certificate, {}};
    policy.tail = tail_of_policy_key(Digest{}, EntryIndex{minimum});
    policy.slice = town.log.slice;
    auto recorded = record_one(ledger, std::move(policy));
    ASSERT_TRUE(recorded);
    ASSERT_TRUE(
        ledger.refuse_below({EntryIndex{minimum}, recorded->entries[0].index, AccountId{7}}));
    wait_published(ledger, town.log.key());
  }
};

std::uint64_t published(const Ledger& ledger, const VerifierKey& key) {
  auto opened = open_checkpoint(ledger.checkpoint(), key);
  return opened ? opened->checkpoint.size : 0;
}

TEST(Retention, ATrimmedLogIsTheSameLog) {
  Archivist a;
  {
    auto ledger = a.open();
    ASSERT_NE(ledger, nullptr);
    const std::uint64_t size = published(*ledger, a.town.log.key());
    ASSERT_GT(size, 700u);
    const auto trimmed = ledger->trim();
    ASSERT_TRUE(trimmed) << trimmed.error().detail;
    EXPECT_GE(trimmed->segments, 4u);
    EXPECT_LT(trimmed->bytes_after, trimmed->bytes_before);
    EXPECT_EQ(ledger->trim()->segments, 0u) << "nothing is finished since";
    EXPECT_FALSE(a.disk->open(segment_path(kDirectory, 0), storage::Disk::Open::existing));
    a.promises.check(*ledger, a.town.log.key());
    EXPECT_EQ(a.promises.broken, "");
    for (std::uint64_t i = 0; i < size; i += 37) EXPECT_TRUE(ledger->prove(EntryIndex{i})) << i;
    const auto openings = ledger->check_openings(a.town.key_of(), nullptr);
    ASSERT_TRUE(openings);
    EXPECT_EQ(openings->problem, "");
    EXPECT_GE(openings->opened, 720u);
    const std::string one = CitizensForTests::citizen(3);
    const auto history = a.town.history(*ledger, one);
    ASSERT_TRUE(history) << history.error().detail;
    const auto verdict = verify_history(*history, a.town.check(one));
    EXPECT_EQ(verdict.problem, "");
    EXPECT_GE(verdict.entries.size(), 60u);
    ASSERT_TRUE(record_one(*ledger, a.town.entry(one)));
    EXPECT_EQ(a.verified(), "") << "while it goes on";
  }
  EXPECT_EQ(a.verified(), "");
  a.forget();
  auto ledger = a.open();
  ASSERT_NE(ledger, nullptr) << "tiles are made again from the archive";
  a.promises.check(*ledger, a.town.log.key());
  EXPECT_EQ(a.promises.broken, "");
  ledger.reset();
  EXPECT_EQ(a.verified(), "");
}

TEST(Retention, EveryFlippedBitOfTheArchiveIsFoundAndNoneIsServed) {
  Archivist a(70);
  {
    auto ledger = a.open();
    ASSERT_NE(ledger, nullptr);
    ASSERT_TRUE(ledger->trim());
  }
  std::mt19937_64 random(7);
  std::vector<std::string> files;
  for (const auto& path : a.disk->paths())
    if (path.starts_with("/ledger/archive/")) files.push_back(path);
  ASSERT_GE(files.size(), 4u);
  for (int i = 0; i < 300; ++i) {
    const std::string& path = files[random() % files.size()];
    const std::uint64_t bit = random() % (a.disk->content(path).size() * 8);
    a.disk->flip(path, bit);
    EXPECT_NE(a.verified(), "") << path << " bit " << bit;
    if (i % 10 == 0) {
      auto ledger = Ledger::open(a.options(), a.town.log.seed);
      if (ledger) {
        Promises now = a.promises;
        now.check(**ledger, a.town.log.key());
        EXPECT_TRUE(now.broken.empty() || now.broken.starts_with("a bundle is not served"))
            << now.broken;
      }
    }
    a.disk->flip(path, bit);
  }
  EXPECT_EQ(a.verified(), "");
}

// The mark says that a reader met damage, so that the next start makes the tree again.
TEST(Retention, ATreeMadeAnewFromADamagedArchiveOverwritesNothing) {
  Archivist a(70);
  ASSERT_TRUE(a.open()->trim());
  const auto tree = [&] {
    std::map<std::string, std::string> files;
    for (const auto& path : a.disk->paths())
      if (path.starts_with("/ledger/tree/") && path != kDamaged)
        files[path] = a.disk->content(path);
    return files;
  };
  std::vector<std::string> archives;
  for (const auto& path : a.disk->paths())
    if (path.starts_with("/ledger/archive/")) archives.push_back(path);
  ASSERT_GE(archives.size(), 4u);
  const auto before = tree();
  std::mt19937_64 random(12);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string& path = archives[random() % archives.size()];
    const std::uint64_t bit = random() % (a.disk->content(path).size() * 8);
    ASSERT_TRUE(storage::replace_file(*a.disk, kDamaged, ""));
    a.disk->flip(path, bit);
    if (!Ledger::open(a.options(), a.town.log.seed)) ++refused;  // else an opening, not the tree's
    EXPECT_TRUE(tree() == before) << path << " bit " << bit;
    a.disk->flip(path, bit);
  }
  EXPECT_GE(refused, 20);
  ASSERT_NE(a.open(), nullptr);
  EXPECT_EQ(a.verified(), "");
}

// Every call that trimming or pruning makes is the last before the power goes; then any subset of
// what was not synced is on the disk.
TEST(Retention, ACrashAtAnyCallOfTrimmingOrPruningLosesNothing) {
  Archivist a(45);
  std::mt19937_64 random(11);
  const Digest log = log_id(a.town.log.origin);
  const auto snapshot = [&](SimulatedDisk& disk, std::uint32_t segment) {
    auto bytes = read_small(disk, snapshot_path(kDirectory, segment), 64 * 1024);
    return decode_snapshot(*bytes, a.town.log.key());
  };
  const auto act = [&](SimulatedDisk& disk, bool prune) -> bool {
    if (prune) return prune_segment(disk, kDirectory, log, 0).has_value();
    const auto after = snapshot(disk, 1);
    return after && archive_segment(disk, kDirectory, log, 0, *after).has_value();
  };
  for (const bool prune : {false, true}) {
    std::unique_ptr<SimulatedDisk> base = a.disk->copy();
    if (prune) ASSERT_TRUE(act(*base, false));
    std::uint64_t crashes = 0;
    for (std::uint64_t call = 0;; ++call) {
      auto disk = base->copy();
      disk->die_at(call);
      const bool done = act(*disk, prune);
      for (const double keep : {0.0, 0.5, 1.0}) {
        auto survivor = disk->crash(random, 4096, keep);
        ++crashes;
        auto ledger = Ledger::open(a.options(survivor.get()), a.town.log.seed);
        ASSERT_TRUE(ledger) << ledger.error().detail << ", call " << call;
        ASSERT_TRUE(record_one(**ledger, a.town.entry(CitizensForTests::citizen(1))));
        if (!prune) {
          Promises now = a.promises;
          now.check(**ledger, a.town.log.key());
          ASSERT_EQ(now.broken, "") << "call " << call;
        }
        ledger->reset();
        ASSERT_EQ(a.verified(survivor.get()), "") << "call " << call;
        // Whoever comes next finishes it, and nothing private is left behind.
        if (!prune && !survivor->open(segment_path(kDirectory, 0), storage::Disk::Open::existing))
          continue;
        ASSERT_TRUE(act(*survivor, prune)) << "call " << call;
        ASSERT_EQ(a.verified(survivor.get()), "") << "call " << call;
        if (!prune) continue;
        std::set<std::string> left;
        for (const auto& path : survivor->paths()) left.insert(path);
        EXPECT_FALSE(left.contains("/ledger/archive/0000000000.openings")) << call;
        EXPECT_FALSE(left.contains("/ledger/archive/0000000000.entries")) << call;
      }
      if (done && !disk->dead()) break;
    }
    EXPECT_GT(crashes, 15u);
  }
}

TEST(Retention, WhatIsPastItIsRefusedThenDeletedAndEverythingElseStillProves) {
  Archivist a;
  auto ledger = a.open();
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->trim());
  const std::string one = CitizensForTests::citizen(3);
  const auto before = a.town.history(*ledger, one);
  ASSERT_TRUE(before);
  const std::uint64_t minimum = 600;
  ASSERT_NO_FATAL_FAILURE(a.move_minimum(*ledger, minimum));
  // The first act refuses whole bundles below the minimum, and deletes nothing.
  const auto bundle = [&](std::uint64_t n) {
    return ledger->resource(tile_path({TileName::Kind::entries, 0, n, kTileWidth}));
  };
  ASSERT_FALSE(bundle(0));
  EXPECT_EQ(bundle(0).error().reason, Reason::pruned);
  EXPECT_FALSE(bundle(1));
  EXPECT_TRUE(bundle(2)) << "it ends above the minimum";
  EXPECT_TRUE(ledger->resource(tile_path({TileName::Kind::hashes, 0, 0, kTileWidth})));
  EXPECT_TRUE(ledger->prove(EntryIndex{5})) << "not deleted yet";
  ledger.reset();
  ledger = a.open();
  ASSERT_NE(ledger, nullptr);
  EXPECT_EQ(number(ledger->minimum().index), minimum) << "it outlives a restart";
  EXPECT_EQ(bundle(1).error().reason, Reason::pruned);

  // The second deletes what lies in segments wholly below it.
  const auto gone = ledger->prune();
  ASSERT_TRUE(gone) << gone.error().detail;
  EXPECT_GT(*gone, 200u);
  EXPECT_LE(*gone, minimum);
  EXPECT_EQ(ledger->prune().value(), 0u);
  const auto proved = ledger->prove(EntryIndex{5});
  ASSERT_FALSE(proved);
  EXPECT_EQ(proved.error().reason, Reason::pruned);
  EXPECT_TRUE(ledger->prove(EntryIndex{0})) << "GENESIS stays";
  for (std::uint64_t i = minimum; i < ledger->size(); i += 13)
    EXPECT_TRUE(ledger->prove(EntryIndex{i})) << i;
  std::uint64_t scanned = 0;
  ASSERT_TRUE(ledger->scan(EntryIndex{0}, a.town.key_of(), [&](const Opened&) {
    ++scanned;
    return true;
  }));
  EXPECT_EQ(scanned, ledger->size() - *gone);
  const auto openings = ledger->check_openings(a.town.key_of(), nullptr);
  ASSERT_TRUE(openings);
  EXPECT_EQ(openings->problem, "");
  EXPECT_EQ(openings->pruned, *gone);

  // A citizen's count and chain are whole; what is gone is said to be, by an entry of the log.
  ASSERT_TRUE(record_one(*ledger, a.town.entry(one)));
  const auto file = a.town.history(*ledger, one, ledger->size());
  ASSERT_TRUE(file) << file.error().detail;
  auto check = a.town.check(one);
  check.before = verify_history(*before, check).now;
  const auto verdict = verify_history(*file, check);
  ASSERT_EQ(verdict.problem, "");
  std::uint64_t pruned = 0;
  for (const ShownEntry& e : verdict.entries) pruned += e.state == HistoryEntry::State::pruned;
  EXPECT_GT(pruned, 10u);
  EXPECT_EQ(verdict.entries.back().state, HistoryEntry::State::open);
  auto lying = parse_history(*file).value();
  lying.minimum.reset();
  EXPECT_EQ(verify_history(write_history(lying), check).fault, HistoryFault::retention);
  lying = parse_history(*file).value();
  lying.minimum = lying.epoch_entry;
  EXPECT_EQ(verify_history(write_history(lying), check).fault, HistoryFault::retention);
  lying = parse_history(*file).value();
  HistoryEntry& kept = lying.entries.back();
  kept.leaf = leaf_hash(kept.proved.entry);
  kept.state = HistoryEntry::State::pruned;
  EXPECT_EQ(verify_history(write_history(lying), check).fault, HistoryFault::retention)
      << "an entry above the minimum must be shown";

  ledger.reset();
  EXPECT_EQ(a.verified(), "");
  a.forget();
  ledger = a.open();
  ASSERT_NE(ledger, nullptr) << "the tree is made again from the hashes that are left";
  EXPECT_TRUE(ledger->prove(EntryIndex{minimum}));
  ledger.reset();
  EXPECT_EQ(a.verified(), "");
}

/// Live reads a ledger as the world does; bundles below `hidden` are not there.
class Live : public LogSource {
 public:
  explicit Live(const Ledger& ledger, std::uint64_t hidden = 0)
      : ledger_(ledger), hidden_(hidden) {}
  Result<std::string> read(const std::string& path) override {
    if (path == "checkpoint") return ledger_.checkpoint();
    const auto name = parse_tile_path(path);
    if (name && name->kind == TileName::Kind::entries && name->number < hidden_)
      return fail(Reason::no_record, path);
    auto bytes = ledger_.resource(path);
    if (!bytes && bytes.error().reason == Reason::pruned) return fail(Reason::no_record, path);
    return bytes;
  }

 private:
  const Ledger& ledger_;
  const std::uint64_t hidden_;
};

TEST(Retention, OutsidersAcceptAPrunedLogAndNoneThatHidesEntries) {
  Archivist a;
  auto ledger = a.open();
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(a.town.history(*ledger, CitizensForTests::citizen(1)));
  const auto refold = [&](LogSource& source, const RefoldOptions& options) {
    std::vector<FeedLine> lines;
    EXPECT_TRUE(ledger->audit_feed(EntryIndex{0}, [&](std::string_view line) {
      lines.push_back(parse_feed_line(line.substr(0, line.size() - 1)).value());
    }));
    std::size_t at = 0;
    const Feed feed = [&]() -> Result<std::optional<FeedLine>> {
      if (at == lines.size()) return std::optional<FeedLine>{};
      return std::optional(lines[at++]);
    };
    auto out = refold_log(source, a.town.log.key(), a.town.map_key, feed, options);
    EXPECT_TRUE(out) << out.error().detail;
    return out ? *std::move(out) : Refold{};
  };
  Live honest(*ledger);
  const auto whole = audit_log(honest, a.town.log.key(), {});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->problem, "");
  EXPECT_EQ(whole->pruned, 0u);
  const Refold first = refold(honest, {});
  ASSERT_EQ(first.problem, "");
  // Bundles that no POLICY entry lets go were withheld.
  Live hiding(*ledger, 2);
  const auto hidden = audit_log(hiding, a.town.log.key(), {});
  ASSERT_TRUE(hidden);
  EXPECT_NE(hidden->problem.find("no POLICY entry lets them go"), std::string::npos)
      << hidden->problem;
  RefoldOptions lenient;
  lenient.allow_erased = true;
  EXPECT_NE(refold(hiding, lenient).problem, "");

  ASSERT_TRUE(ledger->trim());
  ASSERT_NO_FATAL_FAILURE(a.move_minimum(*ledger, 600));
  ASSERT_TRUE(ledger->prune());
  ASSERT_TRUE(record_one(*ledger, a.town.entry(CitizensForTests::citizen(1))));
  ASSERT_TRUE(a.town.history(*ledger, CitizensForTests::citizen(1), ledger->size()));
  wait_published(*ledger, a.town.log.key());
  const auto audited = audit_log(honest, a.town.log.key(), {});
  ASSERT_TRUE(audited);
  EXPECT_EQ(audited->problem, "");
  EXPECT_EQ(audited->pruned, 512u);
  AuditOptions older;
  older.older = whole->at.checkpoint;
  EXPECT_EQ(audit_log(honest, a.town.log.key(), older)->problem, "") << "and it is still a prefix";
  RefoldOptions from_before;
  from_before.before = first.now;
  const Refold second = refold(honest, from_before);
  EXPECT_EQ(second.problem, "");
  EXPECT_EQ(second.pruned, 512u);
  EXPECT_EQ(second.erased, 0u) << "pruned is not erased";
  EXPECT_NE(refold(honest, {}).problem, "") << "never audited before it went";
  from_before.before->root[0] ^= 1;
  EXPECT_NE(refold(honest, from_before).problem, "");
  EXPECT_EQ(refold(honest, lenient).problem, "");
}

TEST(EpochHeads, TheHeadOfEachEpochIsKeptForEver) {
  CitizensForTests town;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(town.options(&disk), town.log.seed, town.log.slice));
  std::uint64_t epochs = 0;
  for (int run = 0; run < 3; ++run) {
    auto ledger = Ledger::open(town.options(&disk), town.log.seed);
    ASSERT_TRUE(ledger) << ledger.error().detail;
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(1))));
      ASSERT_TRUE(town.history(**ledger, town.citizen(1), (*ledger)->size()));
    }
    const auto parsed = parse_history(*town.history(**ledger, town.citizen(1)));
    epochs = load_number<std::uint64_t>(parsed->epoch_entry.entry.data() + 106);
    for (int tries = 0; tries < 5000 && !(*ledger)->head_of_epoch(epochs); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (std::uint64_t e = 1; e <= epochs; ++e) {
      const auto head = (*ledger)->head_of_epoch(e);
      ASSERT_TRUE(head) << e << " of " << epochs;
      EXPECT_TRUE(open_checkpoint(*head, town.log.key())) << e;
    }
    EXPECT_FALSE((*ledger)->head_of_epoch(epochs + 1000));
    EXPECT_FALSE((*ledger)->head_of_epoch(0));
  }
  EXPECT_GE(epochs, 15u);
}

TEST(EpochHeads, ATornRecordIsCutOffAndAFlippedBitIsNotServed) {
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory(kDirectory));
  const std::string path = heads_directory(kDirectory) + "/0000000000";
  {
    auto heads = EpochHeads::open(disk, kDirectory);
    ASSERT_TRUE(heads);
    for (std::uint64_t e = 1; e <= 1500; ++e)
      ASSERT_TRUE((*heads)->keep(e, "note " + std::to_string(e)));
    EXPECT_EQ(*(*heads)->head_of(1024), "note 1024");
    EXPECT_EQ(*(*heads)->head_of(1025), "note 1025") << "in the next file";
  }
  {
    const std::string second = heads_directory(kDirectory) + "/0000000001";
    auto file = disk.open(second, storage::Disk::Open::existing);
    ASSERT_TRUE((*file)->truncate(disk.content(second).size() - 5));
    auto heads = EpochHeads::open(disk, kDirectory);
    ASSERT_TRUE(heads);
    EXPECT_EQ((*heads)->last(), 1499u);
    ASSERT_TRUE((*heads)->keep(1500, "again"));
    EXPECT_EQ(*(*heads)->head_of(1500), "again");
    disk.flip(path, 8 * 20);
    EXPECT_EQ((*heads)->head_of(1).error().reason, Reason::ledger_corrupt);
  }
}

// A start cuts off what is torn; a damaged record in the middle takes nothing with it that is
// whole.
TEST(EpochHeads, DamageToOneTakesNoOtherWithIt) {
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory(kDirectory));
  const std::string path = heads_directory(kDirectory) + "/0000000000";
  constexpr std::uint64_t kHeads = 30;
  {
    auto heads = EpochHeads::open(disk, kDirectory);
    ASSERT_TRUE(heads);
    for (std::uint64_t e = 1; e <= kHeads; ++e)
      ASSERT_TRUE((*heads)->keep(e, "note " + std::to_string(e)));
  }
  const std::string whole = disk.content(path);
  const std::size_t last_record = 4 + 8 + std::string("note 30").size() + 32;
  for (std::uint64_t bit = 0; bit < (whole.size() - last_record) * 8; bit += 7) {
    disk.flip(path, bit);
    const auto heads = EpochHeads::open(disk, kDirectory);
    ASSERT_TRUE(heads);
    ASSERT_EQ((*heads)->last(), kHeads);
    ASSERT_EQ(disk.content(path).size(), whole.size()) << "bit " << bit;
    std::uint64_t lost = 0, visited = 0;
    for (std::uint64_t e = 1; e <= kHeads; ++e) {
      const auto head = (*heads)->head_of(e);
      if (!head)
        ++lost;
      else
        ASSERT_EQ(*head, "note " + std::to_string(e));
    }
    ASSERT_EQ(lost, 1u) << "bit " << bit;
    ASSERT_TRUE((*heads)->each([&](std::uint64_t, const std::string* note) {
      if (note != nullptr) ++visited;
      return true;
    }));
    ASSERT_EQ(visited, kHeads - 1);
    disk.flip(path, bit);
  }
  ASSERT_EQ(disk.content(path), whole);
}

TEST(EpochHeads, EachIsHeldToTheTree) {
  CitizensForTests town;
  SimulatedDisk disk;
  const auto options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  const std::string path = heads_directory(options.directory) + "/0000000000";
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(1))));
      ASSERT_TRUE((*ledger)->cover(60'000));
    }
    while ((*ledger)->check_heads()->heads < 5)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ((*ledger)->check_heads()->problem, "");
  }
  // A head of another log of the same name and key, whole in its file.
  std::string other;
  {
    CompactRange range;
    range.append(leaf_hash("another"));
    other = NoteSigner(town.log.origin, town.log.seed)
                .sign(checkpoint_text(town.log.origin, 1, range.root()));
  }
  for (const bool foreign : {false, true}) {
    SCOPED_TRACE(foreign);
    const std::string before = disk.content(path);
    if (foreign) {
      ASSERT_TRUE(disk.remove(path));
      auto heads = EpochHeads::open(disk, options.directory);
      ASSERT_TRUE(heads);
      ASSERT_TRUE((*heads)->keep(1, other));
    } else {
      disk.flip(path, 8 * 60);
    }
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    EXPECT_EQ((*ledger)->check_heads()->problem, foreign
                                                     ? "the head of epoch 1 is not of this log"
                                                     : "the head of epoch 1 is damaged or missing");
  }
}

}  // namespace
}  // namespace amanat::ledger
