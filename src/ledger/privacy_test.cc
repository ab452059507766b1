// What public bytes say about anybody: nothing. And what is left of an erased slice: nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string_view>
#include <unordered_set>

#include "ledger/citizens_for_tests.h"
#include "ledger/drafts_for_tests.h"
#include "ledger/long_run_for_tests.h"

namespace amanat::ledger {
namespace {

/// area_under_curve of a score: the chance that a true pair scores above a false one.
double area_under_curve(const std::vector<double>& right, const std::vector<double>& wrong) {
  std::vector<std::pair<double, bool>> all;
  for (const double s : right) all.emplace_back(s, true);
  for (const double s : wrong) all.emplace_back(s, false);
  std::sort(all.begin(), all.end());
  double rank_sum = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t j = i;
    while (j < all.size() && all[j].first == all[i].first) ++j;
    for (std::size_t k = i; k < j; ++k)
      if (all[k].second) rank_sum += (static_cast<double>(i + j) + 1) / 2;
    i = j;
  }
  const auto n = static_cast<double>(right.size()), m = static_cast<double>(wrong.size());
  return (rank_sum - n * (n + 1) / 2) / (n * m);
}

double common_bits(const Digest& a, std::string_view b) {
  double bits = 0;
  for (std::size_t i = 0; i < 32; ++i)
    bits += 8 - __builtin_popcount(static_cast<unsigned>(a[i] ^ static_cast<std::uint8_t>(b[i])));
  return bits;
}

// What an outsider can make of a national ID without a key: hashes of it, alone and with the public
// domains, and MACs under everything that is public.
std::vector<Digest> guesses_at(const std::string& id, const CitizensForTests& town) {
  std::vector<Digest> guesses{crypto::sha256(id),
                              crypto::Hmac(crypto::bytes_of(id)).mac(town.log.origin),
                              crypto::Hmac(town.log.label_key).mac(id)};
  const Digest plain = guesses[0];
  for (const std::string domain : {"amanat/subject/v1", "amanat/actor/v1", "amanat/body/v1"}) {
    guesses.push_back(crypto::sha256(domain + '\0' + id));
    guesses.push_back(crypto::Hmac(crypto::bytes_of(id)).mac(domain));
    guesses.push_back(
        crypto::Hmac(Digest{}).mac({crypto::bytes_of(domain + '\0'), crypto::Bytes(plain)}));
  }
  return guesses;
}

// The linker has every public byte and the list of all national IDs. It tries what an outsider can:
// every unkeyed hash of the ID, with the public domains, against every commitment; and whether two
// entries of one citizen look more alike than two of different ones. Then the whole country's list:
// no guess at any of a million numbers stands anywhere in the public bytes.
TEST(Privacy, ALinkerWithAllPublicBytesDoesNoBetterThanChance) {
  const std::uint64_t wanted = number_from("AMANAT_LINKER_ENTRIES", 3000);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  CitizensForTests town;
  SimulatedDisk disk;
  Options options = town.options(&disk, 50);
  options.segment_bytes = 4 << 20;
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  constexpr unsigned kCitizens = 40;
  std::vector<std::vector<EntryContent>> appends;
  std::vector<unsigned> whose;
  for (std::uint64_t i = 0; i < wanted; ++i) {
    whose.push_back(static_cast<unsigned>(random() % kCitizens));
    appends.emplace_back();
    appends.back().push_back(town.entry(town.citizen(whose.back())));
  }
  const auto outcomes = record_all(**ledger, std::move(appends));
  std::map<std::uint64_t, unsigned> truth;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i]);
    truth[number(outcomes[i]->entries[0].index)] = whose[i];
  }
  wait_published(**ledger, town.log.key());
  std::vector<std::string> commitments;  // what the public sees, in the log's order
  std::vector<unsigned> owners;
  const auto size = (*ledger)->size();
  for (std::uint64_t tile = 0; tile * kTileWidth < size; ++tile) {
    const unsigned width = tile_width(0, tile, size);
    auto bundle = (*ledger)->resource(tile_path({TileName::Kind::entries, 0, tile, width}));
    if (!bundle) break;  // the newest are perhaps not published yet
    const auto entries = parse_bundle(*bundle, width);
    for (std::size_t i = 0; i < entries->size(); ++i) {
      const auto found = truth.find(tile * kTileWidth + i);
      if (found == truth.end()) continue;
      commitments.emplace_back((*entries)[i].substr(10, 96));
      owners.push_back(found->second);
    }
  }
  ASSERT_GE(commitments.size(), wanted * 9 / 10);

  std::vector<std::vector<Digest>> guesses(kCitizens);
  for (unsigned c = 0; c < kCitizens; ++c) {
    const std::string id = town.citizen(c);
    guesses[c] = guesses_at(id, town);
  }
  std::vector<std::vector<std::size_t>> of_citizen(kCitizens);
  for (std::size_t i = 0; i < owners.size(); ++i) of_citizen[owners[i]].push_back(i);
  std::vector<double> right, wrong, same, different;
  for (std::size_t i = 0; i < commitments.size(); ++i) {
    const auto score = [&](unsigned citizen) {
      double best = 0;
      for (const Digest& guess : guesses[citizen])
        for (std::size_t at = 0; at < 96; at += 32)
          best = std::max(best, common_bits(guess, std::string_view(commitments[i]).substr(at)));
      return best;
    };
    right.push_back(score(owners[i]));
    wrong.push_back(
        score((owners[i] + 1 + static_cast<unsigned>(random() % (kCitizens - 1))) % kCitizens));
    // As many pairs of one citizen as of two, or the few of one would say little.
    const auto& own = of_citizen[owners[i]];
    const std::size_t j =
        random() % 2 == 0 ? own[random() % own.size()] : random() % commitments.size();
    if (i == j) continue;
    Digest mine;
    std::memcpy(mine.data(), commitments[i].data(), 32);
    (owners[i] == owners[j] ? same : different).push_back(common_bits(mine, commitments[j]));
  }
  const double by_id = area_under_curve(right, wrong), by_pair = area_under_curve(same, different);
  std::printf("    linker over %zu entries: by ID %.3f, by pairs %.3f (chance is 0.5)\n",
              commitments.size(), by_id, by_pair);
  // Four standard errors of a rank statistic of so many pairs.
  const double slack =
      4 * 0.289 *
      std::sqrt(1.0 / static_cast<double>(right.size()) + 1.0 / static_cast<double>(wrong.size()));
  const double slack_pair = 4 * 0.289 *
                            std::sqrt(1.0 / static_cast<double>(same.size()) +
                                      1.0 / static_cast<double>(different.size()));
  EXPECT_NEAR(by_id, 0.5, slack);
  EXPECT_NEAR(by_pair, 0.5, slack_pair);
  // Four standard errors are more than the goal's 0.01 in a short run only.
  if (wanted >= 100'000) EXPECT_LT(std::max(slack, slack_pair), 0.01);
  std::unordered_set<std::string_view> seen;  // every commitment there is
  for (const std::string& c : commitments)
    for (std::size_t at = 0; at + 32 <= c.size(); at += 32)
      seen.insert(std::string_view(c).substr(at, 32));
  ASSERT_TRUE(seen.contains(std::string_view(commitments.front()).substr(32, 32)));
  const auto ids = static_cast<unsigned>(std::min<std::uint64_t>(wanted * 5, 1'000'000));
  for (unsigned c = 0; c < ids; ++c)
    for (const Digest& guess : guesses_at(town.citizen(c), town))
      ASSERT_FALSE(seen.contains(crypto::text_of(guess))) << "number " << c;
  std::printf("    no guess at any of %u numbers is among %zu public values; %s\n", ids,
              seen.size(), seed.text().c_str());
  // No two commitments are ever alike: each has its own key.
  std::sort(commitments.begin(), commitments.end());
  EXPECT_EQ(std::adjacent_find(commitments.begin(), commitments.end()), commitments.end());
}

TEST(Privacy, AfterErasureNoOpeningCanBeRebuiltFromTheDiskAndTheRemainingKeys) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  const std::string gone = town.citizen(1), stays = town.citizen(2);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(record_one(**ledger, town.entry(gone, "purpose-of-the-erased")));
    ASSERT_TRUE(record_one(**ledger, town.entry(stays, "purpose-of-another")));
  }
  ASSERT_TRUE(town.erase(**ledger, gone));
  // Every remaining key is tried on every opening.
  std::vector<Key256> keys{town.log.seed, town.map_key, town.chain_key};
  for (const auto& [id, key] : *town.slices) keys.push_back(key);
  unsigned opened = 0, of_the_erased = 0;
  for (const Key256& key : keys) {
    const KeyOfSlice always = [&key](std::span<const std::uint8_t, 16>) -> Result<Key256> {
      return key;
    };
    ASSERT_TRUE((*ledger)->scan(EntryIndex{0}, always, [&](const Opened& e) {
      if (!e.subject) return true;
      ++opened;
      if (e.parts[0] == "purpose-of-the-erased") ++of_the_erased;
      return true;
    }));
  }
  EXPECT_EQ(opened, 6u) << "the other citizen's five and the act of erasing";
  EXPECT_EQ(of_the_erased, 0u);
  const auto check = (*ledger)->check_openings(town.key_of(), nullptr);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->problem, "");
  EXPECT_EQ(check->erased, 5u);
}

}  // namespace
}  // namespace amanat::ledger
