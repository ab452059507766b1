#include "trace/weigh.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace amanat::trace {
namespace {

constexpr Observed kHalf{0, 1, 2}, kQuarter{0, 1, 4};

Coin coin(const Observed& seen, bool agrees) {
  return {agrees ? seen.symbol : seen.symbol + 1, {seen}};
}
Weighed row(std::vector<Coin> coins) { return {{Copy{std::move(coins)}}}; }

// The worked example: three rows, eight coins; `pattern` says which agree.
std::vector<Weighed> example(unsigned pattern) {
  const auto agrees = [&](unsigned i) { return (pattern >> i & 1) != 0; };
  return {row({coin(kHalf, agrees(0)), coin(kQuarter, agrees(1)), coin(kHalf, agrees(2))}),
          row({coin(kHalf, agrees(3)), coin(kHalf, agrees(4))}),
          row({coin(kHalf, agrees(5)), coin(kHalf, agrees(6)), coin(kQuarter, agrees(7))})};
}

TEST(Weigh, TheWorkedExampleComesOutToTheDigit) {
  EXPECT_NEAR(std::exp2(log2_evidence(example(0b1110'1111))), 18.5597, 5e-5);
  EXPECT_NEAR(std::exp2(log2_evidence(example(0b0011'1100))), 0.6200, 5e-5);
  EXPECT_EQ(judge(log2_evidence(example(0xff)), {3, 1e-9}), Tier::abstain)
      << "ten bits name nobody";
  std::uint64_t bits = 0;
  for (const auto& o : {kHalf, kQuarter, kHalf, kHalf, kHalf, kHalf, kHalf, kQuarter})
    bits += bits_of(o);
  EXPECT_EQ(bits, 10'000u);
  EXPECT_GE(bits, kCandidateBits);
}

TEST(Weigh, AnInnocentsEvidenceHasMeanOne) {
  double mean = 0;
  for (unsigned pattern = 0; pattern < 256; ++pattern) {
    double chance = 1;
    for (unsigned i = 0; i < 8; ++i) {
      const double p = i == 1 || i == 7 ? .25 : .5;
      chance *= (pattern >> i & 1) != 0 ? p : 1 - p;
    }
    mean += chance * std::exp2(log2_evidence(example(pattern)));
  }
  EXPECT_NEAR(mean, 1, 1e-12);
}

TEST(Weigh, ACoinShownWithTwoSymbolsKeepsItsMean) {
  // Four symbols, rows show the first two; two epochs of the same subject.
  double mean = 0;
  for (std::uint32_t a = 0; a < 4; ++a)
    for (std::uint32_t b = 0; b < 4; ++b) {
      const Coin first{a, {{0, 1, 4}, {1, 1, 4}}}, second{b, {{2, 1, 4}}};
      const std::vector<Weighed> leak = {{{Copy{{first}}, Copy{{second}}}}};
      mean += std::exp2(log2_evidence(leak)) / 16;
    }
  EXPECT_NEAR(mean, 1, 1e-12);
}

// By exact fractions; the largest number of candidates at which so many rows suffice.
TEST(Weigh, TheTableOfWhatItTakesHolds) {
  const auto named_at = [](std::size_t rows, std::size_t coins, std::uint64_t candidates) {
    const std::vector<Weighed> leak(rows, row(std::vector<Coin>(coins, coin(kHalf, true))));
    return judge(log2_evidence(leak), {candidates, 1e-9}) == Tier::named;
  };
  struct Line {
    std::size_t coins, rows;
    std::uint64_t most;
  };
  for (const auto& [coins, rows, most] : std::vector<Line>{{8, 5, 41},
                                                           {8, 6, 8446},
                                                           {4, 9, 2},
                                                           {4, 10, 35},
                                                           {4, 11, 505},
                                                           {4, 12, 7249},
                                                           {2, 20, 31},
                                                           {2, 22, 444},
                                                           {2, 25, 23886},
                                                           {1, 40, 28},
                                                           {1, 44, 400},
                                                           {1, 50, 21196}}) {
    EXPECT_TRUE(named_at(rows, coins, most)) << coins << " coins, " << rows << " rows";
    EXPECT_FALSE(named_at(rows, coins, most + 1)) << coins << " coins, " << rows << " rows";
  }
}

TEST(Weigh, TheTailIsExact) {
  std::vector<Match> nine;
  for (int i = 0; i < 8; ++i) nine.push_back({i == 1 || i == 7 ? kQuarter : kHalf, i != 4});
  EXPECT_DOUBLE_EQ(tail(nine), 7.0 / 1024);
  // Against every outcome, of coins of any priors.
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<Match> coins;
    for (std::uint64_t n = 1 + draw() % 12; n > 0; --n) {
      const auto total = static_cast<std::uint32_t>(2 + draw() % 6);
      coins.push_back(
          {{0, static_cast<std::uint32_t>(1 + draw() % (total - 1)), total}, draw() % 2 == 0});
    }
    const auto weight = [&](std::size_t i) {
      return std::llround(
          -64 * std::log2(static_cast<double>(coins[i].observed.weight) / coins[i].observed.total));
    };
    long long reached = 0;
    for (std::size_t i = 0; i < coins.size(); ++i) reached += coins[i].agrees ? weight(i) : 0;
    double expected = 0;
    for (unsigned outcome = 0; outcome < 1u << coins.size(); ++outcome) {
      double chance = 1;
      long long t = 0;
      for (std::size_t i = 0; i < coins.size(); ++i) {
        const double p = static_cast<double>(coins[i].observed.weight) / coins[i].observed.total;
        const bool agrees = (outcome >> i & 1) != 0;
        chance *= agrees ? p : 1 - p;
        t += agrees ? weight(i) : 0;
      }
      if (t >= reached) expected += chance;
    }
    EXPECT_NEAR(tail(coins), expected, 1e-12 + 1e-9 * expected);
  }
}

TEST(Weigh, TenRowsOfFourCoinsReachTheTailsLimit) {
  const std::vector<Match> coins(40, Match{kHalf, true});
  EXPECT_EQ(judge_tail(tail(coins), {1099, 1e-9}), Tier::named);
  EXPECT_EQ(judge_tail(tail(coins), {1100, 1e-9}), Tier::abstain);
  EXPECT_DOUBLE_EQ(tail({}), 1);
}

TEST(Weigh, NearTheBoundItAbstains) {
  const Bound bound{20, 1e-9};
  EXPECT_NEAR(bound_bits(bound), 34.2, .05);
  EXPECT_EQ(judge(bound_bits(bound), bound), Tier::abstain);
  EXPECT_EQ(judge(bound_bits(bound) + 2e-6, bound), Tier::named);
}

TEST(Weigh, HugeLeaksStayInRange) {
  const std::vector<Weighed> leak(20'000, row({coin(kQuarter, true), coin(kQuarter, true)}));
  const double bits = log2_evidence(leak);
  EXPECT_TRUE(std::isfinite(bits));
  EXPECT_GT(bits, 70'000);
  const std::vector<Weighed> against(20'000, row({coin(kHalf, false)}));
  EXPECT_LT(log2_evidence(against), -100);
}

TEST(Weigh, PeelingLeavesWhatTheAccountDoesNotExplain) {
  std::vector<Weighed> leak;
  for (int i = 0; i < 30; ++i) leak.push_back(row(std::vector<Coin>(4, coin(kHalf, i < 20))));
  const auto kept = keeps(leak);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(kept[static_cast<std::size_t>(i)], i >= 20) << i;
}

TEST(Weigh, PagesAndDecoysAreEvidenceWithMeanAtMostOne) {
  // z of an innocent, normal at worst as far as the bound goes: the mean of the factor is at
  // most 1.
  double mean = 0;
  constexpr double kStep = 1e-3;
  for (double z = -30; z < 30; z += kStep)
    mean += std::exp2(log2_page(z)) * std::exp(-z * z / 2) / std::sqrt(2 * M_PI) * kStep;
  EXPECT_NEAR(mean, 1, 1e-3);
  EXPECT_NEAR(log2_page(-100), -1, 1e-9) << "another page takes at most one bit";
  EXPECT_GT(log2_page(12), 50);
  EXPECT_NEAR(std::exp2(log2_decoy(.001)), .5 + 500, 1e-9);
}

// Simulated innocents at a bound so loose that errors would show: every account's coins are drawn
// anew, the leak is of somebody else.
TEST(Weigh, InnocentsAreNamedNoMoreOftenThanAllowed) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  constexpr int kLeaks = 4000;
  int named = 0;
  for (int leak = 0; leak < kLeaks; ++leak) {
    std::vector<Weighed> rows;
    for (int r = 0; r < 10; ++r) {
      std::vector<Coin> coins;
      for (int c = 0; c < 4; ++c) coins.push_back(coin(kHalf, draw() % 2 == 0));
      rows.push_back(row(std::move(coins)));
    }
    named += judge(log2_evidence(rows), {1, .05}) == Tier::named ? 1 : 0;
  }
  EXPECT_LE(named, kLeaks / 20);
}

}  // namespace
}  // namespace amanat::trace
