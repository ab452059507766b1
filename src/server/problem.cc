#include "server/problem.h"

#include "net/json.h"
#include "server/page.h"

namespace amanat::server {
namespace {

constexpr std::uint64_t kPresenceSeconds = 300;  // where the policy names no other age

// The error code of RFC 6750, 9449 or 9470 that a reason comes down to; empty: no credential yet.
std::string_view error_of(Reason reason) {
  switch (reason) {
    case Reason::proof_nonce_wanted:
      return "use_dpop_nonce";
    case Reason::proof_malformed:
    case Reason::proof_key_wrong:
    case Reason::proof_time_wrong:
    case Reason::proof_other_request:
    case Reason::proof_other_token:
    case Reason::proof_other_body:
    case Reason::proof_signature_wrong:
    case Reason::proof_replayed:
      return "invalid_dpop_proof";
    case Reason::token_malformed:
    case Reason::token_signature_wrong:
    case Reason::token_claims_wrong:
    case Reason::token_expired:
    case Reason::token_revoked:
    case Reason::token_binding_wrong:
    case Reason::revoked_device:
      return "invalid_token";
    case Reason::signature_malformed:
      return "invalid_request";
    case Reason::token_bounds:
      return "insufficient_scope";
    case Reason::presence_too_old:
      return "insufficient_user_authentication";
    default:
      return {};
  }
}

bool shows_bearer(const Request& request) {
  std::string scheme(request.header("authorization").substr(0, 7));
  for (char& c : scheme)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return scheme == "bearer ";
}

std::uint64_t age_wanted(const Failure& failure) {
  for (const Need& need : failure.needs)
    if (need.reason == Reason::presence_too_old && need.max_age_s > 0) return need.max_age_s;
  return kPresenceSeconds;
}

}  // namespace

Response refusal(const Failure& failure, const Request& request) {
  if (wants_page(request)) return refused_page(failure, request, {});
  Response response = problem(failure, request.header("accept-language"));
  const bool bearer = shows_bearer(request) && failure.reason != Reason::token_binding_wrong;
  const std::string_view error = error_of(failure.reason);
  if (response.status != 401 && failure.reason != Reason::token_bounds) return response;
  std::string challenge = bearer ? "Bearer" : "DPoP";
  std::string_view comma = " ";
  const auto add = [&](std::string_view name, std::string_view value) {
    challenge.append(comma).append(name).append("=\"").append(value).append("\"");
    comma = ", ";
  };
  if (!error.empty())
    add("error", bearer && error == "invalid_dpop_proof" ? "invalid_token" : error);
  if (failure.reason == Reason::presence_too_old) {
    add("acr_values", "urn:amanat:acr:touch");
    add("max_age", std::to_string(age_wanted(failure)));
  }
  if (!bearer) add("algs", "ES256");
  response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

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
  if (!failure.needs.empty()) {
    json.key("needs").begin_array();
    for (const Need& need : failure.needs) {
      json.begin_object().key("reason").string(row_of(need.reason).id);
      if (!need.rule.empty()) json.key("rule").string(need.rule);
      if (need.max_age_s > 0) json.key("max_age").number(need.max_age_s);
      if (need.approvals > 0) json.key("approvals").number(need.approvals);
      if (!need.word.empty())
        json.key(need.reason == Reason::evidence_too_weak ? "evidence" : "approver")
            .string(need.word);
      if (!need.id.empty()) json.key("approval").string(need.id);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  Response response;
  response.status = row.http_status;
  response.content_type = "application/problem+json";
  response.headers.emplace_back("Content-Language", urdu ? "ur" : "en");
  if (row.http_status == 503 || row.http_status == 429)
    response.headers.emplace_back("Retry-After", "1");
  response.body = json.take();
  response.wait_ms = failure.wait_ms;
  return response;
}

}  // namespace amanat::server
