#include "registry/judge.h"

#include <algorithm>

#include "model/insist.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kListMax = 256;
constexpr std::size_t kCellBytesMax = 64 * 1024;
constexpr std::size_t kOriginalBytesMax = 1024;  // a longer original is kept trimmed

std::vector<std::string_view> split_list(std::string_view cell, char separator) {
  std::vector<std::string_view> out;
  std::size_t from = 0;
  for (;;) {
    const std::size_t to = cell.find(separator, from);
    out.push_back(cell.substr(from, to == cell.npos ? cell.npos : to - from));
    if (to == cell.npos || out.size() > kListMax) break;
    from = to + 1;
  }
  return out;
}

}  // namespace

std::optional<Reason> Judge::take(const Field& field, std::string_view raw, Cell& cell) {
  cell = Cell{};
  const std::string_view trimmed = trim(raw);
  if (trimmed.size() > kCellBytesMax) return Reason::value_too_long;
  cell.offset = static_cast<std::uint32_t>(text_.size());
  const auto reason = normalise(rules_, field, trimmed, text_, cell.kind);
  cell.length = static_cast<std::uint32_t>(text_.size() - cell.offset);
  cell.raw = raw.size() > kOriginalBytesMax ? trimmed : raw;
  return reason;
}

std::optional<Fault> Judge::missing(std::size_t field) const {
  const Field& f = dataset_.fields[field];
  if (!f.required) return std::nullopt;
  return Fault{
      f.type == FieldType::national_id ? Reason::national_id_missing : Reason::value_missing, field,
      false};
}

/// settle turns offsets into views, now that text_ grows no more.
void Judge::settle() {
  values_.resize(cells_.size());
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const Cell& c = cells_[i];
    const std::string_view value(text_.data() + c.offset, c.length);
    values_[i] = Value{value, value.empty() || value == c.raw ? std::string_view() : c.raw, c.kind};
  }
}

/// side_by_side splits the lists of a row; all must have one length. An empty cell says nothing,
/// and a separator after the last element is forgiven where it alone makes the difference.
std::optional<Fault> Judge::side_by_side(const RawRow& row,
                                         std::vector<std::vector<std::string_view>>& lists) {
  std::size_t shortest = kListMax;
  for (std::size_t f = 0; f < lists.size(); ++f) {
    if (dataset_.fields[f].split == '\0' || trim(row.cells[f]).empty()) continue;
    lists[f] = split_list(row.cells[f], dataset_.fields[f].split);
    if (lists[f].size() > kListMax) return Fault{Reason::value_too_long, f, false};
    shortest = std::min(shortest, lists[f].size());
  }
  for (std::size_t f = 0; f < lists.size(); ++f) {
    if (lists[f].empty()) continue;
    if (lists[f].size() == shortest + 1 && trim(lists[f].back()).empty()) lists[f].pop_back();
    if (lists[f].size() != shortest) return Fault{Reason::lists_of_two_lengths, f, false};
    copies_ = shortest;
  }
  return std::nullopt;
}

std::optional<Fault> Judge::expand(const RawRow& row) {
  const std::size_t n = dataset_.fields.size();
  std::vector<std::vector<std::string_view>> lists(n);
  if (const auto fault = side_by_side(row, lists)) return fault;
  cells_.resize(copies_ * n);
  for (std::size_t copy = 0; copy < copies_; ++copy)
    for (std::size_t f = 0; f < n; ++f) {
      Cell& cell = cells_[copy * n + f];
      if (dataset_.fields[f].split == '\0') {
        cell = cells_[f];
      } else if (!lists[f].empty()) {
        if (const auto reason = take(dataset_.fields[f], lists[f][copy], cell))
          return Fault{*reason, f, false};
      }
    }
  return std::nullopt;
}

std::optional<Fault> Judge::judge(const RawRow& row) {
  const std::size_t n = dataset_.fields.size();
  insist(row.cells.size() == n && !row.blank);
  copies_ = 1;
  text_.clear();
  cells_.assign(n, Cell{});
  if (row.fault) return Fault{*row.fault, 0, true};
  bool lists = false;
  for (std::size_t f = 0; f < n; ++f) {
    const Field& field = dataset_.fields[f];
    if (field.split != '\0') {
      lists = true;
      continue;
    }
    if (!row.cells[f].empty())
      if (const auto reason = take(field, row.cells[f], cells_[f])) return Fault{*reason, f, false};
    if (cells_[f].length == 0 && !field.columns.empty())
      if (const auto fault = missing(f)) return fault;
  }
  if (lists)
    if (const auto fault = expand(row)) return fault;
  settle();
  return std::nullopt;
}

std::span<const Value> Judge::copy(std::size_t i) const {
  insist(i < copies_);
  return std::span<const Value>(values_).subspan(i * dataset_.fields.size(),
                                                 dataset_.fields.size());
}

std::optional<Fault> Judge::joined(const RawRow& row, std::vector<std::string>& out) {
  const std::size_t n = dataset_.fields.size();
  insist(row.cells.size() == n && !row.blank);
  out.assign(n, std::string());
  text_.clear();
  if (row.fault) return Fault{*row.fault, 0, true};
  for (std::size_t f = 0; f < n; ++f) {
    const Field& field = dataset_.fields[f];
    const auto elements = field.split == '\0' ? std::vector<std::string_view>{row.cells[f]}
                                              : split_list(row.cells[f], field.split);
    if (elements.size() > kListMax) return Fault{Reason::value_too_long, f, false};
    for (const auto element : elements) {
      Cell cell;
      if (const auto reason = take(field, element, cell)) return Fault{*reason, f, false};
      if (cell.length == 0) continue;
      if (!out[f].empty()) out[f].push_back('\n');
      out[f].append(text_, cell.offset, cell.length);
    }
    if (out[f].empty())
      if (const auto fault = missing(f)) return fault;
  }
  return std::nullopt;
}

}  // namespace amanat::registry
