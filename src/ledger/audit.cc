#include "ledger/audit.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ledger/big_endian.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint64_t kAheadBundles = 64;
constexpr std::size_t kEntryHeadBytes = 106;

// Lengths and names by type (ledger page 2.1). Written out here a second time on purpose: whoever
// audits the log should not have to trust the code that writes it.
struct EntryForm {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<EntryForm, 10> kForms{{{"", 0},
                                            {"DISCLOSURE", 106},
                                            {"DENIED", 106},
                                            {"EXPORT", 118},
                                            {"EPOCH", 162},
                                            {"ERASURE", 118},
                                            {"POLICY-KEY", 146},
                                            {"ALERT", 106},
                                            {"GENESIS", 138},
                                            {"TRACE", 139}}};
constexpr std::uint8_t kPolicy = 6, kGenesis = 8;
constexpr std::size_t kMinimumAt = kEntryHeadBytes + 32;  // after the document's digest

TileName bundle_name(std::uint64_t number, std::uint64_t size) {
  return {TileName::Kind::entries, 0, number, tile_width(0, number, size)};
}

// One run of audit_log. A member leaves what does not hold in `problem`; an error is trouble alone.
class Run {
 public:
  Run(LogSource& source, const AuditOptions& options, Audit& audit)
      : source_(source), options_(options), audit_(audit), size_(audit.at.checkpoint.size) {}

  Result<void> all() {
    if (options_.older && options_.older->size > size_) {
      return problem("the log has " + std::to_string(size_) +
                     " entries, fewer than the older checkpoint's " +
                     std::to_string(options_.older->size) + ": it was rolled back or forked");
    }
    if (auto compared = compare_older(); !compared || !holds()) return compared;
    const std::uint64_t bundles = (size_ + kTileWidth - 1) / kTileWidth;
    for (std::uint64_t number = 0; number < bundles; ++number) {
      if (number % kAheadBundles == 0) announce(number, std::min(bundles, number + kAheadBundles));
      if (auto taken = take_bundle(number); !taken || !holds()) return taken;
      if (options_.progress) options_.progress(audit_.entries, size_);
    }
    if (auto compared = writer_.partials(comparing()); !compared || !holds()) return compared;
    if (writer_.root() != audit_.at.checkpoint.root)
      return problem("the entries' root is not the one the checkpoint signs");
    if (pruned_to_ > minimum_)
      return problem(tile_path(bundle_name(pruned_to_ / kTileWidth - 1, size_)) +
                     " is missing: entries below " + std::to_string(pruned_to_) +
                     " are gone, and no POLICY entry lets them go");
    return {};
  }

 private:
  bool holds() const { return audit_.problem.empty(); }
  Result<void> problem(std::string what) {
    if (holds()) audit_.problem = std::move(what);
    return {};
  }

  // Absence is the log's fault: below its signed size everything must be there.
  Result<std::string> read(const TileName& name) {
    auto bytes = source_.read(tile_path(name));
    if (!bytes && bytes.error().reason == Reason::no_record && name.width != kTileWidth) {
      TileName full = name;  // a source may have dropped the partial once the full one exists
      full.width = kTileWidth;
      bytes = source_.read(tile_path(full));
    }
    if (bytes) return bytes;
    if (bytes.error().reason != Reason::no_record && bytes.error().reason != Reason::value_too_long)
      return bytes;
    problem(tile_path(name) + (bytes.error().reason == Reason::no_record
                                   ? " is missing"
                                   : " is larger than it can be"));
    return std::string();
  }

  TileWriter::Emit comparing() {
    return [this](const TileName& name, std::string_view bytes) -> Result<void> {
      const auto theirs = read(name);
      if (!theirs) return std::unexpected(theirs.error());
      if (!holds()) return {};
      ++audit_.tiles;
      const bool length_fits =
          theirs->size() == bytes.size() || theirs->size() == kTileWidth * sizeof(Digest);
      if (!length_fits) return problem(tile_path(name) + " has the wrong length");
      if (std::string_view(*theirs).substr(0, bytes.size()) == bytes) return {};
      std::size_t at = 0;
      while ((*theirs)[at] == bytes[at]) ++at;
      return problem(tile_path(name) + " differs from the entries at hash " +
                     std::to_string(at / sizeof(Digest)));
    };
  }

  Result<void> take_bundle(std::uint64_t number) {
    const TileName name = bundle_name(number, size_);
    if (name.width == kTileWidth) {
      auto there = source_.read(tile_path(name));
      if (!there && there.error().reason == Reason::no_record) return take_hashes(number);
      if (there) return take_entries(name, *there);
    }
    const auto bundle = read(name);
    if (!bundle) return std::unexpected(bundle.error());
    if (!holds()) return {};
    return take_entries(name, *bundle);
  }

  // A bundle that is gone: its hashes stand in the tree for ever. Whether it may be gone, a POLICY
  // entry must say; at the end.
  Result<void> take_hashes(std::uint64_t number) {
    const auto tile = read(TileName{TileName::Kind::hashes, 0, number, kTileWidth});
    if (!tile) return std::unexpected(tile.error());
    if (!holds()) return {};
    if (tile->size() != kTileWidth * sizeof(Digest))
      return problem(tile_path({TileName::Kind::hashes, 0, number, kTileWidth}) +
                     " has the wrong length");
    for (std::size_t i = 0; i < kTileWidth; ++i) {
      Digest leaf;
      std::memcpy(leaf.data(), tile->data() + i * sizeof(Digest), sizeof(Digest));
      if (auto done = writer_.append(leaf, comparing()); !done || !holds()) return done;
      ++audit_.entries;
      ++audit_.pruned;
      if (auto compared = compare_older(); !compared || !holds()) return compared;
    }
    pruned_to_ = audit_.entries;
    audit_.ours = true;
    return {};
  }

  Result<void> take_entries(const TileName& name, const std::string& bundle_bytes) {
    const std::string* const bundle = &bundle_bytes;
    auto entries = parse_bundle(*bundle, name.width);
    // The full bundle in place of a partial one: what it has beyond the size is not ours to judge.
    if (!entries && name.width != kTileWidth) {
      entries = parse_bundle(*bundle, kTileWidth);
      if (entries) entries->resize(name.width);
    }
    if (!entries) return problem(tile_path(name) + ": " + entries.error().detail);
    ++audit_.bundles;
    for (const std::string_view entry : *entries) {
      note_entry(entry);
      if (auto done = writer_.append(leaf_hash(entry), comparing()); !done || !holds()) return done;
      ++audit_.entries;
      if (auto compared = compare_older(); !compared || !holds()) return compared;
    }
    return {};
  }

  Result<void> compare_older() {
    if (!options_.older || writer_.size() != options_.older->size || audit_.consistent_with)
      return {};
    if (writer_.root() != options_.older->root)
      return problem(
          "the first " + std::to_string(options_.older->size) +
          " entries are not those of the older checkpoint: the log was rewritten or forked");
    audit_.consistent_with = options_.older->size;
    return {};
  }

  // Other logs may hold other entries; a log that begins with our GENESIS promises our form.
  void note_entry(std::string_view entry) {
    const auto head = read_entry_head(entry);
    const std::uint64_t index = audit_.entries;
    if (index == 0) audit_.ours = head && head->type == kGenesis;
    if (!audit_.ours) return;
    if (!head) {
      problem("entry " + std::to_string(index) + " is not in the form of a public entry");
      return;
    }
    if (audit_.last_time && head->time < *audit_.last_time)
      problem("entry " + std::to_string(index) + " is older than the one before it");
    if (!audit_.first_time) audit_.first_time = head->time;
    audit_.last_time = head->time;
    ++audit_.by_type[head->type];
    if (head->type == kPolicy)
      minimum_ = std::max(minimum_, load_number<std::uint64_t>(entry.data() + kMinimumAt));
  }

  void announce(std::uint64_t from, std::uint64_t to) {
    std::vector<std::string> paths;
    for (std::uint64_t number = from; number < to; ++number) {
      const TileName bundle = bundle_name(number, size_);
      paths.push_back(tile_path(bundle));
      paths.push_back(tile_path(TileName{TileName::Kind::hashes, 0, number, bundle.width}));
    }
    source_.expect(paths);
  }

  LogSource& source_;
  const AuditOptions& options_;
  Audit& audit_;
  const std::uint64_t size_;
  std::uint64_t pruned_to_ = 0, minimum_ = 0;
  TileWriter writer_;
};

}  // namespace

std::optional<EntryHead> read_entry_head(std::string_view entry) {
  if (entry.size() < kEntryHeadBytes) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(entry[i]); };
  // Version 0 is a log whose labels are keyed hashes, version 1 one with VRF labels.
  if (byte(0) > 1 || byte(1) == 0 || byte(1) >= kForms.size() ||
      entry.size() != kForms[byte(1)].bytes)
    return std::nullopt;
  std::uint64_t time = 0;
  for (std::size_t i = 2; i < 10; ++i) time = time << 8 | byte(i);
  return EntryHead{byte(1), Moment{time}};
}

std::string entry_type_name(std::uint8_t type) {
  if (type == 0 || type >= kForms.size()) return "TYPE-" + std::to_string(type);
  return std::string(kForms[type].name);
}

Result<Audit> audit_log(LogSource& source, const VerifierKey& log, const AuditOptions& options) {
  const auto note = source.read("checkpoint");
  if (!note) return std::unexpected(note.error());
  Audit audit;
  auto opened = open_checkpoint(*note, log);
  if (!opened) {
    audit.problem = std::string(row_of(opened.error().reason).english) +
                    " (checkpoint: " + opened.error().detail + ")";
    return audit;
  }
  audit.at = *std::move(opened);
  if (const auto ran = Run(source, options, audit).all(); !ran) return std::unexpected(ran.error());
  insist(!audit.problem.empty() || audit.entries == audit.at.checkpoint.size);
  return audit;
}

}  // namespace amanat::ledger
