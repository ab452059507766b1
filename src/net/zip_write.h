#pragma once
// net, zip, written: a ZIP archive made in one go, entry after entry, in constant memory
// (APPNOTE.TXT 6.3.10: deflated, sizes in data descriptors, no ZIP64: at most 4 GiB). One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::net {

class ZipWriter {
 public:
  /// Sink takes the archive's bytes, in order.
  using Sink = std::function<Result<void>(std::string_view bytes)>;
  explicit ZipWriter(Sink sink);
  ZipWriter(ZipWriter&&) noexcept;
  ~ZipWriter();

  /// begin starts an entry; its name is plain ASCII. The one before must have ended.
  Result<void> begin(std::string_view name);
  Result<void> write(std::string_view content);
  Result<void> end();
  /// finish writes the directory. Errors: of all four: what the sink fails with, value_too_long (an
  /// archive of 4 GiB).
  Result<void> finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, unpacked = 0, header = 0;
  };
  struct Deflater;
  Result<void> put(std::string_view bytes);
  Result<void> deflate(std::string_view content, int flush);

  Sink sink_;
  std::unique_ptr<Deflater> deflater_;
  std::vector<Entry> entries_;
  std::uint64_t at_ = 0;
  bool open_ = false;
};

}  // namespace amanat::net
