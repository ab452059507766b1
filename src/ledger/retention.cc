// Retention of a running ledger: the minimum index, the archive of finished segments, and what is
// deleted of it (docs/ledger-retention.md). Nothing here changes the tree: hashes are kept for
// ever.

#include <algorithm>

#include "ledger/archive.h"
#include "ledger/checkpoint.h"
#include "ledger/state.h"
#include "ledger/tile.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kMagic = "amanat-minimum/1";

}  // namespace

std::string encode_minimum(const Minimum& m) {
  return std::string(kMagic) + "\nminimum " + std::to_string(number(m.index)) + "\nentry " +
         std::to_string(number(m.recorded)) + "\naccount " + std::to_string(number(m.by)) + "\n";
}

Result<Minimum> decode_minimum(std::string_view text) {
  const auto wrong = [] { return fail(Reason::ledger_corrupt, "the file of the minimum index"); };
  const auto line = [&text](std::string_view word) -> std::optional<std::uint64_t> {
    if (!text.starts_with(word)) return std::nullopt;
    const std::size_t end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    const auto n = parse_decimal(text.substr(word.size(), end - word.size()));
    text.remove_prefix(end + 1);
    return n;
  };
  if (!text.starts_with(std::string(kMagic) + "\n")) return wrong();
  text.remove_prefix(kMagic.size() + 1);
  const auto index = line("minimum "), entry = line("entry "), account = line("account ");
  if (!index || !entry || !account || *account > UINT32_MAX || !text.empty() || *index > *entry)
    return wrong();
  return Minimum{EntryIndex{*index}, EntryIndex{*entry},
                 AccountId{static_cast<std::uint32_t>(*account)}};
}

std::string minimum_path(const std::string& ledger_directory) {
  return ledger_directory + "/minimum";
}

Result<void> Ledger::State::read_minimum() {
  auto names = disk->list(options.directory);
  if (!names) return std::unexpected(std::move(names.error()));
  if (std::find(names->begin(), names->end(), "minimum") == names->end()) return {};
  auto text = read_small(*disk, minimum_path(options.directory), 4096);
  if (!text) return std::unexpected(std::move(text.error()));
  auto read = decode_minimum(*text);
  if (!read) return std::unexpected(std::move(read.error()));
  minimum = *read;
  return {};
}

Minimum Ledger::minimum() const {
  const std::lock_guard lock(state_->minimum_mutex);
  return state_->minimum;
}

Result<void> Ledger::refuse_below(const Minimum& minimum) {
  insist(number(minimum.index) >= number(this->minimum().index));
  insist(number(minimum.recorded) >= number(minimum.index));
  const auto path = minimum_path(state_->options.directory);
  if (auto r = storage::replace_file(*state_->disk, path, encode_minimum(minimum)); !r) return r;
  const std::lock_guard lock(state_->minimum_mutex);
  state_->minimum = minimum;
  return {};
}

// A segment may go once the one after it is finished too: its own tiles are then synced (the
// snapshot after it says so), it is published, and frames follow in a segment that stays.
Result<Trimmed> Ledger::trim() {
  State& s = *state_;
  const std::lock_guard one(s.retention_mutex);
  const std::string& directory = s.options.directory;
  Trimmed all;
  for (;;) {
    auto first = first_segment(*s.disk, directory);
    if (!first) return std::unexpected(std::move(first.error()));
    const auto snapshot_of = [&](std::uint32_t segment) -> std::optional<Snapshot> {
      auto bytes = read_small(*s.disk, snapshot_path(directory, segment), 64 * 1024);
      if (!bytes) return std::nullopt;
      auto snapshot = decode_snapshot(*bytes, s.signer->verifier());
      if (!snapshot || snapshot->segment != segment) return std::nullopt;
      return *std::move(snapshot);
    };
    const auto after = snapshot_of(*first + 1);
    if (!after || !snapshot_of(*first + 2)) return all;
    const std::uint64_t end = after->range.size();
    if (s.publisher->head()->size < end) return all;
    auto root = s.projection->root_at(end);
    if (!root) return std::unexpected(std::move(root.error()));
    if (*root != after->range.root())
      return fail(Reason::ledger_corrupt, "the tree files are not those of the snapshot");
    if (s.by_citizen)
      if (auto r = s.by_citizen->keep(end); !r) return std::unexpected(std::move(r.error()));
    auto trimmed = archive_segment(*s.disk, directory, s.log, *first, *after);
    if (!trimmed) return trimmed;
    all.segments += trimmed->segments;
    all.bytes_before += trimmed->bytes_before;
    all.bytes_after += trimmed->bytes_after;
  }
}

Result<std::uint64_t> Ledger::prune() {
  State& s = *state_;
  const std::lock_guard one(s.retention_mutex);
  const std::string& directory = s.options.directory;
  // Whole bundles alone are refused, so what lies in the last, half one is kept.
  const std::uint64_t below = number(minimum().index) / kTileWidth * kTileWidth;
  auto first = first_segment(*s.disk, directory);
  if (!first) return std::unexpected(std::move(first.error()));
  // Who is named where can be read from nothing else afterwards.
  if (s.by_citizen)
    if (auto r = s.by_citizen->keep(below); !r) return std::unexpected(std::move(r.error()));
  std::uint64_t gone = 0;
  for (std::uint32_t segment = 0; segment < *first; ++segment) {
    auto archived = ArchivedSegment::open(*s.disk, directory, s.log, segment);
    if (!archived) return std::unexpected(std::move(archived.error()));
    if ((*archived)->end() > below) break;
    archived->reset();
    auto pruned = prune_segment(*s.disk, directory, s.log, segment);
    if (!pruned) return pruned;
    gone += *pruned;
  }
  return gone;
}

}  // namespace amanat::ledger
