#pragma once
// detection, holders: finds the officer, case or unit that a key names, in one step however many
// there are; this room only. A holder never moves, and an officer's state follows its holder in
// memory, so that finding one asks the processor for all of it at once (DESIGN P7). Not
// thread-safe: the shard that keeps it has the lock.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace amanat::detection {

/// Holders keeps values of type Kept, which has a member `key` and a virtual destructor if anything
/// is made that is more than a Kept.
template <class Kept>
class Holders {
  struct Slot {
    std::uint64_t hash = 0;
    Kept* kept = nullptr;
  };
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Kept>> kept_;

 public:
  /// find_or_make returns the one of this key. `make` returns a new one as a unique_ptr<Kept>.
  template <class Make>
  Kept& find_or_make(std::string_view key, std::uint64_t hash, Make make) {
    if (slots_.empty() || 3 * (kept_.size() + 1) > 2 * slots_.size()) grow();
    std::size_t i = hash & (slots_.size() - 1);
    for (; slots_[i].kept != nullptr; i = (i + 1) & (slots_.size() - 1))
      if (slots_[i].hash == hash && slots_[i].kept->key == key) return *slots_[i].kept;
    kept_.push_back(make());
    kept_.back()->key = key;
    slots_[i] = Slot{hash, kept_.back().get()};
    return *kept_.back();
  }
  std::size_t size() const { return kept_.size(); }
  /// soon asks the processor for the slot that likely() will read first.
  void soon(std::uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  /// likely is the one that find_or_make will most likely return, without looking at it; or null.
  const Kept* likely(std::uint64_t hash) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t i = hash & (slots_.size() - 1); slots_[i].kept != nullptr;
         i = (i + 1) & (slots_.size() - 1))
      if (slots_[i].hash == hash) return slots_[i].kept;
    return nullptr;
  }

  /// Iterates in the order of making.
  template <class Pointers, class Value>
  class Walk {
   public:
    explicit Walk(Pointers at) : at_(at) {}
    Value& operator*() const { return **at_; }
    Walk& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Walk& other) const { return at_ != other.at_; }

   private:
    Pointers at_;
  };
  auto begin() { return Walk<decltype(kept_.begin()), Kept>(kept_.begin()); }
  auto end() { return Walk<decltype(kept_.begin()), Kept>(kept_.end()); }
  auto begin() const { return Walk<decltype(kept_.begin()), const Kept>(kept_.begin()); }
  auto end() const { return Walk<decltype(kept_.begin()), const Kept>(kept_.end()); }

 private:
  void grow() {
    std::vector<Slot> before;
    before.swap(slots_);
    slots_.resize(before.empty() ? 16 : before.size() * 2);
    for (const Slot& slot : before) {
      if (slot.kept == nullptr) continue;
      std::size_t i = slot.hash & (slots_.size() - 1);
      while (slots_[i].kept != nullptr) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }
};

}  // namespace amanat::detection
