// Registration of passkeys by an enrolment code, and citizens as accounts.

#include <algorithm>

#include "crypto/crypto.h"
#include "identity/ceremony.h"
#include "identity/state.h"

namespace amanat::identity {
namespace {

constexpr std::uint64_t kTicketLife = 15 * kMinute;
constexpr std::uint64_t kPasskeyLife = std::uint64_t{10} * 365 * 24 * 60 * kMinute;
constexpr std::size_t kCodeLetters = 20, kCodeMax = 64;  // 20 letters of 5 bits
// Crockford's base32: no letter is taken for a digit.
constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::string new_code() {
  std::array<std::uint8_t, kCodeLetters> random;
  crypto::random_bytes(random);
  std::string code;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i > 0 && i % 5 == 0) code.push_back('-');
    code.push_back(kLetters[random[i] % kLetters.size()]);
  }
  return code;
}

unsigned live_passkeys(const Account& account) {
  unsigned live = 0;
  for (const Device* device : account.devices())
    if (device->record.kind == KeyKind::passkey && !device->revoked.load(std::memory_order_acquire))
      ++live;
  return live;
}

}  // namespace

std::string normal_code(std::string_view typed) {
  std::string code;
  for (char c : typed) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    code.push_back(c);
  }
  return code;
}

Digest hash_of_code(std::string_view typed) {
  crypto::Sha256 hash;
  hash.update("amanat/enrolment/v1").update(std::uint8_t{0}).update(normal_code(typed));
  return hash.finish();
}

Result<Digest> Identity::State::code_of(const net::Json& body) const {
  auto code = text_member(body, "ticket", kCodeMax);
  if (!code) return std::unexpected(code.error());
  const Digest hash = hash_of_code(*code);
  wipe(code->data(), code->size());
  return hash;
}

Result<void> Identity::State::forget_ticket(const Digest& code) {
  storage::Batch batch;
  batch.erase(storage::Table::accounts, ticket_key(code));
  return store.write(batch, storage::Durability::synced);
}

Result<Ticket> Identity::make_ticket(std::string_view account_id) {
  State& s = *state_;
  const std::lock_guard lock(s.writing);
  const Account* const account = s.book.account(account_id);
  if (account == nullptr) return fail(Reason::unknown_officer);
  const auto facts = account->facts();
  const Moment at = now();
  if (facts->record.service) return fail(Reason::malformed_value, "services have no passkeys");
  if (has_left(facts->record, at)) return fail(Reason::officer_left);
  const unsigned live = live_passkeys(*account);
  const unsigned wanted = facts->record.citizen ? 1 : kOfficerPasskeys;
  Ticket ticket;
  ticket.code = new_code();
  ticket.account = facts->record.id;
  ticket.expires = Moment{number(at) + kTicketLife};
  TicketRecord record;
  record.code = hash_of_code(ticket.code);
  record.account = facts->record.account;
  record.expires = ticket.expires;
  record.left = static_cast<std::uint8_t>(live < wanted ? wanted - live : 1);
  if (auto saved = s.save(ticket_key(record.code), encode(record)); !saved)
    return std::unexpected(saved.error());
  if (const auto replaced = s.ceremonies.tickets.add(record))
    if (auto forgotten = s.forget_ticket(*replaced); !forgotten)
      return std::unexpected(forgotten.error());
  return ticket;
}

Result<RegistrationOffer> Identity::begin_registration(const Request& request) const {
  State& s = *state_;
  auto body = read_body(request, kSmallBody, {"ticket"});
  if (!body) return std::unexpected(body.error());
  auto code = s.code_of(*body);
  if (!code) return std::unexpected(code.error());
  const auto ticket = s.ceremonies.tickets.find(*code, request.received);
  if (!ticket) return fail(Reason::ticket_wrong);
  const Account* const account = s.book.account(ticket->record.account);
  insist(account != nullptr);
  const auto facts = account->facts();
  if (has_left(facts->record, request.received)) return fail(Reason::officer_left);
  RegistrationOffer made;
  Offer& offer = made.offer;
  offer.nonce.resize(kNonceBytes);
  crypto::random_bytes({reinterpret_cast<std::uint8_t*>(offer.nonce.data()), offer.nonce.size()});
  offer.challenge = offer.nonce;
  offer.rp_id = s.ceremonies.rules()->rp_id;
  offer.expires = Moment{number(request.received) + kPendingLife};
  for (const Device* device : account->devices())
    if (device->record.kind == KeyKind::passkey)
      offer.credentials.push_back(device->record.credential);
  made.account = facts->record.id;
  made.user_handle = user_handle_of(facts->record.id);
  made.direct = !facts->record.citizen;
  s.ceremonies.tickets.offer(*code, offer);
  return made;
}

Result<NewPasskey> Identity::finish_registration(const Request& request) const {
  State& s = *state_;
  auto body = read_body(request, kAttestationBody, {"ticket", "credential"});
  if (!body) return std::unexpected(body.error());
  auto code = s.code_of(*body);
  if (!code) return std::unexpected(code.error());
  // Taken away first: a failed attempt burns this offer, and too many the ticket.
  auto offer = s.ceremonies.tickets.take_offer(*code, request.received);
  if (!offer) return std::unexpected(offer.error());
  const auto ticket = s.ceremonies.tickets.find(*code, request.received);
  if (!ticket) return fail(Reason::ticket_wrong);
  const Account* const account = s.book.account(ticket->record.account);
  insist(account != nullptr);
  const auto facts = account->facts();
  const net::Json* const value = body->find("credential");
  auto attestation = value != nullptr ? read_attestation(*value)
                                      : fail(Reason::malformed_json, "credential is missing");
  auto made = attestation ? judge_registration(*attestation, offer->challenge, facts->roles,
                                               facts->record.citizen, *s.ceremonies.rules(),
                                               request.received)
                          : std::unexpected(attestation.error());
  if (made && (s.book.passkey(made->record.credential) != nullptr ||
               s.book.device(made->record.thumbprint) != nullptr))
    made = fail(Reason::passkey_taken);
  if (!made) {
    if (s.ceremonies.tickets.failed(*code))
      if (auto forgotten = s.forget_ticket(*code); !forgotten)
        return std::unexpected(forgotten.error());
    return made;
  }
  made->account = facts->record.id;
  made->ticket = *code;
  made->record.account = facts->record.account;
  made->record.enrolled = request.received;
  made->record.not_after = Moment{number(request.received) + kPasskeyLife};
  return made;
}

Result<unsigned> Identity::put_in_force(const NewPasskey& made) {
  State& s = *state_;
  const std::lock_guard lock(s.writing);
  Account* const account = s.book.account(made.record.account);
  insist(account != nullptr);
  if (s.book.passkey(made.record.credential) != nullptr ||
      s.book.device(made.record.thumbprint) != nullptr)
    return fail(Reason::passkey_taken);
  // Spent last of all checks and before the key works: one code never makes one key too many.
  const auto spent = s.ceremonies.tickets.spend(made.ticket, made.record.enrolled);
  if (!spent) return fail(Reason::ticket_wrong);
  const auto kept = spent->left == 0 ? s.forget_ticket(made.ticket)
                                     : s.save(ticket_key(made.ticket), encode(*spent));
  if (!kept) return std::unexpected(kept.error());
  if (auto saved = s.save(device_key(made.record.thumbprint), encode(made.record)); !saved)
    return std::unexpected(saved.error());
  s.book.add(made.record, *account);
  return spent->left;
}

Result<std::string> Identity::add_citizen(const SubjectName& citizen) {
  State& s = *state_;
  const Tag own = s.vault.tag(citizen);
  const std::lock_guard lock(s.writing);
  for (const Account* account : s.book.accounts()) {
    const auto facts = account->facts();
    if (facts->record.citizen && facts->record.own == own) return facts->record.id;
  }
  std::array<std::uint8_t, 8> random;
  crypto::random_bytes(random);
  AccountRecord record;
  record.account = s.book.next_account();
  record.citizen = true;
  record.id = "citizen-" + crypto::hex(random);
  record.own = own;
  record.joined = now();
  const std::string id = record.id;
  if (auto saved = s.save(account_key(record.account), encode(record)); !saved)
    return std::unexpected(saved.error());
  s.book.add(std::move(record));
  return id;
}

bool Identity::owns(AccountId account, std::string_view thumbprint_hex) const {
  const auto bytes = crypto::from_hex(thumbprint_hex);
  Digest thumbprint;
  if (!bytes || bytes->size() != thumbprint.size()) return false;
  std::copy(bytes->begin(), bytes->end(), thumbprint.begin());
  const auto device = device_of(thumbprint);
  return device && device->account == account;
}

std::optional<Actor> Identity::device_of(const Digest& thumbprint) const {
  const Device* const device = state_->book.device(thumbprint);
  if (device == nullptr) return std::nullopt;
  return Actor{device->record.account, device->record.kind, thumbprint};
}

Result<void> Identity::State::load_small(std::string_view key, std::string_view plain) {
  if (key.starts_with('t')) {
    const auto ticket = decode_ticket(plain);
    if (!ticket || ticket_key(ticket->code) != key)
      return fail(Reason::store_failed, "an enrolment code's row");
    ceremonies.tickets.add(*ticket);
    return {};
  }
  const auto counter = decode_counter(plain);
  if (!counter || key.size() != 33) return fail(Reason::store_failed, "a counter's row");
  Digest thumbprint;
  std::copy(key.begin() + 1, key.end(), thumbprint.begin());
  counters.emplace_back(thumbprint, *counter);
  return {};
}

void Identity::State::place_counters() {
  for (const auto& [thumbprint, counter] : counters)
    if (Device* device = book.device(thumbprint))
      device->counter.store(std::max(counter, device->record.counter), std::memory_order_release);
  counters.clear();
}

}  // namespace amanat::identity
