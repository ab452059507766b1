// XML that is no page: elements and attributes as cells. An element that holds a number and at
// least one thing more is a row; what holds none belongs to the element around it.

#include <algorithm>

#include "net/markup.h"
#include "trace/parsers.h"

namespace amanat::trace {
namespace {

class RecordsParser : public TextParser, private net::MarkupSink {
 public:
  RecordsParser(Gatherer& gatherer, const Limits& limits)
      : gatherer_(gatherer), limits_(limits), reader_(net::Dialect::xml, *this) {}
  void feed(std::string_view piece) override { reader_.feed(piece); }
  void finish() override {
    reader_.finish();
    while (!open_.empty()) end(at_);
    emit(0, 0, at_);
  }

 private:
  struct Element {
    std::string name;
    std::size_t cells = 0;
    std::uint64_t at = 0;
    std::string text;
  };
  struct Cell {
    std::string name, text;
  };

  void opened(const Tag& tag) override {
    at_ = tag.at;
    if (tag.name.starts_with('?') || tag.name.starts_with('!')) return;
    if (open_.size() >= limits_.json_depth_max) {
      if (!tag.empty) ++too_deep_;
      return;
    }
    if (!open_.empty()) own_text(open_.back());
    open_.push_back({std::string(tag.name.substr(0, 128)), cells_.size(), tag.at, {}});
    attributes(tag.attributes);
    if (tag.empty) end(tag.at);
  }
  void closed(std::string_view name, std::uint64_t at_end) override {
    at_ = at_end;
    if (too_deep_ > 0) {
      --too_deep_;
      return;
    }
    // One that was never opened closes nothing.
    const bool known = std::ranges::any_of(open_, [&](const Element& e) { return e.name == name; });
    while (known && !open_.empty()) {
      const bool last = open_.back().name == name;
      end(at_end);
      if (last) break;
    }
  }
  void text(std::string_view piece) override {
    if (open_.empty()) return;
    std::string& text = open_.back().text;
    if (text.size() + piece.size() <= limits_.row_bytes_max) text.append(piece);
  }

  void add(std::string_view name, std::string text) {
    if (text.find_first_not_of(" \t\r\n") == text.npos) return;
    bytes_ += text.size();
    cells_.push_back({std::string(name), std::move(text)});
    if (cells_.size() >= limits_.cells_max || bytes_ > limits_.row_bytes_max) emit(0, 0, at_);
  }
  void own_text(Element& element) {
    std::string text;
    text.swap(element.text);
    add(element.name, std::move(text));
  }
  void attributes(std::string_view rest) {
    for (;;) {
      const std::size_t equals = rest.find('=');
      if (equals == rest.npos) return;
      const std::size_t begin = rest.find_first_not_of(" \t\r\n/");
      const std::size_t end = rest.find_last_not_of(" \t\r\n", equals == 0 ? 0 : equals - 1);
      const std::string_view name =
          begin < equals ? rest.substr(begin, end + 1 - begin) : std::string_view();
      rest.remove_prefix(equals + 1);
      const std::size_t quote = rest.find_first_of("\"'");
      if (quote == rest.npos) return;
      const std::size_t close = rest.find(rest[quote], quote + 1);
      if (close == rest.npos) return;
      std::string value;
      net::append_decoded(rest.substr(quote + 1, close - quote - 1), value);
      if (!name.starts_with("xmlns")) add(name, std::move(value));
      rest.remove_prefix(close + 1);
    }
  }

  static bool has_number(std::string_view text) {
    return std::ranges::count_if(text, [](char c) { return (c >= '0' && c <= '9') || c < 0; }) >= 9;
  }
  void end(std::uint64_t at) {
    own_text(open_.back());
    const Element element = std::move(open_.back());
    open_.pop_back();
    const std::size_t from = std::min(element.cells, cells_.size());
    if (cells_.size() - from < 2) return;
    const bool row = std::any_of(cells_.begin() + static_cast<std::ptrdiff_t>(from), cells_.end(),
                                 [](const Cell& c) { return has_number(c.text); });
    if (row || open_.size() <= 1) emit(from, element.at, at);
  }
  void emit(std::size_t from, std::uint64_t begin, std::uint64_t end) {
    if (cells_.size() <= from) return;
    std::vector<std::string> headings;
    std::vector<std::string_view> values;
    for (std::size_t i = from; i < cells_.size(); ++i) {
      headings.push_back(cells_[i].name);
      values.push_back(cells_[i].text);
    }
    gatherer_.take(gatherer_.cluster({Format::document, 0, {}, std::move(headings)}), begin,
                   std::max(end, begin) - begin, values);
    cells_.resize(from);
    if (from == 0) bytes_ = 0;
  }

  Gatherer& gatherer_;
  const Limits& limits_;
  net::MarkupReader reader_;
  std::vector<Element> open_;
  std::vector<Cell> cells_;
  std::size_t too_deep_ = 0, bytes_ = 0;
  std::uint64_t at_ = 0;
};

}  // namespace

std::unique_ptr<TextParser> make_records_parser(Gatherer& gatherer, const Limits& limits) {
  return std::make_unique<RecordsParser>(gatherer, limits);
}

}  // namespace amanat::trace
