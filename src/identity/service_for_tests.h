#pragma once
// A department's system for tests, benches and fuzz seeds: a key, and what it signs with it. It
// plays the client of RFC 7523 and RFC 9449, and each part can be made wrong.

#include <functional>
#include <string>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "net/jose.h"
#include "net/json.h"

namespace amanat::identity {

struct TestService {
  std::string id = "fia-cases";
  std::string issuer = "https://localhost:8443";
  crypto::Es256Key key = crypto::Es256Key::generate();

  static std::string b64(std::string_view text) {
    return crypto::base64url(crypto::bytes_of(text));
  }
  std::string jwk() const { return net::canonical_jwk(key.point()); }
  Digest jkt() const { return crypto::sha256(jwk()); }

  /// signed_jws signs header and payload as they are given.
  std::string signed_jws(std::string_view header, std::string_view payload) const {
    std::string text = b64(header) + "." + b64(payload);
    const auto signature = key.sign(crypto::bytes_of(text));
    return text + "." + crypto::base64url(signature);
  }
  static std::string drawn_id() {
    std::array<std::uint8_t, 16> bytes;
    crypto::random_bytes(bytes);
    return crypto::base64url(bytes);
  }

  /// Claims are a payload's members, as JSON values; set or erase some before they are signed.
  using Claims = std::vector<std::pair<std::string, std::string>>;
  static void set(Claims& claims, const std::string& name, std::string value) {
    for (auto& [n, v] : claims)
      if (n == name) {
        v = std::move(value);
        return;
      }
    claims.emplace_back(name, std::move(value));
  }
  static std::string quoted(std::string_view text) {
    std::string out;
    net::append_json_string(out, text);
    return out;
  }
  static std::string object(const Claims& claims) {
    std::string out = "{";
    for (const auto& [name, value] : claims)
      out += (out.size() > 1 ? ",\"" : "\"") + name + "\":" + value;
    return out + "}";
  }

  using Bend = std::function<void(Claims& header, Claims& payload)>;
  std::string assertion(Moment at, const Bend& bend = {}) const {
    const auto seconds = number(at) / 1000;
    Claims header = {{"alg", quoted("ES256")}};
    Claims payload = {{"iss", quoted(id)},
                      {"sub", quoted(id)},
                      {"aud", quoted(issuer)},
                      {"jti", quoted(drawn_id())},
                      {"iat", std::to_string(seconds)},
                      {"exp", std::to_string(seconds + 60)}};
    if (bend) bend(header, payload);
    return signed_jws(object(header), object(payload));
  }
  std::string proof(std::string_view method, std::string_view uri, Moment at,
                    std::string_view nonce = {}, std::string_view token = {},
                    const std::string* body = nullptr, const Bend& bend = {}) const {
    Claims header = {{"typ", quoted("dpop+jwt")}, {"alg", quoted("ES256")}, {"jwk", jwk()}};
    Claims payload = {{"jti", quoted(drawn_id())},
                      {"htm", quoted(method)},
                      {"htu", quoted(uri)},
                      {"iat", std::to_string(number(at) / 1000)}};
    if (!nonce.empty()) set(payload, "nonce", quoted(nonce));
    if (!token.empty()) set(payload, "ath", quoted(crypto::base64url(crypto::sha256(token))));
    if (body != nullptr) set(payload, "bdh", quoted(crypto::base64url(crypto::sha256(*body))));
    if (bend) bend(header, payload);
    return signed_jws(object(header), object(payload));
  }
  /// token_form is the body of a token request.
  std::string token_form(Moment at, std::string_view details = {}, const Bend& bend = {}) const {
    return "grant_type=client_credentials&client_assertion_type="
           "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" +
           assertion(at, bend) +
           (details.empty() ? "" : "&authorization_details=" + encoded(details));
  }
  static std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        out.push_back(c);
      } else {
        constexpr std::string_view digits = "0123456789ABCDEF";
        out += {'%', digits[byte >> 4], digits[byte & 15]};
      }
    }
    return out;
  }
};

}  // namespace amanat::identity
