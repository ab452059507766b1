#pragma once
// detection, statistics: the sequential tests and bounded memories that rules are made of. No
// clocks, no locks, no input or output; the same inputs give the same bits. Sources: identity page
// 3.3; Page 1954 (CUSUM), Wald 1945 (ratio tests), ITU-T I.371 (GCRA), Flajolet et al. 2007 and
// Heule et al. 2013 (HyperLogLog).

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace amanat::detection {

inline constexpr std::uint64_t kMinuteMs = 60'000, kHourMs = 3'600'000, kDayMs = 86'400'000;

/// nb_log_ratio is ln of how much likelier a day of `x` is at mean mu1 than at mu0 (negative
/// binomial of shape r).
double nb_log_ratio(double x, double mu0, double mu1, double r);
/// nb_quantile is the smallest x with P(X <= x) >= q at mean mu, shape r.
unsigned nb_quantile(double mu, double r, double q);
/// nb_tail is log10 P(X >= x).
double nb_tail(unsigned x, double mu, double r);

/// poisson_tail is -log10 P(X >= x) at a mean; 0 for x = 0.
double poisson_tail(std::uint64_t x, double mean);
/// beta_binomial_tail is -log10 of the smaller tail, P(X <= k) or P(X >= k), doubled, of n draws
/// whose share is Beta(a, b).
double beta_binomial_tail(unsigned k, unsigned n, double a, double b);
/// mann_kendall is how many standard deviations the values lie from a random order (Kendall 1975):
/// above 0 where they grow with their place, below 0 where they fall. 0 for fewer than 3.
double mann_kendall(std::span<const std::uint64_t> values);

/// Kmv keeps the k least of mixed names (Bar-Yossef et al. 2002): a sample of distinct citizens
/// that two of them draw alike, 8 KB. Feeds reports only.
class Kmv {
 public:
  static constexpr std::size_t kMost = 1024;
  void add(std::uint64_t subject);
  /// count is the distinct names: exact up to kMost, else (k - 1) / the k-th least as a share.
  double count() const;
  /// shared estimates how many distinct names two have in common.
  static double shared(const Kmv& a, const Kmv& b);
  const std::vector<std::uint64_t>& names() const { return least_; }  // ascending
  static std::uint64_t mixed(std::uint64_t subject);

 private:
  std::vector<std::uint64_t> least_;
};

/// Ratio is a sequential test of one proportion: what an event adds, what its absence adds, and
/// the floor 0.
struct Ratio {
  Ratio(double p0, double p1);
  double event, none;
  double after(double score, bool happened) const {
    const double next = score + (happened ? event : none);
    return next > 0 ? next : 0;
  }
};

/// Gcra paces: 8 bytes of state.
struct Gcra {
  std::uint64_t interval_ms, burst;
  bool conforms(std::uint64_t theoretical, std::uint64_t now) const {
    return now + (burst - 1) * interval_ms >= theoretical;
  }
  std::uint64_t after(std::uint64_t theoretical, std::uint64_t now) const {
    return (theoretical > now ? theoretical : now) + interval_ms;
  }
};

/// Near names a citizen's place among the numbers without the number: keyed names of the ten
/// numbers it lies in and of the tens beside it, and its last digit there. Whoever holds one and
/// not the key learns nothing; whoever holds two learns whether they lie side by side.
struct Near {
  std::uint64_t below = 0, here = 0, above = 0;
  std::uint8_t digit = 0;
  bool known = false;  // false: not a national ID
  friend bool operator==(const Near&, const Near&) = default;
};

/// Neighbours remembers the last so many citizens and whether one is within ten numbers of
/// another. At most 1,000: 10 bytes each. Remembering touches two lines and no more; asking reads
/// two bytes of each, side by side, and the rest of those alone whose two bytes fit.
class Neighbours {
 public:
  /// beside says whether another citizen (not this one) within ±10 is remembered.
  bool beside(const Near& near) const;
  void add(const Near& near, std::size_t most);
  /// drop_last forgets the last add, if it displaced nothing.
  void drop_last();
  std::size_t size() const { return names_.size(); }
  std::size_t bytes() const;
  /// soon asks the processor for what add() will touch.
  void soon() const {
    if (names_.empty()) return;
    const std::size_t next = oldest_ == 0 ? names_.size() - 1 : oldest_;
    __builtin_prefetch(&names_[next], 1);
    __builtin_prefetch(&prints_[next], 1);
  }

 private:
  friend struct Rest;  // snapshot.cc
  static std::uint16_t print_of(std::uint64_t name) {
    return static_cast<std::uint16_t>(name >> 48);
  }
  std::vector<std::uint64_t> names_;   // keyed tens, lowest 4 bits: the digit
  std::vector<std::uint16_t> prints_;  // of each its upper two bytes
  std::uint16_t oldest_ = 0;
  bool last_appended_ = false;
};

/// Coverage counts the distinct citizens of the last 90 days: exactly up to 2,000 (8 bytes each),
/// beyond that by three monthly HyperLogLogs (m = 4,096, error 1.6 %). Feeds review only.
class Coverage {
 public:
  static constexpr unsigned kDays = 90, kExactMost = 2000;
  void see(std::uint64_t subject, std::uint32_t day);
  std::uint32_t count(std::uint32_t day);
  bool exact() const { return sketch_ == nullptr; }
  /// soon asks the processor for what see() will touch for this subject.
  void soon(std::uint64_t subject) const {
    if (!places_.empty()) __builtin_prefetch(&places_[place_of(name_of(subject))], 1);
  }
  std::size_t bytes() const;

 private:
  friend struct Rest;  // snapshot.cc
  struct Sketch {
    std::array<std::array<std::uint8_t, 4096>, 3> months{};
    std::array<std::uint32_t, 3> month{};
    void add(std::uint64_t subject, std::uint32_t day);
    double count(std::uint32_t day) const;
  };
  void advance(std::uint32_t day);
  void grow();
  // A place: 48 bits of the subject's name, and the latest day, + 1; 0: empty. Two of 2,000 share
  // their 48 bits once in 10^8 officers.
  static std::uint64_t name_of(std::uint64_t subject) { return subject & ~std::uint64_t{0xffff}; }
  std::size_t place_of(std::uint64_t name) const {
    return (name * 0x9e3779b97f4a7c15ull >> 20) & (places_.size() - 1);
  }
  std::vector<std::uint64_t> places_;
  std::unique_ptr<Sketch> sketch_;
  std::uint32_t first_day_ = 0, today_ = 0;
  std::uint32_t live_ = 0, filled_ = 0;
  std::array<std::uint16_t, kDays> per_day_{};
};

}  // namespace amanat::detection
