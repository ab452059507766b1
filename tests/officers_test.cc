// The simulator's short run: honest officers and every kind of insider against the exchange's own
// verdict function. AMANAT_OFFICERS and AMANAT_SEEDS make it long (`officers --help` prints more).

#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/table.h"

namespace amanat::sim {
namespace {

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

TEST(Officers, HonestOnesAreHardlyDisturbedAndEveryInsiderIsStoppedOrBounded) {
  const detection::Tuned tuned{detection::Parameters{}};
  const Honest honest;
  sim::Run run;
  run.officers = number_from("AMANAT_OFFICERS", 1000);
  run.seeds = number_from("AMANAT_SEEDS", 8);
  run.insiders = 200;
  run.days = 120;
  run.first_seed = 4;
  SCOPED_TRACE("seeds from 4");
  run.play(tuned, honest, number_from("AMANAT_THREADS", 1), nullptr);
  bool holds = false;
  const std::string table = as_text(run, holds);
  std::printf("%s", table.c_str());
  // A short run is judged by the side of its bounds that it can speak to.
  EXPECT_LE(rate(run.honest.suspensions, run.honest.officer_years).low, 0.05);
  EXPECT_LE(rate(run.honest.friction, run.honest.officer_years).low, 2.0);
  EXPECT_LE(rate(run.honest.holds, run.honest.officer_years).low, 0.2);
  for (const Outcome& o : run.outcomes) {
    std::vector<unsigned> lost;
    for (const Loss& l : o.losses) lost.push_back(l.lost);
    std::sort(lost.begin(), lost.end());
    switch (o.kind) {
      case Kind::bulk:
      case Kind::twenty_a_day:
      case Kind::padding:
      case Kind::displaced_login:
        EXPECT_LE(lost.back(), 20u) << word_of(o.kind);
        break;
      case Kind::five_a_day:
        EXPECT_LE(quantile(lost, 0.9).value, 20) << "+5 a day";
        break;
      case Kind::two_a_day:
        EXPECT_LE(quantile(lost, 0.9).value, 40) << "+2 a day";
        break;
      case Kind::enumeration_half:
      case Kind::enumeration_most:
        EXPECT_LE(quantile(lost, 0.99).value, 25) << word_of(o.kind);
        break;
      case Kind::walk:
      case Kind::split_in_unit:
      case Kind::split_in_case:
        EXPECT_LE(quantile(lost, 0.99).value, 10) << word_of(o.kind);
        break;
      case Kind::shared_login:
        EXPECT_LE(quantile(lost, 0.9).value, 50) << "ten on one login";
        break;
      case Kind::celebrity:
        EXPECT_LE(quantile(lost, 0.9).value, 10) << "officers who were shown her";
        break;
      default:
        break;
    }
  }
}

TEST(Officers, TheSameSeedPlaysTheSameYear) {
  const detection::Tuned tuned{detection::Parameters{}};
  const Rates one = work_a_year(tuned, Honest{}, 100, 9),
              two = work_a_year(tuned, Honest{}, 100, 9);
  EXPECT_EQ(one.lookups, two.lookups);
  EXPECT_EQ(one.by_rule, two.by_rule);
  EXPECT_NE(one.lookups, work_a_year(tuned, Honest{}, 100, 10).lookups);
}

TEST(Officers, BoundsAreTheTextbooks) {
  // Garwood for 10 events: 4.795 to 18.39; Wilson for 8 of 10: 0.490 to 0.943.
  EXPECT_NEAR(rate(10, 1).low, 4.795, 0.05);
  EXPECT_NEAR(rate(10, 1).high, 18.39, 0.05);
  EXPECT_NEAR(share(8, 10).low, 0.490, 0.001);
  EXPECT_NEAR(share(8, 10).high, 0.943, 0.001);
}

}  // namespace
}  // namespace amanat::sim
