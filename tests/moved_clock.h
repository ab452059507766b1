#pragma once
// For a test whose attack takes days: the process's clocks, moved from the test's side of the C
// library, and the address a connection comes from. The exchange knows nothing of it and has no
// switch for it: it reads the clocks it always reads. Include in one file of a test program.

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace amanat::test {

inline std::atomic<std::int64_t> moved_ms{0};
/// move_clock lets all of this process's clocks go forward at once.
inline void move_clock(std::chrono::milliseconds by) { moved_ms += by.count(); }
/// own_address, if not 0, is where this thread's next connections to 127/8 come from.
inline thread_local std::uint32_t own_address = 0;

inline timespec moved(timespec t, std::int64_t by_ms) {
  t.tv_sec += by_ms / 1000;
  t.tv_nsec += by_ms % 1000 * 1'000'000;
  if (t.tv_nsec >= 1'000'000'000) {
    ++t.tv_sec;
    t.tv_nsec -= 1'000'000'000;
  }
  if (t.tv_nsec < 0) {
    --t.tv_sec;
    t.tv_nsec += 1'000'000'000;
  }
  return t;
}

}  // namespace amanat::test

extern "C" {

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC ||
                      clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME_COARSE ||
                      clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW))
    *out = amanat::test::moved(*out, amanat::test::moved_ms.load(std::memory_order_relaxed));
  return static_cast<int>(result);
}

__attribute__((visibility("default"))) time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

__attribute__((visibility("default"))) int gettimeofday(timeval* out, void*) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

// A deadline was reckoned by the moved clock and is waited for by the kernel's.
__attribute__((visibility("default"))) int pthread_cond_clockwait(pthread_cond_t* c,
                                                                  pthread_mutex_t* m,
                                                                  clockid_t clock,
                                                                  const timespec* until) {
  static const auto real =
      reinterpret_cast<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          ::dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  const timespec deadline = amanat::test::moved(*until, -amanat::test::moved_ms.load());
  return real(c, m, clock, &deadline);
}

__attribute__((visibility("default"))) int pthread_cond_timedwait(pthread_cond_t* c,
                                                                  pthread_mutex_t* m,
                                                                  const timespec* until) {
  static const auto real =
      reinterpret_cast<int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*)>(
          ::dlsym(RTLD_NEXT, "pthread_cond_timedwait"));
  const timespec deadline = amanat::test::moved(*until, -amanat::test::moved_ms.load());
  return real(c, m, &deadline);
}

__attribute__((visibility("default"))) int connect(int fd, const sockaddr* to, socklen_t length) {
  if (amanat::test::own_address != 0 && to->sa_family == AF_INET) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(amanat::test::own_address);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) return -1;
  }
  return static_cast<int>(::syscall(SYS_connect, fd, to, length));
}

}  // extern "C"
