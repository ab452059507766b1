#pragma once
// identity, state: what the room holds, for the files of this room only. Identity::identify looks
// at which credential a request carries and hands it to the part that judges it; each part says
// what it found as plain values (Asked), and Identity alone makes a Caller of them.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "identity/book.h"
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

struct Identity::State {
  storage::Store& store;
  vault::Vault& vault;
  const FieldTable& fields;
  Book book;
  std::mutex writing;  // note_officer, add_service, enrol, revoke, forget take turns

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
  Result<const Device*> live_device(const Request& request) const;
};

}  // namespace amanat::identity
