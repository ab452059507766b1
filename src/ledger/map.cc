#include "ledger/map.h"

#include <algorithm>
#include <cstring>

#include "ledger/big_endian.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint8_t kChain = 0x02, kNode = 0x03, kSlot = 0x04, kBucket = 0x05;
constexpr unsigned kUpperDepth = 16;  // above: one array; below: groups of 256 buckets
constexpr unsigned kLowerDepth = kMapDepth - kUpperDepth;
constexpr std::uint32_t kGroups = 1u << kUpperDepth, kGroupBuckets = 1u << kLowerDepth;

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> out;
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return out;
}

std::array<Digest, kMapDepth + 1> make_empty_subtrees() {
  std::array<Digest, kMapDepth + 1> out;
  out[kMapDepth] = bucket_hash({});
  for (unsigned depth = kMapDepth; depth-- > 0;)
    out[depth] = map_node(out[depth + 1], out[depth + 1]);
  return out;
}

}  // namespace

Digest chain_next(const Digest& head, const Digest& leaf, std::uint64_t index) {
  crypto::Sha256 hash;
  return hash.update(kChain).update(head).update(leaf).update(big_endian(index)).finish();
}

std::uint32_t bucket_of(const Label& label) {
  return std::uint32_t{label[0]} << 16 | std::uint32_t{label[1]} << 8 | label[2];
}

Digest map_secret(const crypto::Hmac& map_key, const Label& label) { return map_key.mac({label}); }

Digest map_value(const Digest& secret, std::uint64_t count, const Digest& head) {
  constexpr char kDomain[] = "amanat/map/v1";  // its NUL is the 0x00 of the definition
  const crypto::Bytes domain(reinterpret_cast<const std::uint8_t*>(kDomain), sizeof kDomain);
  return crypto::Hmac(secret).mac({domain, big_endian(count), head});
}

Digest bucket_hash(std::span<const BucketPair> pairs) {
  crypto::Sha256 bucket;
  bucket.update(kBucket);
  std::array<std::uint8_t, 4> n;
  for (std::size_t i = 0; i < 4; ++i)
    n[i] = static_cast<std::uint8_t>(pairs.size() >> (24 - 8 * i));
  bucket.update(n);
  for (const BucketPair& pair : pairs) {
    crypto::Sha256 slot;
    bucket.update(slot.update(kSlot).update(pair.label).update(pair.value).finish());
  }
  return bucket.finish();
}

Digest map_node(const Digest& left, const Digest& right) {
  crypto::Sha256 hash;
  return hash.update(kNode).update(left).update(right).finish();
}

const Digest& empty_subtree(unsigned depth) {
  static const auto all = make_empty_subtrees();
  insist(depth <= kMapDepth);
  return all[depth];
}

std::optional<Digest> map_root(std::uint32_t number, const MapProof& proof) {
  if (number >= 1u << kMapDepth || proof.bucket.size() > kBucketPairsMax) return std::nullopt;
  for (std::size_t i = 0; i < proof.bucket.size(); ++i) {
    if (bucket_of(proof.bucket[i].label) != number) return std::nullopt;
    if (i > 0 && proof.bucket[i].label <= proof.bucket[i - 1].label) return std::nullopt;
  }
  Digest r = bucket_hash(proof.bucket);
  for (const Digest& sibling : proof.path) {
    r = (number & 1) != 0 ? map_node(sibling, r) : map_node(r, sibling);
    number >>= 1;
  }
  return r;
}

// Group is 256 neighbouring buckets: who is in them, ascending by label, and the hashes of the
// subtree over them that are not those of an empty one, ascending by place in the heap (1 is the
// subtree's root, 256 + i bucket i).
struct Map::Group {
  struct Box {
    Mailbox mailbox;
    Digest value{};  // V, because a neighbour's change needs it again
  };
  std::vector<Box> boxes;
  std::vector<std::pair<std::uint16_t, Digest>> nodes;

  auto at(const Label& label) {
    return std::lower_bound(boxes.begin(), boxes.end(), label,
                            [](const Box& b, const Label& l) { return b.mailbox.label < l; });
  }
  const Box* find(const Label& label) const {
    const auto it = const_cast<Group*>(this)->at(label);
    return it != boxes.end() && it->mailbox.label == label ? &*it : nullptr;
  }
  static unsigned depth_of(std::uint32_t place) {
    unsigned depth = 0;
    for (; place > 1; place >>= 1) ++depth;
    return kUpperDepth + depth;
  }
  const Digest& node(std::uint32_t place) const {
    const auto it = std::lower_bound(nodes.begin(), nodes.end(), place,
                                     [](const auto& n, std::uint32_t p) { return n.first < p; });
    return it != nodes.end() && it->first == place ? it->second : empty_subtree(depth_of(place));
  }
  void set(std::uint32_t place, const Digest& hash) {
    const auto it = std::lower_bound(nodes.begin(), nodes.end(), place,
                                     [](const auto& n, std::uint32_t p) { return n.first < p; });
    if (it != nodes.end() && it->first == place)
      it->second = hash;
    else
      nodes.insert(it, {static_cast<std::uint16_t>(place), hash});
  }
  std::vector<BucketPair> pairs(std::uint32_t bucket) const {
    Label low{};
    low[0] = static_cast<std::uint8_t>(bucket >> 16);
    low[1] = static_cast<std::uint8_t>(bucket >> 8);
    low[2] = static_cast<std::uint8_t>(bucket);
    std::vector<BucketPair> out;
    for (auto it = const_cast<Group*>(this)->at(low);
         it != boxes.end() && bucket_of(it->mailbox.label) == bucket; ++it)
      out.push_back({it->mailbox.label, it->value});
    return out;
  }
};

struct Map::State {
  explicit State(const Key256& key)
      : mac(key.bytes()), groups(kGroups), upper(2 * kGroups), next_upper() {
    for (std::uint32_t i = 1; i < upper.size(); ++i) {
      unsigned depth = 0;
      for (std::uint32_t p = i; p > 1; p >>= 1) ++depth;
      upper[i] = empty_subtree(depth);
    }
  }
  crypto::Hmac mac;
  std::vector<std::unique_ptr<Group>> groups;
  std::vector<Digest> upper;  // heap: 1 is the root, kGroups + g the root of group g
  std::uint64_t citizens = 0;

  bool staged = false;
  std::unordered_map<std::uint32_t, std::unique_ptr<Group>> next;
  std::vector<Digest> next_upper;
  std::uint64_t next_citizens = 0;

  Group& next_group(std::uint32_t number) {
    auto& group = next[number];
    if (!group)
      group = groups[number] ? std::make_unique<Group>(*groups[number]) : std::make_unique<Group>();
    return *group;
  }
  void rehash(Group& group, std::vector<std::uint32_t>& buckets);
};

Map::Map(const Key256& map_key) : state_(std::make_unique<State>(map_key)) {}
Map::~Map() = default;
Map::Map(Map&&) noexcept = default;
Map& Map::operator=(Map&&) noexcept = default;

// Rehashes the changed buckets of a group and everything between them and the group's root, each
// node once.
void Map::State::rehash(Group& group, std::vector<std::uint32_t>& buckets) {
  std::sort(buckets.begin(), buckets.end());
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  std::vector<std::uint32_t> places;
  for (const std::uint32_t bucket : buckets) {
    const std::uint32_t place = kGroupBuckets + bucket % kGroupBuckets;
    group.set(place, bucket_hash(group.pairs(bucket)));
    if (places.empty() || places.back() != place >> 1) places.push_back(place >> 1);
  }
  while (!places.empty() && places.front() >= 1) {
    std::vector<std::uint32_t> above;
    for (const std::uint32_t place : places) {
      group.set(place, map_node(group.node(2 * place), group.node(2 * place + 1)));
      if (place > 1 && (above.empty() || above.back() != place >> 1)) above.push_back(place >> 1);
    }
    places = std::move(above);
  }
}

Digest Map::stage(std::span<const MapUpdate> updates) {
  State& s = *state_;
  insist(!s.staged);
  s.staged = true;
  s.next_upper = s.upper;
  s.next_citizens = s.citizens;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> changed;  // group -> buckets
  std::vector<Label> labels;
  for (const MapUpdate& u : updates) {
    const std::uint32_t bucket = bucket_of(u.label);
    Group& group = s.next_group(bucket / kGroupBuckets);
    auto it = group.at(u.label);
    if (it == group.boxes.end() || it->mailbox.label != u.label) {
      it = group.boxes.insert(it, Group::Box{});
      it->mailbox.label = u.label;
      ++s.next_citizens;
    }
    Mailbox& box = it->mailbox;
    box.head = chain_next(box.head, u.leaf, u.index);
    ++box.count;
    box.place = u.place;
    changed[bucket / kGroupBuckets].push_back(bucket);
    labels.push_back(u.label);
  }
  // A value costs two HMACs: once a label, however many entries it got.
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  for (const Label& label : labels) {
    Group& group = s.next_group(bucket_of(label) / kGroupBuckets);
    Group::Box& box = *group.at(label);
    box.value = map_value(map_secret(s.mac, label), box.mailbox.count, box.mailbox.head);
  }
  std::vector<std::uint32_t> places;
  for (auto& [number, buckets] : changed) {
    Group& group = s.next_group(number);
    s.rehash(group, buckets);
    s.next_upper[kGroups + number] = group.node(1);
    places.push_back((kGroups + number) >> 1);
  }
  while (!places.empty()) {
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    std::vector<std::uint32_t> above;
    for (const std::uint32_t place : places) {
      s.next_upper[place] = map_node(s.next_upper[2 * place], s.next_upper[2 * place + 1]);
      if (place > 1) above.push_back(place >> 1);
    }
    places = std::move(above);
  }
  return s.next_upper[1];
}

void Map::commit() {
  State& s = *state_;
  insist(s.staged);
  for (auto& [number, group] : s.next) s.groups[number] = std::move(group);
  s.upper.swap(s.next_upper);
  s.citizens = s.next_citizens;
  s.next.clear();
  s.staged = false;
}

void Map::drop() {
  state_->next.clear();
  state_->staged = false;
}

const Digest& Map::root() const { return state_->upper[1]; }
std::uint64_t Map::citizens() const { return state_->citizens; }

std::optional<Mailbox> Map::find(const Label& label) const {
  const auto& group = state_->groups[bucket_of(label) / kGroupBuckets];
  const auto* box = group ? group->find(label) : nullptr;
  if (box == nullptr) return std::nullopt;
  return box->mailbox;
}

MapProof Map::prove(const Label& label) const {
  const std::uint32_t bucket = bucket_of(label), number = bucket / kGroupBuckets;
  static const Group kEmpty;
  const Group& group = state_->groups[number] ? *state_->groups[number] : kEmpty;
  MapProof proof;
  proof.bucket = group.pairs(bucket);
  std::size_t at = 0;
  for (std::uint32_t place = kGroupBuckets + bucket % kGroupBuckets; place > 1; place >>= 1)
    proof.path[at++] = group.node(place ^ 1);
  for (std::uint32_t place = kGroups + number; place > 1; place >>= 1)
    proof.path[at++] = state_->upper[place ^ 1];
  insist(at == kMapDepth);
  return proof;
}

Digest Map::secret_of(const Label& label) const { return map_secret(state_->mac, label); }

}  // namespace amanat::ledger
