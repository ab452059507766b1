#pragma once
// identity, state: what the room holds, for the files of this room only. Identity::identify looks
// at which credential a request carries and hands it to the part that judges it; each part says
// what it found as plain values (Asked), and Identity alone makes a Caller of them.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "identity/book.h"
#include "identity/ceremony.h"
#include "identity/identity.h"

namespace amanat::identity {

/// kSealUse is the vault's use for everything in Table::accounts.
inline constexpr std::string_view kSealUse = "accounts";

/// is_json says whether a Content-Type is application/json, with no parameter but charset=utf-8.
bool is_json(std::string_view type);
/// has_left says whether an officer is out of service at a time.
bool has_left(const AccountRecord& record, Moment at);
/// asker_of gives an account's facts, proven by `device` (null: by nothing yet).
Asker asker_of(const Facts& facts, const Device* device, std::uint64_t epoch);
/// epoch_of is what still_stands compares: read it before the facts.
std::uint64_t epoch_of(const Device& device);

struct Services;
struct DpopProof;
class LiveToken;

/// Repeat says whether a proof's one use is taken, or the proof only looked at.
enum class Repeat : std::uint8_t { refused, allowed };

/// Shown is what a request's credential proves.
struct Shown {
  Asker asker;
  Proof proof = Proof::channel;
  std::string evidence;              // empty: its channel's
  std::shared_ptr<LiveToken> token;  // null: none was shown
};

struct Identity::State {
  storage::Store& store;
  vault::Vault& vault;
  const FieldTable& fields;
  Book book;
  std::mutex writing;  // note_officer, add_service, enrol, revoke, forget take turns

  std::unique_ptr<Services> services;  // made when the accounts are loaded
  Speech speech = {};

  Result<void> save(std::string_view key, std::string_view record) {
    std::string sealed;
    vault.seal_house(kSealUse, key, record, sealed);
    storage::Batch batch;
    batch.put(storage::Table::accounts, key, sealed);
    return store.write(batch, storage::Durability::synced);
  }
  Result<void> load(std::string_view key, std::string_view sealed,
                    std::vector<DeviceRecord>& devices);
  Result<bool> name_matches(const AccountRecord& record, std::string_view name) const;
  Result<void> seal_name(AccountRecord& record, std::string_view name);
  // identify.cc: what a request's credential proves, and what a Caller holds of it.
  Result<Shown> shown(const Request& request, Repeat repeat) const;
  Result<Shown> by_certificate(const Request& request, Repeat repeat) const;
  Result<Shown> by_token(const Request& request, Repeat repeat) const;
  Result<void> by_proof(const Request& request, const DpopProof& proof, std::string_view token,
                        const Device& device, Repeat repeat, Shown& shown) const;
  Result<void> by_signature(const Request& request, Repeat repeat, Shown& shown) const;
  Result<const Device*> live_device(const Request& request) const;
  Result<Asker> asker_by(const Device& device, Moment at) const;
  Caller::Content content_of(Shown shown, const Request& request) const;

  // Passkeys: ceremony.cc, registration.cc.
  Ceremonies ceremonies{};
  std::vector<std::pair<Digest, std::uint32_t>> counters{};  // while loading

  enum class Signing : std::uint8_t { question, act };
  /// session_of finds the live session of a request that comes from our own pages. Errors:
  /// no_session, cross_site.
  Result<Session> session_of(const Request& request);
  Result<Asker> asker_of_session(const Session& session, Moment at) const;
  Result<Judged> settle_assertion(const Assertion& assertion, const Device& device,
                                  std::string_view challenge, bool verification);
  /// signed_by_session proves a question or an act by session and assertion: `member` of the body
  /// names what was put forward.
  Result<Asked> signed_by_session(const Request& request, std::string_view member, Signing signing);
  Result<Asked> judge_signed(const Request& request, const Session& session,
                             const std::string& account, std::string_view member, Signing signing);
  Result<PutForward> put_forward(Pending pending, const Session& session,
                                 std::vector<std::string> sentences, Moment at);
  bool wants_verification(const Question& question, const Session& session, Moment at) const;
  Result<Digest> code_of(const net::Json& body) const;
  Result<void> forget_ticket(const Digest& code);
  Result<void> load_small(std::string_view key, std::string_view plain);
  void place_counters();
};

}  // namespace amanat::identity
