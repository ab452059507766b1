#pragma once
// identity: who asks. Keeps accounts (officers of the roster, services of departments), their
// devices and their revocation, and alone mints a Caller, from a live proof over this request.
// Thread-safe; checks on the request path take no lock that a writer holds for long.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

enum class Noted : std::uint8_t { added, changed, unchanged };

class Identity {
 public:
  /// open loads accounts and devices. `fields` must outlive it. Errors: store_failed, seal_broken.
  static Result<std::unique_ptr<Identity>> open(storage::Store& store, vault::Vault& vault,
                                                const FieldTable& fields);
  ~Identity();

  /// identify proves who asks and reads the question: credential first, body afterwards.
  /// Errors: no_credential, foreign_certificate, expired_certificate, unknown_device,
  /// revoked_device, officer_left, malformed_json, malformed_value, unknown_field,
  /// wrong_media_type.
  Result<Caller> identify(const Request& request) const;
  /// known checks the credential alone, for routes that ask no question. Errors as identify's first
  /// six.
  Result<Asker> known(const Request& request) const;
  /// admit proves who asks on data routes that carry no question (the Caller's question is empty).
  /// Errors as identify's first six.
  Result<Caller> admit(const Request& request) const;
  /// confirm mints a Caller of an act instead of a question: a signed-in officer's passkey, touched
  /// and verified for exactly the act that POST /v1/acts put forward. The request's body is
  /// {"act": nonce, "assertion": {...}}; Caller::act() is the act the exchange held, never one sent
  /// again, and evidence() its proof (docs/callers.md). May it? is for the caller of this to judge.
  /// Errors: those of the assertion (pending_unknown to assertion_wrong), no_session,
  /// revoked_device, officer_left, malformed_json.
  Result<Caller> confirm(const Request& request) const;
  /// confirm_signed is confirm for the tools of operators, without a session: an enrolled
  /// certificate device's ECDSA P-256 signature (DER) with SHA-256 over
  /// SHA-256("amanat/act/v1" || 0x00 || canonical_act(act)). Errors: unknown_officer, unknown_device
  /// (the certificate is not one of the account's), revoked_device, officer_left,
  /// expired_certificate, act_signature_wrong, malformed_value.
  Result<Caller> confirm_signed(std::string_view account, const Act& act,
                                std::string_view certificate_pem,
                                std::string_view signature_der) const;
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
  /// revoke ends a device (by thumbprint, hex, or its first 8 or more digits) or all of an
  /// account's; effective at once. Returns the thumbprints ended. Errors: unknown_device,
  /// unknown_officer.
  Result<std::vector<Digest>> revoke(std::string_view device_or_account);
  /// forget destroys the name and the keyed national ID of officers who are this citizen; the
  /// account stays, for the ledger names it. Returns how many. Errors: store_failed, file_failed.
  Result<std::uint64_t> forget(const SubjectName& citizen);
  /// accounts lists every account, ascending by number, without its devices.
  std::vector<Asker> accounts() const;

 private:
  struct State;
  explicit Identity(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// parse_question reads the body of POST /v1/lookups; exposed for fuzzing and for tools.
/// Errors: malformed_json, malformed_value, unknown_field.
Result<Question> parse_question(std::string_view body, const FieldTable& fields);

}  // namespace amanat::identity
