#pragma once
// trace, bytes: the packed layers of a find as streams, and the budget they share. This room only;
// one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/inflate.h"
#include "net/unpack.h"
#include "net/zip.h"
#include "trace/read.h"

namespace amanat::trace {

inline constexpr std::size_t kPieceBytes = 256 * 1024;

/// Budget is what unpacking may still cost, of all layers and parts of one find.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  /// spend counts unpacked bytes. Errors: archive_broken (over the limit).
  Result<void> spend(std::uint64_t bytes);
  /// ratio judges one stream: what went in, what came out. Errors: archive_broken.
  Result<void> ratio(std::uint64_t in, std::uint64_t out) const;

 private:
  const Limits& limits_;
  std::uint64_t spent_ = 0;
};

/// ByteStream gives bytes in pieces of about kPieceBytes.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// next replaces `out` by the next piece, never empty; false at the end.
  /// Errors: archive_broken, file_failed.
  virtual Result<bool> next(std::string& out) = 0;
};

/// stream_of_range reads bytes from `read`, which must outlive the stream.
std::unique_ptr<ByteStream> stream_of_range(const net::ReadAt& read, std::uint64_t size);
std::unique_ptr<ByteStream> stream_of_zip(net::ZipStream zip, Budget& budget);
std::unique_ptr<ByteStream> stream_of_gzip(std::unique_ptr<ByteStream> packed, Budget& budget);
/// stream_of_unpacking reads the part that `unpacking` is at, and counts in `given` what came out
/// of all its parts. Both must outlive the stream.
std::unique_ptr<ByteStream> stream_of_unpacking(net::Unpacking& unpacking, Budget& budget,
                                                std::uint64_t& given);
/// stream_failing is one that is broken.
std::unique_ptr<ByteStream> stream_failing(Failure failure);
/// stream_after gives `first` and then the rest of a stream.
std::unique_ptr<ByteStream> stream_after(std::string first, std::unique_ptr<ByteStream> rest);

}  // namespace amanat::trace
