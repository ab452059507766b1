#pragma once
// The small words every room speaks: identifiers with a type each, so that two of them cannot be
// swapped. Plain values, freely copied, thread-safe as such.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace amanat {

/// Digest is a SHA-256 value.
using Digest = std::array<std::uint8_t, 32>;

/// Label is the ledger's 32-byte keyed name of a subject (ledger page 5.3); never a CNIC.
using Label = std::array<std::uint8_t, 32>;

/// Tag is a 16-byte keyed name of a value: equality can be tested, nothing else learned.
using Tag = std::array<std::uint8_t, 16>;

/// Address is a network address: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2). All zero: none.
using Address = std::array<std::uint8_t, 16>;

/// AccountId is assigned at enrolment and never reused.
enum class AccountId : std::uint32_t {};

/// EntryIndex is the position of an entry in the ledger, from 0.
enum class EntryIndex : std::uint64_t {};
inline std::uint64_t number(EntryIndex i) { return static_cast<std::uint64_t>(i); }
inline std::uint32_t number(AccountId a) { return static_cast<std::uint32_t>(a); }

/// Moment is Unix time in milliseconds.
enum class Moment : std::uint64_t {};
inline std::uint64_t number(Moment m) { return static_cast<std::uint64_t>(m); }

/// now reads the system's clock.
Moment now();

/// FieldId is a field's place in the FieldTable of the loaded catalog.
enum class FieldId : std::uint16_t {};
inline std::uint16_t number(FieldId f) { return static_cast<std::uint16_t>(f); }

/// DatasetId is a dataset's place in the catalog.
enum class DatasetId : std::uint16_t {};
inline std::uint16_t number(DatasetId d) { return static_cast<std::uint16_t>(d); }

/// SubjectKind says what identifies a subject. Values are on disk: never renumber.
enum class SubjectKind : std::uint8_t {
  national_id = 1,  // a citizen
  msisdn = 2,       // a phone number, until its holder is known
  passport = 3,     // a foreigner
  unidentified = 4  // a person the department could not name; the value is the record's own key
};

/// SubjectName is a normalised name of a subject: 13 digits, +E.164, passport number, or record
/// key. It is personal data: never in a log, metric, URL, argument list or error.
struct SubjectName {
  SubjectKind kind = SubjectKind::national_id;
  std::string value;
  friend auto operator<=>(const SubjectName&, const SubjectName&) = default;
};

/// masked returns a form fit for the officer's own screen: "35202-*****48-1" for a national ID.
std::string masked(const SubjectName& name);

}  // namespace amanat
