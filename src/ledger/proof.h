#pragma once
// Proofs about the tree (RFC 9162 section 2.1.3 and 2.1.4), their makers, and the receipt: a C2SP
// tlog-proof file. A small door for verifiers: nothing here trusts where the bytes came from.
// Thread-safe functions.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr std::size_t kProofHashesMax = 63;

/// RawHash is a hash as it came from outside, perhaps not 32 bytes long.
using RawHash = crypto::Bytes;

/// verify_inclusion checks that `leaf` is leaf number `index` of the tree of `size` leaves with
/// that root. Errors: ledger_proof_wrong.
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, RawHash leaf,
                              std::span<const RawHash> path, RawHash root);
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                              std::span<const Digest> path, const Digest& root);

/// inclusion_root is the root that a path leads to from a leaf; nothing if it has not the number of
/// hashes that index and size demand.
std::optional<Digest> inclusion_root(std::uint64_t index, std::uint64_t size, const Digest& leaf,
                                     std::span<const Digest> path);

/// verify_consistency checks that the tree of `m` leaves is a prefix of the tree of `n`. m = 0 is
/// refused: everything extends the empty tree and no path shows it. Errors: ledger_proof_wrong.
Result<void> verify_consistency(std::uint64_t m, std::uint64_t n, std::span<const RawHash> path,
                                RawHash root_m, RawHash root_n);
Result<void> verify_consistency(std::uint64_t m, std::uint64_t n, std::span<const Digest> path,
                                const Digest& root_m, const Digest& root_n);

/// Subtree is the leaves [start, end) of a tree, where start is a multiple of the smallest power of
/// two >= end - start (draft-ietf-plants-merkle-tree-certs, section 4).
struct Subtree {
  std::uint64_t start = 0, end = 0;
  bool valid() const;
};
/// verify_subtree_inclusion checks that `leaf` is leaf `index` (counted in the whole tree) of the
/// subtree with that root. Errors: ledger_proof_wrong.
Result<void> verify_subtree_inclusion(std::uint64_t index, Subtree subtree, RawHash leaf,
                                      std::span<const RawHash> path, RawHash root);
/// verify_subtree_consistency checks that the subtree with root `root` lies in the tree of `size`
/// leaves with root `tree_root`. Errors: ledger_proof_wrong.
Result<void> verify_subtree_consistency(Subtree subtree, std::uint64_t size,
                                        std::span<const RawHash> path, RawHash root,
                                        RawHash tree_root);

/// ReadNode gives the root of the complete subtree of leaves [index << level, (index+1) << level).
using ReadNode = std::function<Result<Digest>(unsigned level, std::uint64_t index)>;

/// root_of makes the root of the first `size` leaves. Errors: those of `read`.
Result<Digest> root_of(std::uint64_t size, const ReadNode& read);
/// inclusion_path makes the path of leaf `index` in the tree of `size` leaves, leaf side first.
/// insists that index < size. Errors: those of `read`.
Result<std::vector<Digest>> inclusion_path(std::uint64_t index, std::uint64_t size,
                                           const ReadNode& read);
/// consistency_path makes the path from size `m` to size `n`. insists that 1 <= m <= n.
Result<std::vector<Digest>> consistency_path(std::uint64_t m, std::uint64_t n,
                                             const ReadNode& read);

/// TlogProof is a receipt taken apart; nothing of it is verified.
struct TlogProof {
  std::optional<std::string> extra;  // ours: the public entry's bytes
  std::uint64_t index = 0;
  std::vector<Digest> path;
  std::string checkpoint;  // the whole signed note
};

inline constexpr std::string_view kTlogProofHead = "c2sp.org/tlog-proof@v1";

/// append_tlog_proof writes a receipt: head, extra line (unless `extra` is empty), index, path,
/// blank line, checkpoint.
void append_tlog_proof(std::string& out, std::string_view extra, std::uint64_t index,
                       std::span<const Digest> path, std::string_view checkpoint);
/// parse_tlog_proof reads a receipt in the exact form; at most 512 KiB for the note and 128 KiB
/// before it. Errors: note_malformed.
Result<TlogProof> parse_tlog_proof(std::string_view text);

/// ProvenEntry is what a receipt shows once it was verified.
struct ProvenEntry {
  std::uint64_t index = 0;
  std::string entry;
  OpenedCheckpoint at;
};
/// verify_tlog_proof verifies a receipt's checkpoint and that the entry in its extra line (or,
/// where it has none, `entry`) is included. If both are given they must be equal. Errors:
/// note_malformed, note_signature_wrong, ledger_proof_wrong.
Result<ProvenEntry> verify_tlog_proof(std::string_view text, const VerifierKey& log,
                                      std::span<const VerifierKey> witnesses = {},
                                      std::optional<std::string_view> entry = std::nullopt);

}  // namespace amanat::ledger
