#include "sim/leak_runs.h"

namespace amanat::sim {
namespace {

Shape shape(double overlap, unsigned coins) {
  Shape s;
  s.overlap = overlap;
  s.coins = coins;
  return s;
}

Plan plan(unsigned rows, Act act = Act::copies) {
  Plan p;
  p.rows = rows;
  p.act = act;
  return p;
}

Plan colluders(unsigned sources, bool near, unsigned rows, Act act = Act::copies) {
  Plan p = plan(rows, act);
  p.sources = sources;
  p.near = near;
  return p;
}

std::string percent(double share) { return std::to_string(static_cast<int>(share * 100 + .5)); }

void add_single(std::vector<Scenario>& out) {
  struct Line {
    double overlap;
    unsigned coins, rows;
    const char* goal;
  };
  for (const Line& l : {Line{.28, 4, 1, ""}, Line{.28, 4, 5, ""}, Line{.28, 4, 10, "G2"},
                        Line{.28, 4, 100, "G2"}, Line{.5, 4, 10, "G2"}, Line{.75, 4, 10, "G2"},
                        Line{.75, 4, 20, "G2"}, Line{.75, 4, 100, "G2"}, Line{.9, 4, 10, "G2"},
                        Line{.9, 8, 5, "G2"}, Line{.28, 8, 5, "G2"}, Line{.28, 2, 20, "G2"},
                        Line{.9, 2, 20, "G2"}, Line{.28, 1, 50, "G2"}, Line{.9, 1, 50, "G2"}})
    out.push_back({"single, overlap " + percent(l.overlap) + " %, K=" + std::to_string(l.coins),
                   shape(l.overlap, l.coins), plan(l.rows), l.goal, *l.goal != 0 ? .95 : 0});
}

void add_framing(std::vector<Scenario>& out) {
  for (const double overlap : {.28, .75}) {
    const std::string at = ", overlap " + percent(overlap) + " %";
    out.push_back({"framing: only what a colleague saw too" + at, shape(overlap, 4),
                   plan(50, Act::common), "G5", .95});
    Plan planted = plan(50, Act::planted);
    planted.planted = 5;
    out.push_back({"framing, and 5 rows planted" + at, shape(overlap, 4), planted, "G5", .95});
  }
  out.push_back(
      {"half of it off a colleague's screen", shape(.28, 4), plan(40, Act::colleagues), "G5", .95});
}

void add_damage(std::vector<Scenario>& out) {
  Plan p = plan(10, Act::foreign);
  p.foreign = 1;
  out.push_back({"mixed with foreign rows 1:1", shape(.28, 4), p, "", 0});
  p.foreign = 100;
  out.push_back({"mixed with foreign rows 1:100", shape(.28, 4), p, "", 0});
  p.rows = 20;
  out.push_back({"mixed with foreign rows 1:100", shape(.28, 4), p, "G3", .95});
  p.act = Act::diluted;
  p.foreign = 10;
  out.push_back({"mixed 1:10 with made-up rows of the same citizens", shape(.28, 4), p, "", 0});
  for (const auto& [share, rows, goal] :
       {std::tuple{.5, 20u, ""}, {.5, 50u, "G3"}, {.9, 100u, ""}, {.9, 200u, "G3"}}) {
    Plan erased = plan(rows);
    erased.erased = share;
    out.push_back({"coins " + percent(share) + " % erased", shape(.28, 4), erased, goal,
                   *goal != 0 ? .95 : 0});
  }
  for (const auto& [rows, goal] : {std::pair{20u, ""}, {50u, "G3"}}) {
    Plan flipped = plan(rows);
    flipped.flipped = .1;
    out.push_back({"coins 10 % flipped", shape(.28, 4), flipped, goal, *goal != 0 ? .95 : 0});
  }
  for (const Style style : {Style::renamed, Style::retyped, Style::json_lines, Style::sql,
                            Style::chat, Style::merged}) {
    Plan styled = plan(12);
    styled.style = style;
    out.push_back({"file: " + std::string(word_of(style)), shape(.28, 4), styled, "G3", .95});
  }
}

void add_collusion(std::vector<Scenario>& out) {
  struct Line {
    unsigned sources;
    bool near;
    double overlap;
    unsigned rows;
    bool promised;
  };
  for (const Line& l :
       {Line{2, true, .28, 20, false}, Line{2, true, .28, 50, true}, Line{3, true, .28, 50, false},
        Line{3, true, .28, 100, true}, Line{3, true, .75, 200, true},
        Line{5, true, .28, 100, false}, Line{5, true, .28, 200, true},
        Line{5, false, .28, 50, false}, Line{5, false, .28, 100, false},
        Line{10, false, .28, 100, false}, Line{10, false, .28, 200, true}})
    out.push_back({std::to_string(l.sources) + " together, " +
                       (l.near ? "one station" : "five stations") + ", overlap " +
                       percent(l.overlap) + " %",
                   shape(l.overlap, 4), colluders(l.sources, l.near, l.rows),
                   l.promised ? "G4" : "", l.promised ? .95 : 0});
  out.push_back(
      {"5 together, one station, K=8", shape(.28, 8), colluders(5, true, 100), "G4", .95});
  for (const Act act : {Act::vote, Act::minority, Act::blend, Act::differing})
    for (const unsigned sources : {2u, 3u, 5u})
      out.push_back(
          {std::to_string(sources) + " together on shared rows: " + std::string(word_of(act)),
           shape(.5, 4), colluders(sources, true, 100, act), "", 0});
}

void add_others(std::vector<Scenario>& out) {
  out.push_back({"old leak: most was disclosed later", shape(.28, 4), plan(20, Act::old), "", 0});
  Shape restless = shape(.9, 4);
  restless.changes = 12;
  out.push_back({"values change 12 times a year, overlap 90 %", restless, plan(10), "G2", .95});
  out.push_back({"three finds of one source", shape(.28, 4), plan(36, Act::several), "", 0});
  Shape asking = shape(.28, 4);
  asking.again = .9;
  out.push_back({"asked a second time for other coins", asking, plan(12, Act::again), "G3", .95});
  out.push_back(
      {"\"show more\" on half of the coins", shape(.28, 4), plan(50, Act::more), "G3", .95});
  out.push_back({"every coin by lot, both sides seen", shape(.28, 4), plan(100, Act::lots), "", 0});
  for (const Act act :
       {Act::backend_raw, Act::backend_lots, Act::backend_first, Act::backend_framed})
    for (const double overlap : {.28, .9})
      out.push_back(
          {"nobody's copy: " + std::string(word_of(act)) + ", overlap " + percent(overlap) + " %",
           shape(overlap, 4), plan(50, act), "G1", 0});
}

}  // namespace

std::vector<Scenario> scenarios() {
  std::vector<Scenario> out;
  add_single(out);
  add_framing(out);
  add_damage(out);
  add_collusion(out);
  add_others(out);
  return out;
}

}  // namespace amanat::sim
