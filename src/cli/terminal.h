#pragma once
// cli, terminal: how output looks. Colours and progress go to a terminal only; a pipe gets plain
// text. Pure functions but for Progress, which one thread uses.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

namespace amanat::cli {

enum class Paint : std::uint8_t { strong, faint, good, bad, name };

/// painted puts colour around text if the manner has any.
std::string painted(const Manner& manner, Paint paint, std::string_view text);

/// grouped writes a number with commas: 12,345.
std::string grouped(std::uint64_t number);

/// seconds writes a duration for people: "0.42 s", "85 ms".
std::string seconds(double s);

/// width_of counts columns of UTF-8 text: code points without combining marks and colours.
std::size_t width_of(std::string_view text);

/// visible makes text from outside safe to print: control bytes become '?', so that no record can
/// move the cursor or change the terminal.
std::string visible(std::string_view text);

/// Columns aligns rows of cells.
class Columns {
 public:
  enum class Align : std::uint8_t { left, right };
  explicit Columns(std::vector<Align> aligns = {}) : aligns_(std::move(aligns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string render(std::string_view indent = "") const;

 private:
  std::vector<Align> aligns_;
  std::vector<std::vector<std::string>> rows_;
};

/// wrapped breaks text at spaces so that no line is longer than `width`, each after `indent`.
std::string wrapped(std::string_view text, std::size_t width, std::string_view indent);

/// Progress draws one line on standard error, at most ten times a second, and wipes it at the end.
class Progress {
 public:
  Progress(const Manner& manner, const Emit& emit, std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// show draws `done` of `total` (0: unknown) and a count of what is done.
  void show(std::uint64_t done, std::uint64_t total, std::uint64_t count, std::string_view unit);

 private:
  bool on_;
  bool drawn_ = false;
  const Emit& emit_;
  std::string label_;
  std::chrono::steady_clock::time_point began_, last_;
};

}  // namespace amanat::cli
