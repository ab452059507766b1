#include "trace/layouts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "model/insist.h"
#include "trace/symbols.h"

namespace amanat::trace {
namespace {

constexpr std::size_t kGroupsMax = 5, kGroupDigitsMax = 14, kRawBytesMax = 200;

/// Group is a run of digits; Gap is what joins it to the one before.
// `broken`: a dash at the end of a line.
enum class Gap : std::uint8_t { none, space, dash, dot, slash, underscore, parenthesis, broken };
struct Group {
  std::uint8_t first = 0, count = 0;  // place in Numbers::digits
  Gap gap = Gap::none;
  std::size_t begin = 0, end = 0;
};

struct Numbers {
  std::array<char, kGroupsMax * kGroupDigitsMax> digits{};
  std::array<Group, kGroupsMax> groups{};
  std::size_t count = 0;
  std::size_t end = 0;   // after the last group
  bool endless = false;  // a run too long to be any number, from which nothing is cut

  char at(std::size_t group, std::size_t digit) const {
    return digits[groups[group].first + digit];
  }
  bool is(std::size_t group, std::size_t count_wanted) const {
    return group < count && groups[group].count == count_wanted;
  }
  Gap gap(std::size_t group) const { return group < count ? groups[group].gap : Gap::none; }
};

// read_run reads one run of digits with what is invisible between; false if it is too long.
bool read_run(std::string_view text, std::size_t& at, Numbers& n, Group& group) {
  group.begin = at;
  std::size_t next = at;
  while (next < text.size()) {
    const Read r = symbol_at(text, next);
    if (r.symbol == Symbol::digit) {
      if (group.count == kGroupDigitsMax) return false;
      n.digits[group.first + group.count++] = static_cast<char>('0' + r.digit);
      next += r.bytes;
      group.end = at = next;
    } else if (r.symbol == Symbol::invisible && next - group.begin < kRawBytesMax) {
      next += r.bytes;
    } else {
      break;
    }
  }
  return true;
}

// read_gap reads what may stand between two groups of one number; none if nothing fits.
Gap read_gap(std::string_view text, std::size_t& at) {
  std::size_t next = at;
  unsigned spaces = 0, dashes = 0, parentheses = 0, marks = 0, lines = 0;
  Gap mark = Gap::none;
  while (next < text.size() && next - at < 24) {
    const Read r = symbol_at(text, next);
    if (r.symbol == Symbol::digit) break;
    // A number broken behind its dash goes on in the next line.
    if (dashes > 0 && lines < 2 && (text[next] == '\n' || text[next] == '\r')) {
      ++lines;
      ++next;
      continue;
    }
    if (r.symbol == Symbol::space)
      ++spaces;
    else if (r.symbol == Symbol::dash)
      ++dashes;
    else if (r.symbol == Symbol::parenthesis)
      ++parentheses;
    else if (r.symbol == Symbol::dot)
      ++marks, mark = Gap::dot;
    else if (r.symbol == Symbol::slash)
      ++marks, mark = Gap::slash;
    else if (r.symbol == Symbol::underscore)
      ++marks, mark = Gap::underscore;
    else if (r.symbol != Symbol::invisible)
      return Gap::none;
    next += r.bytes;
  }
  if (next >= text.size() || spaces > 4 || dashes > 2 || parentheses > 2 || marks > 1)
    return Gap::none;
  const bool more = dashes + parentheses > 0;
  if (marks == 1 && (more || spaces > 0)) return Gap::none;
  at = next;
  if (marks == 1) return mark;
  if (lines > 0) return Gap::broken;
  if (dashes > 0) return Gap::dash;
  return parentheses > 0 ? Gap::parenthesis : Gap::space;
}

Numbers read_numbers(std::string_view text, std::size_t at) {
  Numbers n;
  Gap gap = Gap::none;
  while (n.count < kGroupsMax) {
    Group group;
    group.gap = gap;
    group.first = static_cast<std::uint8_t>(n.count * kGroupDigitsMax);
    if (!read_run(text, at, n, group)) {
      n.endless = true;
      return n;
    }
    if (group.count == 0) return n;
    n.groups[n.count++] = group;
    n.end = group.end;
    gap = read_gap(text, at);
    if (gap == Gap::none) return n;
  }
  return n;
}

/// Left is what stands before a number.
struct Left {
  bool plus = false;
  bool glued = false;    // to a letter, an underscore or a decimal point: part of something else
  bool linked = false;   // by a dash to four to nine digits
  bool foreign = false;  // after another country's code
  bool after_group = false;  // after a blank and a digit
};

constexpr std::array<std::string_view, 17> kLabels = {
    "cnic",  "nic", "nicop",  "poc", "id",   "no",      "num",    "number", "ph",
    "phone", "mob", "mobile", "tel", "cell", "contact", "msisdn", "wa"};

bool is_label(std::string_view text, std::size_t end) {
  std::array<char, 9> word{};
  std::size_t n = 0;
  for (std::size_t i = end; i > 0; --i) {
    const char c = text[i - 1];
    const char l = static_cast<char>(c | 0x20);
    if (l < 'a' || l > 'z') {
      if (c == '_' || (c >= '0' && c <= '9')) return false;
      break;
    }
    if (n == word.size()) return false;
    word[n++] = l;
  }
  std::reverse(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(n));
  const std::string_view found(word.data(), n);
  return std::find(kLabels.begin(), kLabels.end(), found) != kLabels.end();
}

Left look_left(std::string_view text, std::size_t at) {
  Left left;
  std::size_t i = at;
  Read r;
  const auto back = [&] {
    while (i > 0) {
      const std::size_t b = before(text, i);
      r = symbol_at(text, b);
      if (b + r.bytes != i) r = {};
      i = b;
      if (r.symbol != Symbol::invisible) return true;
    }
    return false;
  };
  if (!back()) return left;
  switch (r.symbol) {
    case Symbol::plus:
      left.plus = true;
      return left;
    case Symbol::letter:
      left.glued = !is_label(text, i + r.bytes);
      return left;
    case Symbol::underscore:
      left.glued = true;
      return left;
    case Symbol::dot:
      left.glued = back() && r.symbol == Symbol::digit;
      return left;
    case Symbol::space:
    case Symbol::dash:
    case Symbol::parenthesis:
      break;
    default:
      return left;
  }
  bool dash = false, space = false;
  for (int k = 0; k < 6; ++k) {
    if (r.symbol == Symbol::dash)
      dash = true;
    else if (r.symbol == Symbol::space)
      space = true;
    else if (r.symbol != Symbol::parenthesis)
      break;
    if (!back()) return left;
  }
  if (r.symbol == Symbol::plus) left.plus = true;  // "+ 92 300", "+(92)"
  std::size_t digits = 0;
  while (r.symbol == Symbol::digit) {
    if (++digits > 10) break;
    if (!back()) {
      r = {};
      break;
    }
  }
  if (digits == 0) return left;
  left.after_group = space && !dash;
  left.foreign = digits <= 3 && r.symbol == Symbol::plus;
  left.linked = dash && digits >= 4 && digits <= 9;
  return left;
}

bool glued_right(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Read r = symbol_at(text, at);
    if (r.symbol == Symbol::invisible) {
      at += r.bytes;
      continue;
    }
    return r.symbol == Symbol::letter || r.symbol == Symbol::underscore;
  }
  return false;
}

/// Match is a layout that fits the first `groups` groups.
struct Match {
  std::size_t groups = 0;
  Kind kind{};
  Layout layout{};
  std::array<char, 13> digits{};
};

Match national_id(const Numbers& n, std::size_t groups, Layout layout) {
  Match m{groups, Kind::national_id, layout, {}};
  std::size_t k = 0;
  for (std::size_t g = 0; g < groups; ++g)
    for (std::size_t i = 0; i < n.groups[g].count; ++i) m.digits[k++] = n.at(g, i);
  insist(k == kNationalIdDigits);
  return m;
}

// phone takes the last ten of all digits of `groups`.
Match phone(const Numbers& n, std::size_t groups, Layout layout) {
  Match m{groups, Kind::msisdn, layout, {'9', '2'}};
  std::array<char, 24> all{};
  std::size_t k = 0;
  for (std::size_t g = 0; g < groups; ++g)
    for (std::size_t i = 0; i < n.groups[g].count; ++i) all[k++] = n.at(g, i);
  insist(k >= 10);
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(k - 10), 10, m.digits.begin() + 2);
  return m;
}

bool joins_id(Gap gap) { return gap != Gap::none && gap != Gap::parenthesis; }
bool joins_phone(Gap gap) {
  return gap == Gap::space || gap == Gap::dash || gap == Gap::parenthesis || gap == Gap::slash ||
         gap == Gap::dot;
}

// subscriber says how many groups from `from` on hold exactly `digits`; 0: none do.
std::size_t subscriber(const Numbers& n, std::size_t from, std::size_t digits) {
  std::size_t sum = 0;
  for (std::size_t g = from; g < n.count; ++g) {
    if (!joins_phone(n.gap(g))) return 0;
    sum += n.groups[g].count;
    if (sum == digits) return g - from + 1;
    if (sum > digits) return 0;
  }
  return 0;
}

std::optional<Match> match_id(const Numbers& n, const Left& left) {
  if (n.at(0, 0) == '0' || left.plus) return std::nullopt;
  if (n.is(0, 13))
    return left.linked ? std::nullopt : std::optional(national_id(n, 1, Layout::plain));
  if (n.is(0, 5) && n.is(1, 7) && n.is(2, 1) && joins_id(n.gap(1)) && joins_id(n.gap(2))) {
    const bool spaced = n.gap(1) == Gap::space || n.gap(2) == Gap::space;
    // "92300-1234567 5": a phone, and something else after it.
    const bool abroad = n.at(0, 0) == '9' && n.at(0, 1) == '2' && n.at(0, 2) == '3';
    if (abroad && n.gap(1) != n.gap(2)) return std::nullopt;
    const auto kind = [](Gap gap) { return gap == Gap::broken ? Gap::dash : gap; };
    if (left.linked || (spaced ? false : kind(n.gap(1)) != kind(n.gap(2)))) return std::nullopt;
    if (n.gap(3) == Gap::dash && !spaced) return std::nullopt;
    return national_id(n, 3, spaced ? Layout::spaced : Layout::grouped);
  }
  const bool halves = (n.is(0, 5) && n.is(1, 8)) || (n.is(0, 12) && n.is(1, 1));
  if (halves && n.gap(1) == Gap::dash && n.gap(2) != Gap::dash && !left.linked)
    return national_id(n, 2, Layout::grouped);
  return std::nullopt;
}

std::optional<Match> match_country(const Numbers& n, const Left& left) {
  const auto starts = [&](std::string_view prefix) {
    if (n.groups[0].count < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i)
      if (n.at(0, i) != prefix[i]) return false;
    return true;
  };
  const std::size_t code = starts("0092") ? 4 : starts("92") ? 2 : 0;
  if (code == 0 || left.linked) return std::nullopt;
  const std::size_t rest = n.groups[0].count - code;
  if (rest == 10 && n.at(0, code) == '3') return phone(n, 1, Layout::country);
  if (rest == 11 && left.plus && n.at(0, code) == '0' && n.at(0, code + 1) == '3')
    return phone(n, 1, Layout::country);
  if (rest == 3 && n.at(0, code) == '3')
    if (const auto more = subscriber(n, 1, 7); more != 0)
      return phone(n, 1 + more, Layout::country);
  if (rest != 0 || n.count < 2) return std::nullopt;
  const bool zero = n.is(1, 1) && n.at(1, 0) == '0';
  const std::size_t first = zero ? 2 : 1;
  if (first >= n.count || !joins_phone(n.gap(1))) return std::nullopt;
  const bool trunk = !zero && n.at(1, 0) == '0';
  if (n.at(first, trunk ? 1 : 0) != '3' || (trunk && n.groups[1].count < 2)) return std::nullopt;
  const auto more = subscriber(n, first, trunk ? 11 : 10);
  return more == 0 ? std::nullopt : std::optional(phone(n, first + more, Layout::country));
}

std::optional<Match> match_phone(const Numbers& n, const Left& left) {
  if (auto with_code = match_country(n, left)) return with_code;
  if (left.plus || left.linked) return std::nullopt;
  const std::size_t count = n.groups[0].count;
  if (count >= 4 && n.at(0, 0) == '0' && n.at(0, 1) == '3') {
    if (count == 11) return phone(n, 1, Layout::trunk);
    if (count == 4 || (count == 5 && n.gap(1) == Gap::dash))
      if (const auto more = subscriber(n, 1, 11 - count); more != 0)
        return phone(n, 1 + more, Layout::trunk);
  }
  if (n.at(0, 0) != '3' || left.foreign) return std::nullopt;
  if (count == 10) return phone(n, 1, Layout::bare);
  if (count == 3 && !left.after_group && n.gap(1) != Gap::dot && n.gap(1) != Gap::slash)
    if (const auto more = subscriber(n, 1, 7); more != 0) return phone(n, 1 + more, Layout::bare);
  return std::nullopt;
}

// A dash after a number makes it part of a longer one, unless what follows is a whole number
// itself.
bool continues(const Numbers& n, const Match& m) {
  const Gap gap = n.gap(m.groups);
  if (gap == Gap::dash) return n.groups[m.groups].count < 10;
  if (gap == Gap::broken) return false;
  if (gap == Gap::underscore) return true;
  if (gap != Gap::dot) return false;
  // "3520212345671.0": a number written by a program that holds it as a fraction.
  const Group& after = n.groups[m.groups];
  for (std::size_t i = 0; i < after.count; ++i)
    if (n.at(m.groups, i) != '0') return true;
  return after.count > 2;
}

// scientific reads d.ddddE+12, E+9 and E+11; 0 bytes if there is none.
std::size_t scientific(std::string_view text, std::size_t at, Identifier& id) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  if (!digit(at) || text[at] == '0' || at + 1 >= text.size() || text[at + 1] != '.') return 0;
  std::array<char, 13> digits{text[at]};
  std::size_t i = at + 2, count = 1;
  for (; digit(i); ++i) {
    if (count == digits.size()) return 0;
    digits[count++] = text[i];
  }
  if (count < 2 || i >= text.size() || (text[i] | 0x20) != 'e') return 0;
  ++i;
  if (i < text.size() && text[i] == '+') ++i;
  std::size_t exponent = 0, figures = 0;
  for (; digit(i) && figures < 3; ++i, ++figures) exponent = exponent * 10 + (text[i] - '0');
  if (figures == 0 || digit(i) || count - 1 > exponent) return 0;
  const bool abroad = exponent == 11 && digits[0] == '9' && digits[1] == '2';
  if (exponent == 9 && digits[0] == '3') {
    if (count > 10) return 0;
    std::copy_backward(digits.begin(), digits.begin() + static_cast<std::ptrdiff_t>(count),
                       digits.begin() + static_cast<std::ptrdiff_t>(count + 2));
    digits[0] = '9', digits[1] = '2';
    count += 2;
  } else if (exponent != 12 && !abroad) {
    return 0;
  }
  id.kind = exponent == 12 ? Kind::national_id : Kind::msisdn;
  id.layout = Layout::scientific;
  id.digits = digits;
  id.count = static_cast<std::uint8_t>(count);
  id.partial = count != (id.kind == Kind::msisdn ? kMsisdnDigits : kNationalIdDigits);
  return i - at;
}

}  // namespace

// misread reads 5-7-1 with dashes in which one to four digits became letters; 0 bytes if it is
// none. Only this layout: its dashes make sure that it is a number.
std::size_t misread(std::string_view text, std::size_t at, std::vector<Identifier>& found) {
  constexpr std::size_t kBytes = 15;
  if (text.size() - at < kBytes || text[at] == '0') return 0;
  const auto part = [&](std::size_t i) {
    const char c = i < text.size() ? text[i] : ' ';
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  };
  if ((at > 0 && part(at - 1)) || part(at + kBytes)) return 0;
  Identifier id;
  std::size_t letters = 0, k = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    const char c = text[at + i];
    if (i == 5 || i == 13) {
      if (c != '-') return 0;
      continue;
    }
    const bool figure = c >= '0' && c <= '9';
    const int digit = figure ? c - '0' : misread_digit(c);
    if (digit < 0) return 0;
    letters += figure ? 0 : 1;
    id.digits[k++] = static_cast<char>('0' + digit);
  }
  if (letters == 0 || letters > 4) return 0;
  id.offset = static_cast<std::uint32_t>(at);
  id.length = kBytes;
  id.kind = Kind::national_id;
  id.layout = Layout::grouped;
  id.count = kNationalIdDigits;
  found.push_back(id);
  return kBytes;
}

std::size_t read_at(std::string_view text, std::size_t at, std::vector<Identifier>& found) {
  Identifier id;
  id.offset = static_cast<std::uint32_t>(at);
  const Left left = look_left(text, at);
  if (const std::size_t bytes = scientific(text, at, id);
      bytes != 0 && !left.glued && !left.plus && !glued_right(text, at + bytes)) {
    id.length = static_cast<std::uint16_t>(bytes);
    found.push_back(id);
    return at + bytes;
  }
  const Numbers n = read_numbers(text, at);
  if (n.endless) {
    std::size_t end = at;
    while (end < text.size()) {
      const Read r = symbol_at(text, end);
      if (r.symbol != Symbol::digit && r.symbol != Symbol::invisible) break;
      end += r.bytes;
    }
    // The groups before the endless run are looked at again on their own.
    return n.count == 0 ? end : n.groups[0].end;
  }
  insist(n.count > 0);
  auto match = match_id(n, left);
  if (!match) match = match_phone(n, left);
  if (!match)
    if (const std::size_t bytes = misread(text, at, found); bytes != 0) return at + bytes;
  if (!match || left.glued) return n.groups[0].end;
  const std::size_t end = n.groups[match->groups - 1].end;
  if (continues(n, *match) || glued_right(text, end) || end - at > kRawBytesMax)
    return n.groups[0].end;
  id.length = static_cast<std::uint16_t>(end - at);
  id.kind = match->kind;
  id.layout = match->layout;
  id.count = static_cast<std::uint8_t>(match->kind == Kind::national_id ? kNationalIdDigits
                                                                        : kMsisdnDigits);
  id.digits = match->digits;
  found.push_back(id);
  return end;
}

}  // namespace amanat::trace
