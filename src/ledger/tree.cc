// Invariants.
// 1. CompactRange: hashes_.size() == popcount(size_); hashes_[k] covers the k-th highest set bit of
//    size_ (append, restore, BatchTree::fold).
// 2. BatchTree: made_[l] holds exactly the complete nodes of level l with an index in
//    [first() >> l, size() >> l); a left neighbour outside it is the node of bit l in before_
//    (fold).
// 3. BatchTree: edge_[l] is the root of the leaves from (size() >> l) << l on, meaningful only
// where
//    there are such leaves (fold).

#include "ledger/tree.h"

#include <bit>

#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00, kNodePrefix = 0x01;

bool bit(std::uint64_t value, unsigned level) { return (value >> level & 1) != 0; }

// The hash that covers bit `level` of the range's size (invariant 1). A shift by 64 is undefined.
std::size_t place_of(std::uint64_t size, unsigned level) {
  return level >= 63 ? 0 : static_cast<std::size_t>(std::popcount(size >> (level + 1)));
}

}  // namespace

Digest leaf_hash(crypto::Bytes entry) {
  crypto::Sha256 hash;
  return hash.update(kLeafPrefix).update(entry).finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, 1 + 2 * sizeof(Digest)> input;
  input[0] = kNodePrefix;
  std::memcpy(input.data() + 1, left.data(), left.size());
  std::memcpy(input.data() + 1 + left.size(), right.data(), right.size());
  return crypto::sha256(input);
}

const Digest& empty_root() {
  static const Digest root = crypto::sha256(crypto::Bytes{});
  return root;
}

Result<CompactRange> CompactRange::restore(std::uint64_t size, std::span<const Digest> hashes) {
  if (hashes.size() != static_cast<std::size_t>(std::popcount(size)))
    return fail(Reason::ledger_corrupt, "a saved compact range has the wrong number of hashes");
  CompactRange range;
  range.size_ = size;
  range.hashes_.assign(hashes.begin(), hashes.end());
  return range;
}

void CompactRange::append(const Digest& leaf) {
  insist(size_ != UINT64_MAX);
  Digest carried = leaf;
  // Each trailing one bit of the size is a complete subtree that the new leaf's subtree doubles.
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    insist(!hashes_.empty());
    carried = node_hash(hashes_.back(), carried);
    hashes_.pop_back();
  }
  hashes_.push_back(carried);
  ++size_;
}

Digest CompactRange::root() const {
  if (hashes_.empty()) return empty_root();
  Digest root = hashes_.back();
  for (std::size_t i = hashes_.size() - 1; i-- > 0;) root = node_hash(hashes_[i], root);
  return root;
}

const Digest& BatchTree::complete(unsigned level, std::uint64_t index) const {
  const std::uint64_t start = before_.size() >> level;
  if (index >= start) {
    insist(level < levels_ && index - start < made_[level].size());
    return made_[level][index - start];
  }
  insist(index + 1 == start && bit(before_.size(), level));
  return before_.hashes()[place_of(before_.size(), level)];
}

void BatchTree::fold(const CompactRange& before, std::span<const Digest> leaves) {
  insist(!leaves.empty());
  insist(leaves.size() <= UINT64_MAX - before.size());
  before_ = before;
  const std::uint64_t first = before_.size(), size = first + leaves.size();
  if (made_.empty()) made_.resize(1);
  made_[0].assign(leaves.begin(), leaves.end());
  levels_ = 1;
  for (unsigned level = 1; level < 64 && (size >> level) > (first >> level); ++level) {
    if (made_.size() == level) made_.emplace_back();
    auto& row = made_[level];
    row.clear();
    for (std::uint64_t i = first >> level; i < size >> level; ++i)
      row.push_back(node_hash(complete(level - 1, 2 * i), complete(level - 1, 2 * i + 1)));
    levels_ = level + 1;
  }

  after_.size_ = size;
  after_.hashes_.clear();
  edge_.assign(65, Digest{});
  for (unsigned level = 64; level-- > 0;)
    if (bit(size, level)) after_.hashes_.push_back(complete(level, (size >> level) - 1));
  for (unsigned level = 0; level < 64; ++level) {
    const bool nothing_below = (size & ((std::uint64_t{1} << level) - 1)) == 0;
    if (!bit(size, level)) {
      edge_[level + 1] = edge_[level];
    } else {
      const Digest& last = complete(level, (size >> level) - 1);
      edge_[level + 1] = nothing_below ? last : node_hash(last, edge_[level]);
    }
  }
  root_ = edge_[64];
}

void BatchTree::path(std::uint64_t index, std::vector<Digest>& out) const {
  insist(index >= first() && index < size());
  out.clear();
  // At each level the sibling is a complete node, or what is left of the tree to the right, or,
  // for the last node of an odd row, there is none (RFC 9162 section 2.1.3.1).
  std::uint64_t node = index, last = size() - 1;
  for (unsigned level = 0; last != 0; ++level, node >>= 1, last >>= 1) {
    if ((node & 1) != 0) {
      out.push_back(complete(level, node - 1));
    } else if (node < last) {
      const bool whole = node + 1 < (size() >> level);
      out.push_back(whole ? complete(level, node + 1) : edge_[level]);
    }
  }
}

}  // namespace amanat::ledger
