#pragma once
// net, forms: the body of a page's form, application/x-www-form-urlencoded (WHATWG URL 5.1), read
// strictly. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"

namespace amanat::net {

struct FormLimits {
  std::size_t bytes_max = 64 * 1024;
  std::size_t fields_max = 1024;
  std::size_t name_bytes_max = 64;
};

/// Form is the fields of a form in the order they were sent; a name may repeat.
class Form {
 public:
  /// one is the value of the only field of that name; nothing if there is none or more than one.
  std::optional<std::string_view> one(std::string_view name) const;
  /// all are the values of every field of that name.
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  friend Result<Form> parse_form(std::string_view body, const FormLimits& limits);
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// parse_form reads a whole body: "%" always with two hex digits, values of valid UTF-8 without
/// control characters but line breaks and tabs. Errors: body_too_large, malformed_value.
Result<Form> parse_form(std::string_view body, const FormLimits& limits = {});

}  // namespace amanat::net
