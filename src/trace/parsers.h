#pragma once
// trace, parsers: text of each format into rows, a piece at a time. Forgiving: whatever is wrong is
// skipped, and reading goes on. This room only; one thread each.

#include <memory>
#include <string>
#include <string_view>

#include "net/zip.h"
#include "trace/gather.h"

namespace amanat::trace {

class TextParser {
 public:
  virtual ~TextParser() = default;
  /// feed takes the next piece of the part's text (UTF-8, no byte-order mark), cut anywhere.
  virtual void feed(std::string_view piece) = 0;
  virtual void finish() = 0;
};

/// Sniffed is what the beginning of a text looks like.
struct Sniffed {
  Format format = Format::plain;
  char delimiter = 0;
};
/// sniff judges by the first bytes of a text, at least some lines of it.
Sniffed sniff(std::string_view sample);

/// make_parser makes the parser of a text format.
std::unique_ptr<TextParser> make_parser(const Sniffed& sniffed, Gatherer& gatherer,
                                        const Limits& limits);

std::unique_ptr<TextParser> make_lines_parser(const Sniffed& sniffed, Gatherer& gatherer);
std::unique_ptr<TextParser> make_json_parser(Format format, Gatherer& gatherer,
                                             const Limits& limits);
/// make_records_parser reads XML that is no page: elements and attributes as cells.
std::unique_ptr<TextParser> make_records_parser(Gatherer& gatherer, const Limits& limits);
std::unique_ptr<TextParser> make_sql_parser(Gatherer& gatherer, const Limits& limits);
/// make_markup_parser reads HTML, and the body of word processors' documents: rows of tables, and
/// paragraphs as rows of one cell.
std::unique_ptr<TextParser> make_markup_parser(Format format, Gatherer& gatherer,
                                               const Limits& limits);
/// make_sheet_parser reads one sheet of an XLSX workbook; `strings` are the shared ones.
struct SharedStrings {
  std::string text;
  std::vector<std::size_t> ends;
  std::string_view operator[](std::size_t i) const;
};
std::unique_ptr<TextParser> make_sheet_parser(const SharedStrings& strings, Gatherer& gatherer,
                                              const Limits& limits);
/// make_strings_parser collects the shared strings, up to limits.strings_bytes_max.
std::unique_ptr<TextParser> make_strings_parser(SharedStrings& strings, const Limits& limits);

}  // namespace amanat::trace
