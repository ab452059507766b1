#include "ledger/frame_reader.h"

namespace amanat::ledger {

Result<void> FrameReader::open() {
  archive_.reset();
  auto file = disk_.open(segment_path(directory_, at_.segment), storage::Disk::Open::existing);
  if (!file) {
    auto archived = ArchivedSegment::open(disk_, directory_, log_, at_.segment);
    if (!archived) return std::unexpected(std::move(file.error()));
    archive_ = *std::move(archived);
    return {};
  }
  auto bytes = (*file)->size();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  file_ = std::move(*file);
  bytes_ = *bytes;
  if (at_.offset > bytes_)
    return fail(Reason::ledger_corrupt, text_of_place(at_) + ": beyond the segment's end");
  window_.emplace(*file_, bytes_);
  return {};
}

// False: the segment is over, and at_ is the next one's beginning.
Result<bool> FrameReader::next_archived(Frame& out) {
  const std::size_t frame = archive_->frame_at(at_.offset);
  if (frame == archive_->frames() && archive_->frames() > 0 &&
      at_.offset <= archive_->offset_of(archive_->frames() - 1))
    return fail(Reason::ledger_corrupt, text_of_place(at_) + ": no frame began here");
  if (frame == archive_->frames()) {
    at_ = {at_.segment + 1, 0};
    archive_.reset();
    return false;
  }
  if (auto r = archive_->read(frame, out); !r) return std::unexpected(std::move(r.error()));
  place_ = at_;
  at_.offset = frame + 1 < archive_->frames() ? archive_->offset_of(frame + 1) : at_.offset + 1;
  return true;
}

Result<void> FrameReader::next(Frame& out) {
  const auto corrupt = [this](const std::string& what) {
    return fail(Reason::ledger_corrupt, text_of_place(at_) + ": " + what);
  };
  for (bool moved = false;; moved = true) {
    if (!window_ && !archive_)
      if (auto r = open(); !r) return r;
    if (archive_) {
      auto read = next_archived(out);
      if (!read) return std::unexpected(std::move(read.error()));
      if (*read) return {};
      continue;
    }
    auto block = window_->at(at_.offset, kBlock);
    if (!block) return std::unexpected(std::move(block.error()));
    if (!block->empty() && !all_zero(*block)) {
      auto head = parse_head(*block, log_);
      if (!head) return corrupt(head.error().detail);
      if (head->bytes() > bytes_ - at_.offset) return corrupt("frame crosses the segment's end");
      auto bytes = window_->at(at_.offset, head->bytes());
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      if (auto r = parse_frame(*bytes, log_, out); !r) return corrupt(r.error().detail);
      place_ = at_;
      at_.offset += head->bytes();
      return {};
    }
    if (moved) return corrupt("a frame is missing");
    at_ = {at_.segment + 1, 0};
    window_.reset();
  }
}

}  // namespace amanat::ledger
