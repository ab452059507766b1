#pragma once
// detection, report: what shows only over weeks and between officers: groups, shared and split
// lists, approvals among themselves, and whom an officer's citizens are compared with those of the
// peers. Feeds people, never a refusal. The same facts in the same order give the same bits. Not
// thread-safe: one report, one thread.
//
// Memory: an officer's month takes 8 KB of names, at most 24 KB of asking order and 32 KB of
// distinct citizens; a citizen asked for without a case, 12 officers.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "detection/habits.h"

namespace amanat::detection {

inline constexpr std::size_t kAgeBands = 5;  // below 18, 30, 45, 60, and above
enum class Sex : std::uint8_t { unknown, male, female };

/// Shown is one disclosure to an officer, with what the registers say of the citizen now.
struct Shown {
  std::uint64_t entry = 0, at = 0;
  AccountId account{};
  std::string unit;
  std::uint64_t subject = 0;  // as in Look
  Why why = Why::unexplained;
  std::uint64_t place = 0;  // of the citizen's number among all; 0: not known
  Sex sex = Sex::unknown;
  std::uint8_t age_band = kAgeBands;  // kAgeBands: not known
  bool own_address = false;           // lives, or lived, where the officer does
};

/// Approved is one approval that was given.
struct Approved {
  std::uint64_t entry = 0, at = 0, asked = 0;
  AccountId approver{}, asker{};
};

/// Found is one thing that a report tells, with the numbers it rests on.
struct Found {
  Rule rule{};
  double score = 0, threshold = 0;
  std::vector<AccountId> accounts;     // ascending
  std::vector<std::uint64_t> entries;  // ascending, at most 64
  std::string numbers;                 // what was counted, in words; no citizen
};

class Report {
 public:
  explicit Report(const Tuned& tuned) : tuned_(tuned) {}
  /// take counts one fact; in the order of the ledger.
  void take(const Shown& shown);
  void take(const Approved& approved);
  /// found judges what was taken: by rule, then by account.
  std::vector<Found> found() const;

 private:
  static constexpr std::size_t kOrderMost = 1024, kDistinctMost = 2000, kAskersMost = 12;
  struct Step {
    std::uint64_t place, entry, subject;
  };
  struct Month {
    std::string unit;
    Kmv strangers;
    std::vector<Step> order;  // of strangers, each once
    std::unordered_set<std::uint64_t> distinct;
    std::array<unsigned, 3> sexes{};
    std::array<unsigned, kAgeBands> ages{};
    std::vector<std::uint64_t> own_address;  // entries
  };
  struct Askers {
    std::vector<AccountId> accounts;
    std::vector<std::uint64_t> entries;
  };
  struct Pair {
    unsigned approvals = 0, odd = 0;  // odd: fast or at night
    std::vector<std::uint64_t> entries;
  };
  using Months = std::map<AccountId, Month>;
  void groups(std::vector<Found>& out) const;
  void overlaps(std::vector<Found>& out) const;
  void splits(std::vector<Found>& out) const;
  void rings(std::vector<Found>& out) const;
  void skews(std::vector<Found>& out) const;
  void addresses(std::vector<Found>& out) const;
  bool is_night(std::uint64_t at) const;

  const Tuned& tuned_;
  Months months_;
  std::unordered_map<std::uint64_t, Askers> strangers_;        // by citizen
  std::map<std::pair<AccountId, AccountId>, Pair> approvals_;  // approver, asker
};

}  // namespace amanat::detection
