#pragma once
// trace, findings: what a sealed extraction and the unlocked coins say, by the formulas alone. The
// exchange writes it, an outside checker computes it again (tracing pages 6 and 7). Pure,
// thread-safe.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/decoys.h"
#include "trace/extraction.h"
#include "trace/necessity.h"
#include "trace/observe.h"

namespace amanat::trace {

inline constexpr unsigned kPeelingRoundsMax = 8;

/// NamedAccount is an account whose copy the leak is of, by tier A.
struct NamedAccount {
  AccountId account{};
  unsigned round = 0;           // of peeling, from 1
  std::uint64_t millibits = 0;  // log2 of E, or minus log2 of the tail; thousandths, downwards
  std::uint64_t subjects = 0, coins = 0, agreeing = 0;
  std::string not_before;  // the day by which it had been shown every row that counts
  std::uint64_t decoys = 0;     // found, of those given to it
  std::uint64_t given = 0;      // decoys it was given
  std::uint64_t luck = 0;       // thousandths of a bit: minus log2 of q, where any was found
  friend bool operator==(const NamedAccount&, const NamedAccount&) = default;
};

/// Findings is the verdict in numbers.
struct Findings {
  Digest leak{};
  std::uint64_t leak_bytes = 0;
  std::string leak_day;
  Statistic test = Statistic::e;
  std::uint64_t rows = 0, sourced = 0, foreign = 0, unknown = 0;
  std::uint64_t symbols = 0, erased = 0;
  std::optional<SealedStrays> strays;
  std::uint64_t holders = 0;   // accounts with decoys
  bool decoys_alone = false;   // nobody has coins enough: a decoy decides by itself, or nothing
  std::uint64_t candidates = 0;
  std::uint64_t bound_millibits = 0;  // what log2 of E is held against
  unsigned evaluations = 0;           // each spends 1e-9
  std::string not_before;             // no row can be older; empty: nothing dates it
  std::vector<NamedAccount> named;
  std::vector<Necessity> necessity;
};

/// judge_extraction weighs every candidate of the sealed list, names, peels and weighs again, and
/// computes tier B with the named accounts forced. Accounts whose coins `symbol_of` does not know
/// are not weighed. `hits` are decoys that were found among the strays, of keys that were never
/// published before the seal.
Findings judge_extraction(const Extraction& extraction, const AllFacts& facts,
                          const disclosure::SlotCatalogue& catalogue, const SymbolOf& symbol_of,
                          std::span<const DecoyHit> hits = {});

/// judge_again does the same where the keys of the named accounts alone are known: it weighs them
/// in their order and leaves the others out. Errors: evidence_wrong (one is not reached by the
/// bound, or not on the sealed list).
Result<Findings> judge_again(const Extraction& extraction, const AllFacts& facts,
                             const disclosure::SlotCatalogue& catalogue, const SymbolOf& symbol_of,
                             std::span<const AccountId> named,
                             std::span<const DecoyHit> hits = {});

/// sourced_rows are the distinct rows with their accounts, for tiers B and C.
std::vector<SourcedRow> sourced_rows(const Extraction& extraction, const AllFacts& facts);

/// write_findings is their one spelling (docs/trace-evidence.md). It ends with the hypothesis that
/// is always open: the exchange's own storage, backups and administrators.
std::string write_findings(const Findings& findings);

}  // namespace amanat::trace
