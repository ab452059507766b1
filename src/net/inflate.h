#pragma once
// net, inflate: DEFLATE, zlib and gzip streams (RFC 1950 to 1952) unpacked a piece at a time, with
// no more out than the caller takes. One thread each.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::net {

enum class Wrapping : std::uint8_t { raw, gzip };

class Inflater {
 public:
  explicit Inflater(Wrapping wrapping);
  Inflater(Inflater&&) noexcept;
  ~Inflater();
  /// inflate unpacks from the front of `in`, taking off what it used, and appends at most
  /// `out_bytes_max` to `out`. True once the stream has ended (gzip: a further member may follow in
  /// `in`; the next call then begins it). It makes progress unless `in` is empty.
  /// Errors: archive_broken.
  Result<bool> inflate(std::string_view& in, std::size_t out_bytes_max, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// crc32 goes on with the checksum of RFC 1952, from 0.
std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes);

}  // namespace amanat::net
