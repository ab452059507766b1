// The authorization server's routes (RFC 6749, 7009, 7662, 8414), for services. They authenticate
// their clients themselves; who was turned away is counted with the other strangers.

#include "crypto/crypto.h"
#include "ledger/entry.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/problem.h"
#include "server/state.h"

namespace amanat::server {
namespace {

struct OauthError {
  unsigned status;
  std::string_view code;
};

// The error code that a reason comes down to at these routes (RFC 6749 5.2, 8707, 9396, 9449).
OauthError error_of(Reason reason) {
  switch (reason) {
    case Reason::oauth_request_wrong:
    case Reason::token_binding_wrong:
      return {400, "invalid_request"};
    case Reason::grant_type_wrong:
      return {400, "unsupported_grant_type"};
    case Reason::scope_wrong:
      return {400, "invalid_scope"};
    case Reason::resource_wrong:
      return {400, "invalid_target"};
    case Reason::authorization_details_wrong:
      return {400, "invalid_authorization_details"};
    case Reason::proof_nonce_wanted:
      return {400, "use_dpop_nonce"};
    case Reason::proof_malformed:
    case Reason::proof_key_wrong:
    case Reason::proof_time_wrong:
    case Reason::proof_other_request:
    case Reason::proof_signature_wrong:
    case Reason::proof_replayed:
      return {400, "invalid_dpop_proof"};
    case Reason::not_your_right:
      return {403, "access_denied"};
    case Reason::too_busy:
    case Reason::token_busy:
      return {503, "temporarily_unavailable"};
    default:
      return row_of(reason).http_status < 500 ? OauthError{401, "invalid_client"}
                                              : OauthError{500, "server_error"};
  }
}

Response refused(const Failure& failure) {
  const ReasonRow& row = row_of(failure.reason);
  const OauthError error = error_of(failure.reason);
  std::string says(row.english);
  if (row.detail_shown && !failure.detail.empty()) says += " (" + failure.detail + ")";
  net::JsonWriter json;
  json.begin_object().key("error").string(error.code).key("error_description").string(says);
  json.key("reason").string(row.id).end_object();
  Response response;
  response.status = error.status;
  response.body = json.take();
  return response;
}

std::string metadata(const std::string& issuer) {
  net::JsonWriter json;
  const auto list = [&json](std::string_view name, std::initializer_list<std::string_view> words) {
    json.key(name).begin_array();
    for (const auto word : words) json.string(word);
    json.end_array();
  };
  json.begin_object();
  json.key("issuer").string(issuer);
  json.key("token_endpoint").string(issuer + "/oauth/token");
  json.key("introspection_endpoint").string(issuer + "/oauth/introspect");
  json.key("revocation_endpoint").string(issuer + "/oauth/revoke");
  json.key("jwks_uri").string(issuer + "/oauth/keys");
  list("response_types_supported", {});
  list("grant_types_supported", {"client_credentials"});
  for (const char* endpoint : {"token", "introspection", "revocation"}) {
    list(std::string(endpoint) + "_endpoint_auth_methods_supported",
         {"private_key_jwt", "tls_client_auth"});
    list(std::string(endpoint) + "_endpoint_auth_signing_alg_values_supported", {"ES256"});
  }
  list("dpop_signing_alg_values_supported", {"ES256"});
  json.key("tls_client_certificate_bound_access_tokens").boolean(true);
  list("authorization_details_types_supported", {"amanat_lookup"});
  json.end_object();
  return json.take();
}

Response json_of(std::string body, std::string_view caching) {
  Response response;
  response.body = std::move(body);
  response.headers.emplace_back("Cache-Control", caching);
  return response;
}

}  // namespace

void Api::add_oauth() {
  using identity::PublicRoute;
  routes_.nonces([this](const Request& r) { return exchange_.identity().fresh_nonce(r); });
  routes_.open(PublicRoute::authorization_metadata,
               {"GET", "/.well-known/oauth-authorization-server", "anyone",
                "The authorization server's metadata (RFC 8414)."},
               [this](const Request&, std::string_view) -> Result<Response> {
                 return json_of(metadata(exchange_.identity().url()), "max-age=300");
               });
  routes_.open(PublicRoute::token_keys,
               {"GET", "/oauth/keys", "anyone", "The keys that access tokens verify with."},
               [this](const Request&, std::string_view) -> Result<Response> {
                 return json_of(exchange_.identity().public_keys(), "max-age=300");
               });
  const auto turned_away = [this](const Failure& failure) {
    exchange_.lookup().strangers().count(failure.reason);
    return refused(failure);
  };
  routes_.open(PublicRoute::token,
               {"POST", "/oauth/token", "service, proven by private_key_jwt or its certificate",
                "An access token bound to the service's key."},
               [this, turned_away](const Request& request, std::string_view) -> Result<Response> {
                 const auto issued = exchange_.identity().issue_token(request);
                 if (!issued) return turned_away(issued.error());
                 net::JsonWriter json;
                 json.begin_object().key("access_token").string(issued->token);
                 json.key("token_type").string(issued->dpop ? "DPoP" : "Bearer");
                 json.key("expires_in").number(issued->seconds);
                 if (!issued->details.empty())
                   json.key("authorization_details").raw(issued->details);
                 json.end_object();
                 return json_of(json.take(), "no-store");
               });
  routes_.open(PublicRoute::introspection,
               {"POST", "/oauth/introspect", "service with the right 'introspect', proven likewise",
                "What a token says (RFC 7662)."},
               [this, turned_away](const Request& request, std::string_view) -> Result<Response> {
                 auto told = exchange_.identity().introspect(request, [this](const Asker& asker) {
                   return exchange_.policy().may(asker, "introspect");
                 });
                 if (!told) return turned_away(told.error());
                 return json_of(*std::move(told), "no-store");
               });
  routes_.open(PublicRoute::revocation,
               {"POST", "/oauth/revoke", "service, proven likewise",
                "The end of an access token, at once (RFC 7009)."},
               [this, turned_away](const Request& request, std::string_view) -> Result<Response> {
                 if (auto done = exchange_.identity().withdraw_token(request); !done)
                   return turned_away(done.error());
                 return json_of("", "no-store");
               });
}

Result<identity::EnrolledKey> Exchange::enrol_key(std::string_view account_id,
                                                  std::string_view text) {
  const std::lock_guard one(state_->acts);
  auto enrolled = state_->identity->enrol_key(account_id, text, state_->config.certificate_days);
  if (!enrolled) return enrolled;
  // The thumbprint is the hash of the key's canonical text: the entry names the key itself.
  if (auto recorded = state_->record_device({enrolled->account, KeyKind::jwk, enrolled->thumbprint},
                                            crypto::sha256(enrolled->jwk));
      !recorded)
    return std::unexpected(recorded.error());
  return enrolled;
}

}  // namespace amanat::server
