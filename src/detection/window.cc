#include "detection/window.h"

#include <algorithm>

#include "model/insist.h"

namespace amanat::detection {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

bool inside(std::uint64_t time, std::uint64_t window_ms, std::uint64_t now) {
  return window_ms == kForever || now < window_ms || time > now - window_ms;
}

}  // namespace

std::uint32_t Windows::find(std::uint64_t subject) const {
  if (index_.empty()) return kNowhere;
  const std::uint64_t print = mixed(subject) >> 32;
  for (std::size_t i = place_of(subject);; i = (i + 1) & (index_.size() - 1)) {
    const std::uint64_t slot = index_[i];
    if (slot == kEmpty) return kNowhere;
    const auto position = static_cast<std::uint32_t>(slot);
    if (slot >> 32 == print && at(position).subject == subject) return position;
  }
}

void Windows::put(std::uint64_t subject, std::uint32_t position) {
  const std::uint64_t print = mixed(subject) >> 32;
  std::size_t i = place_of(subject);
  // The one before is in the log still: its position is known to whoever reads it here.
  while (index_[i] != kEmpty &&
         (index_[i] >> 32 != print || at(static_cast<std::uint32_t>(index_[i])).subject != subject))
    i = (i + 1) & (index_.size() - 1);
  index_[i] = print << 32 | position;
}

void Windows::grow() {
  std::vector<std::uint64_t> before;
  before.swap(index_);
  index_.assign(std::max<std::size_t>(16, before.size() * 2), kEmpty);
  for (const std::uint64_t slot : before) {
    if (slot == kEmpty) continue;
    std::size_t i = place_of(at(static_cast<std::uint32_t>(slot)).subject);
    while (index_[i] != kEmpty) i = (i + 1) & (index_.size() - 1);
    index_[i] = slot;
  }
}

Windows::Tracked& Windows::track(std::uint64_t window_ms, std::uint64_t now) {
  for (auto& t : tracked_)
    if (t.window_ms == window_ms) return t;
  Tracked fresh{window_ms, window_ms == kForever ? kNever : 0, 0, 0};
  each([&](std::uint64_t, std::uint64_t time) {
    if (inside(time, window_ms, now)) ++fresh.count;
  });
  // The cursor must pass what is outside already without counting it down.
  while (fresh.cursor < log_.size() && !inside(at(fresh.cursor).time, window_ms, now))
    ++fresh.cursor;
  tracked_.push_back(fresh);
  return tracked_.back();
}

void Windows::advance(Tracked& tracked, std::uint64_t now) {
  if (now < tracked.next) return;
  while (tracked.cursor < log_.size()) {
    const Seen& seen = at(tracked.cursor);
    if (inside(seen.time, tracked.window_ms, now)) {
      tracked.next = seen.time + tracked.window_ms;
      return;
    }
    if (find(seen.subject) == tracked.cursor) {
      insist(tracked.count > 0);
      --tracked.count;
    }
    ++tracked.cursor;
  }
}

std::uint32_t Windows::count(std::uint64_t window_ms, std::uint64_t now) {
  Tracked& tracked = track(window_ms, now);
  advance(tracked, now);
  return tracked.count;
}

std::uint32_t Windows::fresh(const std::vector<std::uint64_t>& subjects, std::uint64_t window_ms,
                             std::uint64_t now) const {
  std::uint32_t fresh = 0;
  for (const std::uint64_t subject : subjects) {
    const std::uint32_t latest = find(subject);
    if (latest == kNowhere || !inside(at(latest).time, window_ms, now)) ++fresh;
  }
  return fresh;
}

std::optional<std::uint64_t> Windows::shortest() const {
  std::optional<std::uint64_t> shortest;
  for (const auto& t : tracked_) {
    if (t.window_ms == kForever) {
      if (!shortest) shortest = kForever;
    } else if (!shortest || *shortest == kForever || t.window_ms < *shortest) {
      shortest = t.window_ms;
    }
  }
  return shortest;
}

void Windows::see(std::uint64_t subject, std::uint64_t now) {
  insist(log_.empty() || log_.back().time <= now);
  const std::uint32_t latest = find(subject);
  const bool added = latest == kNowhere;
  // Seen in this very millisecond: nothing to renew.
  if (!added && at(latest).time == now) return;
  for (auto& tracked : tracked_) {
    advance(tracked, now);
    if (added || !inside(at(latest).time, tracked.window_ms, now)) ++tracked.count;
  }
  if (added && 4 * (std::size_t{subjects_} + 1) > 3 * index_.size()) grow();
  insist(log_.size() < kNowhere - 1);
  log_.push_back(Seen{now, subject});
  put(subject, static_cast<std::uint32_t>(log_.size() - 1));
  if (added) ++subjects_;
  if (log_.size() > 2 * std::size_t{subjects_} + 64) compact();
}

void Windows::compact() {
  std::deque<Seen> kept;
  std::vector<std::uint32_t> moved(tracked_.size(), 0);
  for (std::size_t i = 0; i < log_.size(); ++i) {
    if (find(log_[i].subject) != static_cast<std::uint32_t>(i)) continue;
    for (std::size_t t = 0; t < tracked_.size(); ++t)
      if (static_cast<std::uint32_t>(i) < tracked_[t].cursor) ++moved[t];
    kept.push_back(log_[i]);
  }
  log_.swap(kept);
  for (std::size_t t = 0; t < tracked_.size(); ++t) tracked_[t].cursor = moved[t];
  insist(log_.size() == subjects_);
  reindex();
}

// A later disclosure of the same subject takes the place of an earlier one.
void Windows::reindex() {
  std::fill(index_.begin(), index_.end(), kEmpty);
  for (std::size_t i = 0; i < log_.size(); ++i) put(log_[i].subject, static_cast<std::uint32_t>(i));
}

std::size_t Windows::bytes() const {
  return index_.capacity() * 8 + log_.size() * sizeof(Seen) + tracked_.outside_bytes();
}

}  // namespace amanat::detection
