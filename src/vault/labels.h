#pragma once
// The ledger's labels: the VRF of a subject's name (ledger page 5.3), remembered, because one costs
// about 60 µs, and where there is a store kept there for good (Table::labels: tag -> label, sealed
// with the house key and bound to the tag). Keyed by tag, so neither holds a name. Thread-safe.

#include <array>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "crypto/vrf.h"
#include "model/ids.h"
#include "storage/storage.h"

namespace amanat::vault {

class Labels {
 public:
  /// Labels seals what it keeps under `seal`.
  Labels(crypto::VrfKey key, Key256 seal) : key_(std::move(key)), seal_(std::move(seal)) {}
  /// keep_in keeps labels in a store as well; before the first of them. A label that cannot be kept
  /// or read back is made again.
  void keep_in(storage::Store& store);
  /// of returns the label of a subject; `tag` is its tag.
  Label of(const SubjectName& name, const Tag& tag) const;
  /// known is the label of a tag whose label was ever asked for; it needs no name.
  std::optional<Label> known(const Tag& tag) const;
  /// proof shows that of(name) is the label of exactly this name; about 110 µs, not remembered.
  crypto::VrfProof proof(const SubjectName& name) const;
  const crypto::VrfPublic& public_key() const { return key_.public_key(); }
  /// alpha is what the VRF is taken of: a national ID's 13 digits as they are, any other kind of
  /// name with its kind before it, so that no two kinds can meet.
  static std::string alpha(const SubjectName& name);

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kShardMax = 8192;  // 512 k labels in all, about 50 MB
  struct TagHash {
    std::size_t operator()(const Tag& t) const;
  };
  struct Shard {
    mutable std::shared_mutex mutex;
    mutable std::unordered_map<Tag, Label, TagHash> known;
  };
  Label make(const SubjectName& name) const;
  std::optional<Label> kept(const Tag& tag) const;
  void keep(const Tag& tag, const Label& label) const;

  crypto::VrfKey key_;
  Key256 seal_;
  storage::Store* store_ = nullptr;
  std::array<Shard, kShards> shards_;
};

}  // namespace amanat::vault
