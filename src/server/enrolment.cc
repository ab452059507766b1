// The acts around passkeys: each is in the ledger before it takes effect.

#include <sys/stat.h>

#include "crypto/crypto.h"
#include "server/exchange.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

// A KEY entry about an account's keys, by whoever confirmed it.
EntryContent key_entry(std::string note, const Digest& document, const Caller* by) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.tail = ledger::tail_of_policy_key(document, EntryIndex{0});
  entry.part(BodyPart::purpose) = std::move(note);
  if (by != nullptr) {
    entry.actor = by->asker().actor;
    entry.evidence = by->evidence();
  }
  return entry;
}

}  // namespace

// A list that changed since it was last in force is told to the ledger before anybody registers by
// it.
Result<void> Exchange::note_authenticators(State& s) {
  constexpr std::size_t kFileMax = 1 << 20;
  constexpr std::string_view kRow = "authenticators";
  struct stat there;
  const bool exists = ::stat(s.home.authenticators().c_str(), &there) == 0;
  auto text = exists ? storage::read_file(s.home.authenticators(), kFileMax) : std::string();
  if (!text) return std::unexpected(text.error());
  std::string before;
  auto known = s.store->get(storage::Table::settings, kRow, before);
  if (!known) return std::unexpected(known.error());
  const std::string digest(crypto::text_of(crypto::sha256(*text)));
  if (before == digest || (!*known && !exists)) return {};
  auto recorded = s.record_document(*text, "authenticators in force");
  if (!recorded) return std::unexpected(recorded.error());
  storage::Batch batch;
  batch.put(storage::Table::settings, kRow, digest);
  return s.store->write(batch, storage::Durability::synced);
}

Result<identity::Ticket> Exchange::enrolment_code(std::string_view account, const Caller* by) {
  const std::lock_guard one(state_->acts);
  auto ticket = state_->identity->make_ticket(account);
  if (!ticket) return ticket;
  // The account stands in the document's digest, which the opening's note lets anybody check.
  const std::string note = "enrolment code for " + ticket->account;
  auto recorded = state_->record(key_entry(note, crypto::sha256(note), by));
  // Not recorded, so never told: nobody holds the code.
  if (!recorded) return std::unexpected(recorded.error());
  return ticket;
}

Result<identity::Ticket> Exchange::citizen_code(const SubjectName& citizen, const Caller* by) {
  const std::lock_guard one(state_->acts);
  if (by != nullptr) state_->tell_of_canaries({citizen}, by->asker(), {}, "enrolment of a citizen");
  auto account = state_->identity->add_citizen(citizen);
  if (!account) return std::unexpected(account.error());
  if (auto kept = state_->keep_label_proof(citizen); !kept) return std::unexpected(kept.error());
  auto ticket = state_->identity->make_ticket(*account);
  if (!ticket) return ticket;
  const std::string note = "enrolment code for " + ticket->account;
  EntryContent entry = key_entry(note, crypto::sha256(note), by);
  // What the officer signed names the citizen, and this entry's opening never dies: only who
  // confirmed it stays.
  entry.evidence.clear();
  auto recorded = state_->record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return ticket;
}

Result<Exchange::Registered> Exchange::register_passkey(const Request& request) {
  auto made = state_->identity->finish_registration(request);
  if (!made) return std::unexpected(made.error());
  const std::lock_guard one(state_->acts);
  EntryContent entry = key_entry("passkey registered", made->record.thumbprint, nullptr);
  entry.actor = Actor{made->record.account, KeyKind::passkey, made->record.thumbprint};
  entry.evidence = made->evidence;
  if (auto recorded = state_->record(std::move(entry)); !recorded)
    return std::unexpected(recorded.error());
  auto left = state_->identity->put_in_force(*made);
  if (!left) return std::unexpected(left.error());
  Registered registered;
  registered.account = made->account;
  registered.says = made->says;
  registered.thumbprint = made->record.thumbprint;
  registered.left = *left;
  return registered;
}

}  // namespace amanat::server
