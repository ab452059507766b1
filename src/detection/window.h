#pragma once
// detection, window: how many distinct citizens one holder (officer, case or unit) has seen in each
// sliding window, exactly. Not thread-safe: the shard that keeps it has the lock.
//
// Invariants:
//  1. times only grow: see() and count() are called with non-decreasing times;
//  2. index_ finds each subject's latest disclosure in log_, which holds every latest disclosure in
//     order, and older ones until compact() drops them;
//  3. for each tracked window, `count` is the number of subjects whose latest disclosure lies in
//     (now - window, now], and every log entry before `cursor` is outside or superseded.
//
// A lookup touches one line of the index and the end of the log, however long the past: a window
// remembers when its next citizen leaves, and looks at nothing before then (DESIGN P7).

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "detection/few.h"

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
  std::size_t size() const { return subjects_; }
  std::size_t bytes() const;
  /// soon asks the processor for what see() and fresh() will touch for this subject.
  void soon(std::uint64_t subject) const {
    if (index_.empty()) return;
    __builtin_prefetch(&index_[place_of(subject)], 1);
    __builtin_prefetch(&log_.back(), 1);
  }
  /// each visits every subject's latest disclosure, the oldest first: see() of the same, in this
  /// order, makes windows that count the same.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t i = 0; i < log_.size(); ++i)
      if (find(log_[i].subject) == static_cast<std::uint32_t>(i))
        visit(log_[i].subject, log_[i].time);
  }

 private:
  friend struct Rest;  // snapshot.cc
  struct Seen {
    std::uint64_t time, subject;
  };
  struct Tracked {
    std::uint64_t window_ms;
    std::uint64_t next;  // nothing leaves before this moment
    std::uint32_t count;
    std::uint32_t cursor;  // position in the log, as index_ counts
  };
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  // A slot: the upper half of the subject's mix, and the position; kEmpty: nobody.
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  static std::uint64_t mixed(std::uint64_t subject) { return subject * 0x9e3779b97f4a7c15ull; }
  std::size_t place_of(std::uint64_t subject) const {
    return (mixed(subject) >> 20) & (index_.size() - 1);
  }
  const Seen& at(std::uint32_t position) const { return log_[position]; }
  std::uint32_t find(std::uint64_t subject) const;
  void put(std::uint64_t subject, std::uint32_t position);
  void grow();
  void reindex();
  Tracked& track(std::uint64_t window_ms, std::uint64_t now);
  void advance(Tracked& tracked, std::uint64_t now);
  void compact();

  Few<Tracked, 2> tracked_;
  std::uint32_t subjects_ = 0;
  std::vector<std::uint64_t> index_;
  std::deque<Seen> log_;
};

}  // namespace amanat::detection
