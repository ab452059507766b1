#include "sim/force.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <ctime>
#include <memory>

#include "detection/state.h"
#include "model/insist.h"

namespace amanat::sim {

using detection::Company;
using detection::Habits;
using detection::kDayMs;
using detection::Look;
using detection::Rule;
using detection::Tier;
using detection::Tuned;
using detection::Why;

std::uint64_t Dice::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
double Dice::unit() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
double Dice::normal() {
  return std::sqrt(-2 * std::log(unit())) * std::cos(6.283185307179586 * unit());
}
unsigned Dice::poisson(double mean) {
  if (mean > 60)
    return static_cast<unsigned>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
  const double least = std::exp(-mean);
  unsigned n = 0;
  for (double p = unit(); p > least; p *= unit()) ++n;
  return n;
}
unsigned Dice::negative_binomial(double mean, double shape) {
  // Gamma of integer shape as a sum of exponentials, then Poisson.
  double sum = 0;
  for (int i = 0; i < static_cast<int>(shape); ++i) sum -= std::log(unit());
  return poisson(mean * sum / shape);
}

std::string_view word_of(Kind kind) {
  static constexpr std::string_view kWords[kKinds] = {
      "bulk",          "+20/day",       "+5/day",          "+2/day",          "+1/day",
      "+0.5/day",      "40/day-padded", "enumeration-50%", "enumeration-90%", "walk",
      "split-in-unit", "split-in-case", "padding",         "ex-partner",      "celebrity",
      "shared-login",  "displaced"};
  return kWords[static_cast<std::size_t>(kind)];
}
std::string_view says(Kind kind) {
  static constexpr std::string_view kSays[kKinds] = {
      "copies as fast as pace lets through",
      "twenty citizens a day that no case explains",
      "five a day",
      "two a day",
      "one a day",
      "one every other day",
      "forty a day inside every quota, in cases that name forty each",
      "tries numbers out; half are nobody's",
      "tries numbers out; nine of ten are nobody's",
      "walks along existing numbers, four a day",
      "five officers of a unit share out such a walk, one a day each",
      "five officers of five units share out such a walk in one case",
      "twenty a day out of a case that names sixty",
      "one citizen, once a day (lost: how often)",
      "one citizen, asked for by another officer every third day (lost: by how many)",
      "ten people on one account, each with a device of it (lost: what nine were answered)",
      "another's account while its officer is away, eight a day"};
  return kSays[static_cast<std::size_t>(kind)];
}

namespace {

constexpr std::uint64_t kStart = 1'767'207'600'000;  // 2026-01-01 00:00 at +5 h

// One officer at work. The unit's peers and ring are shared.
class Desk {
 public:
  Desk(const Tuned& tuned, const Honest& honest, double unit_mean, Dice& dice)
      : tuned_(tuned),
        honest_(honest),
        dice_(dice),
        mean_(unit_mean * std::exp(honest.sigma_within * dice.normal())),
        whereabouts_(std::bit_cast<std::uint64_t>(mean_)) {}

  struct Said {
    bool released = false;
    detection::Trip trip{};
  };

  // ask puts one lookup to the verdict, exactly as Detection does.
  Said ask(Look look, const Company& company, Rates* rates) {
    look.order = ++order_;
    if (const auto covered = habits_.advance(tuned_, look.at, company.peers)) {
      told_ = true;
      if (rates) count(covered->rule, *rates);
    }
    const auto tried = habits_.judge(tuned_, {&look, 1}, company);
    if (!tried.trip) {
      habits_.apply(tuned_, {&look, 1}, tried, company);
      return {true, {}};
    }
    if (!tried.trip->repeated) {
      if (rates) count(tried.trip->rule, *rates);
      if (row_of(tried.trip->rule).tier == Tier::friction)
        habits_.ask_friction(tried.trip->rule, look.at);
    }
    return {false, *tried.trip};
  }

  // persist asks again with a touch and a reason, where that is what is asked for.
  Said persist(Look look, const Company& company, Rates* rates) {
    Said said = ask(look, company, rates);
    if (!said.released && row_of(said.trip.rule).tier == Tier::friction) {
      look.at += 15'000;
      look.fresh = true;
      said = ask(look, company, rates);
    }
    return said;
  }

  static void count(Rule rule, Rates& rates) {
    ++rates.by_rule[static_cast<std::size_t>(rule)];
    const Tier tier = row_of(rule).tier;
    if (rule == Rule::burst) return;  // counted by the day
    if (tier >= Tier::close_class)
      ++rates.suspensions;
    else if (tier == Tier::hold)
      ++rates.holds;
    else if (tier == Tier::friction)
      ++rates.friction;
    else
      ++rates.reviews;
  }

  Look citizen(std::uint64_t at, bool explained) {
    Look look;
    look.at = at;
    look.subject = dice_.next();
    look.why = explained ? Why::named : Why::unexplained;
    look.near = near_of(dice_.below(10) * 10'000'000 + dice_.below(10'000'000));
    return look;
  }

  static detection::Near near_of(std::uint64_t serial) {
    const auto named = [](std::uint64_t tens) {
      std::uint64_t z = (tens + 1) * 0x9e3779b97f4a7c15ull;
      z = (z ^ (z >> 29)) * 0xbf58476d1ce4e5b9ull;
      return (z ^ (z >> 32)) & ~std::uint64_t{15};
    };
    detection::Near near;
    near.below = named(serial / 10 - 1);
    near.here = named(serial / 10);
    near.above = named(serial / 10 + 1);
    near.digit = static_cast<std::uint8_t>(serial % 10);
    near.known = true;
    return near;
  }

  // day plans a day's ordinary lookups: times ascending within an eight-hour shift.
  void day(std::uint32_t day, std::vector<Look>& plan) {
    plan.clear();
    if (dice_.chance(honest_.idle_share)) return;
    const bool operation = dice_.chance(honest_.operation_share);
    const bool announced = operation && dice_.chance(honest_.announced);
    const unsigned n =
        dice_.negative_binomial(mean_ * (operation ? honest_.operation_times : 1), honest_.shape);
    const std::uint64_t begin = kStart + day * kDayMs + 8 * detection::kHourMs;
    std::uint64_t at = begin + dice_.below(300'000);
    const double gap = 8.0 * 3.6e6 / (n + 1);
    for (unsigned i = 0; i < n; ++i) {
      at +=
          4000 + static_cast<std::uint64_t>(-std::log(dice_.unit()) * std::max(gap - 4000, 1000.0));
      Look look = citizen(at, !dice_.chance(honest_.unexplained));
      look.exists = !dice_.chance(honest_.absent);
      look.announced = announced;
      plan.push_back(look);
    }
    // A hurry: some citizens in a row before their case is on file.
    if (n > 0 && dice_.chance(honest_.bursts_a_year / honest_.rostered_days / 0.9)) {
      for (unsigned i = 0; i < static_cast<unsigned>(honest_.burst_size); ++i) {
        at += 20'000 + dice_.below(60'000);
        plan.push_back(citizen(at, false));
      }
    }
  }

  // places says where and when the planned day is worked; `order` of a lookup is its device then.
  void places(const Tuned& tuned, std::uint32_t day, std::vector<Look>& plan) {
    const std::uint64_t home = tuned.stations.zone_named("home");
    const std::uint64_t other = tuned.stations.zone_named("other");
    for (Look& look : plan) look.zone = home;
    if (plan.empty()) return;
    const double days = honest_.rostered_days * (1 - honest_.idle_share);
    const auto visit = [&](Look& look) {
      look.zone = other;
      look.away = true;
    };
    const double dice = whereabouts_.unit() * days;
    double until = honest_.visits_a_year;
    if (dice < until) {
      for (Look& look : plan) visit(look);
    } else if (dice < (until += honest_.hops_a_year)) {
      visit(plan.back());
      if (plan.size() > 1)
        plan.back().at =
            std::max(plan.back().at, plan[plan.size() - 2].at) + detection::kHourMs / 4;
    } else if (dice < (until += honest_.late_days_a_year)) {
      Look late = citizen(kStart + day * kDayMs + 19 * detection::kHourMs, true);
      late.at = std::max(late.at, plan.back().at + 60'000);
      late.off_duty = true;
      late.zone = home;
      plan.push_back(late);
    } else if (dice < until + honest_.other_device_a_year) {
      Look again = plan.back();
      again.order = 1;
      again.at += 30'000;
      plan.push_back(again);
    }
  }

  // asked_in_place is persist() with what the exchange judges besides the habits: the device, and
  // the roster's hours.
  Said asked_in_place(detection::Detection::State& rules, Look look, const Company& company,
                      Rates* rates) {
    Actor actor;
    actor.thumbprint[0] = static_cast<std::uint8_t>(look.order);
    if (const auto trip = rules.places_trip(officer_, actor, look)) {
      if (rates) count(trip->rule, *rates);
      habits_.ask_friction(trip->rule, look.at);
      look.at += 15'000;
      look.fresh = true;
    }
    const Said said = persist(look, company, rates);
    if (!said.released) return said;
    officer_.device = actor.thumbprint;
    officer_.device_at = look.at;
    if (look.off_duty) {
      rules.note_off_duty(officer_, Asker{}, Question{}, look);
      for (const detection::Alert& alert : rules.outbox)
        if (rates) count(alert.rule, *rates);
      rules.outbox.clear();
    }
    return said;
  }

  double mean() const { return mean_; }
  Habits& habits() { return habits_; }
  bool told() const { return told_; }  // a review was raised

 private:
  const Tuned& tuned_;
  const Honest& honest_;
  Dice& dice_;
  double mean_;
  Dice whereabouts_;  // of its own: what is asked does not depend on where from
  std::uint64_t order_ = 0;
  bool told_ = false;
  detection::Officer officer_;
  Habits& habits_ = officer_.habits;
};

// Which calendar day the d-th rostered day is: five a week.
std::uint32_t calendar(unsigned d) { return d / 5 * 7 + d % 5; }

struct Unit {
  detection::Peers peers;
  detection::Shared shared;
  double mean = 0;
};

double processor_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

double unit_mean(const Honest& honest, Dice& dice) {
  return honest.median_a_day * std::exp(honest.sigma_between * dice.normal());
}

}  // namespace

namespace {

// Two stations 200 km apart, so that the rules about places are judged.
constexpr std::string_view kStations =
    "[[station]]\nname = \"home\"\nlatitude = \"31.5\"\nlongitude = \"74.3\"\n"
    "networks = [\"10.1.0.0/16\"]\n"
    "[[station]]\nname = \"other\"\nlatitude = \"33.3\"\nlongitude = \"74.3\"\n"
    "networks = [\"10.2.0.0/16\"]\n";

detection::Options rules_of(const Tuned& tuned) {
  detection::Options options;
  options.parameters = tuned.p;
  auto stations = detection::Stations::read(kStations, "stations");
  insist(stations.has_value());
  options.stations = *std::move(stations);
  return options;
}

}  // namespace

Rates work_a_year(const Tuned& parameters, const Honest& honest, unsigned officers,
                  std::uint64_t seed) {
  const double began = processor_seconds();  // not the wall's: the machine may be shared
  detection::Detection::State rules(rules_of(parameters));
  const Tuned& tuned = rules.tuned;
  Rates rates;
  rates.by_rule.assign(detection::rule_count(), 0);
  Dice dice(seed);
  std::vector<Look> plan;
  for (unsigned first = 0; first < officers; first += honest.unit_size) {
    Unit unit;
    unit.mean = unit_mean(honest, dice);
    const Company company{&unit.peers, &unit.shared, nullptr};
    std::vector<std::unique_ptr<Desk>> desks;
    std::vector<Rule> lifts(honest.unit_size, Rule::placed);
    for (unsigned i = 0; i < honest.unit_size && first + i < officers; ++i)
      desks.push_back(std::make_unique<Desk>(tuned, honest, unit.mean, dice));
    for (unsigned d = 0; d < honest.before + honest.rostered_days; ++d) {
      Rates* counted = d >= honest.before ? &rates : nullptr;
      for (std::size_t i = 0; i < desks.size(); ++i) {
        // Whoever was stopped is released by a second person overnight.
        if (lifts[i] != Rule::placed) desks[i]->habits().lift(lifts[i]);
        lifts[i] = Rule::placed;
        desks[i]->day(calendar(d), plan);
        desks[i]->places(tuned, calendar(d), plan);
        bool paced = false;
        for (const Look& look : plan) {
          ++rates.lookups;
          const auto said = desks[i]->asked_in_place(rules, look, company, counted);
          if (!said.released && said.trip.rule == Rule::burst && !paced && counted) {
            paced = true;
            ++rates.paced;
          }
          if (said.released || said.trip.rule == Rule::burst ||
              row_of(said.trip.rule).tier == Tier::friction)
            continue;
          lifts[i] = said.trip.rule;
          break;
        }
      }
    }
  }
  rates.officer_years = officers;
  rates.seconds = processor_seconds() - began;
  return rates;
}

namespace {

// A stolen lookup is marked by `next` in the plan; the mark is taken off before it is asked.
class Theft {
 public:
  Theft(Desk& desk, Dice& dice, std::uint32_t calendar_day, std::vector<Look>& plan)
      : desk_(desk),
        dice_(dice),
        begin_(kStart + calendar_day * kDayMs + 8 * detection::kHourMs),
        plan_(plan) {}
  Look& add(std::uint64_t at, bool exists = true, bool explained = false) {
    Look look = desk_.citizen(at, explained);
    look.exists = exists;
    look.next = true;
    plan_.push_back(look);
    return plan_.back();
  }
  std::uint64_t sometime() { return begin_ + dice_.below(8 * detection::kHourMs); }
  std::uint64_t every(unsigned i, std::uint64_t apart) {
    return begin_ + i * apart + dice_.below(4000);
  }
  void some(unsigned n, bool explained = false) {
    for (unsigned i = 0; i < n; ++i) add(sometime(), true, explained);
  }
  void walk(std::uint64_t serial) { add(sometime()).near = Desk::near_of(serial); }
  Dice& dice() { return dice_; }

 private:
  Desk& desk_;
  Dice& dice_;
  std::uint64_t begin_;
  std::vector<Look>& plan_;
};

// steal adds one day's stolen lookups of an insider to the day's work.
void steal(Kind kind, const Tuned& tuned, unsigned day, unsigned member, std::uint64_t base,
           Theft& theft) {
  switch (kind) {
    case Kind::bulk:
      for (unsigned i = 0; i < 200; ++i) theft.add(theft.every(i, 11'000));
      return;
    case Kind::twenty_a_day:
      return theft.some(20);
    case Kind::five_a_day:
      return theft.some(5);
    case Kind::two_a_day:
      return theft.some(2);
    case Kind::one_a_day:
      return theft.some(1);
    case Kind::half_a_day:
      return theft.some(day % 2);
    case Kind::forty_explained:
      return theft.some(40, true);
    case Kind::enumeration_half:
    case Kind::enumeration_most: {
      const double hit = kind == Kind::enumeration_half ? 0.5 : 0.1;
      // Spread out wide, so that no two numbers are neighbours: the test of absent names alone.
      for (unsigned i = 0; i < 200; ++i)
        theft.add(theft.every(i, 11'000), theft.dice().chance(hit));
      return;
    }
    case Kind::walk:
      for (unsigned i = 0; i < 4; ++i) theft.walk(base + (day * 4 + i) * 2);
      return;
    case Kind::split_in_unit:
    case Kind::split_in_case:
      return theft.walk(base + (day * 5 + member) * 2);
    case Kind::padding:
      // A case that names more than its kind does explains nobody (docs/detection.md).
      return theft.some(20, tuned.p.padding_on == 0 || 60 <= tuned.p.padding_most);
    case Kind::ex_partner:
      theft.add(theft.sometime()).subject = base;
      return;
    case Kind::displaced_login:
      return theft.some(8);
    case Kind::celebrity:
    case Kind::shared_login:
      return;  // played by functions of their own
  }
}

struct Thief {
  std::unique_ptr<Desk> desk;
  Unit* unit = nullptr;
};

void begin_unit(const Honest& honest, Unit& unit) {
  // What fifty honest peers leave behind after a while: their mean, without simulating them.
  unit.peers.days = 3000;
  unit.peers.sum =
      unit.peers.days *
      (unit.mean * std::exp(honest.sigma_within * honest.sigma_within / 2) * honest.unexplained +
       honest.bursts_a_year * honest.burst_size / honest.rostered_days);
  unit.peers.covered_days = 3000;
  unit.peers.covered = 3000 * unit.mean * 1.2 * 62;
}

bool stops(const detection::Trip& trip) {
  return trip.rule != Rule::burst && row_of(trip.rule).tier != Tier::friction;
}

void sort_by_time(std::vector<Look>& plan) {
  std::sort(plan.begin(), plan.end(), [](const Look& a, const Look& b) {
    return a.at != b.at ? a.at < b.at : a.subject < b.subject;
  });
}

constexpr unsigned kWarm = 60;  // honest days before

Loss misuse_at_desks(const Tuned& tuned, const Honest& honest, Kind kind, unsigned days,
                     Dice& dice) {
  const unsigned crew = kind == Kind::split_in_unit || kind == Kind::split_in_case ? 5 : 1;
  std::vector<Unit> units(kind == Kind::split_in_case ? crew : 1);
  for (Unit& unit : units) {
    unit.mean = unit_mean(honest, dice);
    begin_unit(honest, unit);
  }
  detection::Shared one_case;
  std::vector<Thief> thieves(crew);
  for (unsigned m = 0; m < crew; ++m) {
    thieves[m].unit = &units[m % units.size()];
    thieves[m].desk = std::make_unique<Desk>(tuned, honest, thieves[m].unit->mean, dice);
  }
  const std::uint64_t base = 20'000'000 + dice.below(70'000'000);
  std::vector<Look> plan;
  Loss loss;
  for (unsigned d = 0; d < kWarm + days && !loss.stopped; ++d) {
    for (unsigned m = 0; m < crew && !loss.stopped; ++m) {
      Thief& thief = thieves[m];
      Desk& desk = *thief.desk;
      desk.day(calendar(d), plan);
      if (d >= kWarm) {
        if (kind == Kind::displaced_login) plan.clear();  // its officer is away
        Theft theft(desk, dice, calendar(d), plan);
        steal(kind, tuned, d - kWarm, m, base, theft);
      }
      sort_by_time(plan);
      for (Look look : plan) {
        const bool stolen = look.next;
        look.next = false;
        const Company company{&thief.unit->peers, &thief.unit->shared,
                              stolen && kind == Kind::split_in_case ? &one_case : nullptr};
        const auto said = desk.persist(look, company, nullptr);
        if (kind == Kind::forty_explained && desk.told() && d >= kWarm) {
          loss = {loss.lost, d - kWarm + 1, true, Rule::coverage};  // the auditor is told
          break;
        }
        if (said.released) {
          if (stolen && look.exists) ++loss.lost;
          continue;
        }
        if (!stops(said.trip)) continue;
        if (d < kWarm) {  // an honest stop, lifted
          desk.habits().lift(said.trip.rule);
          continue;
        }
        loss = {loss.lost, d - kWarm + 1, true, said.trip.rule};
        break;
      }
    }
  }
  if (!loss.stopped) loss.days = days;
  return loss;
}

// Every third day another officer is curious; none of them does anything else amiss.
Loss misuse_of_a_celebrity(const Tuned& tuned, unsigned days, Dice& dice) {
  detection::Magnet magnet(1024);
  const std::uint64_t subject = dice.next();
  Loss loss;
  loss.days = days;
  for (unsigned d = 0; d < days && !loss.stopped; ++d) {
    for (unsigned n = dice.poisson(1.0 / 3); n > 0 && !loss.stopped; --n) {
      ++loss.lost;
      const unsigned officers =
          magnet.see(subject, static_cast<std::uint32_t>(dice.below(10'000)), calendar(d));
      if (officers != static_cast<unsigned>(tuned.p.magnet_officers)) continue;
      loss.stopped = true;
      loss.rule = Rule::magnet;
      loss.days = d + 1;
    }
  }
  return loss;
}

// Ten people, each with a passkey of the one account on a device of their own, work as one would.
Loss misuse_of_a_login(const detection::Detection::State& rules, const Tuned& tuned,
                       const Honest& honest, unsigned days, Dice& dice) {
  Unit unit;
  unit.mean = unit_mean(honest, dice);
  begin_unit(honest, unit);
  const Company company{&unit.peers, &unit.shared, nullptr};
  Desk desk(tuned, honest, unit.mean, dice);
  detection::Officer officer;
  std::vector<Look> plan, one;
  Loss loss;
  loss.days = days;
  for (unsigned d = 0; d < days && !loss.stopped; ++d) {
    plan.clear();
    for (unsigned who = 0; who < 10; ++who) {
      desk.day(calendar(d), one);
      for (Look& look : one) {
        look.order = who;
        plan.push_back(look);
      }
    }
    sort_by_time(plan);
    for (const Look& look : plan) {
      Asker asker;
      asker.actor.thumbprint[0] = static_cast<std::uint8_t>(look.order);
      const auto trip = rules.places_trip(officer, asker.actor, look);
      const auto said = trip ? Desk::Said{false, *trip} : desk.persist(look, company, nullptr);
      if (said.released) {
        officer.device = asker.actor.thumbprint;
        officer.device_at = look.at;
        if (look.order != 0) ++loss.lost;
      } else if (trip || stops(said.trip)) {
        // A touch is asked for that the account's officer knows nothing of: the loan is out.
        loss = {loss.lost, d + 1, true, said.trip.rule};
        break;
      }
    }
  }
  return loss;
}

}  // namespace

std::vector<Loss> misuse(const Tuned& tuned, const Honest& honest, Kind kind, unsigned insiders,
                         unsigned days, std::uint64_t seed) {
  detection::Options options;
  options.parameters = tuned.p;
  const detection::Detection::State rules(std::move(options));
  std::vector<Loss> losses;
  for (unsigned who = 0; who < insiders; ++who) {
    Dice dice(seed * 1'000'003 + who * 31 + static_cast<std::uint64_t>(kind));
    losses.push_back(kind == Kind::celebrity ? misuse_of_a_celebrity(tuned, days, dice)
                     : kind == Kind::shared_login
                         ? misuse_of_a_login(rules, tuned, honest, days, dice)
                         : misuse_at_desks(tuned, honest, kind, days, dice));
  }
  return losses;
}

}  // namespace amanat::sim
