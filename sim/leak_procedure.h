#pragma once
// sim, leak_procedure: the same leaks through the sealed procedure's own steps (trace/observe.h,
// trace/findings.h): the extraction made without coins, the coins drawn for its candidates, the
// findings. What leak_trace does fast, this does as the exchange does it, so that the one can be
// held against the other.

#include <vector>

#include "sim/leak_find.h"
#include "trace/findings.h"

namespace amanat::sim {

/// judge_by_procedure takes a leak of one CSV find. It insists that each step succeeds.
trace::Findings judge_by_procedure(World& world, const Leak& leak);

}  // namespace amanat::sim
