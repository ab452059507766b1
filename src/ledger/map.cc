#include "ledger/map.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "crypto/hash_many.h"
#include "ledger/big_endian.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint8_t kChain = 0x02, kNode = 0x03, kSlot = 0x04, kBucket = 0x05;
constexpr char kValueDomain[] = "amanat/map/v1";  // its NUL is the 0x00 of the definition
constexpr std::size_t kChainBytes = 1 + 32 + 32 + 8, kPairBytes = 1 + 32 + 32, kBucketHead = 1 + 4;
constexpr std::size_t kValueBytes = sizeof kValueDomain + 8 + 32;
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

// Puts what is ascending among what is, in the place of what equals it; from the back, so that each
// moves once.
template <class T, class Before>
void put(std::vector<T>& kept, std::span<const T> fresh, Before before) {
  std::size_t more = 0;
  for (const T& one : fresh) {
    const auto it = std::lower_bound(kept.begin(), kept.end(), one, before);
    if (it != kept.end() && !before(one, *it))
      *it = one;
    else
      ++more;
  }
  std::size_t old = kept.size(), at = fresh.size();
  kept.resize(old + more);
  for (std::size_t to = kept.size(); to > old;) {
    const T& one = fresh[at - 1];
    if (old > 0 && !before(kept[old - 1], one)) {
      if (!before(one, kept[old - 1])) --at;  // it has its place already
      --to, --old;
      kept[to] = kept[old];
    } else {
      kept[--to] = one;
      --at;
    }
  }
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
  const crypto::Bytes domain(reinterpret_cast<const std::uint8_t*>(kValueDomain),
                             sizeof kValueDomain);
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

// Nodes is the hashes of a group's subtree by their places: which are there is a bit each, so that
// the many that are not cost one look at one line of memory.
class Nodes {
 public:
  using Node = std::pair<std::uint16_t, Digest>;
  const Digest* find(std::uint32_t place) const {
    return has(place) ? &hashes_[rank(place)] : nullptr;
  }
  /// both finds a place and the other child of its parent; they lie side by side.
  std::pair<Digest*, Digest*> both(std::uint32_t place) {
    const std::uint32_t left = place & ~1u;
    const bool has_left = has(left), has_right = has(left + 1);
    if (!has_left && !has_right) return {nullptr, nullptr};
    Digest* const at = hashes_.data() + rank(left);
    Digest* const of_left = has_left ? at : nullptr;
    Digest* const of_right = has_right ? at + (has_left ? 1 : 0) : nullptr;
    return place == left ? std::pair{of_left, of_right} : std::pair{of_right, of_left};
  }
  /// put takes what is ascending, and replaces what is there already.
  void put(std::span<const Node> fresh) {
    std::size_t more = 0;
    for (const Node& node : fresh)
      if (has(node.first))
        hashes_[rank(node.first)] = node.second;
      else
        ++more;
    if (more == 0) return;
    std::vector<Digest> all;
    all.reserve(hashes_.size() + more);
    auto next = fresh.begin();
    std::size_t old = 0;
    for (std::uint32_t place = 0; place < kPlaces; ++place) {
      const bool comes = next != fresh.end() && next->first == place, was = has(place);
      if (comes || was) all.push_back(comes ? next->second : hashes_[old]);
      if (was) ++old;
      if (comes) ++next;
    }
    for (const Node& node : fresh) bits_[node.first / 64] |= std::uint64_t{1} << node.first % 64;
    for (std::size_t word = 1; word < bits_.size(); ++word)
      before_[word] =
          static_cast<std::uint16_t>(before_[word - 1] + std::popcount(bits_[word - 1]));
    hashes_ = std::move(all);
  }

 private:
  static constexpr std::uint32_t kPlaces = 2 * kGroupBuckets;
  bool has(std::uint32_t place) const { return (bits_[place / 64] >> place % 64 & 1) != 0; }
  std::size_t rank(std::uint32_t place) const {
    const std::uint64_t below = (std::uint64_t{1} << place % 64) - 1;
    return before_[place / 64] + static_cast<std::size_t>(std::popcount(bits_[place / 64] & below));
  }
  std::array<std::uint64_t, kPlaces / 64> bits_{};
  std::array<std::uint16_t, kPlaces / 64> before_{};  // how many bits the words before hold
  std::vector<Digest> hashes_;
};

// Group is 256 neighbouring buckets: who is in them, ascending by label, and the hashes of the
// subtree over them that are not those of an empty one, ascending by place in the heap (1 would be
// the subtree's root, which is kept above; 256 + i is bucket i). Two lines of memory.
struct alignas(64) Map::Group {
  struct Box {
    Mailbox mailbox;
    Digest value{};  // V, because a neighbour's change needs it again
  };
  Nodes nodes;
  std::vector<Box> boxes;

  // Labels are as good as random: their first bytes tell almost all of them apart.
  static std::uint64_t first_of(const Label& label) {
    return load_number<std::uint64_t>(reinterpret_cast<const char*>(label.data()));
  }
  static bool precedes(const Label& a, const Label& b) {
    const std::uint64_t of_a = first_of(a), of_b = first_of(b);
    return of_a != of_b ? of_a < of_b : a < b;
  }
  static bool before(const Box& a, const Box& b) {
    return precedes(a.mailbox.label, b.mailbox.label);
  }
  std::uint32_t at(const Label& label) const {
    const auto it =
        std::lower_bound(boxes.begin(), boxes.end(), label,
                         [](const Box& b, const Label& l) { return precedes(b.mailbox.label, l); });
    return static_cast<std::uint32_t>(it - boxes.begin());
  }
  bool is_at(std::uint32_t place, const Label& label) const {
    return place < boxes.size() && boxes[place].mailbox.label == label;
  }
  const Box* find(const Label& label) const {
    const std::uint32_t place = at(label);
    return is_at(place, label) ? &boxes[place] : nullptr;
  }
  static unsigned depth_of(std::uint32_t place) {
    return kUpperDepth + static_cast<unsigned>(std::bit_width(place)) - 1;
  }
  static std::uint32_t place_of(unsigned depth, std::uint32_t number) {
    const std::uint32_t row = 1u << (depth - kUpperDepth);
    return row + number % row;
  }
  const Digest& node(std::uint32_t place) const {
    const Digest* const hash = nodes.find(place);
    return hash != nullptr ? *hash : empty_subtree(depth_of(place));
  }
  // The boxes of a bucket, of whom one is at `place` or would be.
  std::span<const Box> around(std::uint32_t place, std::uint32_t bucket) const {
    std::size_t begin = place, end = place;
    while (begin > 0 && bucket_of(boxes[begin - 1].mailbox.label) == bucket) --begin;
    while (end < boxes.size() && bucket_of(boxes[end].mailbox.label) == bucket) ++end;
    return std::span<const Box>(boxes).subspan(begin, end - begin);
  }
  std::span<const Box> of(std::uint32_t bucket) const {
    Label low{};
    low[0] = static_cast<std::uint8_t>(bucket >> 16);
    low[1] = static_cast<std::uint8_t>(bucket >> 8);
    low[2] = static_cast<std::uint8_t>(bucket);
    return around(at(low), bucket);
  }
  // Asks the memory for where a label's box would be.
  void prefetch(const Label& label) const {
    const std::size_t whole = boxes.size() * sizeof(Box);
    // Of a small group all; of a large one where a label of these bytes is to be expected.
    const std::size_t most = 8 * kLine, within = first_of(label) << kUpperDepth >> 32;
    const std::size_t from =
        whole <= most ? 0 : (boxes.size() * within >> 32) * sizeof(Box) / kLine * kLine;
    const auto* const bytes = reinterpret_cast<const char*>(boxes.data());
    for (std::size_t i = from; i < std::min(whole, from + most); i += kLine)
      __builtin_prefetch(bytes + i);
  }
  static constexpr std::size_t kLine = 64;
};

// State is the present map and, where one is staged, what the next one has otherwise. So many
// hashes are alike that each kind is gathered and made at once.
struct Map::State {
  using Changed = std::vector<std::pair<std::uint32_t, Digest>>;  // number in its row, ascending

  explicit State(const Key256& key)
      : mac(key.bytes()), groups(kGroups), upper(2 * kGroups), secrets(sizeof(Label), key) {
    for (std::uint32_t i = 1; i < upper.size(); ++i)
      upper[i] = empty_subtree(static_cast<unsigned>(std::bit_width(i)) - 1);
  }
  crypto::Hmac mac;
  std::vector<std::unique_ptr<Group>> groups;
  std::vector<Digest> upper;  // heap: 1 is the root, kGroups + g the root of group g
  std::uint64_t citizens = 0;

  bool staged = false;
  std::vector<Group::Box> next;  // ascending by label
  struct Found {
    std::uint32_t at;  // in its group's boxes, or where it is to come
    bool there;
  };
  std::vector<Found> found;                       // of each of next
  std::array<Changed, kMapDepth + 1> next_nodes;  // by depth
  // Of the groups' rows: the other halves of what changed that stay as they are, and where a
  // changed node's hash is kept now (null: not yet).
  std::array<std::vector<const Digest*>, kMapDepth + 1> siblings;
  std::array<std::vector<Digest*>, kMapDepth + 1> kept;
  std::uint64_t next_citizens = 0;

  crypto::HmacMany secrets, values{kValueBytes};
  crypto::HashMany chains{kChainBytes}, slots{kPairBytes}, nodes{kPairBytes};
  std::map<std::size_t, crypto::HashMany> buckets;  // by how many are in one

  const Digest& node(unsigned depth, std::uint32_t number) const {
    if (depth <= kUpperDepth) return upper[(1u << depth) + number];
    const auto& group = groups[number >> (depth - kUpperDepth)];
    return group ? group->node(Group::place_of(depth, number)) : empty_subtree(depth);
  }
  Found find(const Label& label) const {
    const auto& group = groups[bucket_of(label) / kGroupBuckets];
    if (!group) return {0, false};
    const std::uint32_t at = group->at(label);
    return {at, group->is_at(at, label)};
  }
  static void prefetch_group(const Group* group) {
    __builtin_prefetch(group);
    __builtin_prefetch(reinterpret_cast<const char*>(group) + Group::kLine);
  }
  void fold(std::span<const MapUpdate> updates);
  Digest rehash();
  void rehash_values();
  void rehash_buckets();
  void find_nodes();
  void rehash_row(unsigned depth);
};

Map::Map(const Key256& map_key) : state_(std::make_unique<State>(map_key)) {}
Map::~Map() = default;
Map::Map(Map&&) noexcept = default;
Map& Map::operator=(Map&&) noexcept = default;

// The mailboxes that change, with the entries they got.
void Map::State::fold(std::span<const MapUpdate> updates) {
  struct Order {
    std::uint64_t label;  // its first bytes
    std::uint32_t update;
  };
  insist(updates.size() <= UINT32_MAX);
  std::vector<Order> order(updates.size());
  for (std::uint32_t i = 0; i < order.size(); ++i)
    order[i] = {load_number<std::uint64_t>(reinterpret_cast<const char*>(updates[i].label.data())),
                i};
  std::sort(order.begin(), order.end(), [&](const Order& a, const Order& b) {
    if (a.label != b.label) return a.label < b.label;
    const auto& of_a = updates[a.update].label;
    const auto& of_b = updates[b.update].label;
    return of_a != of_b ? of_a < of_b : a.update < b.update;
  });
  struct Todo {
    std::uint32_t box, at, end;  // of the order
  };
  std::vector<Todo> todo;
  // What lies far apart in memory is asked for ahead.
  const auto group_at = [&](std::size_t at) -> const Group* {
    return groups[bucket_of(updates[order[at].update].label) / kGroupBuckets].get();
  };
  constexpr std::uint32_t kAhead = 16;
  for (std::uint32_t at = 0; at < order.size();) {
    if (at + 2 * kAhead < order.size()) {
      prefetch_group(group_at(at + 2 * kAhead));
    }
    if (at + kAhead < order.size())
      if (const Group* const soon = group_at(at + kAhead); soon != nullptr)
        soon->prefetch(updates[order[at + kAhead].update].label);
    const Label& label = updates[order[at].update].label;
    std::uint32_t end = at + 1;
    while (end < order.size() && order[end].label == order[at].label &&
           updates[order[end].update].label == label)
      ++end;
    const Found there = found.emplace_back(find(label));
    Group::Box& box = next.emplace_back();
    if (there.there)
      box.mailbox = groups[bucket_of(label) / kGroupBuckets]->boxes[there.at].mailbox;
    else
      ++next_citizens;
    box.mailbox.label = label;
    box.mailbox.count += end - at;
    box.mailbox.place = updates[order[end - 1].update].place;
    todo.push_back({static_cast<std::uint32_t>(next.size() - 1), at, end});
    at = end;
  }
  // A chain is made link by link, those of different citizens side by side.
  while (!todo.empty()) {
    for (const Todo& t : todo) {
      const MapUpdate& u = updates[order[t.at].update];
      std::uint8_t* const to = chains.add();
      to[0] = kChain;
      std::memcpy(to + 1, next[t.box].mailbox.head.data(), 32);
      std::memcpy(to + 33, u.leaf.data(), 32);
      const auto index = big_endian(u.index);
      std::memcpy(to + 65, index.data(), index.size());
    }
    const auto heads = chains.finish();
    for (std::size_t i = 0; i < todo.size(); ++i) {
      next[todo[i].box].mailbox.head = heads[i];
      ++todo[i].at;
    }
    std::erase_if(todo, [](const Todo& t) { return t.at == t.end; });
  }
}

void Map::State::rehash_values() {
  for (const Group::Box& box : next) std::memcpy(secrets.add(), box.mailbox.label.data(), 32);
  const auto of_citizens = secrets.finish();
  for (std::size_t i = 0; i < next.size(); ++i) {
    std::uint8_t* const to = values.add(of_citizens[i]);
    std::memcpy(to, kValueDomain, sizeof kValueDomain);
    const auto count = big_endian(next[i].mailbox.count);
    std::memcpy(to + sizeof kValueDomain, count.data(), count.size());
    std::memcpy(to + sizeof kValueDomain + 8, next[i].mailbox.head.data(), 32);
  }
  const auto made = values.finish();
  for (std::size_t i = 0; i < next.size(); ++i) next[i].value = made[i];
}

void Map::State::rehash_buckets() {
  struct Place {
    std::uint32_t bucket;
    std::size_t pairs;
  };
  std::vector<Place> places;
  const auto slot_of = [this](const Group::Box& box) {
    std::uint8_t* const to = slots.add();
    to[0] = kSlot;
    std::memcpy(to + 1, box.mailbox.label.data(), 32);
    std::memcpy(to + 33, box.value.data(), 32);
  };
  for (std::size_t at = 0; at < next.size();) {
    const std::uint32_t bucket = bucket_of(next[at].mailbox.label);
    const auto& group = groups[bucket / kGroupBuckets];
    const auto there = group ? group->around(found[at].at, bucket) : std::span<const Group::Box>{};
    const std::size_t before = slots.count();
    // What changed takes the place of what was.
    auto old = there.begin();
    for (; at < next.size() && bucket_of(next[at].mailbox.label) == bucket; ++at) {
      for (; old != there.end() && Group::before(*old, next[at]); ++old) slot_of(*old);
      if (old != there.end() && old->mailbox.label == next[at].mailbox.label) ++old;
      slot_of(next[at]);
    }
    for (; old != there.end(); ++old) slot_of(*old);
    places.push_back({bucket, slots.count() - before});
  }
  for (const Place& place : places) next_nodes[kMapDepth].emplace_back(place.bucket, Digest{});
  find_nodes();
  const auto made = slots.finish();
  std::size_t at = 0;
  for (const Place& place : places) {
    std::uint8_t* to = buckets.try_emplace(place.pairs, kBucketHead + place.pairs * sizeof(Digest))
                           .first->second.add();
    *to++ = kBucket;
    for (unsigned shift = 32; shift > 0; shift -= 8)
      *to++ = static_cast<std::uint8_t>(place.pairs >> (shift - 8));
    for (std::size_t i = 0; i < place.pairs; ++i, to += sizeof(Digest))
      std::memcpy(to, made[at++].data(), sizeof(Digest));
  }
  std::map<std::size_t, std::span<const Digest>> hashed;
  for (auto& [pairs, many] : buckets)
    if (many.count() > 0) hashed[pairs] = many.finish();
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto& left = hashed[places[i].pairs];
    next_nodes[kMapDepth][i].second = left.front();
    left = left.subspan(1);
  }
}

// Looks up, group by group and while its memory is near, all that the groups' rows will need: row
// by row each group would be fetched anew for each of its eight.
void Map::State::find_nodes() {
  const Changed& changed = next_nodes[kMapDepth];
  std::array<std::uint32_t, kGroupBuckets> places;
  constexpr std::size_t kAhead = 8;
  for (std::size_t at = 0; at < changed.size();) {
    const std::uint32_t number = changed[at].first / kGroupBuckets;
    std::size_t count = 0;
    for (; at < changed.size() && changed[at].first / kGroupBuckets == number; ++at)
      places[count++] = Group::place_of(kMapDepth, changed[at].first);
    Group* const group = groups[number].get();
    if (at + kAhead < changed.size())
      prefetch_group(groups[changed[at + kAhead].first / kGroupBuckets].get());
    for (unsigned depth = kMapDepth; depth > kUpperDepth; --depth) {
      std::size_t above = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t place = places[i];
        const auto [own, other] =
            group != nullptr ? group->nodes.both(place) : std::pair<Digest*, Digest*>{};
        kept[depth].push_back(own);
        if (i + 1 < count && places[i + 1] == (place ^ 1)) {
          kept[depth].push_back(other);
          ++i;
        } else {
          if (other != nullptr) __builtin_prefetch(other);
          siblings[depth].push_back(other != nullptr ? other : &empty_subtree(depth));
        }
        places[above++] = place / 2;
      }
      count = above;
    }
  }
}

// The nodes of a row above those that changed, each once.
void Map::State::rehash_row(unsigned depth) {
  const Changed& below = next_nodes[depth + 1];
  Changed& row = next_nodes[depth];
  auto of_group = siblings[depth + 1].begin();
  const Digest* const above = upper.data() + (1u << std::min(depth + 1, kUpperDepth));
  const bool in_groups = depth >= kUpperDepth;
  constexpr std::size_t kAhead = 16;
  for (std::size_t at = 0; at < below.size();) {
    if (!in_groups && at + kAhead < below.size())
      __builtin_prefetch(above + (below[at + kAhead].first ^ 1));
    const std::uint32_t number = below[at].first >> 1;
    std::uint8_t* const to = nodes.add();
    to[0] = kNode;
    const bool left = below[at].first % 2 == 0;
    const Digest& first = below[at++].second;
    const bool both = left && at < below.size() && below[at].first == 2 * number + 1;
    const Digest& second = both        ? below[at++].second
                           : in_groups ? **of_group++
                                       : above[2 * number + (left ? 1 : 0)];
    std::memcpy(to + 1, (left ? first : second).data(), 32);
    std::memcpy(to + 33, (left ? second : first).data(), 32);
    row.emplace_back(number, Digest{});
  }
  const auto made = nodes.finish();
  for (std::size_t i = 0; i < row.size(); ++i) row[i].second = made[i];
}

Digest Map::State::rehash() {
  if (next.empty()) return upper[1];
  rehash_values();
  rehash_buckets();
  for (unsigned depth = kMapDepth; depth-- > 0;) rehash_row(depth);
  return next_nodes[0].front().second;
}

Digest Map::stage(std::span<const MapUpdate> updates) {
  State& s = *state_;
  insist(!s.staged);
  s.staged = true;
  s.next_citizens = s.citizens;
  s.fold(updates);
  return s.rehash();
}

void Map::load(std::span<const Mailbox> mailboxes) {
  State& s = *state_;
  insist(!s.staged);
  s.staged = true;
  s.next_citizens = s.citizens + mailboxes.size();
  for (const Mailbox& mailbox : mailboxes) {
    insist(s.next.empty() || s.next.back().mailbox.label < mailbox.label);
    s.next.push_back({mailbox, {}});
    s.found.push_back(s.find(mailbox.label));
  }
  s.rehash();
  commit();
}

void Map::each(const std::function<void(const Mailbox&)>& visit) const {
  for (const auto& group : state_->groups) {
    if (!group) continue;
    for (const auto& box : group->boxes) visit(box.mailbox);
  }
}

void Map::commit() {
  State& s = *state_;
  insist(s.staged);
  for (unsigned depth = 0; depth <= kUpperDepth; ++depth)
    for (const auto& [number, hash] : s.next_nodes[depth]) s.upper[(1u << depth) + number] = hash;
  std::array<std::size_t, kMapDepth + 1> at{};
  std::vector<Nodes::Node> fresh;
  constexpr std::size_t kAhead = 4;
  for (std::size_t box = 0; box < s.next.size();) {
    const std::uint32_t number = bucket_of(s.next[box].mailbox.label) / kGroupBuckets;
    std::size_t end = box;
    while (end < s.next.size() && bucket_of(s.next[end].mailbox.label) / kGroupBuckets == number)
      ++end;
    auto& group = s.groups[number];
    if (!group) group = std::make_unique<Group>();
    if (end + 2 * kAhead < s.next.size())
      State::prefetch_group(
          s.groups[bucket_of(s.next[end + 2 * kAhead].mailbox.label) / kGroupBuckets].get());
    if (end + kAhead < s.next.size())
      if (const Group* const soon =
              s.groups[bucket_of(s.next[end + kAhead].mailbox.label) / kGroupBuckets].get();
          soon != nullptr && s.found[end + kAhead].there) {
        const auto* const box_there =
            reinterpret_cast<const char*>(&soon->boxes[s.found[end + kAhead].at]);
        __builtin_prefetch(box_there, 1);
        __builtin_prefetch(box_there + Group::kLine, 1);
      }
    // Where nobody is new, every hash has its place already.
    const bool nobody_new = std::all_of(s.found.begin() + static_cast<std::ptrdiff_t>(box),
                                        s.found.begin() + static_cast<std::ptrdiff_t>(end),
                                        [](const State::Found& f) { return f.there; });
    if (nobody_new)
      for (std::size_t i = box; i < end; ++i) group->boxes[s.found[i].at] = s.next[i];
    else
      put(group->boxes, std::span<const Group::Box>(s.next).subspan(box, end - box), Group::before);
    fresh.clear();
    for (unsigned depth = kUpperDepth + 1; depth <= kMapDepth; ++depth) {
      const auto& row = s.next_nodes[depth];
      const auto& kept = s.kept[depth];
      std::size_t& i = at[depth];
      for (; i < row.size() && row[i].first >> (depth - kUpperDepth) == number; ++i) {
        if (i + kAhead < kept.size()) __builtin_prefetch(kept[i + kAhead], 1);
        if (nobody_new)
          *kept[i] = row[i].second;
        else
          fresh.emplace_back(static_cast<std::uint16_t>(Group::place_of(depth, row[i].first)),
                             row[i].second);
      }
    }
    if (!nobody_new) group->nodes.put(fresh);
    box = end;
  }
  s.citizens = s.next_citizens;
  drop();
}

void Map::drop() {
  state_->next.clear();
  state_->found.clear();
  for (auto& row : state_->next_nodes) row.clear();
  for (auto& row : state_->siblings) row.clear();
  for (auto& row : state_->kept) row.clear();
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
  MapProof proof;
  if (const auto& group = state_->groups[number])
    for (const auto& box : group->of(bucket))
      proof.bucket.push_back({box.mailbox.label, box.value});
  for (unsigned depth = kMapDepth, at = 0; depth > 0; --depth, ++at)
    proof.path[at] = state_->node(depth, bucket >> (kMapDepth - depth) ^ 1);
  return proof;
}

Digest Map::secret_of(const Label& label) const { return map_secret(state_->mac, label); }

}  // namespace amanat::ledger
