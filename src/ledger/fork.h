#pragma once
// Fork proofs: two checkpoints signed by one log that cannot both be of one growing tree, in a file
// that anybody can check with the log's key alone (docs/ledger-fork.md). A small door for
// verifiers; functions are thread-safe.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/audit.h"
#include "ledger/checkpoint.h"

namespace amanat::ledger {

inline constexpr std::string_view kForkHead = "amanat-fork/1";

/// ForkProof is two signed checkpoints of one origin. Of one size they differ in their root. Of
/// sizes m < n, `path` is a consistency path that leads from `root_at_m`, which is not the first
/// one's root, to the second one's (two checkpoints of different sizes prove nothing by
/// themselves).
struct ForkProof {
  std::string first, second;  // the signed notes, the smaller size first
  Digest root_at_m{};         // of the tree that the second one signs
  std::vector<Digest> path;
};
std::string write_fork_proof(const ForkProof& proof);
/// parse_fork_proof reads the exact form. Errors: note_malformed.
Result<ForkProof> parse_fork_proof(std::string_view text);
/// verify_fork_proof says whether the log with this key has forked. Errors: note_malformed,
/// note_signature_wrong, ledger_proof_wrong (it shows no fork).
Result<void> verify_fork_proof(const ForkProof& proof, const VerifierKey& log);

/// find_fork compares two signed checkpoints. Of different sizes it reads the tree behind the
/// larger one from `larger`, which serves that tree. Nothing if they are consistent.
/// Errors: those of LogSource::read; note_malformed, note_signature_wrong; ledger_proof_wrong (the
/// tiles are not of the larger checkpoint, so nothing is shown).
Result<std::optional<ForkProof>> find_fork(std::string_view one, std::string_view other,
                                           LogSource* larger, const VerifierKey& log);

}  // namespace amanat::ledger
