#pragma once
// identity, passkey: the rules of WebAuthn (Level 3) for one registration and one assertion, in
// this order, each with its own reason. This room only; pure functions.

#include <string>
#include <string_view>

#include "identity/offers.h"
#include "model/request.h"
#include "net/cbor.h"
#include "net/json.h"

namespace amanat::identity {

/// What a body of the ceremonies may hold: a code or an act; an assertion; an attestation.
inline constexpr std::size_t kSmallBody = 4 * 1024, kAssertionBody = 24 * 1024,
                             kAttestationBody = 48 * 1024;
/// kCredentialMax is the longest credential id (WebAuthn 4).
inline constexpr std::size_t kCredentialMax = 1023;

/// Assertion is the browser's answer to navigator.credentials.get, decoded.
struct Assertion {
  std::string credential, authenticator_data, client_data, signature;
  std::optional<std::string> user_handle;
};
/// Attestation is the browser's answer to navigator.credentials.create, decoded.
struct Attestation {
  std::string credential, object, client_data;
};

/// read_body reads a request's JSON of at most so many bytes and exactly the members named. Errors:
/// wrong_media_type, malformed_json, body_too_large.
Result<net::Json> read_body(const Request& request, std::size_t bytes_max,
                            std::initializer_list<std::string_view> members);
/// text_member is a string member. Errors: malformed_json.
Result<std::string> text_member(const net::Json& body, std::string_view name, std::size_t max);
/// bytes_member is a member in base64url. Errors: malformed_json.
Result<std::string> bytes_member(const net::Json& body, std::string_view name, std::size_t max);
/// read_assertion and read_attestation take the JSON forms of WebAuthn 5.1.8 (as toJSON() and
/// @simplewebauthn/browser write them). Errors: malformed_json.
Result<Assertion> read_assertion(const net::Json& value);
Result<Attestation> read_attestation(const net::Json& value);

/// user_handle_of is the account's user handle: 16 bytes that name it to an authenticator.
std::string user_handle_of(std::string_view account);

/// judge_client_data judges type, challenge, origin and embedding. Errors: client_data_wrong,
/// ceremony_type_wrong, challenge_wrong, origin_wrong, embedded_elsewhere.
Result<void> judge_client_data(std::string_view client_data, std::string_view type,
                               std::string_view challenge, const PasskeyRules& rules);

/// Judged is what an assertion says besides being right.
struct Judged {
  bool verified = false;
  std::uint32_t counter = 0;
};
/// judge_assertion judges everything but the counter, which its keeper compares last. Errors:
/// those of judge_client_data, malformed_cbor, authenticator_data_wrong, rp_wrong,
/// presence_missing, verification_missing, backup_state_wrong, user_handle_wrong, assertion_wrong.
Result<Judged> judge_assertion(const Assertion& assertion, const DeviceRecord& device,
                               std::string_view account, std::string_view challenge,
                               bool verification, const PasskeyRules& rules);

/// judge_registration judges a new passkey of an account and returns its record, without account
/// and time. Errors: those of judge_assertion but the handle's, and synced_passkey,
/// key_algorithm_wrong, attestation_format_wrong, authenticator_not_listed, attestation_untrusted,
/// attestation_wrong.
Result<NewPasskey> judge_registration(const Attestation& attestation, std::string_view challenge,
                                      const std::vector<std::string>& roles, bool citizen,
                                      const PasskeyRules& rules, Moment at);

/// append_prefixed appends a u32 length and the bytes: evidence is written so.
void append_prefixed(std::string& out, std::string_view bytes);

}  // namespace amanat::identity
