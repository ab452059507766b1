#include "sim/leak_runs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <map>

#include "net/json.h"
#include "trace/weigh.h"

namespace amanat::sim {
namespace {

constexpr std::uint64_t kLeaksAWorld = 100;
constexpr std::uint64_t kSmallLeaksAWorld = 2500;

bool has(const std::vector<std::uint32_t>& ascending, std::uint32_t account) {
  return std::binary_search(ascending.begin(), ascending.end(), account);
}

void judge_needed(const Leak& leak, const Traced& traced, Tally& tally) {
  const auto& sources = leak.truth.sources;
  const auto innocents = [&](const std::vector<std::uint32_t>& accounts) {
    return std::any_of(accounts.begin(), accounts.end(),
                       [&](std::uint32_t a) { return !has(sources, a); });
  };
  bool fault = false;
  for (std::size_t i = 0; i < traced.necessity.size() && i < 4; ++i) {
    const auto& at = traced.necessity[i];
    const auto needed = trace::needed(at, 0);
    const bool right =
        std::any_of(needed.begin(), needed.end(), [&](std::uint32_t a) { return has(sources, a); });
    const bool wrong = innocents(needed);
    const bool held = sources.size() <= at.sources;
    tally.b_hit[i] += right ? 1 : 0;
    tally.b_wrong[i] += wrong ? 1 : 0;
    if (wrong && held && leak.truth.foreign == 0) ++tally.b_fault[i];
    if (held && innocents(trace::needed(at, leak.truth.foreign))) fault = true;
  }
  tally.b_fault_true += fault ? 1 : 0;
}

std::uint64_t world_seed(const RunOptions& options, std::uint64_t n) {
  return options.seed * 1'000'003 + n;
}

}  // namespace

void Tally::add(const Tally& o) {
  leaks += o.leaks, rows += o.rows, candidates += o.candidates;
  hit += o.hit, all += o.all, wrong += o.wrong;
  for (std::size_t i = 0; i < wrong_at.size(); ++i) wrong_at[i] += o.wrong_at[i];
  for (std::size_t i = 0; i < b_hit.size(); ++i) {
    b_hit[i] += o.b_hit[i];
    b_wrong[i] += o.b_wrong[i];
    b_fault[i] += o.b_fault[i];
  }
  b_fault_true += o.b_fault_true;
  overlap_wrong += o.overlap_wrong, formula_hit += o.formula_hit;
  formula_wrong += o.formula_wrong, from_nobody_named += o.from_nobody_named;
  rounds += o.rounds;
}

void judge_leak(const Leak& leak, const Traced& traced, Tally& tally) {
  const auto& sources = leak.truth.sources;
  ++tally.leaks;
  tally.rows += traced.matched;
  tally.candidates += traced.candidates;
  tally.rounds += traced.rounds;
  std::size_t right = 0;
  for (const std::uint32_t account : traced.named) right += has(sources, account) ? 1 : 0;
  tally.hit += right > 0 ? 1 : 0;
  tally.all += right > 0 && right == sources.size() ? 1 : 0;
  tally.wrong += right < traced.named.size() ? 1 : 0;
  tally.from_nobody_named += sources.empty() && !traced.named.empty() ? 1 : 0;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const trace::Bound bound{std::max<std::uint64_t>(1, traced.candidates), kLevels[i]};
    tally.wrong_at[i] +=
        std::any_of(traced.weights.begin(), traced.weights.end(),
                    [&](const Weight& w) {
                      return !has(sources, w.account) &&
                             trace::judge(w.log2_evidence, bound) == trace::Tier::named;
                    })
            ? 1
            : 0;
  }
  judge_needed(leak, traced, tally);
  if (traced.most_common && !has(sources, *traced.most_common)) ++tally.overlap_wrong;
  bool formula_right = false, formula_wrong = false;
  for (const std::uint32_t account : traced.by_formula)
    (has(sources, account) ? formula_right : formula_wrong) = true;
  tally.formula_hit += formula_right ? 1 : 0;
  tally.formula_wrong += formula_wrong ? 1 : 0;
}

Result<std::vector<Played>> run_scenarios(const std::vector<Scenario>& which,
                                          const RunOptions& options) {
  std::vector<Played> out;
  std::map<Shape, std::vector<std::size_t>> by_shape;
  for (const Scenario& s : which) {
    by_shape[s.shape].push_back(out.size());
    out.push_back({s, {}});
  }
  std::uint64_t worlds = 0;
  for (const auto& [shape, members] : by_shape) {
    for (std::uint64_t from = 0; from < options.leaks; from += kLeaksAWorld) {
      auto world = World::make(shape, world_seed(options, ++worlds), options.directory);
      if (!world) return std::unexpected(world.error());
      Dice dice(world_seed(options, worlds) ^ 0x5eed);
      const std::uint64_t to = std::min(options.leaks, from + kLeaksAWorld);
      for (const std::size_t m : members)
        for (std::uint64_t n = from; n < to; ++n) {
          const Leak leak = make_leak(**world, out[m].scenario.plan, dice);
          judge_leak(leak, trace_leak(**world, leak, {}), out[m].tally);
        }
      if (options.progress)
        options.progress("overlap " + std::to_string(shape.overlap).substr(0, 4) +
                         ", K=" + std::to_string(shape.coins) + ": " + std::to_string(to) +
                         " leaks of " + std::to_string(members.size()) + " scenarios");
    }
  }
  return out;
}

Result<Calibration> run_calibration(const RunOptions& options, std::uint64_t leaks) {
  Calibration out;
  const auto begin = std::chrono::steady_clock::now();
  constexpr double kOverlaps[] = {.28, .5, .75, .9};
  constexpr unsigned kCoins[] = {1, 2, 4, 4, 8};
  std::uint64_t done = 0, worlds = 0;
  while (done < leaks) {
    Dice dice(world_seed(options, 0xca11b000 + worlds));
    Shape shape;
    shape.overlap = kOverlaps[dice.below(4)];
    shape.coins = kCoins[dice.below(5)];
    shape.stations = 3;
    shape.disclosures = 150;
    shape.elsewhere = 500;
    shape.again = .3;
    auto world = World::make(shape, world_seed(options, 0xca11b000 + ++worlds), options.directory);
    if (!world) return std::unexpected(world.error());
    const std::uint64_t to = std::min(leaks, done + kSmallLeaksAWorld);
    for (; done < to; ++done) {
      Plan plan;
      plan.act = static_cast<Act>(dice.below(kActs));
      plan.style = dice.chance(.8) ? Style::csv : static_cast<Style>(dice.below(kStyles));
      plan.rows = static_cast<unsigned>(12 / shape.coins + 2 + dice.below(40 / shape.coins));
      const bool together = plan.act == Act::vote || plan.act == Act::minority ||
                            plan.act == Act::blend || plan.act == Act::differing;
      plan.sources = together ? 2 + static_cast<unsigned>(dice.below(3)) : 1;
      if (plan.act == Act::copies && dice.chance(.5)) plan.sources = 2, plan.near = dice.chance(.5);
      if (plan.act == Act::planted) plan.planted = 1 + static_cast<unsigned>(dice.below(5));
      if (plan.act == Act::foreign || plan.act == Act::diluted)
        plan.foreign = 1 + static_cast<double>(dice.below(3));
      if (dice.chance(.2)) plan.erased = .5;
      if (dice.chance(.2)) plan.flipped = .1;
      const Leak leak = make_leak(**world, plan, dice);
      Tally& tally = leak.truth.sources.empty() ? out.null : out.guilty;
      judge_leak(leak, trace_leak(**world, leak, {1e-9, false}), tally);
    }
    if (options.progress && worlds % 20 == 0)
      options.progress(
          std::to_string(done) + " of " + std::to_string(leaks) +
          " small leaks, innocents named: " + std::to_string(out.null.wrong + out.guilty.wrong));
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

double below(std::uint64_t hits, std::uint64_t of) {
  if (of == 0) return 1;
  // Poisson, Garwood by Wilson and Hilferty's approximation; exact for none: -ln .01.
  constexpr double kZ = 2.326347874;
  const double k = static_cast<double>(hits) + 1;
  const double inner = 1 - 1 / (9 * k) + kZ / (3 * std::sqrt(k));
  const double most = hits == 0 ? 4.605170186 : k * inner * inner * inner;
  return std::min(1.0, most / static_cast<double>(of));
}

}  // namespace amanat::sim
