#include "detection/magnet.h"

#include <algorithm>
#include <bit>

namespace amanat::detection {
namespace {

constexpr std::uint32_t kWindow = 30;
bool within(std::uint16_t then, std::uint16_t now) {
  return static_cast<std::uint16_t>(now - then) < kWindow;
}

}  // namespace

Magnet::Magnet(std::size_t citizens)
    : places_(std::bit_ceil(std::max<std::size_t>(64, citizens))) {}

Magnet::Place* Magnet::find(std::uint64_t subject) {
  Place* first = &places_[set_of(subject)];
  for (std::size_t i = 0; i < kWays; ++i)
    if (first[i].used > 0 && first[i].subject == subject) return first + i;
  return nullptr;
}

unsigned Magnet::see(std::uint64_t subject, std::uint32_t account, std::uint32_t day) {
  const auto today = static_cast<std::uint16_t>(day);
  const std::lock_guard lock(mutex_);
  Place* place = find(subject);
  if (place == nullptr) {
    Place* first = &places_[set_of(subject)];
    place = std::min_element(first, first + kWays, [today](const Place& a, const Place& b) {
      const auto worth = [today](const Place& p) {
        return within(p.latest, today) ? static_cast<int>(p.used) : 0;
      };
      return worth(a) != worth(b) ? worth(a) < worth(b)
                                  : static_cast<std::uint16_t>(today - a.latest) >
                                        static_cast<std::uint16_t>(today - b.latest);
    });
    *place = Place{};
    place->subject = subject;
  }
  place->latest = today;
  std::size_t kept = 0;
  bool known = false;
  for (std::size_t i = 0; i < place->used; ++i) {
    if (!within(place->days[i], today)) continue;
    place->accounts[kept] = place->accounts[i];
    place->days[kept] = place->days[i];
    if (place->accounts[kept] == account) {
      known = true;
      place->days[kept] = today;
    }
    ++kept;
  }
  if (!known && kept < kOfficers) {
    place->accounts[kept] = account;
    place->days[kept] = today;
    ++kept;
  }
  place->used = static_cast<std::uint8_t>(kept);
  return known ? 0 : static_cast<unsigned>(kept);
}

std::vector<std::uint32_t> Magnet::accounts(std::uint64_t subject, std::uint32_t day) {
  const auto today = static_cast<std::uint16_t>(day);
  const std::lock_guard lock(mutex_);
  std::vector<std::uint32_t> found;
  if (const Place* place = find(subject))
    for (std::size_t i = 0; i < place->used; ++i)
      if (within(place->days[i], today)) found.push_back(place->accounts[i]);
  return found;
}

}  // namespace amanat::detection
