#pragma once
// detection, habits: what one account has done and whether the next lookup is usual. This is the
// one verdict function: Detection calls it in line, the simulator a million times a second, and a
// replay of the ledger again, with the same bits. Time is what the caller says. Not thread-safe:
// the shard that keeps it has the lock.
//
// Invariants
//  1. judge() changes nothing that a refusal would have to give back; what it found is kept by
//     apply() alone, and a refused lookup is not applied;
//  2. advance() closes a day, and depends on the lookups applied before and on nothing else;
//  3. every memory is bounded: 60 citizens a week, 1,000 records a day, 1,000 neighbours, 2,000
//     citizens in ninety days and then a sketch.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detection/few.h"
#include "detection/parameters.h"
#include "detection/stations.h"
#include "detection/statistics.h"
#include "model/ids.h"

namespace amanat::detection {

/// Why says what makes a lookup of a citizen ordinary.
enum class Why : std::uint8_t {
  unexplained,
  named,   // an open case of the asker's, not of just now, names the citizen
  kin,     // the registry shows the citizen as family of one the case names
  chain,   // the registers lead from whom the case names to them (registry, chain)
  counter  // the purpose needs no case: the citizen stands at the desk
};

/// Look is one citizen of one lookup, as the tests see it.
struct Look {
  std::uint64_t order = 0;    // counts every judged lookup of the exchange
  std::uint64_t subject = 0;  // first 8 bytes of the ledger's label: keyed already
  std::uint64_t at = 0;       // ms
  Near near;
  Why why = Why::unexplained;
  bool exists = true;
  bool fresh = false;            // a touch and a reason given for this very question
  bool announced = false;        // within an operation a supervisor announced
  bool next = false;             // of the same answer as the one before
  bool away = false;             // the zone is not that of the officer's station
  bool off_duty = false;         // outside the hours of the roster
  bool guarded = false;          // a protected person
  std::uint16_t padded = 0;      // so many the case names, where that is more than cases do; else 0
  std::uint64_t zone = kNoZone;  // where the question came from
};

/// Tuned is the parameters with their logarithms taken once.
struct Tuned {
  explicit Tuned(const Parameters& parameters, Stations stations = {});
  Parameters p;
  Stations stations;
  Ratio run, absent, near;
  Gcra pace;
  std::uint64_t week_most, hour_most, day_most;
  std::size_t ring;
  std::int64_t zone_ms;
  std::uint32_t day_of(std::uint64_t at) const;
};

/// Scores is all of an account's state that a verdict changes; copied to try, assigned to keep.
struct Scores {
  double sum = 0;                // the CUSUM of the days closed
  double own = 0, own_days = 0;  // the decayed baseline
  double mean = 0;               // mu0 of the day
  double event = 0, none = 0;    // what a citizen and the day add at that mean
  double absent = 0, near = 0, run = 0;
  std::uint64_t pace = 0;  // GCRA's theoretical arrival time
  std::uint64_t friction_since = 0;
  std::uint32_t day = 0;
  std::uint16_t today = 0;    // unexplained distinct citizens of the day
  std::uint16_t counted = 0;  // at most so many of them count: the day's quantile
  Rule friction_rule = Rule::burst;
  std::uint64_t zone = kNoZone, zone_at = 0;  // where the last question came from, and when
  std::uint64_t away = kNoZone, away_at = 0;  // for which strange zone a touch was given, and when
};

/// Peers is what the officers of a unit do on a day, together.
struct Peers {
  double sum = 0, days = 0;
  double covered = 0, covered_days = 0;
  double mean(const Parameters& p) const;
  double coverage(const Parameters& p) const;
};

/// Shared is what several officers' lookups look like together: a unit's, a case's.
struct Shared {
  Neighbours ring;
  double near = 0;
};

/// Company is whom an account's lookup counts with. Null: not counted.
struct Company {
  Peers* peers = nullptr;
  Shared* unit = nullptr;
  Shared* case_ = nullptr;
};

/// Trip is a rule that a lookup would break: it is the one refused.
struct Trip {
  Rule rule{};
  double score = 0, threshold = 0;
  bool repeated = false;  // friction already asked for and not given: no new alert
};

/// Tried is the outcome of judge(), to be given to apply().
struct Tried {
  Scores scores;
  double unit_near = 0, case_near = 0;
  std::optional<Trip> trip;
};

/// Seen is an unexplained citizen of the last seven days.
struct Seen {
  std::uint64_t subject = 0, at = 0, order = 0;
  std::uint64_t entry = ~0ull;  // in the ledger, once there
  std::uint32_t day = 0;
};

class Habits {
 public:
  /// advance closes days before `at`. Returns a Trip if the ninety days' coverage is beyond chance
  /// (a review: nothing is refused).
  std::optional<Trip> advance(const Tuned& tuned, std::uint64_t at, Peers* peers);
  /// judge says what the lookups of one answer (distinct citizens) would do. advance() first.
  Tried judge(const Tuned& tuned, std::span<const Look> looks, const Company& company) const;
  /// apply keeps an answer that is released.
  void apply(const Tuned& tuned, std::span<const Look> looks, const Tried& tried,
             const Company& company);
  /// ask_friction remembers that a touch and a reason are due.
  void ask_friction(Rule rule, std::uint64_t at);
  /// lift takes back what a rule has found, when a second person releases its hold.
  void lift(Rule rule);
  /// paced says whether one more question now is within the minute's pace; changes nothing.
  bool paced(const Tuned& tuned, std::uint64_t at) const {
    return tuned.p.burst_on == 0 || tuned.pace.conforms(scores_.pace, at);
  }
  /// note_entry tells where in the ledger an applied lookup stands.
  void note_entry(std::uint64_t order, std::uint64_t entry);

  const Scores& scores() const { return scores_; }
  void restore(const Scores& scores) { scores_ = scores; }
  /// forget_last undoes one apply() of `count` looks, if nothing was applied since.
  void forget_last(std::span<const Look> looks);
  /// Week is the unexplained citizens of the last seven days, the oldest first.
  using Week = Few<Seen, 4>;
  const Week& week() const { return week_; }
  std::uint64_t last_order() const { return last_order_; }
  std::uint64_t last_at() const { return last_at_; }
  std::uint32_t covered(std::uint32_t day) { return coverage_.count(day); }
  /// soon asks the processor for what a verdict on this subject will touch.
  void soon(std::uint64_t subject) const {
    ring_.soon();
    coverage_.soon(subject);
  }
  std::size_t bytes() const;

 private:
  friend struct Rest;  // snapshot.cc
  void drop_old(std::uint64_t at);
  std::optional<Trip> pace_trip(const Tuned& tuned, std::span<const Look> looks) const;
  std::optional<Trip> robot_trip(const Tuned& tuned, std::uint64_t at) const;
  std::optional<Trip> travel_trip(const Tuned& tuned, const Look& look) const;

  // What every lookup reads lies together, in some fifteen lines, of which soon() asks for all at
  // once; what most officers have few of lies inside.
  Scores scores_;
  std::uint64_t last_order_ = 0, last_at_ = 0;
  std::uint32_t coverage_told_ = 0;  // day of the last review
  std::uint32_t recent_begin_ = 0;
  Few<std::uint64_t, 12> today_;    // distinct citizens of the day, for the friction test
  Few<std::uint64_t, 16> recent_;   // times of the records of 24 h, ascending
  Few<std::uint64_t, 20> sitting_;  // times of the last questions of this sitting
  Week week_;
  Neighbours ring_;
  Coverage coverage_;
};

}  // namespace amanat::detection
