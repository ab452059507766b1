#pragma once
// Recovery: from the bytes on disk to the state in which the log goes on (ledger page 3.5). Reads
// around the page cache, trusts nothing, repairs nothing but a torn last write, and refuses to
// start when what was published is not there any more.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/checkpoint.h"
#include "ledger/projection.h"
#include "ledger/segment.h"
#include "ledger/tree.h"
#include "model/ids.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

/// Published is the small file beside the segments: the last checkpoint the log has published and
/// whose run it belongs to. Recovery never goes below it.
struct Published {
  std::string boot;        // 32 hex digits, new at every start
  bool closed = false;     // the log was shut down: its last frame is a closing one
  std::string checkpoint;  // as served, with grease
};
std::string published_path(const std::string& ledger_directory);
std::string encode_published(const Published& published);
/// decode_published reads the exact form. Errors: ledger_corrupt.
Result<Published> decode_published(std::string_view bytes);

/// Snapshot is the state before the first frame of a segment.
struct Snapshot {
  std::uint32_t segment = 0;
  std::uint64_t batch = 0;  // of the next frame
  Moment last_time{};
  Digest frame_hash{};
  CompactRange range;
  std::string checkpoint;  // of the last frame before it
};
std::string snapshots_directory(const std::string& ledger_directory);
std::string snapshot_path(const std::string& ledger_directory, std::uint32_t segment);
std::string encode_snapshot(const Snapshot& snapshot);
/// decode_snapshot believes a snapshot only if its hashes fold to the root its checkpoint signs.
/// Errors: ledger_corrupt.
Result<Snapshot> decode_snapshot(std::string_view bytes, const VerifierKey& log);

/// genesis_document is the text whose SHA-256 is in entry 0: the log's key, and the public key of
/// the VRF its labels come from.
std::string genesis_document(const VerifierKey& log, const Digest& label_key);
/// genesis_names says whether a genesis document is of this log; entry 0 vouches for the rest of
/// it.
bool genesis_names(std::string_view document, const VerifierKey& log);
std::string genesis_path(const std::string& ledger_directory);
Digest log_id(std::string_view origin);

/// Recovered is where the log goes on.
struct Recovered {
  CompactRange range;
  Digest frame_hash{};
  std::uint64_t next_batch = 0;
  Moment last_time{};
  Place next;  // where the next frame goes; may be the end of its segment
  std::uint32_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::string checkpoint;       // signed head of the last frame
  std::uint64_t cut_bytes = 0;  // of a torn last write, now zero
  std::uint64_t frames_read = 0;
};

/// recover scans the log and brings `projection` up to its size. The caller holds the directory's
/// lock. Errors: ledger_corrupt (with segment, offset and what is wrong), file_failed, disk_full.
Result<Recovered> recover(storage::Disk& disk, const std::string& ledger_directory,
                          const VerifierKey& log, const Published& published,
                          Projection& projection);

}  // namespace amanat::ledger
