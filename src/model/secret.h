#pragma once
// Secret bytes: wiped when they die, never printable. Not thread-safe; each has one owner.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace amanat {

/// wipe overwrites memory in a way the compiler may not drop.
void wipe(void* memory, std::size_t size) noexcept;

/// WipingAllocator wipes every block before it is returned, growth included.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept {
    wipe(p, n * sizeof(T));
    ::operator delete(p);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

/// SecretKey is N secret bytes, wiped on destruction and when moved from. No operator<<.
template <std::size_t N>
class SecretKey {
 public:
  SecretKey() : bytes_{} {}
  explicit SecretKey(std::span<const std::uint8_t, N> from) {
    std::memcpy(bytes_.data(), from.data(), N);
  }
  SecretKey(const SecretKey& other) = default;
  SecretKey& operator=(const SecretKey& other) = default;
  SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_.data(), N); }
  SecretKey& operator=(SecretKey&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_.data(), N);
    }
    return *this;
  }
  ~SecretKey() { wipe(bytes_.data(), N); }
  std::span<const std::uint8_t, N> bytes() const { return bytes_; }
  std::span<std::uint8_t, N> mutable_bytes() { return bytes_; }
  static constexpr std::size_t size() { return N; }

 private:
  std::array<std::uint8_t, N> bytes_;
};
using Key256 = SecretKey<32>;

/// WipingBuffer is a growing run of bytes for plaintext between fetch and append. Places in it
/// are offsets, so growth does not break them; every block it ever used is wiped.
class WipingBuffer {
 public:
  struct Place {
    std::uint32_t offset = 0, length = 0;
  };
  WipingBuffer() = default;
  WipingBuffer(const WipingBuffer&) = delete;
  WipingBuffer& operator=(const WipingBuffer&) = delete;
  WipingBuffer(WipingBuffer&&) noexcept = default;
  WipingBuffer& operator=(WipingBuffer&&) noexcept = default;

  Place append(std::string_view text) {
    const Place place{static_cast<std::uint32_t>(bytes_.size()),
                      static_cast<std::uint32_t>(text.size())};
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return place;
  }
  /// extend adds `n` zero bytes and returns where they begin; the span dies at the next growth.
  std::span<char> extend(std::size_t n) {
    bytes_.resize(bytes_.size() + n);
    return {bytes_.data() + bytes_.size() - n, n};
  }
  void truncate(std::size_t size) {
    if (size < bytes_.size()) {
      wipe(bytes_.data() + size, bytes_.size() - size);
      bytes_.resize(size);
    }
  }
  void reserve(std::size_t n) { bytes_.reserve(n); }
  std::string_view view(Place place) const { return {bytes_.data() + place.offset, place.length}; }
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
  std::size_t size() const { return bytes_.size(); }
  void clear() { truncate(0); }

 private:
  std::vector<char, WipingAllocator<char>> bytes_;
};

}  // namespace amanat
