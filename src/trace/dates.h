#pragma once
// trace, dates: dates in leaked cells. Which number is the day is decided per column, never per
// cell (docs/trace-reading.md). Pure functions, thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace amanat::trace {

enum class DateForm : std::uint8_t {
  iso,      // 2026-11-22, with a time or without
  numbers,  // 22-11-2026, 11/22/2026, 22.11.26: two numbers and a year
  words,    // 22 Nov 2026, Nov 22, 2026
  compact,  // 20261122, 20261122143500
  serial    // a spreadsheet's days since 1899-12-30
};

/// DateCell is a cell read as a date. Of `numbers`, first and second are as they stand.
struct DateCell {
  DateForm form{};
  unsigned first = 0, second = 0;  // others: month, day
  unsigned year = 0;
};

/// read_date reads a cell that is a date and nothing else (a time may follow).
std::optional<DateCell> read_date(std::string_view cell);

enum class DateOrder : std::uint8_t { day_first, month_first };

/// DateOrders collects what the cells of one column say.
class DateOrders {
 public:
  void see(const DateCell& cell);
  /// order is month_first only if some cell demands it and none forbids it.
  DateOrder order() const;
  /// decided says that some cell has a number above 12 and none contradicts it.
  bool decided() const { return (day_first_ > 0) != (month_first_ > 0); }
  bool contradictory() const { return day_first_ > 0 && month_first_ > 0; }

 private:
  std::uint64_t day_first_ = 0, month_first_ = 0;
};

/// canonical_date is YYYY-MM-DD, or empty if there is no such day.
std::string canonical_date(const DateCell& cell, DateOrder order);

}  // namespace amanat::trace
