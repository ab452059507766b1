#include "trace/dates.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <vector>

#include "trace/symbols.h"

namespace amanat::trace {
namespace {

constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";

/// Piece is a number or a word of a cell.
struct Piece {
  std::string text;
  bool number = false;
  char before = 0;  // the separator before it
};

// pieces takes a cell apart, with its digits in ASCII; nothing if it is too long to be a date.
std::optional<std::vector<Piece>> pieces(std::string_view cell) {
  if (cell.size() > 64) return std::nullopt;
  std::vector<Piece> out;
  char separator = 0;
  for (std::size_t i = 0; i < cell.size();) {
    const Read r = symbol_at(cell, i);
    const char c = cell[i];
    i += r.bytes;
    const bool digit = r.symbol == Symbol::digit, letter = r.symbol == Symbol::letter;
    if (r.symbol == Symbol::invisible) continue;
    if (!digit && !letter) {
      separator = r.symbol == Symbol::dash ? '-' : r.bytes == 1 ? c : ' ';
      continue;
    }
    if (out.empty() || separator != 0 || out.back().number != digit) {
      if (out.size() == 8) return std::nullopt;
      out.push_back({{}, digit, separator});
    }
    separator = 0;
    out.back().text.push_back(digit ? static_cast<char>('0' + r.digit)
                                    : static_cast<char>(c | 0x20));
  }
  return out;
}

unsigned number(std::string_view s) {
  unsigned n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

unsigned month_of(const Piece& p) {
  if (p.number || p.text.size() < 3) return 0;
  const std::size_t at = kMonths.find(std::string_view(p.text).substr(0, 3));
  return at == kMonths.npos || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3 + 1);
}

// Two figures: 00 to 39 of this century, the rest of the last.
unsigned full_year(std::string_view s) {
  const unsigned n = number(s);
  if (s.size() == 2) return n < 40 ? 2000 + n : 1900 + n;
  return s.size() == 4 && n >= 1850 && n <= 2150 ? n : 0;
}

bool clock_follows(const std::vector<Piece>& p, std::size_t from) {
  for (std::size_t i = from; i < p.size(); ++i) {
    const std::string& t = p[i].text;
    if (p[i].number ? t.size() > 9
                    : t != "t" && t != "z" && t != "am" && t != "pm" && t != "utc" && t != "pkt")
      return false;
    if (p[i].number && p[i].before == '/') return false;
  }
  return true;
}

std::optional<DateCell> compact(std::string_view t) {
  if (t.size() != 8 && t.size() != 12 && t.size() != 14) return std::nullopt;
  const DateCell cell{DateForm::compact, number(t.substr(4, 2)), number(t.substr(6, 2)),
                      full_year(t.substr(0, 4))};
  if (cell.year < 1900 || cell.year > 2100 || cell.first < 1 || cell.first > 12 ||
      cell.second < 1 || cell.second > 31)
    return std::nullopt;
  return cell;
}

}  // namespace

std::optional<DateCell> read_date(std::string_view cell) {
  const auto found = pieces(cell);
  if (!found || found->empty()) return std::nullopt;
  const auto& p = *found;
  if (p.size() == 1 || (p.size() == 2 && p[1].before == '.' && p[1].text == "0")) {
    if (!p[0].number) return std::nullopt;
    if (p[0].text.size() == 5) {
      const unsigned days = number(p[0].text);
      // 1927 to 2064; a postcode in this range is told apart by its column, not by its cell.
      if (days >= 10000 && days <= 60000) return DateCell{DateForm::serial, days, 0, 0};
      return std::nullopt;
    }
    return p.size() == 1 ? compact(p[0].text) : std::nullopt;
  }
  if (p.size() < 3 || !clock_follows(p, 3)) return std::nullopt;
  if (p[0].number && p[1].number && p[2].number) {
    if (p[0].text.size() == 4 && p[1].before == p[2].before && p[1].before != ':') {
      const DateCell c{DateForm::iso, number(p[1].text), number(p[2].text), full_year(p[0].text)};
      return c.year != 0 && c.first >= 1 && c.first <= 12 && c.second >= 1 && c.second <= 31
                 ? std::optional(c)
                 : std::nullopt;
    }
    const char s = p[1].before;
    if (s != p[2].before || (s != '-' && s != '/' && s != '.') || p[0].text.size() > 2 ||
        p[1].text.size() > 2)
      return std::nullopt;
    const DateCell c{DateForm::numbers, number(p[0].text), number(p[1].text), full_year(p[2].text)};
    const bool possible = c.year != 0 && c.first >= 1 && c.second >= 1 && c.first <= 31 &&
                          c.second <= 31 && (c.first <= 12 || c.second <= 12);
    return possible ? std::optional(c) : std::nullopt;
  }
  const bool day_first = p[0].number && p[2].number && p[0].text.size() <= 2;
  const unsigned month = month_of(day_first ? p[1] : p[0]);
  const Piece& day = day_first ? p[0] : p[1];
  if (month == 0 || !day.number || !p[2].number) return std::nullopt;
  const DateCell c{DateForm::words, month, number(day.text), full_year(p[2].text)};
  return c.year != 0 && c.second >= 1 && c.second <= 31 ? std::optional(c) : std::nullopt;
}

void DateOrders::see(const DateCell& cell) {
  if (cell.form != DateForm::numbers) return;
  if (cell.first > 12) ++day_first_;
  if (cell.second > 12) ++month_first_;
}

DateOrder DateOrders::order() const {
  return month_first_ > 0 && day_first_ == 0 ? DateOrder::month_first : DateOrder::day_first;
}

std::string canonical_date(const DateCell& cell, DateOrder order) {
  using namespace std::chrono;
  year_month_day date;
  if (cell.form == DateForm::serial) {
    date = year_month_day(sys_days(year(1899) / December / 30) + days(cell.first));
  } else {
    const bool swap = cell.form == DateForm::numbers && order == DateOrder::day_first;
    date = year(static_cast<int>(cell.year)) / month(swap ? cell.second : cell.first) /
           day(swap ? cell.first : cell.second);
  }
  if (!date.ok()) return {};
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace amanat::trace
