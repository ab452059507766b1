#include "ledger/segment.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "ledger/archive.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kPiece = 1u << 20;        // one write of zeros, one read of a window
constexpr std::uint64_t kSyncEvery = 8u << 20;  // so that few pages are dirty beside the log's
constexpr auto kPause = std::chrono::milliseconds(2);
constexpr auto kRetry = std::chrono::milliseconds(100);
constexpr std::string_view kUnfinished = "/next.tmp";

const std::string& zeros() {
  static const std::string all(kPiece, '\0');
  return all;
}

}  // namespace

std::string segment_name(std::uint32_t number) {
  char name[16];
  std::snprintf(name, sizeof name, "%010u", number);
  return name;
}

std::string text_of_place(const Place& place) {
  return "segment " + segment_name(place.segment) + ", offset " + std::to_string(place.offset);
}

std::string segments_directory(const std::string& ledger_directory) {
  return ledger_directory + "/segments";
}

std::string segment_path(const std::string& ledger_directory, std::uint32_t number) {
  return segments_directory(ledger_directory) + "/" + segment_name(number);
}

namespace {

struct Span {
  std::uint32_t first = 0, count = 0;  // count: of all there ever were
};

Result<Span> span_of(storage::Disk& disk, const std::string& ledger_directory) {
  auto names = disk.list(segments_directory(ledger_directory));
  if (!names) return std::unexpected(std::move(names.error()));
  Span span;
  bool any = false;
  for (const auto& name : *names) {
    if (name.size() != 10 || name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!any) {
      const auto first = std::strtoull(name.c_str(), nullptr, 10);
      while (span.count < first && is_archived(disk, ledger_directory, span.count)) ++span.count;
      span.first = span.count;
      any = true;
    }
    if (name != segment_name(span.count))
      return fail(Reason::ledger_corrupt, "segment " + segment_name(span.count) + " is missing");
    ++span.count;
  }
  return span;
}

}  // namespace

Result<std::uint32_t> segment_count(storage::Disk& disk, const std::string& ledger_directory) {
  auto span = span_of(disk, ledger_directory);
  if (!span) return std::unexpected(std::move(span.error()));
  return span->count;
}

Result<std::uint32_t> first_segment(storage::Disk& disk, const std::string& ledger_directory) {
  auto span = span_of(disk, ledger_directory);
  if (!span) return std::unexpected(std::move(span.error()));
  return span->first;
}

Result<std::string> read_small(storage::Disk& disk, const std::string& path,
                               std::size_t bytes_max) {
  auto file = disk.open(path, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  // Room for what is there, not for what may be: a start reads many of these.
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > bytes_max) return fail(Reason::file_failed, path + ": larger than it can be");
  std::string bytes;
  if (auto read = (*file)->read_at(0, static_cast<std::size_t>(*size), bytes); !read)
    return std::unexpected(std::move(read.error()));
  return bytes;
}

Result<std::string_view> Window::at(std::uint64_t offset, std::size_t n) {
  insist(offset <= file_bytes_);
  n = static_cast<std::size_t>(std::min<std::uint64_t>(n, file_bytes_ - offset));
  if (offset < begin_ || offset + n > begin_ + bytes_.size()) {
    bytes_.clear();
    begin_ = offset;
    const auto want = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(n, kPiece), file_bytes_ - offset));
    if (auto read = file_.read_at(offset, want, bytes_); !read)
      return std::unexpected(std::move(read.error()));
    if (bytes_.size() < n) return fail(Reason::file_failed, "file is shorter than it was");
  }
  return std::string_view(bytes_).substr(static_cast<std::size_t>(offset - begin_), n);
}

Filler::Filler(storage::Disk& disk, std::string ledger_directory, std::uint64_t segment_bytes)
    : disk_(disk), directory_(std::move(ledger_directory)), segment_bytes_(segment_bytes) {
  insist(segment_bytes_ % kBlock == 0 && segment_bytes_ > 0);
  thread_ = std::thread([this] { run(); });
}

Filler::~Filler() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Filler::want(std::uint32_t number) {
  {
    const std::lock_guard lock(mutex_);
    insist(!wanted_ && !ready_);
    wanted_ = number;
    urgent_ = false;
  }
  changed_.notify_all();
}

Result<std::unique_ptr<storage::File>> Filler::take() {
  std::unique_lock lock(mutex_);
  insist(wanted_ || ready_);
  urgent_ = true;
  changed_.wait(lock, [this] { return ready_ || failure_; });
  if (ready_) return std::move(ready_);
  return std::unexpected(*failure_);
}

void Filler::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (!wanted_) {
      changed_.wait(lock);
      continue;
    }
    const std::uint32_t number = *wanted_;
    lock.unlock();
    auto made = make(number);
    lock.lock();
    if (stop_) return;
    if (made) {
      insist(filling_ != nullptr);
      ready_ = std::move(filling_);
      filled_ = 0;
      wanted_.reset();
      failure_.reset();
      changed_.notify_all();
    } else {
      failure_ = std::move(made.error());
      changed_.notify_all();
      changed_.wait_for(lock, kRetry, [this] { return stop_.load(); });
    }
  }
}

// The order, none of it on the acknowledgement path:
//   open(next.tmp)  ftruncate(0)  pwrite zeros + fdatasync, by pieces  fdatasync  rename fsync(dir)
// A segment that an earlier run left ready is taken as it is, once it was read and found zero.
Result<void> Filler::make(std::uint32_t number) {
  const std::string path = segment_path(directory_, number);
  auto count = segment_count(disk_, directory_);
  if (!count) return std::unexpected(std::move(count.error()));
  if (*count > number) {
    auto file = disk_.open(path, storage::Disk::Open::existing);
    if (!file) return std::unexpected(std::move(file.error()));
    filling_ = std::move(*file);
    Window window(*filling_, segment_bytes_);
    for (std::uint64_t at = 0; at < segment_bytes_ && !stop_; at += kPiece) {
      auto piece = window.at(at, kPiece);
      if (!piece) return std::unexpected(std::move(piece.error()));
      if (!all_zero(*piece))
        return fail(Reason::ledger_corrupt, "segment " + segment_name(number) + " is not empty");
    }
    return disk_.sync_directory(segments_directory(directory_));
  }
  if (auto r = fill(); !r) return r;
  if (auto r = disk_.rename(segments_directory(directory_) + std::string(kUnfinished), path); !r)
    return r;
  return disk_.sync_directory(segments_directory(directory_));
}

Result<void> Filler::fill() {
  const std::string path = segments_directory(directory_) + std::string(kUnfinished);
  if (!filling_) {
    auto file = disk_.open(path, storage::Disk::Open::create_or_existing);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto r = (*file)->truncate(0); !r) return r;
    filling_ = std::move(*file);
    filled_ = 0;
  }
  while (filled_ < segment_bytes_) {
    if (stop_)
      return fail(Reason::shutting_down);  // an unfinished file never gets a segment's name
    // A full disk leaves what is there: the next attempt goes on from here as soon as there is
    // room.
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, segment_bytes_ - filled_));
    if (auto r = filling_->write_at(filled_, std::string_view(zeros()).substr(0, n)); !r) return r;
    filled_ += n;
    if (filled_ % kSyncEvery != 0 && filled_ < segment_bytes_) {
      if (!urgent_) std::this_thread::sleep_for(kPause);
      continue;
    }
    if (auto r = filling_->sync(); !r) {
      filling_.reset();  // after a failed sync nobody knows what is on the disk: begin anew
      (void)disk_.remove(path);
      return r;
    }
  }
  return {};
}

Result<void> make_segment(storage::Disk& disk, const std::string& ledger_directory,
                          std::uint32_t number, std::uint64_t segment_bytes,
                          std::string_view first_bytes) {
  insist(segment_bytes % kBlock == 0 && first_bytes.size() <= segment_bytes);
  const std::string unfinished = segments_directory(ledger_directory) + std::string(kUnfinished);
  auto file = disk.open(unfinished, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto r = (*file)->truncate(0); !r) return r;
  for (std::uint64_t at = 0; at < segment_bytes; at += kPiece) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, segment_bytes - at));
    if (auto r = (*file)->write_at(at, std::string_view(zeros()).substr(0, n)); !r) return r;
  }
  if (auto r = (*file)->write_at(0, first_bytes); !r) return r;
  if (auto r = (*file)->sync(); !r) return r;
  if (auto r = disk.rename(unfinished, segment_path(ledger_directory, number)); !r) return r;
  return disk.sync_directory(segments_directory(ledger_directory));
}

}  // namespace amanat::ledger
