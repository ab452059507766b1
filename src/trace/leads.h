#pragma once
// trace, leads: who is likely (tier C)? A mixture over accounts, fitted to the rows of the leak,
// for investigators and never for a verdict: it assumes that rows were chosen without regard to the
// account, which is false as soon as somebody is framed. Hence a Lead can be printed and nothing
// else: it holds no number that could be compared, summed or weighed. Pure functions.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/necessity.h"

namespace amanat::trace {

/// kLeadWarning ends every line about a lead.
inline constexpr std::string_view kLeadWarning =
    "assumes the rows were chosen without regard to this account; false if somebody was framed";

/// Holding is what the ledger says of an account.
struct Holding {
  std::uint32_t account = 0;
  std::uint64_t disclosures = 0;  // of distinct subjects, ever: |D|
  std::uint64_t unexplained = 0;  // of the leak's subjects, without a case or purpose that fits
};

struct LeadOptions {
  double background = 1 / 2.4e8;  // chance of a row if no account is its source
  /// overlap says how many subjects two accounts both had disclosed, by the ledger. May be null:
  /// then no line compares colleagues.
  std::function<std::uint64_t(std::uint32_t, std::uint32_t)> overlap;
  std::size_t most = 20;  // lines
};

/// Lead is one line. Its order in the list is all that ranks it.
class Lead {
 public:
  std::uint32_t account() const { return account_; }
  /// text is a sentence without personal values; it ends with kLeadWarning.
  const std::string& text() const { return text_; }

 private:
  friend class LeadWriter;
  Lead(std::uint32_t account, std::string text) : account_(account), text_(std::move(text)) {}
  std::uint32_t account_;
  std::string text_;
};

/// leads fits p(r) = (1 - eps) sum_a w_a [r in D_a] / |D_a| + eps q0 by expectation maximisation
/// (BreachRadar, arXiv 2009.11751), until the likelihood changes by less than 1e-6 of itself, 200
/// rounds at most. Strongest first; an account without a Holding is no lead. Rows are taken as they
/// are: distinct ones are the caller's.
std::vector<Lead> leads(std::span<const SourcedRow> rows, std::span<const Holding> holdings,
                        const LeadOptions& options);

/// chance_in_common is the chance that at least `common` of `picked` rows, taken blindly from
/// `disclosures`, lie among `overlap` of them (hypergeometric); with common = picked it is
/// C(overlap, picked) / C(disclosures, picked). 1 if the numbers cannot be.
double chance_in_common(std::uint64_t disclosures, std::uint64_t overlap, std::uint64_t picked,
                        std::uint64_t common);

}  // namespace amanat::trace
