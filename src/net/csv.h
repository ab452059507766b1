#pragma once
// net, CSV (RFC 4180): a streaming reader in constant memory. One reader, one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::net {

struct CsvLimits {
  std::size_t row_bytes_max = 1 << 20;
  std::size_t cells_max = 1024;
};

/// CsvReader reads rows from a file or a string: comma-separated, quotes doubled, LF or CRLF, an
/// optional UTF-8 byte-order mark. Views in a row live until the next call.
class CsvReader {
 public:
  static Result<CsvReader> open(const std::string& path, const CsvLimits& limits = {});
  static CsvReader over(std::string text, const CsvLimits& limits = {});
  CsvReader(CsvReader&&) noexcept;
  ~CsvReader();

  struct Row {
    std::uint64_t line = 0;       // line of the file on which the row begins, from 1
    std::uint64_t offset = 0;     // byte at which it begins, to resume from
    std::uint64_t end_offset = 0; // byte after its end
    bool malformed = false;       // a stray quote, or over a limit; `cells` is then empty
    std::vector<std::string_view> cells;
  };
  /// next reads a row into `row`; false at the end. A malformed row is reported as such and
  /// reading goes on at the next line. Errors: file_failed.
  Result<bool> next(Row& row);
  /// seek continues at a byte offset that was a row's offset or end_offset.
  Result<void> seek(std::uint64_t offset, std::uint64_t line);
  /// bytes_total is the size of the input, for progress.
  std::uint64_t bytes_total() const;

 private:
  struct State;
  explicit CsvReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// LinesReader reads JSON lines: one text line a call, bounded, LF or CRLF.
class LinesReader {
 public:
  static Result<LinesReader> open(const std::string& path, std::size_t line_bytes_max = 1 << 20);
  LinesReader(LinesReader&&) noexcept;
  ~LinesReader();
  struct Line {
    std::uint64_t line = 0, offset = 0, end_offset = 0;
    bool too_long = false;
    std::string_view text;
  };
  Result<bool> next(Line& line);
  Result<void> seek(std::uint64_t offset, std::uint64_t line);
  std::uint64_t bytes_total() const;

 private:
  struct State;
  explicit LinesReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::net
