#include "storage/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "model/descriptor.h"
#include "model/insist.h"

namespace amanat::storage {
namespace {

// O_DIRECT wants offset, length and memory aligned to the device's logical block; 4096 covers every
// disk a server has.
constexpr std::size_t kBlock = 4096;

std::unexpected<Failure> failed(std::string_view what, const std::string& path, int error) {
  const Reason reason =
      error == ENOSPC || error == EDQUOT ? Reason::disk_full : Reason::file_failed;
  std::string detail(what);
  detail.append(" ").append(path).append(": ").append(std::generic_category().message(error));
  return fail(reason, std::move(detail));
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};

class SystemFile : public File {
 public:
  SystemFile(Descriptor fd, Descriptor direct, std::string path)
      : fd_(std::move(fd)), direct_(std::move(direct)), path_(std::move(path)) {
    insist(fd_.get() >= 0);
  }

  Result<void> write_at(std::uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("write", path_, errno);
      if (n == 0) return failed("write", path_, EIO);
      data.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
    return direct_.get() >= 0 ? read_direct(offset, size, out) : read_cached(offset, size, out);
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed("sync", path_, errno);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
      return failed("truncate", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return failed("stat", path_, errno);
    return static_cast<std::uint64_t>(st.st_size);
  }

  Result<void> set_mode(unsigned mode) override {
    if (::fchmod(fd_.get(), static_cast<mode_t>(mode)) != 0) return failed("chmod", path_, errno);
    return {};
  }

 private:
  Result<void> read_cached(std::uint64_t offset, std::size_t size, std::string& out) const {
    const std::size_t before = out.size();
    out.resize(before + size);
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = ::pread(fd_.get(), out.data() + before + got, size - got,
                                static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        out.resize(before);
        return failed("read", path_, error);
      }
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    out.resize(before + got);
    return {};
  }

  // Reads around the page cache, so that what a crash did not reach the platter with is not seen:
  // the kernel first writes dirty pages of the range back and reports their errors.
  Result<void> read_direct(std::uint64_t offset, std::size_t size, std::string& out) const {
    const std::uint64_t begin = offset / kBlock * kBlock;
    const std::uint64_t end = (offset + size + kBlock - 1) / kBlock * kBlock;
    const std::size_t step = 1 << 20;
    std::unique_ptr<void, Free> block(std::aligned_alloc(kBlock, step));
    insist(block != nullptr);
    const std::size_t before = out.size();
    for (std::uint64_t at = begin; at < end;) {
      const std::size_t want = std::min<std::uint64_t>(step, end - at);
      const ssize_t n = ::pread(direct_.get(), block.get(), want, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        out.resize(before);
        return failed("read", path_, error);
      }
      const std::uint64_t from = std::max(at, offset);
      const std::uint64_t to = std::min(at + static_cast<std::uint64_t>(n), offset + size);
      if (to > from) out.append(static_cast<const char*>(block.get()) + (from - at), to - from);
      at += static_cast<std::uint64_t>(n);
      if (static_cast<std::size_t>(n) < want) break;  // the file ends inside this block
    }
    return {};
  }

  Descriptor fd_;
  Descriptor direct_;  // -1: reads go through the page cache
  std::string path_;
};

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class SystemDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    int flags = O_RDWR | O_CLOEXEC | O_NOCTTY;
    if (how == Open::create_new) flags |= O_CREAT | O_EXCL;
    if (how == Open::create_or_existing) flags |= O_CREAT;
    Descriptor fd(::open(path.c_str(), flags, 0600));
    if (fd.get() < 0) return failed("open", path, errno);
    return std::make_unique<SystemFile>(std::move(fd), Descriptor(-1), path);
  }

  Result<std::unique_ptr<File>> open_for_recovery(const std::string& path) override {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (fd.get() < 0) return failed("open", path, errno);
    // Not every file system has O_DIRECT (tmpfs has not); dropping the clean pages comes near.
    Descriptor direct(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_DIRECT));
    if (direct.get() < 0) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    return std::make_unique<SystemFile>(std::move(fd), std::move(direct), path);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from, errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed("remove", path, errno);
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return failed("open", path, errno);
    if (::fsync(fd.get()) != 0) return failed("sync", path, errno);
    return {};
  }

  Result<void> make_directory(const std::string& path) override {
    insist(!path.empty());
    for (std::size_t at = 1; at <= path.size(); ++at) {
      if (at != path.size() && path[at] != '/') continue;
      const std::string part = path.substr(0, at);
      if (part.back() == '/') continue;
      if (::mkdir(part.c_str(), 0700) == 0) {
        if (auto synced = sync_directory(parent_of(part)); !synced) return synced;
        continue;
      }
      const int error = errno;
      struct stat st {};
      if (error != EEXIST || ::stat(part.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
        return failed("make directory", part, error);
    }
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
    if (!dir) return failed("list", path, errno);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) {
        if (errno != 0) return failed("list", path, errno);
        break;
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

Disk& system_disk() {
  static SystemDisk* const disk = new SystemDisk;  // never destroyed: files may outlive statics
  return *disk;
}

// The order, each step of which a crash may be the last:
//   open(tmp)  ftruncate(tmp, 0)  fchmod(tmp)  pwrite(tmp)  fdatasync(tmp)  rename(tmp, path)
//   fsync(dir)
// Before the rename the old content stands; after it the new content is complete on disk, because
// its bytes were synced first. A left-over tmp is overwritten by the next replacement.
Result<void> replace_file(Disk& disk, const std::string& path, std::string_view content,
                          unsigned mode) {
  insist(!path.empty() && path.back() != '/');
  insist((mode & ~0777u) == 0);
  const std::string tmp = path + ".new";
  const auto write = [&]() -> Result<void> {
    auto file = disk.open(tmp, Disk::Open::create_or_existing);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto r = (*file)->truncate(0); !r) return r;
    if (auto r = (*file)->set_mode(mode); !r) return r;
    if (auto r = (*file)->write_at(0, content); !r) return r;
    return (*file)->sync();
  };
  if (auto written = write(); !written) {
    (void)disk.remove(tmp);  // best effort: the old content stands either way
    return written;
  }
  if (auto renamed = disk.rename(tmp, path); !renamed) {
    (void)disk.remove(tmp);
    return renamed;
  }
  return disk.sync_directory(parent_of(path));
}

Result<std::string> read_private(const std::string& path) {
  constexpr std::size_t kBytesMax = 4'096;
  struct ::stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(Reason::file_failed, path + " is not there");
  if ((info.st_mode & 077) != 0)
    return fail(Reason::file_failed, path + " is open to other accounts: chmod 600");
  auto text = read_file(path, kBytesMax);
  while (text && (text->ends_with('\n') || text->ends_with('\r'))) text->pop_back();
  return text;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) return failed("open", path, errno);
  std::string out;
  struct stat st {};
  if (::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode))
    out.reserve(std::min<std::size_t>(static_cast<std::size_t>(st.st_size), limit) + 1);
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path, errno);
    if (n == 0) return out;
    if (static_cast<std::size_t>(n) > limit - out.size())
      return fail(Reason::file_failed,
                  "read " + path + ": larger than " + std::to_string(limit) + " bytes");
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return failed("open", directory, errno);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return fail(Reason::exchange_busy, directory);
    return failed("lock", directory, errno);
  }
  const int kept = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);  // shares the lock; fd closes on return
  if (kept < 0) return failed("lock", directory, errno);
  return DirectoryLock(kept);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace amanat::storage
