#pragma once
// Passkeys: the signatures of WebAuthn, through libfido2, and the chain of an authenticator's
// maker, through OpenSSL. A small door beside crypto.h for identity. libfido2 hands what it gets to
// libcbor, which five bytes can make take a gigabyte: whoever calls this has had every byte
// accepted by net/cbor.h before. Thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/es256.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::crypto {

/// Aaguid names a make of authenticator.
using Aaguid = std::array<std::uint8_t, 16>;

/// PasskeyExtensions is what the authenticator data's extension map says of those that libfido2
/// compares; nobody asked for them, authenticators send them all the same.
struct PasskeyExtensions {
  bool hmac_secret = false, credential_blob = false;
  std::uint8_t protection = 0;                  // credProtect; 0: absent
  std::optional<std::uint64_t> pin_length_min;  // minPinLength
};

/// SignedByPasskey is what either ceremony signs: authenticator data || SHA-256(client data).
struct SignedByPasskey {
  std::string_view rp_id;
  std::string_view authenticator_data;
  Digest client_data_hash{};
  std::string_view signature;  // DER
  bool verification = false;   // UV must be set (UP always)
  PasskeyExtensions extensions;
};

/// verify_assertion says whether `key` signed it. Errors: assertion_wrong.
Result<void> verify_assertion(const SignedByPasskey& assertion, const EcPoint& key);

/// verify_attestation says whether the certificate's key signed a new credential (format packed,
/// ES256). Whose certificate it is: verify_maker. Errors: attestation_wrong.
Result<void> verify_attestation(const SignedByPasskey& attestation,
                                std::string_view certificate_der);

/// verify_maker says whether a chain (DER, the authenticator's own certificate first) leads to one
/// of the roots at that time, and whether its first certificate is an attestation certificate of
/// this make: version 3, no authority, OU "Authenticator Attestation", and the extension
/// id-fido-gen-ce- aaguid with this AAGUID (WebAuthn 8.2.1). A root that holds the very key of the
/// first certificate pins that key: then neither chain nor extension is asked for. Errors:
/// attestation_untrusted (which check), malformed_value (the roots are no PEM certificates).
Result<void> verify_maker(const std::vector<std::string_view>& chain, std::string_view roots_pem,
                          const Aaguid& aaguid, Moment at);
/// check_roots says whether a text is PEM certificates, one at least. Errors: malformed_value.
Result<void> check_roots(std::string_view roots_pem);

/// issue_attestation certifies an authenticator's attestation key as its maker would: for software
/// authenticators. `with_aaguid` empty leaves the extension out. Returns DER. Errors: key_missing,
/// internal_error.
Result<std::string> issue_attestation(const Authority& maker, const std::optional<Aaguid>& aaguid,
                                      const EcPoint& key, unsigned days);

/// verify_der checks an ECDSA P-256 signature in DER with SHA-256 over `message`, as the OpenSSL
/// command line makes them.
bool verify_der(const EcPoint& key, Bytes message, Bytes signature);

}  // namespace amanat::crypto
