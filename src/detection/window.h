#pragma once
// detection, window: how many distinct citizens one holder (officer, case or unit) has seen in each
// sliding window, exactly. Not thread-safe: the shard that keeps it has the lock.
//
// Invariants:
//  1. times only grow: see() and advance() are called with non-decreasing times;
//  2. subjects_ maps each subject to its latest disclosure; log_ holds every latest disclosure in
//     order, and older ones until compact() drops them;
//  3. for each tracked window, `count` is the number of subjects whose latest disclosure lies in
//     (now - window, now], and every log entry before `cursor` is outside or superseded.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace amanat::detection {

/// kForever as a window never lets a subject go.
inline constexpr std::uint64_t kForever = 0;

class Windows {
 public:
  /// count returns the distinct subjects seen in (now - window_ms, now].
  std::uint32_t count(std::uint64_t window_ms, std::uint64_t now);
  /// fresh returns how many of these (distinct) subjects the window does not hold.
  std::uint32_t fresh(const std::vector<std::uint64_t>& subjects, std::uint64_t window_ms,
                      std::uint64_t now) const;
  /// shortest returns the shortest window ever counted here.
  std::optional<std::uint64_t> shortest() const;
  /// see records a disclosure.
  void see(std::uint64_t subject, std::uint64_t now);
  std::size_t size() const { return subjects_.size(); }

 private:
  friend struct Rest;  // snapshot.cc
  struct Seen {
    std::uint64_t time, subject;
  };
  struct Tracked {
    std::uint64_t window_ms;
    std::uint32_t count;
    std::uint64_t cursor;  // position in the log, counted from its very first entry
  };
  Tracked& track(std::uint64_t window_ms, std::uint64_t now);
  void advance(Tracked& tracked, std::uint64_t now);
  void compact();

  std::unordered_map<std::uint64_t, std::uint64_t> subjects_;  // subject -> latest time
  std::deque<Seen> log_;
  std::uint64_t dropped_ = 0;  // log entries compacted away
  std::vector<Tracked> tracked_;
};

}  // namespace amanat::detection
