// How long this disk takes to make 4 KiB durable: pwrite + fdatasync on a zero-filled file, one
// after another. Every figure of a durable exchange or database rests on it.
//
//   flush_bench DIRECTORY           prints {"flushes":n,"p50_ms":…,"p99_ms":…}
//   flush_bench DIRECTORY growing   the same where each write makes the file longer

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBlocks = 4096;  // 16 MiB
constexpr std::size_t kFlushesMax = 2000;
constexpr double kSecondsMax = 3;

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

bool put(int file, std::size_t block, unsigned char fill) {
  std::array<unsigned char, kBlock> bytes;
  bytes.fill(fill);
  return ::pwrite(file, bytes.data(), kBlock, static_cast<off_t>(block * kBlock)) ==
         static_cast<ssize_t>(kBlock);
}

// measure returns the milliseconds of each flush, ascending; empty if the disk refused.
std::vector<double> measure(int file, bool growing) {
  for (std::size_t block = 0; block < kBlocks && !growing; ++block)
    if (!put(file, block, 0)) return {};
  if (::fsync(file) != 0) return {};
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < kFlushesMax && ms_since(begin) < kSecondsMax * 1000) {
    const auto one = Clock::now();
    if (!put(file, growing ? times.size() : times.size() % kBlocks, 1) || ::fdatasync(file) != 0) return {};
    times.push_back(ms_since(one));
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const bool growing = argc == 3 && std::string_view(argv[2]) == "growing";
  if (argc != 2 && !growing) {
    std::fputs("usage: flush_bench DIRECTORY [growing]\n", stderr);
    return 2;
  }
  const std::string path = std::string(argv[1]) + "/flush-probe";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    std::perror("flush_bench: open");
    return 2;
  }
  ::unlink(path.c_str());
  const std::vector<double> times = measure(file, growing);
  ::close(file);
  if (times.empty()) {
    std::perror("flush_bench: write");
    return 2;
  }
  std::printf("{\"flushes\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", times.size(),
              times[times.size() / 2], times[times.size() * 99 / 100]);
  return 0;
}
