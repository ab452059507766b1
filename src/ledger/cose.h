#pragma once
// COSE receipts (RFC 9942) of the same tree: COSE_Sign1 with the root as detached payload and the
// proof in the unprotected header, for supply-chain and SCITT tools that read those and no tlog
// proofs. Signed with a key of its own (Ed25519, alg EdDSA), never the log's. Thread-safe
// functions.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

/// CoseReceipt is a receipt taken apart; nothing of it is verified.
struct CoseReceipt {
  bool inclusion = true;        // else consistency
  std::uint64_t size = 0;       // of the tree the root is of; for consistency the newer one
  std::uint64_t other = 0;      // index of the entry, or the older size
  std::vector<Digest> path;     // at least one hash
  std::string protected_bytes;  // the encoded protected header
  crypto::Ed25519Signature signature{};
};

/// cose_inclusion and cose_consistency write a receipt. insist on a path of at least one hash: a
/// tree of one leaf has no expressible receipt, which is why every log begins with its GENESIS.
std::string cose_inclusion(const crypto::Ed25519Signer& key, std::uint64_t size,
                           std::uint64_t index, std::span<const Digest> path, const Digest& root);
std::string cose_consistency(const crypto::Ed25519Signer& key, std::uint64_t older,
                             std::uint64_t newer, std::span<const Digest> path,
                             const Digest& newer_root);

/// parse_cose reads exactly what the two write (deterministic CBOR, RFC 8949 section 4.2).
/// Errors: note_malformed.
Result<CoseReceipt> parse_cose(std::string_view bytes);
/// verify_cose_inclusion checks the signature over the root that the path leads to from `leaf`. The
/// signature is over the root alone, so the size is only the receipt's word.
/// Errors: note_malformed, ledger_proof_wrong, note_signature_wrong.
Result<CoseReceipt> verify_cose_inclusion(std::string_view bytes, const Digest& leaf,
                                          const crypto::Ed25519Public& key);

}  // namespace amanat::ledger
