#pragma once
// The exchange's own certificate authority: P-256 keys, X.509 v3 certificates (RFC 5280). A small
// door beside crypto.h for identity, net and the command line. Thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/request.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::crypto {

/// PemKey is a PEM private key (PKCS#8), wiped when it dies.
using PemKey = WipingBuffer;

struct Authority {
  std::string certificate_pem;
  PemKey key_pem;
};

/// make_authority makes a self-signed P-256 CA valid for `years` (1 to 100). Errors:
/// internal_error.
Result<Authority> make_authority(std::string_view common_name, unsigned years);

/// issue_server makes a key and a server certificate (serverAuth) for the host names and IP
/// addresses given. No certificate outlives its authority. Errors: internal_error, key_missing.
Result<Authority> issue_server(const Authority& ca, const std::vector<std::string>& names,
                               unsigned days);

/// Certified is the client certificate made from a PKCS#10 request (RFC 2986).
struct Certified {
  std::string certificate_pem;
  Digest thumbprint{};  // SHA-256 of the DER
  Moment not_before{}, not_after{};
};

/// certify checks a PKCS#10 request (P-256 key, ECDSA with SHA-256, at most 8 KiB; the subject and
/// extensions it asks for are ignored) and issues a client certificate for `common_name`.
/// The certificate carries clientAuth alone. Errors: csr_wrong (with what is wrong), key_missing.
Result<Certified> certify(const Authority& ca, std::string_view csr_pem,
                          std::string_view common_name, unsigned days);

/// DeviceKey is a fresh P-256 key and its request, for tools and tests that play a client.
struct DeviceKey {
  PemKey key_pem;
  std::string csr_pem;
};
Result<DeviceKey> make_device_key(std::string_view common_name);

/// inspect reads a DER certificate (at most 16 KiB) and says whether the authority `ca_pem` issued
/// it as a client's: name, signature and clientAuth are checked, validity is only reported, so that
/// the caller can tell foreign from expired. Errors: malformed_value, key_missing.
Result<PeerCertificate> inspect(std::string_view der, std::string_view ca_pem);

}  // namespace amanat::crypto
