#include "registry/source.h"

#include <algorithm>

#include "model/insist.h"
#include "net/csv.h"
#include "net/json.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kNotesMax = 32, kNoteBytesMax = 64;

/// column_word brings a header cell to the form of the catalog's columns: trimmed, small letters,
/// single spaces.
std::string column_word(std::string_view cell) {
  std::string out;
  bool space = false;
  for (const char c : trim(cell)) {
    if (static_cast<unsigned char>(c) <= ' ') {
      space = true;
      continue;
    }
    if (space) out.push_back(' ');
    space = false;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

std::optional<std::size_t> field_for(const Dataset& dataset, std::string_view word) {
  for (std::size_t i = 0; i < dataset.fields.size(); ++i) {
    const auto& columns = dataset.fields[i].columns;
    if (std::find(columns.begin(), columns.end(), word) != columns.end()) return i;
  }
  // A department may as well use the catalog's own names.
  const auto own = dataset.find(word);
  return own && !dataset.fields[*own].columns.empty() ? own : std::nullopt;
}

/// form_hint guesses why a header has none of the columns, without repeating it.
std::string form_hint(const std::vector<std::string_view>& header) {
  const std::string_view first = header.empty() ? std::string_view() : header.front();
  if (!valid_utf8(first.substr(0, 2)) || first.find('\0') != first.npos)
    return "; is the file UTF-8?";
  if (header.size() > 1) return {};
  if (first.find(';') != first.npos) return "; commas part cells, not semicolons";
  if (first.find('\t') != first.npos) return "; commas part cells, not tabs";
  if (first.find('\r') != first.npos) return "; lines end in LF or CRLF, not CR";
  return {};
}

bool all_blank(const std::vector<std::string_view>& cells) {
  return std::all_of(cells.begin(), cells.end(),
                     [](std::string_view c) { return trim(c).empty(); });
}

class CsvSource final : public RowSource {
 public:
  CsvSource(net::CsvReader reader, const Dataset& dataset)
      : reader_(std::move(reader)), dataset_(dataset) {}

  /// read_header maps columns to fields by name, in any order and case.
  Result<void> read_header() {
    for (;;) {
      auto more = reader_.next(row_);
      if (!more) return std::unexpected(more.error());
      if (!*more || row_.malformed)
        return fail(Reason::csv_malformed, "the file has no header row");
      if (!all_blank(row_.cells)) break;
    }
    std::vector<bool> found(dataset_.fields.size());
    for (const auto cell : row_.cells) {
      const std::string word = column_word(cell);
      const auto field = field_for(dataset_, word);
      const bool taken = field && !found[*field];
      places_.push_back(taken ? static_cast<int>(*field) : -1);
      if (taken)
        found[*field] = true;
      else if (!word.empty() && word.size() <= kNoteBytesMax && valid_utf8(word))
        ignored_.push_back(word);
    }
    std::string missing, absent;
    for (std::size_t i = 0; i < dataset_.fields.size(); ++i) {
      const Field& f = dataset_.fields[i];
      if (found[i] || f.columns.empty()) continue;
      const bool needed =
          f.required || (dataset_.subject && *dataset_.subject == i) ||
          std::find(dataset_.key.begin(), dataset_.key.end(), i) != dataset_.key.end();
      std::string& list = needed ? missing : absent;
      list += (list.empty() ? "" : ", ") + ("\"" + f.columns[0] + "\"");
    }
    // The header's own words stay out of this: a file without a header begins with a person.
    if (!missing.empty())
      return fail(Reason::columns_missing,
                  dataset_.name + " lacks " + missing + form_hint(row_.cells));
    if (!absent.empty()) notes_.push_back("columns not sent: " + absent);
    for (std::size_t i = 0; i < ignored_.size() && i < kNotesMax; ++i)
      notes_.push_back("column ignored: \"" + ignored_[i] + "\"");
    return {};
  }

  Result<bool> next(RawRow& row) override {
    auto more = reader_.next(row_);
    if (!more || !*more) return more;
    row.line = row_.line;
    row.next_line = row_.line + 1;  // a malformed row is one line
    for (const auto cell : row_.cells)
      row.next_line += static_cast<std::uint64_t>(std::count(cell.begin(), cell.end(), '\n'));
    row.end_offset = row_.end_offset;
    row.blank = false;
    row.fault.reset();
    row.cells.assign(dataset_.fields.size(), std::string_view());
    if (row_.malformed) {
      row.fault = Reason::csv_malformed;
      return true;
    }
    row.blank = all_blank(row_.cells);
    if (row.blank) return true;
    // Cells beyond the header are harmless only if they are empty.
    bool wide = row_.cells.size() < places_.size();
    for (std::size_t i = places_.size(); i < row_.cells.size(); ++i)
      wide = wide || !trim(row_.cells[i]).empty();
    if (wide) {
      row.fault = Reason::row_wrong_width;
      return true;
    }
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (places_[i] >= 0) row.cells[static_cast<std::size_t>(places_[i])] = row_.cells[i];
    return true;
  }

  Result<void> seek(std::uint64_t offset, std::uint64_t line) override {
    return reader_.seek(offset, line);
  }
  std::uint64_t bytes_total() const override { return reader_.bytes_total(); }

 private:
  net::CsvReader reader_;
  const Dataset& dataset_;
  net::CsvReader::Row row_;
  std::vector<int> places_;  // column -> field, or -1
  std::vector<std::string> ignored_;
};

bool put(const Field& field, const net::Json& value, std::string& out) {
  if (const auto* text = value.string()) return out += *text, true;
  if (const auto n = value.integer()) return out += std::to_string(*n), true;
  if (const auto* n = std::get_if<std::int64_t>(&value.value))
    return out += std::to_string(*n), true;
  if (std::holds_alternative<std::nullptr_t>(value.value)) return true;
  const auto* list = value.array();
  if (list == nullptr || field.split == '\0') return false;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (i > 0) out.push_back(field.split);
    const std::size_t begin = out.size();
    if ((*list)[i].array() != nullptr || !put(field, (*list)[i], out)) return false;
    if (out.find(field.split, begin) != out.npos) return false;
  }
  return true;
}

/// JsonRow turns one object into cells; the texts live in it.
class JsonRow {
 public:
  explicit JsonRow(const Dataset& dataset) : dataset_(dataset) {}

  void read(std::string_view line, bool too_long, RawRow& row) {
    row.blank = false;
    row.fault.reset();
    row.cells.assign(dataset_.fields.size(), std::string_view());
    if (!too_long && trim(line).empty()) {
      row.blank = true;
      return;
    }
    auto json = net::parse_json(line, {.bytes_max = 1 << 20, .depth_max = 4, .values_max = 4096});
    if (too_long || !json || json->object() == nullptr) {
      row.fault = Reason::malformed_json;
      return;
    }
    if (!object_cells(dataset_, *json, texts_)) {
      row.fault = Reason::malformed_json;
      return;
    }
    for (std::size_t i = 0; i < texts_.size(); ++i) row.cells[i] = texts_[i];
    row.blank = all_blank(row.cells);
  }

 private:
  const Dataset& dataset_;
  std::vector<std::string> texts_;
};

class JsonFileSource final : public RowSource {
 public:
  JsonFileSource(net::LinesReader reader, const Dataset& dataset)
      : reader_(std::move(reader)), json_(dataset) {}
  Result<bool> next(RawRow& row) override {
    auto more = reader_.next(line_);
    if (!more || !*more) return more;
    row.line = line_.line;
    row.next_line = line_.line + 1;
    row.end_offset = line_.end_offset;
    json_.read(line_.text, line_.too_long, row);
    return true;
  }
  Result<void> seek(std::uint64_t offset, std::uint64_t line) override {
    return reader_.seek(offset, line);
  }
  std::uint64_t bytes_total() const override { return reader_.bytes_total(); }

 private:
  net::LinesReader reader_;
  net::LinesReader::Line line_;
  JsonRow json_;
};

class JsonTextSource final : public RowSource {
 public:
  JsonTextSource(std::string_view text, const Dataset& dataset) : text_(text), json_(dataset) {}
  Result<bool> next(RawRow& row) override {
    if (at_ >= text_.size()) return false;
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    row.line = ++line_;
    row.next_line = line_ + 1;
    row.end_offset = std::min(end + 1, text_.size());
    json_.read(text_.substr(at_, end - at_), false, row);
    at_ = row.end_offset;
    return true;
  }
  Result<void> seek(std::uint64_t offset, std::uint64_t line) override {
    insist(offset <= text_.size() && line > 0);
    at_ = offset;
    line_ = line - 1;
    return {};
  }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
  JsonRow json_;
};

Result<std::unique_ptr<RowSource>> with_header(net::CsvReader reader, const Dataset& dataset) {
  auto source = std::make_unique<CsvSource>(std::move(reader), dataset);
  if (auto header = source->read_header(); !header) return std::unexpected(header.error());
  return source;
}

}  // namespace

bool object_cells(const Dataset& dataset, const net::Json& object,
                  std::vector<std::string>& cells) {
  cells.resize(dataset.fields.size());
  for (auto& cell : cells) cell.clear();
  for (const auto& member : *object.object()) {
    const auto field = field_for(dataset, column_word(member.name));
    if (!field) continue;
    cells[*field].clear();
    if (!put(dataset.fields[*field], member.value, cells[*field])) return false;
  }
  return true;
}

Result<std::unique_ptr<RowSource>> open_source(const std::string& file, const Dataset& dataset) {
  if (file.ends_with(".jsonl") || file.ends_with(".ndjson") || file.ends_with(".json")) {
    auto lines = net::LinesReader::open(file);
    if (!lines) return std::unexpected(lines.error());
    return std::make_unique<JsonFileSource>(*std::move(lines), dataset);
  }
  auto csv = net::CsvReader::open(file);
  if (!csv) return std::unexpected(csv.error());
  return with_header(*std::move(csv), dataset);
}

std::unique_ptr<RowSource> lines_source(std::string_view lines, const Dataset& dataset) {
  return std::make_unique<JsonTextSource>(lines, dataset);
}

Result<std::unique_ptr<RowSource>> csv_source(std::string text, const Dataset& dataset) {
  return with_header(net::CsvReader::over(std::move(text)), dataset);
}

}  // namespace amanat::registry
