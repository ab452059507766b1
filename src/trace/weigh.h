#pragma once
// trace, weigh: how strongly a leak speaks for the coins of one account (tier A). Pure functions of
// what was sealed and of unlocked coins, for the exchange and for an outside checker alike: nothing
// but the standard library is used. The bound and its proof: docs/trace-weighing.md.
//
// Rules of whoever calls: a coin enters once, membership and candidates never depend on a coin, and
// nothing is chosen after coins were seen. An overlap of rows is no part of any of this.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace amanat::trace {

/// Observed is one symbol that rows of the leak show for a coin, and its weight in the catalogue:
/// its prior is weight / total, above 0 and below 1.
struct Observed {
  std::uint32_t symbol = 0, weight = 0, total = 0;
};

/// Coin is one coin of one account's copy of one subject: what the account's key says, and the
/// distinct symbols that the leak shows (at least one; an erased coin is left out).
struct Coin {
  std::uint32_t own = 0;
  std::vector<Observed> seen;
};

/// Copy is what an account was shown of a subject in one epoch.
struct Copy {
  std::vector<Coin> coins;
};

/// Weighed is one subject of the leak that the account may have supplied: its copies, one an epoch.
struct Weighed {
  std::vector<Copy> copies;
};

/// kSurvivals and kShares are the fixed grid: the chance that a coin survived, and the share of the
/// account's matching subjects that came from it.
inline constexpr std::array<double, 3> kSurvivals = {.75, .9, .98};
inline constexpr std::array<double, 4> kShares = {.02, .2, .6, .98};

/// bits_of is how much a coin can say, in thousandths of a bit, rounded: the same sum for
/// everybody.
std::uint64_t bits_of(const Observed& observed);
/// kCandidateBits: an account is under test from so many observable bits on, coins unseen.
inline constexpr std::uint64_t kCandidateBits = 10'000;

/// log2_evidence is log2 of E: the mean over the grid of the products over subjects. 0 for none.
double log2_evidence(std::span<const Weighed> subjects);

/// Bound says when an account is named: E at least candidates / alpha.
struct Bound {
  std::uint64_t candidates = 1;  // N_c, from ledger and leak alone
  double alpha = 1e-9;
};
enum class Tier : std::uint8_t { abstain, named };
/// judge abstains within 1e-6 bit of the bound too, where two computers might differ.
Tier judge(double log2_evidence, const Bound& bound);
/// bound_bits is what judge compares with: log2(candidates / alpha).
double bound_bits(const Bound& bound);

/// Match is one coin for the exact tail: its prior, and whether the account's coin agrees.
struct Match {
  Observed observed;
  bool agrees = false;
};
/// tail is P(T >= T of the account) for an innocent, T the sum of round(-64 log2 p) over agreeing
/// coins, by exact convolution; coins must be independent. 1 if none agree. insists that the sum of
/// all weights stays below 2^24.
double tail(std::span<const Match> coins);
/// judge_tail: candidates times tail at most alpha.
Tier judge_tail(double tail, const Bound& bound);

/// keeps says which subjects remain after an account was accepted: those that it explains are
/// peeled off before the others are weighed again with the sealed candidates.
std::vector<bool> keeps(std::span<const Weighed> subjects);

/// log2_page is what one page with score z multiplies E by; log2_decoy what a found decoy does
/// whose chance of being hit by luck is q, 0 < q <= 1. Both as log2; once a page, once a leak.
double log2_page(double z);
double log2_decoy(double q);

}  // namespace amanat::trace
