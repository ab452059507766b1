// Certificate requests (PEM and, behind it, DER) and client certificates (DER) from strangers.

#include <cstdint>
#include <string_view>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const Authority authority = *make_authority("Fuzz", 1);
  const auto check = [&](std::string_view csr) {
    const auto certified = certify(authority, csr, "PO-1", 1);
    insist(certified || certified.error().reason == Reason::csr_wrong);
  };
  check(text);
  // The same bytes as the DER inside a well-formed PEM, so that mutations reach the parser.
  check("-----BEGIN CERTIFICATE REQUEST-----\n" + base64(bytes_of(text)) +
        "\n-----END CERTIFICATE REQUEST-----\n");
  const auto peer = inspect(text, authority.certificate_pem);
  insist(!peer || !peer->issued_by_us);
  for (const auto& decoded : {from_base64(text), from_base64url(text), from_hex(text)})
    insist(!decoded || decoded->size() <= size);
  return 0;
}
