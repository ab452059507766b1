#include "ledger/tree.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "ledger/proof.h"

namespace amanat::ledger {
namespace {

// RFC 6962 section 2.1, word for word: the slow tree everything else is compared with.
Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return crypto::sha256(std::string_view());
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return node_hash(naive_root(leaves.first(k)), naive_root(leaves.subspan(k)));
}

std::vector<Digest> naive_path(std::size_t m, std::span<const Digest> leaves) {
  if (leaves.size() == 1) return {};
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  std::vector<Digest> path =
      m < k ? naive_path(m, leaves.first(k)) : naive_path(m - k, leaves.subspan(k));
  path.push_back(naive_root(m < k ? leaves.subspan(k) : leaves.first(k)));
  return path;
}

std::vector<Digest> some_leaves(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash("entry " + std::to_string(i)));
  return leaves;
}

// The constants of transparency-dev/merkle's rfc6962 hasher.
TEST(Tree, HashesLeavesAndNodesAsRfc6962Does) {
  EXPECT_EQ(crypto::hex(leaf_hash("L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  // The same node hash over inputs that are not 32 bytes long, as those constants have it.
  EXPECT_EQ(crypto::hex(crypto::sha256(std::string_view("\x01N123N456", 9))),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
  EXPECT_EQ(crypto::hex(empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Digest left = leaf_hash("a"), right = leaf_hash("b");
  EXPECT_EQ(node_hash(left, right),
            crypto::Sha256().update(std::uint8_t{1}).update(left).update(right).finish());
}

TEST(Tree, TheCompactRangeHasTheRootOfTheWholeTree) {
  const auto leaves = some_leaves(300);
  CompactRange range;
  EXPECT_EQ(range.root(), empty_root());
  for (std::size_t n = 1; n <= leaves.size(); ++n) {
    range.append(leaves[n - 1]);
    EXPECT_EQ(range.size(), n);
    EXPECT_EQ(range.hashes().size(), static_cast<std::size_t>(std::popcount(n)));
    ASSERT_EQ(range.root(), naive_root(std::span(leaves).first(n))) << n;
    const auto restored = CompactRange::restore(range.size(), range.hashes());
    ASSERT_TRUE(restored);
    EXPECT_EQ(restored->root(), range.root());
  }
}

TEST(Tree, ASavedRangeWithTheWrongNumberOfHashesIsCorrupt) {
  const auto hashes = some_leaves(4);
  const auto refused = CompactRange::restore(5, std::span(hashes).first(3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::ledger_corrupt);
  EXPECT_FALSE(CompactRange::restore(0, std::span(hashes).first(1)));
  EXPECT_TRUE(CompactRange::restore(0, {}));
  EXPECT_TRUE(CompactRange::restore(5, std::span(hashes).first(2)));
}

TEST(Tree, ABatchGivesEveryLeafItsPathWithoutReadingAnything) {
  const auto leaves = some_leaves(200);
  BatchTree batch;
  std::vector<Digest> path;
  for (std::size_t before = 0; before < 130; before = before < 34 ? before + 1 : before + 31) {
    CompactRange range;
    for (std::size_t i = 0; i < before; ++i) range.append(leaves[i]);
    for (std::size_t count = 1; count <= 70; ++count) {
      const auto all = std::span(leaves).first(before + count);
      batch.fold(range, all.subspan(before));
      ASSERT_EQ(batch.first(), before);
      ASSERT_EQ(batch.size(), before + count);
      const Digest root = naive_root(all);
      ASSERT_EQ(batch.root(), root) << before << "+" << count;
      ASSERT_EQ(batch.after().root(), root);
      ASSERT_EQ(batch.after().size(), before + count);
      for (std::size_t i = before; i < before + count; ++i) {
        batch.path(i, path);
        ASSERT_EQ(path, naive_path(i, all)) << before << "+" << count << " leaf " << i;
      }
    }
  }
}

TEST(Tree, BatchesOfAnySizesMakeOneTree) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto leaves = some_leaves(5000);
  CompactRange one_by_one, in_batches;
  BatchTree batch;
  std::vector<Digest> path;
  for (std::size_t at = 0; at < leaves.size();) {
    const std::size_t count =
        std::min<std::size_t>(leaves.size() - at, 1 + random() % (random() % 4 == 0 ? 700 : 9));
    batch.fold(in_batches, std::span(leaves).subspan(at, count));
    for (std::size_t i = at; i < at + count; ++i) one_by_one.append(leaves[i]);
    ASSERT_EQ(batch.after().hashes(), one_by_one.hashes());
    ASSERT_EQ(batch.root(), one_by_one.root());
    for (const std::size_t i : {at, at + count - 1, at + count / 2}) {
      batch.path(i, path);
      ASSERT_TRUE(verify_inclusion(i, batch.size(), leaves[i], path, batch.root()));
    }
    in_batches = batch.after();
    at += count;
  }
}

// A range that a log of 2^62 + 5 entries would have saved.
TEST(Tree, BatchesWorkFarBeyondAnyLogsSize) {
  const std::uint64_t size = (std::uint64_t{1} << 62) + 5;
  const auto hashes = some_leaves(3);
  const auto range = CompactRange::restore(size, hashes);
  ASSERT_TRUE(range);
  const auto leaves = some_leaves(20);
  BatchTree batch;
  batch.fold(*range, leaves);
  CompactRange appended = *range;
  for (const Digest& leaf : leaves) appended.append(leaf);
  EXPECT_EQ(batch.root(), appended.root());
  std::vector<Digest> path;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    batch.path(size + i, path);
    EXPECT_TRUE(verify_inclusion(size + i, batch.size(), leaves[i], path, batch.root())) << i;
  }
}

TEST(TreeDeathTest, ABatchKnowsNoPathOfOtherLeaves) {
  const auto leaves = some_leaves(3);
  BatchTree batch;
  std::vector<Digest> path;
  CompactRange range;
  range.append(leaves[0]);
  EXPECT_DEATH(batch.fold(range, {}), "empty");
  batch.fold(range, leaves);
  EXPECT_DEATH(batch.path(0, path), "first");
  EXPECT_DEATH(batch.path(4, path), "size");
}

TEST(Tree, ManyAtOnceAreAppendedAsOneByOne) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  CompactRange one_by_one, together;
  BundleHasher hasher;
  std::vector<std::string> entries;
  for (int round = 0; round < 300; ++round) {
    entries.clear();
    const std::size_t count = random() % 3 == 0 ? 256 : random() % 300;
    for (std::size_t i = 0; i < count; ++i)
      entries.emplace_back(random() % 8 == 0 ? random() % 700 : 106, static_cast<char>(random()));
    const std::vector<std::string_view> views(entries.begin(), entries.end());
    const auto leaves = hasher.leaves(views);
    ASSERT_EQ(leaves.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(leaves[i], leaf_hash(views[i]));
      one_by_one.append(leaves[i]);
    }
    hasher.append(together, leaves);
    ASSERT_EQ(together.size(), one_by_one.size());
    ASSERT_EQ(together.root(), one_by_one.root());
  }
}

}  // namespace
}  // namespace amanat::ledger
