#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "net/json.h"
#include "sim/leak_runs.h"

namespace amanat::sim {
namespace {

std::string printed(const char* form, ...) {
  char text[400];
  va_list list;
  va_start(list, form);
  std::vsnprintf(text, sizeof text, form, list);
  va_end(list);
  return text;
}

double percent(std::uint64_t hits, std::uint64_t of) { return 100 * share(hits, of).value; }

std::string pair_of(std::uint64_t hits, std::uint64_t wrong, std::uint64_t of) {
  return printed("%5.1f/%-5.1f", percent(hits, of), percent(wrong, of));
}

// Met: the share itself reaches what is promised; in short runs the bounds say how much that is.
bool met(const Played& played) {
  const Tally& t = played.tally;
  const bool foreign_holds =
      std::all_of(t.b_fault.begin(), t.b_fault.end(), [](std::uint64_t n) { return n == 0; });
  return t.wrong == 0 && t.from_nobody_named == 0 && t.b_fault_true == 0 && foreign_holds &&
         share(t.hit, t.leaks).value >= played.scenario.hit_least;
}

std::string line_of(const Played& played) {
  const Tally& t = played.tally;
  const Bounds hit = share(t.hit, t.leaks);
  std::string out = printed(
      "  %-50.50s %5u %6.1f  %5.1f  %s  ", played.scenario.name.c_str(), played.scenario.plan.rows,
      static_cast<double>(t.candidates) / static_cast<double>(t.leaks),
      percent(t.overlap_wrong, t.leaks), pair_of(t.formula_hit, t.formula_wrong, t.leaks).c_str());
  for (std::size_t i = 0; i < 4; ++i) out += pair_of(t.b_hit[i], t.b_wrong[i], t.leaks) + " ";
  out += printed(" %3llu   %5.1f (%5.1f-%5.1f) %5.1f  %3llu",
                 static_cast<unsigned long long>(t.b_fault_true), 100 * hit.value, 100 * hit.low,
                 100 * hit.high, percent(t.all, t.leaks), static_cast<unsigned long long>(t.wrong));
  if (*played.scenario.goal != 0) {
    out += std::string("  ") + played.scenario.goal;
    if (played.scenario.hit_least > 0) out += printed(" >= %.0f", 100 * played.scenario.hit_least);
    out += met(played) ? " holds" : " MISSED";
  } else if (!met(played)) {
    out += "  MISSED";
  }
  return out + "\n";
}

std::string calibration_text(const Calibration& c, bool& holds) {
  std::string out = printed(
      "\n%llu small leaks of all kinds (%llu of nobody's copy), %.0f s, %.0f/s\n\n"
      "                              innocents named   one-sided 99 %% bound     goal\n",
      static_cast<unsigned long long>(c.null.leaks + c.guilty.leaks),
      static_cast<unsigned long long>(c.null.leaks), c.seconds,
      static_cast<double>(c.null.leaks + c.guilty.leaks) / std::max(c.seconds, 1e-9));
  const auto line = [&](const char* who, double alpha, const Tally& t, std::uint64_t wrong) {
    const double most = below(wrong, t.leaks);
    const bool fits = alpha < 1e-6 ? wrong == 0 : most <= alpha;
    holds = holds && (fits || t.leaks == 0);
    out += printed("  %-16s alpha %-6.2g %10llu        %.3g %%", who, alpha,
                   static_cast<unsigned long long>(wrong), 100 * most);
    out += alpha < 1e-6
               ? printed("            0 %s\n", fits ? "holds" : "MISSED")
               : printed("            <= %.2g %% %s\n", 100 * alpha, fits ? "holds" : "MISSED");
  };
  for (const auto& [who, t] :
       {std::pair{"nobody's copy", &c.null}, {"somebody's copy", &c.guilty}}) {
    line(who, 1e-9, *t, t->wrong);
    for (std::size_t i = 0; i < kLevels.size(); ++i) line(who, kLevels[i], *t, t->wrong_at[i]);
  }
  return out +
         printed("  sources named in %.1f %% of somebody's small leaks; bound spent: %llu x 1e-9\n",
                 percent(c.guilty.hit, c.guilty.leaks),
                 static_cast<unsigned long long>(c.null.rounds + c.guilty.rounds));
}

}  // namespace

std::string leaks_text(const std::vector<Played>& results, const Calibration& calibration,
                       std::uint64_t seed, bool& holds) {
  holds = true;
  std::string out;
  if (!results.empty()) {
    out += printed(
        "%llu leaks of each scenario, seed %llu. Percent, hit/false: a source named (needed) / an "
        "innocent account\n"
        "overlap, formula: what counting would say (no evidence). B: needed at c, b = 0; faults: "
        "innocents needed\n"
        "though its assumption was true. A: tier A at 1e-9 (95 %% bounds); all: every source; "
        "false: leaks\n\n",
        static_cast<unsigned long long>(results[0].tally.leaks),
        static_cast<unsigned long long>(seed));
    out += printed(
        "  %-50s  rows    N_c overlap formula      B c=1       c=2         c=3         "
        "c=5     faults  A: hit               all false  goal\n",
        "scenario");
    for (const Played& p : results) {
      out += line_of(p);
      holds = holds && met(p);
    }
  }
  if (calibration.null.leaks + calibration.guilty.leaks > 0)
    out += calibration_text(calibration, holds);
  return out;
}

std::string leaks_json(const std::vector<Played>& results, const Calibration& calibration,
                       std::uint64_t seed) {
  net::JsonWriter json;
  const auto tally = [&json](const Tally& t) {
    json.key("leaks").number(t.leaks).key("named_a_source").number(t.hit);
    json.key("named_every_source").number(t.all).key("named_an_innocent").number(t.wrong);
    json.key("innocents_at_5_percent").number(t.wrong_at[0]);
    json.key("innocents_at_50_percent").number(t.wrong_at[1]);
    json.key("candidates").number(t.candidates).key("evaluations").number(t.rounds);
  };
  json.begin_object().key("seed").number(seed).key("scenarios").begin_array();
  for (const Played& p : results) {
    json.begin_object().key("name").string(p.scenario.name).key("goal").string(p.scenario.goal);
    json.key("rows").number(p.scenario.plan.rows);
    tally(p.tally);
    json.key("needed_faults").number(p.tally.b_fault_true);
    json.key("most_overlap_wrong").number(p.tally.overlap_wrong);
    json.key("formula_hit").number(p.tally.formula_hit);
    json.key("formula_wrong").number(p.tally.formula_wrong).key("needed").begin_array();
    constexpr unsigned kSources[] = {1, 2, 3, 5};
    for (std::size_t i = 0; i < 4; ++i) {
      json.begin_object().key("c").number(kSources[i]).key("hit").number(p.tally.b_hit[i]);
      json.key("wrong").number(p.tally.b_wrong[i]).end_object();
    }
    json.end_array().key("holds").boolean(met(p)).end_object();
  }
  json.end_array().key("nobodys").begin_object();
  tally(calibration.null);
  json.end_object().key("somebodys").begin_object();
  tally(calibration.guilty);
  json.end_object().end_object();
  return json.take() + "\n";
}

}  // namespace amanat::sim
