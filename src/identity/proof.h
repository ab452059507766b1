#pragma once
// identity, proof: DPoP proofs (RFC 9449) with the exchange's own demands: its nonce always, and
// the claim bdh, base64url(SHA-256(body)), on every route that takes a body of a question. A proof
// with bdh is a statement signed by the device: this key asked exactly this. Pure functions; in the
// order of the identity page 1.3, cheap checks first, the signature last.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "identity/nonce.h"
#include "model/ids.h"
#include "model/result.h"
#include "net/jose.h"

namespace amanat::identity {

/// DpopProof is a proof that was read and not yet believed. Views lie in the header it came from.
struct DpopProof {
  net::Jws jws;
  net::JwkPoint key{};
  Digest jkt{};  // SHA-256 of the key's canonical JWK (RFC 7638)
};

/// read_proof reads the value of the one DPoP header: header and claims of the right names and
/// kinds, a public P-256 key. Errors: proof_malformed.
Result<DpopProof> read_proof(std::string_view header);

/// ProofFor is the request a proof must be for.
struct ProofFor {
  std::string_view method;
  std::string_view uri;                   // normalised, without query
  std::optional<std::string_view> token;  // ath: of the token shown with it
  std::optional<Digest> body;             // bdh: of the exact bytes received
  Moment at{};
};

/// check_proof judges everything but signature and repetition, and says until when the proof could
/// be used again. Errors: proof_nonce_wanted, proof_time_wrong, proof_other_request,
/// proof_other_token, proof_other_body.
Result<Moment> check_proof(const DpopProof& proof, const ProofFor& request, const Nonces& nonces);

/// jti_of is the proof's id.
const std::string& jti_of(const DpopProof& proof);

/// jkt_of_header finds the key's thumbprint in a proof's header alone; nothing if there is none.
/// For minting a nonce, which is of use to the key's holder only.
std::optional<Digest> jkt_of_header(std::string_view header);

/// thumbprint_of names a key (RFC 7638).
Digest thumbprint_of(const net::JwkPoint& key);

/// proof_evidence is what an opening keeps of a proven request (docs/callers.md, kind 2).
std::string proof_evidence(std::string_view proof, std::string_view body);

}  // namespace amanat::identity
