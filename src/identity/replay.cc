#include "identity/replay.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kPlacesLeast = 16;

std::size_t place_of(const Tag& name) {
  std::size_t hash = 0;
  std::memcpy(&hash, name.data(), sizeof hash);
  return hash;
}

}  // namespace

bool ReplayStore::Bucket::holds(const Tag& name) const {
  if (used == 0) return false;
  for (std::size_t i = place_of(name);; ++i) {
    const Tag& there = places[i & (places.size() - 1)];
    if (there == name) return true;
    if (there == Tag{}) return false;
  }
}

void ReplayStore::Bucket::add(const Tag& name) {
  if (places.empty()) places.resize(kPlacesLeast);
  if ((used + 1) * 4 > places.size() * 3) {
    std::vector<Tag> old(places.size() * 2);
    old.swap(places);
    used = 0;
    for (const Tag& one : old)
      if (one != Tag{}) add(one);
  }
  std::size_t i = place_of(name);
  while (places[i & (places.size() - 1)] != Tag{}) ++i;
  places[i & (places.size() - 1)] = name;
  ++used;
}

ReplayStore::Use ReplayStore::use(const Tag& name, Moment until, Moment at) {
  insist(name != Tag{});
  const std::uint64_t now_slot = number(at) / kBucketMs;
  const std::uint64_t slot = std::max(number(until) / kBucketMs, now_slot);
  insist(slot < now_slot + kBuckets);
  Shard& shard = shards_[name[15] % kShards];
  const std::lock_guard lock(shard.mutex);
  for (Bucket& bucket : shard.buckets) {
    if (bucket.used == 0) continue;
    // A slot of grace: threads read the clock before they take the lock.
    if (bucket.slot + 1 < now_slot) {
      shard.used -= bucket.used;
      bucket = Bucket{};
    } else if (bucket.holds(name)) {
      return Use::again;
    }
  }
  if (shard.used >= kNamesMax / kShards) return Use::full;
  Bucket& bucket = shard.buckets[slot % kBuckets];
  if (bucket.used > 0 && bucket.slot != slot) return Use::full;  // only if the clock leapt back
  bucket.slot = slot;
  bucket.add(name);
  ++shard.used;
  return Use::first;
}

std::size_t ReplayStore::bytes() const {
  std::size_t bytes = sizeof *this;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const Bucket& bucket : shard.buckets) bytes += bucket.places.capacity() * sizeof(Tag);
  }
  return bytes;
}

Tag replay_name(const Digest& key, std::string_view id, std::string_view place) {
  const Digest id_hash = crypto::sha256(id);
  const Digest whole = crypto::Sha256().update(key).update(id_hash).update(place).finish();
  Tag name;
  std::copy_n(whole.begin(), name.size(), name.begin());
  return name;
}

}  // namespace amanat::identity
