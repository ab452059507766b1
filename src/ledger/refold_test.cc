// The malicious operator, part two: logs that lie about whose entries are whose. The auditor's
// refolding names each; and the fork proofs that a monitor writes.

#include "ledger/refold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "ledger/big_endian.h"
#include "ledger/by_citizen.h"
#include "ledger/citizens_for_tests.h"
#include "ledger/drafts_for_tests.h"
#include "ledger/fork.h"
#include "ledger/long_run_for_tests.h"

namespace amanat::ledger {
namespace {

/// PaperLog is a log written by hand: whoever holds the signing key can sign anything.
class PaperLog : public LogSource {
 public:
  struct Line {
    std::string bytes;
    std::optional<FeedLine> feed;
  };
  Key256 seed = crypto::random_key(), map_key = crypto::random_key();
  std::vector<Line> lines;
  std::string origin = "log.example.org/paper";

  NoteSigner signer() const { return NoteSigner(origin, seed); }
  std::uint64_t size() const { return lines.size(); }

  static std::string public_entry(EntryType type, const Digest& subject, std::string tail) {
    PublicEntry e;
    e.type = type;
    e.time = Moment{1'790'000'000'000};
    e.subject = subject;
    e.tail = std::move(tail);
    return encode_entry(e);
  }
  void genesis() {
    lines.push_back({public_entry(EntryType::genesis, {}, std::string(32, 'g')), {}});
  }
  void plain() { lines.push_back({public_entry(EntryType::alert, {}, ""), {}}); }
  /// name adds an entry of the citizen `truly`, which the feed gives to `told`.
  void name(const Label& truly, const Label& told) {
    Digest r;
    crypto::random_bytes(r);
    constexpr char kDomain[] = "amanat/subject/v1";
    const crypto::Bytes domain(reinterpret_cast<const std::uint8_t*>(kDomain), sizeof kDomain);
    const Digest c = crypto::Hmac(r).mac({domain, truly});
    lines.push_back({public_entry(EntryType::disclosure, c, ""), FeedLine{size(), told, r}});
  }
  void epoch(const EpochMark& mark) {
    lines.push_back({public_entry(EntryType::epoch, {}, tail_of_epoch(mark)), {}});
  }
  std::string checkpoint() const {
    CompactRange range;
    for (const auto& line : lines) range.append(leaf_hash(line.bytes));
    return signer().sign(checkpoint_text(origin, size(), range.root()));
  }
  Result<std::string> read(const std::string& path) override {
    if (path == "checkpoint") return checkpoint();
    const auto name = parse_tile_path(path);
    if (!name || name->width > tile_width(name->level, name->number, size()))
      return fail(Reason::no_record);
    if (name->kind == TileName::Kind::entries) {
      std::string bundle;
      for (unsigned i = 0; i < name->width; ++i)
        append_bundle_entry(bundle, lines[name->number * kTileWidth + i].bytes);
      return bundle;
    }
    std::string out;
    for (unsigned i = 0; i < name->width; ++i) {
      CompactRange range;
      const std::uint64_t span = std::uint64_t{1} << (8 * name->level);
      for (std::uint64_t j = 0; j < span; ++j)
        range.append(leaf_hash(lines[(name->number * kTileWidth + i) * span + j].bytes));
      const Digest root = range.root();
      out += crypto::text_of(root);
    }
    return out;
  }
  Feed feed() const {
    auto at = std::make_shared<std::size_t>(0);
    return [this, at]() -> Result<std::optional<FeedLine>> {
      while (*at < lines.size() && !lines[*at].feed) ++*at;
      if (*at == lines.size()) return std::optional<FeedLine>{};
      return std::optional(*lines[(*at)++].feed);
    };
  }
  Refold refold(const RefoldOptions& options = {}) {
    auto out = refold_log(*this, signer().verifier(), map_key, feed(), options);
    EXPECT_TRUE(out) << out.error().detail;
    return out ? *std::move(out) : Refold{};
  }
};

Label random_label(std::mt19937_64& random) {
  Label l;
  for (auto& b : l) b = static_cast<std::uint8_t>(random());
  return l;
}

/// Author writes a log epoch by epoch; at one place, chosen by its seed, it lies.
struct Author {
  PaperLog log;
  std::vector<Label> citizens;
  std::vector<MapUpdate> uncovered;
  Map map{log.map_key};
  EpochMark last;

  explicit Author(std::mt19937_64& random) {
    for (int i = 0; i < 5; ++i) citizens.push_back(random_label(random));
    log.genesis();
  }
  void honest_entries(std::mt19937_64& random, unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
      if (random() % 4 == 0) {
        log.plain();
        continue;
      }
      const Label& who = citizens[random() % citizens.size()];
      uncovered.push_back({who, {}, log.size(), 0});
      log.name(who, who);
      uncovered.back().leaf = leaf_hash(log.lines.back().bytes);
    }
  }
  EpochMark next_epoch() {
    EpochMark mark{0, last.epoch + 1, log.size(), map.stage(uncovered), last.index};
    map.commit();
    uncovered.clear();
    return mark;
  }
  void write(EpochMark mark) {
    mark.index = log.size();
    log.epoch(mark);
    last = mark;
  }
  /// lie adds an epoch that lies; says how.
  std::string lie(std::mt19937_64& random) {
    honest_entries(random, 6 + random() % 6);
    const Label stranger = random_label(random);
    if (uncovered.size() < 2) uncovered.clear(), honest_entries(random, 40);
    const std::size_t which = random() % uncovered.size();
    switch (random() % 14) {
      case 0:
        uncovered.erase(uncovered.begin() + static_cast<std::ptrdiff_t>(which));
        write(next_epoch());
        return "an entry left out of the map";
      case 1: {
        const Label other = citizens[0] == uncovered[which].label ? citizens[1] : citizens[0];
        uncovered[which].label = other;
        write(next_epoch());
        return "an entry folded to another citizen";
      }
      case 2:
        uncovered[which].label = stranger;
        write(next_epoch());
        return "an entry folded to nobody";
      case 3:
        uncovered.push_back(uncovered[which]);
        write(next_epoch());
        return "an entry folded twice";
      case 4:
        uncovered[which].leaf[3] ^= 1;
        write(next_epoch());
        return "another leaf folded";
      case 5:
        uncovered[which].index += 1;
        write(next_epoch());
        return "another index folded";
      case 6: {  // the feed goes along with the lie
        const std::size_t at = static_cast<std::size_t>(uncovered[which].index);
        uncovered[which].label = stranger;
        log.lines[at].feed->label = stranger;
        write(next_epoch());
        return "an entry given to another label in map and feed";
      }
      case 7: {
        const std::size_t at = static_cast<std::size_t>(uncovered[which].index);
        uncovered.erase(uncovered.begin() + static_cast<std::ptrdiff_t>(which));
        log.lines[at].feed.reset();
        write(next_epoch());
        return "an entry left out of map and feed";
      }
      case 8: {
        auto mark = next_epoch();
        mark.epoch += 1;
        write(mark);
        return "an EPOCH number skipped";
      }
      case 9: {
        auto mark = next_epoch();
        mark.covered += 5;
        write(mark);
        return "an EPOCH that covers the future";
      }
      case 10: {
        auto mark = next_epoch();
        mark.covered -= 1 + random() % 4;
        const bool matters = std::any_of(log.lines.end() - 4, log.lines.end(),
                                         [](const auto& l) { return l.feed.has_value(); });
        write(mark);
        return matters && mark.covered <= log.lines.size() - 6 ? "an EPOCH that says it covers less"
                                                               : "";
      }
      case 11: {
        auto mark = next_epoch();
        mark.previous += 1;
        write(mark);
        return "another EPOCH before it";
      }
      case 12: {
        auto mark = next_epoch();
        mark.root[random() % 32] ^= 1;
        write(mark);
        return "an invented root";
      }
      default: {
        const std::size_t at = static_cast<std::size_t>(uncovered[which].index);
        log.lines[at].feed->r_subject.reset();
        write(next_epoch());
        return "an erasure claimed before any audit";
      }
    }
  }
};

TEST(MaliciousOperator, EveryLogThatLiesAboutItsCitizensIsNamedByTheAuditor) {
  const std::uint64_t wanted = number_from("AMANAT_LIES", 300);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  std::map<std::string, unsigned> kinds;
  for (std::uint64_t lies = 0; lies < wanted;) {
    Author author(random);
    for (unsigned e = 0; e < 1 + random() % 3; ++e) {
      author.honest_entries(random, 3 + random() % 8);
      author.write(author.next_epoch());
    }
    const auto honest = author.log.refold();
    ASSERT_EQ(honest.problem, "");
    const std::string what = author.lie(random);
    if (what.empty()) continue;
    ++lies;
    ++kinds[what];
    ASSERT_NE(author.log.refold().problem, "") << what;
  }
  EXPECT_GE(kinds.size(), wanted < 100 ? 5u : 13u);
  std::printf("    %llu lying logs of %zu kinds, every one named; %s\n",
              static_cast<unsigned long long>(wanted), kinds.size(), seed.text().c_str());
}

TEST(Refold, AnAuditorGoesOnWhereHeStoodAlthoughSlicesWereErased) {
  std::mt19937_64 random(11);
  Author author(random);
  author.honest_entries(random, 30);
  author.write(author.next_epoch());
  const auto first = author.log.refold();
  ASSERT_EQ(first.problem, "");
  EXPECT_EQ(first.epochs, 1u);
  EXPECT_GT(first.citizens, 0u);
  for (auto& line : author.log.lines)
    if (line.feed && random() % 2 == 0) line.feed->r_subject.reset();
  EXPECT_NE(author.log.refold().problem, "") << "erased before any audit";
  RefoldOptions options;
  options.before = parse_audited(write_audited(first.now)).value();
  author.honest_entries(random, 10);
  author.write(author.next_epoch());
  const auto second = author.log.refold(options);
  EXPECT_EQ(second.problem, "");
  EXPECT_GT(second.erased, 0u);
  options.before->root[0] ^= 1;
  EXPECT_NE(author.log.refold(options).problem, "");
  RefoldOptions first_time;
  first_time.allow_erased = true;
  EXPECT_EQ(author.log.refold(first_time).problem, "");
}

// What an auditor is given of a running ledger: a checkpoint first, then the feed.
struct Audit {
  class Live : public LogSource {
   public:
    explicit Live(const Ledger& l) : ledger_(l), checkpoint_(l.checkpoint()) {}
    Result<std::string> read(const std::string& path) override {
      if (path == "checkpoint") return checkpoint_;
      return ledger_.resource(path);
    }

   private:
    const Ledger& ledger_;
    const std::string checkpoint_;
  } live;
  std::vector<FeedLine> lines;

  explicit Audit(const Ledger& ledger) : live(ledger) {
    EXPECT_TRUE(ledger.audit_feed(EntryIndex{0}, [&](std::string_view line) {
      auto parsed = parse_feed_line(line.substr(0, line.size() - 1));
      ASSERT_TRUE(parsed);
      lines.push_back(*std::move(parsed));
    }));
  }
  Refold refold(const CitizensForTests& town) {
    std::size_t at = 0;
    const Feed feed = [&]() -> Result<std::optional<FeedLine>> {
      if (at == lines.size()) return std::optional<FeedLine>{};
      return std::optional(lines[at++]);
    };
    auto refold = refold_log(live, town.log.key(), town.map_key, feed, {});
    EXPECT_TRUE(refold) << refold.error().detail;
    return refold ? *std::move(refold) : Refold{};
  }
};

TEST(Refold, TheFeedOfARunningLedgerRefolds) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  for (unsigned i = 0; i < 30; ++i)
    ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(i % 7))));
  ASSERT_TRUE(town.history(**ledger, town.citizen(1), 31));
  Audit audit(**ledger);
  EXPECT_EQ(audit.lines.size(), 30u);
  const Refold refold = audit.refold(town);
  EXPECT_EQ(refold.problem, "");
  EXPECT_EQ(refold.citizens, 7u);
  EXPECT_GE(refold.epochs, 1u);
}

// Entries come and EPOCHs are made while the auditor takes first the checkpoint, then the feed, at
// any moment: an honest log refolds each time.
TEST(Refold, AnHonestLogIsNeverSuspectedHoweverItGrowsMeanwhile) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  std::vector<EntryContent> entries;
  for (unsigned i = 0; i < 400; ++i) entries.push_back(town.entry(town.citizen(i % 7)));
  ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(1))));
  ASSERT_TRUE(town.history(**ledger, town.citizen(1), 2));
  std::thread traffic([&] {
    for (EntryContent& one : entries) {
      EXPECT_TRUE(record_one(**ledger, std::move(one)));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (unsigned i = 0; i < 60; ++i) EXPECT_EQ(Audit(**ledger).refold(town).problem, "") << i;
  traffic.join();
  EXPECT_EQ(Audit(**ledger).refold(town).problem, "");
}

TEST(Refold, AFeedThatEndsBeforeWhatAnEpochCoversIsNamedAndOneThatEndsBehindItIsNot) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk, 60'000);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  for (unsigned i = 0; i < 10; ++i)
    ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(i % 3))));
  ASSERT_TRUE((*ledger)->cover(60'000));
  for (unsigned i = 0; i < 5; ++i)
    ASSERT_TRUE(record_one(**ledger, town.entry(town.citizen(i % 3))));
  while (open_checkpoint((*ledger)->checkpoint(), town.log.key())->checkpoint.size <
         (*ledger)->size())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  Audit audit(**ledger);
  ASSERT_EQ(audit.lines.size(), 10u);
  const Refold whole = audit.refold(town);
  EXPECT_EQ(whole.problem, "");
  EXPECT_EQ(whole.uncovered, 5u);
  const std::uint64_t last = audit.lines.back().index;
  audit.lines.pop_back();
  EXPECT_EQ(audit.refold(town).problem, "entry " + std::to_string(last) +
                                            " names a citizen and EPOCH 1 covers it, but the feed "
                                            "ends before it");
}

TEST(Fork, AMonitorsProofConvincesWhoeverHoldsTheKeyAndNothingElseDoes) {
  std::mt19937_64 random(13);
  PaperLog honest, forked;
  forked.seed = honest.seed;
  honest.genesis();
  forked.genesis();
  for (int i = 0; i < 40; ++i) honest.plain();
  for (int i = 0; i < 30; ++i) {
    const Label l = random_label(random);
    forked.name(l, l);
  }
  const VerifierKey key = honest.signer().verifier();
  const std::string big = honest.checkpoint(), small = forked.checkpoint();
  // Different sizes, inconsistent.
  const auto fork = find_fork(small, big, &honest, key);
  ASSERT_TRUE(fork) << fork.error().detail;
  ASSERT_TRUE(fork->has_value());
  const auto read = parse_fork_proof(write_fork_proof(**fork));
  ASSERT_TRUE(read);
  EXPECT_TRUE(verify_fork_proof(*read, key));
  EXPECT_FALSE(verify_fork_proof(*read, forked.signer().verifier().name == key.name
                                            ? NoteSigner(key.name, crypto::random_key()).verifier()
                                            : key));
  // The same size, two roots.
  while (forked.size() < honest.size()) forked.plain();
  const auto same = find_fork(honest.checkpoint(), forked.checkpoint(), nullptr, key);
  ASSERT_TRUE(same && same->has_value());
  EXPECT_TRUE(verify_fork_proof(**same, key));
  // An honest log that grew: nothing can be shown against it.
  const std::string before = honest.checkpoint();
  honest.plain();
  const auto grown = find_fork(before, honest.checkpoint(), &honest, key);
  ASSERT_TRUE(grown);
  EXPECT_FALSE(grown->has_value());
  ForkProof invented{before, honest.checkpoint(), Digest{}, {}};
  EXPECT_FALSE(verify_fork_proof(invented, key));
  std::swap(invented.first, invented.second);
  EXPECT_FALSE(verify_fork_proof(invented, key));
  EXPECT_FALSE(verify_fork_proof(ForkProof{before, before, {}, {}}, key));
  for (int i = 0; i < 500; ++i) {
    ForkProof damaged = **fork;
    if (damaged.path.empty()) break;
    damaged.path[random() % damaged.path.size()][random() % 32] ^= 1;
    EXPECT_FALSE(verify_fork_proof(damaged, key));
  }
}

}  // namespace
}  // namespace amanat::ledger
