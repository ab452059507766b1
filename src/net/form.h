#pragma once
// net, form: application/x-www-form-urlencoded bodies (WHATWG URL 5, RFC 6749 appendix B), read
// strictly. Pure functions.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"

namespace amanat::net {

struct FormLimits {
  std::size_t bytes_max = 32 * 1024;
  std::size_t members_max = 32;
};

/// Form is a body's members in order; no name stands twice (RFC 6749 3.2).
class Form {
 public:
  /// read takes a body apart. Errors: oauth_request_wrong (what, never the content).
  static Result<Form> read(std::string_view body, const FormLimits& limits = {});
  /// find returns the member's value, or null; an empty value counts as left out (RFC 6749 3.2).
  const std::string* find(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace amanat::net
