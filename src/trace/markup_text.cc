// HTML pages, bodies of word processors' documents, sheets of workbooks: all of them markup.

#include <algorithm>
#include <array>
#include <charconv>

#include "net/markup.h"
#include "trace/parsers.h"

namespace amanat::trace {
namespace {

template <std::size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 2> kRowTags = {"tr", "table-row"};
constexpr std::array<std::string_view, 4> kCellTags = {"td", "th", "tc", "table-cell"};
// Between these a page shows no blank, and a number may stand right behind its label.
constexpr std::array<std::string_view, 6> kWordTags = {"span",  "label",  "strong",
                                                       "small", "button", "a"};
constexpr std::array<std::string_view, 18> kBlockTags = {
    "p",  "div", "li", "br",  "h1",    "h2",   "h3",     "h4", "h5",
    "h6", "dd",  "dt", "pre", "table", "body", "option", "h",  "blockquote"};

/// Rows collects cells and hands rows over.
class Rows {
 public:
  Rows(Gatherer& gatherer, const Limits& limits) : gatherer_(gatherer), limits_(limits) {}
  void text(std::string_view s) {
    if (text_.size() + s.size() <= limits_.row_bytes_max) text_.append(s);
  }
  void end_cell() {
    if (ends_.size() < limits_.cells_max) ends_.push_back(text_.size());
  }
  /// skip_to makes empty cells up to a column.
  void skip_to(std::size_t column) {
    while (ends_.size() < std::min(column, limits_.cells_max)) end_cell();
  }
  std::size_t cells() const { return ends_.size(); }
  bool blank() const { return text_.find_first_not_of(" \t\r\n") == std::string::npos; }
  void end_row(Format format, const std::string& table, std::uint64_t begin, std::uint64_t end) {
    if (!blank()) {
      cells_.clear();
      std::size_t from = 0;
      for (const std::size_t to : ends_) {
        cells_.push_back(std::string_view(text_).substr(from, to - from));
        from = to;
      }
      if (!begun_ || table != table_) {
        begun_ = true;
        table_ = table;
        Shape shape{format, 0, table, {}};
        const bool heading = cells_.size() > 1 && looks_like_heading(cells_);
        if (heading) shape.headings.assign(cells_.begin(), cells_.end());
        cluster_ = gatherer_.cluster(shape);
        if (heading) cells_.clear();
      }
      if (!cells_.empty()) gatherer_.take(cluster_, begin, end - begin, cells_);
    }
    clear();
  }
  void clear() {
    text_.clear();
    ends_.clear();
  }

 private:
  Gatherer& gatherer_;
  const Limits& limits_;
  std::string text_, table_;
  std::vector<std::size_t> ends_;
  std::vector<std::string_view> cells_;
  std::uint32_t cluster_ = 0;
  bool begun_ = false;
};

class MarkupParser : public TextParser, private net::MarkupSink {
 public:
  MarkupParser(Format format, Gatherer& gatherer, const Limits& limits)
      : format_(format),
        reader_(format == Format::html ? net::Dialect::html : net::Dialect::xml, *this),
        rows_(gatherer, limits),
        lines_(gatherer, limits) {}
  void feed(std::string_view piece) override { reader_.feed(piece); }
  void finish() override {
    reader_.finish();
    end_row(begin_);
    end_line(begin_);
  }

 private:
  void opened(const Tag& tag) override {
    if (one_of(tag.name, kRowTags)) {
      end_line(tag.at);
      end_row(tag.at);
      in_row_ = true;
      begin_ = tag.at;
    } else if (one_of(tag.name, kCellTags)) {
      if (in_cell_) rows_.end_cell();  // a cell that nobody closed
      in_cell_ = in_row_ && !tag.empty;
      if (in_row_ && tag.empty) rows_.end_cell();
    } else if (one_of(tag.name, kBlockTags)) {
      if (in_row_)
        rows_.text("\n");
      else
        end_line(tag.at), begin_ = tag.at;
    } else if (tag.name == "tab" || tag.name == "s" || one_of(tag.name, kWordTags)) {
      text(" ");
    }
  }
  void closed(std::string_view name, std::uint64_t at_end) override {
    if (one_of(name, kRowTags))
      end_row(at_end);
    else if (one_of(name, kCellTags) && in_cell_)
      rows_.end_cell(), in_cell_ = false;
    else if (one_of(name, kBlockTags) && !in_row_)
      end_line(at_end);
    else if (one_of(name, kBlockTags) && in_row_)
      rows_.text(" ");
  }
  void text(std::string_view piece) override {
    if (in_cell_)
      rows_.text(piece);
    else if (!in_row_)
      lines_.text(piece);
  }
  void end_row(std::uint64_t at) {
    if (!in_row_) return;
    if (in_cell_) rows_.end_cell();
    in_row_ = in_cell_ = false;
    rows_.end_row(format_, {}, begin_, at);
    begin_ = at;
  }
  void end_line(std::uint64_t at) {
    lines_.end_cell();
    lines_.end_row(format_, "text", begin_, std::max(at, begin_));
  }

  const Format format_;
  net::MarkupReader reader_;
  Rows rows_, lines_;
  bool in_row_ = false, in_cell_ = false;
  std::uint64_t begin_ = 0;
};

// "AB12" is column 27; a cell without a place follows the one before.
std::size_t column_of(std::string_view place, std::size_t otherwise) {
  std::size_t n = 0, letters = 0;
  for (const char c : place) {
    if (c < 'A' || c > 'Z' || ++letters > 3) break;
    n = n * 26 + static_cast<std::size_t>(c - 'A' + 1);
  }
  return n == 0 ? otherwise : n - 1;
}

class SheetParser : public TextParser, private net::MarkupSink {
 public:
  SheetParser(const SharedStrings& strings, Gatherer& gatherer, const Limits& limits)
      : strings_(strings), reader_(net::Dialect::xml, *this), rows_(gatherer, limits) {}
  void feed(std::string_view piece) override { reader_.feed(piece); }
  void finish() override { reader_.finish(); }

 private:
  void opened(const Tag& tag) override {
    if (tag.name == "row") {
      rows_.clear();
      begin_ = tag.at;
    } else if (tag.name == "c") {
      rows_.skip_to(column_of(net::attribute(tag.attributes, "r"), rows_.cells()));
      shared_ = net::attribute(tag.attributes, "t") == "s";
      value_.clear();
      if (tag.empty) rows_.end_cell();
    } else if (tag.name == "v" || tag.name == "t") {
      inside_ = !tag.empty;
    } else if (tag.name == "rph") {
      inside_ = false;
    }
  }
  void closed(std::string_view name, std::uint64_t at_end) override {
    if (name == "v" || name == "t") {
      inside_ = false;
    } else if (name == "c") {
      std::size_t index = 0;
      const auto [end, error] =
          std::from_chars(value_.data(), value_.data() + value_.size(), index);
      if (shared_)
        rows_.text(error == std::errc() ? strings_[index] : std::string_view());
      else
        rows_.text(value_);
      rows_.end_cell();
      value_.clear();
    } else if (name == "row") {
      rows_.end_row(Format::sheet, {}, begin_, at_end);
    }
  }
  void text(std::string_view piece) override {
    if (inside_ && value_.size() < 64 * 1024) value_.append(piece);
  }

  const SharedStrings& strings_;
  net::MarkupReader reader_;
  Rows rows_;
  std::string value_;
  bool shared_ = false, inside_ = false;
  std::uint64_t begin_ = 0;
};

class StringsParser : public TextParser, private net::MarkupSink {
 public:
  StringsParser(SharedStrings& strings, const Limits& limits)
      : strings_(strings), limits_(limits), reader_(net::Dialect::xml, *this) {}
  void feed(std::string_view piece) override { reader_.feed(piece); }
  void finish() override { reader_.finish(); }

 private:
  void opened(const Tag& tag) override {
    if (tag.name == "t") inside_ = !tag.empty;
    if (tag.name == "rph") phonetic_ = !tag.empty;
    if (tag.name == "si" && tag.empty) end_string();
  }
  void closed(std::string_view name, std::uint64_t) override {
    if (name == "t")
      inside_ = false;
    else if (name == "rph")
      phonetic_ = false;
    else if (name == "si")
      end_string();
  }
  void text(std::string_view piece) override {
    if (inside_ && !phonetic_ && fits(piece.size())) strings_.text.append(piece);
  }
  bool fits(std::size_t more) const {
    return strings_.text.size() + strings_.ends.size() * sizeof(std::size_t) + more <=
           limits_.strings_bytes_max;
  }
  void end_string() {
    if (fits(sizeof(std::size_t))) strings_.ends.push_back(strings_.text.size());
  }

  SharedStrings& strings_;
  const Limits& limits_;
  net::MarkupReader reader_;
  bool inside_ = false, phonetic_ = false;
};

}  // namespace

std::string_view SharedStrings::operator[](std::size_t i) const {
  if (i >= ends.size()) return {};
  const std::size_t begin = i == 0 ? 0 : ends[i - 1];
  return std::string_view(text).substr(begin, ends[i] - begin);
}

std::unique_ptr<TextParser> make_markup_parser(Format format, Gatherer& gatherer,
                                               const Limits& limits) {
  return std::make_unique<MarkupParser>(format, gatherer, limits);
}
std::unique_ptr<TextParser> make_sheet_parser(const SharedStrings& strings, Gatherer& gatherer,
                                              const Limits& limits) {
  return std::make_unique<SheetParser>(strings, gatherer, limits);
}
std::unique_ptr<TextParser> make_strings_parser(SharedStrings& strings, const Limits& limits) {
  return std::make_unique<StringsParser>(strings, limits);
}

}  // namespace amanat::trace
