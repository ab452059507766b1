#pragma once
// trace, necessity: is an account in every explanation of a leak by at most c accounts and b
// foreign rows (tier B)? Pure functions of what was sealed, for the exchange and for an outside
// checker alike: nothing but the standard library is used. What it means: docs/trace-weighing.md.
//
// It says something only together with its assumption (c, b), which the data cannot support: b is
// never estimated from the leak. No search is cut short to anybody's harm: what was not searched
// counts as an explanation without the account.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace amanat::trace {

/// SourcedRow is a row of the leak with S(r): the accounts that may have supplied it, none if it is
/// foreign. Rows of one subject and one set of compatible versions are one row, with all their
/// accounts.
struct SourcedRow {
  std::string subject;                  // its label
  std::vector<std::uint16_t> versions;  // of its values, that agree with the row; ascending
  std::vector<std::uint32_t> accounts;
};

struct NecessityOptions {
  std::vector<unsigned> sources = {1, 2, 3, 5};  // the values of c, each at least 1
  std::vector<std::uint32_t> accepted;           // named by tier A: in every explanation
  std::uint64_t work_max = 150'000'000;          // words looked at in one search, then it is cut
};

/// Margin is a member of a best explanation, with all accounts whose rows are exactly the same.
struct Margin {
  std::uint32_t account = 0;
  std::vector<std::uint32_t> tied;  // ascending, the account among them; one: no tie
  std::uint64_t b_star = 0;         // rows that came from elsewhere if it is no source; at least
  std::uint64_t b_star_tied = 0;    // the same if nobody of the tie set is one; at least
  bool exact = true, exact_tied = true;  // false: the search was cut, the value is a lower bound
  bool accepted = false;
};

/// Necessity is the answer for one c.
struct Necessity {
  unsigned sources = 0;
  std::uint64_t rows = 0;            // distinct, with somebody who may have supplied them
  bool possible = true;              // false: tier A accepted more accounts than c
  std::uint64_t residual = 0;        // rows no c accounts can explain; at most
  std::uint64_t residual_least = 0;  // the same, at least: less only if the search was cut
  std::vector<Margin> margins;       // of one best explanation, the largest b_star first
};

/// necessity computes margins for every c asked for. Every account that is not in a margin has
/// b_star = residual, so it is never needed. An accepted account's own margin is computed without
/// forcing it. Deterministic; time is bounded by work_max for each of at most 2c + 1 searches.
std::vector<Necessity> necessity(std::span<const SourcedRow> rows, const NecessityOptions& options);

enum class Explained : std::uint8_t { refuted, holds };
/// explained says whether c accounts and b foreign rows explain the leak at all: if not, everybody
/// would be "needed", and nobody is.
Explained explained(const Necessity& at, std::uint64_t foreign);
/// needed lists accounts that are in every explanation by c accounts and `foreign` foreign rows:
/// residual <= foreign < b_star. Ascending; empty if refuted.
std::vector<std::uint32_t> needed(const Necessity& at, std::uint64_t foreign);
/// margin_text prints one margin: "4", or ">=4" if the search was cut.
std::string margin_text(std::uint64_t b_star, bool exact);

}  // namespace amanat::trace
