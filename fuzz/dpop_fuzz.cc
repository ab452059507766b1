// DPoP proofs and client assertions from strangers: no crash, only their own reasons, and nothing
// that was read is taken for this exchange's request without its nonce.

#include <cstdint>
#include <string_view>

#include "crypto/crypto.h"
#include "identity/client.h"
#include "identity/proof.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Nonces nonces(0);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto jkt = jkt_of_header(text);
  if (const auto proof = read_proof(text)) {
    insist(jkt && *jkt == proof->jkt);
    insist(!jti_of(*proof).empty());
    ProofFor request;
    request.method = "POST";
    request.uri = "https://localhost:8443/v1/lookups";
    request.at = Moment{1'800'000'000'000};
    const auto judged = check_proof(*proof, request, nonces);
    insist(!judged && judged.error().reason == Reason::proof_nonce_wanted);
  } else {
    insist(proof.error().reason == Reason::proof_malformed);
  }
  if (const auto assertion = read_client_assertion(text)) {
    insist(assertion->client == *assertion->jws.payload.find("iss")->string());
  } else {
    insist(assertion.error().reason == Reason::client_assertion_malformed ||
           assertion.error().reason == Reason::client_assertion_audience);
  }
  return 0;
}
