#pragma once
// policy, bytes: how this room's rows are written before they are sealed. Big-endian, texts with a
// u16 length; a reader refuses whatever is not exactly there. This room only. Pure functions.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "model/ids.h"
#include "model/insist.h"

namespace amanat::policy {

inline void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

inline void put(std::string& out, std::string_view text) {
  insist(text.size() <= 0xffff);
  put(out, text.size(), 2);
  out += text;
}

template <std::size_t N>
std::string_view bytes_of(const std::array<std::uint8_t, N>& array) {
  return {reinterpret_cast<const char*>(array.data()), array.size()};
}

/// Taker takes values off the front; after the first that is not there, all are empty.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  /// count is a number of things that follow, at most `most`.
  std::size_t count(unsigned bytes, std::size_t most) {
    const std::uint64_t n = number(bytes);
    if (n > most) broken_ = true;
    return broken_ ? 0 : static_cast<std::size_t>(n);
  }
  bool flag() {
    const std::uint64_t n = number(1);
    if (n > 1) broken_ = true;
    return n == 1;
  }
  std::string text() {
    const auto size = static_cast<std::size_t>(number(2));
    return std::string(take(size));
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out{};
    const std::string_view taken = take(N);
    if (taken.size() == N) std::memcpy(out.data(), taken.data(), N);
    return out;
  }
  std::string_view take(std::size_t n) {
    if (broken_ || rest_.size() < n) {
      broken_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  bool broken() const { return broken_; }
  bool whole() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace amanat::policy
