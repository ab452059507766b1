#pragma once
// disclosure, spool: the rows of a bulk answer while nobody may read them: a file of sealed blocks
// under a key of its own. Written once, front to back; read anywhere. This room only. One thread
// each.
//
// A block is 64 KiB of the rows (the last one fewer, never none), sealed with AES-256-GCM under a
// fresh nonce; associated data: "amanat/extract/v1" || 00 || id(16) || u32 block. So no block can
// be moved, and a file cut short lacks what SealedRows says it has.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "model/passes.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::disclosure {

inline constexpr std::size_t kBlockBytes = 64 * 1024;

class Spool {
 public:
  /// create makes the file anew. Errors: file_failed, disk_full.
  static Result<Spool> create(storage::Disk& disk, SealedRows place);
  Spool(Spool&&) noexcept = default;

  Result<void> write(std::string_view rows);
  /// finish seals the last block and makes all durable. Errors: file_failed, disk_full.
  Result<SealedRows> finish();
  std::uint64_t bytes() const { return place_.bytes; }

 private:
  Spool(std::unique_ptr<storage::File> file, SealedRows place)
      : file_(std::move(file)), place_(std::move(place)) {}
  Result<void> seal();

  std::unique_ptr<storage::File> file_;
  SealedRows place_;
  crypto::Sha256 hash_;
  WipingBuffer block_;
  std::uint32_t blocks_ = 0;
  std::uint64_t at_ = 0;
};

/// read_rows appends bytes [offset, offset + size) of the rows. insists that they are within them.
/// Errors: seal_broken (another key, a changed or missing block), file_failed.
Result<void> read_rows(storage::Disk& disk, const SealedRows& rows, std::uint64_t offset,
                       std::size_t size, WipingBuffer& out);

}  // namespace amanat::disclosure
