#include "sim/table.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <thread>

#include "net/json.h"

namespace amanat::sim {
namespace {

constexpr double kZ = 1.959963985;

std::string printed(const char* form, ...) {
  char text[400];
  va_list list;
  va_start(list, form);
  std::vsnprintf(text, sizeof text, form, list);
  va_end(list);
  return text;
}

std::vector<unsigned> lost_of(const Outcome& outcome) {
  std::vector<unsigned> lost;
  for (const Loss& l : outcome.losses) lost.push_back(l.lost);
  std::sort(lost.begin(), lost.end());
  return lost;
}

std::uint64_t found_within(const Outcome& outcome, unsigned days) {
  return static_cast<std::uint64_t>(
      std::count_if(outcome.losses.begin(), outcome.losses.end(),
                    [days](const Loss& l) { return l.stopped && l.days <= days; }));
}

// The goals of identity page 3.5, and of the issue where it is the stricter.
struct Goal {
  Kind kind;
  double quantile;
  unsigned most;
};
constexpr Goal kGoals[] = {{Kind::bulk, 0.99, 21},
                           {Kind::five_a_day, 0.9, 20},
                           {Kind::two_a_day, 0.9, 40},
                           {Kind::padding, 0.99, 21},
                           {Kind::enumeration_half, 0.99, 25},
                           {Kind::enumeration_most, 0.99, 25}};

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

}  // namespace

Bounds rate(std::uint64_t events, double exposure) {
  const auto n = static_cast<double>(events);
  const auto edge = [](double k, double z) {
    const double inner = 1 - 1 / (9 * k) + z / (3 * std::sqrt(k));
    return k * inner * inner * inner;
  };
  return {n / exposure, events == 0 ? 0 : edge(n, -kZ) / exposure, edge(n + 1, kZ) / exposure};
}

Bounds share(std::uint64_t hits, std::uint64_t of) {
  if (of == 0) return {0, 0, 1};
  const auto n = static_cast<double>(of);
  const double p = static_cast<double>(hits) / n, z2 = kZ * kZ;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Bounds quantile(const std::vector<unsigned>& values, double q) {
  if (values.empty()) return {};
  const auto n = static_cast<double>(values.size());
  const double spread = kZ * std::sqrt(n * q * (1 - q));
  const auto at = [&](double rank) {
    const double clamped = std::clamp(std::ceil(rank) - 1, 0.0, n - 1);
    return static_cast<double>(values[static_cast<std::size_t>(clamped)]);
  };
  return {at(n * q), at(n * q - spread), at(n * q + spread + 1)};
}

void Run::play(const detection::Tuned& tuned, const Honest& model, unsigned threads,
               const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<Rates> years(seeds);
  outcomes.assign(kKinds, {});
  const std::size_t parts = years.size() + kKinds;
  std::atomic<std::size_t> next{0}, done{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < parts; i = next++) {
      if (i < years.size()) {
        years[i] = work_a_year(tuned, model, officers, first_seed + i);
      } else {
        const auto kind = static_cast<Kind>(i - years.size());
        outcomes[i - years.size()] = {kind, misuse(tuned, model, kind, insiders, days, first_seed)};
      }
      const std::size_t so_far = ++done;
      if (progress) progress(so_far, parts);
    }
  };
  std::vector<std::thread> others;
  for (unsigned t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
  honest = {};
  honest.by_rule.assign(detection::rule_count(), 0);
  for (const Rates& one : years) {
    honest.lookups += one.lookups;
    honest.officer_years += one.officer_years;
    honest.suspensions += one.suspensions;
    honest.friction += one.friction;
    honest.holds += one.holds;
    honest.paced += one.paced;
    honest.reviews += one.reviews;
    honest.seconds += one.seconds;
    for (std::size_t i = 0; i < one.by_rule.size(); ++i) honest.by_rule[i] += one.by_rule[i];
  }
}

std::string as_text(const Run& run, bool& holds) {
  holds = true;
  const Rates& h = run.honest;
  std::string out = printed(
      "%u honest officers x 1 year x %u seeds (from %llu): %llu lookups judged, %.2f million/s\n\n",
      run.officers, run.seeds, static_cast<unsigned long long>(run.first_seed),
      static_cast<unsigned long long>(h.lookups),
      static_cast<double>(h.lookups) / std::max(h.seconds, 1e-9) / 1e6);
  out += "per officer-year            measured    95 % bounds          goal\n";
  const auto line = [&](const char* name, std::uint64_t events, double goal) {
    const Bounds b = rate(events, h.officer_years);
    const bool met = goal <= 0 || b.value <= goal;
    holds = holds && met;
    out += printed("  %-24s  %8.4f    %.4f - %.4f", name, b.value, b.low, b.high);
    out += goal > 0 ? printed("      <= %.3g  %s\n", goal, met ? "holds" : "MISSED") : "\n";
  };
  line("suspensions", h.suspensions, 0.05);
  line("friction", h.friction, 2);
  line("weekly holds", h.holds, 0.2);
  line("days told to wait", h.paced, 0);
  line("reviews", h.reviews, 0);
  for (std::size_t i = 0; i < h.by_rule.size(); ++i)
    // Of pace every single refusal is counted; what an officer notices are the days.
    if (h.by_rule[i] > 0 && static_cast<detection::Rule>(i) != detection::Rule::burst) {
      const std::string name =
          "- " + std::string(detection::row_of(static_cast<detection::Rule>(i)).id);
      line(name.c_str(), h.by_rule[i], 0);
    }
  out += printed("\n%u insiders of each kind, after sixty honest days, up to %u rostered days\n\n",
                 run.insiders, run.days);
  out +=
      "kind               found   in 60 d  in 120 d   lost: median   p90   p99 (bounds)      "
      "goal\n";
  for (const Outcome& o : run.outcomes) {
    const auto lost = lost_of(o);
    const auto all = o.losses.size();
    const Bounds p99 = quantile(lost, 0.99);
    out += printed(
        "  %-16s %5.1f %%  %5.1f %%  %5.1f %%        %6.0f %5.0f %5.0f (%.0f-%.0f)",
        std::string(word_of(o.kind)).c_str(), 100 * share(found_within(o, ~0u), all).value,
        100 * share(found_within(o, 60), all).value, 100 * share(found_within(o, 120), all).value,
        quantile(lost, 0.5).value, quantile(lost, 0.9).value, p99.value, p99.low, p99.high);
    for (const Goal& g : kGoals) {
      if (g.kind != o.kind) continue;
      const bool met = quantile(lost, g.quantile).value <= g.most;
      holds = holds && met;
      out += printed("   p%.0f <= %u %s", 100 * g.quantile, g.most, met ? "holds" : "MISSED");
    }
    if (o.kind == Kind::one_a_day) {
      const bool met = share(found_within(o, 60), all).value >= 0.75 &&
                       (run.days < 120 || share(found_within(o, 120), all).value >= 0.84);
      holds = holds && met;
      out += met ? "   75 % in 60, 84 % in 120 holds" : "   75 % in 60, 84 % in 120 MISSED";
    }
    out += "\n";
  }
  return out;
}

std::string as_json(const Run& run) {
  net::JsonWriter json;
  const auto bounds = [&json](std::string_view key, const Bounds& b) {
    json.key(key).begin_object();
    json.key("value").raw(detection::number_text(b.value));
    json.key("low").raw(detection::number_text(b.low));
    json.key("high").raw(detection::number_text(b.high)).end_object();
  };
  const Rates& h = run.honest;
  json.begin_object().key("officers").number(run.officers).key("seeds").number(run.seeds);
  json.key("first_seed").number(run.first_seed).key("lookups").number(h.lookups);
  json.key("lookups_per_second")
      .number(
          static_cast<std::uint64_t>(static_cast<double>(h.lookups) / std::max(h.seconds, 1e-9)));
  json.key("per_officer_year").begin_object();
  bounds("suspensions", rate(h.suspensions, h.officer_years));
  bounds("friction", rate(h.friction, h.officer_years));
  bounds("weekly_holds", rate(h.holds, h.officer_years));
  bounds("days_told_to_wait", rate(h.paced, h.officer_years));
  bounds("reviews", rate(h.reviews, h.officer_years));
  json.end_object().key("insiders").begin_array();
  for (const Outcome& o : run.outcomes) {
    const auto lost = lost_of(o);
    json.begin_object().key("kind").string(word_of(o.kind)).key("says").string(says(o.kind));
    json.key("insiders").number(o.losses.size()).key("days").number(run.days);
    bounds("found", share(found_within(o, ~0u), o.losses.size()));
    bounds("found_in_60_days", share(found_within(o, 60), o.losses.size()));
    bounds("lost_median", quantile(lost, 0.5));
    bounds("lost_p90", quantile(lost, 0.9));
    bounds("lost_p99", quantile(lost, 0.99));
    json.end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

namespace {

// A white ground of their own: they are looked at on dark pages as well.
std::string svg_begin(const char* title, int width, int height, const std::string& heading) {
  return printed(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
             "font-family=\"sans-serif\" font-size=\"13\">\n<title>%s</title>\n"
             "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
             "<text x=\"%d\" y=\"20\" font-weight=\"bold\">",
             width, height, title, width, height, 10) +
         heading + "</text>\n";
}
constexpr const char *kStoppedAll = "#178a5c", *kStoppedSome = "#c4571b";

}  // namespace

std::string loss_plot(const Run& run) {
  const int row = 34, left = 150, width = 560;
  const int height = 84 + row * static_cast<int>(run.outcomes.size());
  const auto x = [&](double lost) {
    return left + width * std::log10(1 + lost) / std::log10(10'001.0);
  };
  std::string out =
      svg_begin("Citizens lost before the stop", 760, height,
                "Citizens lost before the stop: median (dot), to the 99th percentile (bar)");
  out += printed("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">citizens, by "
                 "powers of ten; orange: not all of these insiders were stopped</text>\n",
                 left + width / 2, height - 8);
  for (const int mark : {0, 10, 20, 50, 100, 1000, 10'000})
    out += printed(
        "<line x1=\"%.0f\" y1=\"32\" x2=\"%.0f\" y2=\"%d\" stroke=\"#ccc\"/>"
        "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%d</text>\n",
        x(mark), x(mark), height - 46, x(mark), height - 30, mark);
  int y = 52;
  for (const Outcome& o : run.outcomes) {
    const auto lost = lost_of(o);
    const bool all = found_within(o, ~0u) == o.losses.size();
    out += printed("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", left - 8, y + 4,
                   xml(word_of(o.kind)).c_str());
    out += printed(
        "<line x1=\"%d\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" "
        "stroke-width=\"10\"/><circle cx=\"%.1f\" cy=\"%d\" r=\"6\" fill=\"#111\"/>\n",
        left, y, x(quantile(lost, 0.99).value), y, all ? kStoppedAll : kStoppedSome,
        x(quantile(lost, 0.5).value), y);
    y += row;
  }
  return out + "</svg>\n";
}

// One small picture a kind: seventeen lines in one would be told apart by colour alone.
std::string found_plot(const Run& run) {
  constexpr int kColumns = 4, kWide = 170, kHigh = 80, kStepX = 205, kStepY = 130, kLeft = 44,
                kTop = 62;
  const auto count = static_cast<int>(run.outcomes.size());
  std::string out = svg_begin(
      "Share of insiders stopped", kLeft + kStepX * kColumns,
      kTop + kStepY * ((count + kColumns - 1) / kColumns) + 8,
      "Share of insiders stopped (0 to 100 %), by rostered days since they began (0 to " +
          std::to_string(run.days) + ")");
  int at = 0;
  for (const Outcome& o : run.outcomes) {
    const int x = kLeft + kStepX * (at % kColumns), y = kTop + kStepY * (at / kColumns);
    const auto high = [&](double part) { return y + kHigh - kHigh * part; };
    out += printed("<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>", x, y - 8,
                   xml(word_of(o.kind)).c_str());
    for (const double part : {0.0, 0.5, 1.0})
      out += printed("<line x1=\"%d\" y1=\"%.0f\" x2=\"%d\" y2=\"%.0f\" stroke=\"#ccc\"/>", x,
                     high(part), x + kWide, high(part));
    for (const int part : {0, 50, 100})
      if (at % kColumns == 0)
        out += printed(
            "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" font-size=\"11\" "
            "fill=\"#555\">%d %%</text>",
            x - 6, high(part / 100.0) + 4, part);
    for (const unsigned day : {0u, run.days / 2, run.days})
      out += printed(
          "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\" font-size=\"11\" "
          "fill=\"#555\">%u</text>",
          x + double{1} * kWide * day / run.days, y + kHigh + 15, day);
    const double end = share(found_within(o, run.days), o.losses.size()).value;
    std::string points;
    for (unsigned d = 0; d <= run.days; ++d)
      points += printed("%.1f,%.1f ", x + double{1} * kWide * d / run.days,
                        high(share(found_within(o, d), o.losses.size()).value));
    // The figure stands where the line is not: under a line that ends high, over one that ends low.
    out += printed("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" points=\"",
                   end == 1 ? kStoppedAll : kStoppedSome) +
           points +
           printed("\"/><text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%.1f %%</text>\n", x + kWide,
                   high(end) + (end > 0.5 ? 20 : -8), 100 * end);
    ++at;
  }
  return out + "</svg>\n";
}

}  // namespace amanat::sim
