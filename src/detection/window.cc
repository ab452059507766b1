#include "detection/window.h"

#include <algorithm>

#include "model/insist.h"

namespace amanat::detection {
namespace {

bool inside(std::uint64_t time, std::uint64_t window_ms, std::uint64_t now) {
  return window_ms == kForever || now < window_ms || time > now - window_ms;
}

}  // namespace

Windows::Tracked& Windows::track(std::uint64_t window_ms, std::uint64_t now) {
  for (auto& t : tracked_)
    if (t.window_ms == window_ms) return t;
  Tracked fresh{window_ms, 0, dropped_};
  for (const auto& [subject, time] : subjects_)
    if (inside(time, window_ms, now)) ++fresh.count;
  // The cursor must pass what is outside already without counting it down.
  while (fresh.cursor - dropped_ < log_.size() &&
         !inside(log_[fresh.cursor - dropped_].time, window_ms, now))
    ++fresh.cursor;
  tracked_.push_back(fresh);
  return tracked_.back();
}

void Windows::advance(Tracked& tracked, std::uint64_t now) {
  if (tracked.window_ms == kForever) return;
  while (tracked.cursor - dropped_ < log_.size()) {
    const Seen& seen = log_[tracked.cursor - dropped_];
    if (inside(seen.time, tracked.window_ms, now)) return;
    const auto latest = subjects_.find(seen.subject);
    insist(latest != subjects_.end());
    if (latest->second == seen.time) {
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
    const auto latest = subjects_.find(subject);
    if (latest == subjects_.end() || !inside(latest->second, window_ms, now)) ++fresh;
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
  const auto [at, added] = subjects_.try_emplace(subject, now);
  if (!added && at->second == now) return;  // seen in this very millisecond: nothing to renew
  for (auto& tracked : tracked_) {
    advance(tracked, now);
    if (added || !inside(at->second, tracked.window_ms, now)) ++tracked.count;
  }
  at->second = now;
  log_.push_back(Seen{now, subject});
  if (log_.size() > 2 * subjects_.size() + 64) compact();
}

void Windows::compact() {
  std::deque<Seen> kept;
  std::vector<std::uint64_t> cursors;
  for (const auto& t : tracked_) cursors.push_back(t.cursor - dropped_);
  std::vector<std::uint64_t> moved(tracked_.size(), 0);
  for (std::size_t i = 0; i < log_.size(); ++i) {
    const bool latest = subjects_.at(log_[i].subject) == log_[i].time;
    if (!latest) continue;
    for (std::size_t t = 0; t < tracked_.size(); ++t)
      if (i < cursors[t]) ++moved[t];
    kept.push_back(log_[i]);
  }
  log_.swap(kept);
  dropped_ = 0;
  for (std::size_t t = 0; t < tracked_.size(); ++t) tracked_[t].cursor = moved[t];
  insist(log_.size() == subjects_.size());
}

}  // namespace amanat::detection
