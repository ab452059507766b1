#pragma once
// A witness of logs (C2SP tlog-witness v1.0.0): it cosigns a checkpoint only if that extends the
// one it cosigned before, and remembers it on stable storage before it says so. It sees sizes and
// roots, never entries. The dialogue alone: who listens is the command line's business.
//
// Invariants
//  1. For one origin the sizes cosigned never decrease, and each is consistent with the one before.
//  2. No cosignature leaves before the checkpoint is durable in the state file.
// Comparing and storing is one step under one lock. Thread-safe.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"

namespace amanat::ledger {

inline constexpr std::size_t kAddCheckpointBytesMax = kNoteBytesMax + 64 * 64;

/// AddCheckpoint is the body of a submission: nothing of it is verified.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Digest> proof;
  std::string checkpoint;  // the signed note
};
/// write_add_checkpoint and parse_add_checkpoint: "old N", base64 proof lines (at most 63), blank
/// line, note. Errors: note_malformed.
std::string write_add_checkpoint(const AddCheckpoint& add);
Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);

/// monitoring_path is "/<hex SHA-256 of origin>/checkpoint".
std::string monitoring_path(std::string_view origin);

class Witness {
 public:
  /// Said is an answer of the protocol.
  struct Said {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };

  /// create writes an empty state file. Errors: exchange_exists, file_failed, disk_full.
  static Result<void> create(storage::Disk& disk, const std::string& state_file);
  /// open reads the state; a witness whose state is lost must not begin anew under the same key,
  /// because it would cosign a rollback. `logs` are the logs it witnesses. `clock` null: now().
  /// Errors: file_failed, ledger_corrupt (state file), config_wrong (two keys of one origin).
  static Result<std::unique_ptr<Witness>> open(storage::Disk& disk, std::string state_file,
                                               std::string_view name, const Key256& seed,
                                               std::vector<VerifierKey> logs,
                                               std::function<Moment()> clock = nullptr);

  const VerifierKey& verifier() const { return cosigner_.verifier(); }
  /// add_checkpoint judges a submission and cosigns it: 200, 400, 403, 404, 409, 422; 503 where the
  /// state could not be made durable (nothing is cosigned, nothing changed).
  Said add_checkpoint(std::string_view body);
  /// latest is the last checkpoint cosigned of the origin with that hash (64 hex digits): 200, 404.
  Said latest(std::string_view origin_hash) const;
  /// answer dispatches by method and path below the witness's prefix.
  Said answer(std::string_view method, std::string_view path, std::string_view body);

 private:
  struct Held {
    std::uint64_t size = 0;
    Digest root{};
    std::string note;  // with our cosignature
  };
  Witness(storage::Disk& disk, std::string state_file, Cosigner cosigner,
          std::vector<VerifierKey> logs, std::function<Moment()> clock);
  Result<void> load(std::string_view bytes);
  std::string encode() const;
  Said judge(const AddCheckpoint& add);
  Said cosign(const Checkpoint& checkpoint, const std::string& note);

  storage::Disk& disk_;
  const std::string state_file_;
  const Cosigner cosigner_;
  const std::vector<VerifierKey> logs_;
  const std::function<Moment()> clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Held, std::less<>> held_;  // by origin
  std::uint64_t last_time_ = 0;
};

}  // namespace amanat::ledger
