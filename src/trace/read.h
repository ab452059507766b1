#pragma once
// trace, read: a leaked file, as dirty as it is, into rows of identifiers. What is read, and which
// traps are known: docs/trace-reading.md. The file is hostile: it is streamed, nothing in it is
// executed or believed, and memory, depth and expansion are bounded whatever it claims. Rows stay
// on this machine: they are handed to `on_row` and kept nowhere.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "net/zip.h"
#include "trace/identifiers.h"

namespace amanat::trace {

enum class Format : std::uint8_t {
  delimited,
  json,
  json_lines,
  sql,
  html,
  sheet,
  document,
  plain,
  archive,
  unread
};
std::string_view word_of(Format format);

/// Limits bound what one find may cost. Beyond one of them the part is given up, with a note.
struct Limits {
  std::uint64_t unpacked_bytes_max = std::uint64_t{1} << 40;  // of all parts together
  // Of one packed stream. DEFLATE reaches 1032; honest text 30; the first 64 MiB are free.
  std::uint64_t ratio_max = 200;
  std::uint64_t ratio_free_bytes = 64u << 20;
  unsigned archive_depth_max = 4;
  std::size_t parts_max = 10'000;
  std::size_t nested_bytes_max = 256u << 20;   // an archive inside an archive is held in memory
  std::size_t strings_bytes_max = 512u << 20;  // the shared strings of a workbook
  std::size_t row_bytes_max = 1u << 20;
  std::size_t cells_max = 1024;
  std::size_t templates_max = 512;
  unsigned json_depth_max = 64;
};

/// LeakRow is one row that holds an identifier. Views live during the call.
struct LeakRow {
  std::uint32_t part = 0, cluster = 0;
  std::uint64_t number = 0;  // in its cluster, from 0
  std::uint64_t offset = 0;  // in the part's text as UTF-8
  std::uint64_t length = 0;
  std::string_view text;  // as it stands; of structured formats the cells, '\n' between
  std::span<const Identifier> identifiers;  // offsets are within `text`
  std::span<const std::uint16_t> columns;   // one an identifier; kNoColumn if not worked out
};
inline constexpr std::uint16_t kNoColumn = 0xffff;

enum class ColumnKind : std::uint8_t { empty, national_id, msisdn, date, name, number, text };
std::string_view word_of(ColumnKind kind);

/// ColumnSummary is what a column holds, judged by its values and never by its heading alone.
struct ColumnSummary {
  std::string heading;  // bytes from outside
  ColumnKind kind = ColumnKind::empty;
  double share = 0;  // of the values looked at, that are of this kind
  std::uint64_t looked_at = 0;
  bool month_first = false, order_decided = false;  // of dates
  /// 13-digit numbers of this column look like times in milliseconds: a row found only through
  /// them counts only if another identifier agrees.
  bool doubtful = false;
};

/// ClusterSummary is one template: same part, same shape, same heading.
struct ClusterSummary {
  std::uint32_t part = 0;
  Format format{};
  std::string table;  // of SQL; bytes from outside
  char delimiter = 0;
  bool has_heading = false;
  std::uint64_t rows = 0, rows_with_identifiers = 0;
  std::vector<ColumnSummary> columns;
};

struct PartSummary {
  std::string name;  // "dump.zip/a/b.csv": bytes from outside
  Format format = Format::unread;
  std::string charset;
  std::uint64_t bytes = 0;  // of its text, unpacked, as UTF-8
  std::string note;         // why it was not read, or not wholly
};

struct Summary {
  Digest sha256{};
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0, rows_with_identifiers = 0;
  std::array<std::array<std::uint64_t, kLayouts>, kKinds> found{};
  std::array<std::uint64_t, kKinds> partial{};
  std::uint64_t doubtful = 0;  // national IDs in doubtful columns
  std::vector<PartSummary> parts;
  std::vector<ClusterSummary> clusters;
  std::uint64_t count(Kind kind) const;
};

struct ReadOptions {
  Limits limits;
  std::function<void(const LeakRow&)> on_row;  // may be null
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total, std::uint64_t rows)>
      progress;                             // may be null
  const std::atomic<bool>* stop = nullptr;  // set by another thread: read_leak ends soon
};

/// read_leak reads a file. Errors: file_failed, leak_unreadable (no part of it could be read; the
/// detail says why), trace_stopped.
Result<Summary> read_leak(const std::string& path, const ReadOptions& options);
/// read_leak_at reads `size` bytes through a function, wherever they lie.
Result<Summary> read_leak_at(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                             const ReadOptions& options);
/// read_leak_bytes reads one that is in memory; `name` stands in for its path.
Result<Summary> read_leak_bytes(std::string_view bytes, const std::string& name,
                                const ReadOptions& options);

}  // namespace amanat::trace
