#pragma once
// The ledger's labels: the VRF of a subject's name (ledger page 5.3), remembered, because one costs
// about 60 µs. The memory is keyed by tag, so it holds no name. Thread-safe.

#include <array>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "crypto/vrf.h"
#include "model/ids.h"

namespace amanat::vault {

class Labels {
 public:
  explicit Labels(crypto::VrfKey key) : key_(std::move(key)) {}
  /// of returns the label of a subject; `tag` is its tag.
  Label of(const SubjectName& name, const Tag& tag) const;
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
  crypto::VrfKey key_;
  std::array<Shard, kShards> shards_;
};

}  // namespace amanat::vault
