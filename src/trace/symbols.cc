#include "trace/symbols.h"

namespace amanat::trace {
namespace {

Symbol of_ascii(unsigned char c) {
  if (c >= '0' && c <= '9') return Symbol::digit;
  const unsigned char l = c | 0x20;
  if (l >= 'a' && l <= 'z') return Symbol::letter;
  switch (c) {
    case ' ':
      return Symbol::space;
    case '-':
      return Symbol::dash;
    case '.':
      return Symbol::dot;
    case '/':
      return Symbol::slash;
    case '_':
      return Symbol::underscore;
    case '(':
    case ')':
      return Symbol::parenthesis;
    case '+':
      return Symbol::plus;
    default:
      return Symbol::other;
  }
}

Read of_general_punctuation(unsigned second, unsigned third) {
  if (second == 0x80) {
    if (third <= 0x8A) return {Symbol::space, 3};                       // U+2000-200A
    if (third <= 0x8F) return {Symbol::invisible, 3};                   // U+200B-200F
    if (third <= 0x95) return {Symbol::dash, 3};                        // U+2010-2015
    if (third >= 0xAA && third <= 0xAE) return {Symbol::invisible, 3};  // U+202A-202E
    if (third == 0xAF) return {Symbol::space, 3};                       // U+202F
  } else if (second == 0x81) {
    if (third == 0xA0 || (third >= 0xA6 && third <= 0xA9)) return {Symbol::invisible, 3};
    if (third == 0x83) return {Symbol::dash, 3};  // U+2043
  } else if (second == 0x88 && third == 0x92) {
    return {Symbol::dash, 3};  // U+2212, the minus sign
  }
  return {Symbol::other, 3};
}

// U+FE58, FE63; U+FEFF; the full-width forms of ASCII, U+FF01-FF5E.
Read of_ef(unsigned second, unsigned third) {
  if (second == 0xBB && third == 0xBF) return {Symbol::invisible, 3};
  if (second == 0xB9 && (third == 0x98 || third == 0xA3)) return {Symbol::dash, 3};
  if (second == 0xBC && third >= 0x81 && third <= 0xBF) {
    const unsigned char ascii = static_cast<unsigned char>(third - 0x81 + 0x21);
    return {of_ascii(ascii), 3, static_cast<std::uint8_t>(ascii - '0')};
  }
  return {Symbol::other, 3};
}

}  // namespace

Read symbol_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80)
    return {of_ascii(static_cast<unsigned char>(first)), 1, static_cast<std::uint8_t>(first - '0')};
  const unsigned second = byte(1);
  if ((second & 0xC0) != 0x80) return {};
  switch (first) {
    case 0xC2:
      if (second == 0xA0) return {Symbol::space, 2};
      if (second == 0xAD) return {Symbol::invisible, 2};
      return {Symbol::other, 2};
    case 0xD8:
      return {second == 0x9C ? Symbol::invisible : Symbol::other, 2};  // U+061C, Arabic letter mark
    case 0xD9:
      if (second == 0x80) return {Symbol::invisible, 2};  // tatweel
      if (second >= 0xA0 && second <= 0xA9)
        return {Symbol::digit, 2, static_cast<std::uint8_t>(second - 0xA0)};
      return {Symbol::other, 2};
    case 0xDB:
      if (second >= 0xB0 && second <= 0xB9)
        return {Symbol::digit, 2, static_cast<std::uint8_t>(second - 0xB0)};
      if (second == 0x94) return {Symbol::dash, 2};  // the Urdu full stop looks like one
      return {Symbol::other, 2};
    case 0xE2:
    case 0xEF: {
      const unsigned third = byte(2);
      if ((third & 0xC0) != 0x80) return {};
      return first == 0xE2 ? of_general_punctuation(second, third) : of_ef(second, third);
    }
    default: {
      if (first < 0xC2) return {};
      const std::uint8_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
      // What only begins like a character takes nothing after it along.
      for (std::size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return {};
      return {Symbol::other, length};
    }
  }
}

}  // namespace amanat::trace
