#include "trace/columns.h"

#include <algorithm>
#include <array>

#include "trace/symbols.h"

namespace amanat::trace {
namespace {

constexpr std::size_t kValueBytesMax = 4096;

/// Letters is what a value is made of.
struct Letters {
  std::size_t letters = 0, digits = 0, words = 0, odd = 0;
  bool arabic = false;
};

Letters letters_of(std::string_view value) {
  Letters l;
  bool in_word = false;
  for (std::size_t i = 0; i < value.size();) {
    const Read r = symbol_at(value, i);
    const auto lead = static_cast<unsigned char>(value[i]);
    i += r.bytes;
    const bool arabic = r.symbol == Symbol::other && lead >= 0xD8 && lead <= 0xDB;
    const bool foreign = r.symbol == Symbol::other && lead >= 0xC3;
    if (r.symbol == Symbol::letter || arabic || foreign) {
      ++l.letters;
      l.arabic = l.arabic || arabic;
      if (!in_word) ++l.words;
      in_word = true;
      continue;
    }
    if (r.symbol == Symbol::invisible) continue;
    in_word = false;
    if (r.symbol == Symbol::digit)
      ++l.digits;
    else if (r.symbol != Symbol::space && r.symbol != Symbol::dot && r.symbol != Symbol::dash &&
             lead != '\'')
      ++l.odd;
  }
  return l;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

constexpr std::array<std::string_view, 12> kNothing = {"null", "NULL", "\\N", "n/a", "N/A", "nil",
                                                       "none", "-",    "--",  "nan", "NaN", "."};

std::uint64_t number_of(const Identifier& id) {
  std::uint64_t n = 0;
  for (const char c : id.canonical()) n = n * 10 + static_cast<std::uint64_t>(c - '0');
  return n;
}

}  // namespace

std::string_view word_of(ColumnKind kind) {
  static constexpr std::array<std::string_view, 7> kWords = {
      "empty", "national-id", "msisdn", "date", "name", "number", "text"};
  return kWords[static_cast<std::size_t>(kind)];
}

void Column::see(std::string_view value) {
  value = trimmed(value.substr(0, kValueBytesMax));
  const bool nothing = std::find(kNothing.begin(), kNothing.end(), value) != kNothing.end();
  if (value.empty() || nothing) {
    ++empty_;
    return;
  }
  ++values_;
  found_.clear();
  find_identifiers(value, found_);
  // A whole cell, but for what a spreadsheet puts around a number: an address may hold a phone.
  if (found_.size() == 1 && found_[0].length + 8u >= value.size()) {
    ++(found_[0].kind == Kind::national_id ? ids_ : phones_);
    return;
  }
  if (const auto date = read_date(value)) {
    ++(date->form == DateForm::serial ? serials_ : dates_);
    orders_.see(*date);
    return;
  }
  const Letters l = letters_of(value);
  if (l.letters == 0 && l.digits > 0)
    ++numbers_;
  else if (l.digits == 0 && l.odd == 0 && l.letters >= 3 && l.words <= 6 && value.size() <= 80)
    ++names_;
}

void Column::see_plain_id(const Identifier& id) {
  const std::uint64_t n = number_of(id);
  if (n < 1'000'000'000'000 || n >= 2'000'000'000'000) {
    ++ids_elsewhere_;
    return;
  }
  ++ids_in_range_;
  if (n % 1000 == 0) ++whole_seconds_;
  if (last_ != 0) ++(n >= last_ ? rising_ : falling_);
  last_ = n;
}

ColumnSummary Column::summary() const {
  ColumnSummary s;
  s.heading = heading_;
  s.looked_at = values_ + empty_;
  if (ids_elsewhere_ == 0 && ids_in_range_ >= 3) {
    const std::uint64_t steps = rising_ + falling_;
    const bool monotone = std::max(rising_, falling_) * 10 >= steps * 9;
    s.doubtful = monotone || whole_seconds_ * 2 > ids_in_range_;
  }
  if (values_ == 0) return s;
  // Five figures between 10000 and 60000 are days only where nearly the whole column is.
  const bool serial = serials_ * 10 >= values_ * 9;
  const std::uint64_t dates = dates_ + (serial ? serials_ : 0);
  const std::uint64_t numbers = numbers_ + (serial ? 0 : serials_);
  const std::array<std::pair<std::uint64_t, ColumnKind>, 5> kinds = {
      {{ids_, ColumnKind::national_id},
       {phones_, ColumnKind::msisdn},
       {dates, ColumnKind::date},
       {numbers, ColumnKind::number},
       {names_, ColumnKind::name}}};
  const auto best = std::max_element(kinds.begin(), kinds.end());
  const bool clear = best->first * 5 >= values_ * 3;
  s.kind = clear ? best->second : ColumnKind::text;
  const std::uint64_t of_kind = clear ? best->first : values_;
  s.share = static_cast<double>(of_kind) / static_cast<double>(values_);
  s.month_first = orders_.order() == DateOrder::month_first;
  s.order_decided = orders_.decided();
  return s;
}

bool looks_like_heading(const std::vector<std::string_view>& cells) {
  std::size_t named = 0;
  for (const auto cell : cells) {
    const Letters l = letters_of(cell);
    if (l.digits > 2 || cell.size() > 64) return false;
    if (l.letters >= 2)
      ++named;
    else if (l.digits > 0)
      return false;
  }
  if (named * 5 < cells.size() * 3 || cells.empty()) return false;
  // A row of names without numbers is data; a heading has no two cells alike, and says what it is.
  static constexpr std::array<std::string_view, 24> kHeadings = {
      "cnic",    "nic",  "id",     "name", "phone",   "mobile", "msisdn", "cell",
      "number",  "no",   "date",   "dob",  "address", "father", "city",   "email",
      "contact", "time", "شناختی", "نام",  "فون",     "موبائل", "نمبر",   "پتہ"};
  std::string lower;
  for (const auto cell : cells) {
    lower.assign(cell);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    for (const auto word : kHeadings)
      if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace amanat::trace
