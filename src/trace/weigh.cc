#include "trace/weigh.h"

#include <algorithm>
#include <cmath>

#include "model/insist.h"

namespace amanat::trace {
namespace {

constexpr double kMarginBits = 1e-6;
constexpr std::size_t kTailMax = std::size_t{1} << 24;
constexpr std::size_t kPairs = kSurvivals.size() * kShares.size();

double prior(const Observed& o) {
  insist(o.weight > 0 && o.weight < o.total);
  return static_cast<double>(o.weight) / static_cast<double>(o.total);
}

// The mean over distinct symbols: of dependent e-values a mean is one, a product is not.
double lambda(const Coin& coin, double theta) {
  insist(!coin.seen.empty());
  double sum = 0;
  for (const Observed& o : coin.seen) {
    const double p = prior(o);
    sum += coin.own == o.symbol ? theta / p : (1 - theta) / (1 - p);
  }
  return sum / static_cast<double>(coin.seen.size());
}

// log2 of a sum of powers of two.
double log2_sum(std::span<const double> logs) {
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double l : logs) sum += std::exp2(l - most);
  return most + std::log2(sum);
}

// Scaled is a positive number of any size: many factors are multiplied without a logarithm each,
// and with less rounding than a sum of logarithms has.
struct Scaled {
  double value = 1;
  std::int64_t exponent = 0;  // of two; 0 while value is of ordinary size
  void times(double factor) {
    value *= factor;
    if (value < 0x1p-500 || value > 0x1p500) {
      int more = 0;
      value = std::frexp(value, &more);
      exponent += more;
    }
  }
  void times(const Scaled& other) {
    times(other.value);
    exponent += other.exponent;
  }
  double log2() const { return std::log2(value) + static_cast<double>(exponent); }
};

// a + b * x, all positive.
Scaled mixed(double a, double b, const Scaled& x) {
  constexpr std::int64_t kFar = 4000;  // beyond every double: the smaller part is nothing beside it
  const auto shift = static_cast<int>(std::clamp(x.exponent, -kFar, kFar));
  if (x.exponent <= 0) return {a + b * std::ldexp(x.value, shift), 0};
  return {b * x.value + std::ldexp(a, -shift), x.exponent};
}

Scaled likelihood(const Copy& copy, double theta) {
  Scaled product;
  for (const Coin& coin : copy.coins) product.times(lambda(coin, theta));
  return product;
}

// The mean over the subject's copies.
Scaled likelihood(const Weighed& subject, double theta) {
  if (subject.copies.empty()) return {};
  if (subject.copies.size() == 1) return likelihood(subject.copies[0], theta);
  std::vector<double> logs;
  for (const Copy& copy : subject.copies) logs.push_back(likelihood(copy, theta).log2());
  const double mean = log2_sum(logs) - std::log2(static_cast<double>(logs.size()));
  const double whole = std::floor(mean);
  return {std::exp2(mean - whole), static_cast<std::int64_t>(whole)};
}

// Per pair of the grid, the log of the product over subjects.
std::array<double, kPairs> products(std::span<const Weighed> subjects) {
  std::array<Scaled, kPairs> of_pair{};
  for (const Weighed& subject : subjects) {
    std::size_t pair = 0;
    for (const double theta : kSurvivals) {
      const Scaled l = likelihood(subject, theta);
      for (const double pi : kShares) of_pair[pair++].times(mixed(1 - pi, pi, l));
    }
  }
  std::array<double, kPairs> logs{};
  std::transform(of_pair.begin(), of_pair.end(), logs.begin(),
                 [](const Scaled& s) { return s.log2(); });
  return logs;
}

}  // namespace

std::uint64_t bits_of(const Observed& observed) {
  return static_cast<std::uint64_t>(std::llround(-1000 * std::log2(prior(observed))));
}

double log2_evidence(std::span<const Weighed> subjects) {
  const auto logs = products(subjects);
  return log2_sum(logs) - std::log2(static_cast<double>(kPairs));
}

double bound_bits(const Bound& bound) {
  insist(bound.candidates > 0 && bound.alpha > 0 && bound.alpha < 1);
  return std::log2(static_cast<double>(bound.candidates)) - std::log2(bound.alpha);
}

Tier judge(double log2_e, const Bound& bound) {
  return log2_e >= bound_bits(bound) + kMarginBits ? Tier::named : Tier::abstain;
}

double tail(std::span<const Match> coins) {
  // distribution[t] = P(T = t) over the coins so far; every term is positive, so nothing cancels.
  std::vector<double> distribution = {1};
  std::size_t reached = 0;
  for (const Match& coin : coins) {
    const double p = prior(coin.observed);
    const auto weight = static_cast<std::size_t>(std::llround(-64 * std::log2(p)));
    insist(distribution.size() + weight < kTailMax);
    if (coin.agrees) reached += weight;
    std::vector<double> next(distribution.size() + weight, 0);
    for (std::size_t t = 0; t < distribution.size(); ++t) {
      next[t] += distribution[t] * (1 - p);
      next[t + weight] += distribution[t] * p;
    }
    distribution.swap(next);
  }
  double sum = 0;
  for (std::size_t t = distribution.size(); t > reached; --t) sum += distribution[t - 1];
  return std::min(sum, 1.0);
}

Tier judge_tail(double p, const Bound& bound) {
  // A little more than p, so that rounding never names anybody.
  const double safe = p * (1 + 1e-9);
  return static_cast<double>(bound.candidates) * safe <= bound.alpha ? Tier::named : Tier::abstain;
}

std::vector<bool> keeps(std::span<const Weighed> subjects) {
  const auto logs = products(subjects);
  const auto best =
      static_cast<std::size_t>(std::max_element(logs.begin(), logs.end()) - logs.begin());
  const double theta = kSurvivals[best / kShares.size()], pi = kShares[best % kShares.size()];
  std::vector<bool> kept;
  for (const Weighed& subject : subjects) {
    const Scaled l = likelihood(subject, theta);
    // Explained: pi L / (1 - pi + pi L) is at least a half.
    kept.push_back(std::log2(pi) + l.log2() - mixed(1 - pi, pi, l).log2() < -1);
  }
  return kept;
}

double log2_page(double z) {
  constexpr std::array<double, 3> kLifts = {4, 8, 16};
  std::array<double, kLifts.size() + 1> logs{};
  for (std::size_t i = 0; i < kLifts.size(); ++i)
    logs[i] = (kLifts[i] * z - kLifts[i] * kLifts[i] / 2) / std::log(2.0) - std::log2(6.0);
  logs.back() = -1;
  return log2_sum(logs);
}

double log2_decoy(double q) {
  insist(q > 0 && q <= 1);
  const std::array<double, 2> parts = {-1, -1 - std::log2(q)};
  return log2_sum(parts);
}

}  // namespace amanat::trace
