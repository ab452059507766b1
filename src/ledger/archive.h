#pragma once
// The archive: what is left of finished segments (docs/ledger-retention.md). Frames lie on a grid
// of 4 KiB and repeat a signed head each; of a segment whose entries, openings and tiles are safe
// elsewhere only these are kept:
//   archive/N.entries   the public entries of its frames, where each frame lay, the state after it
//   archive/N.openings  their openings
//   archive/N.leaves    the same as N.entries once retention took the entries: their hashes
//   archive/N.kept      the openings of the few entries that stay
// Readers find an entry by the place its frame had. An archived segment's number is never used
// again.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/frame.h"
#include "ledger/ledger.h"
#include "ledger/recovery.h"
#include "ledger/segment.h"
#include "storage/file.h"

namespace amanat::ledger {

std::string archive_directory(const std::string& ledger_directory);

/// ArchivedSegment reads one. One thread.
class ArchivedSegment {
 public:
  enum class Check : std::uint8_t { none, every_byte };
  /// open reads its table; with every_byte both files are read around the page cache and held to
  /// their hashes. Errors: file_failed (there is none), ledger_corrupt.
  static Result<std::unique_ptr<ArchivedSegment>> open(storage::Disk& disk,
                                                       const std::string& ledger_directory,
                                                       const Digest& log, std::uint32_t segment,
                                                       Check check = Check::none);
  std::uint64_t first() const { return first_; }  // index of its first entry
  std::uint64_t end() const { return end_; }
  bool pruned() const { return pruned_; }
  std::size_t frames() const { return rows_.size() - 1; }
  std::uint64_t offset_of(std::size_t frame) const;
  /// frame_at gives the number of the frame that began at `offset`; frames() where none did.
  std::size_t frame_at(std::uint64_t offset) const;
  /// read gives head.first, head.count and items, which last until the next read. Errors:
  /// ledger_corrupt, file_failed.
  Result<void> read(std::size_t frame, Frame& out);
  /// after is the state after its last frame: the snapshot of the next segment.
  Result<Snapshot> after(const VerifierKey& log) const;

 private:
  struct Row {
    std::uint32_t block = 0, count = 0;
    std::uint64_t first = 0, place = 0, opening_place = 0;
  };
  ArchivedSegment() = default;
  friend Result<std::uint64_t> prune_segment(storage::Disk&, const std::string&, const Digest&,
                                             std::uint32_t);
  static Result<std::unique_ptr<ArchivedSegment>> open_as(storage::Disk& disk,
                                                          const std::string& directory,
                                                          const Digest& log, std::uint32_t segment,
                                                          Check check, bool pruned);

  std::uint32_t segment_ = 0;
  std::unique_ptr<storage::File> entries_, openings_;
  std::uint64_t first_ = 0, end_ = 0;
  bool pruned_ = false;
  std::vector<Row> rows_;  // one more than frames: where the last ends
  std::string snapshot_, entry_bytes_, opening_bytes_;
};

/// is_archived says whether a segment is in the archive, whole.
bool is_archived(storage::Disk& disk, const std::string& ledger_directory, std::uint32_t segment);

/// archive_segment writes the archive of a finished segment from its frames, syncs it, reads it
/// back and compares, and only then removes the segment. `after` is the snapshot of the next one,
/// already durable. Errors: ledger_corrupt (then nothing was removed), file_failed, disk_full.
Result<Trimmed> archive_segment(storage::Disk& disk, const std::string& ledger_directory,
                                const Digest& log, std::uint32_t segment, const Snapshot& after);

/// prune_segment leaves of an archived segment the hashes, and GENESIS, EPOCH and POLICY/KEY
/// entries, which are about no citizen and without which the rest means nothing. Returns how many
/// entries went; 0 if it was pruned before. Errors: as archive_segment's.
Result<std::uint64_t> prune_segment(storage::Disk& disk, const std::string& ledger_directory,
                                    const Digest& log, std::uint32_t segment);

/// encode_minimum is the text of the file at minimum_path; decode_minimum reads the exact form.
/// Errors: ledger_corrupt.
std::string encode_minimum(const Minimum& minimum);
Result<Minimum> decode_minimum(std::string_view text);

/// leaf_of is an item's leaf hash, whether the entry is there or not.
Digest leaf_of(const Frame::Item& item);

}  // namespace amanat::ledger
