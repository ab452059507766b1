#pragma once
// All rows of a store as one file, the same for every engine (docs/storage.md). What is read back
// is foreign: every length is checked before it is believed. A small door beside storage.h.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/file.h"
#include "storage/storage.h"

namespace amanat::storage {

/// write_dump writes all rows that `reader` shows to a new file and syncs it; returns how many.
/// Errors: store_failed, file_failed (it is there), disk_full.
Result<std::uint64_t> write_dump(const Reader& reader, Disk& disk, const std::string& path);

/// DumpParser reads a dump in pieces of any size.
class DumpParser {
 public:
  using Visit = std::function<Result<void>(Table, std::string_view key, std::string_view value)>;
  /// feed visits every row that is complete by now. Errors: store_failed (it is no dump, or
  /// damaged); the visitor's.
  Result<void> feed(std::string_view piece, const Visit& visit);
  /// finish says how many rows there were. Errors: store_failed (it ends early).
  Result<std::uint64_t> finish() const;

 private:
  Result<std::size_t> take(std::string_view text, const Visit& visit);
  std::string rest_;
  std::uint64_t rows_ = 0;
  bool begun_ = false, ended_ = false;
};

/// read_dump writes all rows of a dump into a store. Errors: file_failed, store_failed, disk_full.
Result<std::uint64_t> read_dump(const std::string& path, Store& store);

}  // namespace amanat::storage
