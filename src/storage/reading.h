#pragma once
// storage, reading: files of others, and large files of ours, read without ever being written. A
// small door beside storage.h.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::storage {

/// ReadOnlyFile reads a file that may change or shrink meanwhile. Thread-safe.
class ReadOnlyFile {
 public:
  /// open. Errors: file_failed.
  static Result<ReadOnlyFile> open(const std::string& path);
  ReadOnlyFile(ReadOnlyFile&& other) noexcept;
  ~ReadOnlyFile();
  std::uint64_t size() const { return size_; }  // when it was opened
  /// read_at appends up to `bytes` from `offset`; fewer only at the end. Errors: file_failed.
  Result<void> read_at(std::uint64_t offset, std::size_t bytes, std::string& out) const;

 private:
  ReadOnlyFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

/// Mapping is a whole file of ours in memory's place: immutable, never truncated while mapped (a
/// shrunken file would stop the process). Thread-safe.
class Mapping {
 public:
  /// open. Errors: file_failed.
  static Result<Mapping> open(const std::string& path);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();
  std::string_view bytes() const { return {data_, size_}; }
  /// want asks the system to read a range ahead, without waiting.
  void want(std::uint64_t offset, std::uint64_t bytes) const;
  /// expect says how a range will be read.
  enum class Access : std::uint8_t { random, sequential };
  void expect(Access access, std::uint64_t offset, std::uint64_t bytes) const;
  /// resident is the share of `samples` pages of a range that are in memory now, 0 to 1.
  double resident(std::uint64_t offset, std::uint64_t bytes, unsigned samples) const;

 private:
  Mapping(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace amanat::storage
