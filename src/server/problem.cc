#include "server/problem.h"

#include "net/json.h"

namespace amanat::server {

Response problem(const Failure& failure, std::string_view accept_language) {
  const ReasonRow& row = row_of(failure.reason);
  const bool urdu = accept_language.starts_with("ur");
  net::JsonWriter json;
  json.begin_object();
  json.key("type").string("about:blank");
  json.key("title").string(urdu ? row.urdu : row.english);
  json.key("status").number(row.http_status);
  json.key("reason").string(row.id);
  if (row.detail_shown && !failure.detail.empty()) json.key("detail").string(failure.detail);
  json.key("next").string(urdu ? row.next_urdu : row.next_english);
  json.end_object();
  Response response;
  response.status = row.http_status;
  response.content_type = "application/problem+json";
  response.headers.emplace_back("Content-Language", urdu ? "ur" : "en");
  if (row.http_status == 503 || row.http_status == 429)
    response.headers.emplace_back("Retry-After", "1");
  response.body = json.take();
  return response;
}

}  // namespace amanat::server
