#pragma once
// detection, few: a vector whose first elements lie within it, beside what its owner reads anyway.
// What most officers have few of costs no cache line of its own, and no allocation. Not
// thread-safe.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "model/insist.h"

namespace amanat::detection {

/// Few keeps the first `kInside` elements inside; more move all of them to the heap.
template <class T, std::size_t kInside>
class Few {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;
  Few() = default;
  Few(const Few& other) { assign(other.begin(), other.end()); }
  Few(Few&& other) noexcept
      : heap_(std::move(other.heap_)), size_(other.size_), room_(other.room_) {
    std::memcpy(inside_, other.inside_, sizeof inside_);
    other.size_ = 0;
    other.room_ = kInside;
  }
  Few& operator=(const Few& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  Few& operator=(Few&& other) noexcept {
    if (this == &other) return *this;
    heap_ = std::move(other.heap_);
    std::memcpy(inside_, other.inside_, sizeof inside_);
    size_ = std::exchange(other.size_, 0);
    room_ = std::exchange(other.room_, static_cast<std::uint32_t>(kInside));
    return *this;
  }
  ~Few() = default;

  T* begin() { return heap_ ? heap_.get() : reinterpret_cast<T*>(inside_); }
  const T* begin() const { return heap_ ? heap_.get() : reinterpret_cast<const T*>(inside_); }
  T* end() { return begin() + size_; }
  const T* end() const { return begin() + size_; }
  T* data() { return begin(); }
  const T* data() const { return begin(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return room_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return begin()[i]; }
  const T& operator[](std::size_t i) const { return begin()[i]; }
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }
  T& back() { return begin()[size_ - 1]; }
  const T& back() const { return begin()[size_ - 1]; }

  void push_back(T value) {
    if (size_ == room_) grow(room_ * 2);
    begin()[size_++] = value;
  }
  void pop_back() {
    insist(size_ > 0);
    --size_;
  }
  /// insert at the end, as a run of any kind is filled.
  void insert(T* at, T value) {
    insist(at == end());
    push_back(value);
  }
  void clear() { size_ = 0; }
  T* erase(T* from, T* to) {
    std::memmove(static_cast<void*>(from), to, static_cast<std::size_t>(end() - to) * sizeof(T));
    size_ -= static_cast<std::uint32_t>(to - from);
    return from;
  }
  T* erase(T* one) { return erase(one, one + 1); }
  template <class Iterator>
  void assign(Iterator from, Iterator to) {
    clear();
    for (; from != to; ++from) push_back(*from);
  }
  /// outside_bytes is what lies on the heap.
  std::size_t outside_bytes() const { return heap_ ? room_ * sizeof(T) : 0; }

 private:
  void grow(std::uint32_t room) {
    auto more = std::make_unique_for_overwrite<T[]>(room);
    std::memcpy(static_cast<void*>(more.get()), begin(), size_ * sizeof(T));
    heap_ = std::move(more);
    room_ = room;
  }
  std::unique_ptr<T[]> heap_;
  std::uint32_t size_ = 0, room_ = kInside;
  alignas(T) unsigned char inside_[kInside * sizeof(T)];
};

/// erase_if takes out every element that fits, keeping the others' order.
template <class T, std::size_t kInside, class Fits>
std::size_t erase_if(Few<T, kInside>& few, Fits fits) {
  T* kept = few.begin();
  for (T& one : few)
    if (!fits(one)) {
      if (kept != &one) *kept = one;
      ++kept;
    }
  const auto gone = static_cast<std::size_t>(few.end() - kept);
  few.erase(kept, few.end());
  return gone;
}

}  // namespace amanat::detection
