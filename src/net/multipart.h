#pragma once
// net, multipart: a form with a file in it, multipart/form-data (RFC 7578), read strictly and part
// by part as it arrives: whatever the file's size, one part of it is held. Not thread-safe.

#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::net {

/// PartHead is what a part says of itself.
struct PartHead {
  std::string name, file_name;  // UTF-8 without control characters
  bool is_file = false;         // it has a file's name, be it empty
};

/// MultipartTaker is told what comes. A failure it returns ends the reading.
class MultipartTaker {
 public:
  virtual ~MultipartTaker() = default;
  virtual Result<void> begin_part(const PartHead& part) = 0;
  virtual Result<void> part_bytes(std::string_view bytes) = 0;
  virtual Result<void> end_part() = 0;
};

struct MultipartLimits {
  std::size_t parts_max = 8;
  std::size_t head_bytes_max = 4096;  // of one part
  std::size_t name_bytes_max = 64, file_name_bytes_max = 1024;
};

class Multipart {
 public:
  /// boundary_of reads the boundary out of a Content-Type (RFC 2046 5.1.1). Errors:
  /// wrong_media_type.
  static Result<std::string> boundary_of(std::string_view content_type);
  /// `taker` lives as long as this.
  Multipart(std::string_view boundary, MultipartTaker& taker, const MultipartLimits& limits = {});
  ~Multipart();
  Multipart(const Multipart&) = delete;
  Multipart& operator=(const Multipart&) = delete;

  /// take reads the next bytes. Errors: malformed_value, those of the taker; after one, no more.
  Result<void> take(std::string_view bytes);
  /// complete says that the closing boundary has come.
  bool complete() const { return at_ == At::last_break && held_ != "\r"; }

 private:
  enum class At : std::uint8_t { first, head, body, after_boundary, last_break, failed };
  Result<bool> step();
  Result<bool> read_head();
  Result<bool> read_body();
  MultipartTaker& taker_;
  const MultipartLimits limits_;
  const std::string delimiter_;  // CR LF "--" boundary
  std::string held_;
  std::size_t parts_ = 0;
  At at_ = At::first;
};

}  // namespace amanat::net
