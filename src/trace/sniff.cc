#include <algorithm>
#include <array>

#include "trace/parsers.h"

namespace amanat::trace {
namespace {

constexpr std::size_t kLinesMax = 200;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view skip_blank(std::string_view s) {
  const std::size_t at = s.find_first_not_of(" \t\r\n");
  return at == s.npos ? std::string_view() : s.substr(at);
}

bool has_word(std::string_view text, std::string_view a, std::string_view b) {
  for (std::size_t at = text.find(a); at != text.npos; at = text.find(a, at + 1)) {
    const auto after = skip_blank(text.substr(at + a.size()));
    const bool begins = at == 0 || !(text[at - 1] >= 'a' && text[at - 1] <= 'z');
    if (begins && after.starts_with(b)) return true;
  }
  return false;
}

bool is_sql(std::string_view lower) {
  if (has_word(lower, "insert", "into") || has_word(lower, "replace", "into") ||
      has_word(lower, "insert", "all") || has_word(lower, "insert", "ignore into") ||
      has_word(lower, "insert", "["))
    return lower.find("values") != lower.npos || lower.find("select") != lower.npos;
  const std::size_t copy = lower.find("copy ");
  return copy != lower.npos && (copy == 0 || lower[copy - 1] == '\n') &&
         lower.find("from stdin", copy) != lower.npos;
}

// Lines of a chat begin with a date and have a name before their text: "[22/11/2026, 14:35] Ali: ".
bool is_chat(std::string_view text) {
  std::size_t lines = 0, chat = 0;
  while (!text.empty() && lines < kLinesMax) {
    const std::size_t end = text.find('\n');
    std::string_view line = skip_blank(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (line.empty()) continue;
    ++lines;
    if (line.front() == '[') line.remove_prefix(1);
    std::size_t figures = 0, marks = 0, i = 0;
    for (; i < line.size() && i < 10; ++i) {
      if (line[i] >= '0' && line[i] <= '9')
        ++figures;
      else if (line[i] == '/' || line[i] == '.' || line[i] == '-')
        ++marks;
      else
        break;
    }
    const bool dated =
        figures >= 4 && marks == 2 && i < line.size() && (line[i] == ',' || line[i] == ' ');
    if (dated && line.find(": ") != line.npos) ++chat;
  }
  return chat * 2 >= lines && chat > 0;
}

// A name and its table: SQL dumps begin with comments and settings, the rows come later.
bool begins_like_sql(std::string_view lower) {
  return has_word(lower, "create", "table") || has_word(lower, "drop", "table") ||
         lower.starts_with("-- mysql dump") ||
         lower.find("-- postgresql database dump") != lower.npos;
}

// fits says how many lines have the same number of a delimiter, outside quotes, as most have.
std::size_t fits(std::string_view text, char delimiter, std::size_t& lines, std::size_t& count) {
  std::array<std::size_t, 64> with{};
  lines = 0;
  std::size_t n = 0;
  bool quoted = false, any = false;
  const auto end_line = [&] {
    if (any) ++with[std::min(n, with.size() - 1)], ++lines;
    n = 0, any = false;
  };
  for (const char c : text) {
    if (lines == kLinesMax) break;
    if (c == '"')
      quoted = !quoted;
    else if (c == '\n' && !quoted)
      end_line();
    else if (c != '\r')
      any = true, n += c == delimiter && !quoted ? 1 : 0;
  }
  if (lines == 0) end_line();
  const auto most = std::max_element(with.begin() + 1, with.end());
  count = static_cast<std::size_t>(most - with.begin());
  return *most;
}

Sniffed as_lines(std::string_view sample) {
  Sniffed best{Format::plain, 0};
  std::size_t best_score = 0;
  for (const char delimiter : {',', ';', '\t', '|', '^', '~', '\x01', ':'}) {
    std::size_t lines = 0, count = 0;
    const std::size_t same = fits(sample, delimiter, lines, count);
    // Chat has commas and colons too, but not as many in every line.
    const bool weak = delimiter == ':' || delimiter == '~' || delimiter == '^';
    if (lines < 2 || same * 10 < lines * (weak ? 9u : 7u)) continue;
    if (count < (weak ? 2u : 1u)) continue;
    const std::size_t score = same * 16 + std::min<std::size_t>(count, 15);
    if (score > best_score) best = {Format::delimited, delimiter}, best_score = score;
  }
  return best;
}

Sniffed as_json(std::string_view text) {
  // One object a line, and another line: JSON lines. Anything else that begins so is JSON.
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) {
        const auto after = skip_blank(text.substr(i + 1));
        return {
            after.starts_with('{') || after.starts_with('[') ? Format::json_lines : Format::json,
            0};
      }
    }
  }
  return {Format::json, 0};
}

}  // namespace

Sniffed sniff(std::string_view sample) {
  const std::string_view text = skip_blank(sample);
  if (text.empty()) return {};
  const std::string lower = lowered(text.substr(0, 64 * 1024));
  if (text.front() == '{') return as_json(text);
  if (text.front() == '[') {
    const auto inside = skip_blank(text.substr(1));
    // "[22/11/2026, 14:35] Ali:" is a chat's line.
    if (inside.starts_with('{') || inside.starts_with('[') || inside.starts_with('"'))
      return as_json(text);
  }
  if (text.front() == '<') {
    for (const char* word : {"<!doctype html", "<html", "<table>", "<table ", "<body", "<div",
                             "<tr>", "<td>", "<p>", "<p ", "<ul>", "<ul ", "<li>"})
      if (lower.find(word) != lower.npos) return {Format::html, 0};
    // "<23> message" of a log is no markup.
    const char second = lower.size() > 1 ? lower[1] : ' ';
    if (second == '?' || second == '!' ||
        ((second >= 'a' && second <= 'z') && lower.find("</") != lower.npos))
      return {Format::document, 0};
  }
  if (is_sql(lower) || begins_like_sql(lower)) return {Format::sql, 0};
  if (is_chat(text)) return {};
  const Sniffed lines = as_lines(text);
  if (lines.format == Format::plain)
    for (const char* word : {"<table", "<tr>", "<td>", "<html"})
      if (lower.find(word) != lower.npos) return {Format::html, 0};
  return lines;
}

std::unique_ptr<TextParser> make_parser(const Sniffed& sniffed, Gatherer& gatherer,
                                        const Limits& limits) {
  switch (sniffed.format) {
    case Format::json:
    case Format::json_lines:
      return make_json_parser(sniffed.format, gatherer, limits);
    case Format::sql:
      return make_sql_parser(gatherer, limits);
    case Format::document:
      return make_records_parser(gatherer, limits);
    case Format::html:
      return make_markup_parser(sniffed.format, gatherer, limits);
    default:
      return make_lines_parser(sniffed, gatherer);
  }
}

}  // namespace amanat::trace
