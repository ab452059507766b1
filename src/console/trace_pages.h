#pragma once
// console, pages of a leaked file: all of them, and one from its arrival to its evidence, as a list
// of steps. They hold no value of the file: what they show was counted. Pure functions.

#include <optional>
#include <string>
#include <vector>

#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"
#include "console/plot.h"

namespace amanat::console {

/// TraceStage is how far the work on a file is.
enum class TraceStage : std::uint8_t {
  receiving,
  reading,
  waiting,
  sealing,
  unlocking,
  weighing,
  closed,
  cancelled,
  failed
};

/// TraceLine is one leaked file in the list.
struct TraceLine {
  std::string id, name;
  TraceStage stage{};
  Moment begun{};
};
/// traces_page lists them, newest first, and takes a new one where none is being worked on.
std::string traces_page(const Reader& reader, const std::vector<TraceLine>& traces, Zone zone,
                        const ReasonRow* why);

/// TraceRead is what reading and matching found.
struct TraceRead {
  std::uint64_t rows = 0, rows_with_identifiers = 0, rows_matched = 0, rows_as_evidence = 0,
                citizens = 0, coins_read = 0, accounts_under_test = 0;
  std::string sha256;
  std::vector<std::string> unread;  // parts that could not be read, and why
};
/// NamedCopy is an account whose copy the file is.
struct NamedCopy {
  std::string account, tier, bits, shown_by;
  std::uint64_t coins = 0, agreeing = 0, citizens = 0, decoys = 0;
};
/// TraceMargin is what it would take to clear an account (tier B).
struct TraceMargin {
  std::string account, foreign_rows, same_rows_as;
  std::uint64_t sources = 0, unexplained = 0;
};
/// TraceVerdict is what the numbers say.
struct TraceVerdict {
  std::vector<NamedCopy> copies;
  std::string bound_bits, not_before;
  std::uint64_t evaluations = 0, rows = 0, sourced = 0, foreign = 0, unknown = 0, coins_read = 0,
                coins_erased = 0;
  std::vector<TraceMargin> margins;
  std::vector<std::pair<std::string, std::uint64_t>> days;  // rows by the day each was first had
  std::vector<std::string> leads;                           // in English
};
/// TraceEvent is a step that was recorded.
struct TraceEvent {
  Word what{};
  std::string by;
  std::optional<std::uint64_t> entry;
  std::optional<Moment> at;
};

/// ShownTrace is one leaked file.
struct ShownTrace {
  std::string id, name, brought_by, leak_day, trouble;
  TraceStage stage{};
  std::uint64_t bytes = 0, done = 0, total = 0;
  std::vector<std::string> opened_by;
  std::vector<TraceEvent> events;
  std::optional<TraceRead> read;
  std::optional<TraceVerdict> verdict;
  bool bundle = false, opened_by_reader = false, refreshes = false;
};
std::string trace_page(const Reader& reader, const ShownTrace& trace, Zone zone,
                       const ReasonRow* why);
/// is_at_work says that the exchange goes on by itself: the page asks for itself again.
bool is_at_work(TraceStage stage);

}  // namespace amanat::console
