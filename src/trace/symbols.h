#pragma once
// trace, symbols: what one character of leaked text is to a number. This room only; pure.

#include <cstdint>
#include <string_view>

namespace amanat::trace {

enum class Symbol : std::uint8_t {
  digit,
  invisible,  // direction marks, zero-width and soft hyphens, tatweel: as if it were not there
  space,      // on one line: blank, no-break and thin spaces; never a tab
  dash,
  dot,
  slash,
  underscore,
  parenthesis,
  plus,
  letter,  // a Latin letter
  other
};

struct Read {
  Symbol symbol = Symbol::other;
  std::uint8_t bytes = 1;
  std::uint8_t digit = 0;
};

/// symbol_at reads the character at `at`, which must be inside. Malformed bytes are `other`.
Read symbol_at(std::string_view text, std::size_t at);

/// before returns where the character that ends at `at` begins; `at` must be above 0.
inline std::size_t before(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  return begin;
}

}  // namespace amanat::trace
