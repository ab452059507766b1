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
  AccountId by{};                         // placed, released, announced: who did
  std::optional<std::uint64_t> releases;  // released: the entry of the hold, or of the operation
  std::optional<Digest> other;            // two_places: the device used before, whose session ends
  std::uint64_t from = 0, until = 0;      // announced: the operation's time, ms
  std::optional<Label> citizen;           // whom to notify; never in the words
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
/// notice_of is the entry that tells the citizen of an alert about them, in their own history, but
/// for its slice (the citizen's); nothing if the citizen is not to be told. It names no officer.
std::optional<EntryContent> notice_of(const Alert& alert);

/// Refused is a refusal that a rule counts, as its DENIED entry keeps it ("refused ORDER AT RULE").
struct Refused {
  std::uint64_t order = 0, at = 0;
  Rule rule{};
};
std::string words_of(const Refused& refused);
/// refused_of finds the line in a DENIED entry's part 10; nothing if it has none.
std::optional<Refused> refused_of(std::string_view part);

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

/// Operation is a time in which a unit meets strangers by its order: the friction test pauses.
struct Operation {
  std::uint64_t id = ~0ull;  // the entry that announced it; ~0: not recorded yet
  std::string unit;
  std::uint64_t from = 0, until = 0, order = 0;
  AccountId by{};
};

/// Told is an alert with its place in the ledger.
struct Told {
  std::uint64_t entry = 0;
  Alert alert;
};

}  // namespace amanat::detection
