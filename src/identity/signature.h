#pragma once
// identity, signature: HTTP message signatures (RFC 9421) with Content-Digest (RFC 9530), by which
// a service on mutual TLS signs a question with its certificate's key, so that an outsider can
// verify it later. One signature, over @method, @target-uri, content-digest and, where one is sent,
// authorization; with created, nonce, keyid and alg. Pure functions.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/ids.h"
#include "model/request.h"
#include "model/result.h"

namespace amanat::identity {

/// MessageSignature is a request's signature, read and not yet believed.
struct MessageSignature {
  std::string base;  // what was signed (RFC 9421 2.5)
  std::array<std::uint8_t, 64> bytes{};
  std::string key_id, nonce;
  Moment created{};
};

/// is_signed says whether a request claims a signature.
bool is_signed(const Request& request);

/// read_signature reads Signature-Input, Signature and Content-Digest of a request to `url` (scheme
/// and authority) and rebuilds the signature base. Errors: signature_malformed, proof_other_body
/// (the digest is not the body's), proof_time_wrong (created is more than 60 s away).
Result<MessageSignature> read_signature(const Request& request, std::string_view url);

/// signature_evidence is what an opening keeps of it (docs/callers.md, kind 3).
std::string signature_evidence(const MessageSignature& signature, std::string_view certificate_der,
                               std::string_view body);

}  // namespace amanat::identity
