// The part of fsck that needs keys: every opening is tried against its entry.

#include "ledger/entry.h"
#include "ledger/frame_reader.h"
#include "ledger/state.h"
#include "model/insist.h"

namespace amanat::ledger {

Result<OpeningsCheck> Ledger::check_openings(
    const KeyOfSlice& key_of, const std::function<void(std::uint64_t)>& progress) const {
  const State& s = *state_;
  insist(key_of != nullptr);
  OpeningsCheck out;
  const std::uint64_t end = size();
  FrameReader frames(*s.disk, s.options.directory, s.log, Place{});
  Frame frame;
  while (out.entries < end && out.problem.empty()) {
    if (auto r = frames.next(frame); !r) return std::unexpected(std::move(r.error()));
    for (const auto& item : frame.items) {
      const std::string place = "entry " + std::to_string(out.entries++);
      if (item.entry.empty()) {
        ++out.pruned;
        continue;
      }
      if (item.opening.empty()) continue;
      auto entry = decode_entry(item.entry);
      const auto slice = slice_of(item.opening);
      if (!entry || !slice) {
        out.problem = place + ": its opening is malformed";
        break;
      }
      auto key = key_of(std::span<const std::uint8_t, 16>(*slice));
      if (!key && key.error().reason == Reason::erased) {
        ++out.erased;
        continue;
      }
      if (!key) {
        out.problem = place + ": the key of its opening is lost, and no erasure destroyed it";
        break;
      }
      if (!unseal(item.opening, *key, *entry)) {
        out.problem = place + ": its opening does not open it";
        break;
      }
      ++out.opened;
    }
    if (progress) progress(out.entries);
  }
  return out;
}

}  // namespace amanat::ledger
