#pragma once
// registry, source: the rows of a department's file as cells in the catalog's order, whatever the
// file's own form and column order. One source, one thread. This room only.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "net/json.h"
#include "registry/dataset.h"

namespace amanat::registry {

/// RawRow is one row; views live until the next call.
struct RawRow {
  std::uint64_t line = 0, next_line = 0;  // where it begins, where the next one does
  std::uint64_t end_offset = 0;
  bool blank = false;                   // every cell empty
  std::optional<Reason> fault;          // csv_malformed, malformed_json, row_wrong_width
  std::vector<std::string_view> cells;  // one a field of the dataset; empty where it has none
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// next reads a row; false at the end. Errors: file_failed.
  virtual Result<bool> next(RawRow& row) = 0;
  /// seek goes on at a row's end_offset; `line` is that of the next row.
  virtual Result<void> seek(std::uint64_t offset, std::uint64_t line) = 0;
  virtual std::uint64_t bytes_total() const = 0;
  /// notes say, in words fit for an operator, which columns were ignored or not sent.
  const std::vector<std::string>& notes() const { return notes_; }

 protected:
  std::vector<std::string> notes_;
};

/// object_cells writes what a JSON object says of each field into `cells`, one a field, as text; false
/// if a member of a field is neither a plain value nor a list that the field takes.
bool object_cells(const Dataset& dataset, const net::Json& object, std::vector<std::string>& cells);

/// open_source opens CSV, or JSON lines if the name ends in .jsonl, .ndjson or .json.
/// Errors: file_failed, csv_malformed (no header), columns_missing.
Result<std::unique_ptr<RowSource>> open_source(const std::string& file, const Dataset& dataset);

/// lines_source reads JSON lines out of memory; `lines` must outlive it.
std::unique_ptr<RowSource> lines_source(std::string_view lines, const Dataset& dataset);

/// csv_source reads CSV out of memory. Errors: csv_malformed, columns_missing.
Result<std::unique_ptr<RowSource>> csv_source(std::string text, const Dataset& dataset);

}  // namespace amanat::registry
