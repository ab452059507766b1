#include "ledger/cose.h"

#include <gtest/gtest.h>

#include "ledger/proof.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

struct Tree {
  std::vector<Digest> leaves;
  explicit Tree(std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) leaves.push_back(leaf_hash("entry " + std::to_string(i)));
  }
  ReadNode read() const {
    return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
      CompactRange r;
      for (std::uint64_t i = index << level; i < (index + 1) << level; ++i) r.append(leaves[i]);
      return r.root();
    };
  }
  Digest root(std::uint64_t n) const { return *root_of(n, read()); }
};

TEST(Cose, AReceiptHoldsForItsEntryAloneAndEveryFlippedBitIsRefused) {
  const crypto::Ed25519Signer key(crypto::random_key());
  const Tree tree(300);
  for (const std::uint64_t size : {2u, 7u, 255u, 256u, 257u, 300u}) {
    const Digest root = tree.root(size);
    for (std::uint64_t i = 0; i < size; i += 1 + size / 5) {
      const auto path = inclusion_path(i, size, tree.read());
      const std::string receipt = cose_inclusion(key, size, i, *path, root);
      const auto held = verify_cose_inclusion(receipt, tree.leaves[i], key.public_key());
      ASSERT_TRUE(held) << held.error().detail;
      EXPECT_EQ(held->size, size);
      EXPECT_EQ(held->other, i);
      EXPECT_FALSE(verify_cose_inclusion(receipt, tree.leaves[(i + 1) % size], key.public_key()));
      // The signature is over the root alone (RFC 9942 section 5.2): where two sizes lead the same
      // path to the same root, the size is the receipt's word only.
      const std::size_t size_begin =
          path->size() < 8 ? 20 : 21;  // after a longer length of the proof
      const std::size_t size_end = size_begin + (size < 24 ? 1 : size < 256 ? 2 : 3);
      for (std::size_t bit = 0; bit < receipt.size() * 8; bit += 7) {
        if (bit / 8 >= size_begin && bit / 8 < size_end) continue;
        std::string flipped = receipt;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(verify_cose_inclusion(flipped, tree.leaves[i], key.public_key()))
            << "size " << size << ", index " << i << ", bit " << bit;
      }
    }
  }
}

// The bytes by hand, from RFC 9942 section 4 and 5: tag 18, {1: -8, 395: 1}, {396: {-1: [bstr]}},
// nil.
TEST(Cose, ItsBytesAreThoseOfTheSpecification) {
  const crypto::Ed25519Signer key{Key256{}};
  const Tree tree(2);
  const auto path = inclusion_path(1, 2, tree.read());
  const std::string receipt = cose_inclusion(key, 2, 1, *path, tree.root(2));
  const std::string start = crypto::hex(crypto::bytes_of(receipt.substr(0, 29)));
  EXPECT_EQ(start,
            "d2"                // tag 18
            "84"                // array of 4
            "47a2012719018b01"  // protected: bstr of {1: -8, 395: 1}
            "a119018c"          // {396:
            "a120"              //  {-1:
            "81"                //   [
            "5826"              //    bstr of 38
            "83020181"          //     [2, 1, [
            "5820" +
                crypto::hex(std::span(path->front()).first(4)));
  EXPECT_EQ(receipt[start.size() / 2 + 28], '\xf6');
  const auto consistency = consistency_path(1, 2, tree.read());
  const auto parsed = parse_cose(cose_consistency(key, 1, 2, *consistency, tree.root(2)));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->inclusion);
  EXPECT_EQ(parsed->size, 2u);
  EXPECT_EQ(parsed->other, 1u);
}

}  // namespace
}  // namespace amanat::ledger
