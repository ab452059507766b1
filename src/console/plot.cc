#include "console/plot.h"

#include <algorithm>
#include <cstdio>

#include "console/parts.h"

namespace amanat::console {
namespace {

constexpr double kWidth = 640, kBase = 140, kTop = 12;

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void rectangle(Html& html, Name kind, double x, double y, double wide, double high) {
  if (high <= 0) return;
  // Closed: what is not would hold, and hide, all that follows it.
  html.open("rect", {{"class", kind.view()},
                     {"x", decimal(x)},
                     {"y", decimal(y)},
                     {"width", decimal(wide)},
                     {"height", decimal(high)}});
  html.close();
}

}  // namespace

Markup bar_plot(const BarPlot& plot, Language language) {
  Html html;
  double most = std::max(plot.level, 1.0);
  for (const Bar& bar : plot.bars) most = std::max(most, double{1} * bar.value);
  const double step = kWidth / static_cast<double>(std::max<std::size_t>(plot.bars.size(), 1));
  const auto y_of = [&](double value) { return kBase - (kBase - kTop) * value / most; };
  html.open("figure");
  html.open(
      "svg",
      {{"viewBox", "0 0 640 160"}, {"role", "img"}, {"aria-label", plot.title}, {"class", "plot"}});
  for (std::size_t i = 0; i < plot.bars.size(); ++i) {
    const double x = step * static_cast<double>(i) + 1, wide = std::max(step - 2, 1.0);
    rectangle(html, "bar", x, y_of(plot.bars[i].value), wide, kBase - y_of(plot.bars[i].value));
    rectangle(html, "marked", x, y_of(plot.bars[i].marked), wide,
              kBase - y_of(plot.bars[i].marked));
  }
  html.open("line", {{"class", "base"},
                     {"x1", "0"},
                     {"x2", decimal(kWidth)},
                     {"y1", decimal(kBase)},
                     {"y2", decimal(kBase)}});
  html.close();
  if (plot.level > 0)
    html.open("line", {{"class", "level"},
                       {"x1", "0"},
                       {"x2", decimal(kWidth)},
                       {"y1", decimal(y_of(plot.level))},
                       {"y2", decimal(y_of(plot.level))}})
        .close();
  html.close();
  html.open("figcaption").text(plot.title);
  if (plot.level > 0) html.text(" · ").text(say(Word::peers_level, language, decimal(plot.level)));
  html.close();
  html.open("details").element("summary", say(Word::figures, language));
  if (plot.marked) {
    Table table(html, plot.title, {Word::day, plot.value, *plot.marked}, language);
    for (const Bar& bar : plot.bars)
      table.row().text(bar.name).value(std::to_string(bar.value)).value(std::to_string(bar.marked));
    table.end();
  } else {
    Table table(html, plot.title, {Word::day, plot.value}, language);
    for (const Bar& bar : plot.bars) table.row().text(bar.name).value(std::to_string(bar.value));
    table.end();
  }
  html.close().close();
  return html.take();
}

Markup share_plot(const SharePlot& plot, Language language) {
  constexpr double kRow = 34, kBar = 22;
  Html html;
  std::uint64_t most = 1;
  for (const auto& row : plot.rows) most = std::max({most, row.whole, row.part});
  const auto wide = [&](std::uint64_t n) {
    return kWidth * static_cast<double>(n) / static_cast<double>(most);
  };
  const std::string height = decimal(kRow * static_cast<double>(plot.rows.size()));
  html.open("figure");
  html.open("svg", {{"viewBox", "0 0 640 " + height},
                    {"role", "img"},
                    {"aria-label", plot.title},
                    {"class", "plot"}});
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const double y = kRow * static_cast<double>(i) + (kRow - kBar) / 2;
    rectangle(html, "bar", 0, y, wide(plot.rows[i].whole), kBar);
    rectangle(html, "marked", 0, y, wide(plot.rows[i].part), kBar);
  }
  html.close();
  Table table(html, plot.title, {Word::account, plot.part, plot.whole}, language);
  for (const auto& row : plot.rows)
    table.row().value(row.name).value(std::to_string(row.part)).value(std::to_string(row.whole));
  table.end();
  html.close();
  return html.take();
}

}  // namespace amanat::console
