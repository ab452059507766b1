// Delimited text and plain text: rows are lines.

#include "trace/parsers.h"

namespace amanat::trace {
namespace {

class LinesParser : public TextParser {
 public:
  LinesParser(const Sniffed& sniffed, Gatherer& gatherer)
      : sniffed_(sniffed), gatherer_(gatherer) {}

  void feed(std::string_view piece) override {
    // Whole rows are read where they lie; only a row cut in two is copied.
    if (!held_.empty()) {
      const std::size_t end = piece.find('\n');
      held_.append(piece.substr(0, end == piece.npos ? piece.npos : end + 1));
      piece.remove_prefix(end == piece.npos ? piece.size() : end + 1);
      const std::size_t taken = take(held_, Gatherer::Rest::more_follows);
      held_.erase(0, taken);
      if (!held_.empty()) {
        held_.append(piece);
        held_.erase(0, take(held_, Gatherer::Rest::more_follows));
        return;
      }
    }
    const std::size_t taken = take(piece, Gatherer::Rest::more_follows);
    held_.assign(piece.substr(taken));
  }
  void finish() override {
    take(held_, Gatherer::Rest::last);
    held_.clear();
  }

 private:
  std::size_t take(std::string_view text, Gatherer::Rest rest) {
    std::size_t taken = 0;
    if (!begun_) {
      const std::size_t end = gatherer_.row_end(text, 0, sniffed_.delimiter, rest);
      if (end == std::string_view::npos) return 0;
      taken = begin(text.substr(0, end)) ? end : 0;
    }
    taken += gatherer_.take_lines(cluster_, at_ + taken, text.substr(taken), rest);
    at_ += taken;
    return taken;
  }

  // begin decides whether the first line is a heading; then it is no row.
  bool begin(std::string_view line) {
    begun_ = true;
    Shape shape{sniffed_.format, sniffed_.delimiter, {}, {}};
    if (sniffed_.format == Format::delimited) {
      std::vector<std::string_view> cells;
      split_cells(line, sniffed_.delimiter, 256, cells);
      if (looks_like_heading(cells)) shape.headings.assign(cells.begin(), cells.end());
    }
    cluster_ = gatherer_.cluster(shape);
    return !shape.headings.empty();
  }

  const Sniffed sniffed_;
  Gatherer& gatherer_;
  bool begun_ = false;
  std::uint32_t cluster_ = 0;
  std::uint64_t at_ = 0;
  std::string held_;
};

}  // namespace

std::unique_ptr<TextParser> make_lines_parser(const Sniffed& sniffed, Gatherer& gatherer) {
  return std::make_unique<LinesParser>(sniffed, gatherer);
}

}  // namespace amanat::trace
