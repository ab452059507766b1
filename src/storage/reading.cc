#include "storage/reading.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "model/insist.h"

namespace amanat::storage {
namespace {

constexpr std::uint64_t kPage = 4096;

std::unexpected<Failure> failed(const std::string& path) {
  return fail(Reason::file_failed, path + ": " + std::strerror(errno));
}

Result<std::pair<int, std::uint64_t>> open_regular(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed(path);
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    const bool other = S_ISREG(about.st_mode) == 0;
    ::close(fd);
    return other ? fail(Reason::file_failed, path + ": not a regular file") : failed(path);
  }
  return std::pair(fd, static_cast<std::uint64_t>(about.st_size));
}

}  // namespace

Result<ReadOnlyFile> ReadOnlyFile::open(const std::string& path) {
  auto opened = open_regular(path);
  if (!opened) return std::unexpected(opened.error());
  return ReadOnlyFile(opened->first, opened->second);
}
ReadOnlyFile::ReadOnlyFile(ReadOnlyFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
ReadOnlyFile::~ReadOnlyFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> ReadOnlyFile::read_at(std::uint64_t offset, std::size_t bytes,
                                   std::string& out) const {
  const std::size_t before = out.size();
  out.resize(before + bytes);
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n =
        ::pread(fd_, out.data() + before + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      out.resize(before);
      return failed("reading");
    }
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(before + done);
  return {};
}

Result<Mapping> Mapping::open(const std::string& path) {
  auto opened = open_regular(path);
  if (!opened) return std::unexpected(opened.error());
  const auto [fd, size] = *opened;
  if (size == 0) {
    ::close(fd);
    return Mapping(nullptr, 0);
  }
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (at == MAP_FAILED) return failed(path);
  return Mapping(static_cast<const char*>(at), size);
}
Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}
Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

namespace {

void advise(const char* data, std::size_t size, std::uint64_t offset, std::uint64_t bytes,
            int advice) {
  if (offset >= size || bytes == 0) return;
  const std::uint64_t begin = offset / kPage * kPage;
  const std::uint64_t end = std::min<std::uint64_t>(size, offset + bytes);
  ::madvise(const_cast<char*>(data) + begin, end - begin, advice);
}

}  // namespace

void Mapping::want(std::uint64_t offset, std::uint64_t bytes) const {
  advise(data_, size_, offset, bytes, MADV_WILLNEED);
}

void Mapping::expect(Access access, std::uint64_t offset, std::uint64_t bytes) const {
  advise(data_, size_, offset, bytes, access == Access::random ? MADV_RANDOM : MADV_SEQUENTIAL);
}

double Mapping::resident(std::uint64_t offset, std::uint64_t bytes, unsigned samples) const {
  if (offset >= size_ || bytes == 0 || samples == 0) return 1;
  const std::uint64_t first = offset / kPage;
  const std::uint64_t pages =
      (std::min<std::uint64_t>(size_, offset + bytes) - 1) / kPage - first + 1;
  unsigned in = 0;
  for (unsigned i = 0; i < samples; ++i) {
    // Spread evenly, each at a pseudo-random place of its share.
    const std::uint64_t page =
        first + pages * i / samples +
        (i * std::uint64_t{0x9E3779B97F4A7C15} >> 33) % std::max<std::uint64_t>(1, pages / samples);
    unsigned char there = 0;
    if (::mincore(const_cast<char*>(data_) + page * kPage, 1, &there) == 0 && (there & 1) != 0)
      ++in;
  }
  return static_cast<double>(in) / samples;
}

}  // namespace amanat::storage
