#pragma once
// policy, cases: the case book. Kept in Table::cases under a keyed name of the reference, sealed
// with the house key; the subjects are keyed names from the moment they are noted, so neither the
// table nor this process's memory lists who is in a case. Thread-safe.

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "policy/policy.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::policy {

/// BookedOrder is a court's order in a case.
struct BookedOrder {
  std::string ref;
  std::vector<std::string> fields;  // patterns, as the catalog's; ascending
  std::vector<Tag> subjects;        // ascending; none: whoever the case names
  Moment until{};
  friend bool operator==(const BookedOrder&, const BookedOrder&) = default;
};

/// BookedCase is a case as a decision needs it. Never changed, only replaced whole.
struct BookedCase {
  std::string ref, kind, unit;
  Moment opened{};
  std::optional<Moment> closed;
  std::vector<std::string> officers;  // ascending
  std::vector<Tag> subjects;          // ascending
  std::vector<BookedOrder> orders;    // ascending by ref
  std::uint32_t version = 1;
  Moment noted{};
  std::string noted_by;  // account id of the service; "file" for a department's list
  friend bool operator==(const BookedCase&, const BookedCase&) = default;
};

/// encode and decode: how a case rests before it is sealed. Big-endian; decode refuses every other
/// form.
std::string encode(const BookedCase& booked);
std::optional<BookedCase> decode_case(std::string_view bytes);

class CaseBook {
 public:
  CaseBook(storage::Store& store, vault::Vault& vault) : store_(store), vault_(vault) {}
  /// load reads the table. Errors: store_failed, seal_broken.
  Result<void> load();
  /// find returns a case by any spelling of its reference, or null.
  std::shared_ptr<const BookedCase> find(std::string_view ref) const;
  /// note adds or changes a case; durable when it returns, the version before it kept. Errors:
  /// malformed_value, value_too_long, store_failed, disk_full.
  Result<Noted> note(const Case& one);
  /// book makes of a case what note() would keep. Errors: as note's, of the values.
  Result<BookedCase> book(const Case& one) const;
  /// history reads all versions of a case from the store, oldest first; none if it is unknown.
  /// Errors: store_failed, seal_broken.
  Result<std::vector<BookedCase>> history(std::string_view ref) const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const BookedCase>>
        cases;  // by normal reference
  };
  Shard& shard(const std::string& normal) const;
  void put(std::string normal, std::shared_ptr<const BookedCase> booked);

  storage::Store& store_;
  vault::Vault& vault_;
  mutable std::array<Shard, kShards> shards_;
  std::mutex writing_;
};

}  // namespace amanat::policy
