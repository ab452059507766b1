#pragma once
// model, descriptor: an open descriptor of the system that is closed with its owner.

#include <unistd.h>

#include <utility>

namespace amanat {

/// Descriptor owns a file descriptor; below 0 it owns none. Movable; for one thread at a time.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  /// take closes what it owned and owns `fd`; release gives it away, open.
  void take(int fd) {
    close();
    fd_ = fd;
  }
  int release() { return std::exchange(fd_, -1); }
  void close() {
    if (fd_ >= 0) ::close(release());
  }

 private:
  int fd_;
};

}  // namespace amanat
