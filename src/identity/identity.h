#pragma once
// identity: who asks. Keeps accounts (officers of the roster, services of departments), their
// devices and their revocation, and alone mints a Caller, from a live proof over this request.
// Thread-safe; checks on the request path take no lock that a writer holds for long.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/offers.h"
#include "identity/speech.h"
#include "model/passes.h"
#include "model/request.h"
#include "model/result.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::identity {

/// Officer is a row of the personnel roster, normalised. `national_id` is personal data.
struct Officer {
  std::string id, name, national_id, department, unit, role, station, shift;
  Moment joined{};
  std::optional<Moment> left;
};

struct Enrolled {
  std::string certificate_pem;
  AccountId account{};
  Digest thumbprint{};
};

/// EnrolledKey is a service's own key; `jwk` its canonical text (RFC 7638).
struct EnrolledKey {
  AccountId account{};
  Digest thumbprint{};
  std::string jwk;
};

/// IssuedToken is an access token and what was granted with it.
struct IssuedToken {
  std::string token;
  bool dpop = false;  // else bound to the certificate
  std::uint64_t seconds = 0;
  std::string details;  // authorization_details as granted, JSON; empty: none
};

enum class Noted : std::uint8_t { added, changed, unchanged };

class Identity {
 public:
  /// open loads accounts and devices. `fields` must outlive it. Errors: store_failed, seal_broken.
  static Result<std::unique_ptr<Identity>> open(storage::Store& store, vault::Vault& vault,
                                                const FieldTable& fields);
  ~Identity();

  /// identify proves who asks and reads the question: credential first, body afterwards.
  /// The credential is an access token with its proof, or the connection's certificate
  /// (docs/callers.md). Errors: no_credential, foreign_certificate, expired_certificate,
  /// unknown_device, revoked_device, officer_left; the token's (token_malformed to token_busy), the
  /// proof's (proof_malformed to proof_replayed), signature_malformed, too_busy; then malformed_json,
  /// malformed_value, unknown_field, wrong_media_type, token_bounds.
  Result<Caller> identify(const Request& request) const;
  /// known checks the credential alone, for routes that ask no question. Errors as identify's but
  /// the last five; a proof is looked at, not used up.
  Result<Asker> known(const Request& request) const;
  /// admit proves who asks on data routes that carry no question (the Caller's question is empty).
  /// Errors as identify's but the last five.
  Result<Caller> admit(const Request& request) const;
  // Passkeys. Sign-in and registration are asked by strangers; a session's cookie proves who looks,
  // never who asks: questions and acts want a signature each.

  /// speak sets how a question is put into words for whoever signs; before anybody asks.
  void speak(Speech speech);
  /// use_passkeys sets what passkeys are judged by, from now on.
  void use_passkeys(PasskeyRules rules);
  std::shared_ptr<const PasskeyRules> passkey_rules() const;
  /// begin_sign_in makes a challenge and keeps nothing of it.
  Offer begin_sign_in(Moment at) const;
  /// finish_sign_in takes {"nonce", "assertion"} and begins a session, which ends the device's former
  /// one. Errors: wrong_media_type, malformed_json, pending_unknown (not ours, or used),
  /// pending_expired, passkey_unknown, those of the assertion (malformed_cbor to
  /// counter_not_grown, assertion_wrong), revoked_device, officer_left, second_key_missing,
  /// pending_full.
  Result<SignedIn> finish_sign_in(const Request& request) const;
  /// signed_in is the Caller of a session alone (the question empty, Proof::channel), for pages that
  /// show nothing of others. Errors: no_session, cross_site, revoked_device, officer_left.
  Result<Caller> signed_in(const Request& request) const;
  /// sign_out ends the session. Errors: no_session, cross_site.
  Result<void> sign_out(const Request& request) const;
  /// end_session ends the live session of a device, if the account has such a device and it has one.
  void end_session(AccountId account, const Digest& thumbprint) const;
  /// put_question reads the body of a lookup under a session and keeps it to be signed, five
  /// minutes. Errors: those of signed_in and of identify's body, not_your_right, pending_full.
  Result<PutForward> put_question(const Request& request) const;
  /// put_act is put_question for an act: {"verb", "target", "subject"?, "reason"?, "until"?}.
  Result<PutForward> put_act(const Request& request) const;
  /// make_ticket makes an enrolment code of an officer or citizen, good for 15 minutes; a former one
  /// ends. An officer's first two passkeys are registered with one. Errors: unknown_officer,
  /// officer_left, malformed_value (a service), store_failed.
  Result<Ticket> make_ticket(std::string_view account);
  /// begin_registration takes {"ticket"}. Errors: ticket_wrong, officer_left, malformed_json,
  /// wrong_media_type.
  Result<RegistrationOffer> begin_registration(const Request& request) const;
  /// finish_registration judges {"ticket", "credential"}; the passkey is not in force yet, so that
  /// the KEY entry comes first. Errors: ticket_wrong, pending_unknown, pending_expired,
  /// passkey_taken, malformed_json, those of the attestation.
  Result<NewPasskey> finish_registration(const Request& request) const;
  /// put_in_force makes it count and returns how many more the ticket registers. Errors:
  /// ticket_wrong, passkey_taken, store_failed.
  Result<unsigned> put_in_force(const NewPasskey& made);
  /// add_citizen makes an account for a citizen, or finds it, and returns its id. Errors:
  /// store_failed.
  Result<std::string> add_citizen(const SubjectName& citizen);
  /// owns says whether a device, by its whole thumbprint in hex, is the account's.
  bool owns(AccountId account, std::string_view thumbprint_hex) const;
  /// device_of says whose a device is, revoked or not.
  std::optional<Actor> device_of(const Digest& thumbprint) const;

  /// confirm mints a Caller of an act instead of a question: a signed-in officer's passkey, touched
  /// and verified for exactly the act that POST /v1/acts put forward. The request's body is
  /// {"act": nonce, "assertion": {...}}; Caller::act() is the act the exchange held, never one sent
  /// again, and evidence() its proof (docs/callers.md). May it? is for the caller of this to judge.
  /// Errors: those of the assertion (pending_unknown to assertion_wrong), no_session,
  /// revoked_device, officer_left, malformed_json.
  Result<Caller> confirm(const Request& request) const;
  /// confirm_signed is confirm for the tools of operators, without a session: an enrolled
  /// certificate device's ECDSA P-256 signature (DER) with SHA-256 over
  /// "amanat/act/v1" || 0x00 || canonical_act(act). Errors: unknown_officer, unknown_device
  /// (the certificate is not one of the account's), revoked_device, officer_left,
  /// expired_certificate, act_signature_wrong, malformed_value.
  Result<Caller> confirm_signed(std::string_view account, const Act& act,
                                std::string_view certificate_pem,
                                std::string_view signature_der) const;
  /// names_caller says whether identify fails with `reason` only after it knew who asks.
  static bool names_caller(Reason reason);
  /// still_stands checks revocation once more, immediately before the append, and stamps the draft.
  Result<void> still_stands(Draft& draft) const;

  /// note_officer adds or updates an account from the roster (repeated: unchanged).
  Result<Noted> note_officer(const Officer& officer);
  /// add_service makes an account for a department's system, or changes its roles; the policy says
  /// what a role may do (rights: "records", "cases"). Errors: malformed_value, store_failed.
  Result<AccountId> add_service(std::string_view id, std::string_view department,
                                const std::vector<std::string>& roles);
  /// enrol certifies a device of an officer or service from its CSR. The caller records a KEY
  /// entry. Errors: unknown_officer, officer_left, csr_wrong.
  Result<Enrolled> enrol(std::string_view account_id, std::string_view csr_pem,
                         std::string_view ca_certificate_pem, std::string_view ca_key_pem,
                         unsigned days);
  /// enrol_key enrols a service's own P-256 key, a JWK or a PEM block, by which it proves itself and
  /// signs its questions. The caller records a KEY entry. Errors: unknown_officer, key_wrong,
  /// key_taken, store_failed.
  Result<EnrolledKey> enrol_key(std::string_view account_id, std::string_view text, unsigned days);

  /// be_reached_at says under which addresses ("https://host:port") the exchange answers, and what
  /// proofs may be made for; the first is issuer and audience of tokens. Before the first request.
  void be_reached_at(const std::vector<std::string>& urls);
  const std::string& url() const;
  /// fresh_nonce is the next DPoP-Nonce for whoever sent the request; empty for callers without a
  /// DPoP proof.
  std::string fresh_nonce(const Request& request) const;
  /// issue_token answers POST /oauth/token. Errors: oauth_request_wrong, client_unknown and its
  /// like, grant_type_wrong, scope_wrong, resource_wrong, token_binding_wrong, the proof's,
  /// authorization_details_wrong, too_busy.
  Result<IssuedToken> issue_token(const Request& request) const;
  /// introspect answers POST /oauth/introspect (RFC 7662) for services that `may`, with its JSON.
  /// Errors: not_your_right, oauth_request_wrong, the client's.
  Result<std::string> introspect(const Request& request,
                                 const std::function<bool(const Asker&)>& may) const;
  /// withdraw_token answers POST /oauth/revoke (RFC 7009), at once. Errors: oauth_request_wrong, the
  /// client's.
  Result<void> withdraw_token(const Request& request) const;
  /// public_keys is the JWK set that tokens verify with (RFC 7517).
  std::string public_keys() const;

  /// revoke ends a device (by thumbprint, hex, or its first 8 or more digits) or all of an
  /// account's; effective at once. Returns the thumbprints ended. Errors: unknown_device,
  /// unknown_officer.
  Result<std::vector<Digest>> revoke(std::string_view device_or_account);
  /// forget destroys the name and the keyed national ID of officers who are this citizen; the
  /// account stays, for the ledger names it. Returns how many. Errors: store_failed, file_failed.
  Result<std::uint64_t> forget(const SubjectName& citizen);
  /// devices lists an account's devices, oldest first, ended ones too; nothing for an unknown id.
  std::vector<DeviceRecord> devices(std::string_view account_id) const;
  /// accounts lists every account, ascending by number, without its devices.
  std::vector<Asker> accounts() const;
  /// own_of_unit lists the keyed own national IDs of the officers of a department's unit, ascending;
  /// own_of that of one officer. Nothing for those the roster has none of. For the policy's
  /// forbids.
  std::vector<Tag> own_of_unit(std::string_view department, std::string_view unit) const;
  std::optional<Tag> own_of(std::string_view account_id) const;
  /// changes grows whenever an answer of these may have changed.
  std::uint64_t changes() const;

 private:
  struct State;
  explicit Identity(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// parse_question reads the body of POST /v1/lookups; exposed for fuzzing and for tools.
/// Errors: malformed_json, malformed_value, unknown_field.
Result<Question> parse_question(std::string_view body, const FieldTable& fields);

}  // namespace amanat::identity
