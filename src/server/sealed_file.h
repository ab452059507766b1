#pragma once
// server, sealed files: a leaked file, and what was made of it, at rest. Pieces of kSealedPiece
// bytes (the last may be shorter), each under a fresh nonce, bound to the file's name and its
// place. One thread at a time.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"
#include "model/secret.h"
#include "net/zip.h"

namespace amanat::server {

inline constexpr std::size_t kSealedPiece = 48 * 1024;

/// SealedWriter writes a file piece by piece; what is there already is kept, so that an upload goes
/// on where it ended.
class SealedWriter {
 public:
  SealedWriter(std::string path, Key256 key, std::string name);
  /// size is how many bytes are there. Errors: file_failed.
  Result<std::uint64_t> size() const;
  /// append takes the piece that begins at `offset`, which must be size(); only the last piece of a
  /// file may be shorter than kSealedPiece. Errors: malformed_value (another place, or after a
  /// short piece), file_failed, disk_full.
  Result<void> append(std::uint64_t offset, std::string_view piece);

 private:
  std::string path_, name_;
  Key256 key_;
};

/// write_sealed replaces a whole file. Errors: file_failed, disk_full.
Result<void> write_sealed(const std::string& path, const Key256& key, const std::string& name,
                          std::string_view content);
/// read_sealed reads it back. Errors: file_failed, seal_broken.
Result<std::string> read_sealed(const std::string& path, const Key256& key,
                                const std::string& name);

/// sealed_range reads a sealed file in pieces of its content. Errors of the function: file_failed,
/// seal_broken.
net::ReadAt sealed_range(std::string path, Key256 key, std::string name);

}  // namespace amanat::server
