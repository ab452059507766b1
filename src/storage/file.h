#pragma once
// Durable files: the one layer through which the ledger, the vault and small documents are
// written, so that faults can be injected at every system call. A small door beside storage.h.
// A File is used by one thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::storage {

/// File is an open file. Offsets and sizes in bytes.
class File {
 public:
  virtual ~File() = default;
  /// write_at writes all of `data` at `offset` (pwrite). Errors: disk_full, file_failed.
  virtual Result<void> write_at(std::uint64_t offset, std::string_view data) = 0;
  /// read_at appends up to `size` bytes from `offset` to `out`, fewer at the end of the file.
  virtual Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const = 0;
  /// sync is fdatasync. After an error the file must not be written or synced again. Errors:
  /// file_failed, disk_full.
  virtual Result<void> sync() = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  /// set_mode is fchmod; a disk without rights ignores it. Errors: file_failed.
  virtual Result<void> set_mode(unsigned /*mode*/) { return {}; }
};

/// Disk is the file system as the durable files see it. Tests give one that fails, drops unsynced
/// bytes or tears writes; the real one is system_disk().
class Disk {
 public:
  virtual ~Disk() = default;
  enum class Open : std::uint8_t { existing, create_new, create_or_existing };
  /// open opens for reading and writing; new files are 0600. Errors: file_failed, disk_full.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  /// open_for_recovery opens an existing file whose reads go around the page cache (O_DIRECT) where
  /// the file system has it, so that only what is really on the disk is seen. Errors: file_failed.
  virtual Result<std::unique_ptr<File>> open_for_recovery(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<void> make_directory(
      const std::string& path) = 0;  // with parents, 0700; existing is fine
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, ascending
};
/// system_disk is the real file system. Thread-safe; lives for ever.
Disk& system_disk();

/// replace_file writes path.new, syncs it, renames it over `path` and syncs the directory; `mode`
/// as in chmod. Whatever happens, the old or the new content is there whole, and the new one for
/// good once it has returned success. One writer per path at a time. Errors: file_failed,
/// disk_full.
Result<void> replace_file(Disk& disk, const std::string& path, std::string_view content,
                          unsigned mode = 0600);
/// read_file reads a file of at most `limit` bytes. Errors: file_failed.
Result<std::string> read_file(const std::string& path, std::size_t limit);
/// read_private reads a small file that no other account may read, without its last line end. Errors:
/// file_failed.
Result<std::string> read_private(const std::string& path);

/// DirectoryLock holds an advisory lock (flock) on a directory until it dies, the process included.
class DirectoryLock {
 public:
  /// take locks `directory` at once or not at all. Errors: exchange_busy, file_failed.
  static Result<DirectoryLock> take(const std::string& directory);
  DirectoryLock(DirectoryLock&&) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace amanat::storage
