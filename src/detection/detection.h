#pragma once
// detection: is it usual. Exact budgets in distinct citizens per officer, case and unit; all
// windows or none; the request that would overshoot is the one refused. State is rebuilt from the
// ledger at start, so a crash never refills a budget. Thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "model/passes.h"
#include "model/result.h"

namespace amanat::detection {

/// Spent is one disclosure as the ledger remembers it, for rebuilding.
struct Spent {
  AccountId account{};
  std::string unit, case_ref;
  Label subject{};
  Moment time{};
};

class Detection {
 public:
  Detection();
  ~Detection();

  /// clear reserves budget units (max_subjects for a search or a tree, else one) and mints the
  /// Clearance. Where fewer are free it reserves those: the citizens may be known to the window
  /// already and then cost nothing, which settle() judges. Errors: quota_spent (nothing is free
  /// and nobody in the window could be meant again).
  Result<Clearance> clear(Grant grant);
  /// settle judges the outcome: reservations shrink to the citizens actually present, an answer
  /// with more than was reserved is refused whole, and the findings are stamped.
  /// Errors: too_many_subjects, quota_spent.
  Result<void> settle(Findings& findings);
  /// commit turns the reservation into spent units once the entries are durable; `time` is the
  /// entries' time in the ledger (never less than an earlier one, or it is taken as that).
  void commit(const Draft& draft, Moment time);
  /// replay restores one disclosure at start. Call in ledger order, before the first clear().
  void replay(const Spent& spent);
  /// observe tells the ledger's time from entries that disclose nothing (a denial), so that windows
  /// move on although nobody is answered. A time before the greatest seen changes nothing.
  void observe(Moment ledger_time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanat::detection
