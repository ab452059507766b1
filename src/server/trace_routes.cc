// Traces over HTTP: an auditor hands a leaked file in, part by part, two of them open it, and both
// see how far it is and what came out (docs/trace-case.md).

#include <charconv>

#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/sealed_file.h"
#include "server/trace_words.h"
#include "server/traces.h"

namespace amanat::server {
namespace {

constexpr std::size_t kTextMax = 200;

Response json_response(std::string body, unsigned status = 200) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

Response file_response(std::string body, std::string_view type, std::string_view name) {
  Response response;
  response.content_type = type;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Content-Disposition",
                                "attachment; filename=\"" + std::string(name) + "\"");
  response.body = std::move(body);
  return response;
}

Result<Traces::Begin> begin_of(std::string_view body) {
  auto json = net::parse_json(body);
  if (!json) return std::unexpected(json.error());
  if (json->object() == nullptr) return fail(Reason::malformed_json, "an object");
  Traces::Begin begin;
  for (const auto& member : *json->object()) {
    if (member.name == "bytes") {
      const auto bytes = member.value.integer();
      if (!bytes) return fail(Reason::malformed_value, "bytes is a number");
      begin.bytes = *bytes;
      continue;
    }
    std::string* const to = member.name == "name"         ? &begin.name
                            : member.name == "brought_by" ? &begin.brought_by
                            : member.name == "leak_day"   ? &begin.leak_day
                                                          : nullptr;
    const std::string* text = member.value.string();
    if (to == nullptr) return fail(Reason::malformed_json, "an unknown member");
    if (text == nullptr || text->size() > kTextMax)
      return fail(Reason::malformed_value, member.name);
    *to = *text;
  }
  if (!begin.bytes) return fail(Reason::malformed_value, "bytes is a number");
  return begin;
}

Result<std::uint64_t> offset_of(std::string_view query) {
  constexpr std::string_view kName = "offset=";
  std::uint64_t offset = 0;
  if (!query.starts_with(kName)) return fail(Reason::malformed_request, "?offset=N");
  query.remove_prefix(kName.size());
  const auto [end, error] = std::from_chars(query.data(), query.data() + query.size(), offset);
  if (error != std::errc() || end != query.data() + query.size())
    return fail(Reason::malformed_value, "offset");
  return offset;
}

std::pair<std::string_view, std::string_view> parted(std::string_view rest) {
  const std::size_t slash = rest.find('/');
  if (slash == rest.npos) return {rest, {}};
  return {rest.substr(0, slash), rest.substr(slash + 1)};
}

std::string case_json(const Traces& traces, const TraceCase& one) {
  net::JsonWriter json;
  json.begin_object();
  put_case(json, one, traces.progress());
  if (auto summary = traces.summary(one.id)) json.key("summary").raw(*summary);
  if (auto findings = traces.findings(one.id)) json.key("findings").raw(*findings);
  json.end_object();
  return json.take();
}

Result<Response> show(const Traces& traces, std::string_view rest) {
  const auto [id, what] = parted(rest);
  auto one = traces.find(id);
  if (!one) return std::unexpected(one.error());
  if (what.empty()) return json_response(case_json(traces, *one));
  const auto given = [&](Result<std::string> text, std::string_view type,
                         const std::string& name) -> Result<Response> {
    if (!text) return std::unexpected(text.error());
    return file_response(*std::move(text), type, one->id + name);
  };
  if (what == "bundle") return given(traces.bundle(id), "application/x-tar", "-evidence.tar");
  if (what == "impact") return given(traces.impact(id), "text/csv; charset=utf-8", "-impact.csv");
  if (what == "report")
    return given(traces.report(id, "report.html"), "text/html; charset=utf-8", ".html");
  if (what == "report.ur")
    return given(traces.report(id, "report.ur.html"), "text/html; charset=utf-8", ".ur.html");
  if (what == "report.pdf")
    return given(traces.report(id, "report.pdf"), "application/pdf", ".pdf");
  return fail(Reason::no_such_route);
}

}  // namespace

void Api::add_traces() {
  const std::string who = "officer with the right 'audit'";
  const auto audits = [this](const Caller& caller) -> Result<void> {
    if (!exchange_.policy().may(caller.asker(), "audit"))
      return fail(Reason::not_your_right, "audit");
    return {};
  };
  routes_.data({"POST", "/v1/traces", who,
                "Begin a trace: {name, bytes, brought_by, leak_day}; the file follows in parts."},
               [this, audits](const Caller& caller, const Request& request,
                              std::string_view) -> Result<Response> {
                 if (auto may = audits(caller); !may) return std::unexpected(may.error());
                 auto begin = begin_of(request.body);
                 if (!begin) return std::unexpected(begin.error());
                 auto id = exchange_.traces().begin(*begin);
                 if (!id) return std::unexpected(id.error());
                 net::JsonWriter json;
                 json.begin_object().key("id").string(*id).key("part_bytes").number(kSealedPiece);
                 json.end_object();
                 return json_response(json.take(), 201);
               });
  routes_.data(
      {"GET", "/v1/traces", who, "Every trace and where it stands."},
      [this, audits](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        if (auto may = audits(caller); !may) return std::unexpected(may.error());
        net::JsonWriter json;
        json.begin_object().key("traces").begin_array();
        for (const TraceCase& one : exchange_.traces().list()) {
          json.begin_object();
          put_case(json, one, exchange_.traces().progress());
          json.end_object();
        }
        json.end_array().end_object();
        return json_response(json.take());
      });
  routes_.data(
      {"GET", "/v1/traces/{trace...}", who,
       "A trace; with /bundle, /report, /report.ur, /report.pdf or /impact what came out."},
      [this, audits](const Caller& caller, const Request&,
                     std::string_view rest) -> Result<Response> {
        if (auto may = audits(caller); !may) return std::unexpected(may.error());
        return show(exchange_.traces(), rest);
      });
  routes_.data({"PUT", "/v1/traces/{trace}", who,
                "A part of the file, at ?offset=N; 49,152 bytes each but the last."},
               [this, audits](const Caller& caller, const Request& request,
                              std::string_view id) -> Result<Response> {
                 if (auto may = audits(caller); !may) return std::unexpected(may.error());
                 auto offset = offset_of(request.query);
                 if (!offset) return std::unexpected(offset.error());
                 auto have = exchange_.traces().append(id, *offset, request.body);
                 if (!have) return std::unexpected(have.error());
                 return json_response("{\"have\":" + std::to_string(*have) + "}");
               });
  routes_.data({"DELETE", "/v1/traces/{trace}", who, "Cancel a trace that is not sealed yet."},
               [this, audits](const Caller& caller, const Request&,
                              std::string_view id) -> Result<Response> {
                 if (auto may = audits(caller); !may) return std::unexpected(may.error());
                 if (auto done = exchange_.traces().cancel(id); !done)
                   return std::unexpected(done.error());
                 return json_response("{}");
               });
  routes_.proven_by(
      [this](const Request& request) { return exchange_.confirm(request); },
      {"POST", "/v1/traces/{trace}", "officer with the right 'audit', twice",
       "Open a trace (act 'open-trace', target its id): the second auditor's starts the envelope."},
      [this](const Caller& caller, const Request&, std::string_view id) -> Result<Response> {
        auto one = exchange_.traces().open_by(caller, id);
        if (!one) return std::unexpected(one.error());
        return json_response(case_json(exchange_.traces(), *one));
      });
}

}  // namespace amanat::server
