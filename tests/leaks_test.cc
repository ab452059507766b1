// The simulator of leaks, a short and deterministic run: every family of leaks through the trace's
// own reader, index, matcher and weigher. AMANAT_LEAKS and AMANAT_SMALL_LEAKS make it long
// (`leaks --help` prints more).

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "sim/leak_runs.h"

namespace amanat::sim {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

RunOptions options() {
  RunOptions o;
  o.seed = 6;
  o.leaks = number_from("AMANAT_LEAKS", 8);
  o.directory = std::filesystem::temp_directory_path();
  return o;
}

TEST(Leaks, EveryFamilyNamesItsSourcesAndNoInnocentAccount) {
  SCOPED_TRACE("seed 6");
  const auto played = run_scenarios(scenarios(), options());
  ASSERT_TRUE(played) << played.error().detail;
  for (const Played& p : *played) {
    SCOPED_TRACE(p.scenario.name + ", " + std::to_string(p.scenario.plan.rows) + " rows");
    EXPECT_EQ(p.tally.wrong, 0u);
    EXPECT_EQ(p.tally.from_nobody_named, 0u);
    EXPECT_EQ(p.tally.b_fault_true, 0u) << "an innocent is needed though the assumption is true";
    // A short run is judged by the side of its bounds that it can speak to.
    EXPECT_GE(share(p.tally.hit, p.tally.leaks).high, p.scenario.hit_least);
  }
}

TEST(Leaks, AnInnocentsEvidenceStaysBelowLooseBoundsToo) {
  SCOPED_TRACE("seed 6");
  const std::uint64_t leaks = number_from("AMANAT_SMALL_LEAKS", 2000);
  const auto c = run_calibration(options(), leaks);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->null.leaks + c->guilty.leaks, leaks);
  for (const Tally* t : {&c->null, &c->guilty}) {
    EXPECT_EQ(t->wrong, 0u);
    for (std::size_t i = 0; i < kLevels.size(); ++i)
      EXPECT_LE(below(t->wrong_at[i], t->leaks), kLevels[i]);
  }
  EXPECT_GT(c->guilty.hit, c->guilty.leaks / 10) << "or the run could not accuse anybody at all";
  EXPECT_GT(c->null.wrong_at[1] + c->guilty.wrong_at[1], 0u)
      << "evidence must vary, or the loose bounds show nothing";
}

TEST(Leaks, AnAccusationOfAnInnocentOrWithoutASourceFailsTheRun) {
  const auto verdict = [](std::vector<std::uint32_t> sources, std::vector<std::uint32_t> named) {
    Played played;
    Leak leak;
    leak.truth.sources = std::move(sources);
    Traced traced;
    traced.named = std::move(named);
    judge_leak(leak, traced, played.tally);
    bool holds = false;
    leaks_text({played}, {}, 1, holds);
    return holds;
  };
  EXPECT_TRUE(verdict({7}, {7}));
  EXPECT_TRUE(verdict({7}, {}));
  EXPECT_FALSE(verdict({7}, {7, 8}));
  EXPECT_FALSE(verdict({}, {8})) << "nobody's copy leaked";
  Calibration null;
  Traced traced;
  traced.named = {8};
  judge_leak({}, traced, null.null);
  bool holds = false;
  leaks_text({}, null, 1, holds);
  EXPECT_FALSE(holds);
}

TEST(Leaks, TheSameSeedIsTheSameRun) {
  auto some = scenarios();
  some.resize(3);
  RunOptions o = options();
  o.leaks = 5;
  const auto one = run_scenarios(some, o), two = run_scenarios(some, o);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(leaks_json(*one, {}, o.seed), leaks_json(*two, {}, o.seed));
}

}  // namespace
}  // namespace amanat::sim
