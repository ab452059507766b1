#pragma once
// registry, progress: how far an import came, kept in the same batch as the records it made, and
// the quarantine file beside it. This room only.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "registry/registry.h"
#include "registry/source.h"
#include "storage/file.h"

namespace amanat::registry {

/// Progress is a value of Table::imports.
struct Progress {
  Moment taken_in{};                   // of the whole import, so that a resumed one is the same
  std::uint64_t offset = 0, line = 1;  // where the next row begins
  std::uint64_t quarantine_bytes = 0;
  ImportReport report;
};
std::string encode(const Progress& progress);
/// decode_progress returns nothing for bytes it did not write: the import then starts over.
std::optional<Progress> decode_progress(std::string_view value);

/// fingerprint names a file by dataset, size and a keyed tag of its first and last 64 KiB.
/// Errors: file_failed.
Result<std::string> fingerprint(const vault::Vault& vault, std::string_view dataset,
                                const std::string& file);

/// Quarantine writes "row,line,field,reason" lines, never values. Errors: file_failed, disk_full.
class Quarantine {
 public:
  /// open cuts the file back to `bytes`: what an interrupted batch wrote is written again.
  static Result<Quarantine> open(const std::string& path, std::uint64_t bytes);
  Quarantine() = default;
  void add(const ImportReport::Quarantined& one);
  /// flush writes what was added. Call before the batch that counts it.
  Result<void> flush();
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<storage::File> file_;  // null: nothing is written
  std::uint64_t bytes_ = 0;
  std::string waiting_;
};

}  // namespace amanat::registry
