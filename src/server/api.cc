#include "server/api.h"

#include <algorithm>
#include <memory>

#include "net/json.h"
#include "server/exchange.h"
#include "server/problem.h"
#include "server/report_desk.h"

namespace amanat::server {
namespace {

// Asking keeps a request alive until its answer is written, and wipes what it asked.
struct Asking {
  Request request;
  net::Reply reply;
  ~Asking() { wipe(request.body.data(), request.body.size()); }
};

Response answered(const Answer& answer) {
  Response response;
  response.body.assign(answer.body());
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response ledger_file(std::string content, std::string_view type, std::string_view caching) {
  Response response;
  response.content_type = type;
  response.headers.emplace_back("Cache-Control", caching);
  response.body = std::move(content);
  return response;
}

std::string report_json(const registry::ImportReport& report) {
  net::JsonWriter json;
  json.begin_object();
  json.key("dataset").string(report.dataset);
  json.key("rows").number(report.rows);
  json.key("accepted").number(report.accepted);
  json.key("repeated").number(report.repeated);
  json.key("blank").number(report.blank);
  json.key("quarantined").number(report.quarantined);
  json.key("reasons").begin_object();
  for (const auto& [reason, n] : report.reasons) json.key(reason).number(n);
  json.end_object();
  json.key("rows_quarantined").begin_array();
  for (const auto& q : report.first_quarantined) {
    json.begin_object();
    json.key("row").number(q.row);
    json.key("field").string(q.field);
    json.key("reason").string(row_of(q.reason).id);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

// describe writes one operation of a path.
void describe(const RouteInfo& route, const std::string& path, net::JsonWriter& json) {
  std::string method = route.method;
  for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
  json.key(method).begin_object();
  json.key("summary").string(route.says);
  json.key("description").string("Who: " + route.who + ".");
  if (const auto brace = path.find('{'); brace != std::string::npos) {
    json.key("parameters").begin_array().begin_object();
    json.key("name").string(path.substr(brace + 1, path.size() - brace - 2));
    json.key("in").string("path");
    json.key("required").boolean(true);
    json.key("schema").begin_object().key("type").string("string").end_object();
    json.end_object().end_array();
  }
  json.key("security").begin_array();
  if (!route.is_public) json.begin_object().key("device").begin_array().end_array().end_object();
  json.end_array();
  json.key("responses").begin_object();
  json.key("200").begin_object().key("description").string("Answered.").end_object();
  json.key("default").begin_object();
  json.key("description").string("Refused or failed: application/problem+json with a reason.");
  json.end_object();
  json.end_object();
  json.end_object();
}

}  // namespace

Api::~Api() = default;

Api::Api(Exchange& exchange)
    : exchange_(exchange),
      reports_(std::make_unique<ReportDesk>(exchange)),
      routes_([&exchange](const Request& request) { return exchange.identity().admit(request); },
              [&exchange](const Request& request) { return exchange.identity().signed_in(request); },
              [&exchange](const Request& request) { return exchange.identity().confirm(request); }) {
  add_lookups();
  add_extracts();
  add_records();
  add_me();
  add_sign_in();
  add_enrolment();
  add_oauth();
  add_alerts();
  add_traces();
  add_approvals();
  add_cases();
  add_policy();
  add_retention();
  add_pages();
  add_public();
}

void Api::add_lookups() {
  routes_.question({"POST", "/v1/lookups", "officer, service", "Ask a purpose-bound question."},
                   [this](Request request, net::Reply reply) {
                     auto asking = std::make_shared<Asking>();
                     asking->request = std::move(request);
                     asking->reply = std::move(reply);
                     auto task = exchange_.lookup().answer(asking->request);
                     start(std::move(task), [asking](Result<Answer> answer) {
                       asking->reply(answer ? answered(*answer)
                                            : refusal(answer.error(), asking->request));
                     });
                   });
}

void Api::add_records() {
  routes_.data({"POST", "/v1/records/{dataset}", "service with the right 'records'",
                "Send records of a dataset, one JSON object a line, under the rules of import."},
               [this](const Caller& caller, const Request& request,
                      std::string_view dataset) -> Result<Response> {
                 if (!exchange_.policy().may(caller.asker(), "records"))
                   return fail(Reason::not_your_right, "records");
                 auto report = exchange_.registry().import_lines(dataset, request.body);
                 if (!report) return std::unexpected(report.error());
                 Response response;
                 response.body = report_json(*report);
                 return response;
               });
}

void Api::add_public() {
  using identity::PublicRoute;
  routes_.open(PublicRoute::health, {"GET", "/healthz", "anyone", "Is it up? An empty body."},
               [](const Request&, std::string_view) -> Result<Response> {
                 Response response;
                 response.content_type = "text/plain";
                 return response;
               });
  routes_.open(PublicRoute::description,
               {"GET", "/v1/openapi.json", "anyone", "This description of the routes."},
               [this](const Request&, std::string_view) -> Result<Response> {
                 Response response;
                 response.body = description();
                 return response;
               });
  routes_.open(
      PublicRoute::checkpoint,
      {"GET", "/ledger/checkpoint", "anyone", "The ledger's signed head (C2SP tlog-checkpoint)."},
      [this](const Request&, std::string_view) -> Result<Response> {
        return ledger_file(exchange_.ledger().checkpoint(), "text/plain; charset=utf-8",
                           "max-age=1");
      });
  routes_.open(PublicRoute::tile,
               {"GET", "/ledger/tile/{tile...}", "anyone", "The ledger's tiles (C2SP tlog-tiles)."},
               [this](const Request&, std::string_view rest) -> Result<Response> {
                 auto tile = exchange_.ledger().resource("tile/" + std::string(rest));
                 if (!tile) return std::unexpected(tile.error());
                 return ledger_file(*std::move(tile), "application/octet-stream",
                                    "public, max-age=31536000, immutable");
               });
}

std::string Api::description() const {
  net::JsonWriter json;
  json.begin_object();
  json.key("openapi").string("3.1.0");
  json.key("info").begin_object();
  json.key("title").string("Amanat");
  json.key("version").string("0.1.0");
  json.end_object();
  json.key("paths").begin_object();
  // One member a path, whatever verbs it has: a repeated member would be no JSON for careful readers.
  const auto written = [](std::string path) {
    if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
    return path;
  };
  std::vector<std::string> paths;
  for (const RouteInfo& route : routes_.list())
    if (std::find(paths.begin(), paths.end(), written(route.path)) == paths.end())
      paths.push_back(written(route.path));
  for (const std::string& path : paths) {
    json.key(path).begin_object();
    for (const RouteInfo& route : routes_.list())
      if (written(route.path) == path) describe(route, path, json);
    json.end_object();
  }
  json.end_object();
  json.key("components").begin_object().key("securitySchemes").begin_object();
  json.key("device").begin_object();
  json.key("type").string("mutualTLS");
  json.key("description").string("The certificate of an enrolled device.");
  json.end_object();
  json.end_object().end_object();
  json.end_object();
  return json.take();
}

}  // namespace amanat::server
