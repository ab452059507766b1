// Terminal rules
//  1. Results go to standard output; progress and complaints to standard error.
//  2. Colour only if standard output is a terminal and NO_COLOR is unset; progress only if standard
//     error is one.
//  3. Text that came from outside is made visible() before it is printed.

#include "cli/terminal.h"

#include <algorithm>
#include <cstdio>

namespace amanat::cli {

std::string painted(const Manner& manner, Paint paint, std::string_view text) {
  if (!manner.colour) return std::string(text);
  const char* code = "0";
  switch (paint) {
    case Paint::strong: code = "1"; break;
    case Paint::faint: code = "2"; break;
    case Paint::good: code = "32"; break;
    case Paint::bad: code = "31"; break;
    case Paint::name: code = "36"; break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string seconds(double s) {
  char text[32];
  if (s < 0.1)
    std::snprintf(text, sizeof text, "%.1f ms", s * 1000);
  else
    std::snprintf(text, sizeof text, "%.2f s", s);
  return text;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0x1b) {
      while (i < text.size() && text[i] != 'm') ++i;
    } else if ((byte & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls (U+0080..U+009F) are two bytes in UTF-8, and terminals obey them as well.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    if (c1 || byte < 0x20 || byte == 0x7F)
      out += '?';
    else
      out += text[i];
  }
  return out;
}

std::string Columns::render(std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c == widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(indent);
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) line += "  ";
      const std::string pad(widths[c] - width_of(row[c]), ' ');
      const bool right = c < aligns_.size() && aligns_[c] == Align::right;
      line += right ? pad + row[c] : row[c] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string wrapped(std::string_view text, std::size_t width, std::string_view indent) {
  std::string out, line;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, space);
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      out += std::string(indent) + line + '\n';
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  if (!line.empty()) out += std::string(indent) + line + '\n';
  return out;
}

Progress::Progress(const Manner& manner, const Emit& emit, std::string label)
    : on_(manner.progress), emit_(emit), label_(std::move(label)), began_(std::chrono::steady_clock::now()),
      last_(began_) {}

void Progress::show(std::uint64_t done, std::uint64_t total, std::uint64_t count, std::string_view unit) {
  using namespace std::chrono;
  if (!on_) return;
  const auto now_at = steady_clock::now();
  if (now_at - last_ < milliseconds(100)) return;
  last_ = now_at;
  drawn_ = true;
  const double s = duration<double>(now_at - began_).count();
  std::string line = "\r\x1b[K  " + label_;
  if (total > 0) line += "  " + std::to_string(done * 100 / total) + " %";
  line += "  " + grouped(count) + " " + std::string(unit);
  if (s > 0.5) line += "  " + grouped(static_cast<std::uint64_t>(static_cast<double>(count) / s)) + "/s";
  emit_(2, line);
}

Progress::~Progress() {
  if (drawn_) emit_(2, "\r\x1b[K");
}

}  // namespace amanat::cli
