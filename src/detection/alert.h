#pragma once
// detection, alert: what is told of a rule that was broken, and the hold that follows. Both rest in
// ALERT entries of the ledger (part 10 of the body) and nowhere else: a hold is as durable as the
// entry that placed it, and a start rebuilds them. No citizen's number or name is in one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detection/habits.h"
#include "detection/parameters.h"
#include "model/entry.h"
#include "model/field.h"

namespace amanat::detection {

/// Alert is one rule broken, or one hold placed or released by a person.
struct Alert {
  Rule rule{};
  Tier tier{};
  Actor actor;  // whose lookups; of `placed`: who is held; of `released`: whose hold
  std::string unit, case_ref, purpose;
  Sensitivity data_class = Sensitivity::ordinary;  // close_class: this and above
  std::uint64_t at = 0;                            // judged at, ms
  std::uint64_t order = 0;
  double score = 0, threshold = 0;
  std::vector<std::uint64_t> entries;     // of the ledger, that the score rests on
  std::vector<Look> looks;                // the refused ones, which no other entry has
  std::string parameters;                 // first 16 hex digits of the SHA-256 of those in force
  std::string note;                       // a person's reason; or further inputs
  AccountId by{};                         // placed, released: who did
  std::optional<std::uint64_t> releases;  // released: the entry of the hold
};

/// words_of and look_of: one lookup's judgement as text, kept in part 10 of its DISCLOSURE entry,
/// sealed in the citizen's own slice. look_of returns nothing unless the words are exactly that.
std::string words_of(const Look& look);
std::optional<Look> look_of(std::string_view words);

/// encode and decode: lines "key value"; decode refuses every other form.
std::string encode(const Alert& alert);
std::optional<Alert> decode_alert(std::string_view text);

/// entry_of is the ALERT entry to be recorded, but for its slice (the system's).
EntryContent entry_of(const Alert& alert);

/// Hold is what an account may not do until a second person releases it.
struct Hold {
  std::uint64_t id = ~0ull;  // the entry that placed it; ~0: not recorded yet
  Rule rule{};
  Tier tier{};
  Actor actor;
  Sensitivity data_class = Sensitivity::ordinary;
  std::uint64_t at = 0, order = 0;
  AccountId by{};  // who placed it; 0: the exchange
};

/// Told is an alert with its place in the ledger.
struct Told {
  std::uint64_t entry = 0;
  Alert alert;
};

}  // namespace amanat::detection
