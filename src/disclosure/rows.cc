#include "disclosure/rows.h"

#include <algorithm>

#include "model/insist.h"
#include "net/json.h"

namespace amanat::disclosure {
namespace {

constexpr std::size_t kFixed = 4;  // citizen, dataset, source, date; the fields; withheld
constexpr net::JsonLimits kShare{.bytes_max = 64u << 20, .depth_max = 8, .values_max = 1u << 22};

std::string text_of(const net::Json* value) {
  if (value == nullptr) return {};
  if (const std::string* text = value->string()) return *text;
  if (const auto flag = value->boolean()) return *flag ? "true" : "false";
  if (const auto n = value->integer()) return std::to_string(*n);
  return {};
}

// "identity.persons.name=field-not-granted ...": what is not shown of this citizen, and why.
std::string withheld_of(const net::Json& share) {
  std::string out;
  const net::Json* list = share.find("withheld");
  if (list == nullptr || list->array() == nullptr) return out;
  for (const net::Json& one : *list->array())
    out +=
        (out.empty() ? "" : " ") + text_of(one.find("field")) + "=" + text_of(one.find("reason"));
  return out;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }

}  // namespace

std::optional<RowFormat> row_format(std::string_view word) {
  if (word == "csv") return RowFormat::csv;
  if (word == "jsonl") return RowFormat::jsonl;
  if (word == "xlsx") return RowFormat::xlsx;
  return std::nullopt;
}

std::string csv_cell(std::string_view value) {
  std::string out;
  if (!value.empty() && std::string_view("=+-@\t\r'").find(value.front()) != std::string_view::npos)
    out.push_back('\'');
  out += value;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::string xlsx_cell(std::string_view value) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (byte < 0x20 && c != '\t' && c != '\n') {
      out += "_x00";
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
      out.push_back('_');
    } else if (c == '_' && i + 6 < value.size() && value[i + 1] == 'x' && value[i + 6] == '_' &&
               std::all_of(value.begin() + static_cast<std::ptrdiff_t>(i) + 2,
                           value.begin() + static_cast<std::ptrdiff_t>(i) + 6, is_hex)) {
      out += "_x005F_";  // or a reader would take the value's own text for an escape
    } else {
      out.push_back(c);
    }
  }
  return out;
}

RowWriter::RowWriter(RowFormat format, std::vector<std::string> fields) : format_(format) {
  if (format == RowFormat::jsonl) return;
  columns_ = {"citizen", "dataset", "source", "date"};
  insist(columns_.size() == kFixed);
  columns_.insert(columns_.end(), fields.begin(), fields.end());
  columns_.push_back("withheld");
}

std::string RowWriter::head() const { return columns_.empty() ? std::string() : line(columns_); }

std::string RowWriter::line(const std::vector<std::string>& cells) const {
  std::string out;
  if (format_ == RowFormat::csv) {
    for (std::size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + csv_cell(cells[i]);
    return out + "\r\n";
  }
  out = "<row>";
  for (const std::string& cell : cells)
    out += cell.empty() ? "<c/>"
                        : "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">" + xlsx_cell(cell) +
                              "</t></is></c>";
  return out + "</row>\n";
}

Result<std::string> RowWriter::rows(std::string_view share, std::uint64_t& count) const {
  if (format_ == RowFormat::jsonl) {
    ++count;
    return std::string(share) + "\n";
  }
  auto json = net::parse_json(share, kShare);
  if (!json) return fail(Reason::internal_error, "a share is not what was rendered");
  const net::Json* records = json->find("records");
  insist(records != nullptr && records->object() != nullptr);
  std::string out;
  std::vector<std::string> cells(columns_.size());
  cells.front() = text_of(json->find("citizen"));
  cells.back() = withheld_of(*json);
  for (const auto& dataset : *records->object())
    for (const net::Json& record : *dataset.value.array()) {
      cells[1] = dataset.name;
      cells[2] = text_of(record.find("source"));
      cells[3] = text_of(record.find("date"));
      for (std::size_t c = kFixed; c + 1 < columns_.size(); ++c) {
        // A field's id is its dataset's, a point, and its own name.
        const std::string& id = columns_[c];
        const std::size_t point = id.rfind('.');
        cells[c] = id.compare(0, point, dataset.name) == 0 && point == dataset.name.size()
                       ? text_of(record.find(std::string_view(id).substr(point + 1)))
                       : std::string();
      }
      out += line(cells);
      ++count;
      cells.back().clear();  // said once, in the citizen's first row
    }
  if (!out.empty()) return out;
  out = line(cells);
  ++count;
  return out;
}

}  // namespace amanat::disclosure
