#pragma once
// sim, force: invented officers, honest and not, who put their lookups to the very verdict function
// the exchange calls (detection/habits.h). Everything follows from one seed. Model: identity page
// 3.4; what is assumed is in Honest, and none of it is field data.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detection/habits.h"

namespace amanat::sim {

/// Dice is a small generator (splitmix64): the same seed, the same year.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  std::uint64_t next();
  double unit();  // (0, 1)
  bool chance(double p) { return unit() < p; }
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  double normal();
  unsigned poisson(double mean);
  unsigned negative_binomial(double mean, double shape);

 private:
  std::uint64_t state_;
};

/// Honest is how honest officers work.
struct Honest {
  double median_a_day = 6, sigma_within = 0.6, sigma_between = 0.5, shape = 3;
  double operation_share = 0.02, operation_times = 4, announced = 0.5;
  double idle_share = 0.1;
  double unexplained = 0.05;
  double bursts_a_year = 2, burst_size = 6;
  double absent = 0.03;
  // Where and when they work; the roster knows of postings and of extra shifts, but not of these:
  // a day at another station 200 km away, a question from there within the hour of one at home, an
  // evening two hours and more beyond the shift, a second device of the own within a minute.
  double visits_a_year = 0.03, hops_a_year = 0.01, late_days_a_year = 1, other_device_a_year = 0.01;
  unsigned unit_size = 50, rostered_days = 246;
  unsigned before = 60;  // rostered days in service before the year that is counted
};

/// Kind is a way of misuse.
enum class Kind : std::uint8_t {
  bulk,  // as fast as pace lets through
  twenty_a_day,
  five_a_day,
  two_a_day,
  one_a_day,
  half_a_day,
  forty_explained,   // forty a day inside every quota, in cases padded with names
  enumeration_half,  // numbers tried out, half of them nobody's
  enumeration_most,  // nine of ten nobody's
  walk,              // along existing numbers, four a day
  split_in_unit,     // the list of walk, shared out among five of one unit, one a day each
  split_in_case,     // the same, shared out among five of different units who work on one case
  padding,           // twenty a day out of a case that names sixty
  ex_partner,        // one citizen again and again: once a day
  celebrity,         // one citizen, whom many officers ask for once each, every third day one
  shared_login,      // ten people on one account, each with a device of the account
  displaced_login    // another's account while its officer is away: eight a day
};
inline constexpr std::size_t kKinds = 17;
std::string_view word_of(Kind kind);
std::string_view says(Kind kind);

/// Rates is what honest officers met.
struct Rates {
  std::uint64_t lookups = 0;
  double officer_years = 0;
  std::uint64_t suspensions = 0, friction = 0, holds = 0, reviews = 0;
  std::uint64_t paced = 0;             // days on which somebody was told to wait
  std::vector<std::uint64_t> by_rule;  // indexed by detection::Rule
  double seconds = 0;
};

/// Loss is what became of one insider.
struct Loss {
  // Citizens disclosed before the stop; of ex_partner how often the one was, of celebrity to how
  // many officers, of shared_login what was answered to the nine others.
  unsigned lost = 0;
  unsigned days = 0;  // rostered days until the stop
  bool stopped = false;
  detection::Rule rule{};
};

/// work_a_year lets `officers` honest officers work for a year, at stations of its own.
Rates work_a_year(const detection::Tuned& parameters, const Honest& honest, unsigned officers,
                  std::uint64_t seed);

/// misuse lets insiders of one kind begin after sixty honest days, for `days` rostered days.
std::vector<Loss> misuse(const detection::Tuned& tuned, const Honest& honest, Kind kind,
                         unsigned insiders, unsigned days, std::uint64_t seed);

}  // namespace amanat::sim
