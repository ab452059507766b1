#pragma once
// sim, leak_runs: scenarios played many times, and what came of them: hits and false accusations of
// each tier with bounds, beside the goals (docs/trace-weighing.md).

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/leak_trace.h"
#include "sim/table.h"

namespace amanat::sim {

/// Scenario is a family member: a world's shape, a plan, and what is promised of it.
struct Scenario {
  std::string name;
  Shape shape;
  Plan plan;
  const char* goal = "";  // G2 to G5; empty: nothing is promised but that no innocent is named
  double hit_least = 0;   // share of leaks in which tier A must name a source
};
/// scenarios lists all families of the reference, and inventions of ours.
std::vector<Scenario> scenarios();

/// kLevels are the bounds at which innocents' evidence is counted beside 1e-9.
inline constexpr std::array<double, 2> kLevels = {.05, .5};

struct Tally {
  std::uint64_t leaks = 0, rows = 0, candidates = 0;
  std::uint64_t hit = 0;                    // tier A named a source
  std::uint64_t all = 0;                    // it named every source that leaked
  std::uint64_t wrong = 0;                  // it named an innocent account
  std::array<std::uint64_t, 2> wrong_at{};  // at kLevels, in the first round
  // Tier B by c = 1, 2, 3, 5, at b = 0: a source needed, an innocent needed; the latter while its
  // assumption held (at most c sources and b foreign rows) is a fault.
  std::array<std::uint64_t, 4> b_hit{}, b_wrong{}, b_fault{};
  std::uint64_t b_fault_true = 0;  // at the b that was true, any c that was true
  std::uint64_t overlap_wrong = 0, formula_hit = 0, formula_wrong = 0;
  std::uint64_t from_nobody_named = 0;  // accusations though nobody's copy leaked
  std::uint64_t rounds = 0;             // of peeling, all in all
  void add(const Tally& other);
};

/// judge_leak counts one leak.
void judge_leak(const Leak& leak, const Traced& traced, Tally& tally);

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint64_t leaks = 200;  // of each scenario
  std::string directory;      // worlds' indexes lie here while they are written
  std::function<void(const std::string& done)> progress;  // may be null
};
struct Played {
  Scenario scenario;
  Tally tally;
};
/// run_scenarios plays each so many times. Trouble of files is the Result's.
Result<std::vector<Played>> run_scenarios(const std::vector<Scenario>& which,
                                          const RunOptions& options);

/// Calibration is a great many small leaks of all kinds, tier A alone: how often does an innocent
/// pass a bound?
struct Calibration {
  Tally null;    // nobody's copy
  Tally guilty;  // somebody's: every other account is innocent
  double seconds = 0;
};
Result<Calibration> run_calibration(const RunOptions& options, std::uint64_t leaks);

/// below is the one-sided 99 % upper bound of a share.
double below(std::uint64_t hits, std::uint64_t of);

/// leaks_text is the table; holds says whether every goal is met and no innocent was named.
std::string leaks_text(const std::vector<Played>& results, const Calibration& calibration,
                       std::uint64_t seed, bool& holds);
std::string leaks_json(const std::vector<Played>& results, const Calibration& calibration,
                       std::uint64_t seed);

}  // namespace amanat::sim
