#include "detection/habits.h"

#include <algorithm>
#include <cmath>

#include "model/insist.h"

namespace amanat::detection {
namespace {

// How many officer-days a unit remembers: about a hundred days of fifty officers.
constexpr double kPeerDays = 5000;
constexpr std::uint32_t kReviewEvery = 30;  // days between two reviews of one coverage

template <class Values>
bool contains(const Values& values, std::uint64_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

void tune_day(const Tuned& t, Scores& s, const Peers* peers) {
  const double peer = peers != nullptr ? peers->mean(t.p) : t.p.peer_mean;
  const double own = (s.own + t.p.peer_days * peer) / (s.own_days + t.p.peer_days);
  s.mean = std::max(t.p.mean_floor, std::min(own, t.p.peer_cap * peer));
  const double mu1 = s.mean + t.p.delta;
  s.none = nb_log_ratio(0, s.mean, mu1, t.p.shape);
  s.event = nb_log_ratio(1, s.mean, mu1, t.p.shape) - s.none;
  s.counted = static_cast<std::uint16_t>(nb_quantile(s.mean, t.p.shape, t.p.winsor));
}

// Keeps the worse of two trips: the higher tier, or the earlier one.
void worse(std::optional<Trip>& trip, Trip other) {
  if (!trip || row_of(other.rule).tier > row_of(trip->rule).tier) trip = other;
}

}  // namespace

Tuned::Tuned(const Parameters& parameters, Stations where)
    : p(parameters),
      stations(std::move(where)),
      run(p.run_p0, std::max(p.run_p1, p.run_p0 * 1.01)),
      absent(p.absent_p0, std::max(p.absent_p1, p.absent_p0 * 1.01)),
      near(p.near_p0, std::max(p.near_p1, p.near_p0 * 1.01)),
      pace{static_cast<std::uint64_t>(static_cast<double>(kMinuteMs) / p.burst_per_minute),
           static_cast<std::uint64_t>(p.burst_at_once)},
      week_most(static_cast<std::uint64_t>(p.week_most)),
      hour_most(static_cast<std::uint64_t>(p.hour_most)),
      day_most(static_cast<std::uint64_t>(p.day_most)),
      ring(static_cast<std::size_t>(p.near_ring)),
      zone_ms(static_cast<std::int64_t>(p.zone_minutes) * 60'000) {}

std::uint32_t Tuned::day_of(std::uint64_t at) const {
  const std::int64_t local = static_cast<std::int64_t>(at) + zone_ms;
  return local <= 0 ? 0 : static_cast<std::uint32_t>(local / static_cast<std::int64_t>(kDayMs));
}

double Peers::mean(const Parameters& p) const {
  return std::max(0.01, (sum + p.peer_mean * p.peer_prior_days) / (days + p.peer_prior_days));
}
double Peers::coverage(const Parameters& p) const {
  return (covered + p.coverage_mean * p.peer_prior_days) / (covered_days + p.peer_prior_days);
}

void Habits::drop_old(std::uint64_t at) {
  erase_if(week_, [at](const Seen& s) { return s.at + 7 * kDayMs <= at; });
  while (recent_begin_ < recent_.size() && recent_[recent_begin_] + kDayMs <= at) ++recent_begin_;
  if (recent_begin_ > 0 &&
      (recent_begin_ == recent_.size() || recent_.size() == recent_.capacity())) {
    recent_.erase(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(recent_begin_));
    recent_begin_ = 0;
  }
}

std::optional<Trip> Habits::advance(const Tuned& t, std::uint64_t at, Peers* peers) {
  drop_old(at);
  Scores& s = scores_;
  const std::uint32_t day = t.day_of(at);
  if (day <= s.day && s.day != 0) return std::nullopt;
  std::optional<Trip> trip;
  if (s.day != 0) {
    // One hurried day is the weekly cap's business; this test adds up days.
    const double counted = std::min(s.today, s.counted);
    s.sum = std::max(0.0, s.sum + s.none + s.event * counted);
    if (s.sum <= t.p.guard) {
      s.own = t.p.decay * s.own + counted;
      s.own_days = t.p.decay * s.own_days + 1;
    }
    const double covered = coverage_.count(s.day);
    if (t.p.coverage_on != 0 && peers != nullptr && s.day >= coverage_told_ + kReviewEvery) {
      const double mean = peers->coverage(t.p);
      if (covered > 2 * mean) {
        const double tail = -nb_tail(static_cast<unsigned>(covered), mean, t.p.coverage_shape);
        if (tail > t.p.coverage_tail) {
          trip = Trip{Rule::coverage, tail, t.p.coverage_tail};
          coverage_told_ = s.day;
        }
      }
    }
    if (peers != nullptr) {
      constexpr double kept = 1 - 1 / kPeerDays;
      peers->sum = peers->sum * kept + counted;
      peers->days = peers->days * kept + 1;
      // One officer moves the peers' coverage no more than thrice the mean would.
      peers->covered = peers->covered * kept + std::min(covered, 3 * peers->coverage(t.p));
      peers->covered_days = peers->covered_days * kept + 1;
    }
  }
  s.day = day;
  s.today = 0;
  today_.clear();
  tune_day(t, s, peers);
  return trip;
}

std::optional<Trip> Habits::pace_trip(const Tuned& t, std::span<const Look> looks) const {
  if (t.p.burst_on == 0) return std::nullopt;
  const std::uint64_t at = looks.front().at;
  if (!t.pace.conforms(scores_.pace, at))
    return Trip{Rule::burst, static_cast<double>(scores_.pace - at), t.p.burst_per_minute};
  const auto within = [&](std::uint64_t window) {
    const auto begin = recent_.begin() + static_cast<std::ptrdiff_t>(recent_begin_);
    const auto first = std::upper_bound(begin, recent_.end(), at < window ? 0 : at - window);
    return static_cast<std::uint64_t>(recent_.end() - first) + looks.size();
  };
  if (const auto n = within(kHourMs); n > t.hour_most)
    return Trip{Rule::burst, static_cast<double>(n), t.p.hour_most};
  if (const auto n = within(kDayMs); n > t.day_most)
    return Trip{Rule::burst, static_cast<double>(n), t.p.day_most};
  return std::nullopt;
}

std::optional<Trip> Habits::robot_trip(const Tuned& t, std::uint64_t at) const {
  const auto wanted = static_cast<std::size_t>(t.p.robot_lookups);
  if (t.p.robot_on == 0 || sitting_.size() + 1 < wanted) return std::nullopt;
  double sum = 0, squares = 0, least = 1e18;
  std::size_t gaps = 0;
  std::uint64_t later = at;
  for (std::size_t i = sitting_.size(); i-- > 0 && gaps + 1 < wanted; later = sitting_[i]) {
    const double gap = static_cast<double>(later - std::min(later, sitting_[i]));
    sum += gap;
    squares += gap * gap;
    least = std::min(least, gap);
    ++gaps;
  }
  const double mean = sum / static_cast<double>(gaps);
  const double variance = std::max(0.0, squares / static_cast<double>(gaps) - mean * mean);
  const double variation = mean > 0 ? std::sqrt(variance) / mean : 0;
  if (least < t.p.robot_gap_ms) return Trip{Rule::robot, least, t.p.robot_gap_ms};
  if (variation < t.p.robot_variation) return Trip{Rule::robot, variation, t.p.robot_variation};
  return std::nullopt;
}

// travel_trip compares where a question comes from with where the last one came from, and with the
// officer's own station. It counts by account and never by address: who changes addresses within a
// zone is not seen here, and who does not is not suspected for it.
std::optional<Trip> Habits::travel_trip(const Tuned& t, const Look& look) const {
  const Scores& s = scores_;
  if (t.p.travel_on != 0 && s.zone != kNoZone) {
    const double km = t.stations.km(s.zone, look.zone);
    const double hours = static_cast<double>(look.at - std::min(look.at, s.zone_at) + 1) /
                         static_cast<double>(kHourMs);
    if (km >= t.p.travel_km && km / hours > t.p.travel_kmh)
      return Trip{Rule::impossible_travel, km / hours, t.p.travel_kmh};
  }
  const auto accepted = static_cast<std::uint64_t>(t.p.strange_accept_h) * kHourMs;
  if (t.p.strange_on != 0 && look.away && (s.away != look.zone || look.at >= s.away_at + accepted))
    return Trip{Rule::strange_network, 1, 0};
  return std::nullopt;
}

Tried Habits::judge(const Tuned& t, std::span<const Look> looks, const Company& company) const {
  insist(!looks.empty());
  Tried tried{scores_, company.unit ? company.unit->near : 0,
              company.case_ ? company.case_->near : 0, std::nullopt};
  Scores& s = tried.scores;
  const Look& first = looks.front();
  if (s.friction_since != 0) {
    if (!first.fresh) {
      tried.trip = Trip{s.friction_rule, 0, 0, true};
      return tried;
    }
    s.friction_since = 0;
    s.run = 0;
  }
  if (const auto trip = pace_trip(t, looks)) {
    tried.trip = *trip;
    return tried;
  }
  if (t.p.burst_on != 0) s.pace = t.pace.after(s.pace, first.at);
  if (!first.fresh)
    if (const auto trip = robot_trip(t, first.at)) worse(tried.trip, *trip);
  if (first.zone != kNoZone) {
    if (!first.fresh) {
      if (const auto trip = travel_trip(t, first)) worse(tried.trip, *trip);
    } else if (first.away) {
      s.away = first.zone;
      s.away_at = first.at;
    }
    s.zone = first.zone;
    s.zone_at = first.at;
  }

  std::uint64_t week = week_.size();
  for (const Look& look : looks) {
    const bool explained = look.why != Why::unexplained;
    // Whether a citizen exists must not show in what is refused: all are judged as if they did, and
    // those who do not are not counted.
    if (!explained) {
      const auto known = std::find_if(week_.begin(), week_.end(),
                                      [&](const Seen& one) { return one.subject == look.subject; });
      const bool new_this_week = known == week_.end();
      const bool new_today = new_this_week || known->day != s.day;
      if (t.p.unexplained_on != 0 && new_today) {
        const double sum = s.sum + s.none + s.event * std::min<double>(s.today + 1, s.counted);
        if (sum >= t.p.threshold) worse(tried.trip, Trip{Rule::unexplained, sum, t.p.threshold});
      }
      if (t.p.week_on != 0 && new_this_week && week + 1 > t.week_most)
        worse(tried.trip,
              Trip{Rule::unexplained_week, static_cast<double>(week + 1), t.p.week_most});
      if (look.exists && new_today) ++s.today;
      if (look.exists && new_this_week) ++week;
    }
    if (t.p.absent_on != 0) {
      s.absent = t.absent.after(s.absent, !look.exists);
      if (s.absent >= t.p.absent_threshold)
        worse(tried.trip, Trip{Rule::absent_names, s.absent, t.p.absent_threshold});
    }
    // Whom a case names is no sign of walking through numbers, and thins no test out.
    if (t.p.near_on != 0 && (!explained || look.why == Why::counter) && look.near.known) {
      const auto step = [&](const Neighbours& ring, double& score, Rule rule) {
        score = t.near.after(score, ring.beside(look.near));
        if (score >= t.p.near_threshold) worse(tried.trip, Trip{rule, score, t.p.near_threshold});
      };
      step(ring_, s.near, Rule::neighbours);
      if (company.case_) step(company.case_->ring, tried.case_near, Rule::neighbours_case);
      if (company.unit) step(company.unit->ring, tried.unit_near, Rule::neighbours_unit);
    }
    if (t.p.run_on != 0 && look.why != Why::counter && !look.announced && !first.fresh &&
        !contains(today_, look.subject)) {
      const double run = t.run.after(s.run, !explained);
      if (run >= t.p.run_threshold)
        worse(tried.trip, Trip{Rule::unexplained_run, run, t.p.run_threshold});
      if (look.exists || explained) s.run = run;
    }
  }
  return tried;
}

void Habits::apply(const Tuned& t, std::span<const Look> looks, const Tried& tried,
                   const Company& company) {
  insist(!tried.trip && !looks.empty());
  scores_ = tried.scores;
  const Look& first = looks.front();
  if (company.unit) company.unit->near = tried.unit_near;
  if (company.case_) company.case_->near = tried.case_near;
  if (first.fresh ||
      (!sitting_.empty() &&
       first.at > sitting_.back() + static_cast<std::uint64_t>(t.p.robot_pause_s * 1000)))
    sitting_.clear();
  sitting_.push_back(first.at);
  if (sitting_.size() > static_cast<std::size_t>(t.p.robot_lookups))
    sitting_.erase(sitting_.begin());
  for (const Look& look : looks) {
    if (look.why == Why::unexplained && look.exists) {
      const auto known = std::find_if(week_.begin(), week_.end(),
                                      [&](const Seen& one) { return one.subject == look.subject; });
      if (known == week_.end()) {
        if (week_.size() < 60)
          week_.push_back(Seen{look.subject, look.at, look.order, ~0ull, scores_.day});
      } else {
        known->at = look.at;
        known->day = scores_.day;
      }
    }
    if (!contains(today_, look.subject) && today_.size() < 1000) today_.push_back(look.subject);
    if (t.p.burst_on != 0) recent_.push_back(look.at);
    if (look.exists && t.p.coverage_on != 0) coverage_.see(look.subject, scores_.day);
    if (t.p.near_on != 0) {
      ring_.add(look.near, t.ring);
      if (company.case_) company.case_->ring.add(look.near, t.ring);
      if (company.unit) company.unit->ring.add(look.near, t.ring);
    }
    last_order_ = look.order;
  }
  last_at_ = first.at;
}

void Habits::ask_friction(Rule rule, std::uint64_t at) {
  scores_.friction_since = std::max<std::uint64_t>(at, 1);
  scores_.friction_rule = rule;
}

void Habits::lift(Rule rule) {
  switch (rule) {
    case Rule::unexplained:
      // The auditor who lifts a suspension sets the sum back, and the day that led to it.
      scores_.sum = 0;
      scores_.today = 0;
      break;
    case Rule::unexplained_week:
      week_.clear();
      break;
    case Rule::absent_names:
      scores_.absent = 0;
      break;
    case Rule::neighbours:
    case Rule::neighbours_unit:
    case Rule::neighbours_case:
      scores_.near = 0;
      break;
    default:
      break;
  }
  if (row_of(rule).tier == Tier::friction) {
    scores_.friction_since = 0;
    scores_.run = 0;
    sitting_.clear();
  }
}

void Habits::note_entry(std::uint64_t order, std::uint64_t entry) {
  for (Seen& one : week_)
    if (one.order == order) one.entry = entry;
}

void Habits::forget_last(std::span<const Look> looks) {
  for (const Look& look : looks) {
    erase_if(week_, [&](const Seen& one) { return one.order == look.order; });
    erase_if(today_, [&](std::uint64_t one) { return one == look.subject; });
    if (!recent_.empty() && recent_.back() == look.at) recent_.pop_back();
  }
  recent_begin_ = std::min(recent_begin_, static_cast<std::uint32_t>(recent_.size()));
  if (!sitting_.empty()) sitting_.pop_back();
  if (looks.size() == 1) ring_.drop_last();
}

std::size_t Habits::bytes() const {
  return sizeof *this + week_.outside_bytes() + today_.outside_bytes() + recent_.outside_bytes() +
         sitting_.outside_bytes() + ring_.bytes() + coverage_.bytes() - sizeof coverage_;
}

}  // namespace amanat::detection
