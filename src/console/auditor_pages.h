#pragma once
// console, pages of an auditor and of the operator: search over the ledger's entries, one entry
// with its proof, an officer's or a citizen's trail, who can see a field, the exchange's state.
// Pure functions.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "console/citizen_pages.h"
#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"

namespace amanat::console {

/// FoundEntry is one line of a search. It says nothing of the citizen.
struct FoundEntry {
  std::uint64_t entry = 0;
  Moment time{};
  std::string kind, account, purpose;
};
/// Search is what was searched for, as typed.
struct Search {
  std::string account, purpose, kind, from, to;
  std::vector<FoundEntry> found;
  std::uint64_t before = 0;   // the next page begins below; 0: no more
  std::uint64_t entries = 0;  // in the ledger
  const ReasonRow* why = nullptr;
};
/// Purposes are the policy's, by id and in the reader's words.
using Purposes = std::vector<std::pair<std::string, std::string>>;
std::string search_page(const Reader& reader, const Search& search, const Purposes& purposes,
                        Zone zone);

/// record_page is what the ledger holds of the reader's own questions, newest first.
std::string record_page(const Reader& reader, const std::vector<FoundEntry>& own,
                        const Purposes& purposes, Zone zone);

/// ShownEntry is one entry with its proof.
struct ShownEntry {
  FoundEntry found;
  std::string receipt, leaf;
};
std::string entry_page(const Reader& reader, const ShownEntry& entry, Zone zone);

/// trail_page lists what was found of one officer or citizen, after that was recorded.
struct Trail {
  bool of_citizen = false;
  std::string account;  // of an officer
  std::vector<ShownLook> looks;
  std::uint64_t recorded = 0;
};
std::string trail_page(const Reader& reader, const Trail& trail, Zone zone);
/// trails_page asks whose.
std::string trails_page(const Reader& reader, const ReasonRow* why);

/// WhoLine is a sentence of who can see a field.
struct WhoLine {
  std::string role, purpose, level, rule, text;
};
std::string who_page(const Reader& reader, std::string_view pattern,
                     const std::vector<WhoLine>& lines, const ReasonRow* why);

/// ExchangeState is the exchange as an operator sees it.
struct ExchangeState {
  std::vector<std::pair<std::string, std::string>> lines;  // what, how
  std::vector<std::string> broken;                         // what does not work: in red
};
std::string state_page(const Reader& reader, const ExchangeState& state);

/// api_page is the list of what can be asked over HTTP.
struct ApiRoute {
  std::string method, path, who, says;
};
std::string api_page(const Reader& reader, const std::vector<ApiRoute>& routes);

}  // namespace amanat::console
