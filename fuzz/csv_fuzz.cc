// CSV from departments: every byte belongs to exactly one row, limits hold, and reading on from any
// row's place gives the same rows.

#include <cstdint>
#include <string>
#include <vector>

#include "model/insist.h"
#include "net/csv.h"

using namespace amanat;
using namespace amanat::net;

namespace {

struct Seen {
  std::uint64_t line, offset;
  bool malformed;
  std::vector<std::string> cells;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> rows_from(CsvReader& reader, std::uint64_t at, std::uint64_t total,
                            const CsvLimits& limits) {
  std::vector<Seen> seen;
  CsvReader::Row row;
  for (;;) {
    const auto more = reader.next(row);
    insist(more.has_value());
    if (!*more) break;
    insist(row.offset == at && row.end_offset > row.offset);
    insist(row.malformed ? row.cells.empty() : !row.cells.empty());
    insist(row.cells.size() <= limits.cells_max);
    std::size_t bytes = 0;
    for (const auto cell : row.cells) bytes += cell.size();
    insist(bytes <= limits.row_bytes_max);
    at = row.end_offset;
    seen.push_back({row.line, row.offset, row.malformed, {row.cells.begin(), row.cells.end()}});
  }
  insist(at == total);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CsvLimits limits;
  limits.row_bytes_max = 64;
  limits.cells_max = 8;
  const std::uint64_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  auto reader = CsvReader::over(text, limits);
  const auto rows = rows_from(reader, begin, size, limits);
  if (rows.empty()) return 0;
  const std::size_t from = rows.size() / 2;
  insist(reader.seek(rows[from].offset, rows[from].line).has_value());
  const auto rest = rows_from(reader, rows[from].offset, size, limits);
  insist(rest.size() == rows.size() - from);
  for (std::size_t i = 0; i < rest.size(); ++i) insist(rest[i] == rows[from + i]);
  return 0;
}
