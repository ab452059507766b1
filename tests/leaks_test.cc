// The simulator of leaks, a short and deterministic run: every family of leaks through the trace's
// own reader, index, matcher and weigher. AMANAT_LEAKS and AMANAT_SMALL_LEAKS make it long
// (`leaks --help` prints more).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sim/leak_procedure.h"
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

// The fast way through the simulator and the sealed procedure's own steps say the same of a leak.
TEST(Leaks, TheSealedProcedureNamesWhomTheSimulatorNames) {
  SCOPED_TRACE("seed 6");
  Shape shape;
  shape.stations = 2;
  shape.officers = 8;
  shape.disclosures = 120;
  shape.elsewhere = 200;
  auto world = World::make(shape, 6, options().directory);
  ASSERT_TRUE(world) << world.error().detail;
  Dice dice(6);
  unsigned hits = 0;
  for (std::uint64_t n = 0; n < number_from("AMANAT_PROCEDURES", 60); ++n) {
    Plan plan;
    constexpr Act kTried[] = {Act::copies, Act::common,  Act::planted,      Act::colleagues,
                              Act::blend,  Act::old,     Act::again,        Act::foreign,
                              Act::lots,   Act::diluted, Act::backend_lots, Act::backend_framed};
    plan.act = kTried[n % std::size(kTried)];
    plan.rows = 8 + static_cast<unsigned>(dice.below(16));
    plan.sources = plan.act == Act::blend ? 2 : 1 + static_cast<unsigned>(dice.below(2));
    plan.planted = plan.act == Act::planted ? 3 : 0;
    plan.foreign = plan.act == Act::foreign || plan.act == Act::diluted ? 1 : 0;
    if (dice.chance(.3)) plan.flipped = .1;
    if (dice.chance(.3)) plan.erased = .3;
    SCOPED_TRACE(std::string(word_of(plan.act)) + ", leak " + std::to_string(n));
    const Leak leak = make_leak(**world, plan, dice);
    const Traced fast = trace_leak(**world, leak, {});
    const trace::Findings slow = judge_by_procedure(**world, leak);
    EXPECT_EQ(slow.candidates, fast.candidates);
    std::vector<std::uint32_t> named;
    for (const auto& one : slow.named) named.push_back(number(one.account));
    std::sort(named.begin(), named.end());
    // It names one a round and takes away what that one explains; the simulator names all who pass.
    // Of a citizen whom the leak has twice it reads an account's own rows alone.
    EXPECT_TRUE(std::ranges::includes(fast.named, named));
    EXPECT_EQ(named.empty(), fast.named.empty());
    for (const std::uint32_t account : named)
      EXPECT_TRUE(
          std::binary_search(leak.truth.sources.begin(), leak.truth.sources.end(), account));
    hits += named.empty() ? 0 : 1;
  }
  EXPECT_GT(hits, 5u);
}

}  // namespace
}  // namespace amanat::sim
