#include "identity/identity.h"

#include <algorithm>
#include <charconv>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "identity/book.h"
#include "identity/record.h"
#include "identity/services.h"
#include "identity/state.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kIdMax = 64;
constexpr std::size_t kTextMax = 200;
constexpr std::size_t kRolesMax = 16;
constexpr std::size_t kThumbprintDigitsMin = 8;

std::string name_bound_to(const AccountRecord& record) {
  return "amanat/officer-name/v1/" + record.id;
}

bool account_id_fits(std::string_view id) {
  return !id.empty() && id.size() <= kIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// What of an officer's row can be compared: the name is sealed and compared apart.
AccountRecord record_of(const Officer& officer) {
  AccountRecord record;
  record.id = officer.id;
  record.department = officer.department;
  record.unit = officer.unit;
  record.station = officer.station;
  record.shift = officer.shift;
  if (!officer.role.empty()) record.roles = {officer.role};
  record.joined = officer.joined;
  record.left = officer.left;
  return record;
}

}  // namespace

// Content-Type: application/json, with no parameter but charset=utf-8 (RFC 8259 knows no other).
bool is_json(std::string_view type) {
  std::string plain;
  for (const char c : type)
    if (c != ' ' && c != '\t')
      plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  return plain == "application/json" || plain == "application/json;charset=utf-8" ||
         plain == "application/json;charset=\"utf-8\"";
}

bool has_left(const AccountRecord& record, Moment at) { return record.left && *record.left <= at; }

Asker asker_of(const Facts& facts, const Device* device, std::uint64_t epoch) {
  Asker asker;
  asker.account = facts.record.account;
  asker.id = facts.record.id;
  asker.department = facts.record.department;
  asker.unit = facts.record.unit;
  asker.station = facts.record.station;
  asker.shift = facts.record.shift;
  asker.roles = facts.roles;
  asker.service = facts.record.service;
  asker.own = facts.record.own;
  if (facts.record.citizen) asker.citizen = facts.record.own;
  asker.actor.account = facts.record.account;
  if (device != nullptr) {
    asker.actor.key_kind = device->record.kind;
    asker.actor.thumbprint = device->record.thumbprint;
  }
  asker.epoch = epoch;
  return asker;
}

// Both epochs only grow, so their sum stays the same only if neither moved.
std::uint64_t epoch_of(const Device& device) {
  return device.epoch.load(std::memory_order_acquire) + device.account.epoch();
}

// load takes in one row of the table; devices wait until every account is there.
Result<void> Identity::State::load(std::string_view key, std::string_view sealed,
                                   std::vector<DeviceRecord>& devices) {
  WipingBuffer plain;
  if (auto opened = vault.open_house(kSealUse, key, sealed, plain); !opened) return opened;
  if (key.starts_with('a')) {
    auto record = decode_account(plain.view());
    if (!record || account_key(record->account) != key)
      return fail(Reason::store_failed, "an account's row");
    book.add(*std::move(record));
    return {};
  }
  if (key.starts_with('t') || key.starts_with('c')) return load_small(key, plain.view());
  auto record = decode_device(plain.view());
  if (!record || device_key(record->thumbprint) != key)
    return fail(Reason::store_failed, "a device's row");
  devices.push_back(*record);
  return {};
}

Identity::Identity(std::unique_ptr<State> state) : state_(std::move(state)) {}
Identity::~Identity() = default;

Result<std::unique_ptr<Identity>> Identity::open(storage::Store& store, vault::Vault& vault,
                                                 const FieldTable& fields) {
  auto state = std::unique_ptr<State>(new State{store, vault, fields, {}, {}, {}});
  std::vector<DeviceRecord> devices;
  Result<void> loaded;
  auto scanned = store.scan(storage::Table::accounts, "", "",
                            [&](std::string_view key, std::string_view sealed) {
                              loaded = state->load(key, sealed, devices);
                              return loaded.has_value();
                            });
  if (!scanned) return std::unexpected(scanned.error());
  if (!loaded) return std::unexpected(loaded.error());
  std::unordered_map<std::uint32_t, Account*> owners;
  for (Account* account : state->book.accounts())
    owners[number(account->facts()->record.account)] = account;
  for (const DeviceRecord& record : devices) {
    const auto owner = owners.find(number(record.account));
    if (owner == owners.end()) return fail(Reason::store_failed, "a device without its account");
    state->book.add(record, *owner->second);
  }
  state->place_counters();
  auto token_secret = vault.named_secret("token-signer");
  if (!token_secret) return std::unexpected(token_secret.error());
  state->services = std::make_unique<Services>(*token_secret);
  return std::unique_ptr<Identity>(new Identity(std::move(state)));
}

// name_matches compares an officer's name with the sealed one. A name that was erased matches
// every name: a later roster does not bring it back.
Result<bool> Identity::State::name_matches(const AccountRecord& record,
                                           std::string_view name) const {
  if (record.name_at == NameAt::forgotten) return true;
  if (record.name_at == NameAt::nowhere) return name.empty();
  const auto key = vault.key_of(vault::Slot{record.slot - 1});
  if (!key) {
    if (key.error().reason == Reason::erased) return true;
    return std::unexpected(key.error());
  }
  WipingBuffer plain;
  if (auto opened = vault::Vault::open(*key, name_bound_to(record), record.sealed_name, plain);
      !opened)
    return std::unexpected(opened.error());
  return plain.view() == name;
}

Result<void> Identity::State::seal_name(AccountRecord& record, std::string_view name) {
  insist(record.name_at != NameAt::forgotten);
  record.sealed_name.clear();
  if (name.empty()) {
    record.name_at = NameAt::nowhere;
    return {};
  }
  if (record.slot == 0) {
    auto slot = vault.make_slot();
    if (!slot) return std::unexpected(slot.error());
    if (auto synced = vault.sync_slots(); !synced) return synced;
    record.slot = vault::number(*slot) + 1;  // 0 says "none"
  }
  const auto key = vault.key_of(vault::Slot{record.slot - 1});
  if (!key) return std::unexpected(key.error());
  vault::Vault::seal(*key, name_bound_to(record), name, record.sealed_name);
  record.name_at = NameAt::slot;
  return {};
}

Result<Noted> Identity::note_officer(const Officer& officer) {
  if (!account_id_fits(officer.id)) return fail(Reason::malformed_value, "the officer's number");
  for (const std::string* text : {&officer.name, &officer.department, &officer.unit, &officer.role,
                                  &officer.station, &officer.shift})
    if (text->size() > kTextMax) return fail(Reason::value_too_long, "an officer's row");
  const std::lock_guard lock(state_->writing);
  AccountRecord record = record_of(officer);
  if (!officer.national_id.empty())
    record.own = state_->vault.tag({SubjectKind::national_id, officer.national_id});
  Account* account = state_->book.account(officer.id);
  if (account == nullptr) {
    record.account = state_->book.next_account();
    if (auto sealed = state_->seal_name(record, officer.name); !sealed)
      return std::unexpected(sealed.error());
    if (auto saved = state_->save(account_key(record.account), encode(record)); !saved)
      return std::unexpected(saved.error());
    state_->book.add(std::move(record));
    return Noted::added;
  }
  const AccountRecord before = account->facts()->record;
  if (before.service) return fail(Reason::malformed_value, "this number is a service's");
  record.account = before.account;
  record.name_at = before.name_at;
  record.slot = before.slot;
  record.sealed_name = before.sealed_name;
  if (before.name_at == NameAt::forgotten) record.own.reset();
  auto same_name = state_->name_matches(before, officer.name);
  if (!same_name) return std::unexpected(same_name.error());
  if (record == before && *same_name) return Noted::unchanged;
  if (!*same_name)
    if (auto sealed = state_->seal_name(record, officer.name); !sealed)
      return std::unexpected(sealed.error());
  if (auto saved = state_->save(account_key(record.account), encode(record)); !saved)
    return std::unexpected(saved.error());
  // Facts first: whoever sees the old epoch and the new facts is only refused once too often.
  account->replace(std::move(record));
  account->raise_epoch();
  return Noted::changed;
}

Result<AccountId> Identity::add_service(std::string_view id, std::string_view department,
                                        const std::vector<std::string>& roles) {
  if (!account_id_fits(id)) return fail(Reason::malformed_value, "the service's id");
  if (department.size() > kTextMax || roles.size() > kRolesMax)
    return fail(Reason::value_too_long, "the service's roles");
  for (const auto& role : roles)
    if (role.empty() || role.size() > kIdMax)
      return fail(Reason::malformed_value, "a role of the service");
  const std::lock_guard lock(state_->writing);
  AccountRecord record;
  record.service = true;
  record.id = std::string(id);
  record.department = std::string(department);
  record.unit = record.department;
  record.roles = roles;
  std::sort(record.roles.begin(), record.roles.end());
  record.roles.erase(std::unique(record.roles.begin(), record.roles.end()), record.roles.end());
  Account* account = state_->book.account(id);
  if (account != nullptr) {
    const AccountRecord before = account->facts()->record;
    if (!before.service) return fail(Reason::malformed_value, "this id is an officer's");
    record.account = before.account;
    if (record == before) return record.account;
  } else {
    record.account = state_->book.next_account();
  }
  const AccountId given = record.account;
  if (auto saved = state_->save(account_key(given), encode(record)); !saved)
    return std::unexpected(saved.error());
  if (account == nullptr) {
    state_->book.add(std::move(record));
  } else {
    account->replace(std::move(record));
    account->raise_epoch();
  }
  return given;
}

Result<Enrolled> Identity::enrol(std::string_view account_id, std::string_view csr_pem,
                                 std::string_view ca_certificate_pem, std::string_view ca_key_pem,
                                 unsigned days) {
  const std::lock_guard lock(state_->writing);
  Account* account = state_->book.account(account_id);
  if (account == nullptr) return fail(Reason::unknown_officer);
  const Moment enrolled_at = now();
  const auto facts = account->facts();
  if (has_left(facts->record, enrolled_at)) return fail(Reason::officer_left);
  crypto::Authority authority;
  authority.certificate_pem = std::string(ca_certificate_pem);
  authority.key_pem.append(ca_key_pem);
  auto certified = crypto::certify(authority, csr_pem, facts->record.id, days);
  if (!certified) return std::unexpected(certified.error());
  DeviceRecord device;
  device.thumbprint = certified->thumbprint;
  device.account = facts->record.account;
  device.enrolled = enrolled_at;
  device.not_after = certified->not_after;
  if (auto saved = state_->save(device_key(device.thumbprint), encode(device)); !saved)
    return std::unexpected(saved.error());
  state_->book.add(device, *account);
  Enrolled enrolled;
  enrolled.certificate_pem = std::move(certified->certificate_pem);
  enrolled.account = device.account;
  enrolled.thumbprint = device.thumbprint;
  return enrolled;
}

Result<std::vector<Digest>> Identity::revoke(std::string_view device_or_account) {
  const std::lock_guard lock(state_->writing);
  std::vector<Device*> devices;
  if (const Account* account = state_->book.account(device_or_account)) {
    devices = account->devices();
  } else {
    std::string hex;
    for (const char c : device_or_account)
      hex.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    if (hex.size() > 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
      return fail(Reason::unknown_officer);
    if (hex.size() < kThumbprintDigitsMin)
      return fail(Reason::unknown_device, "give at least the first 8 digits of the thumbprint");
    devices = state_->book.devices_like(hex);
    if (devices.empty()) return fail(Reason::unknown_device);
    if (devices.size() > 1)
      return fail(Reason::unknown_device, "several devices begin so; give more digits");
  }
  std::vector<Digest> ended;
  const Moment at = now();
  // In memory first: revoking must not wait for the disk.
  for (Device* device : devices) {
    if (device->revoked.exchange(true, std::memory_order_acq_rel)) continue;
    device->epoch.fetch_add(1, std::memory_order_acq_rel);
    ended.push_back(device->record.thumbprint);
  }
  // Written for those already ended too: an earlier write of theirs may have failed.
  for (Device* device : devices) {
    DeviceRecord record = device->record;
    if (!record.revoked) record.revoked = at;
    if (auto saved = state_->save(device_key(record.thumbprint), encode(record)); !saved)
      return std::unexpected(saved.error());
  }
  std::sort(ended.begin(), ended.end());
  return ended;
}

Result<std::uint64_t> Identity::forget(const SubjectName& citizen) {
  const Tag own = state_->vault.tag(citizen);
  const std::lock_guard lock(state_->writing);
  std::uint64_t forgotten = 0;
  for (Account* account : state_->book.accounts()) {
    AccountRecord record = account->facts()->record;
    if (record.own != own) continue;
    if (record.slot != 0)
      if (auto destroyed = state_->vault.destroy(vault::Slot{record.slot - 1}); !destroyed)
        return std::unexpected(destroyed.error());
    record.name_at = NameAt::forgotten;
    record.slot = 0;
    record.sealed_name.clear();
    record.own.reset();
    const std::string key = account_key(record.account);
    if (auto saved = state_->save(key, encode(record)); !saved)
      return std::unexpected(saved.error());
    if (auto purged = state_->store.purge(storage::Table::accounts, key); !purged)
      return std::unexpected(purged.error());
    account->replace(std::move(record));
    ++forgotten;
  }
  return forgotten;
}

std::vector<Asker> Identity::accounts() const {
  std::vector<Asker> all;
  for (const Account* account : state_->book.accounts())
    all.push_back(asker_of(*account->facts(), nullptr, account->epoch()));
  return all;
}

}  // namespace amanat::identity
