#pragma once
// disclosure, auditor: the other half of the account keys, as its holder runs it. It evaluates what
// it cannot read, counts how often, and gives up shares in clear only for a sealed extraction. The
// dialogue alone: who listens is the command line's business. Protocol: docs/marks.md.
//
// Invariants
//  1. A year's key evaluates blinded elements from that year's beginning to one day after its end
//     (and an hour before, for clocks), and nothing later but an unlock.
//  2. An unlock evaluates exactly the accounts of an extraction whose SHA-256 is in a TRACE/SEAL
//     entry of a log it knows, under that log's quorum.
//  3. No evaluation leaves before it is counted on stable storage.
// Thread-safe.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "crypto/voprf.h"
#include "disclosure/marks.h"
#include "ledger/note.h"
#include "ledger/tlog_policy.h"
#include "storage/file.h"

namespace amanat::disclosure {

inline constexpr std::size_t kUnlockBytesMax = 64u << 20;

class Auditor {
 public:
  /// Said is an answer of the protocol; JSON.
  struct Said {
    unsigned status = 200;
    std::string body;
  };
  struct Setup {
    storage::Disk* disk = nullptr;
    std::string state_file, name;
    Key256 seed;                    // of the year keys and, by derivation, of the statements' key
    ledger::TlogPolicy policy;      // whose extractions it unlocks
    std::function<Moment()> clock;  // null: now()
    std::function<void(std::string_view)> alarm;  // in words; null: nobody
  };
  /// create writes an empty state file. Errors: exchange_exists, file_failed, disk_full.
  static Result<void> create(storage::Disk& disk, const std::string& state_file);
  /// open reads the state. Errors: file_failed, ledger_corrupt (state file).
  static Result<std::unique_ptr<Auditor>> open(Setup setup);

  /// verifier is the key of its statements; verifier_of the same without an auditor.
  static ledger::VerifierKey verifier_of(std::string_view name, const Key256& seed);
  const ledger::VerifierKey& verifier() const { return signer_.verifier(); }
  crypto::VoprfElement year_key(unsigned year) const;

  /// answer dispatches by method and path: GET /v1/keys/YEAR, POST /v1/evaluate, POST /v1/day,
  /// POST /v1/unlock, GET /v1/counts. 200, 400, 403, 404, 409; 503 where a count could not be kept.
  Said answer(std::string_view method, std::string_view path, std::string_view body);

 private:
  struct Day {
    std::uint64_t evaluated = 0, disclosing = 0, others = 0;
    bool declared = false;
  };
  explicit Auditor(Setup setup);
  Result<void> load(std::string_view text);
  std::string encode() const;
  Result<void> save() const;
  Said key(std::string_view year);
  Said evaluate(std::string_view body);
  Said day(std::string_view body);
  Said unlock(std::string_view body);
  Said counts() const;

  const Setup setup_;
  const ledger::NoteSigner signer_;
  mutable std::mutex mutex_;
  std::map<std::string, Day> days_;                // by date
  std::map<std::string, std::uint64_t> unlocked_;  // extraction -> how often
};

}  // namespace amanat::disclosure
