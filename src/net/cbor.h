#pragma once
// net, CBOR (RFC 8949) in the one form WebAuthn may use: CTAP2 canonical. Every byte is checked
// here before any library sees it: five bytes (9a 08 00 00 00) cost libcbor a gigabyte, and a
// megabyte of nested arrays the stack of others. Nothing is allocated by an announced length. Pure
// functions; the views point into the bytes given.
//
// Refused: more than 16 KiB; nesting above 4; indefinite lengths; integers, lengths and counts not
// in their shortest form; keys out of CTAP2 order (major type, then length, then bytes) or
// repeated; keys that are neither integers nor strings; tags, floats, undefined and unnamed simple
// values; text that is not UTF-8; a length or count above the bytes left; bytes after the end.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"

namespace amanat::net {

inline constexpr std::size_t kCborBytesMax = 16 * 1024;
inline constexpr unsigned kCborDepthMax = 4;

/// check_cbor accepts exactly one item. Errors: malformed_cbor (what, and at which byte).
Result<void> check_cbor(std::string_view bytes);
/// measure_cbor checks the first item and returns its length; bytes may follow it. Errors: as
/// check_cbor.
Result<std::size_t> measure_cbor(std::string_view bytes);

/// CborCursor reads checked bytes item by item; a type other than the one asked for is nothing.
class CborCursor {
 public:
  /// `checked` has been accepted by check_cbor or measure_cbor.
  explicit CborCursor(std::string_view checked) : rest_(checked) {}
  std::optional<std::int64_t> integer();  // within the range of a signed 64-bit integer
  std::optional<std::string_view> bytes();
  std::optional<std::string_view> text();
  std::optional<bool> boolean();
  std::optional<std::size_t> array();  // the number of items that follow
  std::optional<std::size_t> map();    // the number of pairs that follow
  /// item takes one whole item, whatever it is, as its bytes.
  std::string_view item();
  bool at_end() const { return rest_.empty(); }

 private:
  std::optional<std::uint64_t> head(unsigned major);
  std::optional<std::string_view> string(unsigned major);
  std::string_view rest_;
};

/// Es256Point is the public key of a passkey: x || y on P-256 (not yet known to be on the curve).
using Es256Point = std::array<std::uint8_t, 64>;

/// parse_cose_key reads a COSE_Key (RFC 9052) that is EC2, ES256, P-256 and nothing else. Errors:
/// malformed_cbor, key_algorithm_wrong.
Result<Es256Point> parse_cose_key(std::string_view bytes);

struct AttestedCredential {
  std::array<std::uint8_t, 16> aaguid{};
  std::string_view id;   // 1..1023 bytes
  std::string_view key;  // the COSE_Key as it stands
};

struct AuthenticatorExtension {
  std::string_view name, value;  // value: its CBOR
};

/// AuthenticatorData is WebAuthn's authenticator data, section 6.1.
struct AuthenticatorData {
  Digest rp_id_hash{};
  bool user_present = false, user_verified = false, backup_eligible = false, backed_up = false;
  std::uint32_t counter = 0;
  std::optional<AttestedCredential> credential;  // at registration only
  std::vector<AuthenticatorExtension> extensions;
};
/// parse_authenticator_data reads 37 bytes, then with flag AT the credential, then with flag ED one
/// map, then the end: flags and bytes must agree. Errors: authenticator_data_wrong, malformed_cbor.
Result<AuthenticatorData> parse_authenticator_data(std::string_view bytes);

/// AttestationObject is WebAuthn's attestation object, section 6.5, of the forms `packed` and
/// `none`. `format` is told for others too, and nothing else of them.
struct AttestationObject {
  std::string_view format;
  std::string_view authenticator_data;
  std::int64_t algorithm = 0;           // packed: alg
  std::string_view signature;           // packed: sig
  std::vector<std::string_view> chain;  // packed: x5c, DER, the authenticator's own first; 0..4
};
/// parse_attestation_object splits it. Errors: malformed_cbor (also: a statement that is not of its
/// format's form; of `none` it must be empty).
Result<AttestationObject> parse_attestation_object(std::string_view bytes);

}  // namespace amanat::net
