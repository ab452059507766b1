#include "registry/normalise.h"

#include <charconv>
#include <cstring>

#include "registry/dates.h"
#include "registry/nfc.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kPlainMax =
    96;  // characters of an ID, phone, date or number, separators included

using Byte = unsigned char;
Byte byte_at(std::string_view s, std::size_t i) { return static_cast<Byte>(s[i]); }

bool ascii_space(Byte c) { return c <= 0x20 || c == 0x7f; }

/// Invisible characters of two and three bytes: spaces, controls, direction and join marks.
bool invisible2(Byte a, Byte b) {
  return (a == 0xc2 && (b == 0xa0 || b == 0xad || (b >= 0x80 && b <= 0x9f))) ||
         (a == 0xd8 && b == 0x9c);
}
bool invisible3(Byte a, Byte b, Byte c) {
  if (a == 0xe2 && b == 0x80) return c <= 0x8f || (c >= 0xa8 && c <= 0xaf);
  if (a == 0xe2 && b == 0x81) return c == 0x9f || (c >= 0xa0 && c <= 0xaf);
  return (a == 0xe3 && b == 0x80 && c == 0x80) || (a == 0xef && b == 0xbb && c == 0xbf) ||
         (a == 0xe1 && b == 0x9a && c == 0x80);
}
bool space_like3(Byte a, Byte b, Byte c) {
  return (a == 0xe2 && b == 0x80 && (c <= 0x8a || c == 0xa8 || c == 0xa9 || c == 0xaf)) ||
         (a == 0xe2 && b == 0x81 && c == 0x9f) || (a == 0xe3 && b == 0x80) || a == 0xe1;
}

/// digit_at reads a decimal digit of any supported script; `size` is its length in bytes.
int digit_at(std::string_view s, std::size_t i, std::size_t& size) {
  const Byte a = byte_at(s, i);
  if (a >= '0' && a <= '9') return size = 1, a - '0';
  if (i + 1 < s.size()) {
    const Byte b = byte_at(s, i + 1);
    if (a == 0xd9 && b >= 0xa0 && b <= 0xa9) return size = 2, b - 0xa0;  // Arabic-Indic
    if (a == 0xdb && b >= 0xb0 && b <= 0xb9) return size = 2, b - 0xb0;  // Urdu, Persian
    if (i + 2 < s.size() && a == 0xef && b == 0xbc) {
      const Byte c = byte_at(s, i + 2);
      if (c >= 0x90 && c <= 0x99) return size = 3, c - 0x90;  // full-width
    }
  }
  return -1;
}

struct Plain {
  char text[kPlainMax];
  std::size_t size = 0;
  std::string_view view() const { return {text, size}; }
};

/// put_plain_symbol writes a non-ASCII character's ASCII stand-in; false if it has none.
bool put_plain_symbol(std::string_view cell, std::size_t& i, Plain& out) {
  const Byte a = byte_at(cell, i);
  const Byte b = i + 1 < cell.size() ? byte_at(cell, i + 1) : 0;
  const Byte c = i + 2 < cell.size() ? byte_at(cell, i + 2) : 0;
  if (invisible2(a, b)) {
    if (b == 0xa0) out.text[out.size++] = ' ';
    return i += 2, true;
  }
  if (invisible3(a, b, c)) {
    if (space_like3(a, b, c)) out.text[out.size++] = ' ';
    return i += 3, true;
  }
  char stand_in = 0;
  if ((a == 0xe2 && b == 0x80 && c >= 0x90 && c <= 0x95) || (a == 0xe2 && b == 0x88 && c == 0x92) ||
      (a == 0xef && b == 0xbc && c == 0x8d))
    stand_in = '-';
  else if (a == 0xef && b == 0xbc && c == 0x8b)
    stand_in = '+';
  else if (a == 0xe2 && b == 0x80 && (c == 0x98 || c == 0x99 || c == 0x9c || c == 0x9d))
    stand_in = '\'';
  if (stand_in == 0) return false;
  out.text[out.size++] = stand_in;
  return i += 3, true;
}

/// plain writes a cell in ASCII: digits of every script, dashes of every kind, nothing invisible,
/// no stray quotes or commas around it. False if that cannot be, or it is too long.
bool plain(std::string_view cell, Plain& out) {
  for (std::size_t i = 0; i < cell.size();) {
    if (out.size + 1 >= kPlainMax) return false;
    const Byte a = byte_at(cell, i);
    if (a < 0x80) {
      out.text[out.size++] = ascii_space(a) ? ' ' : static_cast<char>(a);
      ++i;
      continue;
    }
    std::size_t size = 0;
    if (const int digit = digit_at(cell, i, size); digit >= 0) {
      out.text[out.size++] = static_cast<char>('0' + digit);
      i += size;
    } else if (!put_plain_symbol(cell, i, out)) {
      return false;
    }
  }
  constexpr std::string_view stray = " '\"`=,;:";
  std::string_view v = out.view();
  while (!v.empty() && stray.find(v.back()) != v.npos) v.remove_suffix(1);
  while (!v.empty() && stray.find(v.front()) != v.npos) v.remove_prefix(1);
  std::memmove(out.text, v.data(), v.size());
  out.size = v.size();
  return out.size > 0;
}

/// digits_of copies the digits, skipping separators; false on anything else.
bool digits_of(std::string_view text, std::string_view separators, Plain& out) {
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (out.size == kPlainMax) return false;
      out.text[out.size++] = c;
    } else if (separators.find(c) == separators.npos) {
      return false;
    }
  }
  return true;
}

bool national_id(const Rules& rules, std::string_view text, std::string& out) {
  Plain digits;
  const auto& rule = rules.national_id;
  if (!digits_of(text, rule.separators, digits) || digits.size != rule.length) return false;
  if (rule.first.find(digits.text[0]) == rule.first.npos) return false;
  out.append(digits.text, digits.size);
  return true;
}

bool passport(const Rules& rules, std::string_view text, std::string& out) {
  char kept[kPlainMax];
  std::size_t size = 0, letters = 0, digits = 0;
  for (const char c : text) {
    if (c == ' ' || c == '-') continue;
    const char up = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (up >= 'A' && up <= 'Z') {
      if (digits > 0) return false;
      ++letters;
    } else if (up >= '0' && up <= '9') {
      ++digits;
    } else {
      return false;
    }
    kept[size++] = up;
  }
  const auto& rule = rules.passport;
  if (letters < rule.letters_min || letters > rule.letters_max || digits < rule.digits_min ||
      digits > rule.digits_max)
    return false;
  out.append(kept, size);
  return true;
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& prefixes) {
  for (const auto& p : prefixes)
    if (text.starts_with(p)) return true;
  return false;
}

bool mobile(const Rules& rules, std::string_view national) {
  return national.size() == rules.phone.mobile_length &&
         starts_with_any(national, rules.phone.mobile);
}
bool fixed_line(const Rules& rules, std::string_view national) {
  const auto& rule = rules.phone;
  return national.size() >= rule.fixed_length_min && national.size() <= rule.fixed_length_max &&
         starts_with_any(national, rule.fixed);
}

/// phone writes E.164 (ITU-T E.164: "+", country, national; at most 15 digits), or a short code as
/// it is dialled. Only mobile numbers count for an msisdn.
bool phone(const Rules& rules, std::string_view text, bool only_mobile, std::string& out) {
  const auto& rule = rules.phone;
  const bool plus = text.starts_with('+');
  Plain digits;
  if (!digits_of(text.substr(plus ? 1 : 0), rule.separators, digits)) return false;
  std::string_view d = digits.view();
  bool abroad = plus;
  if (!plus && !rule.international.empty() && d.starts_with(rule.international)) {
    d.remove_prefix(rule.international.size());
    abroad = true;
  }
  const auto ours = [&](std::string_view national) {
    if (!rule.trunk.empty() && national.starts_with(rule.trunk))
      national.remove_prefix(rule.trunk.size());
    if (!mobile(rules, national) && (only_mobile || !fixed_line(rules, national))) return false;
    out.push_back('+');
    out.append(rule.country).append(national);
    return true;
  };
  if (d.starts_with(rule.country) && ours(d.substr(rule.country.size()))) return true;
  if (!abroad && ours(d)) return true;
  if (only_mobile) return false;
  if (!abroad && d.size() >= rule.short_length_min && d.size() <= rule.short_length_max &&
      !d.empty()) {
    out.append(d);
    return true;
  }
  if (abroad && !d.starts_with(rule.country) && d.size() >= 8 && d.size() <= 15 && d[0] != '0') {
    out.push_back('+');
    out.append(d);
    return true;
  }
  return false;
}

bool number(const Field& field, std::string_view text, std::string& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if (value < field.min || value > field.max_number) return false;
  char buffer[24];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, written.ptr);
  return true;
}

bool plain_text(std::string_view text) {
  bool space = true;  // a space first, last or twice is not plain
  for (const char c : text) {
    const auto b = static_cast<Byte>(c);
    if (b >= 0x80 || b < 0x20 || b == 0x7f || (b == ' ' && space)) return false;
    space = b == ' ';
  }
  return !space;
}

/// text collapses white space, drops invisible characters (but the joiners that Urdu spelling
/// needs inside a word) and composes (NFC).
std::optional<Reason> text(std::string_view cell, std::size_t length_max, std::string& out) {
  const std::size_t begin = out.size();
  if (plain_text(cell)) {
    out.append(cell);
  } else {
    if (!valid_utf8(cell)) return Reason::text_not_unicode;
    bool space = false, composed = true;
    for (std::size_t i = 0; i < cell.size();) {
      const Byte a = byte_at(cell, i);
      const std::size_t size = a < 0x80 ? 1 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
      const Byte b = size > 1 ? byte_at(cell, i + 1) : 0, c = size > 2 ? byte_at(cell, i + 2) : 0;
      const bool joiner = size == 3 && a == 0xe2 && b == 0x80 && (c == 0x8c || c == 0x8d);
      if (size == 1   ? ascii_space(a)
          : size == 2 ? invisible2(a, b)
                      : size == 3 && invisible3(a, b, c) && !joiner) {
        space =
            space || size == 1 || (size == 2 && b == 0xa0) || (size == 3 && space_like3(a, b, c));
      } else {
        if (space && out.size() > begin) out.push_back(' ');
        space = false;
        composed = composed && size == 1;
        out.append(cell.substr(i, size));
      }
      i += size;
    }
    if (!composed) compose_nfc(out, begin);
  }
  if (out.size() - begin <= length_max) return std::nullopt;
  out.resize(begin);
  return Reason::value_too_long;
}

std::optional<Reason> enumeration(const Field& field, std::string_view cell, std::string& out) {
  const std::size_t begin = out.size();
  if (const auto reason = text(cell, field.length_max, out)) return reason;
  for (std::size_t i = begin; i < out.size(); ++i)
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] - 'A' + 'a');
  for (const auto& [spelling, index] : field.spellings) {
    if (std::string_view(out).substr(begin) != spelling) continue;
    out.resize(begin);
    out.append(field.values[index]);
    return std::nullopt;
  }
  out.resize(begin);
  return Reason::value_not_listed;
}

bool absent(const Rules& rules, std::string_view cell) {
  for (const auto& word : rules.absent) {
    if (word.size() != cell.size()) continue;
    std::size_t i = 0;
    while (i < cell.size()) {
      const char c = cell[i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != word[i]) break;
      ++i;
    }
    if (i == cell.size()) return true;
  }
  return false;
}

/// identifying normalises the types that name a subject.
std::optional<Reason> identifying(const Rules& rules, const Field& field, std::string_view text,
                                  std::string& out, SubjectKind& kind) {
  switch (field.type) {
    case FieldType::national_id:
      if (national_id(rules, text, out)) return kind = SubjectKind::national_id, std::nullopt;
      if (field.or_passport && passport(rules, text, out))
        return kind = SubjectKind::passport, std::nullopt;
      return Reason::national_id_impossible;
    case FieldType::passport:
      if (passport(rules, text, out)) return kind = SubjectKind::passport, std::nullopt;
      return Reason::national_id_impossible;
    default:
      if (phone(rules, text, field.type == FieldType::msisdn, out))
        return kind = SubjectKind::msisdn, std::nullopt;
      return Reason::phone_impossible;
  }
}

std::optional<Reason> impossible(FieldType type) {
  switch (type) {
    case FieldType::national_id:
    case FieldType::passport:
      return Reason::national_id_impossible;
    case FieldType::msisdn:
    case FieldType::phone:
      return Reason::phone_impossible;
    case FieldType::date:
    case FieldType::datetime:
      return Reason::date_impossible;
    default:
      return Reason::number_impossible;
  }
}

}  // namespace

std::string_view trim(std::string_view s) {
  for (;;) {
    if (s.empty()) return s;
    if (ascii_space(byte_at(s, 0)))
      s.remove_prefix(1);
    else if (s.size() >= 2 && invisible2(byte_at(s, 0), byte_at(s, 1)))
      s.remove_prefix(2);
    else if (s.size() >= 3 && invisible3(byte_at(s, 0), byte_at(s, 1), byte_at(s, 2)))
      s.remove_prefix(3);
    else
      break;
  }
  for (;;) {
    const std::size_t n = s.size();
    if (n >= 1 && ascii_space(byte_at(s, n - 1)))
      s.remove_suffix(1);
    else if (n >= 2 && invisible2(byte_at(s, n - 2), byte_at(s, n - 1)))
      s.remove_suffix(2);
    else if (n >= 3 && invisible3(byte_at(s, n - 3), byte_at(s, n - 2), byte_at(s, n - 1)))
      s.remove_suffix(3);
    else
      return s;
  }
}

std::optional<Reason> normalise(const Rules& rules, const Field& field, std::string_view cell,
                                std::string& out, SubjectKind& kind) {
  if (cell.empty() || absent(rules, cell)) return std::nullopt;
  if (field.type == FieldType::name || field.type == FieldType::text)
    return text(cell, field.length_max, out);
  if (field.type == FieldType::enumeration) return enumeration(field, cell, out);
  Plain flat;
  if (!plain(cell, flat)) return impossible(field.type);
  switch (field.type) {
    case FieldType::date:
    case FieldType::datetime:
      if (!append_date(rules, field, flat.view(), out)) return Reason::date_impossible;
      return std::nullopt;
    case FieldType::number:
      if (!number(field, flat.view(), out)) return Reason::number_impossible;
      return std::nullopt;
    case FieldType::digits: {
      Plain digits;
      if (!digits_of(flat.view(), "- ", digits) || digits.size < field.digits_min ||
          digits.size > field.digits_max)
        return Reason::number_impossible;
      out.append(digits.text, digits.size);
      return std::nullopt;
    }
    default:
      return identifying(rules, field, flat.view(), out, kind);
  }
}

void append_folded(std::string_view normal, std::string& out) {
  for (std::size_t i = 0; i < normal.size();) {
    const char c = normal[i];
    std::size_t size = 1;
    if (c >= 'A' && c <= 'Z') {
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if (static_cast<Byte>(c) < 0x80) {
      out.push_back(c);
    } else if (const int digit = digit_at(normal, i, size); digit >= 0) {
      out.push_back(static_cast<char>('0' + digit));
    } else {
      out.push_back(c);
    }
    i += size;
  }
}

bool valid_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const Byte a = byte_at(s, i);
    if (a < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
    if (a < 0xc2 || a > 0xf4 || i + size > s.size()) return false;
    for (std::size_t k = 1; k < size; ++k)
      if ((byte_at(s, i + k) & 0xc0) != 0x80) return false;
    const Byte b = byte_at(s, i + 1);
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
        (a == 0xf4 && b > 0x8f))
      return false;
    i += size;
  }
  return true;
}

}  // namespace amanat::registry
