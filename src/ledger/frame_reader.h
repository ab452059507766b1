#pragma once
// FrameReader: walks the frames of a running log from a known place, for scans, bundles and proofs.
// Plain reads through the page cache: what it reads is checked by hash, and the leaves again by the
// tree. One thread each.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ledger/archive.h"
#include "ledger/frame.h"
#include "ledger/segment.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

class FrameReader {
 public:
  FrameReader(storage::Disk& disk, std::string ledger_directory, const Digest& log,
              const Place& start)
      : disk_(disk), directory_(std::move(ledger_directory)), log_(log), at_(start) {}

  /// next reads the next frame, which the caller knows to be durable. The frame's views last until
  /// the next call. A frame of the archive has items and first index alone, and items that retention
  /// took a leaf alone. Errors: ledger_corrupt, file_failed.
  Result<void> next(Frame& out);
  /// place is where the frame read last begins.
  const Place& place() const { return place_; }

 private:
  Result<void> open();
  Result<bool> next_archived(Frame& out);

  storage::Disk& disk_;
  const std::string directory_;
  const Digest log_;
  Place at_, place_;
  std::unique_ptr<storage::File> file_;
  std::uint64_t bytes_ = 0;
  std::optional<Window> window_;
  std::unique_ptr<ArchivedSegment> archive_;  // instead of file and window
};

}  // namespace amanat::ledger
