#include "server/webauthn_options.h"

#include "crypto/crypto.h"

namespace amanat::server {
namespace {

constexpr std::string_view kCookieEnd = "; Path=/; Secure; HttpOnly; SameSite=Strict";
constexpr std::uint64_t kPromptMs = 120'000;

std::string b64(std::string_view bytes) { return crypto::base64url(crypto::bytes_of(bytes)); }

void write_ids(net::JsonWriter& json, std::string_view key, const std::vector<std::string>& ids) {
  json.key(key).begin_array();
  for (const std::string& id : ids) {
    json.begin_object();
    json.key("type").string("public-key").key("id").string(b64(id));
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void write_request_options(net::JsonWriter& json, const identity::Offer& offer) {
  json.key("publicKey").begin_object();
  json.key("challenge").string(b64(offer.challenge));
  json.key("timeout").number(kPromptMs);
  json.key("rpId").string(offer.rp_id);
  write_ids(json, "allowCredentials", offer.credentials);
  json.key("userVerification").string(offer.verification ? "required" : "discouraged");
  json.end_object();
}

std::string request_options(const identity::Offer& offer) {
  net::JsonWriter json;
  json.begin_object();
  write_request_options(json, offer);
  json.end_object();
  return json.take();
}

std::string creation_options(const identity::RegistrationOffer& made) {
  net::JsonWriter json;
  json.begin_object();
  json.key("expires").number(number(made.offer.expires));
  json.key("publicKey").begin_object();
  json.key("rp").begin_object();
  json.key("id").string(made.offer.rp_id).key("name").string("Amanat").end_object();
  json.key("user").begin_object();
  json.key("id").string(b64(made.user_handle));
  json.key("name").string(made.account).key("displayName").string(made.account).end_object();
  json.key("challenge").string(b64(made.offer.challenge));
  json.key("pubKeyCredParams").begin_array().begin_object();
  json.key("type").string("public-key").key("alg").raw("-7");
  json.end_object().end_array();
  json.key("timeout").number(kPromptMs);
  write_ids(json, "excludeCredentials", made.offer.credentials);
  json.key("authenticatorSelection").begin_object();
  json.key("residentKey").string("required").key("requireResidentKey").boolean(true);
  json.key("userVerification").string("required").end_object();
  json.key("attestation").string(made.direct ? "direct" : "none");
  json.end_object().end_object();
  return json.take();
}

std::string session_cookie(std::string_view token) {
  return "__Host-amanat=" + std::string(token) + std::string(kCookieEnd);
}

std::string no_session_cookie() { return "__Host-amanat=; Max-Age=0" + std::string(kCookieEnd); }

}  // namespace amanat::server
