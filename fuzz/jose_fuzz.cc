// Compact JWS and JWKs from strangers: whatever the bytes, no crash; what is taken has one
// spelling, so its parts encode to themselves.

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/jose.h"

using namespace amanat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto jws = net::parse_jws(text)) {
    insist(jws->header.object() != nullptr && jws->payload.object() != nullptr);
    const std::size_t point = text.find('.');
    const auto header = crypto::from_base64url(text.substr(0, point));
    insist(header && crypto::base64url(crypto::bytes_of(*header)) == text.substr(0, point));
    insist(std::string(jws->signing_input) + "." + crypto::base64url(jws->signature) == text);
  } else {
    insist(jws.error().reason == Reason::malformed_value);
  }
  if (const auto json = net::parse_json(text, {.bytes_max = 4096})) {
    if (const auto key = net::read_jwk(*json)) {
      const auto again = net::parse_json(net::canonical_jwk(*key));
      insist(again && net::read_jwk(*again) == *key);
    }
  }
  return 0;
}
