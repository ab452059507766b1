#include "detection/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "model/insist.h"

namespace amanat::detection {

double nb_log_ratio(double x, double mu0, double mu1, double r) {
  return x * std::log(mu1 * (r + mu0) / (mu0 * (r + mu1))) + r * std::log((r + mu0) / (r + mu1));
}

unsigned nb_quantile(double mu, double r, double q) {
  insist(mu > 0 && r > 0 && q < 1);
  double p = std::pow(r / (r + mu), r), sum = p;
  const double step = mu / (r + mu);
  unsigned x = 0;
  while (sum < q && x < 100'000) {
    p *= step * (r + x) / (x + 1.0);
    sum += p;
    ++x;
  }
  return x;
}

double nb_tail(unsigned x, double mu, double r) {
  if (x == 0) return 0;
  // ln P(X = x), then the terms above it, which fall at least geometrically beyond the mean.
  const double step = mu / (r + mu);
  const double first = std::lgamma(r + x) - std::lgamma(r) - std::lgamma(x + 1.0) +
                       r * std::log(r / (r + mu)) + x * std::log(step);
  double term = 1, sum = 1;
  for (unsigned k = x; k < x + 100'000 && term > 1e-12 * sum; ++k) {
    term *= step * (r + k) / (k + 1.0);
    sum += term;
  }
  return (first + std::log(sum)) / std::log(10.0);
}

Ratio::Ratio(double p0, double p1) : event(std::log(p1 / p0)), none(std::log((1 - p1) / (1 - p0))) {
  insist(p0 > 0 && p1 > p0 && p1 < 1);
}

template <class Fits>
bool Neighbours::any(std::uint64_t tens, Fits fits) const {
  const auto match = [&](std::uint64_t name) {
    return (name & ~std::uint64_t{15}) == tens && fits(static_cast<unsigned>(name & 15));
  };
  if (heads_.empty()) return std::any_of(names_.begin(), names_.end(), match);
  for (std::uint16_t at = heads_[head_of(tens)]; at != kNone; at = next_[at])
    if (match(names_[at])) return true;
  return false;
}

bool Neighbours::beside(const Near& near) const {
  if (!near.known || names_.empty()) return false;
  const unsigned digit = near.digit;
  return any(near.here, [digit](unsigned other) { return other != digit; }) ||
         any(near.below, [digit](unsigned other) { return other >= digit; }) ||
         any(near.above, [digit](unsigned other) { return other <= digit; });
}

void Neighbours::link(std::uint16_t at) {
  std::uint16_t& head = heads_[head_of(names_[at])];
  next_[at] = head;
  head = at;
}

void Neighbours::unlink(std::uint16_t at) {
  std::uint16_t* place = &heads_[head_of(names_[at])];
  while (*place != at) {
    insist(*place != kNone);
    place = &next_[*place];
  }
  *place = next_[at];
}

void Neighbours::add(const Near& near, std::size_t most) {
  if (!near.known) return;
  insist(near.digit < 10 && (near.here & 15) == 0 && most > 0 && most <= 1000);
  const std::uint64_t name = near.here | near.digit;
  last_appended_ = names_.size() < most;
  if (last_appended_) {
    names_.push_back(name);
    if (heads_.empty() && names_.size() > kScanned) {
      heads_.assign(kHeads, kNone);
      next_.assign(names_.size(), kNone);
      for (std::size_t i = 0; i < names_.size(); ++i) link(static_cast<std::uint16_t>(i));
    } else if (!heads_.empty()) {
      next_.push_back(kNone);
      link(static_cast<std::uint16_t>(names_.size() - 1));
    }
    return;
  }
  if (!heads_.empty()) unlink(oldest_);
  names_[oldest_] = name;
  if (!heads_.empty()) link(oldest_);
  oldest_ = static_cast<std::uint16_t>((oldest_ + 1u) % names_.size());
}

void Neighbours::drop_last() {
  if (!last_appended_ || names_.empty()) return;
  if (!heads_.empty()) {
    unlink(static_cast<std::uint16_t>(names_.size() - 1));
    next_.pop_back();
  }
  names_.pop_back();
  last_appended_ = false;
}

std::size_t Neighbours::bytes() const {
  return names_.capacity() * 8 + (next_.capacity() + heads_.capacity()) * 2;
}

void Coverage::Sketch::add(std::uint64_t subject, std::uint32_t day) {
  const std::uint32_t now = day / 30 + 1;
  const std::size_t which = now % 3;
  if (month[which] != now) {
    month[which] = now;
    months[which].fill(0);
  }
  // The subject's name is keyed already: its bits are a hash.
  const std::size_t bucket = subject >> 52;
  const auto rank = static_cast<std::uint8_t>(std::countl_zero((subject << 12) | 0x800) + 1);
  months[which][bucket] = std::max(months[which][bucket], rank);
}

double Coverage::Sketch::count(std::uint32_t day) const {
  const std::uint32_t now = day / 30 + 1;
  double sum = 0;
  unsigned empty = 0;
  for (std::size_t i = 0; i < 4096; ++i) {
    std::uint8_t rank = 0;
    for (std::size_t m = 0; m < 3; ++m)
      if (month[m] + 3 > now) rank = std::max(rank, months[m][i]);
    sum += std::ldexp(1.0, -rank);
    if (rank == 0) ++empty;
  }
  constexpr double m = 4096;
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  return raw <= 2.5 * m && empty > 0 ? m * std::log(m / empty) : raw;
}

void Coverage::advance(std::uint32_t day) {
  if (first_day_ == 0) first_day_ = today_ = day;
  if (day <= today_) return;
  if (day - today_ >= kDays) {
    per_day_.fill(0);
    live_ = 0;
  } else {
    for (std::uint32_t d = today_ + 1; d <= day; ++d) {
      std::uint16_t& leaving = per_day_[d % kDays];
      insist(live_ >= leaving);
      live_ -= leaving;
      leaving = 0;
    }
  }
  today_ = day;
}

void Coverage::grow() {
  std::vector<std::uint64_t> subjects;
  std::vector<std::uint16_t> days;
  subjects.swap(subjects_);
  days.swap(days_);
  std::size_t places = 32;
  while (2 * places < 3 * (live_ + 2)) places *= 2;
  subjects_.assign(places, 0);
  days_.assign(places, 0);
  filled_ = 0;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (days[i] == 0 || first_day_ + days[i] - 1 + kDays <= today_) continue;
    std::size_t at = (subjects[i] * 0x9e3779b97f4a7c15ull >> 20) & (places - 1);
    while (days_[at] != 0) at = (at + 1) & (places - 1);
    subjects_[at] = subjects[i];
    days_[at] = days[i];
    ++filled_;
  }
}

void Coverage::see(std::uint64_t subject, std::uint32_t day) {
  advance(day);
  if (sketch_) sketch_->add(subject, today_);
  if (today_ - first_day_ >= 60'000) return;  // 164 years
  if (4 * (filled_ + 1) > 3 * subjects_.size()) grow();
  const std::size_t mask = subjects_.size() - 1;
  std::size_t at = (subject * 0x9e3779b97f4a7c15ull >> 20) & mask;
  while (days_[at] != 0 && subjects_[at] != subject) at = (at + 1) & mask;
  const auto stamp = static_cast<std::uint16_t>(today_ - first_day_ + 1);
  if (days_[at] == stamp) return;
  if (days_[at] != 0) {
    const std::uint32_t before = first_day_ + days_[at] - 1;
    if (before + kDays > today_) {
      --per_day_[before % kDays];
      --live_;
    }
  } else {
    if (live_ >= kExactMost) {
      if (!sketch_) {
        sketch_ = std::make_unique<Sketch>();
        for (std::size_t i = 0; i < subjects_.size(); ++i)
          if (days_[i] != 0 && first_day_ + days_[i] - 1 + kDays > today_)
            sketch_->add(subjects_[i], today_);
        sketch_->add(subject, today_);
      }
      return;
    }
    subjects_[at] = subject;
    ++filled_;
  }
  days_[at] = stamp;
  ++per_day_[today_ % kDays];
  ++live_;
}

std::uint32_t Coverage::count(std::uint32_t day) {
  advance(day);
  if (!sketch_) return live_;
  return std::max(live_, static_cast<std::uint32_t>(sketch_->count(today_)));
}

std::size_t Coverage::bytes() const {
  return subjects_.capacity() * 10 + sizeof *this + (sketch_ ? sizeof(Sketch) : 0);
}

}  // namespace amanat::detection
