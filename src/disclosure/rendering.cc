#include "disclosure/rendering.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <vector>

#include "disclosure/spoken.h"
#include "model/insist.h"

namespace amanat::disclosure {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), digit);
}
unsigned number_in(std::string_view digits) {
  unsigned n = 0;
  for (const char c : digits.substr(0, 9)) n = n * 10 + static_cast<unsigned>(c - '0');
  return n;
}
bool shaped(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (shape[i] == '0' ? !digit(text[i]) : text[i] != shape[i]) return false;
  return true;
}
bool is_date(std::string_view v) { return shaped(v, "0000-00-00"); }
bool is_time(std::string_view v) { return shaped(v, "0000-00-00T00:00:00"); }

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// ---- addresses: parts between ", " ----

std::vector<std::string> parts_of(std::string_view address) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = address.find(", ");
    parts.emplace_back(address.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    address.remove_prefix(comma + 2);
  }
}
std::string joined(const std::vector<std::string>& parts, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < parts.size(); ++i) {
    if (i > from) out += ", ";
    out += parts[i];
  }
  return out;
}
// "House 668" begins with the word and goes on with something that has a digit.
bool numbered(std::string_view part, std::string_view word) {
  return part.size() > word.size() + 1 && part.starts_with(word) && part[word.size()] == ' ' &&
         std::any_of(part.begin(), part.end(), digit);
}
std::string abbreviated(std::uint32_t symbol, std::string_view address) {
  static constexpr std::array<std::array<std::string_view, 2>, 4> kSpelt = {
      {{"House ", "Street "}, {"H. ", "St. "}, {"H# ", "St# "}, {"", ""}}};
  auto parts = parts_of(address);
  for (std::string& part : parts) {
    if (numbered(part, "House"))
      part = std::string(kSpelt[symbol][0]) + part.substr(6);
    else if (numbered(part, "Street"))
      part = std::string(kSpelt[symbol][1]) + part.substr(7);
  }
  return joined(parts, 0);
}
bool has_house(std::string_view address) {
  const auto parts = parts_of(address);
  return parts.size() >= 3 && numbered(parts[0], "House");
}

// ---- dates and times ----

std::string two(unsigned n) {
  return std::string(1, static_cast<char>('0' + n / 10 % 10)) + static_cast<char>('0' + n % 10);
}

std::string five_minutes(std::string_view time) {
  const unsigned minute = number_in(time.substr(14, 2));
  const unsigned from = minute - minute % 5;
  // The last interval of a day ends at 24:00 of it (ISO 8601).
  const unsigned hour = number_in(time.substr(11, 2)) + (from == 55 ? 1 : 0);
  return std::string(time.substr(0, 14)) + two(from) + "/" + two(hour) + ":" + two((from + 5) % 60);
}
std::string dated(std::uint32_t symbol, std::string_view d) {
  const std::string year(d.substr(0, 4)), month(d.substr(5, 2)), day(d.substr(8, 2));
  const unsigned m = number_in(month);
  switch (symbol) {
    case 1:
      return day + "-" + month + "-" + year;
    case 2:
      if (m < 1 || m > 12) return std::string(d);
      return day + " " + std::string(kMonths[m - 1]) + " " + year;
    case 3:
      return day + "/" + month + "/" + year;
    default:
      return std::string(d);
  }
}

// ---- numbers ----

// A mobile number of the +92 3xx plan, as the registry writes it.
bool is_mobile(std::string_view v) {
  return v.size() == 13 && v.starts_with("+923") && all_digits(v.substr(1));
}
std::string numbered_as(std::uint32_t symbol, std::string_view v) {
  const std::string area(v.substr(3, 3)), rest(v.substr(6));
  switch (symbol) {
    case 0:
      return "0" + area + "-" + rest;
    case 1:
      return "0" + area + rest;
    case 2:
      return "+92 " + area + " " + rest;
    default:
      return "92" + area + rest;
  }
}
std::string dashed(std::uint32_t symbol, std::string_view v) {
  if (symbol == 1) return std::string(v);
  return std::string(v.substr(0, 5)) + "-" + std::string(v.substr(5, 7)) + "-" +
         std::string(v.substr(12));
}

// ---- letters that Unicode writes in two ways ----

struct Letter {
  std::string_view composed, decomposed;
};
constexpr std::array<Letter, 8> kLetters = {{{"\u0622", "\u0627\u0653"},
                                             {"\u0623", "\u0627\u0654"},
                                             {"\u0624", "\u0648\u0654"},
                                             {"\u0625", "\u0627\u0655"},
                                             {"\u0626", "\u064A\u0654"},
                                             {"\u06C0", "\u06D5\u0654"},
                                             {"\u06C2", "\u06C1\u0654"},
                                             {"\u06D3", "\u06D2\u0654"}}};

std::string replaced(std::string text, bool decompose) {
  for (const Letter& l : kLetters) {
    const std::string_view from = decompose ? l.composed : l.decomposed;
    const std::string_view to = decompose ? l.decomposed : l.composed;
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  }
  return text;
}

// ---- sections of law: "420/468/471 PPC" ----

std::optional<std::size_t> code_at(std::string_view v) {
  const std::size_t blank = v.rfind(' ');
  if (blank == std::string_view::npos || blank == 0) return std::nullopt;
  const std::string_view code = v.substr(blank + 1);
  if (code.size() < 2 || code.size() > 8 || !std::all_of(code.begin(), code.end(), letter))
    return std::nullopt;
  if (!digit(v[0])) return std::nullopt;
  return blank;
}
std::string code_first(std::string_view v) {
  const auto blank = code_at(v);
  if (!blank) return std::string(v);
  return std::string(v.substr(*blank + 1)) + " " + std::string(v.substr(0, *blank));
}

// ---- reading: what retyping leaves ----

// plain makes digits of every script ASCII, drops what cannot be seen, and makes one blank of all
// blanks and one dash of all dashes.
std::string plain(std::string_view text) {
  std::string out;
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned a = at(i), b = at(i + 1), c = at(i + 2);
    if (a == 0xDB && b >= 0xB0 && b <= 0xB9) {
      out.push_back(static_cast<char>('0' + (b - 0xB0))), i += 2;
    } else if (a == 0xD9 && b >= 0xA0 && b <= 0xA9) {
      out.push_back(static_cast<char>('0' + (b - 0xA0))), i += 2;
    } else if ((a == 0xD9 && b == 0x80) || (a == 0xC2 && b == 0xAD) || (a == 0xD8 && b == 0x9C)) {
      i += 2;
    } else if (a == 0xC2 && b == 0xA0) {
      out.push_back(' '), i += 2;
    } else if (a == 0xE2 && b == 0x80 && ((c >= 0x8B && c <= 0x8F) || (c >= 0xAA && c <= 0xAE))) {
      i += 3;
    } else if (a == 0xE2 && b == 0x81 && c >= 0xA6 && c <= 0xA9) {
      i += 3;
    } else if (a == 0xEF && b == 0xBB && c == 0xBF) {
      i += 3;
    } else if (a == 0xE2 && b == 0x80 && (c <= 0x8A || c == 0xAF)) {
      out.push_back(' '), i += 3;
    } else if ((a == 0xE2 && b == 0x80 && c >= 0x90 && c <= 0x95) ||
               (a == 0xE2 && b == 0x88 && c == 0x92)) {
      out.push_back('-'), i += 3;
    } else if (a == '\t' || a == '\n' || a == '\r') {
      out.push_back(' '), ++i;
    } else {
      out.push_back(text[i]), ++i;
    }
  }
  return out;
}

std::string only_digits(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (digit(c)) out.push_back(c);
  return out;
}

// digits_alone are the digits of a number as people write one; "" where letters stand around them:
// then it is a sentence that has a number in it.
std::string digits_alone(std::string_view text) {
  for (const char c : text)
    if (letter(c) || (static_cast<unsigned char>(c) & 0x80) != 0) return {};
  return only_digits(text);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : lower(text)) {
    if (digit(c) || letter(c) || (static_cast<unsigned char>(c) & 0x80) != 0) {
      word.push_back(c);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}
std::string sentence(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

std::string folded_address(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kDropped = {"house",  "h",  "hno",     "no",
                                                               "street", "st", "street#", "h#"};
  auto words = words_of(text);
  std::erase_if(words, [](const std::string& w) {
    return std::find(kDropped.begin(), kDropped.end(), w) != kDropped.end();
  });
  return sentence(words);
}

// serial_day is the date of a spreadsheet's day number (from 1899-12-30), "" beyond 1927 to 2173.
std::string serial_day(std::string_view digits) {
  const unsigned n = number_in(digits);
  if (digits.size() < 5 || digits.size() > 6 || n < 10'000 || n > 100'000) return {};
  const std::chrono::year_month_day d(
      std::chrono::sys_days(std::chrono::days(n) - std::chrono::days(25'569)));
  const auto year = static_cast<unsigned>(static_cast<int>(d.year()));
  return std::to_string(year) + "-" + two(static_cast<unsigned>(d.month())) + "-" +
         two(static_cast<unsigned>(d.day()));
}

// words_of_date leaves out what follows a day: "22nd", and midnight.
std::vector<std::string> words_of_date(std::string_view text) {
  const std::size_t clock = text.find(':');
  if (clock != std::string_view::npos) {
    // A date with a time is that date only at midnight: "2026-11-22T00:00:00.000Z".
    std::size_t hour = clock;
    while (hour > 0 && digit(text[hour - 1])) --hour;
    std::string_view time = text.substr(hour);
    const std::string figures = only_digits(time);
    const bool noon = figures.starts_with("12") && lower(time).find("am") != std::string::npos;
    for (const char c : std::string_view(figures).substr(noon ? 2 : 0))
      if (c != '0') return {};
    text = text.substr(0, hour);
    while (!text.empty() && (text.back() == ' ' || text.back() == 'T' || text.back() == 't'))
      text.remove_suffix(1);
  }
  auto words = words_of(text);
  for (auto& w : words) {
    const std::size_t figures = std::min(w.find_first_not_of("0123456789"), w.size());
    const std::string after = w.substr(figures);
    if (figures > 0 && (after == "st" || after == "nd" || after == "rd" || after == "th"))
      w.resize(figures);
  }
  return words;
}

// full_year is a year of two figures as the value has it; people do not mix centuries.
std::string full_year(const std::string& y, std::string_view value) {
  if (y.size() != 2 || value.size() < 4 || y != value.substr(2, 2)) return y;
  return std::string(value.substr(0, 4));
}

// folded_date reads a day or a month in any usual form; day first, unless only the month first
// makes it the value. "" for no date.
std::string folded_date(std::string_view text, std::string_view value) {
  if (text.size() > 40) return {};
  const auto words = words_of_date(text);
  unsigned month_word = 0;
  std::vector<std::string> numbers;
  std::size_t word_at = 0;
  for (const auto& w : words) {
    if (all_digits(w)) {
      numbers.push_back(w);
      continue;
    }
    unsigned month = 0;
    for (unsigned m = 0; m < 12; ++m)
      if (w.size() >= 3 && lower(kMonths[m]) == w.substr(0, 3)) month = m + 1;
    if (month == 0 || month_word != 0) return {};
    month_word = month;
    word_at = numbers.size();
  }
  const auto out = [value](const std::string& y, unsigned m, unsigned d) -> std::string {
    const std::string year = full_year(y, value);
    if (year.size() != 4 || m < 1 || m > 12 || d > 31) return {};
    return year + "-" + two(m) + (d == 0 ? "" : "-" + two(d));
  };
  const auto n = [&](std::size_t i) { return number_in(numbers[i]); };
  if (month_word != 0) {
    if (numbers.size() == 1) return out(numbers[0], month_word, 0);
    if (numbers.size() != 2 || word_at > 1) return {};
    return numbers[0].size() == 4 ? out(numbers[0], month_word, n(1))
                                  : out(numbers[1], month_word, n(0));
  }
  if (numbers.size() == 1 && numbers[0].size() == 8)
    return out(numbers[0].substr(0, 4), number_in(std::string_view(numbers[0]).substr(4, 2)),
               number_in(std::string_view(numbers[0]).substr(6, 2)));
  if (numbers.size() == 1 && numbers[0].size() == 6 && words.size() == 1)
    return out(numbers[0].substr(0, 4), number_in(std::string_view(numbers[0]).substr(4, 2)), 0);
  if (numbers.size() == 1) return serial_day(numbers[0]);
  if (numbers.size() == 2)
    return numbers[0].size() == 4 ? out(numbers[0], n(1), 0) : out(numbers[1], n(0), 0);
  if (numbers.size() != 3) return {};
  if (numbers[0].size() == 4) return out(numbers[0], n(1), n(2));
  const std::string day_first = out(numbers[2], n(1), n(0)),
                    month_first = out(numbers[2], n(0), n(1));
  return month_first == value && day_first != value ? month_first : day_first;
}

// Clock finds "h:mm" or "h:mm:ss" from `from` on.
struct Clock {
  unsigned hour = 0, minute = 0;
  std::size_t begin = 0, end = 0;
};
std::optional<Clock> clock_from(std::string_view text, std::size_t from) {
  for (std::size_t colon = text.find(':', from); colon != std::string_view::npos;
       colon = text.find(':', colon + 1)) {
    std::size_t begin = colon;
    while (begin > from && digit(text[begin - 1]) && colon - begin < 2) --begin;
    std::size_t end = colon + 1;
    while (end < text.size() && digit(text[end])) ++end;
    if (begin == colon || end - colon - 1 != 2) continue;
    Clock out{number_in(text.substr(begin, colon - begin)), number_in(text.substr(colon + 1, 2)),
              begin, end};
    if (end + 2 < text.size() && text[end] == ':' && digit(text[end + 1]) && digit(text[end + 2]))
      out.end = end + 3;
    const std::string after = lower(text.substr(out.end, 4));
    const std::size_t half = after.find_first_not_of(' ');
    if (half != std::string::npos && half + 1 < after.size() && after[half + 1] == 'm') {
      if (after[half] == 'p' && out.hour < 12) out.hour += 12;
      if (after[half] == 'a' && out.hour == 12) out.hour = 0;
      if (after[half] == 'p' || after[half] == 'a') out.end += half + 2;
    }
    return out;
  }
  return std::nullopt;
}

// folded_time is "2026-10-19 07:11" or, of an interval, "2026-10-19 07:10+5". A text without a date
// takes the value's; an interval's start typed alone is the interval's.
std::string folded_time(std::string_view raw, std::string_view value) {
  if (!is_time(value)) return lower(raw);
  std::string text(raw);
  if (const std::string digits = only_digits(text);
      digits.size() == text.size() && (digits.size() == 12 || digits.size() == 14))
    text = digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + digits.substr(6, 2) + " " +
           digits.substr(8, 2) + ":" + digits.substr(10, 2);
  if (text.size() > 10 && is_date(text.substr(0, 10)) && (text[10] == 'T' || text[10] == 't'))
    text[10] = ' ';
  const auto first = clock_from(text, 0);
  if (!first || first->minute > 59) return {};
  std::string date =
      folded_date(std::string_view(text).substr(0, first->begin), value.substr(0, 10));
  const auto second = clock_from(text, first->end);
  if (date.empty() && !second)
    date = folded_date(std::string_view(text).substr(first->end), value.substr(0, 10));
  if (date.empty()) date = value.substr(0, 10);
  std::string out = date + " " + two(first->hour) + ":" + two(first->minute);
  if (second) {
    const unsigned from = first->hour * 60 + first->minute;
    const unsigned to = second->hour * 60 + second->minute;
    if (to != from + 5 && to + 24 * 60 != from + 5) return {};
    return out + "+5";
  }
  return first->minute % 5 == 0 ? out + "+5" : out;
}

// folded_duration is "187s", or "3m" for whole minutes.
std::string folded_duration(std::string_view raw, std::string_view value) {
  const std::string text = lower(raw);
  if (const auto clock = clock_from(text, 0))
    return std::to_string(clock->hour * 60 + clock->minute) + "s";  // m:ss
  std::vector<std::string> words = words_of(text);
  if (words.empty() || !all_digits(words[0])) return {};
  const bool minutes = text.find("min") != std::string::npos || words.back() == "m";
  const bool seconds = text.find('s') != std::string::npos && !minutes;
  if (minutes) {
    // Both ends, or the lower one alone.
    if (words.size() > 1 && all_digits(words[1]) && number_in(words[1]) != number_in(words[0]) + 1)
      return {};
    return words[0] + "m";
  }
  if (seconds) return words[0] + "s";
  if (words.size() == 2 && all_digits(words[1]))
    return number_in(words[1]) == number_in(words[0]) + 1 ? words[0] + "m" : std::string();
  if (words.size() != 1) return {};
  // A bare number is what it can be: the seconds, or the minutes that contain them.
  if (!all_digits(value)) return words[0] + "s";
  return words[0] != value && number_in(words[0]) == number_in(value) / 60 ? words[0] + "m"
                                                                           : words[0] + "s";
}

std::string folded_phone(std::string_view text) {
  std::string digits = digits_alone(text);
  if (digits.starts_with("0092"))
    digits.erase(0, 4);
  else if (digits.size() == 12 && digits.starts_with("92"))
    digits.erase(0, 2);
  else if (digits.size() == 11 && digits.starts_with("0"))
    digits.erase(0, 1);
  return digits.size() == 10 ? "92" + digits : digits;
}

std::string folded_section(std::string_view text) {
  auto words = words_of(text);
  std::sort(words.begin(), words.end());
  return sentence(words);
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

bool alive(SlotKind kind, std::string_view v) {
  switch (kind) {
    case SlotKind::house:
      return has_house(v);
    case SlotKind::day:
    case SlotKind::date:
      return is_date(v) && number_in(v.substr(5, 2)) >= 1 && number_in(v.substr(5, 2)) <= 12;
    case SlotKind::minute:
      return is_time(v) && number_in(v.substr(14, 2)) % 5 != 0;
    case SlotKind::seconds:
      return v.size() <= 7 && all_digits(v) && number_in(v) % 60 != 0;
    case SlotKind::cell:
      return std::count(v.begin(), v.end(), '-') >= 2 && v.back() != '-';
    case SlotKind::abbreviation:
      return abbreviated(1, v) != v;
    case SlotKind::dashes:
      return v.size() == 13 && all_digits(v);
    case SlotKind::number:
      return is_mobile(v);
    case SlotKind::unicode:
      return replaced(std::string(v), true) != v;
    case SlotKind::section:
      return code_at(v).has_value();
    case SlotKind::withheld:
    case SlotKind::which:
    case SlotKind::first:
      break;
  }
  return false;
}

std::string applied(SlotKind kind, std::uint32_t symbol, const std::string& text) {
  if (!alive(kind, text)) return text;
  switch (kind) {
    case SlotKind::house:
      return symbol == 0 ? text : joined(parts_of(text), 1);
    case SlotKind::day:
      return symbol == 0 ? text : text.substr(0, 7);
    case SlotKind::minute:
      return symbol == 0 ? text : five_minutes(text);
    case SlotKind::seconds: {
      if (symbol == 0) return text;
      const unsigned minutes = number_in(text) / 60;
      return std::to_string(minutes) + "-" + std::to_string(minutes + 1) + " min";
    }
    case SlotKind::cell:
      return symbol == 0 ? text : text.substr(0, text.rfind('-'));
    case SlotKind::abbreviation:
      return abbreviated(symbol, text);
    case SlotKind::date:
      return dated(symbol, text);
    case SlotKind::dashes:
      return dashed(symbol, text);
    case SlotKind::number:
      return numbered_as(symbol, text);
    case SlotKind::unicode:
      return symbol == 0 ? text : replaced(text, true);
    case SlotKind::section:
      return symbol == 0 ? text : code_first(text);
    case SlotKind::withheld:
    case SlotKind::which:
    case SlotKind::first:
      break;
  }
  return text;
}

std::string folded(SlotKind family, std::string_view raw, std::string_view value) {
  const std::string text = trimmed(plain(raw));
  switch (family) {
    case SlotKind::house:
    case SlotKind::abbreviation:
      return folded_address(text);
    case SlotKind::day:
    case SlotKind::date:
      return folded_date(text, value);
    case SlotKind::minute:
      return folded_time(text, value);
    case SlotKind::seconds:
      return folded_duration(text, value);
    case SlotKind::cell: {
      std::string out;
      for (const char c : lower(text))
        if (c != ' ') out.push_back(c);
      return out;
    }
    case SlotKind::dashes:
      return digits_alone(text);
    case SlotKind::number:
      return folded_phone(text);
    case SlotKind::section:
      return folded_section(text);
    default:
      return sentence(words_of(replaced(text, false)));
  }
}

std::string canonical_bytes(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out.push_back(c);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() > 1 && out[0] == '+' && all_digits(std::string_view(out).substr(1)))
    out.erase(0, 1);
  if (out.size() > 19 && is_time(std::string_view(out).substr(0, 19))) out.resize(19);
  return out;
}

std::string rendered(std::span<const Symbolised> symbols, std::string_view value) {
  std::string text(value);
  for (const Symbolised& s : symbols) {
    insist(s.slot != nullptr && s.symbol < symbols_of(s.slot->kind));
    text = applied(s.slot->kind, s.symbol, text);
  }
  return text;
}

ValueReader::ValueReader(std::span<const Slot* const> slots, std::string_view value)
    : slots_(slots.begin(), slots.end()), value_(value) {
  family_ = slots.empty() ? SlotKind::unicode : slots.front()->kind;
  std::vector<Symbolised> symbols;
  for (const Slot* slot : slots) symbols.push_back({slot, 0});
  add_from(symbols, 0);
}

// Every combination of the symbols of a value is one text that may have been shown.
void ValueReader::add_from(std::vector<Symbolised>& symbols, std::size_t i) {
  if (i < symbols.size()) {
    for (std::uint32_t s = 0; s < symbols_of(slots_[i]->kind); ++s) {
      symbols[i].symbol = s;
      add_from(symbols, i + 1);
    }
    return;
  }
  Shown one;
  one.exact = rendered(symbols, value_);
  one.folded = folded(family_, one.exact, value_);
  for (const Symbolised& s : symbols) one.symbols.push_back(s.symbol);
  shown_.push_back(std::move(one));
}

bool ValueReader::by_value() const {
  return family_ == SlotKind::minute || family_ == SlotKind::seconds || family_ == SlotKind::day ||
         family_ == SlotKind::date;
}

bool ValueReader::says(std::string_view exact, std::string_view folded) const {
  return std::ranges::any_of(shown_, [&](const Shown& one) {
    return one.exact == exact || (!one.folded.empty() && one.folded == folded);
  });
}

std::vector<std::optional<std::uint32_t>> ValueReader::symbols(std::string_view raw) const {
  const std::string exact = trimmed(raw), typed = folded(family_, raw, value_);
  std::vector<std::uint32_t> seen_r(slots_.size()), seen_f(slots_.size());
  for (const Shown& one : shown_) {
    const bool exactly = one.exact == exact;
    if (!exactly && (one.folded.empty() || one.folded != typed)) continue;
    for (std::size_t j = 0; j < slots_.size(); ++j) {
      seen_r[j] |= 1u << one.symbols[j];
      if (exactly) seen_f[j] |= 1u << one.symbols[j];
    }
  }
  std::vector<std::optional<std::uint32_t>> out(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!alive(slots_[i]->kind, value_)) continue;
    const std::uint32_t seen = class_of(slots_[i]->kind) == SlotClass::r ? seen_r[i] : seen_f[i];
    if (std::has_single_bit(seen)) out[i] = static_cast<std::uint32_t>(std::countr_zero(seen));
  }
  return out;
}

std::string trimmed_text(std::string_view raw) { return trimmed(raw); }
std::string folded_text(SlotKind family, std::string_view raw, std::string_view value) {
  return folded(family, raw, value);
}

std::vector<std::optional<std::uint32_t>> read_value(std::span<const Slot* const> slots,
                                                     std::string_view raw, std::string_view value) {
  return ValueReader(slots, value).symbols(raw);
}

bool says_value(std::span<const Slot* const> slots, std::string_view raw, std::string_view value) {
  const ValueReader reader(slots, value);
  return reader.says(trimmed(raw), folded(reader.family(), raw, value));
}

std::optional<std::uint32_t> read_withheld(const Place& place,
                                           const std::function<Cell(std::uint16_t field)>& cell) {
  std::optional<std::uint32_t> symbol;
  for (std::uint32_t i = 0; i < place.alternatives.size(); ++i) {
    if (cell(static_cast<std::uint16_t>(place.alternatives[i])) != Cell::empty) continue;
    if (symbol) return std::nullopt;
    symbol = i;
  }
  return symbol;
}

std::optional<std::uint32_t> read_choice(std::span<const std::string_view> raws,
                                         std::span<const std::string_view> texts,
                                         std::span<const Slot* const> value_slots) {
  std::optional<std::uint32_t> symbol;
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    const bool there = std::any_of(raws.begin(), raws.end(), [&](std::string_view raw) {
      return says_value(value_slots, raw, texts[i]);
    });
    if (!there) continue;
    if (symbol) return std::nullopt;
    symbol = i;
  }
  return symbol;
}

}  // namespace amanat::disclosure
