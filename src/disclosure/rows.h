#pragma once
// disclosure, rows: one citizen's share of a bulk answer as rows of a file. The share is the same
// JSON that a lookup would release; here it only changes its dress. Form: docs/extracts.md. This
// room only. Pure; one thread each.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::disclosure {

enum class RowFormat : std::uint8_t { csv, jsonl, xlsx };
/// row_format reads the word of a question; nothing for any other.
std::optional<RowFormat> row_format(std::string_view word);

class RowWriter {
 public:
  /// `fields` are the ids asked for, ascending.
  RowWriter(RowFormat format, std::vector<std::string> fields);
  /// columns: citizen, dataset, source, date, the fields' ids, withheld. JSON lines have none.
  const std::vector<std::string>& columns() const { return columns_; }
  /// head is what stands before the first row (of XLSX: in the sheet).
  std::string head() const;
  /// rows writes one citizen's share and adds to `count` how many rows that is: one a record, or
  /// one that says why there is none; of JSON lines, one. Errors: internal_error (no share).
  Result<std::string> rows(std::string_view share, std::uint64_t& count) const;

 private:
  std::string line(const std::vector<std::string>& cells) const;
  RowFormat format_;
  std::vector<std::string> columns_;
};

/// csv_cell writes a cell (RFC 4180). What a spreadsheet would take for a formula (it begins with
/// one of = + - @, a tab or a carriage return) gets an apostrophe in front, and so does what begins
/// with an apostrophe: taking one leading apostrophe away always gives the value back.
std::string csv_cell(std::string_view value);
/// xlsx_cell is the text of an inline string: XML's own letters escaped, and what XML 1.0 cannot
/// hold as _xHHHH_ (ECMA-376 part 1, 22.9.2.19).
std::string xlsx_cell(std::string_view value);

}  // namespace amanat::disclosure
