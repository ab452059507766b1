#pragma once
// storage, descriptor: an open file of the system that is closed with its owner.

#include <unistd.h>

#include <utility>

namespace amanat::storage {

/// Descriptor owns a file descriptor; below 0 it owns none. Movable; for one thread at a time.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace amanat::storage
