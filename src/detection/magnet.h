#pragma once
// detection, magnet: how many officers asked for one citizen within thirty days. Bounded: a table
// of places, in which the citizen asked for by the fewest, longest ago, makes room. Feeds review
// alone. Thread-safe.

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace amanat::detection {

class Magnet {
 public:
  /// kOfficers is the most that is counted for one citizen.
  static constexpr std::size_t kOfficers = 12;
  explicit Magnet(std::size_t citizens);
  /// see notes that an account asked for a citizen on a day, and returns how many distinct
  /// accounts did in the thirty days up to it; 0 if this one is not new among them.
  unsigned see(std::uint64_t subject, std::uint32_t account, std::uint32_t day);
  /// accounts lists who asked for a citizen within the thirty days up to `day`.
  std::vector<std::uint32_t> accounts(std::uint64_t subject, std::uint32_t day);
  /// soon asks the processor for what see() will touch for this subject.
  void soon(std::uint64_t subject) const {
    const auto* line = reinterpret_cast<const char*>(&places_[set_of(subject)]);
    for (std::size_t i = 0; i < kWays * sizeof(Place); i += 64) __builtin_prefetch(line + i, 1);
  }
  std::size_t bytes() const { return places_.size() * sizeof(Place); }

 private:
  friend struct Rest;  // snapshot.cc
  struct Place {
    std::uint64_t subject = 0;
    std::array<std::uint32_t, kOfficers> accounts{};
    std::array<std::uint16_t, kOfficers> days{};
    std::uint16_t latest = 0;
    std::uint8_t used = 0;
  };
  static constexpr std::size_t kWays = 4;
  std::size_t set_of(std::uint64_t subject) const {
    return (subject * 0x9e3779b97f4a7c15ull >> 16) % (places_.size() / kWays) * kWays;
  }
  Place* find(std::uint64_t subject);
  std::mutex mutex_;
  std::vector<Place> places_;
};

}  // namespace amanat::detection
