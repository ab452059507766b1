#include "ledger/map.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

std::string hex(const Digest& d) { return crypto::hex(d); }

Digest digest(std::string_view text) {
  const auto bytes = crypto::from_hex(text);
  Digest d{};
  EXPECT_TRUE(bytes && bytes->size() == 32);
  std::memcpy(d.data(), bytes->data(), 32);
  return d;
}

Key256 key_of_counting_bytes() {
  Key256 key;
  for (std::size_t i = 0; i < 32; ++i) key.mutable_bytes()[i] = static_cast<std::uint8_t>(i);
  return key;
}

const char* const kBeta = "dd653f0879b48c3ef69e13551239bec4cbcc1c18fe8894de2e9e1c790e182736";

TEST(Map, GivesTheKnownAnswers) {
  EXPECT_EQ(hex(empty_subtree(kMapDepth)),
            "49e8e3297545c15ab6a79471a7a34d43e24a8f1cb25ea3d8417c61f699267a3f");
  EXPECT_EQ(hex(empty_subtree(0)),
            "77f62f83c601ebdbdc0b79e7be24d5e798a08422c4a956739b7affd522a1260b");
  // Leaves 0 and 1 of the RFC 6962 reference tree at indices 1 and 5.
  const Digest l0 = leaf_hash(std::string_view("", 0)), l1 = leaf_hash(std::string_view("\0", 1));
  const Digest h1 = chain_next(Digest{}, l0, 1), h2 = chain_next(h1, l1, 5);
  EXPECT_EQ(hex(h1), "6a199aed448b3d50ad8bc4b800e65be934e8090b3838465d8dd3714f45e5c9fd");
  EXPECT_EQ(hex(h2), "f06dd9919d1b9d0aa9bc9f4f493f2aa8bea66c008b1a9ee858754bc866e39b2a");
  const Label label = digest(kBeta);
  Map map(key_of_counting_bytes());
  EXPECT_EQ(hex(map.secret_of(label)),
            "233348240c13454784419ab55fcbe86e0388fbc6ec2fec4f23dbeb8a4fa98010");
  const MapUpdate updates[] = {{label, l0, 1, 0}, {label, l1, 5, 0}};
  map.stage(updates);
  map.commit();
  EXPECT_EQ(hex(map.prove(label).bucket.at(0).value),
            "8b675194247239b8bca15096abce4d00533a2d6d3522bb441fb9ce3c555bdf09");
  EXPECT_EQ(hex(bucket_hash(map.prove(label).bucket)),
            "a2022f783660bae5d1350d9af871f6a4c90fe39305824de41f1f02ad4228d4b3");
  EXPECT_EQ(hex(map.root()), "e828b59fa3c751604b6629cd5d66b790315c9e80e81445efc80bf58390b60c14");
}

// The map written a second time, from its definition, without any sharing.
Digest naive_subtree(const std::map<Label, Digest>& values, unsigned depth, std::uint32_t number) {
  const unsigned shift = kMapDepth - depth;
  Label low{};
  const std::uint32_t first = number << shift;
  low[0] = static_cast<std::uint8_t>(first >> 16);
  low[1] = static_cast<std::uint8_t>(first >> 8);
  low[2] = static_cast<std::uint8_t>(first);
  const auto at = values.lower_bound(low);
  if (at == values.end() || bucket_of(at->first) >> shift != number) return empty_subtree(depth);
  if (depth < kMapDepth)
    return map_node(naive_subtree(values, depth + 1, 2 * number),
                    naive_subtree(values, depth + 1, 2 * number + 1));
  std::vector<BucketPair> pairs;
  for (auto it = at; it != values.end() && bucket_of(it->first) == number; ++it)
    pairs.push_back({it->first, it->second});
  return bucket_hash(pairs);
}

TEST(Map, IsAFunctionOfTheLogHoweverItIsCutIntoEpochs) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const Key256 key = crypto::random_key();
  std::vector<Label> labels;
  for (int i = 0; i < 400; ++i) {
    Label label;
    for (auto& b : label) b = static_cast<std::uint8_t>(random());
    if (i % 4 != 0) label[0] = 7;             // crowded groups
    if (i % 8 == 3) label[1] = label[2] = 9;  // and crowded buckets
    labels.push_back(label);
  }
  Map whole(key), cut(key);
  std::vector<MapUpdate> all;
  for (std::uint64_t i = 0; i < 3000; ++i)
    all.push_back({labels[random() % labels.size()], leaf_hash(std::to_string(i)), i + 1, i});
  whole.stage(all);
  whole.commit();
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t n = std::min<std::size_t>(all.size() - at, 1 + random() % 200);
    const std::span<const MapUpdate> part(all.data() + at, n);
    const Digest before = cut.root();
    if (random() % 3 == 0) {
      cut.stage(part);
      EXPECT_EQ(cut.root(), before) << "the present map does not change while the next is made";
      cut.drop();
    }
    cut.stage(part);
    cut.commit();
    at += n;
  }
  EXPECT_EQ(hex(cut.root()), hex(whole.root()));
  EXPECT_EQ(cut.citizens(), whole.citizens());
  std::map<Label, std::pair<std::uint64_t, Digest>> chains;
  for (const auto& u : all) {
    auto& [count, head] = chains[u.label];
    ++count;
    head = chain_next(head, u.leaf, u.index);
  }
  std::map<Label, Digest> values;
  const crypto::Hmac mac(key.bytes());
  for (const auto& [label, chain] : chains)
    values[label] = map_value(map_secret(mac, label), chain.first, chain.second);
  EXPECT_EQ(hex(whole.root()), hex(naive_subtree(values, 0, 0)));
  for (const Label& label : labels) {
    const auto box = whole.find(label);
    ASSERT_EQ(box.has_value(), chains.contains(label));
    if (box) {
      EXPECT_EQ(box->count, chains[label].first);
      EXPECT_EQ(box->head, chains[label].second);
    }
    const auto proof = whole.prove(label);
    ASSERT_EQ(map_root(bucket_of(label), proof), whole.root());
  }
}

TEST(Map, AProofShowsPresenceAndAbsenceAndNothingElse) {
  const Key256 key = crypto::random_key();
  Map map(key);
  std::mt19937_64 random(5);
  std::vector<MapUpdate> updates;
  for (std::uint64_t i = 0; i < 300; ++i) {
    MapUpdate u;
    for (auto& b : u.label) b = static_cast<std::uint8_t>(random());
    u.label[0] = 1, u.label[1] = 2, u.label[2] = static_cast<std::uint8_t>(i % 40);
    u.index = i;
    updates.push_back(u);
  }
  map.stage(updates);
  map.commit();
  Label absent{};
  absent[0] = 1, absent[1] = 2, absent[2] = 3;
  auto proof = map.prove(absent);
  EXPECT_EQ(map_root(bucket_of(absent), proof), map.root());
  for (const auto& pair : proof.bucket) EXPECT_NE(pair.label, absent);
  const std::uint32_t number = bucket_of(absent);
  // Everything about it matters: order, membership, values, path, bucket.
  auto swapped = proof;
  std::swap(swapped.bucket[0], swapped.bucket[1]);
  EXPECT_EQ(map_root(number, swapped), std::nullopt);
  auto twice = proof;
  twice.bucket.insert(twice.bucket.begin(), twice.bucket[0]);
  EXPECT_EQ(map_root(number, twice), std::nullopt);
  auto fewer = proof;
  fewer.bucket.pop_back();
  EXPECT_NE(map_root(number, fewer), map.root());
  EXPECT_EQ(map_root(number + 1, proof), std::nullopt);
  for (auto& hash : proof.path) {
    hash[5] ^= 1;
    EXPECT_NE(map_root(number, proof), map.root());
    hash[5] ^= 1;
  }
  for (auto& pair : proof.bucket) {
    pair.value[31] ^= 0x80;
    EXPECT_NE(map_root(number, proof), map.root());
    pair.value[31] ^= 0x80;
  }
  EXPECT_EQ(map_root(number, proof), map.root());
}

}  // namespace
}  // namespace amanat::ledger
