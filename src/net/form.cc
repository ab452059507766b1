#include "net/form.h"

#include "net/utf8.h"

namespace amanat::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::malformed_value, "the form: " + std::move(what));
}

Result<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return wrong("a % without two hex digits");
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  for (const char c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f)
      return wrong("a control character");
  }
  if (!is_utf8(out)) return wrong("text that is not UTF-8");
  return out;
}

}  // namespace

std::optional<std::string_view> Form::one(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [field, value] : fields_) {
    if (field != name) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

std::vector<std::string_view> Form::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [field, value] : fields_)
    if (field == name) found.push_back(value);
  return found;
}

Result<Form> parse_form(std::string_view body, const FormLimits& limits) {
  if (body.size() > limits.bytes_max) return fail(Reason::body_too_large);
  Form form;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view field = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (field.empty()) continue;
    if (form.fields_.size() >= limits.fields_max) return wrong("too many fields");
    const std::size_t equals = std::min(field.find('='), field.size());
    auto name = decoded(field.substr(0, equals));
    if (!name) return std::unexpected(name.error());
    if (name->empty() || name->size() > limits.name_bytes_max) return wrong("a field's name");
    auto value = decoded(field.substr(std::min(equals + 1, field.size())));
    if (!value) return std::unexpected(value.error());
    form.fields_.emplace_back(*std::move(name), *std::move(value));
  }
  return form;
}

}  // namespace amanat::net
