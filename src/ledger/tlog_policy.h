#pragma once
// Witness policies (C2SP tlog-policy): which logs and witnesses are known, and which cosignatures
// make a checkpoint valid. The file ships to every client and verifier. A small door for verifiers;
// functions are thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr std::size_t kTlogPolicyBytesMax = 256 * 1024, kTlogPolicyNamesMax = 256;

struct TlogPolicy {
  struct Log {
    VerifierKey key;
    std::string url;  // may be empty
  };
  struct Witness {
    std::string name;  // within the file only
    VerifierKey key;
    std::string url;  // submission prefix; may be empty
  };
  struct Group {
    std::string name;
    unsigned needed = 1;
    std::vector<std::string> members;
  };
  std::vector<Log> logs;
  std::vector<Witness> witnesses;
  std::vector<Group> groups;
  std::string quorum;  // a witness, a group, or "none"

  /// keys is every witness's key, for open_checkpoint.
  std::vector<VerifierKey> keys() const;
  /// log is the key of the log of that origin, or null.
  const VerifierKey* log(std::string_view origin) const;
  /// reached says whether the cosignatures among `signed_by` make the quorum.
  bool reached(std::span<const NoteSigned> signed_by) const;
};

/// parse_tlog_policy reads a policy file of at most kTlogPolicyBytesMax bytes, with at most
/// kTlogPolicyNamesMax logs, witnesses and groups each. Errors: note_malformed ("line 7: …").
Result<TlogPolicy> parse_tlog_policy(std::string_view text);

/// Witnessed is a checkpoint whose log signature and quorum hold.
struct Witnessed {
  OpenedCheckpoint at;
  std::uint64_t youngest = 0;  // Unix time of the youngest cosignature; 0 without any
};
/// open_witnessed opens a checkpoint of one of the policy's logs and requires the policy's quorum.
/// Errors: note_malformed, note_signature_wrong (no such log, a known key's signature is wrong),
/// quorum_missing.
Result<Witnessed> open_witnessed(std::string_view note, const TlogPolicy& policy);

}  // namespace amanat::ledger
