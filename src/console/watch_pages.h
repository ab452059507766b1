#pragma once
// console, pages of those who watch: operations announced beforehand, what shows over weeks and
// between officers, and a supervisor's own unit this week. They name accounts and no citizen. Pure
// functions.

#include <string>
#include <utility>
#include <vector>

#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"

namespace amanat::console {

/// ShownOperation is a time in which a unit meets strangers by its order.
struct ShownOperation {
  std::string unit, by;
  Moment from{}, until{};
  std::uint64_t entry = 0;
};
/// operations_page lists those in force or to come; with a unit, one may be announced for it.
std::string operations_page(const Reader& reader, const std::vector<ShownOperation>& operations,
                            std::string_view unit, Zone zone, const ReasonRow* why);

/// ShownFinding is one thing a report tells of officers.
struct ShownFinding {
  std::string says, numbers, score;
  std::vector<std::string> accounts;
  std::vector<std::uint64_t> entries;
};
/// ShownReport is a period's.
struct ShownReport {
  std::string from, to;  // as days, YYYY-MM-DD
  bool being_made = false;
  bool made = false;
  const ReasonRow* failed = nullptr;
  std::uint64_t lookups = 0, officers = 0;
  std::vector<ShownFinding> findings;
  std::vector<std::pair<std::string, std::uint64_t>> alerts;  // rule in words, how many
};
std::string report_page(const Reader& reader, const ShownReport& report, bool refreshes,
                        const ReasonRow* why);

/// TeamOfficer is one officer of the unit.
struct TeamOfficer {
  std::string account;
  std::uint64_t shown = 0, refused = 0;                           // in seven days
  std::vector<std::pair<std::string, std::uint64_t>> by_purpose;  // in words, in seven days
  std::vector<std::string> unused;                                // purposes held, in thirty days
  double a_day = 0, peers_a_day = 0;
};
struct Team {
  std::string department, unit;
  std::vector<TeamOfficer> officers;
  bool cut = false;  // more happened than was counted
};
std::string team_page(const Reader& reader, const Team& team);

}  // namespace amanat::console
