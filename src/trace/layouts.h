#pragma once
// trace, layouts: a number read group by group and compared with the known layouts: the slow second
// step of find_identifiers, which needs no first. This room only; pure, thread-safe.

#include <cstddef>
#include <string_view>
#include <vector>

#include "trace/identifiers.h"

namespace amanat::trace {

// misread_digit is the digit that a reader of pictures takes for this letter; -1: none.
inline int misread_digit(char c) {
  switch (c) {
    case 'O':
    case 'o':
      return 0;
    case 'l':
    case 'I':
    case 'i':
    case '|':
      return 1;
    case 'Z':
    case 'z':
      return 2;
    case 'S':
    case 's':
      return 5;
    case 'B':
      return 8;
    default:
      return -1;
  }
}

/// misread reads a national ID at `at` in which letters stand for digits, and returns its bytes; 0
/// if there is none.
std::size_t misread(std::string_view text, std::size_t at, std::vector<Identifier>& found);

/// read_at reads the number that begins at `at`, if it is an identifier, and says where to go on.
std::size_t read_at(std::string_view text, std::size_t at, std::vector<Identifier>& found);

}  // namespace amanat::trace
