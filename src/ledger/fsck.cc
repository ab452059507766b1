// The parts of fsck that an outsider cannot do: every opening is tried against its entry, which
// needs keys, and every head that was published with an epoch is held to the tree.

#include "ledger/checkpoint.h"
#include "ledger/entry.h"
#include "ledger/epoch_heads.h"
#include "ledger/frame_reader.h"
#include "ledger/proof.h"
#include "ledger/state.h"
#include "ledger/tile.h"
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

// Each was published, so it is signed and its root is that of the tree at its size.
Result<HeadsCheck> Ledger::check_heads() const {
  const State& s = *state_;
  HeadsCheck out;
  if (!s.heads) return out;
  const auto head = s.publisher->head();
  const auto log = parse_verifier_key(vkey());
  if (!log) return std::unexpected(log.error());
  TileTree tree(head->size, [&s](const TileName& name) { return s.projection->tile(name); });
  Result<void> outcome;
  auto visited = s.heads->each([&](std::uint64_t epoch, const std::string* note) {
    const auto wrong = [&](std::string_view what) {
      out.problem = "the head of epoch " + std::to_string(epoch) + " " + std::string(what);
      return false;
    };
    if (note == nullptr) return wrong("is damaged or missing");
    const auto opened = open_checkpoint(*note, *log);
    if (!opened) return wrong("is not signed by the log");
    const Checkpoint& of = opened->checkpoint;
    if (of.size > head->size) return true;  // published since this began
    const auto root = root_of(of.size, tree.reader());
    if (!root) {
      outcome = std::unexpected(root.error());
      return false;
    }
    if (*root != of.root) return wrong("is not of this log");
    ++out.heads;
    return true;
  });
  if (!visited) return std::unexpected(std::move(visited.error()));
  if (!outcome) return std::unexpected(std::move(outcome.error()));
  return out;
}

}  // namespace amanat::ledger
