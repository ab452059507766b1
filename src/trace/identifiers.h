#pragma once
// trace, identifiers: national IDs and phone numbers in text of any layout and script
// (docs/trace-reading.md lists them). Pure functions, thread-safe, no heap but the caller's vector.
//
// The shapes are those of the numbering plan below. It is the one country-specific thing here; what
// is found is compared with the index, never taken on its word.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace amanat::trace {

enum class Kind : std::uint8_t { national_id, msisdn };
inline constexpr std::size_t kKinds = 2;
std::string_view word_of(Kind kind);

/// Layout is how a number was written.
enum class Layout : std::uint8_t {
  grouped,     // 35202-1234567-1 in any dash
  spaced,      // 35202 1234567 1
  plain,       // 3520212345671
  trunk,       // 03xx xxxxxxx, with any grouping
  country,     // +92, 0092 or 92 before
  bare,        // ten digits: a spreadsheet dropped the zero
  scientific,  // 3.52021E+12: a spreadsheet dropped digits too
};
inline constexpr std::size_t kLayouts = 7;
std::string_view word_of(Layout layout);

inline constexpr std::size_t kNationalIdDigits = 13, kMsisdnDigits = 12;

/// Identifier is one number found. Its canonical form is digits: 13 of a national ID, 92 and ten of
/// a phone. `partial`: only the first `count` are known; such a one is a lead, never evidence.
struct Identifier {
  std::uint32_t offset = 0;  // in the text that was scanned, at its first digit
  std::uint16_t length = 0;  // bytes from there to its last digit
  Kind kind{};
  Layout layout{};
  std::uint8_t count = 0;
  bool partial = false;
  std::array<char, 13> digits{};
  std::string_view canonical() const { return {digits.data(), count}; }
};

/// find_identifiers appends every identifier of `text` (UTF-8; what is malformed ends a number) in
/// order. Numbers never cross the text's ends: give whole lines or cells. At most 4 GiB.
void find_identifiers(std::string_view text, std::vector<Identifier>& found);

/// find_identifiers_slowly finds the same without the fast search for candidates; for tests.
void find_identifiers_slowly(std::string_view text, std::vector<Identifier>& found);

}  // namespace amanat::trace
