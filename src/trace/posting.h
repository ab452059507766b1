#pragma once
// trace, posting: one disclosure in the index, 8 bytes (docs/trace-index.md). Pure.

#include <compare>
#include <cstdint>

#include "model/ids.h"

namespace amanat::trace {

/// Posting says that an account was shown fields of a subject on a day. Packed so that the order of
/// the numbers is the order by account, then day.
struct Posting {
  AccountId account{};        // below 2^24
  std::uint16_t day = 0;      // since 2000-01-01 UTC, below 2^14
  std::uint16_t version = 0;  // of the values shown, modulo 4096
  std::uint16_t fields = 0;   // granted field set, its place in the index's dictionary, below 2^14
  friend auto operator<=>(const Posting&, const Posting&) = default;
};

inline constexpr std::uint32_t kAccountsMax = 1u << 24;
inline constexpr std::uint16_t kDaysMax = 1u << 14, kVersions = 1u << 12;
inline constexpr std::uint16_t kFieldSetsMax = (1u << 14) - 1;
/// kFieldsUnlisted stands for a field set that the full dictionary has no room for: read the entry.
inline constexpr std::uint16_t kFieldsUnlisted = kFieldSetsMax;
inline constexpr std::uint64_t kDayZeroMs = 946'684'800'000;  // 2000-01-01T00:00:00Z

inline std::uint64_t pack(const Posting& p) {
  return static_cast<std::uint64_t>(number(p.account)) << 40 |
         static_cast<std::uint64_t>(p.day) << 26 | static_cast<std::uint64_t>(p.version) << 14 |
         p.fields;
}
inline Posting unpack(std::uint64_t bits) {
  return {AccountId{static_cast<std::uint32_t>(bits >> 40)},
          static_cast<std::uint16_t>(bits >> 26 & (kDaysMax - 1)),
          static_cast<std::uint16_t>(bits >> 14 & (kVersions - 1)),
          static_cast<std::uint16_t>(bits & kFieldSetsMax)};
}

}  // namespace amanat::trace
