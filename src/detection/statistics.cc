#include "detection/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

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

bool Neighbours::beside(const Near& near) const {
  if (!near.known) return false;
  const std::uint16_t here = print_of(near.here), below = print_of(near.below),
                      above = print_of(near.above);
  constexpr std::size_t kAtOnce = 64;  // without a branch, so that several are compared at once
  for (std::size_t from = 0; from < prints_.size(); from += kAtOnce) {
    const std::size_t to = std::min(from + kAtOnce, prints_.size());
    std::uint16_t any = 0;
    for (std::size_t i = from; i < to; ++i) {
      const std::uint16_t p = prints_[i];
      any = static_cast<std::uint16_t>(any | (p == here) | (p == below) | (p == above));
    }
    if (any == 0) continue;
    for (std::size_t i = from; i < to; ++i) {
      const std::uint64_t tens = names_[i] & ~std::uint64_t{15};
      const auto digit = static_cast<unsigned>(names_[i] & 15);
      if ((tens == near.here && digit != near.digit) ||
          (tens == near.below && digit >= near.digit) ||
          (tens == near.above && digit <= near.digit))
        return true;
    }
  }
  return false;
}

void Neighbours::add(const Near& near, std::size_t most) {
  if (!near.known) return;
  insist(near.digit < 10 && (near.here & 15) == 0 && most > 0 && most <= 1000);
  const std::uint64_t name = near.here | near.digit;
  last_appended_ = names_.size() < most;
  if (last_appended_) {
    names_.push_back(name);
    prints_.push_back(print_of(name));
    return;
  }
  names_[oldest_] = name;
  prints_[oldest_] = print_of(name);
  oldest_ = static_cast<std::uint16_t>((oldest_ + 1u) % names_.size());
}

void Neighbours::drop_last() {
  if (!last_appended_ || names_.empty()) return;
  names_.pop_back();
  prints_.pop_back();
  last_appended_ = false;
}

std::size_t Neighbours::bytes() const { return names_.capacity() * 8 + prints_.capacity() * 2; }

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
  std::vector<std::uint64_t> before;
  before.swap(places_);
  std::size_t places = 32;
  while (2 * places < 3 * (live_ + 2)) places *= 2;
  places_.assign(places, 0);
  filled_ = 0;
  for (const std::uint64_t place : before) {
    const auto stamp = static_cast<std::uint32_t>(place & 0xffff);
    if (stamp == 0 || first_day_ + stamp - 1 + kDays <= today_) continue;
    std::size_t at = place_of(name_of(place));
    while (places_[at] != 0) at = (at + 1) & (places - 1);
    places_[at] = place;
    ++filled_;
  }
}

void Coverage::see(std::uint64_t subject, std::uint32_t day) {
  advance(day);
  if (sketch_) sketch_->add(subject, today_);
  if (today_ - first_day_ >= 60'000) return;  // 164 years
  if (4 * (filled_ + 1) > 3 * places_.size()) grow();
  const std::uint64_t name = name_of(subject);
  std::size_t at = place_of(name);
  while (places_[at] != 0 && name_of(places_[at]) != name) at = (at + 1) & (places_.size() - 1);
  const std::uint32_t stamp = today_ - first_day_ + 1;
  const auto latest = static_cast<std::uint32_t>(places_[at] & 0xffff);
  if (latest == stamp) return;
  if (latest != 0) {
    const std::uint32_t before = first_day_ + latest - 1;
    if (before + kDays > today_) {
      --per_day_[before % kDays];
      --live_;
    }
  } else {
    if (live_ >= kExactMost) {
      if (!sketch_) {
        sketch_ = std::make_unique<Sketch>();
        for (const std::uint64_t place : places_)
          if (const auto then = place & 0xffff; then != 0 && first_day_ + then - 1 + kDays > today_)
            sketch_->add(name_of(place), today_);
        sketch_->add(subject, today_);
      }
      return;
    }
    ++filled_;
  }
  places_[at] = name | stamp;
  ++per_day_[today_ % kDays];
  ++live_;
}

std::uint32_t Coverage::count(std::uint32_t day) {
  advance(day);
  if (!sketch_) return live_;
  return std::max(live_, static_cast<std::uint32_t>(sketch_->count(today_)));
}

std::size_t Coverage::bytes() const {
  return places_.capacity() * 8 + sizeof *this + (sketch_ ? sizeof(Sketch) : 0);
}

double poisson_tail(std::uint64_t x, double mean) {
  if (x == 0) return 0;
  mean = std::max(mean, 1e-12);
  const auto k = static_cast<double>(x);
  const double first = k * std::log(mean) - mean - std::lgamma(k + 1);
  double sum = 1, term = 1;
  for (double i = k + 1; term > 1e-12 * sum && i < k + 10'000; ++i) sum += term *= mean / i;
  return std::max(0.0, -(first + std::log(sum)) / std::numbers::ln10);
}

double beta_binomial_tail(unsigned k, unsigned n, double a, double b) {
  const auto log_beta = [](double x, double y) {
    return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y);
  };
  const auto mass = [&](unsigned i) {
    return std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) - std::lgamma(n - i + 1.0) +
                    log_beta(i + a, n - i + b) - log_beta(a, b));
  };
  double below = 0, above = 0;
  for (unsigned i = 0; i <= k; ++i) below += mass(i);
  for (unsigned i = k; i <= n; ++i) above += mass(i);
  return std::max(0.0, -std::log10(std::max(1e-300, 2 * std::min(below, above))));
}

double mann_kendall(std::span<const std::uint64_t> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 3) return 0;
  double s = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j)
      s += values[j] > values[i] ? 1 : values[j] < values[i] ? -1 : 0;
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  if (s == 0) return 0;
  return (s > 0 ? s - 1 : s + 1) / deviation;
}

std::uint64_t Kmv::mixed(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;  // splitmix64's finaliser
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

void Kmv::add(std::uint64_t subject) {
  const std::uint64_t name = mixed(subject);
  if (least_.size() == kMost && name >= least_.back()) return;
  const auto at = std::lower_bound(least_.begin(), least_.end(), name);
  if (at != least_.end() && *at == name) return;
  least_.insert(at, name);
  if (least_.size() > kMost) least_.pop_back();
}

double Kmv::count() const {
  if (least_.size() < kMost) return static_cast<double>(least_.size());
  return static_cast<double>(kMost - 1) / (static_cast<double>(least_.back()) / 0x1p64);
}

double Kmv::shared(const Kmv& a, const Kmv& b) {
  std::size_t both = 0, all = 0;
  std::uint64_t last = 0;
  auto x = a.least_.begin(), y = b.least_.begin();
  // Of the union's k least, a sample of the union, those in both.
  while (all < kMost && (x != a.least_.end() || y != b.least_.end())) {
    const bool in_a = y == b.least_.end() || (x != a.least_.end() && *x <= *y);
    const bool in_b = x == a.least_.end() || (y != b.least_.end() && *y <= *x);
    last = in_a ? *x : *y;
    if (in_a && in_b) ++both;
    if (in_a) ++x;
    if (in_b) ++y;
    ++all;
  }
  if (all < kMost) return static_cast<double>(both);
  const double whole = static_cast<double>(kMost - 1) / (static_cast<double>(last) / 0x1p64);
  return static_cast<double>(both) / static_cast<double>(kMost) * whole;
}

}  // namespace amanat::detection
