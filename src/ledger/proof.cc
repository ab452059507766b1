#include "ledger/proof.h"

#include <algorithm>
#include <array>
#include <bit>

#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kBeforeNoteMax = 128 * 1024;

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::ledger_proof_wrong, std::move(what));
}
std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::note_malformed, std::move(what));
}

std::optional<Digest> digest_of(RawHash raw) {
  Digest digest;
  if (raw.size() != digest.size()) return std::nullopt;
  std::memcpy(digest.data(), raw.data(), digest.size());
  return digest;
}

bool same(RawHash a, RawHash b) { return std::ranges::equal(a, b); }

bool odd(std::uint64_t value) { return (value & 1) != 0; }

// A path as hashes; nothing if it is too long or a hash has not 32 bytes.
std::optional<std::vector<Digest>> hashes_of(std::span<const RawHash> path) {
  if (path.size() > kProofHashesMax) return std::nullopt;
  std::vector<Digest> hashes;
  hashes.reserve(path.size() + 1);
  for (const RawHash raw : path) {
    const auto digest = digest_of(raw);
    if (!digest) return std::nullopt;
    hashes.push_back(*digest);
  }
  return hashes;
}

constexpr const char* kPathWrong = "the path is longer than 63 hashes, or a hash has not 32 bytes";

// Folds an inclusion path (RFC 9162 section 2.1.3.2); none if it is too short or too long.
std::optional<Digest> fold_inclusion(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                                     std::span<const Digest> path) {
  insist(index < size);
  std::uint64_t node = index, last = size - 1;
  Digest r = leaf;
  for (const Digest& p : path) {
    if (last == 0) return std::nullopt;
    if (odd(node) || node == last) {
      r = node_hash(p, r);
      while (!odd(node) && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      r = node_hash(r, p);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return std::nullopt;
  return r;
}

Result<void> included(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                      std::span<const Digest> path, RawHash root) {
  if (index >= size) return wrong("the index lies outside the tree");
  const auto folded = fold_inclusion(index, size, leaf, path);
  if (!folded) return wrong("the path has the wrong number of hashes");
  if (!same(*folded, root)) return wrong("the path does not lead to the root");
  return {};
}

// RFC 9162 section 2.1.4.2, for 1 <= m < n and a non-empty path.
Result<void> consistent(std::uint64_t m, std::uint64_t n, std::span<const Digest> path,
                        RawHash root_m, RawHash root_n) {
  insist(m >= 1 && m < n && !path.empty());
  std::uint64_t node = m - 1, last = n - 1;
  while (odd(node)) {
    node >>= 1;
    last >>= 1;
  }
  Digest a = path[0], b = path[0];
  for (const Digest& c : path.subspan(1)) {
    if (last == 0) return wrong("the path has too many hashes");
    if (odd(node) || node == last) {
      a = node_hash(c, a);
      b = node_hash(c, b);
      while (!odd(node) && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      b = node_hash(b, c);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return wrong("the path has too few hashes");
  if (!same(a, root_m)) return wrong("the path does not lead to the older root");
  if (!same(b, root_n)) return wrong("the path does not lead to the newer root");
  return {};
}

// The largest power of two smaller than n.
std::uint64_t split_of(std::uint64_t n) {
  insist(n > 1);
  return std::bit_floor(n - 1);
}

// The hash of leaves [start, end), start being a multiple of the next power of two.
Result<Digest> range_root(std::uint64_t start, std::uint64_t end, const ReadNode& read) {
  insist(start < end);
  const std::uint64_t count = end - start;
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return read(level, start >> level);
  }
  const std::uint64_t middle = start + split_of(count);
  const auto left = range_root(start, middle, read);
  if (!left) return left;
  const auto right = range_root(middle, end, read);
  if (!right) return right;
  return node_hash(*left, *right);
}

// Takes a line off the front, without its LF.
std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::vector<RawHash> raw(std::span<const Digest> path) { return {path.begin(), path.end()}; }

}  // namespace

std::optional<Digest> inclusion_root(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                                     std::span<const Digest> path) {
  if (index >= size || path.size() > kProofHashesMax) return std::nullopt;
  return fold_inclusion(index, size, leaf, path);
}

Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, RawHash leaf,
                              std::span<const RawHash> path, RawHash root) {
  const auto hashes = hashes_of(path);
  const auto leaf_digest = digest_of(leaf);
  if (!hashes) return wrong(kPathWrong);
  if (!leaf_digest) return wrong("the leaf hash has not 32 bytes");
  return included(index, size, *leaf_digest, *hashes, root);
}

Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                              std::span<const Digest> path, const Digest& root) {
  if (path.size() > kProofHashesMax) return wrong(kPathWrong);
  return included(index, size, leaf, path, root);
}

Result<void> verify_consistency(std::uint64_t m, std::uint64_t n, std::span<const RawHash> path,
                                RawHash root_m, RawHash root_n) {
  if (m == 0) return wrong("the older tree is empty: there is nothing to prove");
  if (m > n) return wrong("the older tree is larger than the newer one");
  if (m == n) {
    if (!path.empty()) return wrong("trees of one size need no path");
    if (!same(root_m, root_n)) return wrong("two roots for one size");
    return {};
  }
  auto hashes = hashes_of(path);
  if (!hashes) return wrong(kPathWrong);
  if (hashes->empty()) return wrong("the path is empty");
  if (std::has_single_bit(m)) {
    const auto older = digest_of(root_m);
    if (!older) return wrong("the older root has not 32 bytes");
    hashes->insert(hashes->begin(), *older);
  }
  return consistent(m, n, *hashes, root_m, root_n);
}

Result<void> verify_consistency(std::uint64_t m, std::uint64_t n, std::span<const Digest> path,
                                const Digest& root_m, const Digest& root_n) {
  return verify_consistency(m, n, raw(path), RawHash(root_m), RawHash(root_n));
}

bool Subtree::valid() const {
  if (start > end) return false;
  if (start == end) return true;
  const std::uint64_t count = end - start;
  if (count > std::uint64_t{1} << 63) return start == 0;
  return (start & (std::bit_ceil(count) - 1)) == 0;
}

Result<void> verify_subtree_inclusion(std::uint64_t index, Subtree subtree, RawHash leaf,
                                      std::span<const RawHash> path, RawHash root) {
  if (!subtree.valid()) return wrong("not a subtree");
  if (index < subtree.start || index >= subtree.end)
    return wrong("the index lies outside the subtree");
  return verify_inclusion(index - subtree.start, subtree.end - subtree.start, leaf, path, root);
}

Result<void> verify_subtree_consistency(Subtree subtree, std::uint64_t size,
                                        std::span<const RawHash> path, RawHash root,
                                        RawHash tree_root) {
  if (!subtree.valid() || subtree.end > size) return wrong("not a subtree of the tree");
  if (subtree.start == subtree.end) {
    // The empty subtree lies in every tree.
    if (!path.empty() || !same(root, empty_root())) return wrong("the empty subtree needs no path");
    return {};
  }
  const auto hashes = hashes_of(path);
  if (!hashes) return wrong(kPathWrong);
  std::uint64_t first = subtree.start, node = subtree.end - 1, last = size - 1;
  // Up to where the path begins: the whole subtree, if it is a node of the tree; otherwise its last
  // complete part.
  while (first != node && (node == last || odd(node))) {
    first >>= 1;
    node >>= 1;
    last >>= 1;
  }
  std::span<const Digest> rest = *hashes;
  if (first == node && rest.empty()) {
    if (last != 0 || !same(root, tree_root)) return wrong("the path does not lead to the root");
    return {};
  }
  if (rest.empty()) return wrong("the path is empty");
  auto start = first == node ? digest_of(root) : rest.front();
  if (!start) return wrong("the subtree's root has not 32 bytes");
  if (first != node) rest = rest.subspan(1);
  Digest a = *start, b = *start;
  for (const Digest& c : rest) {
    if (last == 0) return wrong("the path has too many hashes");
    if (odd(node) || node == last) {
      if (first < node) a = node_hash(c, a);
      b = node_hash(c, b);
      while (!odd(node) && node != 0) {
        first >>= 1;
        node >>= 1;
        last >>= 1;
      }
    } else {
      b = node_hash(b, c);
    }
    first >>= 1;
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return wrong("the path has too few hashes");
  if (!same(a, root)) return wrong("the path does not lead to the subtree's root");
  if (!same(b, tree_root)) return wrong("the path does not lead to the tree's root");
  return {};
}

Result<Digest> root_of(std::uint64_t size, const ReadNode& read) {
  if (size == 0) return empty_root();
  return range_root(0, size, read);
}

Result<std::vector<Digest>> inclusion_path(std::uint64_t index, std::uint64_t size,
                                           const ReadNode& read) {
  insist(index < size);
  std::vector<Digest> path;
  std::uint64_t start = 0, end = size;
  while (end - start > 1) {
    const std::uint64_t middle = start + split_of(end - start);
    const bool left = index < middle;
    const auto sibling = left ? range_root(middle, end, read) : range_root(start, middle, read);
    if (!sibling) return std::unexpected(sibling.error());
    path.push_back(*sibling);
    (left ? end : start) = middle;
  }
  std::ranges::reverse(path);
  insist(path.size() <= 64);
  return path;
}

Result<std::vector<Digest>> consistency_path(std::uint64_t m, std::uint64_t n,
                                             const ReadNode& read) {
  insist(m >= 1 && m <= n);
  std::vector<Digest> path;
  std::uint64_t start = 0, end = n;
  const auto push = [&](std::uint64_t from, std::uint64_t to) -> Result<void> {
    const auto hash = range_root(from, to, read);
    if (!hash) return std::unexpected(hash.error());
    path.push_back(*hash);
    return {};
  };
  while (m != end) {
    const std::uint64_t middle = start + split_of(end - start);
    const bool left = m <= middle;
    if (const auto pushed = left ? push(middle, end) : push(start, middle); !pushed)
      return std::unexpected(pushed.error());
    (left ? end : start) = middle;
  }
  // The older tree itself is known to whoever asks; only a part of it must be shown.
  if (start != 0)
    if (const auto pushed = push(start, end); !pushed) return std::unexpected(pushed.error());
  std::ranges::reverse(path);
  return path;
}

void append_tlog_proof(std::string& out, std::string_view extra, std::uint64_t index,
                       std::span<const Digest> path, std::string_view checkpoint) {
  insist(path.size() <= kProofHashesMax);
  insist(checkpoint.ends_with('\n'));
  out.reserve(out.size() + 64 + extra.size() * 4 / 3 + path.size() * 45 + checkpoint.size());
  out += kTlogProofHead;
  out += '\n';
  if (!extra.empty()) {
    out += "extra ";
    crypto::append_base64(out, crypto::bytes_of(extra));
    out += '\n';
  }
  out += "index ";
  out += std::to_string(index);
  out += '\n';
  for (const Digest& hash : path) {
    crypto::append_base64(out, hash);
    out += '\n';
  }
  out += '\n';
  out += checkpoint;
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > kBeforeNoteMax + kNoteBytesMax)
    return malformed("a receipt larger than 640 KiB");
  TlogProof proof;
  auto line = next_line(text);
  if (!line || *line != kTlogProofHead)
    return malformed("the receipt does not begin with c2sp.org/tlog-proof@v1");
  line = next_line(text);
  if (line && line->starts_with("extra ")) {
    proof.extra = crypto::from_base64(line->substr(6));
    if (!proof.extra) return malformed("the receipt's extra line is not base64");
    line = next_line(text);
  }
  if (!line || !line->starts_with("index ")) return malformed("the receipt has no index line");
  const auto index = parse_decimal(line->substr(6));
  if (!index) return malformed("the receipt's index is not plain decimal");
  proof.index = *index;
  for (line = next_line(text); line && !line->empty(); line = next_line(text)) {
    if (proof.path.size() == kProofHashesMax)
      return malformed("the receipt has more than 63 proof lines");
    const auto bytes = crypto::from_base64(*line);
    const auto hash = bytes ? digest_of(crypto::bytes_of(*bytes)) : std::nullopt;
    if (!hash) return malformed("a proof line is not the base64 of a SHA-256 value");
    proof.path.push_back(*hash);
  }
  if (!line) return malformed("the receipt has no blank line before its checkpoint");
  if (text.size() > kNoteBytesMax)
    return malformed("the receipt's checkpoint is larger than 512 KiB");
  proof.checkpoint = std::string(text);
  return proof;
}

Result<ProvenEntry> verify_tlog_proof(std::string_view text, const VerifierKey& log,
                                      std::span<const VerifierKey> witnesses,
                                      std::optional<std::string_view> entry) {
  auto proof = parse_tlog_proof(text);
  if (!proof) return std::unexpected(proof.error());
  if (!entry && !proof->extra)
    return malformed("the receipt holds no entry (no extra line), so the entry must be given");
  if (entry && proof->extra && *entry != *proof->extra)
    return wrong("the receipt's extra line is not the entry given");
  auto opened = open_checkpoint(proof->checkpoint, log, witnesses);
  if (!opened) return std::unexpected(opened.error());
  ProvenEntry proven{
      proof->index, std::string(entry ? *entry : std::string_view(*proof->extra)), {}};
  const Checkpoint& head = opened->checkpoint;
  if (const auto ok = verify_inclusion(proof->index, head.size, leaf_hash(proven.entry),
                                       proof->path, head.root);
      !ok)
    return std::unexpected(ok.error());
  proven.at = *std::move(opened);
  return proven;
}

}  // namespace amanat::ledger
