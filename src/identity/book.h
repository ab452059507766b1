#pragma once
// identity, book: accounts and their devices in memory, as a request reads them. Accounts and
// devices are only ever added or changed, never removed, so pointers to them live as long as the
// book. Reading is thread-safe against writing; writers take turns among themselves (the caller's
// lock).
//
// Invariants:
//  1. an account number is given once: the next is one more than the greatest ever stored;
//  2. a change that takes anything away raises the epoch of the account or device before the
//     change is told to anybody, and an epoch never falls.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/es256.h"
#include "identity/record.h"
#include "model/ids.h"
#include "model/passes.h"

namespace amanat::identity {

/// Facts are what a request needs of an account; never changed, only replaced whole.
struct Facts {
  AccountRecord record;
  std::vector<std::string> roles;  // with the departments' forms, ascending: Asker::roles
};

/// roles_of gives each role also in its department's form: "investigator", "police.investigator".
std::vector<std::string> roles_of(const AccountRecord& record);

struct Device;

class Account {
 public:
  /// `changes`, if there is one, counts every change of any account's facts.
  explicit Account(AccountRecord record, std::atomic<std::uint64_t>* changes = nullptr);
  std::shared_ptr<const Facts> facts() const;
  /// devices are all ever enrolled, revoked ones too, in the order of the book.
  std::vector<Device*> devices() const;
  /// passkeys_ever counts the passkeys ever registered, revoked ones too.
  unsigned passkeys_ever() const { return passkeys_.load(std::memory_order_acquire); }
  void replace(AccountRecord record);
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  void note(Device& device);
  void raise_epoch() { epoch_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Facts> facts_;
  std::vector<Device*> devices_;
  std::atomic<unsigned> passkeys_{0};
  std::atomic<std::uint64_t> epoch_{1};
  std::atomic<std::uint64_t>* changes_ = nullptr;
};

struct Device {
  Device(const DeviceRecord& record, Account& owner);
  const DeviceRecord record;  // as enrolled; `revoked` here is not kept current
  Account& account;
  const std::shared_ptr<const crypto::Es256Public> key;  // of a JWK; null for other kinds
  std::atomic<bool> revoked;
  std::atomic<std::uint64_t> epoch{1};
  std::atomic<std::uint32_t> counter;  // a passkey's, as last seen
};

class Book {
 public:
  /// device finds an enrolled device, revoked or not; null if there is none.
  Device* device(const Digest& thumbprint) const;
  Device& add(const DeviceRecord& record, Account& owner);
  /// passkey finds a device by its credential id, revoked or not; null if there is none.
  Device* passkey(std::string_view credential) const;

  // What follows is for writers and tools only.
  Account* account(std::string_view id) const;
  Account* account(AccountId number) const;
  Account& add(AccountRecord record);
  AccountId next_account() const { return AccountId{greatest_ + 1}; }
  std::vector<Account*> accounts() const;  // ascending by number
  /// changes grows whenever an account is added or its facts are replaced.
  std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  /// devices_like finds devices by the first digits of the thumbprint in hex.
  std::vector<Device*> devices_like(std::string_view hex) const;

 private:
  static constexpr std::size_t kShards = 64;
  struct ThumbprintHash {
    std::size_t operator()(const Digest& d) const;
  };
  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<Digest, std::unique_ptr<Device>, ThumbprintHash> devices;
  };
  Shard& shard(const Digest& thumbprint) const { return shards_[thumbprint[31] % kShards]; }

  mutable std::array<Shard, kShards> shards_;
  mutable std::shared_mutex passkeys_mutex_;
  std::unordered_map<std::string, Device*> passkeys_;
  mutable std::mutex accounts_mutex_;
  std::vector<std::unique_ptr<Account>> accounts_;
  std::unordered_map<std::string, Account*> by_id_;
  std::unordered_map<std::uint32_t, Account*> by_number_;
  std::uint32_t greatest_ = 0;
  std::atomic<std::uint64_t> changes_{1};
};

}  // namespace amanat::identity
