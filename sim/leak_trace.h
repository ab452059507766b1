#pragma once
// sim, leak_trace: a find traced as the exchange traces one: read by its reader, matched by its
// matcher over its index, weighed by its weigher; coins are drawn only after everything that
// decides who is weighed is known. Beside it what the banned counts would have said.

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/leak_find.h"
#include "trace/necessity.h"

namespace amanat::sim {

struct TraceAsked {
  double alpha = 1e-9;
  bool necessity = true;  // tier B and the banned counts too
};

/// Weight is what tier A said of one account before anybody was accepted.
struct Weight {
  std::uint32_t account = 0;
  double log2_evidence = 0;
};

struct Traced {
  std::uint64_t rows = 0, matched = 0;  // rows read; with somebody who may have supplied them
  std::uint64_t candidates = 0;         // N_c
  std::vector<Weight> weights;          // of each candidate
  std::vector<std::uint32_t> named;     // by tier A, ascending
  unsigned rounds = 0;                  // of peeling, each of which spends alpha
  std::vector<trace::Necessity> necessity;
  std::optional<std::uint32_t> most_common;  // has most rows in common: no evidence at all
  std::vector<std::uint32_t> by_formula;     // guilt formula above .99: no evidence at all
};

/// trace_leak traces the finds of one leak together. A file that cannot be read is trouble: it
/// insists.
Traced trace_leak(World& world, const Leak& leak, const TraceAsked& asked);

}  // namespace amanat::sim
