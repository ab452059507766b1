#include "registry/dates.h"

#include "registry/normalise.h"

namespace amanat::registry {
namespace {

struct When {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// take_number reads from `least` to `most` digits.
bool take_number(std::string_view& text, std::size_t least, std::size_t most, int& into) {
  std::size_t n = 0;
  int value = 0;
  while (n < most && n < text.size() && digit(text[n])) value = value * 10 + (text[n++] - '0');
  if (n < least) return false;
  into = value;
  text.remove_prefix(n);
  return true;
}

bool take_month_name(std::string_view& text, int& into) {
  constexpr std::string_view names = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (text.size() < 3) return false;
  char low[3];
  for (int i = 0; i < 3; ++i) low[i] = static_cast<char>(text[static_cast<std::size_t>(i)] | 0x20);
  for (std::size_t m = 0; m < 12; ++m) {
    if (names.substr(m * 3, 3) != std::string_view(low, 3)) continue;
    into = static_cast<int>(m) + 1;
    text.remove_prefix(3);
    return true;
  }
  return false;
}

/// fits matches the whole text against a pattern. Beside a separator a day or month may have one
/// digit; in a packed form it must have two.
bool fits(std::string_view pattern, std::string_view text, When& when) {
  const bool packed = pattern.find_first_of("-/. ") == pattern.npos;
  const std::size_t least = packed ? 2 : 1;
  while (!pattern.empty()) {
    const auto part = [&](std::string_view word) {
      if (!pattern.starts_with(word)) return false;
      pattern.remove_prefix(word.size());
      return true;
    };
    bool ok = true;
    if (part("YYYY"))
      ok = take_number(text, 4, 4, when.year);
    else if (part("MON"))
      ok = take_month_name(text, when.month);
    else if (part("MM"))
      ok = take_number(text, least, 2, when.month);
    else if (part("DD"))
      ok = take_number(text, least, 2, when.day);
    else if (part("hh"))
      ok = take_number(text, least, 2, when.hour);
    else if (part("mm"))
      ok = take_number(text, 2, 2, when.minute);
    else if (part("ss"))
      ok = take_number(text, 2, 2, when.second);
    else {
      ok = !text.empty() && text[0] == pattern[0];
      if (ok) text.remove_prefix(1);
      pattern.remove_prefix(1);
    }
    if (!ok) return false;
  }
  return text.empty();
}

int days_in(int year, int month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

bool exists(const Rules& rules, const When& w) {
  return w.year >= rules.first_year && w.year <= rules.last_year && w.month >= 1 && w.month <= 12 &&
         w.day >= 1 && w.day <= days_in(w.year, w.month) && w.hour < 24 && w.minute < 60 &&
         w.second < 60;
}

bool any_fits(const Rules& rules, const std::vector<std::string>& patterns, std::string_view text,
              When& when) {
  for (const auto& pattern : patterns) {
    When candidate;
    if (fits(pattern, text, candidate) && exists(rules, candidate)) return when = candidate, true;
  }
  return false;
}

void append_two(std::string& out, int n) {
  out.push_back(static_cast<char>('0' + n / 10));
  out.push_back(static_cast<char>('0' + n % 10));
}

}  // namespace

bool append_date(const Rules& rules, const Field& field, std::string_view plain, std::string& out) {
  const bool with_time = field.type == FieldType::datetime;
  const auto& own = field.formats;
  When when;
  if (!any_fits(rules,
                !own.empty() ? own
                : with_time  ? rules.datetimes
                             : rules.dates,
                plain, when)) {
    // Spreadsheets export a day as its midnight; any other time is not a date.
    if (with_time || !any_fits(rules, rules.datetimes, plain, when)) return false;
    if (when.hour != 0 || when.minute != 0 || when.second != 0) return false;
  }
  append_two(out, when.year / 100);
  append_two(out, when.year % 100);
  out.push_back('-');
  append_two(out, when.month);
  out.push_back('-');
  append_two(out, when.day);
  if (!with_time) return true;
  out.push_back('T');
  append_two(out, when.hour);
  out.push_back(':');
  append_two(out, when.minute);
  out.push_back(':');
  append_two(out, when.second);
  return true;
}

std::optional<std::int64_t> seconds_of(std::string_view normal) {
  When w;
  if (!fits("YYYY-MM-DD", normal, w) && !fits("YYYY-MM-DDThh:mm:ss", normal, w))
    return std::nullopt;
  if (w.month < 1 || w.month > 12 || w.day < 1 || w.day > 31) return std::nullopt;
  // Days from 1970-01-01, counting years from March so that the leap day comes last.
  const int y = w.month <= 2 ? w.year - 1 : w.year;
  const int era_day = (153 * (w.month + (w.month > 2 ? -3 : 9)) + 2) / 5 + w.day - 1;
  const std::int64_t days = 365LL * y + y / 4 - y / 100 + y / 400 + era_day - 719468;
  return days * 86400 + w.hour * 3600 + w.minute * 60 + w.second;
}

}  // namespace amanat::registry
