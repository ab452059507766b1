#pragma once
// Projection: the tree's tiles and the places of its entries on disk, so that neither has to be
// kept in memory. Everything here is a function of the frames and is made again from them at need.
//   tree/level-L   the hashes of tile level L side by side, 32 bytes each
//   tree/places    for every 256th entry the frame it lies in: u64, segment << 32 | offset / 4096
// Written by one thread (append, flush, sync); read by any, up to size().

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ledger/proof.h"
#include "ledger/segment.h"
#include "ledger/tile.h"
#include "model/ids.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

class Projection {
 public:
  /// open opens or makes the files. Errors: file_failed, disk_full.
  static Result<std::unique_ptr<Projection>> open(storage::Disk& disk,
                                                  const std::string& ledger_directory);

  /// resume goes on after `size` entries if the files hold that many and their root is `root`;
  /// false otherwise. resume_empty begins anew over whatever is there.
  bool resume(std::uint64_t size, const Digest& root);
  void resume_empty();

  /// distrust says, for the next start, that the files are damaged: resume() then refuses them
  /// until they were made anew (resume_empty, flush, sync, trust). From any thread.
  void distrust();
  /// trust forgets what distrust said. Errors: file_failed.
  Result<void> trust();

  /// append takes the leaves of one frame, in memory.
  void append(std::span<const Digest> leaves, const Place& frame);
  /// flush writes what append took; size() then says so. After an error it may be called again.
  Result<void> flush();
  /// sync makes everything flushed durable. After an error never again: start anew from frames.
  Result<void> sync();

  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  /// tile reads one tile of hashes, unchecked. Errors: file_failed, ledger_corrupt (too short).
  Result<std::string> tile(const TileName& name) const;
  /// checked_tile reads one tile of the tree of `size` entries and checks every hash of it up to
  /// `root`. Errors: file_failed, ledger_corrupt.
  Result<std::string> checked_tile(const TileName& name, std::uint64_t size,
                                   const Digest& root) const;
  /// frame_of gives the frame in which entry 256 * (index / 256) lies. insists on index < size().
  Result<Place> frame_of(std::uint64_t index) const;
  /// root_at makes the root of the first `size` entries. Errors: file_failed, ledger_corrupt.
  Result<Digest> root_at(std::uint64_t size) const;

 private:
  static constexpr unsigned kLevels = 8;  // 256^8 entries
  static constexpr unsigned kPlaces = kLevels;
  struct Write {
    unsigned file;
    std::uint64_t offset;
    std::string bytes;
  };
  Projection(storage::Disk& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)) {}
  Result<storage::File*> file(unsigned which) const;  // under mutex_
  Result<void> write(const Write& w);
  Result<std::string> read(unsigned which, std::uint64_t offset, std::size_t bytes) const;

  storage::Disk& disk_;
  const std::string directory_;
  mutable std::mutex mutex_;  // a File is for one thread at a time
  mutable std::array<std::unique_ptr<storage::File>, kLevels + 1> files_;
  TileWriter writer_;
  std::vector<Write> pending_;
  std::atomic<std::uint64_t> size_{0};
};

}  // namespace amanat::ledger
