#pragma once
// The log-derived map (ledger page 5.3): for every citizen that an entry names, how many entries
// and the hash chain over them, in a Merkle tree of fixed depth. It is a pure function of the log,
// so that whoever refolds the log finds an entry that was left out, misplaced or invented. A small
// door for verifiers. Functions are thread-safe; a Map has one owner.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "model/ids.h"
#include "model/secret.h"

namespace amanat::ledger {

inline constexpr unsigned kMapDepth = 24;
inline constexpr std::size_t kBucketPairsMax = 1024;  // far above what 240 million citizens fill

/// chain_next is SHA-256(0x02 || head || leaf hash || u64 index); the first head is 32 zero bytes.
Digest chain_next(const Digest& head, const Digest& leaf, std::uint64_t index);
/// bucket_of is the first kMapDepth bits of a label.
std::uint32_t bucket_of(const Label& label);
/// map_secret is r_map = HMAC(K_map, L), which a citizen receives for his own label.
Digest map_secret(const crypto::Hmac& map_key, const Label& label);
/// map_value is V = HMAC(r_map, "amanat/map/v1" || 0x00 || u64 count || head).
Digest map_value(const Digest& secret, std::uint64_t count, const Digest& head);

/// BucketPair is a label with its value, as shown to everybody in the same bucket.
struct BucketPair {
  Label label{};
  Digest value{};
};
/// bucket_hash is SHA-256(0x05 || u32 n || slots), slot = SHA-256(0x04 || L || V), by label.
Digest bucket_hash(std::span<const BucketPair> pairs);
/// map_node is SHA-256(0x03 || left || right).
Digest map_node(const Digest& left, const Digest& right);
/// empty_subtree is the hash of a subtree of the map without labels whose root is at `depth`
/// (kMapDepth: a bucket).
const Digest& empty_subtree(unsigned depth);

/// MapProof shows a whole bucket, so that one label cannot hold two slots, and the siblings up to
/// the root, bucket side first.
struct MapProof {
  std::vector<BucketPair> bucket;
  std::array<Digest, kMapDepth> path{};
};
/// map_root folds a proof up from `number`. Nothing if the pairs are not strictly ascending or one
/// lies in another bucket.
std::optional<Digest> map_root(std::uint32_t number, const MapProof& proof);

/// Mailbox is what the map holds of one citizen. `place` is the owner's own: where he keeps the
/// last of the chain's entries.
struct Mailbox {
  Label label{};
  std::uint64_t count = 0;
  Digest head{};
  std::uint64_t place = 0;
};

/// MapUpdate is one entry of one citizen.
struct MapUpdate {
  Label label{};
  Digest leaf{};
  std::uint64_t index = 0;
  std::uint64_t place = 0;
};

/// Map is the map at one epoch, and the next one in the making. Memory: about 112 bytes a citizen
/// and 32 a node.
class Map {
 public:
  explicit Map(const Key256& map_key);
  ~Map();
  Map(Map&&) noexcept;
  Map& operator=(Map&&) noexcept;

  /// stage folds entries, in the order of the log, into the next map and returns its root; the
  /// present one goes on answering. One stage at a time: stage again only after commit or drop.
  Digest stage(std::span<const MapUpdate> updates);
  void commit();
  void drop();
  /// load adds citizens who are not in it, ascending by label; insists that nothing is staged.
  /// Whoever calls it compares root() with a signed one: that shows that all of them are right, but
  /// for their places.
  void load(std::span<const Mailbox> mailboxes);
  /// each visits every mailbox of the present map, ascending by label.
  void each(const std::function<void(const Mailbox&)>& visit) const;

  const Digest& root() const;
  std::uint64_t citizens() const;
  /// find returns the mailbox of a label at the present epoch.
  std::optional<Mailbox> find(const Label& label) const;
  /// prove shows a label's bucket, whether the label is in it or not.
  MapProof prove(const Label& label) const;
  Digest secret_of(const Label& label) const;

 private:
  struct Group;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanat::ledger
