#include "trace/decoys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "crypto/crypto.h"
#include "disclosure/decoy_seed.h"
#include "disclosure/decoys.h"
#include "ledger/proof.h"
#include "trace/findings.h"
#include "trace/weigh.h"

namespace amanat::trace {
namespace {

Stray stray(std::uint64_t n, const std::string& phone = {}) {
  return {std::to_string(3520200000000 + n), phone, n * 10, 9, 0};
}

disclosure::CoinKey key_of(std::uint64_t n) {
  return disclosure::CoinKey(Key256(crypto::sha256("key " + std::to_string(n))));
}

disclosure::SlotCatalogue no_slots() { return {}; }

// A leak of unknown rows alone, in which two accounts hold decoys.
Extraction sealed(StrayKind kind, std::uint64_t strays) {
  Extraction x;
  x.leak_day = "2026-11-20";
  x.origin = "exchange.test/one";
  x.strays = SealedStrays{kind, strays, {}};
  x.held = {{3, 416, 2}, {9, 416, 5}};
  x.accounts = {{3, 416, 0}, {9, 416, 0}};
  x.candidates = 2;
  return x;
}
const SymbolOf kNoCoins = [](auto...) { return std::optional<std::uint32_t>(); };

TEST(DecoyFactor, HasMeanOneAtMostWhateverTheChanceIs) {
  for (double q = 1e-14; q <= 1; q *= 3) {
    const double found = std::exp2(log2_decoy(q)), missed = 0.5;
    EXPECT_LE(q * found + (1 - q) * missed, 1 + 1e-9) << q;
    EXPECT_NEAR(found, 0.5 + 0.5 / q, found * 1e-9);
  }
}

TEST(DecoyFactor, AloneItNamesFromTheBoundOnAndNeverAnotherAccount) {
  // Two holders, two decoys: q = strays * 2 * 3 / 9e12, and 2 q <= 1e-9 up to 750 strays.
  const DecoyHit hit{AccountId{3}, "2026-11-02"};
  for (const auto& [strays, named] : {std::pair(1u, true), {749u, true}, {751u, false}}) {
    const auto found = judge_extraction(sealed(StrayKind::pairs, strays), {}, no_slots(), kNoCoins,
                                        std::span(&hit, 1));
    ASSERT_EQ(found.named.size(), named ? 1u : 0u) << strays;
    EXPECT_TRUE(found.decoys_alone);
    if (!named) continue;
    EXPECT_EQ(found.named[0].account, AccountId{3});
    EXPECT_EQ(found.named[0].decoys, 1u);
    EXPECT_EQ(found.named[0].given, 2u);
    EXPECT_EQ(found.named[0].not_before, "2026-11-02");
    const AccountId only[] = {AccountId{3}};
    const auto again = judge_again(sealed(StrayKind::pairs, strays), {}, no_slots(), kNoCoins, only,
                                   std::span(&hit, 1));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(write_findings(*again), write_findings(found));
    EXPECT_FALSE(judge_again(sealed(StrayKind::pairs, strays), {}, no_slots(), kNoCoins, only));
  }
  // A number without its phone decides nothing alone, and neither does no hit at all.
  EXPECT_TRUE(judge_extraction(sealed(StrayKind::numbers, 1), {}, no_slots(), kNoCoins,
                               std::span(&hit, 1))
                  .named.empty());
  EXPECT_TRUE(
      judge_extraction(sealed(StrayKind::pairs, 1), {}, no_slots(), kNoCoins).named.empty());
}

TEST(DecoyFactor, TogetherWithCoinsItMultipliesAndTheOthersLoseABit) {
  // Account 3 has ten bits of coins to be weighed, so that the product decides (of coins, here, none
  // is known: E is 1).
  Extraction x = sealed(StrayKind::pairs, 4);
  x.accounts[0].bits = kCandidateBits;
  const DecoyHit hit{AccountId{3}, "2026-11-02"};
  const auto found = judge_extraction(x, {}, no_slots(), kNoCoins, std::span(&hit, 1));
  EXPECT_FALSE(found.decoys_alone);
  ASSERT_EQ(found.named.size(), 1u);
  const double q = chance_of_decoy(StrayKind::pairs, 4, 2);
  EXPECT_NEAR(static_cast<double>(found.named[0].millibits), 1000 * std::log2(0.5 + 0.5 / q), 1);
  const AccountId other[] = {AccountId{9}};
  EXPECT_FALSE(judge_again(x, {}, no_slots(), kNoCoins, other, std::span(&hit, 1)));
}

TEST(DecoyFactor, AHitOfAnAccountThatHoldsNoneMovesNothing) {
  const DecoyHit hit{AccountId{4}, "2026-11-02"};
  EXPECT_TRUE(judge_extraction(sealed(StrayKind::pairs, 1), {}, no_slots(), kNoCoins,
                               std::span(&hit, 1))
                  .named.empty());
}

TEST(Strays, EachIsProvedUnderTheRootAndNothingElseIs) {
  std::mt19937_64 random(3);
  for (std::size_t n : {1u, 2u, 3u, 7u, 8u, 100u}) {
    std::vector<Stray> found;
    for (std::size_t i = 0; i < n; ++i) {
      found.push_back(stray(i * 7));
      found.push_back(stray(i * 7));  // repeated rows are one
    }
    std::shuffle(found.begin(), found.end(), random);
    const auto list = StrayList::of(found, crypto::sha256("secret"));
    ASSERT_EQ(list.strays().size(), n);
    EXPECT_EQ(list.kind(), StrayKind::numbers);
    const auto back = StrayList::parse(list.write());
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->root(), list.root());
    Extraction x = sealed(list.kind(), n);
    x.strays->root = list.root();
    for (std::size_t i = 0; i < n; ++i) {
      DecoyFile d;
      d.account = AccountId{3};
      d.epoch = 416;
      d.stray = list.strays()[i];
      d.rows = d.stray.citizen + ",name\r\n";
      d.salt = list.salt(i);
      d.place = i;
      d.path = list.path(i);
      EXPECT_EQ(wrong_stray(d, x), "");
      d.stray.citizen[12] ^= 1;
      EXPECT_NE(wrong_stray(d, x), "");
    }
  }
}

TEST(Strays, ArePairsWhereThereIsAnyAndNumbersElsewhere) {
  const auto list = StrayList::of({stray(1), stray(2), stray(2, "923001234567")}, {});
  EXPECT_EQ(list.kind(), StrayKind::pairs);
  ASSERT_EQ(list.strays().size(), 1u);
  EXPECT_TRUE(list.find(stray(2).citizen, "923001234567"));
  EXPECT_FALSE(list.find(stray(2).citizen, ""));
  EXPECT_FALSE(list.find(stray(1).citizen, "923001234567"));
}

TEST(Strays, NumbersAreReadFromRowsOfEveryFormat) {
  for (const char* rows :
       {"35202-1234567-1,telecom.subscribers,0300-1234567,2026-11-22\r\n",
        R"({"citizen":"3520212345671","records":{"t":[{"msisdn":"+923001234567","on":"2026-11-22"}]}})",
        "<row><c t=\"inlineStr\"><is><t>3520212345671</t></is></c><c t=\"inlineStr\"><is><t>92 300 "
        "1234567</t></is></c></row>\n",
        "3520212345671,x,00923001234567\n", "3520212345671,x,3001234567\n"}) {
    const auto found = numbers_of(rows);
    EXPECT_EQ(found.citizens, std::vector<std::string>{"3520212345671"}) << rows;
    EXPECT_EQ(found.phones, std::vector<std::string>{"923001234567"}) << rows;
  }
}

// The bound rests on this: whatever list and registers hold, a given number comes out of a seed with
// a chance of at most ten in ten million. Here with most numbers taken, so that most draws are
// repeated.
TEST(DecoySeed, GivesAGivenNumberNoMoreOftenThanTheBoundAllows) {
  std::vector<Person> roll;
  for (std::size_t i = 0; i < 50; ++i) {
    Person one;
    one.name = {SubjectKind::national_id, std::to_string(3520299900001ull + i * 20)};
    roll.push_back(std::move(one));
  }
  // Only numbers whose drawn part begins with 00 are free.
  const disclosure::DecoyMaker::IsFree is_free = [](const std::string& id) {
    return Result<bool>(id.substr(5, 2) == "00");
  };
  constexpr std::size_t kKeys = 4000;
  std::size_t given = 0, beginning_with_zero = 0;
  for (std::size_t k = 0; k < kKeys; ++k) {
    const auto key = key_of(k);
    const auto planned = disclosure::DecoyMaker::plan(key, {7}, roll, is_free);
    ASSERT_TRUE(planned);
    for (const auto& decoy : *planned) {
      ++given;
      EXPECT_TRUE(disclosure::seed_gives(key.decoy_seed(std::array<std::uint8_t, 16>{7},
                                                        decoy.number),
                                         decoy.citizen));
      beginning_with_zero += decoy.citizen.substr(5, 3) == "000";
    }
  }
  // A thousandth of all numbers begins so: at most ten times as often, with room for chance.
  EXPECT_GT(given, 0u);
  EXPECT_LE(static_cast<double>(beginning_with_zero), 2 * kKeys * 10.0 / 1000 * 1.5);
  EXPECT_LT(static_cast<double>(given), 2 * kKeys * 0.15) << "nobody draws for ever";
}

TEST(DecoySeed, GivesItsOwnNumbersAndNoOther) {
  std::size_t hits = 0;
  for (std::uint64_t k = 0; k < 2000; ++k)
    hits += disclosure::seed_gives(crypto::sha256(std::to_string(k)), "3520212345671");
  EXPECT_LE(hits, 1u) << "two thousand seeds, ten numbers each, ten million numbers";
}

}  // namespace
}  // namespace amanat::trace
