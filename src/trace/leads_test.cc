#include "trace/leads.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <type_traits>

#include "trace/weigh.h"

namespace amanat::trace {
namespace {

// A lead turns into nothing that tiers A or B take, and is made nowhere else.
static_assert(!std::is_convertible_v<Lead, double> && !std::is_convertible_v<Lead, bool>);
static_assert(!std::is_constructible_v<Weighed, Lead> && !std::is_constructible_v<Coin, Lead>);
static_assert(!std::is_constructible_v<SourcedRow, Lead> && !std::is_constructible_v<Margin, Lead>);
static_assert(!std::is_constructible_v<Bound, Lead> && !std::is_constructible_v<Match, Lead>);
static_assert(!std::is_default_constructible_v<Lead>);
static_assert(!std::is_constructible_v<Lead, std::uint32_t, std::string>);

SourcedRow row(std::size_t n, std::vector<std::uint32_t> accounts) {
  return {"subject " + std::to_string(n), {1}, std::move(accounts)};
}

TEST(Leads, EveryLineSaysWhatItAssumes) {
  LeadOptions options;
  options.overlap = [](std::uint32_t, std::uint32_t) { return 30ull; };
  const auto lines = leads(std::vector{row(1, {1, 2}), row(2, {1}), row(3, {1, 2})},
                           std::vector<Holding>{{1, 100, 1}, {2, 100, 0}}, options);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].account(), 1u);
  for (const Lead& l : lines) EXPECT_TRUE(l.text().ends_with(kLeadWarning)) << l.text();
  EXPECT_NE(lines[0].text().find("may have supplied 3 of 3"), std::string::npos);
  EXPECT_NE(lines[0].text().find("account 2 may have supplied 2 of these too"), std::string::npos);
  EXPECT_NE(lines[0].text().find("1 without a case that fits"), std::string::npos);
}

TEST(Leads, TheSourceOfALeakLeadsTheListAndSoDoesWhoWasFramed) {
  std::mt19937_64 draw(1);
  std::vector<SourcedRow> leak, framed;
  std::vector<Holding> holdings;
  for (std::uint32_t a = 1; a <= 20; ++a) holdings.push_back({a, 1000, 0});
  holdings[6].disclosures = 400;  // the victim asked for less
  for (std::size_t r = 0; r < 60; ++r) {
    std::vector<std::uint32_t> seen = {3};
    for (std::uint32_t a = 1; a <= 20; ++a)
      if (a != 3 && draw() % 10 < 4) seen.push_back(a);
    leak.push_back(row(r, seen));
    std::erase(seen, 7u);
    seen.push_back(7);
    framed.push_back(row(r, seen));
  }
  EXPECT_EQ(leads(leak, holdings, {}).front().account(), 3u);
  EXPECT_EQ(leads(framed, holdings, {}).front().account(), 7u)
      << "account 3 leaked only what 7 saw too: this is why a lead accuses nobody";
}

TEST(Leads, ForeignRowsGoToTheBackground) {
  std::vector<SourcedRow> leak;
  for (std::size_t r = 0; r < 50; ++r) leak.push_back(row(r, {1}));
  for (std::size_t r = 50; r < 500; ++r) leak.push_back(row(r, {}));
  const auto lines = leads(leak, std::vector<Holding>{{1, 1000, 0}, {2, 10, 0}}, {});
  ASSERT_EQ(lines.size(), 1u) << "whoever supplied nothing is no lead";
  EXPECT_NE(lines[0].text().find("50 of 50"), std::string::npos) << lines[0].text();
  EXPECT_TRUE(leads({}, std::vector<Holding>{{1, 1000, 0}}, {}).empty());
  EXPECT_TRUE(leads(leak, {}, {}).empty());
}

TEST(Leads, DisclosuresWithoutACaseRaiseAPlace) {
  const std::vector leak = {row(1, {1, 2}), row(2, {1, 2}), row(3, {1, 2})};
  const auto even = leads(leak, std::vector<Holding>{{1, 10, 0}, {2, 10, 0}}, {});
  EXPECT_EQ(even.front().account(), 1u);
  const auto odd = leads(leak, std::vector<Holding>{{1, 10, 0}, {2, 10, 2}}, {});
  EXPECT_EQ(odd.front().account(), 2u);
}

TEST(Leads, TheChanceInCommonIsTheHypergeometricOne) {
  EXPECT_NEAR(chance_in_common(10, 4, 2, 2), 6.0 / 45, 1e-12);
  EXPECT_NEAR(chance_in_common(10, 4, 2, 1), 1 - 15.0 / 45, 1e-12);
  EXPECT_NEAR(chance_in_common(10, 4, 2, 0), 1, 1e-12);
  EXPECT_EQ(chance_in_common(10, 1, 2, 2), 0);
  EXPECT_EQ(chance_in_common(10, 11, 2, 2), 1);
  // The page's figures: D = 1,000, 20 colleagues, 1e-9: 11 / 20 / 34 / 201 rows.
  const auto rows_for = [](std::uint64_t overlap) {
    std::uint64_t k = 1;
    while (20 * chance_in_common(1000, overlap, k, k) > 1e-9) ++k;
    return k;
  };
  EXPECT_EQ(rows_for(100), 11u);
  EXPECT_EQ(rows_for(300), 20u);
  EXPECT_EQ(rows_for(500), 34u);
  EXPECT_EQ(rows_for(900), 201u);
}

TEST(Leads, NeitherVerdictKnowsThatThereAreLeads) {
  for (const char* name : {"weigh.h", "weigh.cc", "necessity.h", "necessity.cc"}) {
    std::ifstream in(std::filesystem::path(AMANAT_SOURCE_DIR) / "src/trace" / name);
    std::stringstream text;
    text << in.rdbuf();
    ASSERT_FALSE(text.str().empty()) << name;
    EXPECT_EQ(text.str().find("leads.h"), std::string::npos) << name;
    EXPECT_EQ(text.str().find("Lead"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace amanat::trace
