#include "ledger/frame_reader.h"

namespace amanat::ledger {

Result<void> FrameReader::open() {
  auto file = disk_.open(segment_path(directory_, at_.segment), storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  auto bytes = (*file)->size();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  file_ = std::move(*file);
  bytes_ = *bytes;
  if (at_.offset > bytes_)
    return fail(Reason::ledger_corrupt, text_of_place(at_) + ": beyond the segment's end");
  window_.emplace(*file_, bytes_);
  return {};
}

Result<void> FrameReader::next(Frame& out) {
  const auto corrupt = [this](const std::string& what) {
    return fail(Reason::ledger_corrupt, text_of_place(at_) + ": " + what);
  };
  for (bool moved = false;; moved = true) {
    if (!window_)
      if (auto r = open(); !r) return r;
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
