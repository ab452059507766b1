#pragma once
// registry, archive: what import, fetch and erase share: the catalog, the store, the vault, and the
// numbers under which datasets and fields are kept. This room only. Thread-safe: the numbers never
// change once made; whoever writes holds `writing`.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "registry/catalog.h"
#include "registry/dataset.h"
#include "registry/decoys.h"
#include "registry/records.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::registry {

/// Numbers names datasets and fields on disk. A number once given is never given to another name,
/// so a catalog may gain, lose and reorder registries without touching a record.
class Numbers {
 public:
  /// load reads the names from the store and gives numbers to those the catalog newly declares.
  /// Errors: store_failed, disk_full, catalog_wrong (more than 65535 datasets or 256 fields, ever).
  static Result<Numbers> load(const Catalog& catalog, storage::Store& store);

  std::uint16_t of(DatasetId dataset) const { return datasets_[number(dataset)]; }
  std::uint8_t of(DatasetId dataset, std::size_t field) const {
    return fields_[number(dataset)][field];
  }
  /// field_of is the way back; nothing for a field that the catalog no longer declares.
  std::optional<std::size_t> field_of(DatasetId dataset, std::uint8_t stored) const;
  std::optional<DatasetId> dataset_of(std::uint16_t stored) const;

 private:
  std::vector<std::uint16_t> datasets_;
  std::vector<std::vector<std::uint8_t>> fields_;
};

/// Families remembers who is family of an officer who asks, until anything is written. Thread-safe.
class Families {
 public:
  using Tags = std::shared_ptr<const std::vector<Tag>>;
  Tags find(const Tag& own, std::uint64_t generation) const {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(own);
    return at != known_.end() && at->second.first == generation ? at->second.second : nullptr;
  }
  void keep(const Tag& own, std::uint64_t generation, Tags tags) {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMax) known_.clear();
    known_[own] = {generation, std::move(tags)};
  }

 private:
  static constexpr std::size_t kMax = 100'000;
  mutable std::mutex mutex_;
  std::map<Tag, std::pair<std::uint64_t, Tags>> known_;
};

struct Archive {
  const Catalog& catalog;
  storage::Store& store;
  vault::Vault& vault;
  Numbers numbers;
  std::mutex writing;
  std::atomic<std::uint64_t> generation = 0;  // grows with every write, under `writing`
  Decoys decoys;
  Families families = {};
};

/// find_subject reads a subject's row; nothing if there is none or it is being erased.
Result<std::optional<SubjectRow>> find_subject(const storage::Reader& store, const Tag& tag);

/// count_key is the settings row that counts a dataset's records.
std::string count_key(std::string_view dataset);
Result<std::uint64_t> read_count(const storage::Reader& store, std::string_view dataset);
std::string encode_count(std::uint64_t count);

/// link_value opens a value sealed under another subject's key; empty if that subject was erased.
/// The text lies in `out`. Errors: seal_broken, file_failed.
Result<std::string_view> link_value(const vault::Vault& vault, std::string_view record_key,
                                    std::uint32_t version, const RecordReader::Value& value,
                                    WipingBuffer& out);

/// index_tags lists the blind index tags of an opened record, as import made them.
Result<std::vector<Tag>> index_tags(const Archive& archive, const Dataset& dataset,
                                    std::string_view record_key, std::uint32_t version,
                                    std::string_view plaintext);

}  // namespace amanat::registry
