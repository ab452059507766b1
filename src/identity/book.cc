#include "identity/book.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::identity {

std::vector<std::string> roles_of(const AccountRecord& record) {
  std::vector<std::string> roles;
  for (const auto& role : record.roles) {
    roles.push_back(role);
    if (role.find('.') == std::string::npos && !record.department.empty())
      roles.push_back(record.department + "." + role);
  }
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  return roles;
}

namespace {

std::shared_ptr<const crypto::Es256Public> key_of(const DeviceRecord& record) {
  crypto::EcPoint point;
  if (record.kind != KeyKind::jwk || record.key.size() != point.size()) return nullptr;
  std::memcpy(point.data(), record.key.data(), point.size());
  return crypto::Es256Public::import(point);
}

}  // namespace

Account::Account(AccountRecord record, std::atomic<std::uint64_t>* changes) : changes_(changes) {
  replace(std::move(record));
}

std::shared_ptr<const Facts> Account::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

std::vector<Device*> Account::devices() const {
  const std::lock_guard lock(mutex_);
  return devices_;
}

void Account::note(Device& device) {
  const std::lock_guard lock(mutex_);
  devices_.push_back(&device);
  if (device.record.kind == KeyKind::passkey) passkeys_.fetch_add(1, std::memory_order_acq_rel);
}

void Account::replace(AccountRecord record) {
  auto roles = roles_of(record);
  auto facts = std::make_shared<const Facts>(Facts{std::move(record), std::move(roles)});
  const std::lock_guard lock(mutex_);
  facts_.swap(facts);
  if (changes_ != nullptr) changes_->fetch_add(1, std::memory_order_acq_rel);
}

Device::Device(const DeviceRecord& r, Account& owner)
    : record(r), account(owner), key(key_of(r)), revoked(r.revoked.has_value()), counter(r.counter) {}

std::size_t Book::ThumbprintHash::operator()(const Digest& d) const {
  std::size_t hash = 0;  // the thumbprint is a hash already
  std::memcpy(&hash, d.data(), sizeof hash);
  return hash;
}

Device* Book::device(const Digest& thumbprint) const {
  const Shard& s = shard(thumbprint);
  const std::shared_lock lock(s.mutex);
  const auto at = s.devices.find(thumbprint);
  return at == s.devices.end() ? nullptr : at->second.get();
}

Device& Book::add(const DeviceRecord& record, Account& owner) {
  insist(owner.facts()->record.account == record.account);
  auto device = std::make_unique<Device>(record, owner);
  Device& added = *device;
  Shard& s = shard(record.thumbprint);
  const std::unique_lock lock(s.mutex);
  const bool fresh = s.devices.emplace(record.thumbprint, std::move(device)).second;
  insist(fresh);
  if (record.kind == KeyKind::passkey) {
    const std::unique_lock passkeys_lock(passkeys_mutex_);
    const bool unknown = passkeys_.emplace(record.credential, &added).second;
    insist(unknown);
  }
  owner.note(added);
  return added;
}

Device* Book::passkey(std::string_view credential) const {
  const std::shared_lock lock(passkeys_mutex_);
  const auto at = passkeys_.find(std::string(credential));
  return at == passkeys_.end() ? nullptr : at->second;
}

Account* Book::account(std::string_view id) const {
  const std::lock_guard lock(accounts_mutex_);
  const auto at = by_id_.find(std::string(id));
  return at == by_id_.end() ? nullptr : at->second;
}

Account* Book::account(AccountId account) const {
  const std::lock_guard lock(accounts_mutex_);
  const auto at = by_number_.find(number(account));
  return at == by_number_.end() ? nullptr : at->second;
}

Account& Book::add(AccountRecord record) {
  const std::string id = record.id;
  const std::uint32_t account = number(record.account);
  insist(account > 0 && !id.empty());
  const std::lock_guard lock(accounts_mutex_);
  accounts_.push_back(std::make_unique<Account>(std::move(record), &changes_));
  const bool fresh = by_id_.emplace(id, accounts_.back().get()).second;
  insist(fresh);
  by_number_.emplace(account, accounts_.back().get());
  greatest_ = std::max(greatest_, account);
  return *accounts_.back();
}

std::vector<Account*> Book::accounts() const {
  std::vector<Account*> all;
  const std::lock_guard lock(accounts_mutex_);
  for (const auto& account : accounts_) all.push_back(account.get());
  return all;
}

std::vector<Device*> Book::devices_like(std::string_view hex) const {
  std::vector<Device*> found;
  for (const Shard& s : shards_) {
    const std::shared_lock lock(s.mutex);
    for (const auto& [thumbprint, device] : s.devices)
      if (crypto::hex(thumbprint).starts_with(hex)) found.push_back(device.get());
  }
  return found;
}

}  // namespace amanat::identity
