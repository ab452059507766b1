#include "trace/cell_text.h"

#include <array>

namespace amanat::trace {

// What people and programs write where nothing stands.
bool nothing_in(std::string_view cell) {
  const std::string text = disclosure::trimmed_text(cell);
  if (text.empty()) return true;
  if (text.size() > 9) return false;
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  static constexpr std::array<std::string_view, 11> kNothing = {
      "null", "none", "nil", "n/a", "na", "nan", "\\n", "-", "--", "undefined", "\"\""};
  return std::ranges::find(kNothing, lower) != kNothing.end();
}

namespace {

constexpr std::size_t kTokensMax = 200;

bool ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

// Requests and forms write "name=Ali+Khan&card=35202%2D…".
std::string decoded(std::string_view line) {
  const std::size_t mark = line.find('&');
  const bool form = (mark != line.npos && line.find('=', mark) != line.npos) ||
                    line.find("%20") != line.npos || line.find("%2C") != line.npos ||
                    line.find("%2F") != line.npos;
  if (!form) return std::string(line);
  const auto figure = [](char c) {
    return c >= '0' && c <= '9'                   ? c - '0'
           : ascii_letter(c) && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const int high = i + 2 < line.size() && line[i] == '%' ? figure(line[i + 1]) : -1;
    const int low = high >= 0 ? figure(line[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(line[i] == '&' || line[i] == '+' ? ' ' : line[i]);
    }
  }
  return out;
}

// Words, with "Name:" and "name=" apart from what they name.
Tokens tokens_of(std::string_view line) {
  constexpr std::string_view kBetween = " \t|;\r\n";
  Tokens tokens;
  for (std::size_t at = 0; at < line.size() && tokens.size() < kTokensMax;) {
    const std::size_t begin = line.find_first_not_of(kBetween, at);
    if (begin == line.npos) break;
    std::size_t end = std::min(line.find_first_of(kBetween, begin), line.size());
    std::size_t label = begin;
    while (label < end && (ascii_letter(line[label]) || line[label] < 0 || line[label] == '_' ||
                           line[label] == '*' || line[label] == '\'' || line[label] == '"' ||
                           line[label] == '?' || line[label] == '-'))
      ++label;
    if (label > begin && label < end && (line[label] == ':' || line[label] == '=')) end = label + 1;
    tokens.emplace_back(begin, end);
    at = end;
  }
  return tokens;
}

// What people put around a value: quotes, brackets, stars, stops.
std::string_view bare(std::string_view text) {
  constexpr std::string_view kAround = ",:;*_~\"'!?.<>[]{}=`";
  const std::size_t begin = text.find_first_not_of(kAround);
  if (begin == text.npos) return {};
  text = text.substr(begin, text.find_last_not_of(kAround) + 1 - begin);
  if (text.starts_with('(') && text.find(')') == text.npos) text.remove_prefix(1);
  if (text.ends_with(')') && text.find('(') == text.npos) text.remove_suffix(1);
  return text;
}

}  // namespace amanat::trace
