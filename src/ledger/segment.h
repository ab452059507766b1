#pragma once
// Segments: files of fixed size, written full of zeros and synced before they are used, so that an
// append changes neither size nor metadata. A frame never crosses from one to the next.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "ledger/frame.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

/// Place is where a frame begins.
struct Place {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const Place&, const Place&) = default;
};
/// text_of_place is "segment 0000000003, offset 81920", for messages.
std::string text_of_place(const Place& place);

std::string segments_directory(const std::string& ledger_directory);
std::string segment_path(const std::string& ledger_directory, std::uint32_t number);
/// segment_count says how many segments there were ever; they are numbered from 0 without a gap.
/// The first of them may be in the archive instead. Errors: ledger_corrupt (a gap), file_failed.
Result<std::uint32_t> segment_count(storage::Disk& disk, const std::string& ledger_directory);

/// first_segment is the number of the first that is not in the archive; 0 where there is none.
Result<std::uint32_t> first_segment(storage::Disk& disk, const std::string& ledger_directory);
/// segment_name is ten digits.
std::string segment_name(std::uint32_t number);

/// read_small reads a whole small file through `disk`. Errors: file_failed (also when it is
/// larger).
Result<std::string> read_small(storage::Disk& disk, const std::string& path, std::size_t bytes_max);

/// Window reads a file in large pieces from front to back.
class Window {
 public:
  Window(const storage::File& file, std::uint64_t file_bytes)
      : file_(file), file_bytes_(file_bytes) {}
  /// at gives up to `n` bytes from `offset` (fewer at the end); valid until the next call.
  Result<std::string_view> at(std::uint64_t offset, std::size_t n);

 private:
  const storage::File& file_;
  std::uint64_t file_bytes_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

/// Filler makes the next segment ready on a thread of its own. When the disk is full or fails it
/// says so to whoever asks, and tries again by itself until it succeeds.
class Filler {
 public:
  Filler(storage::Disk& disk, std::string ledger_directory, std::uint64_t segment_bytes);
  ~Filler();
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  /// want asks for segment `number`, the one after the last one asked for.
  void want(std::uint32_t number);
  /// take waits for the segment asked for and hands it over, or says why there is none yet; it may
  /// be asked again. Errors: disk_full, file_failed.
  Result<std::unique_ptr<storage::File>> take();
  std::uint64_t segment_bytes() const { return segment_bytes_; }

 private:
  void run();
  Result<void> make(std::uint32_t number);
  Result<void> fill();

  storage::Disk& disk_;
  const std::string directory_;
  const std::uint64_t segment_bytes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::uint32_t> wanted_;
  std::unique_ptr<storage::File> ready_;
  std::optional<Failure> failure_;   // of the last attempt, until one succeeds
  std::atomic<bool> urgent_{false};  // somebody waits: no pauses
  std::atomic<bool> stop_{false};

  std::unique_ptr<storage::File> filling_;  // the unfinished file and how far it is zero
  std::uint64_t filled_ = 0;
  std::thread thread_;
};

/// make_segment makes one segment at once, beginning with `first_bytes`: it appears under its name
/// whole or not at all. Errors: disk_full, file_failed.
Result<void> make_segment(storage::Disk& disk, const std::string& ledger_directory,
                          std::uint32_t number, std::uint64_t segment_bytes,
                          std::string_view first_bytes);

}  // namespace amanat::ledger
