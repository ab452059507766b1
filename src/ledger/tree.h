#pragma once
// The Merkle tree of RFC 6962 section 2.1 (= RFC 9162 section 2.1): hashing, the compact range that
// is all one needs to append, and the paths of a batch's leaves without reading anything back.
// Values without shared state: one thread each.

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "crypto/hash_many.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

/// leaf_hash is SHA-256(0x00 || entry).
Digest leaf_hash(crypto::Bytes entry);
inline Digest leaf_hash(std::string_view entry) { return leaf_hash(crypto::bytes_of(entry)); }
/// node_hash is SHA-256(0x01 || left || right).
Digest node_hash(const Digest& left, const Digest& right);
/// empty_root is the root of the tree without leaves, SHA-256("").
const Digest& empty_root();

/// CompactRange is the roots of the maximal complete subtrees of the first size() leaves, left to
/// right: popcount(size) hashes. Appending costs one node hash a leaf, amortised.
class CompactRange {
 public:
  CompactRange() = default;
  /// restore takes what size() and hashes() once gave. Errors: ledger_corrupt (wrong count). Only
  /// root() compared with a signed one shows that the hashes are right.
  static Result<CompactRange> restore(std::uint64_t size, std::span<const Digest> hashes);

  void append(const Digest& leaf) { append_subtree(0, leaf); }
  /// append_subtree appends 2^level leaves by the root over them; insists that size() is a multiple
  /// of as many.
  void append_subtree(unsigned level, const Digest& root);
  std::uint64_t size() const { return size_; }
  const std::vector<Digest>& hashes() const { return hashes_; }
  Digest root() const;

 private:
  friend class BatchTree;
  std::uint64_t size_ = 0;
  std::vector<Digest> hashes_;
};

/// BundleHasher hashes leaves and the trees over them many at once, for whoever reads a whole log.
/// One thread; memory is reused.
class BundleHasher {
 public:
  /// leaves gives leaf_hash of each entry; valid until the next call.
  std::span<const Digest> leaves(std::span<const std::string_view> entries);
  /// append appends leaves to a range, as one by one would.
  void append(CompactRange& range, std::span<const Digest> leaves);

 private:
  static constexpr std::size_t kTogetherMax = 255;  // bytes of an entry; longer ones go alone
  std::map<std::size_t, crypto::HashMany> by_length_;
  crypto::HashMany nodes_{1 + 2 * sizeof(Digest)};
  std::vector<Digest> leaves_, row_;
};

/// BatchTree is the right edge of the tree after a batch: everything the inclusion paths of the
/// batch's leaves consist of. Every left sibling is in the compact range from before the batch or
/// made inside the batch, so a receipt at the tip needs no disk read. Memory is reused from batch
/// to batch.
///
///     batch.fold(range, leaves);      // costs one node hash a leaf, as appending would
///     batch.path(index, path);        // copies O(log n) hashes, makes none
///     range = batch.after();
class BatchTree {
 public:
  /// fold appends the leaves to `before` (which is copied). insists on at least one leaf.
  void fold(const CompactRange& before, std::span<const Digest> leaves);

  std::uint64_t first() const { return before_.size(); }
  std::uint64_t size() const { return after_.size(); }
  const CompactRange& after() const { return after_; }
  const Digest& root() const { return root_; }
  /// path replaces `out` by the inclusion path (leaf side first) of entry `index` in the tree of
  /// size() leaves. insists that first() <= index < size().
  void path(std::uint64_t index, std::vector<Digest>& out) const;

 private:
  const Digest& complete(unsigned level, std::uint64_t index) const;

  CompactRange before_, after_;
  Digest root_{};
  unsigned levels_ = 0;                    // levels at which the batch completed nodes
  std::vector<std::vector<Digest>> made_;  // [level]: complete nodes from index first() >> level on
  std::vector<Digest> edge_;  // [level]: root of the leaves after the last complete node
};

}  // namespace amanat::ledger
