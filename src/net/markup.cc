#include "net/markup.h"

#include <algorithm>
#include <array>
#include <utility>

namespace amanat::net {
namespace {

constexpr std::size_t kTagBytesMax = 64 * 1024, kReferenceMax = 32;

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool letter(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; }

void append_utf8(std::uint32_t c, std::string& out) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) || c == 0) c = 0xFFFD;
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

// The names that appear among numbers and names; any other is left as it stands.
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 22> kNamed = {{
    {"amp", '&'},       {"apos", '\''},   {"gt", '>'},       {"lt", '<'},       {"quot", '"'},
    {"nbsp", 0xA0},     {"shy", 0xAD},    {"ndash", 0x2013}, {"mdash", 0x2014}, {"minus", 0x2212},
    {"hyphen", 0x2010}, {"dash", 0x2010}, {"ensp", 0x2002},  {"emsp", 0x2003},  {"thinsp", 0x2009},
    {"zwnj", 0x200C},   {"zwj", 0x200D},  {"lrm", 0x200E},   {"rlm", 0x200F},   {"Tab", '\t'},
    {"NewLine", '\n'},  {"plus", '+'},
}};

// reference decodes what stands between '&' and ';'; 0 if it is none that we know.
std::uint32_t reference(std::string_view name) {
  if (name.size() >= 2 && name[0] == '#') {
    const bool hex = lower(name[1]) == 'x';
    std::uint32_t n = 0;
    const auto digits = name.substr(hex ? 2 : 1);
    if (digits.empty() || digits.size() > 8) return 0;
    for (const char c : digits) {
      const char l = lower(c);
      const bool decimal = c >= '0' && c <= '9';
      if (!decimal && !(hex && l >= 'a' && l <= 'f')) return 0;
      n = n * (hex ? 16 : 10) + static_cast<std::uint32_t>(decimal ? c - '0' : l - 'a' + 10);
    }
    return n;
  }
  for (const auto& [known, point] : kNamed)
    if (name == known) return point;
  return 0;
}

}  // namespace

void append_decoded(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t at = std::min(text.find('&'), text.size());
    out.append(text.substr(0, at));
    text.remove_prefix(at);
    if (text.empty()) return;
    const std::size_t end = text.substr(0, kReferenceMax).find(';');
    const std::uint32_t point = end == text.npos ? 0 : reference(text.substr(1, end - 1));
    if (point == 0) {
      out.push_back('&');
      text.remove_prefix(1);
    } else {
      append_utf8(point, out);
      text.remove_prefix(end + 1);
    }
  }
}

std::string attribute(std::string_view attributes, std::string_view name) {
  for (std::size_t i = 0; i < attributes.size();) {
    while (i < attributes.size() && (blank(attributes[i]) || attributes[i] == '/')) ++i;
    const std::size_t begin = i;
    while (i < attributes.size() && attributes[i] != '=' && !blank(attributes[i])) ++i;
    std::string_view key = attributes.substr(begin, i - begin);
    if (const auto colon = key.rfind(':'); colon != key.npos) key.remove_prefix(colon + 1);
    while (i < attributes.size() && blank(attributes[i])) ++i;
    std::string_view value;
    if (i < attributes.size() && attributes[i] == '=') {
      ++i;
      while (i < attributes.size() && blank(attributes[i])) ++i;
      const bool quoted = i < attributes.size() && (attributes[i] == '"' || attributes[i] == '\'');
      const char quote = quoted ? attributes[i++] : ' ';
      const std::size_t from = i;
      while (i < attributes.size() && (quoted ? attributes[i] != quote : !blank(attributes[i])))
        ++i;
      value = attributes.substr(from, i - from);
      if (quoted && i < attributes.size()) ++i;
    } else if (i == begin) {
      ++i;
    }
    if (key.size() == name.size() && std::equal(key.begin(), key.end(), name.begin(),
                                                [](char a, char b) { return lower(a) == b; })) {
      std::string out;
      append_decoded(value, out);
      return out;
    }
  }
  return {};
}

void MarkupReader::say_text(std::string_view raw) {
  if (!skipping_.empty() || raw.empty()) return;
  if (raw.find('&') == raw.npos) {
    sink_.text(raw);
    return;
  }
  decoded_.clear();
  append_decoded(raw, decoded_);
  sink_.text(decoded_);
}

void MarkupReader::say_tag(std::string_view inside, std::uint64_t length) {
  const bool closing = inside.starts_with('/');
  if (closing) inside.remove_prefix(1);
  std::size_t end = 0;
  while (end < inside.size() && !blank(inside[end]) && inside[end] != '/') ++end;
  std::string_view raw = inside.substr(0, end);
  if (const auto colon = raw.rfind(':'); colon != raw.npos) raw.remove_prefix(colon + 1);
  name_.assign(raw);
  std::transform(name_.begin(), name_.end(), name_.begin(), lower);
  if (!skipping_.empty()) {
    if (!closing || name_ != skipping_) return;
    skipping_.clear();
  }
  if (closing) {
    sink_.closed(name_, at_ + length);
    return;
  }
  const bool empty = inside.ends_with('/');
  sink_.opened({name_, inside.substr(end), empty, at_});
  if (dialect_ == Dialect::html && !empty && (name_ == "script" || name_ == "style"))
    skipping_ = name_;
}

// take_tag takes a token that begins with '<'; 0 if it is not yet whole.
std::size_t MarkupReader::take_tag(std::string_view rest, bool at_end) {
  const auto section = [&](std::string_view open, std::string_view shut) -> std::size_t {
    const std::size_t end = rest.find(shut, open.size());
    if (end != rest.npos) return end + shut.size();
    return at_end || rest.size() > kTagBytesMax * 16 ? rest.size() : 0;
  };
  if (rest.starts_with("<!--")) return section("<!--", "-->");
  if (rest.starts_with("<![CDATA[")) {
    const std::size_t size = section("<![CDATA[", "]]>");
    if (size != 0 && skipping_.empty()) {
      const std::string_view inside = rest.substr(9, size - 9);
      sink_.text(inside.ends_with("]]>") ? inside.substr(0, inside.size() - 3) : inside);
    }
    return size;
  }
  if (!at_end && rest.size() < 9 && std::string_view("<![CDATA[").starts_with(rest)) return 0;
  if (!at_end && rest.size() < 4 && std::string_view("<!--").starts_with(rest)) return 0;
  if (rest.size() >= 2 && !letter(rest[1]) && rest[1] != '/' && rest[1] != '!' && rest[1] != '?') {
    say_text("<");
    return 1;
  }
  char quote = 0;
  bool after_equals = false;
  const std::size_t limit = std::min(rest.size(), kTagBytesMax);
  for (std::size_t i = 1; i < limit; ++i) {
    const char c = rest[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if ((c == '"' || c == '\'') && after_equals) {
      quote = c;
    } else if (c == '>') {
      if (rest[1] != '!' && rest[1] != '?') say_tag(rest.substr(1, i - 1), i + 1);
      return i + 1;
    }
    after_equals = c == '=' || (after_equals && blank(c));
  }
  if (limit < kTagBytesMax && !at_end) return 0;
  // All that was searched is text: to begin again behind the '<' would take quadratic time.
  say_text(rest.substr(0, limit));
  return limit;
}

std::size_t MarkupReader::take(std::string_view rest, bool at_end) {
  if (rest[0] == '<') return take_tag(rest, at_end);
  std::size_t end = rest.find('<');
  if (end == rest.npos) {
    end = rest.size();
    if (!at_end) {
      // A reference may be cut off at the end of the piece.
      const std::size_t tail = end > kReferenceMax ? end - kReferenceMax : 0;
      const std::size_t amp = rest.rfind('&');
      if (amp != rest.npos && amp >= tail && rest.find(';', amp) == rest.npos) end = amp;
    }
  }
  say_text(rest.substr(0, end));
  return end;
}

void MarkupReader::feed(std::string_view piece) {
  held_.append(piece);
  std::string_view rest = held_;
  while (!rest.empty()) {
    const std::size_t taken = take(rest, false);
    if (taken == 0) break;
    at_ += taken;
    rest.remove_prefix(taken);
  }
  held_.erase(0, held_.size() - rest.size());
}

void MarkupReader::finish() {
  std::string_view rest = held_;
  while (!rest.empty()) {
    const std::size_t taken = take(rest, true);
    at_ += taken;
    rest.remove_prefix(taken);
  }
  held_.clear();
}

}  // namespace amanat::net
