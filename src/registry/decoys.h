#pragma once
// registry, decoys: records that are read, and thrown away, in place of those of a name no registry
// knows, so that the time an answer takes does not say whether there was one. They are a sample of
// real records: as cold or as warm as any, and the same one again for the same name. This room
// only. Thread-safe.

#include <mutex>
#include <optional>
#include <vector>

#include "registry/catalog.h"
#include "registry/records.h"
#include "storage/storage.h"

namespace amanat::registry {

class Numbers;

class Decoys {
 public:
  struct Decoy {
    Tag subject{};
    RecordKey record;
  };
  Decoys() = default;
  /// sample draws from the store at start. Errors: store_failed.
  Result<void> sample(const Catalog& catalog, const Numbers& numbers, const storage::Reader& store);
  /// offer adds a record newly kept, now and then in place of another.
  void offer(const Decoy& one);
  /// pick chooses by the tag of the name asked for; nothing while there is no record at all.
  std::optional<Decoy> pick(const Tag& asked) const;

 private:
  mutable std::mutex mutex_;
  std::vector<Decoy> decoys_;
};

}  // namespace amanat::registry
