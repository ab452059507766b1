// The JSON reader is its own: no floats, no repeated members and a bound on everything are rules
// here and options elsewhere, and it sits on the path of every question. It keeps its own stack of
// open containers, so that depth costs no machine stack. net/json_test.cc holds it against
// nlohmann's reader.

#include "net/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "model/insist.h"
#include "net/utf8.h"

namespace amanat::net {
namespace {

constexpr unsigned kDepthMost = 64;      // the stack's size; JsonLimits::depth_max may be less
constexpr std::size_t kFewMembers = 16;  // up to here comparing each with each is cheapest

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool repeats_a_name(const Json::Object& object) {
  if (object.size() <= kFewMembers) {
    for (std::size_t i = 1; i < object.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (object[i].name == object[j].name) return true;
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const auto& member : object) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

class Parser {
 public:
  Parser(std::string_view text, const JsonLimits& limits)
      : begin_(text.data()), p_(text.data()), end_(text.data() + text.size()), limits_(limits) {}

  Result<Json> parse();

 private:
  enum class Next : std::uint8_t { value, after_value, failed };

  // Pointers into the tree stay good: only the innermost open container grows.
  Next value(Json& into);
  Next open(Json& into, Json* container);
  Next close(char bracket);
  Next member();  // reads `"name" :` of the innermost object; next is its value
  Next element_or_close();
  bool string(std::string& out);
  bool escape(std::string& out);
  bool hex4(std::uint32_t& out);
  bool number(Json& into);
  bool wide_number(const char* start, Json& into);
  bool word(std::string_view w);
  void skip_space() {
    while (p_ != end_ && is_space(*p_)) ++p_;
  }
  Next wrong(const char* what) {
    if (what_ == nullptr) what_ = what;
    return Next::failed;
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const JsonLimits& limits_;
  const char* what_ = nullptr;
  std::array<Json*, kDepthMost> open_{};
  unsigned depth_ = 0;
  std::size_t values_ = 0;
  Json* slot_ = nullptr;  // where the next value goes
};

Result<Json> Parser::parse() {
  Json root;
  slot_ = &root;
  Next next = Next::value;
  while (next != Next::failed) {
    skip_space();
    if (next == Next::value) {
      next = value(*slot_);
    } else if (depth_ == 0) {
      if (p_ == end_) return root;
      next = wrong("something after the document");
    } else {
      next = element_or_close();
    }
  }
  insist(what_ != nullptr);
  insist(p_ >= begin_ && p_ <= end_);
  return fail(Reason::malformed_json,
              std::string(what_) + " at byte " + std::to_string(p_ - begin_));
}

Parser::Next Parser::value(Json& into) {
  if (p_ == end_) return wrong("a value is missing");
  if (++values_ > limits_.values_max) return wrong("too many values");
  switch (*p_) {
    case '{': {
      into.value.emplace<Json::Object>();
      return open(into, &into);
    }
    case '[': {
      into.value.emplace<Json::Array>();
      return open(into, &into);
    }
    case '"':
      return string(into.value.emplace<std::string>()) ? Next::after_value : Next::failed;
    case 't':
      into.value = true;
      return word("true") ? Next::after_value : Next::failed;
    case 'f':
      into.value = false;
      return word("false") ? Next::after_value : Next::failed;
    case 'n':
      into.value = nullptr;
      return word("null") ? Next::after_value : Next::failed;
    default:
      return number(into) ? Next::after_value : Next::failed;
  }
}

Parser::Next Parser::open(Json& into, Json* container) {
  if (depth_ >= limits_.depth_max || depth_ >= kDepthMost) return wrong("nested too deep");
  open_[depth_++] = container;
  ++p_;
  skip_space();
  if (auto* array = std::get_if<Json::Array>(&into.value)) {
    if (p_ != end_ && *p_ == ']') return close(']');
    array->reserve(4);
    slot_ = &array->emplace_back();
    return Next::value;
  }
  if (p_ != end_ && *p_ == '}') return close('}');
  std::get<Json::Object>(into.value).reserve(4);
  return member();
}

Parser::Next Parser::close(char bracket) {
  insist(depth_ > 0);
  Json& container = *open_[depth_ - 1];
  const auto* object = container.object();
  if ((bracket == '}') != (object != nullptr)) return wrong("a bracket of the other kind");
  if (object != nullptr && repeats_a_name(*object))
    return wrong("a member is repeated in the object that ends");
  --depth_;
  ++p_;
  return Next::after_value;
}

Parser::Next Parser::member() {
  if (p_ == end_ || *p_ != '"') return wrong("a member's name is missing");
  auto& object = std::get<Json::Object>(open_[depth_ - 1]->value);
  auto& added = object.emplace_back();
  if (!string(added.name)) return Next::failed;
  skip_space();
  if (p_ == end_ || *p_ != ':') return wrong("a colon is missing");
  ++p_;
  slot_ = &added.value;
  return Next::value;
}

Parser::Next Parser::element_or_close() {
  if (p_ == end_) return wrong("the document ends too early");
  if (*p_ == '}' || *p_ == ']') return close(*p_);
  if (*p_ != ',') return wrong("a comma is missing");
  ++p_;
  if (auto* array = std::get_if<Json::Array>(&open_[depth_ - 1]->value)) {
    slot_ = &array->emplace_back();
    return Next::value;
  }
  skip_space();
  return member();
}

bool Parser::string(std::string& out) {
  insist(*p_ == '"');
  ++p_;
  for (;;) {
    const char* run = p_;
    while (p_ != end_) {
      const auto c = static_cast<unsigned char>(*p_);
      if (c == '"' || c == '\\' || c < 0x20) break;
      if (c < 0x80) {
        ++p_;
        continue;
      }
      const std::size_t n = utf8_length(reinterpret_cast<const unsigned char*>(p_),
                                        static_cast<std::size_t>(end_ - p_));
      if (n == 0) return wrong("text that is not UTF-8"), false;
      p_ += n;
    }
    out.append(run, p_);
    if (p_ == end_) return wrong("a string does not end"), false;
    if (*p_ == '"') return ++p_, true;
    if (*p_ != '\\') return wrong("a control byte in a string"), false;
    ++p_;
    if (!escape(out)) return false;
  }
}

bool Parser::escape(std::string& out) {
  if (p_ == end_) return wrong("a string does not end"), false;
  switch (*p_++) {
    case '"':
      return out.push_back('"'), true;
    case '\\':
      return out.push_back('\\'), true;
    case '/':
      return out.push_back('/'), true;
    case 'b':
      return out.push_back('\b'), true;
    case 'f':
      return out.push_back('\f'), true;
    case 'n':
      return out.push_back('\n'), true;
    case 'r':
      return out.push_back('\r'), true;
    case 't':
      return out.push_back('\t'), true;
    case 'u':
      break;
    default:
      return wrong("an unknown escape"), false;
  }
  std::uint32_t c = 0, low = 0;
  if (!hex4(c)) return false;
  if (c >= 0xDC00 && c <= 0xDFFF) return wrong("half a surrogate pair"), false;
  if (c >= 0xD800 && c <= 0xDBFF) {
    if (end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u')
      return wrong("half a surrogate pair"), false;
    p_ += 2;
    if (!hex4(low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return wrong("half a surrogate pair"), false;
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, c);
  return true;
}

bool Parser::hex4(std::uint32_t& out) {
  if (end_ - p_ < 4) return wrong("an escape of four hex digits is cut short"), false;
  out = 0;
  for (int i = 0; i < 4; ++i, ++p_) {
    const char c = *p_;
    std::uint32_t digit = 0;
    if (is_digit(c))
      digit = static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    else
      return wrong("an escape of four hex digits is cut short"), false;
    out = out << 4 | digit;
  }
  return true;
}

bool Parser::number(Json& into) {
  const char* start = p_;
  const bool negative = *p_ == '-';
  if (negative) ++p_;
  const char* digits = p_;
  while (p_ != end_ && is_digit(*p_)) ++p_;
  if (p_ == digits) return wrong("not a value"), false;
  if (*digits == '0' && p_ - digits > 1) return wrong("a number with a leading zero"), false;
  if (p_ != end_ && (*p_ == '.' || *p_ == 'e' || *p_ == 'E')) {
    if (limits_.numbers == JsonNumbers::any) return wide_number(start, into);
    return wrong("a number that is not written as an integer"), false;
  }
  bool fits = false;
  if (negative) {
    std::int64_t n = 0;
    const auto [stop, error] = std::from_chars(start, p_, n);
    fits = error == std::errc{} && stop == p_;
    into.value = n;
  } else {
    std::uint64_t n = 0;
    const auto [stop, error] = std::from_chars(start, p_, n);
    fits = error == std::errc{} && stop == p_;
    into.value = n;
  }
  if (!fits && limits_.numbers == JsonNumbers::any) return wide_number(start, into);
  if (!fits) return wrong("a number too large"), false;
  return true;
}

// wide_number takes fraction and exponent (RFC 8259 6); p_ stands behind the integer part.
bool Parser::wide_number(const char* start, Json& into) {
  const auto digits = [this] {
    const char* first = p_;
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return p_ != first;
  };
  if (p_ != end_ && *p_ == '.') {
    ++p_;
    if (!digits()) return wrong("a number whose fraction is missing"), false;
  }
  if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
    ++p_;
    if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
    if (!digits()) return wrong("a number whose exponent is missing"), false;
  }
  into.value = Json::Number{std::string(start, p_)};
  return true;
}

bool Parser::word(std::string_view w) {
  if (static_cast<std::size_t>(end_ - p_) < w.size() || std::memcmp(p_, w.data(), w.size()) != 0)
    return wrong("not a value"), false;
  p_ += w.size();
  return true;
}

// append_quoted copies runs that need no escape in one piece.
template <class Out>
void append_quoted(Out& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto put = [&out](std::string_view piece) { out.append(piece); };
  put("\"");
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
    put(text.substr(clean, i - clean));
    clean = i + 1;
    switch (c) {
      case '"':
        put("\\\"");
        break;
      case '\\':
        put("\\\\");
        break;
      case '\n':
        put("\\n");
        break;
      case '\t':
        put("\\t");
        break;
      case '\r':
        put("\\r");
        break;
      default: {
        const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
        put(std::string_view(escape, sizeof escape));
      }
    }
  }
  put(text.substr(clean));
  put("\"");
}

}  // namespace

std::optional<std::uint64_t> Json::integer() const {
  if (const auto* n = std::get_if<std::uint64_t>(&value)) return *n;
  if (const auto* n = std::get_if<std::int64_t>(&value); n != nullptr && *n >= 0)
    return static_cast<std::uint64_t>(*n);
  return std::nullopt;
}

std::optional<bool> Json::boolean() const {
  if (const auto* b = std::get_if<bool>(&value)) return *b;
  return std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  if (const auto* members = object())
    for (const auto& member : *members)
      if (member.name == name) return &member.value;
  return nullptr;
}

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max)
    return fail(Reason::body_too_large,
                "JSON of more than " + std::to_string(limits.bytes_max) + " bytes");
  return Parser(text, limits).parse();
}

void append_json_string(std::string& out, std::string_view text) { append_quoted(out, text); }
void append_json_string(WipingBuffer& out, std::string_view text) { append_quoted(out, text); }

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  insist(open_.empty() ? out_.empty() : open_.back() == ']');
  if (!open_.empty() && !first_) out_.push_back(',');
  first_ = false;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  out_.push_back('{');
  open_.push_back('}');
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  insist(!open_.empty() && open_.back() == '}');
  insist(!after_key_);
  out_.push_back('}');
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  out_.push_back('[');
  open_.push_back(']');
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  insist(!open_.empty() && open_.back() == ']');
  insist(!after_key_);
  out_.push_back(']');
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  insist(!open_.empty() && open_.back() == '}');
  insist(!after_key_);
  if (!first_) out_.push_back(',');
  first_ = false;
  append_json_string(out_, name);
  out_.push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  before_value();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t n) {
  before_value();
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, n);
  insist(error == std::errc{});
  out_.append(digits, end);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool b) {
  before_value();
  out_ += b ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  insist(!json.empty());
  before_value();
  out_ += json;
  return *this;
}

std::string JsonWriter::take() {
  insist(open_.empty());
  insist(!after_key_ && !out_.empty());
  std::string out = std::move(out_);
  out_.clear();
  first_ = true;
  return out;
}

}  // namespace amanat::net
