#include "ledger/archive.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/entry.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

// A file is: head (64 bytes: magic, log id, segment, zeros), items frame by frame, rows, the
// snapshot, foot (64 bytes: u64 first, u64 end, u64 place of the rows, u32 frames, u32 bytes of the
// snapshot, SHA-256 of all before). A row of entries: u32 block the frame began at, u32 count, u64
// first index, u64 place; of openings: u64 place. An entry: u16 length and bytes, or a length of 0
// and its leaf hash. An opening: u32 length and bytes.
constexpr std::string_view kEntriesMagic = "AMNENT01", kOpeningsMagic = "AMNOPN01";
constexpr std::size_t kHead = 64, kFoot = 64, kEntryRow = 24, kOpeningRow = 8;
constexpr std::size_t kPiece = 1u << 20;
constexpr std::uint64_t kRowsMax = 1u << 26;

std::string file_of(const std::string& ledger_directory, std::uint32_t segment,
                    std::string_view kind) {
  return archive_directory(ledger_directory) + "/" + segment_name(segment) + "." +
         std::string(kind);
}

std::string head_of(std::string_view magic, const Digest& log, std::uint32_t segment) {
  std::string out(magic);
  out += crypto::text_of(log);
  append_number(out, segment);
  out.resize(kHead, '\0');
  return out;
}

// Writer writes a file from front to back beside its name; finish() makes it appear.
class Writer {
 public:
  static Result<Writer> begin(storage::Disk& disk, std::string path, std::string_view head) {
    auto file = disk.open(path + ".tmp", storage::Disk::Open::create_or_existing);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto r = (*file)->truncate(0); !r) return std::unexpected(std::move(r.error()));
    Writer w(disk, std::move(path), *std::move(file));
    w.bytes_ = head;
    return w;
  }
  std::uint64_t place() const { return written_ + bytes_.size(); }
  std::string& bytes() { return bytes_; }
  Result<void> flush(std::size_t at_least) {
    if (bytes_.size() < at_least || bytes_.empty()) return {};
    hash_.update(std::string_view(bytes_));
    if (auto r = file_->write_at(written_, bytes_); !r) return r;
    written_ += bytes_.size();
    bytes_.clear();
    return {};
  }
  Result<void> finish(std::uint64_t first, std::uint64_t end, std::uint64_t rows,
                      std::uint32_t frames, std::uint32_t snapshot_bytes) {
    append_number(bytes_, first);
    append_number(bytes_, end);
    append_number(bytes_, rows);
    append_number(bytes_, frames);
    append_number(bytes_, snapshot_bytes);
    if (auto r = flush(1); !r) return r;
    bytes_ = crypto::text_of(hash_.finish());
    if (auto r = file_->write_at(written_, bytes_); !r) return r;
    if (auto r = file_->sync(); !r) return r;
    file_.reset();
    return disk_.rename(path_ + ".tmp", path_);
  }

 private:
  Writer(storage::Disk& disk, std::string path, std::unique_ptr<storage::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
  storage::Disk& disk_;
  std::string path_;
  std::unique_ptr<storage::File> file_;
  crypto::Sha256 hash_;
  std::string bytes_;
  std::uint64_t written_ = 0;
};

struct Foot {
  std::uint64_t first = 0, end = 0, rows = 0, bytes = 0;
  std::uint32_t frames = 0, snapshot_bytes = 0;
};

std::unexpected<Failure> damaged(const std::string& path, const char* what) {
  return fail(Reason::ledger_corrupt, path.substr(path.rfind("archive/")) + ": " + what);
}

// Opens a file of the archive, holds head and foot to each other and, if asked, all bytes to the
// hash.
Result<std::pair<std::unique_ptr<storage::File>, Foot>> open_file(storage::Disk& disk,
                                                                  const std::string& path,
                                                                  std::string_view head,
                                                                  std::size_t row_bytes,
                                                                  ArchivedSegment::Check check) {
  const bool every = check == ArchivedSegment::Check::every_byte;
  auto file = every ? disk.open_for_recovery(path) : disk.open(path, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return std::unexpected(std::move(size.error()));
  if (*size < kHead + kFoot) return damaged(path, "too short");
  std::string bytes;
  if (auto r = (*file)->read_at(0, kHead, bytes); !r) return std::unexpected(std::move(r.error()));
  if (bytes != head) return damaged(path, "it is of another log or segment");
  bytes.clear();
  if (auto r = (*file)->read_at(*size - kFoot, kFoot, bytes); !r)
    return std::unexpected(std::move(r.error()));
  if (bytes.size() != kFoot) return damaged(path, "too short");
  Cursor cursor(bytes);
  Foot foot;
  foot.first = cursor.number<std::uint64_t>();
  foot.end = cursor.number<std::uint64_t>();
  foot.rows = cursor.number<std::uint64_t>();
  foot.frames = cursor.number<std::uint32_t>();
  foot.snapshot_bytes = cursor.number<std::uint32_t>();
  foot.bytes = *size;
  if (foot.frames > kRowsMax || foot.rows < kHead || foot.first > foot.end ||
      foot.rows + std::uint64_t{foot.frames} * row_bytes + foot.snapshot_bytes + kFoot != *size)
    return damaged(path, "its lengths");
  if (every) {
    crypto::Sha256 hash;
    Window window(**file, *size);
    for (std::uint64_t at = 0; at < *size - 32; at += kPiece) {
      auto piece =
          window.at(at, static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, *size - 32 - at)));
      if (!piece) return std::unexpected(std::move(piece.error()));
      hash.update(*piece);
    }
    if (crypto::text_of(hash.finish()) != std::string_view(bytes).substr(kFoot - 32))
      return damaged(path, "its hash");
  }
  return std::pair{*std::move(file), foot};
}

bool is_kept(std::string_view entry) {
  const auto type = static_cast<EntryType>(static_cast<std::uint8_t>(entry[1]));
  return type == EntryType::genesis || type == EntryType::epoch || type == EntryType::policy_key;
}

void add_item(std::string& out, const Frame::Item& item, bool without) {
  if (!item.leaf.empty() || (without && !is_kept(item.entry))) {
    append_number(out, std::uint16_t{0});
    out += crypto::text_of(leaf_of(item));
    return;
  }
  append_number(out, static_cast<std::uint16_t>(item.entry.size()));
  out += item.entry;
}

void add_row(std::string& rows, std::uint64_t offset, const Frame& frame, std::uint64_t place) {
  append_number(rows, static_cast<std::uint32_t>(offset / kBlock));
  append_number(rows, static_cast<std::uint32_t>(frame.items.size()));
  append_number(rows, frame.head.first);
  append_number(rows, place);
}

/// FramesOf walks the frames of a segment that is still there, around the page cache.
class FramesOf {
 public:
  static Result<FramesOf> open(storage::Disk& disk, const std::string& directory, const Digest& log,
                               std::uint32_t segment) {
    auto file = disk.open_for_recovery(segment_path(directory, segment));
    if (!file) return std::unexpected(std::move(file.error()));
    auto bytes = (*file)->size();
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    FramesOf out(log, segment);
    out.file_ = *std::move(file);
    out.bytes_ = *bytes;
    return out;
  }
  std::uint64_t bytes() const { return bytes_; }
  /// next gives the next frame and where it lies; nothing after the last.
  Result<std::optional<std::uint64_t>> next(Frame& out) {
    if (!window_) window_.emplace(*file_, bytes_);
    const auto block = window_->at(at_, kBlock);
    if (!block) return std::unexpected(block.error());
    if (block->empty() || all_zero(*block)) return std::optional<std::uint64_t>{};
    const auto head = parse_head(*block, log_);
    if (!head || head->bytes() > bytes_ - at_)
      return fail(Reason::ledger_corrupt, text_of_place({segment_, at_}) + ": not a frame");
    const auto whole = window_->at(at_, head->bytes());
    if (!whole) return std::unexpected(whole.error());
    if (auto r = parse_frame(*whole, log_, out); !r) return std::unexpected(std::move(r.error()));
    return std::optional<std::uint64_t>{std::exchange(at_, at_ + head->bytes())};
  }

 private:
  FramesOf(const Digest& log, std::uint32_t segment) : log_(log), segment_(segment) {}
  Digest log_;
  std::uint32_t segment_;
  std::unique_ptr<storage::File> file_;
  std::uint64_t bytes_ = 0, at_ = 0;
  std::optional<Window> window_;
};

// Both files, from the frames; what comes out must lead exactly to the snapshot after it.
Result<void> write_archive(storage::Disk& disk, const std::string& directory, const Digest& log,
                           std::uint32_t segment, const Snapshot& after) {
  auto frames = FramesOf::open(disk, directory, log, segment);
  if (!frames) return std::unexpected(std::move(frames.error()));
  auto entries = Writer::begin(disk, file_of(directory, segment, "entries"),
                               head_of(kEntriesMagic, log, segment));
  if (!entries) return std::unexpected(std::move(entries.error()));
  auto openings = Writer::begin(disk, file_of(directory, segment, "openings"),
                                head_of(kOpeningsMagic, log, segment));
  if (!openings) return std::unexpected(std::move(openings.error()));
  std::string rows, opening_rows;
  std::optional<std::uint64_t> first;
  std::uint64_t end = 0;
  std::uint32_t count = 0;
  Digest hash{};
  Frame frame;
  for (;;) {
    auto at = frames->next(frame);
    if (!at) return std::unexpected(std::move(at.error()));
    if (!*at) break;
    if (!first) first = end = frame.head.first;
    if (frame.head.first != end)
      return fail(Reason::ledger_corrupt, text_of_place({segment, **at}) + ": first index");
    add_row(rows, **at, frame, entries->place());
    append_number(opening_rows, openings->place());
    for (const auto& item : frame.items) {
      add_item(entries->bytes(), item, false);
      append_number(openings->bytes(), static_cast<std::uint32_t>(item.opening.size()));
      openings->bytes() += item.opening;
    }
    end += frame.items.size();
    hash = frame.hash;
    ++count;
    if (auto r = entries->flush(kPiece); !r) return r;
    if (auto r = openings->flush(kPiece); !r) return r;
  }
  if (!first || end != after.range.size() || hash != after.frame_hash)
    return fail(Reason::ledger_corrupt,
                "segment " + segment_name(segment) + " does not lead to the snapshot after it");
  const std::string snapshot = encode_snapshot(after);
  const std::uint64_t rows_at = entries->place(), opening_rows_at = openings->place();
  entries->bytes() += rows + snapshot;
  openings->bytes() += opening_rows;
  if (auto r = openings->finish(*first, end, opening_rows_at, count, 0); !r) return r;
  if (auto r =
          entries->finish(*first, end, rows_at, count, static_cast<std::uint32_t>(snapshot.size()));
      !r)
    return r;
  return disk.sync_directory(archive_directory(directory));
}

Result<void> remove_if_there(storage::Disk& disk, const std::string& directory,
                             std::uint32_t segment, std::string_view kind) {
  auto names = disk.list(archive_directory(directory));
  if (!names) return std::unexpected(std::move(names.error()));
  const std::string name = segment_name(segment) + "." + std::string(kind);
  if (std::find(names->begin(), names->end(), name) == names->end()) return {};
  return disk.remove(file_of(directory, segment, kind));
}

}  // namespace

std::string archive_directory(const std::string& ledger_directory) {
  return ledger_directory + "/archive";
}

Digest leaf_of(const Frame::Item& item) {
  if (item.leaf.empty()) return leaf_hash(item.entry);
  Digest leaf;
  insist(item.leaf.size() == leaf.size());
  std::memcpy(leaf.data(), item.leaf.data(), leaf.size());
  return leaf;
}

std::uint64_t ArchivedSegment::offset_of(std::size_t frame) const {
  insist(frame < frames());
  return std::uint64_t{rows_[frame].block} * kBlock;
}

std::size_t ArchivedSegment::frame_at(std::uint64_t offset) const {
  const auto end = rows_.end() - 1;
  const auto at = std::lower_bound(rows_.begin(), end, offset, [](const Row& row, std::uint64_t o) {
    return std::uint64_t{row.block} * kBlock < o;
  });
  if (at == end || std::uint64_t{at->block} * kBlock != offset) return frames();
  return static_cast<std::size_t>(at - rows_.begin());
}

// The entries as long as they are there: pruning takes them away last of all that readers need.
Result<std::unique_ptr<ArchivedSegment>> ArchivedSegment::open(storage::Disk& disk,
                                                               const std::string& directory,
                                                               const Digest& log,
                                                               std::uint32_t segment, Check check) {
  auto whole = open_as(disk, directory, log, segment, check, false);
  if (whole || whole.error().reason != Reason::file_failed) return whole;
  return open_as(disk, directory, log, segment, check, true);
}

Result<std::unique_ptr<ArchivedSegment>> ArchivedSegment::open_as(storage::Disk& disk,
                                                                  const std::string& directory,
                                                                  const Digest& log,
                                                                  std::uint32_t segment,
                                                                  Check check, bool pruned) {
  std::unique_ptr<ArchivedSegment> a(new ArchivedSegment());
  a->segment_ = segment;
  a->pruned_ = pruned;
  const std::string path = file_of(directory, segment, pruned ? "leaves" : "entries");
  auto opened = open_file(disk, path, head_of(kEntriesMagic, log, segment), kEntryRow, check);
  if (!opened) return std::unexpected(std::move(opened.error()));
  a->entries_ = std::move(opened->first);
  const Foot foot = opened->second;
  std::string rows;
  if (auto r = a->entries_->read_at(foot.rows, foot.frames * kEntryRow + foot.snapshot_bytes, rows);
      !r)
    return std::unexpected(std::move(r.error()));
  if (rows.size() != foot.frames * kEntryRow + foot.snapshot_bytes)
    return damaged(path, "too short");
  a->snapshot_ = rows.substr(foot.frames * kEntryRow);
  a->first_ = foot.first;
  a->end_ = foot.end;
  std::string opening_rows;
  Foot other;
  {
    const std::string openings = file_of(directory, segment, pruned ? "kept" : "openings");
    auto also =
        open_file(disk, openings, head_of(kOpeningsMagic, log, segment), kOpeningRow, check);
    if (!also) return std::unexpected(std::move(also.error()));
    other = also->second;
    if (other.frames != foot.frames || other.first != foot.first || other.end != foot.end)
      return damaged(openings, "it is of other frames");
    if (auto r = also->first->read_at(other.rows, other.frames * kOpeningRow, opening_rows); !r)
      return std::unexpected(std::move(r.error()));
    if (opening_rows.size() != other.frames * kOpeningRow) return damaged(openings, "too short");
    a->openings_ = std::move(also->first);
  }
  Cursor cursor(rows), opening_cursor(opening_rows);
  std::uint64_t next = foot.first;
  for (std::uint32_t i = 0; i < foot.frames; ++i) {
    Row& row = a->rows_.emplace_back();
    row.block = cursor.number<std::uint32_t>();
    row.count = cursor.number<std::uint32_t>();
    row.first = cursor.number<std::uint64_t>();
    row.place = cursor.number<std::uint64_t>();
    row.opening_place = opening_cursor.number<std::uint64_t>();
    const bool follows =
        i == 0 || (row.block > a->rows_[i - 1].block && row.place >= a->rows_[i - 1].place &&
                   row.opening_place >= a->rows_[i - 1].opening_place);
    if (row.first != next || row.place > foot.rows || row.opening_place > other.rows || !follows)
      return damaged(path, "its rows");
    next += row.count;
  }
  if (next != foot.end) return damaged(path, "its rows");
  a->rows_.push_back({UINT32_MAX, 0, foot.end, foot.rows, other.rows});
  return a;
}

Result<void> ArchivedSegment::read(std::size_t frame, Frame& out) {
  insist(frame < frames());
  const Row &row = rows_[frame], &next = rows_[frame + 1];
  const auto wrong = [&] {
    return fail(Reason::ledger_corrupt,
                "archive of " + text_of_place({segment_, offset_of(frame)}) + ": its items");
  };
  out = Frame{};
  out.head.first = row.first;
  out.head.count = row.count;
  out.size = row.first + row.count;
  entry_bytes_.clear();
  opening_bytes_.clear();
  const auto read = [](const storage::File& file, std::uint64_t from, std::uint64_t to,
                       std::string& bytes) {
    return file.read_at(from, static_cast<std::size_t>(to - from), bytes);
  };
  if (next.place - row.place > kFrameBytesMax ||
      next.opening_place - row.opening_place > kFrameBytesMax)
    return wrong();
  if (auto r = read(*entries_, row.place, next.place, entry_bytes_); !r) return r;
  if (auto r = read(*openings_, row.opening_place, next.opening_place, opening_bytes_); !r) return r;
  Cursor entries(entry_bytes_), openings(opening_bytes_);
  for (std::uint32_t i = 0; i < row.count; ++i) {
    Frame::Item& item = out.items.emplace_back();
    const auto length = entries.number<std::uint16_t>();
    if (length == 0)
      item.leaf = entries.take(sizeof(Digest));
    else
      item.entry = entries.take(length);
    item.opening = openings.take(openings.number<std::uint32_t>());
    if (entries.failed() || openings.failed()) return wrong();
  }
  if (!entries.at_end() || !openings.at_end()) return wrong();
  return {};
}

Result<Snapshot> ArchivedSegment::after(const VerifierKey& log) const {
  auto snapshot = decode_snapshot(snapshot_, log);
  if (!snapshot) return snapshot;
  if (snapshot->segment != segment_ + 1 || snapshot->range.size() != end_)
    return fail(Reason::ledger_corrupt,
                "archive of segment " + segment_name(segment_) + ": the state after it");
  return snapshot;
}

bool is_archived(storage::Disk& disk, const std::string& directory, std::uint32_t segment) {
  const auto names = disk.list(archive_directory(directory));
  if (!names) return false;
  const std::string name = segment_name(segment);
  return std::find(names->begin(), names->end(), name + ".entries") != names->end() ||
         std::find(names->begin(), names->end(), name + ".leaves") != names->end();
}

Result<Trimmed> archive_segment(storage::Disk& disk, const std::string& directory,
                                const Digest& log, std::uint32_t segment, const Snapshot& after) {
  if (auto r = disk.make_directory(archive_directory(directory)); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = disk.sync_directory(directory); !r) return std::unexpected(std::move(r.error()));
  if (auto r = write_archive(disk, directory, log, segment, after); !r)
    return std::unexpected(std::move(r.error()));
  // Read back from the disk, not from the page cache, and held against the frames once more.
  auto archived =
      ArchivedSegment::open(disk, directory, log, segment, ArchivedSegment::Check::every_byte);
  if (!archived) return std::unexpected(std::move(archived.error()));
  auto frames = FramesOf::open(disk, directory, log, segment);
  if (!frames) return std::unexpected(std::move(frames.error()));
  Frame written, kept;
  const auto unequal = [&] {
    return fail(Reason::ledger_corrupt,
                "archive of segment " + segment_name(segment) + ": not what the frames say");
  };
  std::size_t which = 0;
  for (;; ++which) {
    auto at = frames->next(written);
    if (!at) return std::unexpected(std::move(at.error()));
    if (!*at) break;
    if (which >= (*archived)->frames() || (*archived)->offset_of(which) != **at) return unequal();
    if (auto r = (*archived)->read(which, kept); !r) return std::unexpected(std::move(r.error()));
    if (kept.head.first != written.head.first || kept.items.size() != written.items.size())
      return unequal();
    for (std::size_t i = 0; i < kept.items.size(); ++i)
      if (kept.items[i].entry != written.items[i].entry ||
          kept.items[i].opening != written.items[i].opening)
        return unequal();
  }
  if (which != (*archived)->frames()) return unequal();
  Trimmed out;
  out.segments = 1;
  out.bytes_before = frames->bytes();
  for (const char* kind : {"entries", "openings"}) {
    auto file = disk.open(file_of(directory, segment, kind), storage::Disk::Open::existing);
    if (!file) return std::unexpected(std::move(file.error()));
    auto bytes = (*file)->size();
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    out.bytes_after += *bytes;
  }
  if (auto r = disk.remove(segment_path(directory, segment)); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = disk.sync_directory(segments_directory(directory)); !r)
    return std::unexpected(std::move(r.error()));
  return out;
}

// The order: the leaves appear whole and synced, are read back, then the entries go, last the
// openings. Until then readers use the entries; what a crash leaves, the next run takes away.
Result<std::uint64_t> prune_segment(storage::Disk& disk, const std::string& directory,
                                    const Digest& log, std::uint32_t segment) {
  const auto take_away = [&](std::string_view kind) -> Result<void> {
    if (auto r = remove_if_there(disk, directory, segment, kind); !r) return r;
    return disk.sync_directory(archive_directory(directory));
  };
  auto archived = ArchivedSegment::open(disk, directory, log, segment);
  if (!archived) return std::unexpected(std::move(archived.error()));
  ArchivedSegment& from = **archived;
  if (from.pruned()) {
    if (auto r = take_away("openings"); !r) return std::unexpected(std::move(r.error()));
    return std::uint64_t{0};
  }
  auto leaves = Writer::begin(disk, file_of(directory, segment, "leaves"),
                              head_of(kEntriesMagic, log, segment));
  if (!leaves) return std::unexpected(std::move(leaves.error()));
  auto kept = Writer::begin(disk, file_of(directory, segment, "kept"),
                            head_of(kOpeningsMagic, log, segment));
  if (!kept) return std::unexpected(std::move(kept.error()));
  std::string rows, kept_rows;
  std::uint64_t gone = 0;
  CompactRange before, after;
  Frame frame;
  for (std::size_t i = 0; i < from.frames(); ++i) {
    if (auto r = from.read(i, frame); !r) return std::unexpected(std::move(r.error()));
    add_row(rows, from.offset_of(i), frame, leaves->place());
    append_number(kept_rows, kept->place());
    for (const auto& item : frame.items) {
      const auto opening = is_kept(item.entry) ? item.opening : std::string_view{};
      append_number(kept->bytes(), static_cast<std::uint32_t>(opening.size()));
      kept->bytes() += opening;
      gone += is_kept(item.entry) ? 0 : 1;
      before.append(leaf_of(item));
      add_item(leaves->bytes(), item, true);
    }
    if (auto r = leaves->flush(kPiece); !r) return std::unexpected(std::move(r.error()));
    if (auto r = kept->flush(kPiece); !r) return std::unexpected(std::move(r.error()));
  }
  const std::uint64_t rows_at = leaves->place();
  leaves->bytes() += rows + from.snapshot_;
  const auto frames = static_cast<std::uint32_t>(from.frames());
  const std::uint64_t kept_rows_at = kept->place();
  kept->bytes() += kept_rows;
  if (auto r = kept->finish(from.first(), from.end(), kept_rows_at, frames, 0); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = leaves->finish(from.first(), from.end(), rows_at, frames,
                              static_cast<std::uint32_t>(from.snapshot_.size()));
      !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = disk.sync_directory(archive_directory(directory)); !r)
    return std::unexpected(std::move(r.error()));
  {
    auto back = ArchivedSegment::open_as(disk, directory, log, segment,
                                         ArchivedSegment::Check::every_byte, true);
    if (!back) return std::unexpected(std::move(back.error()));
    for (std::size_t i = 0; i < (*back)->frames(); ++i) {
      if (auto r = (*back)->read(i, frame); !r) return std::unexpected(std::move(r.error()));
      for (const auto& item : frame.items) after.append(leaf_of(item));
    }
    if (before.size() != after.size() || before.root() != after.root())
      return fail(Reason::ledger_corrupt,
                  "archive of segment " + segment_name(segment) + ": its leaves");
  }
  for (const char* kind : {"entries", "openings"})
    if (auto r = take_away(kind); !r) return std::unexpected(std::move(r.error()));
  return gone;
}

}  // namespace amanat::ledger
