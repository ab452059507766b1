// libyaml turns bytes into events, one at a time; the tree is built here, so that depth, count and
// repetition are bounded before memory is spent. It is entered with a length it was given, never
// with a file.

#include "net/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "model/insist.h"

namespace amanat::net {
namespace {

constexpr unsigned kDepthMost = 64;

// Event is one event, freed when it dies.
struct Event {
  yaml_event_t event{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event); }
};

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// other_number says whether a plain word is a float of the core schema (YAML 1.2.2, 10.3.2).
bool other_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto mark = std::min(text.find_first_of("eE"), text.size());
  auto mantissa = text.substr(0, mark);
  if (mark < text.size()) {
    auto exponent = text.substr(mark + 1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (!is_digits(exponent)) return false;
  }
  const auto dot = mantissa.find('.');
  if (dot == mantissa.npos) return mark < text.size() && is_digits(mantissa);
  const auto before = mantissa.substr(0, dot), after = mantissa.substr(dot + 1);
  return (is_digits(before) && (after.empty() || is_digits(after))) ||
         (before.empty() && is_digits(after));
}

void resolve_plain(std::string_view text, Json& into) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    into.value = nullptr;
  } else if (text == "true" || text == "True" || text == "TRUE") {
    into.value = true;
  } else if (text == "false" || text == "False" || text == "FALSE") {
    into.value = false;
  } else {
    std::uint64_t whole = 0;
    std::int64_t negative = 0;
    const char* end = text.data() + text.size();
    if (is_digits(text)) {
      const auto [stop, error] = std::from_chars(text.data(), end, whole);
      if (error == std::errc{} && stop == end)
        into.value = whole;
      else
        into.value = Json::Number{std::string(text)};
    } else if (text[0] == '-' && is_digits(text.substr(1))) {
      const auto [stop, error] = std::from_chars(text.data(), end, negative);
      if (error == std::errc{} && stop == end)
        into.value = negative;
      else
        into.value = Json::Number{std::string(text)};
    } else if (other_number(text)) {
      into.value = Json::Number{std::string(text)};
    } else {
      into.value = std::string(text);
    }
  }
}

class Reader {
 public:
  Reader(std::string_view text, const JsonLimits& limits) : limits_(limits) {
    made_ = yaml_parser_initialize(&parser_) == 1;
    if (!made_) return;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  ~Reader() {
    if (made_) yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<Json> read();

 private:
  bool wrong(const char* what, std::size_t line) {
    if (what_ == nullptr) {
      what_ = what;
      line_ = line + 1;
    }
    return false;
  }
  bool take(const yaml_event_t& event);
  bool scalar(const yaml_event_t& event);
  bool open(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag,
            Json value);
  bool close(const yaml_event_t& event);
  // place returns where the next value goes, or null; a mapping's key must have come before.
  Json* place(const yaml_event_t& event);

  yaml_parser_t parser_{};
  bool made_ = false;
  const JsonLimits& limits_;
  const char* what_ = nullptr;
  std::size_t line_ = 0, values_ = 0;
  unsigned documents_ = 0;
  Json root_;
  bool rooted_ = false;
  struct Level {
    Json* container;
    bool has_key = false;
  };
  std::vector<Level> open_;
};

Result<Json> Reader::read() {
  if (!made_) return fail(Reason::internal_error, "YAML");
  for (;;) {
    Event next;
    if (yaml_parser_parse(&parser_, &next.event) != 1) {
      wrong("not YAML", parser_.problem_mark.line);
      break;
    }
    if (next.event.type == YAML_STREAM_END_EVENT) break;
    if (!take(next.event)) break;
  }
  if (what_ == nullptr && !rooted_) wrong("no document", 0);
  if (what_ != nullptr)
    return fail(Reason::malformed_yaml, std::string(what_) + " at line " + std::to_string(line_));
  insist(open_.empty());
  return std::move(root_);
}

bool Reader::take(const yaml_event_t& event) {
  const std::size_t line = event.start_mark.line;
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      return ++documents_ == 1 || wrong("a second document", line);
    case YAML_ALIAS_EVENT:
      return wrong("an alias", line);
    case YAML_SCALAR_EVENT:
      return scalar(event);
    case YAML_SEQUENCE_START_EVENT:
      return open(event, event.data.sequence_start.anchor, event.data.sequence_start.tag,
                  Json{Json::Array{}});
    case YAML_MAPPING_START_EVENT:
      return open(event, event.data.mapping_start.anchor, event.data.mapping_start.tag,
                  Json{Json::Object{}});
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return close(event);
    default:
      return true;
  }
}

Json* Reader::place(const yaml_event_t& event) {
  if (++values_ > limits_.values_max)
    return wrong("too many values", event.start_mark.line), nullptr;
  if (open_.empty()) {
    insist(!rooted_);
    rooted_ = true;
    return &root_;
  }
  Level& level = open_.back();
  if (auto* array = std::get_if<Json::Array>(&level.container->value))
    return &array->emplace_back();
  auto& object = std::get<Json::Object>(level.container->value);
  if (!level.has_key) return wrong("a key that is no word", event.start_mark.line), nullptr;
  level.has_key = false;
  return &object.back().value;
}

bool Reader::scalar(const yaml_event_t& event) {
  const auto& s = event.data.scalar;
  const std::size_t line = event.start_mark.line;
  if (s.anchor != nullptr) return wrong("an anchor", line);
  if (s.tag != nullptr) return wrong("a tag", line);
  const std::string_view text(reinterpret_cast<const char*>(s.value), s.length);
  if (!open_.empty() && !open_.back().has_key) {
    Level& level = open_.back();
    if (auto* object = std::get_if<Json::Object>(&level.container->value)) {
      if (text == "<<" && s.style == YAML_PLAIN_SCALAR_STYLE) return wrong("a merge key", line);
      object->push_back({std::string(text), Json{}});
      level.has_key = true;
      return true;
    }
  }
  Json* into = place(event);
  if (into == nullptr) return false;
  if (s.style == YAML_PLAIN_SCALAR_STYLE)
    resolve_plain(text, *into);
  else
    into->value = std::string(text);
  return true;
}

bool Reader::open(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag,
                  Json value) {
  const std::size_t line = event.start_mark.line;
  if (anchor != nullptr) return wrong("an anchor", line);
  if (tag != nullptr) return wrong("a tag", line);
  if (open_.size() >= std::min(limits_.depth_max, kDepthMost))
    return wrong("nested too deep", line);
  Json* into = place(event);
  if (into == nullptr) return false;
  *into = std::move(value);
  open_.push_back({into});
  return true;
}

bool Reader::close(const yaml_event_t& event) {
  insist(!open_.empty());
  if (const auto* object = open_.back().container->object()) {
    std::vector<std::string_view> names;
    names.reserve(object->size());
    for (const auto& member : *object) names.push_back(member.name);
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
      return wrong("a key is repeated in the mapping that ends", event.start_mark.line);
  }
  open_.pop_back();
  return true;
}

}  // namespace

Result<Json> parse_yaml(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max)
    return fail(Reason::body_too_large,
                "YAML of more than " + std::to_string(limits.bytes_max) + " bytes");
  if (text.data() == nullptr) text = "";  // libyaml asserts that there is a place
  Reader reader(text, limits);
  return reader.read();
}

}  // namespace amanat::net
