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

#include <algorithm>
#include <bit>
#include <cstring>

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

void CompactRange::append_subtree(unsigned level, const Digest& root) {
  insist(level < 63 && size_ <= UINT64_MAX - (std::uint64_t{1} << level));
  insist((size_ & ((std::uint64_t{1} << level) - 1)) == 0);
  Digest carried = root;
  // Each one bit of the size from there on is a complete subtree that the new one doubles.
  for (std::uint64_t rest = size_ >> level; (rest & 1) != 0; rest >>= 1) {
    insist(!hashes_.empty());
    carried = node_hash(hashes_.back(), carried);
    hashes_.pop_back();
  }
  hashes_.push_back(carried);
  size_ += std::uint64_t{1} << level;
}

Digest CompactRange::root() const {
  if (hashes_.empty()) return empty_root();
  Digest root = hashes_.back();
  for (std::size_t i = hashes_.size() - 1; i-- > 0;) root = node_hash(hashes_[i], root);
  return root;
}

std::span<const Digest> BundleHasher::leaves(std::span<const std::string_view> entries) {
  // Whoever wrote the log chooses the lengths: few of them are kept ready.
  const auto alone = [](std::string_view entry) { return entry.size() > kTogetherMax; };
  for (const std::string_view entry : entries) {
    if (alone(entry)) continue;
    std::uint8_t* const to =
        by_length_.try_emplace(entry.size(), 1 + entry.size()).first->second.add();
    to[0] = kLeafPrefix;
    std::memcpy(to + 1, entry.data(), entry.size());
  }
  std::map<std::size_t, std::span<const Digest>> hashed;
  for (auto& [length, many] : by_length_)
    if (many.count() > 0) hashed[length] = many.finish();
  leaves_.clear();
  for (const std::string_view entry : entries) {
    if (alone(entry)) {
      leaves_.push_back(leaf_hash(entry));
      continue;
    }
    auto& left = hashed[entry.size()];
    leaves_.push_back(left.front());
    left = left.subspan(1);
  }
  return leaves_;
}

void BundleHasher::append(CompactRange& range, std::span<const Digest> leaves) {
  while (!leaves.empty()) {
    // The largest complete subtree that fits here.
    const auto room = static_cast<std::size_t>(std::countr_zero(range.size()));
    const std::size_t fits = std::bit_width(leaves.size()) - 1;
    const auto level = static_cast<unsigned>(std::min(room, fits));
    const std::size_t count = std::size_t{1} << level;
    row_.assign(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(count));
    leaves = leaves.subspan(count);
    while (row_.size() > 1) {
      for (std::size_t i = 0; i < row_.size(); i += 2) {
        std::uint8_t* const to = nodes_.add();
        to[0] = kNodePrefix;
        std::memcpy(to + 1, row_[i].data(), 32);
        std::memcpy(to + 33, row_[i + 1].data(), 32);
      }
      const auto above = nodes_.finish();
      row_.assign(above.begin(), above.end());
    }
    range.append_subtree(level, row_.front());
  }
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
