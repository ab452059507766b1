#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <utility>

#include "ledger/log_source.h"
#include "ledger/verify_words.h"

namespace amanat::ledger {

int complain(int exit_code, std::string_view what, std::string_view why, std::string_view hint) {
  std::string text = "amanat-verify: " + std::string(what) + "\n";
  if (!why.empty()) text += "  why: " + std::string(why) + "\n";
  if (!hint.empty()) text += "  hint: " + std::string(hint) + "\n";
  std::fputs(text.c_str(), stderr);
  return exit_code;
}

int complain(int exit_code, const Failure& failure, std::string_view where) {
  const ReasonRow& row = row_of(failure.reason);
  std::string why(where);
  if (!failure.detail.empty()) why += (why.empty() ? "" : ": ") + failure.detail;
  return complain(exit_code, row.english, why, row.next_english);
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string time_text(Moment time) {
  const std::uint64_t ms = number(time);
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  char date[32], whole[48];
  if (gmtime_r(&seconds, &parts) == nullptr || parts.tm_year > 8099)
    return std::to_string(ms) + " ms";
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(whole, sizeof(whole), "%s.%03uZ", date, static_cast<unsigned>(ms % 1000));
  return whole;
}

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

Progress::Progress(bool wanted) : shown_(wanted && ::isatty(STDERR_FILENO) == 1) {}

void Progress::end() {
  if (std::exchange(drawn_, false)) std::fputs("\r\033[K", stderr);
}

void Progress::operator()(std::uint64_t done, std::uint64_t size) {
  const std::clock_t now = std::clock();
  if (!shown_ || (drawn_ && now - last_ < CLOCKS_PER_SEC / 10)) return;
  last_ = now;
  drawn_ = true;
  std::fprintf(stderr, "\r\033[K%s of %s entries", grouped(done).c_str(), grouped(size).c_str());
}

Result<std::string> read_input(const std::string& name, std::size_t bytes_max) {
  std::ifstream file;
  if (name != "-") file.open(name, std::ios::binary);
  std::istream& in = name == "-" ? std::cin : file;
  if (!in) return fail(Reason::file_failed, name);
  std::string bytes;
  for (std::array<char, 65536> part; in.read(part.data(), part.size()) || in.gcount() > 0;) {
    bytes.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > bytes_max) return fail(Reason::value_too_long, name);
  }
  if (in.bad()) return fail(Reason::file_failed, name);
  return bytes;
}

Words::Words(std::vector<std::string> arguments, std::vector<std::string> valued,
             std::vector<std::string> switches) {
  const auto known = [](const std::vector<std::string>& names, std::string_view name) {
    for (const auto& n : names)
      if (n == name) return true;
    return false;
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-" || !word.starts_with("--")) {
      rest_.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
    if (known(switches, name) && equals == word.npos) {
      options_.emplace_back(name, "yes");
    } else if (!known(valued, name)) {
      wrong_ = "unknown option --" + name;
    } else if (has(name)) {
      wrong_ = "--" + name + " is given twice";
    } else if (equals != word.npos) {
      options_.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      options_.emplace_back(name, arguments[++i]);
    } else {
      wrong_ = "--" + name + " needs a value";
    }
  }
}

const std::string& Words::option(std::string_view name) const {
  static const std::string none;
  for (const auto& [n, value] : options_)
    if (n == name) return value;
  return none;
}

bool Words::has(std::string_view name) const {
  for (const auto& [n, value] : options_)
    if (n == name) return true;
  return false;
}

Result<std::unique_ptr<LogSource>> open_source(const Words& words) {
  if (words.has("dir") == words.has("url"))
    return fail(Reason::usage_wrong, "give one of --dir and --url");
  if (words.has("dir")) return open_folder(words.option("dir"));
  return open_url(words.option("url"), words.option("ca"));
}

}  // namespace amanat::ledger
