#include "identity/proof.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/uri.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kProofBytesMax = 6 * 1024;
constexpr std::uint64_t kAheadMsMax = 60'000;
constexpr std::uint64_t kOwnSkewMs = 10'000;
constexpr std::uint8_t kEvidenceKind = 2;

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::proof_malformed, std::move(what));
}

const std::string* text_at(const net::Json& object, std::string_view name) {
  const net::Json* value = object.find(name);
  return value != nullptr ? value->string() : nullptr;
}

Result<net::JwkPoint> read_header(const net::Json& header) {
  const std::string* type = text_at(header, "typ");
  if (type == nullptr || *type != "dpop+jwt") return malformed("its typ is not dpop+jwt");
  const std::string* algorithm = text_at(header, "alg");
  if (algorithm == nullptr || *algorithm != "ES256") return malformed("its alg is not ES256");
  const net::Json* key = header.find("jwk");
  if (key == nullptr) return malformed("its header has no jwk");
  if (header.object()->size() != 3)
    return malformed("its header has a member beside typ, alg and jwk");
  auto point = net::read_jwk(*key);
  if (!point) return malformed(point.error().detail);
  return point;
}

// Claims of the right names and kinds; whether they fit the request is asked later.
Result<void> read_claims(const net::Json& claims) {
  for (const net::Json::Member& member : *claims.object()) {
    const bool is_text = member.value.string() != nullptr;
    const bool right =
        member.name == "iat"
            ? member.value.integer().has_value()
            : is_text && (member.name == "jti" || member.name == "htm" || member.name == "htu" ||
                          member.name == "nonce" || member.name == "ath" || member.name == "bdh");
    if (!right) return malformed("it has a claim that is unknown or of the wrong kind");
  }
  for (const char* needed : {"jti", "htm", "htu", "iat"})
    if (claims.find(needed) == nullptr) return malformed(std::string(needed) + " is missing");
  if (text_at(claims, "jti")->empty()) return malformed("jti is empty");
  return {};
}

bool is_hash_of(const std::string* claim, const Digest& digest) {
  return claim != nullptr && *claim == crypto::base64url(digest);
}

void put(std::string& out, std::string_view part) {
  insist(part.size() <= 0xffffffff);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((part.size() >> shift) & 0xff));
  out += part;
}

}  // namespace

Digest thumbprint_of(const net::JwkPoint& key) { return crypto::sha256(net::canonical_jwk(key)); }

Result<DpopProof> read_proof(std::string_view header) {
  if (header.empty()) return malformed("there is no DPoP header");
  auto jws = net::parse_jws(header, {.bytes_max = kProofBytesMax});
  if (!jws) return malformed(jws.error().detail);
  auto key = read_header(jws->header);
  if (!key) return std::unexpected(key.error());
  if (auto claims = read_claims(jws->payload); !claims) return std::unexpected(claims.error());
  DpopProof proof;
  proof.jkt = thumbprint_of(*key);
  proof.key = *key;
  proof.jws = *std::move(jws);
  return proof;
}

const std::string& jti_of(const DpopProof& proof) { return *text_at(proof.jws.payload, "jti"); }

Result<Moment> check_proof(const DpopProof& proof, const ProofFor& request, const Nonces& nonces) {
  const net::Json& claims = proof.jws.payload;
  const std::string* nonce = text_at(claims, "nonce");
  if (nonce == nullptr) return fail(Reason::proof_nonce_wanted, "it has none");
  const auto made = nonces.made_at(*nonce, proof.jkt);
  if (!made) return fail(Reason::proof_nonce_wanted, "its nonce was not made here for this key");
  if (number(*made) > number(request.at) + kOwnSkewMs ||
      number(request.at) > number(*made) + Nonces::kAgeMsMax)
    return fail(Reason::proof_nonce_wanted, "its nonce is too old");
  // The nonce tells the time; iat is the client's own clock, and only nonsense is refused.
  const std::uint64_t seconds = *claims.find("iat")->integer();
  if (seconds > (number(request.at) + kAheadMsMax) / 1000)
    return fail(Reason::proof_time_wrong, "its iat lies in the future");
  if (*text_at(claims, "htm") != request.method)
    return fail(Reason::proof_other_request, "htm is another method");
  const std::string& place = *text_at(claims, "htu");
  if (place != request.uri && net::normal_uri(place) != request.uri)
    return fail(Reason::proof_other_request, "htu is another address");
  if (request.token && !is_hash_of(text_at(claims, "ath"), crypto::sha256(*request.token)))
    return fail(Reason::proof_other_token);
  if (request.body && !is_hash_of(text_at(claims, "bdh"), *request.body))
    return fail(Reason::proof_other_body, claims.find("bdh") == nullptr
                                              ? "bdh is missing"
                                              : "bdh is the hash of another body");
  return Moment{number(*made) + Nonces::kAgeMsMax};
}

std::optional<Digest> jkt_of_header(std::string_view header) {
  const std::size_t point = header.find('.');
  if (point == header.npos || point > 2048) return std::nullopt;
  const auto bytes = crypto::from_base64url(header.substr(0, point));
  if (!bytes) return std::nullopt;
  const auto json = net::parse_json(*bytes, {.bytes_max = 2048, .depth_max = 3, .values_max = 32});
  const net::Json* jwk = json ? json->find("jwk") : nullptr;
  const auto key = jwk != nullptr ? net::read_jwk(*jwk) : net::read_jwk(net::Json{});
  if (!key) return std::nullopt;
  return thumbprint_of(*key);
}

std::string proof_evidence(std::string_view proof, std::string_view body) {
  std::string out;
  out.reserve(9 + proof.size() + body.size());
  out.push_back(static_cast<char>(kEvidenceKind));
  put(out, proof);
  put(out, body);
  return out;
}

}  // namespace amanat::identity
