#include "detection/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <set>

namespace amanat::detection {
namespace {

Near near_of(std::uint64_t serial) {
  const auto named = [](std::uint64_t tens) {
    return (tens * 0x9e3779b97f4a7c15ull ^ (tens << 31)) & ~std::uint64_t{15};
  };
  Near near;
  near.below = named(serial / 10 - 1);
  near.here = named(serial / 10);
  near.above = named(serial / 10 + 1);
  near.digit = static_cast<std::uint8_t>(serial % 10);
  near.known = true;
  return near;
}

TEST(Statistics, TheReferencesFiguresComeOut) {
  // Identity page 3.3: at a mean of 0.415 and delta 2 a citizen adds 1.30, a day costs 1.38.
  const double none = nb_log_ratio(0, 0.415, 2.415, 3);
  EXPECT_NEAR(none, -1.38, 0.005);
  EXPECT_NEAR(nb_log_ratio(1, 0.415, 2.415, 3) - none, 1.30, 0.005);
  const Ratio absent(0.03, 0.5), run(0.05, 0.5), near(0.02, 0.5);
  EXPECT_NEAR(absent.event, 2.813, 0.001);
  EXPECT_NEAR(absent.none, -0.663, 0.001);
  EXPECT_NEAR(run.event, 2.303, 0.001);
  EXPECT_NEAR(run.none, -0.642, 0.001);
  EXPECT_NEAR(near.event, std::log(25), 1e-12);
}

TEST(Statistics, QuantileAndTailAgreeWithTheSummedDistribution) {
  for (const double mu : {0.1, 0.415, 2.0, 30.0}) {
    const double r = 3;
    double sum = 0;
    std::vector<double> below;
    for (unsigned x = 0; x < 2000; ++x) {
      below.push_back(sum);
      sum += std::exp(std::lgamma(r + x) - std::lgamma(r) - std::lgamma(x + 1.0) +
                      r * std::log(r / (r + mu)) + x * std::log(mu / (r + mu)));
    }
    for (const unsigned x : {1u, 2u, 5u, 9u}) {
      if (1 - below[x] < 1e-9) continue;
      EXPECT_NEAR(nb_tail(x, mu, r), std::log10(1 - below[x]), 1e-5) << mu << " " << x;
    }
    const unsigned q = nb_quantile(mu, r, 0.99);
    EXPECT_GE(below[q + 1], 0.99);
    EXPECT_LT(below[q], 0.99);
  }
}

TEST(Statistics, GcraLetsABurstThroughAndThenTheRate) {
  const Gcra pace{10'000, 10};
  std::uint64_t state = 0;
  unsigned passed = 0;
  for (std::uint64_t t = 1'000'000; t < 1'060'000; t += 100)
    if (pace.conforms(state, t)) {
      state = pace.after(state, t);
      ++passed;
    }
  EXPECT_EQ(passed, 10u + 5u);
}

TEST(Neighbours, AreWhoeverLiesWithinTenAndNobodyElse) {
  for (const std::uint64_t here : {352'020'000'000ull, 352'020'000'005ull, 352'020'000'009ull}) {
    for (int apart = -25; apart <= 25; ++apart) {
      Neighbours ring;
      ring.add(near_of(here + static_cast<std::uint64_t>(100 + apart)), 1000);
      EXPECT_EQ(ring.beside(near_of(here + 100)), apart != 0 && std::abs(apart) <= 10) << apart;
    }
  }
}

TEST(Neighbours, RememberTheLastThousandExactly) {
  std::mt19937_64 dice(7);
  SCOPED_TRACE("seed 7");
  for (const std::size_t most : {10u, 64u, 65u, 1000u}) {
    Neighbours ring;
    std::deque<std::uint64_t> model;
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t serial = 350'000'000'000 + dice() % 20'000;
      const bool beside = std::any_of(model.begin(), model.end(), [&](std::uint64_t other) {
        return other != serial && (other > serial ? other - serial : serial - other) <= 10;
      });
      ASSERT_EQ(ring.beside(near_of(serial)), beside) << most << " " << i;
      ring.add(near_of(serial), most);
      model.push_back(serial);
      if (model.size() > most) model.pop_front();
    }
    EXPECT_EQ(ring.size(), most);
    EXPECT_LE(ring.bytes(), 16'384u);
  }
}

TEST(Neighbours, TheLastOneCanBeTakenBack) {
  Neighbours ring;
  for (std::uint64_t i = 0; i < 100; ++i) ring.add(near_of(1'000'000 + i * 100), 1000);
  ring.add(near_of(77'000'000), 1000);
  EXPECT_TRUE(ring.beside(near_of(77'000'003)));
  ring.drop_last();
  EXPECT_FALSE(ring.beside(near_of(77'000'003)));
  EXPECT_EQ(ring.size(), 100u);
}

TEST(Coverage, CountsTheDistinctCitizensOfNinetyDaysExactly) {
  std::mt19937_64 dice(11);
  SCOPED_TRACE("seed 11");
  Coverage coverage;
  std::map<std::uint64_t, std::uint32_t> latest;
  for (std::uint32_t day = 20'000; day < 20'400;
       day += 1 + static_cast<std::uint32_t>(dice() % 3)) {
    for (unsigned i = 0; i < dice() % 30; ++i) {
      const std::uint64_t subject = dice() % 3000 * 0x9e3779b97f4a7c15ull;
      coverage.see(subject, day);
      latest[subject] = day;
    }
    std::uint32_t expected = 0;
    for (const auto& [subject, last] : latest) expected += last + 90 > day ? 1 : 0;
    ASSERT_EQ(coverage.count(day), expected) << day;
  }
  EXPECT_TRUE(coverage.exact());
}

TEST(Coverage, BeyondTwoThousandEstimatesWithinFivePercentInBoundedMemory) {
  std::mt19937_64 dice(13);
  SCOPED_TRACE("seed 13");
  Coverage coverage;
  for (unsigned i = 0; i < 50'000; ++i) coverage.see(dice(), 20'000 + i / 1000);
  EXPECT_FALSE(coverage.exact());
  EXPECT_NEAR(coverage.count(20'050), 50'000.0, 2500.0);
  EXPECT_LE(coverage.bytes(), 64u * 1024);
}

}  // namespace
}  // namespace amanat::detection
