#pragma once
// net, zip: the entries of a ZIP archive (APPNOTE.TXT 6.3.10, with ZIP64), read as hostile input:
// the directory is bounded, entries may not overlap, and what unpacks to more than it may is given
// up. One thread each.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "net/inflate.h"

namespace amanat::net {

/// ReadAt appends up to `size` bytes from `offset` to `out`; fewer only at the end.
using ReadAt =
    std::function<Result<void>(std::uint64_t offset, std::size_t size, std::string& out)>;

struct ZipLimits {
  std::size_t entries_max = 10'000;
  std::size_t directory_bytes_max = 16u << 20;
};

struct ZipEntry {
  std::string name;  // as it is in the archive: bytes from outside, for no path and no terminal
  std::uint64_t packed = 0, unpacked = 0;  // as the directory claims
  std::uint64_t header = 0;                // where its local header stands
  std::uint64_t end = 0;                   // where the next one stands, or the directory
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  // 0 stored, 8 deflated; nothing else is read
  bool encrypted = false;
};

/// zip_entries reads the directory. Errors: archive_broken (no directory, entries that overlap or
/// point outside, over a limit), and what `read` fails with.
Result<std::vector<ZipEntry>> zip_entries(const ReadAt& read, std::uint64_t size,
                                          const ZipLimits& limits = {});

/// ZipStream unpacks one entry.
class ZipStream {
 public:
  /// open. `read` must outlive the stream. Errors: archive_broken (an encrypted entry, another
  /// method, a wrong local header), and what `read` fails with.
  static Result<ZipStream> open(const ReadAt& read, const ZipEntry& entry);
  /// next appends up to `bytes_max` more; false at the end. Errors: archive_broken (stream, length
  /// or checksum wrong), and what `read` fails with.
  Result<bool> next(std::size_t bytes_max, std::string& out);
  /// taken is how many packed bytes were used so far.
  std::uint64_t taken() const { return taken_; }

 private:
  ZipStream(const ReadAt& read, ZipEntry entry, std::uint64_t begin)
      : read_(&read), entry_(std::move(entry)), at_(begin), inflater_(Wrapping::raw) {}
  Result<bool> stored(std::size_t bytes_max, std::string& out);
  Result<bool> deflated(std::size_t bytes_max, std::string& out);

  const ReadAt* read_;
  ZipEntry entry_;
  std::uint64_t at_, taken_ = 0, given_ = 0;
  std::uint32_t crc_ = 0;
  std::string packed_;
  std::size_t used_ = 0;
  bool ended_ = false;
  Inflater inflater_;
};

}  // namespace amanat::net
