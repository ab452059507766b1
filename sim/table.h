#pragma once
// sim, table: figures with their bounds, as text, JSON and SVG. Pure functions.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/force.h"

namespace amanat::sim {

/// Bounds is a 95 % confidence interval.
struct Bounds {
  double value = 0, low = 0, high = 0;
};
/// rate is events per unit of exposure (Poisson; Garwood by Wilson and Hilferty's approximation).
Bounds rate(std::uint64_t events, double exposure);
/// share is a proportion (Wilson's interval).
Bounds share(std::uint64_t hits, std::uint64_t of);
/// quantile is an order statistic with binomial bounds; `values` ascending.
Bounds quantile(const std::vector<unsigned>& values, double q);

/// Outcome is what became of all insiders of a kind.
struct Outcome {
  Kind kind{};
  std::vector<Loss> losses;
};

struct Run {
  unsigned officers = 0, seeds = 0, insiders = 0, days = 0;
  std::uint64_t first_seed = 0;
  Rates honest;
  std::vector<Outcome> outcomes;

  /// play fills `honest` and `outcomes`: every seed's year and every kind's misuse, `threads` at a
  /// time. The figures depend on the seeds alone. `progress` (may be null) gets parts done.
  void play(const detection::Tuned& tuned, const Honest& model, unsigned threads,
            const std::function<void(std::size_t done, std::size_t of)>& progress);
};

/// as_text is the table with the goals beside it; `holds` says whether every goal is met.
std::string as_text(const Run& run, bool& holds);
std::string as_json(const Run& run);
/// loss_plot and found_plot are SVG documents.
std::string loss_plot(const Run& run);
std::string found_plot(const Run& run);

}  // namespace amanat::sim
