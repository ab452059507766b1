#include "detection/report.h"

#include <gtest/gtest.h>

#include <random>

namespace amanat::detection {
namespace {

constexpr std::uint64_t kNoon = 1'767'250'800'000;  // 2026-01-01 12:00 in Pakistan

struct Country {
  explicit Country(unsigned seed) : draw(seed) {}
  Shown shown(std::uint32_t officer, std::uint64_t citizen, Why why = Why::unexplained) {
    Shown s;
    s.entry = ++entry;
    s.at = kNoon + entry * 1000;
    s.account = AccountId{officer};
    s.unit = "unit " + std::to_string(officer / 10);
    s.subject = Kmv::mixed(citizen + 1);
    s.place = citizen + 1;
    s.why = why;
    return s;
  }
  // A month of a hundred officers, each with strangers of their own choice.
  void honest(Report& report, unsigned each = 30) {
    for (std::uint32_t officer = 1; officer <= 100; ++officer)
      for (unsigned i = 0; i < each; ++i) report.take(shown(officer, draw() % 100'000));
  }
  std::mt19937 draw;
  std::uint64_t entry = 0;
};

std::vector<Found> of(const std::vector<Found>& all, Rule rule) {
  std::vector<Found> out;
  for (const Found& one : all)
    if (one.rule == rule) out.push_back(one);
  return out;
}

std::vector<std::uint32_t> accounts(const Found& found) {
  std::vector<std::uint32_t> out;
  for (const AccountId a : found.accounts) out.push_back(number(a));
  return out;
}

const Tuned& tuned() {
  static const Tuned t{Parameters{}};
  return t;
}

TEST(Report, HonestMonthsAreEmpty) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Country country(seed);
    Report report(tuned());
    country.honest(report);
    EXPECT_TRUE(report.found().empty());
  }
}

TEST(Report, OfficersWhoAskForTheSamePeopleTogetherAreAGroup) {
  Country country(1);
  Report report(tuned());
  country.honest(report);
  for (std::uint64_t star = 0; star < 3; ++star)
    for (const std::uint32_t officer : {11u, 23u, 35u, 47u, 59u})
      report.take(country.shown(officer, 500'000 + star));
  // Five who ask for one and never again are no group.
  for (std::uint32_t officer = 61; officer <= 65; ++officer)
    report.take(country.shown(officer, 600'000));
  const auto found = of(report.found(), Rule::recurring_group);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(accounts(found[0]), (std::vector<std::uint32_t>{11, 23, 35, 47, 59}));
  EXPECT_EQ(found[0].score, 3);
  EXPECT_EQ(found[0].entries.size(), 15u);
}

TEST(Report, ColleaguesOnOneCaseAreNoGroupAndShareNoList) {
  Country country(2);
  Report report(tuned());
  for (std::uint64_t citizen = 0; citizen < 20; ++citizen)
    for (const std::uint32_t officer : {1u, 2u, 3u, 4u, 5u, 21u})
      report.take(country.shown(officer, citizen, Why::named));
  EXPECT_TRUE(report.found().empty());
}

TEST(Report, TwoUnitsWithOneListAreFoundWithinAMonthOfTheWeeklyCap) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Country country(seed);
    Report report(tuned());
    country.honest(report);
    // Eighty a month each is what the cap lets through.
    for (std::uint64_t i = 0; i < 80; ++i) {
      report.take(country.shown(12, 700'000 + country.draw() % 150));
      report.take(country.shown(77, 700'000 + country.draw() % 150));
    }
    const auto found = of(report.found(), Rule::collusion);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(accounts(found[0]), (std::vector<std::uint32_t>{12, 77}));
    EXPECT_GT(found[0].score, found[0].threshold);
  }
}

TEST(Report, AListSplitInHalvesIsFoundByTheOrderInWhichBothAsk) {
  Country country(3);
  Report report(tuned());
  country.honest(report);
  for (std::uint64_t i = 0; i < 40; ++i) {
    // Two of one unit and one of another take turns along a sorted list, and share nobody.
    report.take(country.shown(81, 200'000 + i * 37));
    report.take(country.shown(82, 202'000 + i * 41));
  }
  const auto found = of(report.found(), Rule::split_list);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(accounts(found[0]), (std::vector<std::uint32_t>{81, 82}));
  EXPECT_TRUE(of(report.found(), Rule::collusion).empty()) << "they have nobody in common";
}

TEST(Report, OneWhoAsksInOrderAloneSplitsNothing) {
  Country country(4);
  Report report(tuned());
  for (std::uint64_t i = 0; i < 40; ++i) report.take(country.shown(81, 200'000 + i * 37));
  EXPECT_TRUE(report.found().empty());
}

TEST(Report, ApprovalsForEachOtherInSecondsOrAtNightAreARing) {
  const auto approved = [](std::uint32_t approver, std::uint32_t asker, std::uint64_t at,
                           std::uint64_t after) {
    Approved a;
    a.entry = approver * 100 + asker;
    a.approver = AccountId{approver};
    a.asker = AccountId{asker};
    a.asked = at;
    a.at = at + after;
    return a;
  };
  Report report(tuned());
  for (unsigned i = 0; i < 3; ++i) {
    report.take(approved(1, 2, kNoon + i * kHourMs, 4'000));     // unread
    report.take(approved(3, 4, kNoon + i * kHourMs, 600'000));   // read: a superior's work
    report.take(approved(5, 6, kNoon + 12 * kHourMs, 600'000));  // at midnight
  }
  report.take(approved(7, 8, kNoon, 600'000));
  report.take(approved(7, 8, kNoon, 600'000));
  report.take(approved(8, 7, kNoon, 600'000));
  report.take(approved(8, 7, kNoon, 600'000));
  const auto found = of(report.found(), Rule::approver_ring);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(accounts(found[0]), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(accounts(found[1]), (std::vector<std::uint32_t>{5, 6}));
  EXPECT_EQ(accounts(found[2]), (std::vector<std::uint32_t>{7, 8})) << "returned";
  EXPECT_EQ(found[2].score, 4);
}

TEST(Report, WhoAsksForWomenTwiceAsOftenAsPeersIsTold) {
  unsigned honest = 0;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Country country(seed);
    Report report(tuned());
    for (std::uint32_t officer = 1; officer <= 9; ++officer)
      for (unsigned i = 0; i < 150; ++i) {
        Shown s = country.shown(officer, country.draw(), Why::named);
        s.sex = country.draw() % 100 < (officer == 5 ? 80 : 35) ? Sex::female : Sex::male;
        s.age_band = static_cast<std::uint8_t>(country.draw() % kAgeBands);
        report.take(s);
      }
    bool told = false;
    for (const Found& found : report.found()) {
      EXPECT_EQ(found.rule, Rule::skewed);
      if (accounts(found) == std::vector<std::uint32_t>{5})
        told = told || found.numbers.starts_with("women");
      else
        ++honest;
    }
    EXPECT_TRUE(told);
  }
  EXPECT_EQ(honest, 0u);
}

TEST(Report, AStrangerAtTheOfficersOwnAddressIsTold) {
  Country country(5);
  Report report(tuned());
  Shown s = country.shown(3, 9);
  s.own_address = true;
  report.take(s);
  Shown named = country.shown(4, 10, Why::named);
  named.own_address = true;
  report.take(named);
  const auto found = report.found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, Rule::shared_address);
  EXPECT_EQ(accounts(found[0]), std::vector<std::uint32_t>{3});
}

TEST(Kmv, EstimatesWhatTwoShareWithinTenPercent) {
  Kmv a, b;
  for (std::uint64_t i = 0; i < 20'000; ++i) a.add(i);
  for (std::uint64_t i = 10'000; i < 30'000; ++i) b.add(i);
  EXPECT_NEAR(a.count(), 20'000, 2000);
  EXPECT_NEAR(Kmv::shared(a, b), 10'000, 1500);
  EXPECT_LE(a.names().size() * 8, 8192u);
  Kmv few;
  for (std::uint64_t i = 0; i < 100; ++i) few.add(i % 50);
  EXPECT_EQ(few.count(), 50);
}

TEST(Statistics, TailsAgreeWithKnownValues) {
  EXPECT_NEAR(poisson_tail(5, 0.1), 7.115, 0.01);  // R: -ppois(4, .1, lower=F, log=T)/log(10)
  EXPECT_NEAR(poisson_tail(10, 1), 6.953, 0.01);
  EXPECT_EQ(poisson_tail(0, 1), 0);
  // Beta(1, 1) is uniform: each of 0..n is equally likely.
  EXPECT_NEAR(beta_binomial_tail(0, 9, 1, 1), -std::log10(0.2), 1e-9);
  const std::vector<std::uint64_t> up{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_NEAR(mann_kendall(up), 44 / std::sqrt(125.0), 1e-9);
}

}  // namespace
}  // namespace amanat::detection
