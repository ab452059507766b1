#include "server/page.h"

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

}  // namespace

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

Response refused_page(const Failure& failure, const Request& request, std::string account) {
  if (failure.reason == Reason::no_session || failure.reason == Reason::no_credential)
    return see_other(console::Address("/sign-in"));
  const console::Reader reader = reader_of(request, std::move(account));
  return page(console::refused_page(reader, failure), row_of(failure.reason).http_status);
}

}  // namespace amanat::server
