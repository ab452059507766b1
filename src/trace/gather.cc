#include "trace/gather.h"

#include <algorithm>
#include <cstring>

#include "model/insist.h"

namespace amanat::trace {
namespace {

// A quoted cell may hold line ends; one that never closes must not swallow the file.
constexpr std::size_t kQuotedBytesMax = 64 * 1024;
constexpr std::size_t kStrayQuotesMax = 256;  // after so many, quotes mean nothing in this part
constexpr std::size_t kColumnsMax = 256;      // sampled; a row may have more cells

const char* find(const char* begin, const char* end, char c) {
  return static_cast<const char*>(std::memchr(begin, c, static_cast<std::size_t>(end - begin)));
}

bool time_like(const Identifier& id) {
  return id.kind == Kind::national_id && id.layout == Layout::plain && id.digits[0] == '1';
}

// quoted_end finds the byte after the first line end outside a quoted cell, within `most` bytes;
// npos if there is none. A quote opens only at the beginning of a cell; one inside is data.
std::size_t quoted_end(std::string_view text, std::size_t begin, char delimiter, std::size_t most) {
  const std::size_t stop = std::min(text.size(), begin + most);
  bool open = false, at_begin = true;
  for (std::size_t i = begin; i < stop; ++i) {
    const char c = text[i];
    if (open) {
      if (c != '"') continue;
      if (i + 1 < text.size() && text[i + 1] == '"')
        ++i;
      else
        open = false;
      at_begin = false;
      continue;
    }
    if (c == '\n') return i + 1;
    open = c == '"' && at_begin;
    at_begin = c == delimiter;
  }
  return std::string_view::npos;
}

std::uint16_t column_of(std::string_view line, std::size_t at, char delimiter) {
  if (delimiter == 0) return 0;
  std::size_t n = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < at; ++i) {
    if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == delimiter && !quoted)
      ++n;
  }
  return static_cast<std::uint16_t>(std::min<std::size_t>(n, kColumnsMax - 1));
}

}  // namespace

void split_cells(std::string_view line, char delimiter, std::size_t cells_max,
                 std::vector<std::string_view>& cells) {
  cells.clear();
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  while (cells.size() < cells_max) {
    if (delimiter != 0 && line.starts_with('"')) {
      std::size_t end = 1;
      while (end < line.size()) {
        if (line[end] != '"')
          ++end;
        else if (end + 1 < line.size() && line[end + 1] == '"')
          end += 2;
        else
          break;
      }
      const std::size_t after = std::min(end + 1, line.size());
      if (after == line.size() || line[after] == delimiter) {
        cells.push_back(line.substr(1, std::min(end, line.size()) - 1));
        if (after == line.size()) return;
        line.remove_prefix(after + 1);
        continue;
      }
    }
    const std::size_t end = delimiter == 0 ? line.npos : line.find(delimiter);
    cells.push_back(line.substr(0, end));
    if (end == line.npos) return;
    line.remove_prefix(end + 1);
  }
}

void Gatherer::begin_part() {
  first_cluster_ = static_cast<std::uint32_t>(clusters_.size());
  stray_quotes_ = 0;
}

std::uint32_t Gatherer::cluster(const Shape& shape) {
  insist(!summary_.parts.empty());
  for (std::size_t i = clusters_.size(); i > first_cluster_; --i)
    if (clusters_[i - 1].shape == shape) return static_cast<std::uint32_t>(i - 1);
  if (clusters_.size() >= options_.limits.templates_max)
    return static_cast<std::uint32_t>(clusters_.size() - 1);
  Cluster made{shape, {}};
  for (std::size_t i = 0; i < std::min(shape.headings.size(), kColumnsMax); ++i)
    made.columns.emplace_back(shape.headings[i]);
  clusters_.push_back(std::move(made));
  ClusterSummary s;
  s.part = static_cast<std::uint32_t>(summary_.parts.size() - 1);
  s.format = shape.format;
  s.table = shape.table;
  s.delimiter = shape.delimiter;
  s.has_heading = !shape.headings.empty();
  summary_.clusters.push_back(std::move(s));
  return static_cast<std::uint32_t>(clusters_.size() - 1);
}

Column& Gatherer::column(std::uint32_t cluster, std::size_t index) {
  auto& columns = clusters_[cluster].columns;
  index = std::min(index, kColumnsMax - 1);
  while (columns.size() <= index) columns.emplace_back();
  return columns[index];
}

void Gatherer::count(const Identifier& id) {
  const auto kind = static_cast<std::size_t>(id.kind);
  ++summary_.found[kind][static_cast<std::size_t>(id.layout)];
  if (id.partial) ++summary_.partial[kind];
}

void Gatherer::hand_over(std::uint32_t cluster, LeakRow& row) {
  ClusterSummary& s = summary_.clusters[cluster];
  if (!row.identifiers.empty()) {
    ++s.rows_with_identifiers;
    ++summary_.rows_with_identifiers;
  }
  if (options_.on_row && (rows_ == Rows::bare || !row.identifiers.empty())) {
    row.part = s.part;
    row.cluster = cluster;
    row.number = s.rows;
    options_.on_row(row);
  }
  ++s.rows;
  ++summary_.rows;
}

void Gatherer::take(std::uint32_t cluster, std::uint64_t offset, std::uint64_t length,
                    std::span<const std::string_view> cells) {
  cells = cells.first(std::min(cells.size(), options_.limits.cells_max));
  joined_.clear();
  cell_begins_.clear();
  for (const auto cell : cells) {
    cell_begins_.push_back(joined_.size());
    const std::size_t begin = joined_.size();
    joined_.append(cell);
    // Line ends part cells here; those within one become carriage returns.
    std::replace(joined_.begin() + static_cast<std::ptrdiff_t>(begin), joined_.end(), '\n', '\r');
    joined_.push_back('\n');
  }
  found_.clear();
  columns_.clear();
  find_identifiers(joined_, found_);
  for (const Identifier& id : found_) {
    count(id);
    const auto after = std::upper_bound(cell_begins_.begin(), cell_begins_.end(), id.offset);
    const auto index = static_cast<std::size_t>(after - cell_begins_.begin() - 1);
    columns_.push_back(static_cast<std::uint16_t>(std::min(index, kColumnsMax - 1)));
    if (id.kind == Kind::national_id) column(cluster, index).see_plain_id(id);
  }
  if (sampled(summary_.clusters[cluster].rows))
    for (std::size_t i = 0; i < cells.size(); ++i) column(cluster, i).see(cells[i]);
  LeakRow row;
  row.offset = offset;
  row.length = length;
  row.text = joined_;
  row.identifiers = found_;
  row.columns = columns_;
  hand_over(cluster, row);
}

std::size_t Gatherer::row_end(std::string_view text, std::size_t begin, char delimiter, Rest rest) {
  const char* const all = text.data();
  const char* const stop = all + text.size();
  const char* end = find(all + begin, stop, '\n');
  if (end == nullptr) {
    if (rest == Rest::last || text.size() - begin > options_.limits.row_bytes_max)
      return text.size();
    return std::string_view::npos;
  }
  const auto first = static_cast<std::size_t>(end - all) + 1;
  if (delimiter == 0) return first;
  const std::string_view line = text.substr(begin, first - begin);
  if (std::count(line.begin(), line.end(), '"') % 2 == 0 || stray_quotes_ > kStrayQuotesMax)
    return first;
  const std::size_t end_of_quoted = quoted_end(text, begin, delimiter, kQuotedBytesMax);
  if (end_of_quoted != std::string_view::npos) return end_of_quoted;
  if (rest == Rest::more_follows && text.size() - begin < kQuotedBytesMax)
    return std::string_view::npos;
  ++stray_quotes_;
  return first;
}

void Gatherer::sample(std::uint32_t cluster, std::string_view line) {
  split_cells(line, clusters_[cluster].shape.delimiter, kColumnsMax, cells_);
  for (std::size_t i = 0; i < cells_.size(); ++i) column(cluster, i).see(cells_[i]);
}

std::size_t Gatherer::take_lines(std::uint32_t cluster, std::uint64_t offset, std::string_view text,
                                 Rest rest) {
  const char delimiter = clusters_[cluster].shape.delimiter;
  found_.clear();
  find_identifiers(text, found_);
  std::size_t begin = 0, next = 0;
  while (begin < text.size()) {
    const std::size_t end = row_end(text, begin, delimiter, rest);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(begin, end - begin);
    LeakRow row;
    row.offset = offset + begin;
    row.length = line.size();
    row.text = line;
    columns_.clear();
    const std::size_t from = next;
    for (; next < found_.size() && found_[next].offset < end; ++next) {
      Identifier& id = found_[next];
      id.offset -= static_cast<std::uint32_t>(begin);
      // A number that is broken over two lines is of the first.
      id.length = std::min(id.length, static_cast<decltype(id.length)>(line.size() - id.offset));
      count(id);
      // Only a number that may be a time needs its column, and one in 64 of the others.
      const bool ask = id.kind == Kind::national_id && id.layout == Layout::plain &&
                       (time_like(id) || next % 64 == 0);
      columns_.push_back(ask ? column_of(line, id.offset, delimiter) : kNoColumn);
      if (ask) this->column(cluster, columns_.back()).see_plain_id(id);
    }
    row.identifiers = std::span(found_).subspan(from, next - from);
    row.columns = columns_;
    const bool blank = line.size() <= 2 && line.find_first_not_of("\r\n") == line.npos;
    if (!blank) {
      if (sampled(summary_.clusters[cluster].rows)) sample(cluster, line);
      hand_over(cluster, row);
    }
    begin = end;
  }
  return begin;
}

void Gatherer::finish() {
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    for (const Column& c : clusters_[i].columns) {
      summary_.clusters[i].columns.push_back(c.summary());
      if (summary_.clusters[i].columns.back().doubtful) summary_.doubtful += c.plain_ids();
    }
  }
}

}  // namespace amanat::trace
