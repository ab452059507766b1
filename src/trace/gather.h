#pragma once
// trace, gather: where the rows of all formats come together: identifiers are found, columns
// sampled, counts kept. This room only; one thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/columns.h"
#include "trace/read.h"

namespace amanat::trace {

/// Shape is what makes rows one template, beside their part.
struct Shape {
  Format format{};
  char delimiter = 0;
  std::string table;
  std::vector<std::string> headings;  // empty: columns have no names
  friend bool operator==(const Shape&, const Shape&) = default;
};

class Gatherer {
 public:
  /// Every row is handed over with `bare`, else those with an identifier alone.
  enum class Rows : std::uint8_t { numbered, bare };
  Gatherer(const ReadOptions& options, Summary& summary, Rows rows)
      : options_(options), summary_(summary), rows_(rows) {}

  /// begin_part says that rows now are of the last part of the summary.
  void begin_part();
  /// cluster finds or makes the template of a shape in this part; too many share the last one.
  std::uint32_t cluster(const Shape& shape);
  /// take takes one row of a structured format. Beyond cells_max its cells are left out.
  void take(std::uint32_t cluster, std::uint64_t offset, std::uint64_t length,
            std::span<const std::string_view> cells);
  /// take_lines takes the whole rows at the front of `text`, the part's text from `offset` on, and
  /// returns how many bytes they are. `last`: what is left is a row too.
  enum class Rest : std::uint8_t { more_follows, last };
  std::size_t take_lines(std::uint32_t cluster, std::uint64_t offset, std::string_view text,
                         Rest rest);
  /// row_end finds the byte after the row that begins at `begin`; npos if it is not yet whole.
  std::size_t row_end(std::string_view text, std::size_t begin, char delimiter, Rest rest);
  /// finish writes the clusters' columns into the summary.
  void finish();

 private:
  struct Cluster {
    Shape shape;
    std::vector<Column> columns;
  };
  Column& column(std::uint32_t cluster, std::size_t index);
  void count(const Identifier& id);
  void hand_over(std::uint32_t cluster, LeakRow& row);
  bool sampled(std::uint64_t row) const { return row < 500 || row % 512 == 0; }
  void sample(std::uint32_t cluster, std::string_view line);

  const ReadOptions& options_;
  Summary& summary_;
  const Rows rows_;
  std::uint32_t first_cluster_ = 0;
  std::size_t stray_quotes_ = 0;
  std::vector<Cluster> clusters_;
  std::vector<Identifier> found_;
  std::vector<std::uint16_t> columns_;
  std::vector<std::size_t> cell_begins_;
  std::vector<std::string_view> cells_;
  std::string joined_;
};

/// read_every_row_at is read_leak_at that hands over rows without an identifier too.
Result<Summary> read_every_row_at(const net::ReadAt& read, std::uint64_t size,
                                  const std::string& name, const ReadOptions& options);

/// split_cells cuts a line into cells, quotes taken off (doubled ones stay doubled: views cannot
/// undo them, and no number holds any).
void split_cells(std::string_view line, char delimiter, std::size_t cells_max,
                 std::vector<std::string_view>& cells);

}  // namespace amanat::trace
