#include "ledger/ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "ledger/big_endian.h"
#include "ledger/drafts_for_tests.h"
#include "ledger/log_for_tests.h"
#include "ledger/long_run_for_tests.h"
#include "ledger/recovery.h"
#include "ledger/segment.h"

namespace amanat::ledger {
namespace {

namespace fs = std::filesystem;

// A log on a simulated disk, open.
struct Running : LogForTests {
  SimulatedDisk disk;
  std::unique_ptr<Ledger> ledger;

  explicit Running(const std::function<void(Options&)>& change = nullptr) {
    Options o = options(&disk);
    if (change) change(o);
    insist(Ledger::create(o, seed, slice).has_value());
    reopen(change);
  }
  void reopen(const std::function<void(Options&)>& change = nullptr) {
    ledger.reset();
    Options o = options(&disk);
    if (change) change(o);
    auto opened = Ledger::open(o, seed);
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().detail.c_str());
    insist(opened.has_value());
    ledger = std::move(*opened);
  }
  Checkpoint head() const { return open_checkpoint(ledger->checkpoint(), key())->checkpoint; }
};

EntryContent share(const LogForTests& log, std::uint8_t who) {
  EntryContent c = log.denial(who);
  c.type = EntryType::disclosure;
  c.part(BodyPart::released_digest) = std::string(32, static_cast<char>(who));
  return c;
}

EntryContent closing(const LogForTests& log) {
  EntryContent c = log.denial(99);
  c.type = EntryType::export_;
  c.subject.reset();
  return c;
}

Draft standing(std::vector<EntryContent> entries, std::optional<EntryContent> last,
               const Digest& released) {
  Draft draft = disclosure::Disclosure::draft(std::move(entries), std::move(last), released);
  draft.stands(identity::Identity::stands());
  return draft;
}

Task<Result<Receipt>> append_task(Ledger& ledger, const Draft& draft) {
  auto pending = ledger.append(draft);
  auto receipt = co_await pending;
  co_return receipt;
}

std::vector<PublicEntry> entries_of(const Ledger& ledger, const Checkpoint& head) {
  std::vector<PublicEntry> out;
  for (std::uint64_t tile = 0; tile * kTileWidth < head.size; ++tile) {
    const unsigned width = tile_width(0, tile, head.size);
    const auto bundle = ledger.resource(tile_path({TileName::Kind::entries, 0, tile, width}));
    insist(bundle.has_value());
    for (const auto bytes : *parse_bundle(*bundle, width)) out.push_back(*decode_entry(bytes));
  }
  return out;
}

TEST(Ledger, BeginsWithItsGenesis) {
  Running log;
  const Checkpoint head = log.head();
  EXPECT_EQ(head.size, 1u);
  EXPECT_EQ(head.origin, log.origin);
  const auto all = entries_of(*log.ledger, head);
  EXPECT_EQ(all[0].type, EntryType::genesis);
  const auto document = log.disk.content(genesis_path("/ledger"));
  EXPECT_EQ(all[0].tail, crypto::text_of(crypto::sha256(document)));
  EXPECT_NE(document.find(log.ledger->vkey()), std::string::npos);
  EXPECT_NE(document.find("\"label\": \"c2sp.org/vrf-r255\""), std::string::npos);
  EXPECT_NE(document.find(crypto::base64(log.label_key)), std::string::npos);
}

TEST(Ledger, IsMadeOnceAndOpenedWithItsOwnKeyOnly) {
  Running log;
  const auto twice = Ledger::create(log.options(&log.disk), log.seed, log.slice);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().reason, Reason::exchange_exists);
  log.ledger.reset();
  const auto other = Ledger::open(log.options(&log.disk), crypto::random_key());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::key_missing);
  SimulatedDisk empty;
  ASSERT_TRUE(empty.make_directory("/ledger/segments"));
  const auto none = Ledger::open(log.options(&empty), log.seed);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, Reason::exchange_missing);
}

TEST(Ledger, AReceiptHoldsForOutsidersAndNamesTheEntry) {
  Running log;
  Digest released;
  released.fill(0x5a);
  const Draft draft = standing({share(log, 1)}, std::nullopt, released);
  auto receipt = wait(append_task(*log.ledger, draft));
  ASSERT_TRUE(receipt) << receipt.error().detail;
  EXPECT_EQ(receipt->released(), released);
  ASSERT_EQ(receipt->entries().size(), 1u);
  auto proven = verify_tlog_proof(receipt->entries()[0].proof, log.key());
  ASSERT_TRUE(proven) << proven.error().detail;
  EXPECT_EQ(proven->index, number(receipt->entries()[0].index));
  EXPECT_EQ(decode_entry(proven->entry)->type, EntryType::disclosure);
  // Grease is for published checkpoints; a receipt carries our signature alone.
  auto parts = parse_tlog_proof(receipt->entries()[0].proof);
  EXPECT_EQ(parse_note(parts->checkpoint)->signatures.size(), 1u);
  const std::size_t greased = parse_note(log.ledger->checkpoint())->signatures.size();
  EXPECT_GE(greased, 2u);
  EXPECT_LE(greased, 3u);
}

TEST(Ledger, AnAnswerOverSeveralCitizensIsContiguousAndClosedByItsExport) {
  Running log;
  WaitingRoom room;
  std::vector<Draft> drafts;
  for (std::uint8_t i = 0; i < 20; ++i) {
    std::vector<EntryContent> shares;
    for (std::uint8_t k = 0; k < 7; ++k) shares.push_back(share(log, k));
    drafts.push_back(standing(std::move(shares), closing(log), Digest{}));
  }
  std::vector<std::optional<Result<Receipt>>> receipts(drafts.size());
  std::size_t done = 0;
  for (std::size_t i = 0; i < drafts.size(); ++i)
    start(append_task(*log.ledger, drafts[i]), [&receipts, &done, i](Result<Receipt> r) {
      receipts[i].emplace(std::move(r));
      ++done;
    });
  while (done < drafts.size()) room.run_one();
  wait_published(*log.ledger, log.key());
  const auto all = entries_of(*log.ledger, log.head());
  std::set<std::uint64_t> firsts;
  for (const auto& receipt : receipts) {
    ASSERT_TRUE(*receipt);
    const auto& entries = (*receipt)->entries();
    ASSERT_EQ(entries.size(), 7u) << "one receipt a share, none for the export";
    const std::uint64_t first = number(entries[0].index);
    firsts.insert(first);
    for (std::size_t k = 0; k < 7; ++k) {
      EXPECT_EQ(number(entries[k].index), first + k);
      EXPECT_TRUE(verify_tlog_proof(entries[k].proof, log.key()));
    }
    const PublicEntry& last = all.at(first + 7);
    EXPECT_EQ(last.type, EntryType::export_);
    EXPECT_EQ(last.tail, tail_of_export(EntryIndex{first}, 7));
  }
  EXPECT_EQ(firsts.size(), 20u);
}

TEST(Ledger, AnAppendTooLargeForAFrameIsStillContiguous) {
  Running log([](Options& o) { o.queue_entries_max = 100; });
  std::vector<EntryContent> shares;
  for (int i = 0; i < 150; ++i)
    shares.push_back(share(log, static_cast<std::uint8_t>(i)));  // > 64 KiB with openings
  const Draft draft = standing(std::move(shares), closing(log), Digest{});
  auto receipt = wait(append_task(*log.ledger, draft));
  ASSERT_TRUE(receipt) << receipt.error().detail;
  ASSERT_EQ(receipt->entries().size(), 150u);
  std::set<std::string> heads;
  for (std::size_t i = 0; i < 150; ++i) {
    EXPECT_EQ(number(receipt->entries()[i].index), 1 + i);
    auto proven = verify_tlog_proof(receipt->entries()[i].proof, log.key());
    ASSERT_TRUE(proven);
    heads.insert(std::to_string(proven->at.checkpoint.size));
  }
  EXPECT_GT(heads.size(), 1u) << "several frames were needed";
  wait_published(*log.ledger, log.key());
  EXPECT_EQ(entries_of(*log.ledger, log.head()).at(151).tail, tail_of_export(EntryIndex{1}, 150));
}

TEST(Ledger, EachOpeningComesBackByScanAndOnlyWithItsKey) {
  Running log;
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(record_one(*log.ledger, log.denial(static_cast<std::uint64_t>(i))));
  std::uint64_t next = 3;
  ASSERT_TRUE(log.ledger->scan(EntryIndex{3}, log.key_of(), [&](const Opened& e) {
    EXPECT_EQ(number(e.index), next);
    EXPECT_EQ(e.parts[1], "fir-" + std::to_string(next - 1));
    EXPECT_EQ(number(e.actor->account), next - 1);
    EXPECT_EQ((*e.subject)[0], next - 1);
    ++next;
    return next < 20;
  }));
  EXPECT_EQ(next, 20u);
  std::size_t shut = 0;
  ASSERT_TRUE(log.ledger->scan(
      EntryIndex{0}, [](auto) -> Result<Key256> { return fail(Reason::erased); },
      [&](const Opened& e) {
        EXPECT_FALSE(e.subject || e.actor);
        EXPECT_TRUE(e.evidence.empty());
        EXPECT_TRUE(
            std::all_of(e.parts.begin(), e.parts.end(), [](const auto& p) { return p.empty(); }));
        ++shut;
        return true;
      }));
  EXPECT_EQ(shut, 31u);
}

TEST(Ledger, TimesNeverDecreaseThoughTheClockDoes) {
  std::atomic<std::uint64_t> clock{1'000'000};
  std::atomic<int> alarms{0};
  const auto change = [&](Options& o) {
    o.clock = [&] { return Moment{clock.load()}; };
    o.alarm = [&](std::string_view words) {
      alarms += words.find("clock") != std::string_view::npos;
    };
  };
  Running log(change);
  Promises promises;
  for (const std::uint64_t at :
       {1'000'500u, 1'000'400u, 1'000'600u, 990'000u, 990'001u, 1'000'700u}) {
    clock = at;
    auto r = record_one(*log.ledger, log.denial(at));
    ASSERT_TRUE(r);
    promises.saw(*r, log.key());  // a restamped entry's receipt carries the final bytes
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  wait_published(*log.ledger, log.key());
  promises.check(*log.ledger, log.key());
  EXPECT_EQ(promises.broken, "");
  std::vector<std::uint64_t> times;
  for (const auto& e : entries_of(*log.ledger, log.head())) times.push_back(number(e.time));
  EXPECT_EQ(times, (std::vector<std::uint64_t>{1'000'000, 1'000'500, 1'000'500, 1'000'600,
                                               1'000'600, 1'000'600, 1'000'700}));
  EXPECT_GE(alarms, 1) << "a clock 10 s back is told of";
  // Restamped entries still open: the time is not part of what the opening is bound to.
  std::size_t opened = 0;
  ASSERT_TRUE(log.ledger->scan(EntryIndex{1}, log.key_of(), [&](const Opened& e) {
    return opened += e.subject.has_value(), true;
  }));
  EXPECT_EQ(opened, 6u);
  // And a restart does not forget the last time.
  clock = 5;
  log.reopen(change);
  ASSERT_TRUE(record_one(*log.ledger, log.denial(1)));
  wait_published(*log.ledger, log.key());
  EXPECT_EQ(number(entries_of(*log.ledger, log.head()).back().time), 1'000'700u);
}

TEST(Ledger, AFullQueueRefusesWithNothingHalfWritten) {
  Running log([](Options& o) { o.queue_entries_max = 16; });
  std::vector<std::vector<EntryContent>> appends(400);
  for (auto& append : appends) append = {log.denial(1), log.denial(2), log.denial(3)};
  std::uint64_t taken = 0, busy = 0;
  for (const auto& outcome : record_all(*log.ledger, std::move(appends))) {
    if (outcome) {
      ++taken;
    } else {
      EXPECT_EQ(outcome.error().reason, Reason::too_busy);
      ++busy;
    }
  }
  EXPECT_GT(taken, 0u);
  EXPECT_EQ(log.ledger->size(), 1 + 3 * taken);
  EXPECT_EQ(taken + busy, 400u);
}

TEST(Ledger, EvidenceThatFitsNoFrameIsRefused) {
  Running log;
  auto outcome = record_one(*log.ledger, log.denial(1, 100'000));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::value_too_long);
  EXPECT_EQ(log.ledger->size(), 1u);
}

TEST(Ledger, AppendsThatNobodyAwaitsAreRecordedAllTheSame) {
  Running log;
  for (int i = 0; i < 50; ++i) {
    std::vector<EntryContent> entries{log.denial(1)};
    (void)log.ledger->record(std::move(entries));
  }
  log.reopen();  // closing drains the queue
  EXPECT_EQ(log.ledger->size(), 51u);
}

TEST(Ledger, ManyThreadsGetDisjointIndicesThatAllHold) {
  Running log([](Options& o) { o.segment_bytes = 1 << 20; });
  std::vector<Promises> promises(6);
  std::vector<std::thread> threads;
  for (auto& mine : promises)
    threads.emplace_back([&] {
      for (int i = 0; i < 40; ++i) {
        std::vector<std::vector<EntryContent>> appends(8);
        for (auto& a : appends)
          a.assign(1 + static_cast<std::size_t>(i) % 3, log.denial(static_cast<std::uint64_t>(i)));
        for (auto& outcome : record_all(*log.ledger, std::move(appends))) {
          if (outcome)
            mine.saw(*outcome, log.key());
          else
            ADD_FAILURE() << outcome.error().detail;
        }
      }
    });
  for (auto& t : threads) t.join();
  Promises all;
  for (auto& mine : promises) {
    EXPECT_EQ(mine.broken, "");
    for (auto& [index, entry] : mine.entries)
      EXPECT_TRUE(all.entries.emplace(index, entry).second) << "index used twice";
    for (auto& [size, root] : mine.heads) {
      const auto at = all.heads.emplace(size, root).first;
      EXPECT_EQ(at->second, root) << "two heads for one size";
    }
  }
  EXPECT_EQ(all.entries.size() + 1, log.ledger->size());
  wait_published(*log.ledger, log.key());
  all.check(*log.ledger, log.key());
  EXPECT_EQ(all.broken, "");
}

TEST(Ledger, ARandomHistoryReopensToTheSameRoot) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Running log;
  Promises promises;
  for (int round = 0; round < 12; ++round) {
    std::vector<std::vector<EntryContent>> appends(1 + random() % 30);
    for (auto& a : appends)
      for (std::size_t n = 1 + random() % 4; n > 0; --n)
        a.push_back(log.denial(random(), random() % 2500));
    for (auto& outcome : record_all(*log.ledger, std::move(appends))) {
      ASSERT_TRUE(outcome);
      promises.saw(*outcome, log.key());
    }
    if (random() % 2 == 0) {
      wait_published(*log.ledger, log.key());
      const Checkpoint before = log.head();
      log.reopen();
      const Checkpoint after = log.head();
      EXPECT_EQ(before.size, after.size);
      EXPECT_EQ(before.root, after.root);
    }
  }
  wait_published(*log.ledger, log.key());
  promises.check(*log.ledger, log.key());
  EXPECT_EQ(promises.broken, "");
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t index = random() % log.ledger->size();
    auto proof = log.ledger->prove(EntryIndex{index});
    ASSERT_TRUE(proof) << proof.error().detail;
    auto proven = verify_tlog_proof(*proof, log.key());
    ASSERT_TRUE(proven);
    EXPECT_EQ(proven->index, index);
  }
}

TEST(Ledger, NothingBeyondThePublishedTreeIsServed) {
  Running log([](Options& o) { o.publish_every_ms = 3'600'000; });
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(record_one(*log.ledger, log.denial(1)));
  EXPECT_EQ(log.ledger->size(), 10u);
  EXPECT_EQ(log.head().size, 1u);
  EXPECT_TRUE(log.ledger->resource("tile/0/000.p/1"));
  EXPECT_TRUE(log.ledger->resource("tile/entries/000.p/1"));
  for (const auto* path :
       {"tile/0/000.p/2", "tile/0/000", "tile/entries/000.p/2", "tile/1/000.p/1", "tile/0/001.p/1",
        "checkpoint", "tile/0/000.p/0", "tile/x/000", "../published", ""}) {
    auto served = log.ledger->resource(path);
    ASSERT_FALSE(served) << path;
    EXPECT_EQ(served.error().reason, Reason::no_record);
  }
  EXPECT_TRUE(log.ledger->prove(EntryIndex{0}));
  EXPECT_FALSE(log.ledger->prove(EntryIndex{5}));
}

// 70,000 entries as a tiled log, read back by the verifier's own readers.
TEST(Ledger, ItsExportIsATiledLogWithTheSameRoot) {
  LogForTests log;
  const fs::path root = fs::temp_directory_path() / ("amanat-ledger-" + std::to_string(::getpid()));
  fs::remove_all(root);
  Options o = log.options(nullptr, (root / "l").string());
  o.segment_bytes = 8 << 20;
  ASSERT_TRUE(Ledger::create(o, log.seed, log.slice));
  auto ledger = Ledger::open(o, log.seed);
  ASSERT_TRUE(ledger);
  EntryContent small = log.denial(1, 0);
  while ((*ledger)->size() < 1500) {
    std::vector<std::vector<EntryContent>> appends(10, std::vector<EntryContent>(30, small));
    for (auto& r : record_all(**ledger, std::move(appends))) ASSERT_TRUE(r);
  }
  wait_published(**ledger, log.key());
  ASSERT_TRUE((*ledger)->export_to((root / "e").string()));
  const auto read = [&](const std::string& name) {
    std::ifstream in(root / "e" / name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  };
  auto head = open_checkpoint(read("checkpoint"), log.key());
  ASSERT_TRUE(head);
  const std::uint64_t size = head->checkpoint.size;
  TileTree tree(size,
                [&](const TileName& name) -> Result<std::string> { return read(tile_path(name)); });
  EXPECT_EQ(root_of(size, tree.reader()).value(), head->checkpoint.root);
  CompactRange range;
  for (std::uint64_t t = 0; t * 256 < size; ++t) {
    const unsigned width = tile_width(0, t, size);
    const std::string bundle = read(tile_path({TileName::Kind::entries, 0, t, width}));
    for (const auto entry : parse_bundle(bundle, width).value()) range.append(leaf_hash(entry));
  }
  EXPECT_EQ(range.root(), head->checkpoint.root);
  ledger->reset();
  fs::remove_all(root);
}

TEST(Ledger, ALiveLogHoldsWhileItGrows) {
  LogForTests log;
  const fs::path root = fs::temp_directory_path() / ("amanat-live-" + std::to_string(::getpid()));
  fs::remove_all(root);
  Options o = log.options(nullptr, root.string());
  o.segment_bytes = 1 << 20;
  ASSERT_TRUE(Ledger::create(o, log.seed, log.slice));
  auto ledger = Ledger::open(o, log.seed);
  ASSERT_TRUE(ledger);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop)
      for (auto& r :
           record_all(**ledger, std::vector<std::vector<EntryContent>>(3, {log.denial(1)})))
        EXPECT_TRUE(r);
  });
  std::uint64_t before = 0;
  // Each check takes as long as the log has grown: so many of them, but no endless log.
  for (int i = 0; (i < 60 || before <= 10) && before < 5000; ++i) {
    auto verdict = verify_directory(root.string(), log.key().text(), nullptr);
    EXPECT_TRUE(verdict) << verdict.error().detail;
    if (!verdict) break;
    EXPECT_EQ(verdict->problem, "");
    EXPECT_GE(verdict->size, before);
    before = verdict->size;
  }
  stop = true;
  writer.join();
  EXPECT_GT(before, 10u);
  ledger->reset();
  fs::remove_all(root);
}

TEST(Ledger, OneProcessAtATime) {
  LogForTests log;
  const fs::path root = fs::temp_directory_path() / ("amanat-lock-" + std::to_string(::getpid()));
  fs::remove_all(root);
  const Options o = log.options(nullptr, root.string());
  ASSERT_TRUE(Ledger::create(o, log.seed, log.slice));
  auto first = Ledger::open(o, log.seed);
  ASSERT_TRUE(first);
  auto second = Ledger::open(o, log.seed);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::exchange_busy);
  first->reset();
  EXPECT_TRUE(Ledger::open(o, log.seed));
  fs::remove_all(root);
}

TEST(Ledger, ADamagedTileOrEntryIsNotServed) {
  for (const std::string file : {"/ledger/tree/level-0", "/ledger/tree/level-1",
                                 "/ledger/segments/0000000001", "/ledger/tree/places"}) {
    Running log;
    std::vector<std::vector<EntryContent>> appends(40,
                                                   std::vector<EntryContent>(10, log.denial(1)));
    for (auto& r : record_all(*log.ledger, std::move(appends))) ASSERT_TRUE(r);
    wait_published(*log.ledger, log.key());
    ASSERT_TRUE(log.ledger->resource("tile/entries/000"));
    const bool tile = file.find("level") != std::string::npos;
    // A byte of an entry near the beginning of the second segment; a hash; a place.
    log.disk.flip(file, tile ? 40 : file.ends_with("places") ? 8 * 8 + 60 : 8 * 160);
    std::size_t refused = 0;
    for (const auto* path : {"tile/0/000", "tile/0/001.p/10", "tile/entries/000",
                             "tile/entries/001.p/100", "tile/1/000.p/1"}) {
      auto served = log.ledger->resource(path);
      if (served) continue;
      ++refused;
      EXPECT_EQ(served.error().reason, Reason::store_failed);
    }
    EXPECT_GT(refused, 0u) << file;
    auto verdict = verify_files(log.disk, "/ledger", log.key(), nullptr);
    ASSERT_TRUE(verdict);
    EXPECT_NE(verdict->problem, "") << file;
    // The frames are the truth: but for damage in them, the next start makes the rest again.
    if (file.find("segments") != std::string::npos) continue;
    log.reopen();
    for (const auto* path : {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"})
      EXPECT_TRUE(log.ledger->resource(path)) << file << " " << path;
    log.ledger.reset();
    verdict = verify_files(log.disk, "/ledger", log.key(), nullptr);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->problem, "") << file;
  }
}

// Whatever bit of whatever file is damaged under a running log: what it serves is right or refused.
TEST(Ledger, NoDamageIsServedAsValid) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Running log;
  std::vector<std::vector<EntryContent>> appends(60,
                                                 std::vector<EntryContent>(10, log.denial(1, 0)));
  for (auto& r : record_all(*log.ledger, std::move(appends))) ASSERT_TRUE(r);
  wait_published(*log.ledger, log.key());
  std::map<std::string, std::string> right;
  for (const auto* path : {"tile/0/000", "tile/0/001.p/200", "tile/0/002.p/50", "tile/1/000.p/2",
                           "tile/entries/000", "tile/entries/001.p/3", "tile/entries/002.p/80"})
    right[path] = log.ledger->resource(path).value();
  const std::string proof = log.ledger->prove(EntryIndex{300}).value();
  std::vector<std::string> files;
  for (const auto& path : log.disk.paths())
    if (path.find("/tree/") != std::string::npos || path.find("/segments/00") != std::string::npos)
      files.push_back(path);
  std::uint64_t refused = 0;
  const std::uint64_t flips = number_from("AMANAT_FLIPS", 250);
  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::string& file = files[random() % files.size()];
    const std::uint64_t bit = random() % (log.disk.content(file).size() * 8);
    log.disk.flip(file, bit);
    for (const auto& [path, bytes] : right) {
      auto served = log.ledger->resource(path);
      if (served) {
        ASSERT_EQ(*served, bytes) << path << " with " << file << " bit " << bit;
      } else {
        ++refused;
      }
    }
    auto proven = log.ledger->prove(EntryIndex{300});
    if (proven) ASSERT_EQ(*proven, proof);
    log.disk.flip(file, bit);
  }
  std::printf("    %llu flips, %llu answers refused, none wrong; %s\n",
              static_cast<unsigned long long>(flips), static_cast<unsigned long long>(refused),
              seed.text().c_str());
  EXPECT_GT(refused, flips / 3);
}

TEST(Ledger, LostTreeFilesAndSnapshotsAreMadeAgain) {
  Running log;
  std::vector<std::vector<EntryContent>> appends(60, std::vector<EntryContent>(10, log.denial(1)));
  for (auto& r : record_all(*log.ledger, std::move(appends))) ASSERT_TRUE(r);
  wait_published(*log.ledger, log.key());
  const Checkpoint before = log.head();
  log.ledger.reset();
  std::size_t removed = 0;
  for (const auto& path : log.disk.paths())
    if (path.find("/tree/") != std::string::npos || path.find("/snapshots/") != std::string::npos) {
      ASSERT_TRUE(log.disk.remove(path));
      ++removed;
    }
  EXPECT_GT(removed, 5u);
  log.reopen();
  EXPECT_EQ(log.head().root, before.root);
  EXPECT_TRUE(log.ledger->resource("tile/0/001"));
  EXPECT_TRUE(log.ledger->resource("tile/entries/001"));
}

TEST(Ledger, ARestartReadsOnlyWhatFollowsTheLastSnapshot) {
  Running log;
  for (int i = 0; i < 30; ++i) {
    std::vector<std::vector<EntryContent>> appends(
        5, std::vector<EntryContent>(3, log.denial(1, 1000)));
    for (auto& r : record_all(*log.ledger, std::move(appends))) ASSERT_TRUE(r);
  }
  wait_published(*log.ledger, log.key());
  log.ledger.reset();
  const auto published = decode_published(log.disk.content(published_path("/ledger")));
  ASSERT_TRUE(published);
  EXPECT_TRUE(published->closed);
  auto projection = Projection::open(log.disk, "/ledger");
  auto recovered = recover(log.disk, "/ledger", log.key(), *published, **projection);
  ASSERT_TRUE(recovered) << recovered.error().detail;
  EXPECT_GT(recovered->next.segment, 4u);
  EXPECT_LT(recovered->frames_read, 12u) << "of more than 30";
}

TEST(Ledger, GoesNotBelowWhatWasPublished) {
  Running log;
  ASSERT_TRUE(record_one(*log.ledger, log.denial(1)));
  wait_published(*log.ledger, log.key());
  log.ledger.reset();
  const auto backup = log.disk.copy();
  log.reopen();
  ASSERT_TRUE(record_one(*log.ledger, log.denial(2)));
  wait_published(*log.ledger, log.key());
  log.ledger.reset();
  // An older backup of the segments under the newer published file.
  const auto newer = log.disk.content(published_path("/ledger"));
  ASSERT_TRUE(storage::replace_file(*backup, published_path("/ledger"), newer));
  auto refused = Ledger::open(log.options(backup.get()), log.seed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::ledger_corrupt);
  EXPECT_NE(refused.error().detail.find("3 were published"), std::string::npos)
      << refused.error().detail;
  // Without that file nobody could tell: a start without it is refused as well.
  ASSERT_TRUE(backup->remove(published_path("/ledger")));
  EXPECT_FALSE(Ledger::open(log.options(backup.get()), log.seed));
}

// Every file, bits at random: each flip is found by the offline check, or the bytes were no part of
// the log. Closed cleanly, so that nothing may look like a torn write.
TEST(Ledger, EveryFlippedBitOfAClosedLogIsFound) {
  const std::uint64_t flips = number_from("AMANAT_FLIPS", 1500);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Running log;
  for (int i = 0; i < 12; ++i) {
    std::vector<std::vector<EntryContent>> appends(
        3, std::vector<EntryContent>(10, log.denial(1, 100)));
    for (auto& r : record_all(*log.ledger, std::move(appends))) ASSERT_TRUE(r);
  }
  wait_published(*log.ledger, log.key());
  log.ledger.reset();
  auto clean = verify_files(log.disk, "/ledger", log.key(), nullptr);
  ASSERT_TRUE(clean);
  ASSERT_EQ(clean->problem, "");
  std::vector<std::string> files;
  for (const auto& path : log.disk.paths())
    if (!path.ends_with(".tmp") && !log.disk.content(path).empty()) files.push_back(path);
  std::uint64_t found = 0, outside = 0;
  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::string& path = files[random() % files.size()];
    const std::uint64_t bit = random() % (log.disk.content(path).size() * 8);
    log.disk.flip(path, bit);
    auto verdict = verify_files(log.disk, "/ledger", log.key(), nullptr);
    const bool noticed = !verdict || !verdict->problem.empty();
    // Grease lines prove nothing and are ignored by every reader; the segment made ready ahead
    // holds nothing; neither is part of the log.
    if (!noticed) {
      const bool grease = path == published_path("/ledger");
      const bool spare =
          path == segment_path("/ledger", segment_count(log.disk, "/ledger").value() - 1);
      EXPECT_TRUE(grease || spare) << path << " bit " << bit;
      ++outside;
    } else {
      ++found;
    }
    log.disk.flip(path, bit);
  }
  std::printf("    %llu flips found, %llu outside the log; %s\n",
              static_cast<unsigned long long>(found), static_cast<unsigned long long>(outside),
              seed.text().c_str());
  EXPECT_GT(found, flips / 2);
}

TEST(LedgerDeathTest, ADraftWithoutTheStampOfIdentityIsNotRecorded) {
  EXPECT_DEATH(
      {
        Running log;
        const Draft draft = disclosure::Disclosure::draft({share(log, 1)}, std::nullopt, Digest{});
        (void)log.ledger->append(draft);
      },
      "still_stands");
}

TEST(LedgerDeathTest, AFailedSyncStopsTheProcessAtOnce) {
  EXPECT_DEATH(
      {
        Running log([](Options& o) { o.on_death = nullptr; });
        log.disk.set_plan([](std::uint64_t, SimulatedDisk::Call call,
                             const std::string& path) -> std::optional<SimulatedDisk::Fault> {
          if (call == SimulatedDisk::Call::sync && path.find("/segments/0") != std::string::npos)
            return SimulatedDisk::Fault{};
          return std::nullopt;
        });
        auto outcome = record_one(*log.ledger, log.denial(1));
        std::this_thread::sleep_for(std::chrono::seconds(20));
        std::_Exit(outcome ? 0 : 1);
      },
      "nothing more can be recorded durably");
}

}  // namespace
}  // namespace amanat::ledger
