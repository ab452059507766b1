#pragma once
// identity, replay: what was used once, for as long as it could be used again. Thread-safe; a lock
// a shard. Bounded: when it is full it refuses, it never forgets early.

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace amanat::identity {

/// ReplayStore remembers 16-byte names until a moment, at most four minutes away.
class ReplayStore {
 public:
  enum class Use : std::uint8_t { first, again, full };

  /// use notes that `name` was used and says whether it was the first time. `until` is the last
  /// moment at which it could be used again; a moment past counts as now.
  Use use(const Tag& name, Moment until, Moment at);
  /// bytes is the memory held.
  std::size_t bytes() const;

  /// At most so many names are held: 64 MB when tables are at their emptiest. 10,000 uses a second
  /// for 60 s and two buckets more are 900,000.
  static constexpr std::size_t kNamesMax = 1u << 20;

 private:
  static constexpr std::size_t kShards = 64, kBuckets = 18;
  static constexpr std::uint64_t kBucketMs = 15'000;

  // Open addressing; the name of zeros, which no hash is, marks a free place.
  struct Bucket {
    std::uint64_t slot = 0;  // which 15 seconds the names in it end in
    std::size_t used = 0;
    std::vector<Tag> places;
    bool holds(const Tag& name) const;
    void add(const Tag& name);
  };
  struct Shard {
    mutable std::mutex mutex;
    std::size_t used = 0;
    std::array<Bucket, kBuckets> buckets;
  };
  std::array<Shard, kShards> shards_;
};

/// replay_name is the name a use is remembered by: the first 16 bytes of SHA-256(key || SHA-256(id)
/// || place). A huge id costs nothing but its own hash.
Tag replay_name(const Digest& key, std::string_view id, std::string_view place);

}  // namespace amanat::identity
