#pragma once
// console, pages of a citizen: who looked at me, one look, what I said is not right, was I in a
// leak. Nothing of anybody else stands on them. Pure functions.

#include <optional>
#include <string>
#include <vector>

#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"

namespace amanat::console {

/// ShownLook is one entry of the ledger about the reader.
struct ShownLook {
  enum class State : std::uint8_t { open, sealed, erased } state = State::open;
  enum class Kind : std::uint8_t { disclosure, refusal, erasure, other } kind = Kind::disclosure;
  std::uint64_t entry = 0;
  Moment time{};
  Moment opens{};  // of a sealed one
  std::string purpose, law;
  std::string department, unit;
  std::uint32_t officer = 0;  // the account's public number; 0: not told
  std::vector<std::string> fields;
};

/// LooksList is one page of the list, newest first.
struct LooksList {
  std::vector<ShownLook> looks;
  std::uint64_t total = 0, sealed = 0;
  std::uint64_t before = 0;  // entry the next page begins below; 0: no more
  // That ever looked, for the filter: id, and what people call it.
  std::vector<std::pair<std::string, std::string>> departments;
  std::string department;  // the id filtered by; empty: all
  Zone zone;
};
std::string looks_page(const Reader& reader, const LooksList& list);

/// look_page is one look in plain words, with how to check it.
std::string look_page(const Reader& reader, const ShownLook& look, Zone zone, bool may_complain);

/// ShownComplaint is what the reader said and what came of it.
struct ShownComplaint {
  std::string id;
  std::uint64_t entry = 0;  // the look it is about
  Moment made{}, due{};
  std::optional<Moment> answered;
  std::string text, answer;
  bool upheld = false;
};
std::string complaints_page(const Reader& reader, const std::vector<ShownComplaint>& complaints,
                            Zone zone);
/// complain_page asks what is not right with a look.
std::string complain_page(const Reader& reader, const ShownLook& look, Zone zone,
                          const ReasonRow* why);

/// ShownLeak is a leak that the reader's data was found in.
struct ShownLeak {
  std::string day;  // when it was found outside, written out
  std::vector<std::string> fields;
};
std::string leaks_page(const Reader& reader, const std::vector<ShownLeak>& leaks);

}  // namespace amanat::console
