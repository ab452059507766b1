#include "net/form.h"

#include <algorithm>

namespace amanat::net {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else if (text[i] <= 0x20 || text[i] >= 0x7f) {
      return false;
    } else {
      out.push_back(text[i]);
    }
  }
  return true;
}

}  // namespace

Result<Form> Form::read(std::string_view body, const FormLimits& limits) {
  if (body.size() > limits.bytes_max)
    return fail(Reason::oauth_request_wrong, "the body is too long");
  Form form;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, std::min(body.find('&'), body.size()));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    if (form.members_.size() == limits.members_max)
      return fail(Reason::oauth_request_wrong, "too many parameters");
    const std::size_t sign = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (!decode(pair.substr(0, sign), name) || name.empty() ||
        !decode(pair.substr(std::min(sign + 1, pair.size())), value))
      return fail(Reason::oauth_request_wrong, "a parameter is not form-encoded");
    for (const auto& [known, _] : form.members_)
      if (known == name) return fail(Reason::oauth_request_wrong, "a parameter is repeated");
    form.members_.emplace_back(std::move(name), std::move(value));
  }
  return form;
}

const std::string* Form::find(std::string_view name) const {
  const auto at = std::ranges::find_if(members_, [&](const auto& m) { return m.first == name; });
  return at == members_.end() || at->second.empty() ? nullptr : &at->second;
}

}  // namespace amanat::net
