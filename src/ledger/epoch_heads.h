#pragma once
// The published checkpoint of each epoch, kept for ever (ledger page 3.3), so that a citizen's or
// an auditor's old epoch can be held to the log of today. Files of 1,024 epochs in ledger/heads; a
// record is u32 length, u64 epoch, the note, SHA-256 of all before. Off the acknowledgement path.
// Thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

std::string heads_directory(const std::string& ledger_directory);

class EpochHeads {
 public:
  /// open reads the newest file alone and cuts off a torn end; what stands behind a damaged record
  /// stays. Errors: file_failed, disk_full,
  /// ledger_corrupt.
  static Result<std::unique_ptr<EpochHeads>> open(storage::Disk& disk,
                                                  const std::string& ledger_directory);
  /// last is the newest epoch kept; 0: none.
  std::uint64_t last() const;
  /// keep adds the head of the epoch after the last one, durably. May be called again after an
  /// error. Errors: file_failed, disk_full.
  Result<void> keep(std::uint64_t epoch, std::string_view note);
  /// head_of gives it back. Errors: no_record, ledger_corrupt, file_failed.
  Result<std::string> head_of(std::uint64_t epoch) const;
  /// each visits every epoch kept, ascending, with its head, or without where that is damaged;
  /// visit returns false to end. Errors: file_failed.
  Result<void> each(
      const std::function<bool(std::uint64_t epoch, const std::string* note)>& visit) const;

  struct Record {
    std::uint64_t epoch = 0;
    std::string note;
  };

 private:
  struct Content {
    std::vector<Record> records;
    std::uint64_t end = 0, bytes = 0;  // of the whole records; of the file
  };
  EpochHeads(storage::Disk& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)) {}
  std::string path_of(std::uint64_t file) const;
  Result<Content> read(std::uint64_t file) const;

  storage::Disk& disk_;
  const std::string directory_;
  mutable std::mutex mutex_;
  std::unique_ptr<storage::File> file_;  // the newest
  std::uint64_t number_ = 0, end_ = 0, last_ = 0;
};

}  // namespace amanat::ledger
