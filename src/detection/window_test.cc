// The sliding windows against a plain list of disclosures.

#include "detection/window.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "model/question.h"

namespace amanat::detection {
namespace {

// Every disclosure ever, counted anew each time.
struct Plain {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all;  // time, subject

  std::uint32_t count(std::uint64_t window, std::uint64_t now) const {
    std::map<std::uint64_t, std::uint64_t> latest;
    for (const auto& [time, subject] : all) latest[subject] = time;
    std::uint32_t n = 0;
    for (const auto& [subject, time] : latest)
      if (window == kForever || time + window > now) ++n;
    return n;
  }
};

TEST(Windows, CountAsAPlainListDoes) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 draw(seed);
    Windows windows;
    Plain plain;
    const std::vector<std::uint64_t> lengths = {kForever, 1, 50, 300, 5'000};
    std::uint64_t now = 10'000;
    for (int i = 0; i < 600; ++i) {
      now += draw() % 40;
      if (draw() % 3 != 0) {
        const std::uint64_t subject = draw() % 60;
        windows.see(subject, now);
        plain.all.emplace_back(now, subject);
      }
      const std::uint64_t length = lengths[draw() % lengths.size()];
      ASSERT_EQ(windows.count(length, now), plain.count(length, now))
          << "step " << i << " window " << length;
      std::vector<std::uint64_t> some;
      for (std::uint64_t s = 0; s < 60; s += 1 + draw() % 7) some.push_back(s);
      std::uint32_t fresh = 0;
      for (const auto s : some) {
        Plain with = plain;
        with.all.emplace_back(now, s);
        fresh += with.count(length, now) - plain.count(length, now);
      }
      ASSERT_EQ(windows.fresh(some, length, now), fresh);
    }
  }
}

TEST(Windows, ASubjectSeenAtTheWindowsVeryStartHasLeftIt) {
  Windows windows;
  windows.see(1, 1'000);
  EXPECT_EQ(windows.count(500, 1'499), 1u);
  EXPECT_EQ(windows.count(500, 1'500), 0u);
}

TEST(Windows, ARepeatRenewsTheTime) {
  Windows windows;
  windows.see(1, 1'000);
  windows.see(1, 1'400);
  EXPECT_EQ(windows.count(500, 1'500), 1u);
  EXPECT_EQ(windows.count(500, 1'899), 1u);
  EXPECT_EQ(windows.count(500, 1'900), 0u);
}

TEST(Windows, TheShortestIsTheShortestThatHasAnEnd) {
  Windows windows;
  EXPECT_FALSE(windows.shortest());
  EXPECT_EQ(windows.count(kForever, 1), 0u);
  EXPECT_EQ(windows.shortest(), kForever);
  EXPECT_EQ(windows.count(500, 1), 0u);
  EXPECT_EQ(windows.count(900, 1), 0u);
  EXPECT_EQ(windows.shortest(), 500u);
}

TEST(Windows, ManyRepeatsTakeNoMoreRoom) {
  Windows windows;
  EXPECT_EQ(windows.count(100, 1), 0u);
  for (std::uint64_t t = 2; t < 200'000; ++t) windows.see(t % 5, t);
  EXPECT_EQ(windows.size(), 5u);
  EXPECT_EQ(windows.count(100, 200'000), 5u);
}

TEST(WindowsDeathTest, TimeDoesNotGoBack) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Windows windows;
  windows.see(1, 1'000);
  EXPECT_DEATH(windows.see(2, 999), "time <= now");
}

// The same table stands in the case book's test: both must fold the same spellings together.
TEST(CaseKey, EverySpellingTheCaseBookTakesSharesOneBudget) {
  const std::string key = normal_case_ref("FIR 1/19 PS Cantt Multan");
  EXPECT_EQ(key, "fir 1/19 ps cantt multan");
  for (const char* spelled :
       {"FIR 1/19 PS Cantt Multan", "fir 1/19 ps cantt multan", "  FIR  1/19\tPS Cantt Multan "})
    EXPECT_EQ(normal_case_ref(spelled), key) << spelled;
  for (const char* other : {"", "FIR 1/19 PS Cantt", "FIR 1-19 PS Cantt Multan",
                            "FIR 1/19PS Cantt Multan", "FIR 01/19 PS Cantt Multan"})
    EXPECT_NE(normal_case_ref(other), key) << other;
}

}  // namespace
}  // namespace amanat::detection
