#pragma once
// Unsigned big-endian numbers, as every format of the ledger writes them. Pure functions.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"

namespace amanat::ledger {

/// store_number writes `value` at `at`, most significant byte first; the caller owns sizeof(value)
/// bytes.
template <std::unsigned_integral T>
void store_number(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i))));
}

template <std::unsigned_integral T>
void append_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_number(bytes, value);
  out.append(bytes, sizeof(T));
}

/// load_number reads sizeof(T) bytes at `at`, which the caller has checked to exist.
template <std::unsigned_integral T>
T load_number(const char* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(static_cast<T>(value << (8 % (8 * sizeof(T)))) |
                           static_cast<std::uint8_t>(at[i]));
  return value;
}

/// Cursor takes hostile bytes apart from the left; once something is missing it stays failed and
/// gives zeros and empty views.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t n) {
    if (failed_ || n > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  template <std::unsigned_integral T>
  T number() {
    const auto bytes = take(sizeof(T));
    return failed_ ? T{0} : load_number<T>(bytes.data());
  }
  bool failed() const { return failed_; }
  bool at_end() const { return !failed_ && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace amanat::ledger
