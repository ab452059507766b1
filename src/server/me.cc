// Who looked at me: a citizen's own list, and the same in the words of the Estonian Data Tracker
// (findUsage v2), so that a national portal can show it.

#include <algorithm>

#include "lookup/looks.h"
#include "server/api.h"
#include "server/exchange.h"

namespace amanat::server {
namespace {

Response json_response(std::string body) {
  Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

// A portal's right, granted by the policy to a service: it asks for citizens it has signed in.
constexpr std::string_view kRight = "usages";

// The number a portal names, as the registry writes it; the digits alone count, so that a country's
// letters before it do no harm.
Result<SubjectName> subject_of(Exchange& exchange, std::string_view code) {
  std::string digits;
  for (const char c : code)
    if (c >= '0' && c <= '9') digits += c;
  Question question;
  question.subject.search = "national_id";
  question.subject.value = std::move(digits);
  auto subject = exchange.registry().subject_of_question(question);
  if (!subject) return std::unexpected(std::move(subject.error()));
  if (!*subject) return fail(Reason::malformed_request, "userCode");
  return **std::move(subject);
}

std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return pair.substr(name.size() + 1);
  }
  return {};
}

Result<Response> find_usage(Exchange& exchange, const Request& request) {
  const std::string_view asks = request.header("x-road-userid"),
                         code = parameter(request.query, "userCode");
  if (asks.empty() || code.empty())
    return fail(Reason::malformed_request, "X-Road-UserId and userCode are mandatory");
  auto who = subject_of(exchange, asks);
  if (!who) return std::unexpected(std::move(who.error()));
  auto subject = subject_of(exchange, code);
  if (!subject) return std::unexpected(std::move(subject.error()));
  // Nobody reads another's list here: a power of attorney is proven at a desk, not by a header.
  if (*who != *subject) return fail(Reason::not_your_right, "another's list");
  auto query = lookup::parse_usage_query(request.query);
  if (!query) return std::unexpected(std::move(query.error()));
  auto looks = exchange.looks(*subject);
  if (!looks) return std::unexpected(std::move(looks.error()));
  return json_response(lookup::usages_json(*looks, *query, exchange.config().origin));
}

}  // namespace

void Api::add_me() {
  // By the session alone: it opens nothing but the citizen's own list, for ten idle minutes.
  routes_.session(
      {"GET", "/v1/me/disclosures", "citizen", "Who looked at me, which fields, why."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        const auto& own = caller.asker().citizen;
        if (!own) return fail(Reason::not_your_right, "a citizen's own list");
        auto looks = exchange_.looks_of_tag(*own);
        if (!looks) return std::unexpected(std::move(looks.error()));
        return json_response(lookup::looks_json(*looks));
      });
  // Asked by the citizen of the citizen: no number is sent, so nobody can go through a range.
  routes_.session(
      {"GET", "/v1/me/leaks", "citizen", "Was I in a leak, and which fields."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        const auto& own = caller.asker().citizen;
        if (!own) return fail(Reason::not_your_right, "a citizen's own list");
        auto leaks = exchange_.leaks_json(*own);
        if (!leaks) return std::unexpected(std::move(leaks.error()));
        return json_response(*std::move(leaks));
      });
  const auto portal = [this](const Caller& caller) -> Result<void> {
    if (!exchange_.policy().may(caller.asker(), kRight))
      return fail(Reason::not_your_right, std::string(kRight));
    return {};
  };
  routes_.data({"GET", "/v1/tracker/findUsage", "service with the right 'usages'",
                "A citizen's usage lines (Data Tracker protocol, version 2)."},
               [this, portal](const Caller& caller, const Request& request,
                              std::string_view) -> Result<Response> {
                 if (auto may = portal(caller); !may) return std::unexpected(may.error());
                 return find_usage(exchange_, request);
               });
  routes_.data(
      {"GET", "/v1/tracker/usagePeriod", "service with the right 'usages'",
       "Since when usage lines are kept."},
      [this, portal](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        if (auto may = portal(caller); !may) return std::unexpected(may.error());
        Moment since{};
        auto scanned = exchange_.scan_ledger(exchange_.ledger().minimum().index, [&](const ledger::Opened& e) {
          since = e.time;
          return false;
        });
        if (!scanned) return std::unexpected(scanned.error());
        return json_response(lookup::usage_period_json(since));
      });
  routes_.data(
      {"GET", "/v1/tracker/heartbeat", "service with the right 'usages'",
       "Are usage lines served?"},
      [portal](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        if (auto may = portal(caller); !may) return std::unexpected(may.error());
        return json_response(lookup::heartbeat_json(true));
      });
}

}  // namespace amanat::server
