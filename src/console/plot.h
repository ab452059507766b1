#pragma once
// console, plots: small drawings made by the server as SVG, each with its figures as a table beside
// it, because a drawing says nothing to whoever cannot see it. Colours come from the stylesheet.
// Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "console/html.h"
#include "console/words.h"

namespace amanat::console {

/// Bar is one day: how many, and how many of those with a mark of their own (unexplained).
struct Bar {
  std::string name;  // "22 November 2026"
  unsigned value = 0, marked = 0;
};

/// BarPlot is days side by side, with the level of the peers across.
struct BarPlot {
  std::vector<Bar> bars;
  double level = 0;  // of the peers; 0: none
  std::string title;
  Word value = Word::citizens;
  std::optional<Word> marked = Word::unexplained;  // nothing: no bar has marked ones
};

/// bar_plot draws it and puts the table under a disclosure.
Markup bar_plot(const BarPlot& plot, Language language);

/// SharePlot is parts of wholes, a row each.
struct SharePlot {
  struct Row {
    std::string name;  // left to right
    std::uint64_t part = 0, whole = 0;
  };
  std::vector<Row> rows;
  std::string title;
  Word part{}, whole{};
};
/// share_plot draws it, the same way.
Markup share_plot(const SharePlot& plot, Language language);

}  // namespace amanat::console
