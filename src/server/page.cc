#include "server/page.h"

#include <charconv>

#include "net/json.h"

namespace amanat::server {
namespace {

// The reader's own choice: the cookie "language".
std::string_view chosen_language(const Request& request) {
  std::string_view cookies = request.header("cookie");
  for (std::size_t at = cookies.find("language="); at != cookies.npos;
       at = cookies.find("language=", at + 1)) {
    if (at != 0 && cookies[at - 1] != ' ' && cookies[at - 1] != ';') continue;
    return cookies.substr(at + 9, 2);
  }
  return {};
}

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::size_t kFormMax = 32 * 1024, kFieldsMax = 256 + 8;

}  // namespace

std::string Labels::field(std::string_view id) const {
  const auto known = catalog_.fields().find(id);
  if (!known) return std::string(id);
  using Tongue = registry::Catalog::Tongue;
  return catalog_.field_label(*known, urdu_ ? Tongue::urdu : Tongue::english);
}

std::vector<std::string> Labels::fields(const std::vector<std::string>& ids) const {
  std::vector<std::string> out;
  for (const auto& id : ids) out.push_back(field(id));
  return out;
}

std::string Labels::dataset(std::string_view name) const {
  using Tongue = registry::Catalog::Tongue;
  const std::string* label = catalog_.label_of(name, urdu_ ? Tongue::urdu : Tongue::english);
  return label == nullptr ? std::string(name) : *label;
}

std::string Labels::department(std::string_view id) const {
  using Tongue = registry::Catalog::Tongue;
  return catalog_.department_label(id, urdu_ ? Tongue::urdu : Tongue::english);
}

std::string Labels::purpose(const std::vector<policy::LawfulPurpose>& purposes,
                            std::string_view id) const {
  for (const auto& one : purposes)
    if (one.id == id) return urdu_ && !one.says_ur.empty() ? one.says_ur : one.says;
  return std::string(id);
}

bool wants_page(const Request& request) {
  return request.header("accept").starts_with("text/html");
}

console::Reader reader_of(const Request& request, std::string account) {
  console::Reader reader;
  reader.language =
      console::language_of(chosen_language(request), request.header("accept-language"));
  reader.account = std::move(account);
  if (request.method == "GET") reader.path = request.path;
  return reader;
}

Response page(std::string document, unsigned status) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", std::string(console::kContentPolicy)},
                      {"X-Frame-Options", "DENY"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      // Not "no-referrer": a form's Origin would then be "null", and be refused.
                      {"Referrer-Policy", "same-origin"},
                      {"Permissions-Policy",
                       "publickey-credentials-get=(self), publickey-credentials-create=(self)"},
                      {"Cache-Control", "no-store"}};
  response.body = std::move(document);
  return response;
}

Response see_other(const console::Address& address) {
  Response response = page({}, 303);
  response.headers.emplace_back("Location", address.text());
  return response;
}

Result<net::Form> form_of(const Request& request) {
  std::string_view type = request.header("content-type");
  type = type.substr(0, type.find(';'));
  if (type != kForm || !request.header("content-encoding").empty())
    return fail(Reason::wrong_media_type);
  return net::parse_form(request.body, {.bytes_max = kFormMax, .fields_max = kFieldsMax});
}

std::string text_of(const net::Form& form, std::string_view name) {
  return std::string(form.one(name).value_or(std::string_view()));
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Request as_json(const Request& request, std::string body) {
  Request changed = request;
  std::erase_if(changed.headers, [](const auto& h) {
    return h.first == "content-type" || h.first == "accept-language";
  });
  // What is put into words is in the language of the pages, whatever the browser prefers.
  const bool urdu = reader_of(request, {}).language == console::Language::urdu;
  changed.headers.emplace_back("accept-language", urdu ? "ur" : "en");
  changed.headers.emplace_back("content-type", "application/json");
  changed.body = std::move(body);
  return changed;
}

Result<std::string> signed_body(const net::Form& form, const SignedForm& what) {
  const auto first = form.one(what.field), made = form.one("signed");
  if (!first || !made || made->empty()) return fail(Reason::malformed_value, "the form");
  // It becomes part of a document: what is not one value by itself must not.
  if (auto read = net::parse_json(*made); !read) return std::unexpected(read.error());
  net::JsonWriter json;
  json.begin_object().key(what.as).string(*first).key(what.member).raw(*made).end_object();
  return json.take();
}

Response refused_page(const Failure& failure, const Request& request, std::string account) {
  if (failure.reason == Reason::no_session || failure.reason == Reason::no_credential)
    return see_other(console::Address("/sign-in"));
  const console::Reader reader = reader_of(request, std::move(account));
  Response refused =
      page(console::refused_page(reader, failure), row_of(failure.reason).http_status);
  refused.wait_ms = failure.wait_ms;
  return refused;
}

}  // namespace amanat::server
