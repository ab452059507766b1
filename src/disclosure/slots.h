#pragma once
// disclosure, slots: where an answer leaves room for a coin, and what each side of the coin looks
// like. Pure functions of the slot catalogue, of true values and of a key: the exchange that
// marks, the trace that reads a leak and the outside checker run this same code. No value is ever
// altered: a symbol decides which true thing is shown, and how. Formats: docs/marks.md.
// Immutable after parse; thread-safe.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::disclosure {

/// SlotClass: R survives retyping, F dies on normalisation.
enum class SlotClass : std::uint8_t { r, f };

/// SlotKind says what a coin decides.
enum class SlotKind : std::uint8_t {
  withheld,      // R  which one of the optional `members` waits behind "show more"
  which,         // R  which one of the `members`' values is shown alone
  first,         // R  which one of several records is shown alone, told apart by the field
  house,         // R  an address with or without its first part
  day,           // R  a date to the day or to the month
  minute,        // R  a time as recorded or as the five minutes it lies in
  seconds,       // R  a duration in seconds or in whole minutes
  cell,          // R  a cell or the area it is in
  abbreviation,  // F  House, Street / H., St. / H#, St# / no words
  date,          // F  2026-11-22 / 22-11-2026 / 22 Nov 2026 / 22/11/2026, one a record of a citizen
  dashes,        // F  a national ID as 5-7-1 or plain
  number,        // F  03xx-xxxxxxx / 03xxxxxxxxx / +92 3xx xxxxxxx / 923xxxxxxxxx
  unicode,       // F  composed or decomposed letters
  section        // F  "302 PPC" or "PPC 302"
};
inline constexpr std::size_t kSlotKinds = 14;
/// slot_word is the kind's word in catalogues; slot_kind reads it.
std::string_view slot_word(SlotKind kind);
std::optional<SlotKind> slot_kind(std::string_view word);
SlotClass class_of(SlotKind kind);
/// symbols_of is how many symbols a kind has; 0: as many as there are alternatives, at most 4.
std::size_t symbols_of(SlotKind kind);

/// Slot is one line of the catalogue. Numbers are for ever: never reused with another meaning.
struct Slot {
  std::uint16_t field = 0;  // a field's number, or its dataset's where the slot is of several
  std::uint8_t number = 0;  // of the slot within the field
  SlotKind kind{};
  std::vector<std::uint32_t> weights;  // one a symbol; empty: all 1
  std::uint16_t anchor = 0;            // of a list: the field that tells its records apart; 0: none
  std::vector<std::uint16_t> members;  // withheld, which, date, dashes: ascending; else empty
  friend bool operator==(const Slot&, const Slot&) = default;
};

inline constexpr std::size_t kCatalogueBytesMax = 256 * 1024;
inline constexpr std::size_t kAlternativesMax = 4;
inline constexpr std::size_t kFieldsMarkedMax = 512;

/// SlotCatalogue is a version of the slot catalogue, of which the ledger holds the SHA-256.
class SlotCatalogue {
 public:
  struct Name {
    std::uint16_t number = 0;
    std::string id;  // registry.dataset.field, or registry.dataset
  };
  SlotCatalogue() = default;  // version 0: no slots
  /// parse takes exactly the canonical text: "amanat-slots v1", "version N", then "name NUMBER ID"
  /// ascending, then "slot FIELD NUMBER KIND WEIGHTS ANCHOR MEMBERS" ascending; LF ends each line.
  /// Errors: catalog_wrong ("line N: what").
  static Result<SlotCatalogue> parse(std::string_view text);
  std::uint16_t version() const { return version_; }
  const std::string& text() const { return text_; }
  const Digest& sha256() const { return sha256_; }
  const std::vector<Slot>& slots() const { return slots_; }  // ascending by field, number
  const std::vector<Name>& names() const { return names_; }  // ascending by number
  /// number_of is a field's or dataset's number, 0 if it has none. id_of: empty if unknown.
  std::uint16_t number_of(std::string_view id) const;
  std::string_view id_of(std::uint16_t number) const;
  /// find returns a slot, or null.
  const Slot* find(std::uint16_t field, std::uint8_t number) const;
  /// follows says whether this may come after `older`: a greater version, and no number of it with
  /// another meaning. Errors: catalog_wrong.
  Result<void> follows(const SlotCatalogue& older) const;

 private:
  std::uint16_t version_ = 0;
  std::string text_;
  Digest sha256_{};
  std::vector<Name> names_;
  std::vector<Slot> slots_;
};

/// canonical_bytes of a value (docs/marks.md): single blanks, no '+' before a number, a time of day
/// cut to seconds. The registry has made it NFC.
std::string canonical_bytes(std::string_view value);

using ValueId = std::array<std::uint8_t, 8>;
/// value_id of content: the first 8 bytes of its SHA-256. Of several values: sorted, joined by 00.
ValueId value_id(std::string_view content);
ValueId value_id_of(std::vector<std::string> values);

/// TrueValue is a value as the registry has it; TrueRecord one record of a subject, with the fields
/// that were released in full and are not empty.
struct TrueValue {
  std::uint16_t field = 0;  // its number in the catalogue
  std::string_view text;
};
struct TrueRecord {
  std::uint16_t dataset = 0;
  std::vector<TrueValue> values;  // ascending by field
};

/// Place is one live coin of an answer: decided from true values and from what the purpose can do
/// without, never from a coin (tracing page 2.1, rule 9).
struct Place {
  const Slot* slot = nullptr;
  ValueId value{};
  std::vector<std::uint32_t> weights;  // one a symbol, at least two
  // What each symbol stands for. withheld: the candidate field; which: the member field that has
  // the value; first: the record, as an index in the span given.
  std::vector<std::uint32_t> alternatives;
  std::vector<std::uint32_t> behind;    // first: records that wait whatever the coin says
  std::optional<std::uint32_t> record;  // the record it is of; none: the whole citizen
  std::uint16_t of = 0;                 // the field whose text it renders; 0: none
};
/// places lists the live coins of one citizen's answer: records as registered (in the answer's
/// order), and the numbers of the fields the purpose marks optional. Class R asks for optional.
std::vector<Place> places(const SlotCatalogue& catalogue, std::span<const TrueRecord> records,
                          std::span<const std::uint16_t> optional);

/// Symbolised is a slot with the symbol that fell, for rendering.
struct Symbolised {
  const Slot* slot = nullptr;
  std::uint32_t symbol = 0;
};
/// rendered is how a value is shown under the coins of its own field (kinds house, day, minute,
/// seconds, cell, abbreviation, date, dashes, number, unicode, section), in the catalogue's order.
std::string rendered(std::span<const Symbolised> symbols, std::string_view value);

/// read_value reads the symbols of a value's slots back from the raw text of a leaked cell, given a
/// value the citizen has, or had. Class R survives retyping, class F only the exact text. One
/// result a slot, none = erased: missing, dead, ambiguous, or not this value.
std::vector<std::optional<std::uint32_t>> read_value(std::span<const Slot* const> slots,
                                                     std::string_view raw, std::string_view value);
/// says_value is whether a leaked text may be this value under some symbols, retyped or not. A
/// coarse form says every value it contains.
bool says_value(std::span<const Slot* const> slots, std::string_view raw, std::string_view value);

/// Cell is what a leaked row has for a field.
enum class Cell : std::uint8_t { absent, empty, filled };  // absent: no such column in the template
/// read_withheld: exactly one candidate empty in a row whose template has it, else erased.
std::optional<std::uint32_t> read_withheld(const Place& place,
                                           const std::function<Cell(std::uint16_t field)>& cell);
/// read_choice: exactly one alternative appears among the leaked texts, else erased. `value_slots`
/// are the slots that render the alternatives' texts; `texts` has each alternative's true value.
std::optional<std::uint32_t> read_choice(std::span<const std::string_view> raws,
                                         std::span<const std::string_view> texts,
                                         std::span<const Slot* const> value_slots);
/// value_slots lists the slots that render a field's text, in the catalogue's order.
std::vector<const Slot*> value_slots(const SlotCatalogue& catalogue, std::uint16_t field);

/// CoinKey is an account key K, ready to draw. Copyable; wiped.
class CoinKey {
 public:
  explicit CoinKey(const Key256& k) : mac_(k.bytes()) {}
  /// draw is u of the coin; symbol the side that falls. weights: at least one, their sum at most
  /// 2^16.
  std::uint64_t draw(std::span<const std::uint8_t> subject, std::uint16_t field,
                     const ValueId& value, std::uint8_t slot) const;
  std::uint32_t symbol(std::span<const std::uint8_t> subject, const Place& place) const;
  /// decoy_seed is what the i-th decoy of an extract follows from (tracing page, part 9).
  Digest decoy_seed(std::span<const std::uint8_t, 16> extract, std::uint32_t i) const;

 private:
  crypto::Hmac mac_;
};
/// symbol_of turns a draw into a symbol.
std::uint32_t symbol_of(std::uint64_t draw, std::span<const std::uint32_t> weights);

// ---- the key schedule (tracing page 3.2) ----

/// epoch_of is (year - 2000) * 16 + n, n the account's re-keying within the year.
std::uint16_t epoch_of(Moment moment, unsigned rekeyed = 0);
inline unsigned year_of(std::uint16_t epoch) { return 2000u + epoch / 16; }
/// share_info and share_input are what DeriveKeyPair and the VOPRF are fed.
std::string share_info(unsigned year);
std::string share_input(AccountId account, std::uint16_t epoch);
/// account_key makes K of both shares (64 bytes each).
Key256 account_key(std::span<const std::uint8_t, 64> exchange_share,
                   std::span<const std::uint8_t, 64> auditor_share, AccountId account,
                   std::uint16_t epoch);
/// key_commitment is kc.
Digest key_commitment(const Key256& k);

/// MarksRecord is an entry's body part 8: u8 kind || u16 catalogue || u16 epoch || kc(32), then
/// kind 1: the numbers of the fields released in full that the purpose can do without, u16 each,
/// ascending; kind 2 ("show more"): u64 parent entry. Kind 0 is that byte alone: exempt by the
/// grant. An absent part: no auditor was configured.
struct MarksRecord {
  enum class Kind : std::uint8_t { exempt = 0, coins = 1, more = 2 } kind = Kind::exempt;
  std::uint16_t catalogue = 0, epoch = 0;
  Digest commitment{};
  std::vector<std::uint16_t> optional;
  EntryIndex parent{};
};
std::string encode_marks(const MarksRecord& record);
/// parse_marks reads it. Errors: ledger_corrupt.
Result<MarksRecord> parse_marks(std::string_view part);

}  // namespace amanat::disclosure
