#pragma once
// net, JSON (RFC 8259): a strict reader for hostile input and a small writer. Pure functions.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/result.h"
#include "model/secret.h"

namespace amanat::net {

/// Json is a parsed value. Integers only (u64/i64 range), unless the limits ask for others too;
/// object members keep their order and never repeat.
struct Json {
  struct Member;
  using Object = std::vector<Member>;
  using Array = std::vector<Json>;
  /// Number is one that is no 64-bit integer, as it was written.
  struct Number {
    std::string text;
  };
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, std::string, Array, Object,
               Number>
      value;

  const Object* object() const { return std::get_if<Object>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const std::string* string() const { return std::get_if<std::string>(&value); }
  /// integer is the value as u64 where it is a non-negative integer.
  std::optional<std::uint64_t> integer() const;
  std::optional<bool> boolean() const;
  /// find returns the member of that name, or null.
  const Json* find(std::string_view name) const;
};
struct Json::Member {
  std::string name;
  Json value;
};

/// JsonNumbers says which numbers are read: integers alone, or those with fraction or exponent and
/// those beyond 64 bits as well (foreign documents; never a question).
enum class JsonNumbers : std::uint8_t { integers, any };

struct JsonLimits {
  std::size_t bytes_max = 64 * 1024;
  unsigned depth_max = 16;
  std::size_t values_max = 4096;
  JsonNumbers numbers = JsonNumbers::integers;
};
/// parse_json reads exactly one document: valid UTF-8, no repeated member, nothing after it.
/// Errors: malformed_json (what and at which byte, never the content), body_too_large.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// append_json_string appends `text` (UTF-8) quoted and escaped; control bytes as \u00XX.
void append_json_string(std::string& out, std::string_view text);
void append_json_string(WipingBuffer& out, std::string_view text);

/// JsonWriter writes one document, with commas and quotes where they belong; it insists that
/// objects and arrays are closed in order.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& number(std::uint64_t n);
  JsonWriter& boolean(bool b);
  JsonWriter& null();
  /// raw puts a value that is JSON already.
  JsonWriter& raw(std::string_view json);
  std::string take();

 private:
  void before_value();
  std::string out_;
  std::vector<char> open_;
  bool first_ = true, after_key_ = false;
};

}  // namespace amanat::net
