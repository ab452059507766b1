#pragma once
// net, JOSE: the compact form of signed tokens (RFC 7515) and public P-256 keys (RFC 7517, 7518),
// read strictly: one accepted spelling a value, bounds before every step. Nothing here verifies;
// that is crypto's, and which claims mean what is identity's. Pure functions.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "net/json.h"

namespace amanat::net {

/// Jws is a compact JWS taken apart. `signing_input` lies in the text it was read from.
struct Jws {
  Json header, payload;  // objects, both
  std::string_view signing_input;
  std::array<std::uint8_t, 64> signature{};  // ES256's; other lengths are refused
};

struct JwsLimits {
  std::size_t bytes_max = 8 * 1024;
  unsigned depth_max = 4;
  std::size_t values_max = 64;
};

/// parse_jws reads exactly one compact JWS: three parts of base64url with one spelling each (its
/// alphabet, no padding, unused bits zero), header and payload JSON objects under the rules of
/// parse_json (no repeated member, integers only), a signature of 64 bytes. Errors: malformed_value
/// (what is wrong, never the content).
Result<Jws> parse_jws(std::string_view text, const JwsLimits& limits = {});

/// JwkPoint is a P-256 public key, x || y.
using JwkPoint = std::array<std::uint8_t, 64>;

/// read_jwk reads a public P-256 key: kty, crv, x, y of 32 bytes each, and of the rest only alg
/// (ES256), use (sig), kid, ext and key_ops. A private or symmetric member is refused, not ignored.
/// Whether the point lies on the curve is for crypto to say. Errors: malformed_value.
Result<JwkPoint> read_jwk(const Json& value);
/// canonical_jwk is the text whose SHA-256 names the key (RFC 7638 3).
std::string canonical_jwk(const JwkPoint& point);

}  // namespace amanat::net
