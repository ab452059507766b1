#include "ledger/recovery.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/archive.h"
#include "ledger/big_endian.h"
#include "ledger/entry.h"
#include "ledger/frame.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kPublishedMagic = "amanat-published/1\n";
constexpr std::string_view kSnapshotMagic = "AMNSNAP1";
constexpr std::size_t kFlushEvery = 1u << 16;  // entries between two flushes of the projection

std::unexpected<Failure> corrupt(const Place& place, const std::string& what) {
  return fail(Reason::ledger_corrupt, text_of_place(place) + ": " + what);
}

std::unexpected<Failure> pass_on(Failure failure) { return std::unexpected(std::move(failure)); }

}  // namespace

std::string published_path(const std::string& ledger_directory) {
  return ledger_directory + "/published";
}

std::string encode_published(const Published& p) {
  insist(p.boot.size() == 32 && !p.checkpoint.empty());
  std::string out(kPublishedMagic);
  out.append("boot ").append(p.boot).append("\n");
  out.append("state ").append(p.closed ? "closed" : "open").append("\n\n");
  return out.append(p.checkpoint);
}

Result<Published> decode_published(std::string_view bytes) {
  const auto bad = [] {
    return fail(Reason::ledger_corrupt, "the file of the published checkpoint is malformed");
  };
  if (!bytes.starts_with(kPublishedMagic)) return bad();
  bytes.remove_prefix(kPublishedMagic.size());
  Published p;
  if (!bytes.starts_with("boot ") || bytes.size() < 5 + 33 || bytes[5 + 32] != '\n') return bad();
  p.boot = bytes.substr(5, 32);
  if (p.boot.find_first_not_of("0123456789abcdef") != std::string::npos) return bad();
  bytes.remove_prefix(5 + 33);
  if (bytes.starts_with("state open\n\n"))
    bytes.remove_prefix(12);
  else if (bytes.starts_with("state closed\n\n"))
    bytes.remove_prefix(14), p.closed = true;
  else
    return bad();
  p.checkpoint = bytes;
  if (p.checkpoint.empty()) return bad();
  return p;
}

std::string snapshots_directory(const std::string& ledger_directory) {
  return ledger_directory + "/snapshots";
}

std::string snapshot_path(const std::string& ledger_directory, std::uint32_t segment) {
  const auto path = segment_path(ledger_directory, segment);
  return snapshots_directory(ledger_directory) + path.substr(path.find_last_of('/'));
}

std::string encode_snapshot(const Snapshot& s) {
  std::string out(kSnapshotMagic);
  append_number(out, s.segment);
  append_number(out, s.batch);
  append_number(out, number(s.last_time));
  out.append(crypto::text_of(s.frame_hash));
  append_number(out, s.range.size());
  append_number(out, static_cast<std::uint32_t>(s.range.hashes().size()));
  for (const Digest& h : s.range.hashes()) out.append(crypto::text_of(h));
  append_number(out, static_cast<std::uint32_t>(s.checkpoint.size()));
  out.append(s.checkpoint);
  out.append(crypto::text_of(crypto::sha256(out)));
  return out;
}

Result<Snapshot> decode_snapshot(std::string_view bytes, const VerifierKey& log) {
  const auto bad = [](const char* what) {
    return fail(Reason::ledger_corrupt, std::string("snapshot: ") + what);
  };
  if (bytes.size() < 32 || crypto::text_of(crypto::sha256(bytes.substr(0, bytes.size() - 32))) !=
                               bytes.substr(bytes.size() - 32))
    return bad("its hash");
  Cursor cursor(bytes.substr(0, bytes.size() - 32));
  if (cursor.take(kSnapshotMagic.size()) != kSnapshotMagic) return bad("not a snapshot");
  Snapshot s;
  s.segment = cursor.number<std::uint32_t>();
  s.batch = cursor.number<std::uint64_t>();
  s.last_time = Moment{cursor.number<std::uint64_t>()};
  const auto frame_hash = cursor.take(32);
  const auto size = cursor.number<std::uint64_t>();
  const auto count = cursor.number<std::uint32_t>();
  if (cursor.failed() || count > 64) return bad("its lengths");
  std::vector<Digest> hashes(count);
  for (Digest& h : hashes) {
    const auto hash = cursor.take(32);
    if (cursor.failed()) return bad("its lengths");
    std::memcpy(h.data(), hash.data(), 32);
  }
  s.checkpoint = cursor.take(cursor.number<std::uint32_t>());
  if (!cursor.at_end()) return bad("its lengths");
  std::memcpy(s.frame_hash.data(), frame_hash.data(), 32);
  auto range = CompactRange::restore(size, hashes);
  if (!range) return pass_on(std::move(range.error()));
  s.range = std::move(*range);
  auto opened = open_checkpoint(s.checkpoint, log);
  if (!opened) return bad("its checkpoint's signature");
  if (opened->checkpoint.size != size || opened->checkpoint.root != s.range.root())
    return bad("its root");
  return s;
}

namespace {

// Names of logs hold no quotes or backslashes (create() refuses them), so this is JSON as it
// stands.
std::string genesis_head(const VerifierKey& log) {
  std::string out = "{\n  \"format\": \"amanat-genesis/1\",\n";
  out.append("  \"origin\": \"").append(log.name).append("\",\n");
  out.append("  \"vkey\": \"").append(log.text()).append("\",\n");
  return out;
}

}  // namespace

bool genesis_names(std::string_view document, const VerifierKey& log) {
  return document.starts_with(genesis_head(log));
}

std::string genesis_document(const VerifierKey& log, const Digest& label_key) {
  std::string out = genesis_head(log);
  out.append("  \"entry_version\": 1,\n  \"label\": \"c2sp.org/vrf-r255\",\n  \"label_key\": \"");
  out.append(crypto::base64(label_key)).append("\",\n  \"map_depth\": 24,\n");
  out.append("  \"slice_period\": \"quarter\",\n  \"retention\": \"none\"\n}\n");
  return out;
}

std::string genesis_path(const std::string& ledger_directory) {
  return ledger_directory + "/genesis.json";
}

Digest log_id(std::string_view origin) { return crypto::sha256(origin); }

namespace {

// Scan is one recovery. Invariants: everything before `at_` was read and is right; range_, hash_,
// batch_ and time_ are the state after it.
class Scan {
 public:
  Scan(storage::Disk& disk, const std::string& directory, const VerifierKey& log,
       const Published& published, Projection& projection)
      : disk_(disk),
        directory_(directory),
        log_(log),
        id_(log_id(log.name)),
        published_(published),
        projection_(projection) {}

  Result<Recovered> run();

 private:
  struct OpenSegment {
    std::unique_ptr<storage::File> file;
    std::uint64_t bytes = 0;
  };
  Result<OpenSegment> open_segment(std::uint32_t number);
  Result<void> begin();
  Result<bool> begin_at(std::uint32_t segment);
  Result<void> take_archive();
  Result<void> take_archived(std::uint32_t segment);
  Result<void> scan_segment();
  Result<bool> next_segment_begins();
  Result<void> take(const Frame& frame, const Place& place);
  Result<bool> later_frame(const Place& from);
  Result<void> end(const char* what);
  Result<void> cut();
  Result<void> cut_blocks(std::uint32_t number, const OpenSegment& segment, std::uint64_t begin);

  storage::Disk& disk_;
  const std::string& directory_;
  const VerifierKey& log_;
  const Digest id_;
  const Published& published_;
  Projection& projection_;

  std::uint32_t segments_ = 0, first_ = 0;
  Place at_;
  OpenSegment segment_;
  bool ended_ = false;
  bool anew_ = false;  // from the first frame, because no snapshot would do
  CompactRange range_;
  Digest hash_{};
  std::uint64_t batch_ = 0;
  Moment time_{};
  std::string checkpoint_;
  bool closing_ = false;  // the last frame was one of count 0
  std::uint64_t published_size_ = 0;
  Digest published_root_{};
  bool met_published_ = false;
  bool remains_ = false;  // something but zeros lies after the end
  std::uint64_t unflushed_ = 0, frames_ = 0, cut_ = 0;
  std::vector<Digest> leaves_;
  Frame frame_;
};

Result<Scan::OpenSegment> Scan::open_segment(std::uint32_t number) {
  auto file = disk_.open_for_recovery(segment_path(directory_, number));
  if (!file) return pass_on(std::move(file.error()));
  auto bytes = (*file)->size();
  if (!bytes) return pass_on(std::move(bytes.error()));
  if (*bytes == 0 || *bytes % kBlock != 0)
    return corrupt({number, 0}, "its file has a wrong length");
  return OpenSegment{std::move(*file), *bytes};
}

Result<bool> Scan::begin_at(std::uint32_t segment) {
  auto bytes = read_small(disk_, snapshot_path(directory_, segment), 64 * 1024);
  if (!bytes) return false;
  auto snapshot = decode_snapshot(*bytes, log_);
  if (!snapshot || snapshot->segment != segment) return false;
  if (!projection_.resume(snapshot->range.size(), snapshot->range.root())) return false;
  // What was published before the snapshot must be a prefix of it.
  if (published_size_ <= snapshot->range.size()) {
    auto root = projection_.root_at(published_size_);
    if (!root) return false;
    if (*root != published_root_)
      return corrupt({segment, 0}, "the published checkpoint is not of this log");
    met_published_ = true;
  }
  range_ = std::move(snapshot->range);
  hash_ = snapshot->frame_hash;
  batch_ = snapshot->batch;
  time_ = snapshot->last_time;
  checkpoint_ = std::move(snapshot->checkpoint);
  at_ = {segment, 0};
  return true;
}

// The youngest snapshot that proves itself, whose tiles are still there; else from the beginning.
Result<void> Scan::begin() {
  auto opened = open_checkpoint(published_.checkpoint, log_);
  if (!opened)
    return fail(Reason::ledger_corrupt, "the published checkpoint is not signed by this log");
  published_size_ = opened->checkpoint.size;
  published_root_ = opened->checkpoint.root;
  auto count = segment_count(disk_, directory_);
  if (!count) return pass_on(std::move(count.error()));
  if (*count == 0) return fail(Reason::ledger_corrupt, "there are no segments");
  segments_ = *count;
  auto first = first_segment(disk_, directory_);
  if (!first) return pass_on(std::move(first.error()));
  first_ = *first;
  for (std::uint32_t segment = segments_ - 1; segment > 0 && segment >= first_; --segment) {
    auto begun = begin_at(segment);
    if (!begun) return pass_on(std::move(begun.error()));
    if (*begun) return {};
  }
  projection_.resume_empty();
  anew_ = true;
  return take_archive();
}

// What comes before the first segment that is left, from the archive: entries or their hashes.
Result<void> Scan::take_archive() {
  for (std::uint32_t segment = 0; segment < first_; ++segment)
    if (auto r = take_archived(segment); !r) return r;
  at_ = {first_, 0};
  return {};
}

Result<void> Scan::take_archived(std::uint32_t segment) {
  auto archived = ArchivedSegment::open(disk_, directory_, id_, segment);
  if (!archived) return pass_on(std::move(archived.error()));
  for (std::size_t i = 0; i < (*archived)->frames(); ++i) {
    const Place place{segment, (*archived)->offset_of(i)};
    if (auto r = (*archived)->read(i, frame_); !r) return r;
    if (frame_.head.first != range_.size()) return corrupt(place, "first index");
    leaves_.clear();
    for (const auto& item : frame_.items) {
      leaves_.push_back(leaf_of(item));
      range_.append(leaves_.back());
      if (range_.size() == published_size_) met_published_ = range_.root() == published_root_;
    }
    projection_.append(leaves_, place);
  }
  auto after = (*archived)->after(log_);
  if (!after) return pass_on(std::move(after.error()));
  if (after->range.size() != range_.size() || after->range.root() != range_.root())
    return corrupt({segment, 0}, "the archive is not what the log signed");
  if (published_size_ <= range_.size() && !met_published_)
    return corrupt({segment, 0}, "the published checkpoint is not of this log");
  // Not before: an archive's leaves prove themselves only as a whole, and the tree's files must
  // not be overwritten with those of a damaged one.
  if (auto r = projection_.flush(); !r) return r;
  hash_ = after->frame_hash;
  batch_ = after->batch;
  time_ = after->last_time;
  checkpoint_ = std::move(after->checkpoint);
  return {};
}

Result<void> Scan::take(const Frame& frame, const Place& place) {
  if (frame.head.batch != batch_) return corrupt(place, "batch number");
  if (frame.head.previous != hash_) return corrupt(place, "hash of the frame before");
  if (frame.head.first != range_.size()) return corrupt(place, "first index");
  leaves_.clear();
  for (const auto& item : frame.items) {
    auto entry = decode_entry(item.entry);
    if (!entry) return corrupt(place, entry.error().detail);
    if (entry->time < time_) return corrupt(place, "time decreases");
    time_ = entry->time;
    leaves_.push_back(leaf_hash(item.entry));
    range_.append(leaves_.back());
  }
  if (range_.root() != frame.root) return corrupt(place, "root");
  projection_.append(leaves_, place);
  unflushed_ += leaves_.size();
  if (unflushed_ >= kFlushEvery) {
    if (auto r = projection_.flush(); !r) return r;
    unflushed_ = 0;
  }
  if (frame.size == published_size_) {
    if (frame.root != published_root_)
      return corrupt(place, "root differs from the published checkpoint");
    met_published_ = true;
  }
  hash_ = frame.hash;
  ++batch_;
  ++frames_;
  checkpoint_ = frame.checkpoint;
  closing_ = frame.head.count == 0;
  return {};
}

// Is there a whole frame anywhere after `from`? Then what is bad before it was once acknowledged.
Result<bool> Scan::later_frame(const Place& from) {
  Frame frame;
  for (std::uint32_t number = from.segment; number < segments_; ++number) {
    auto segment = open_segment(number);
    if (!segment) return pass_on(std::move(segment.error()));
    Window window(*segment->file, segment->bytes);
    for (std::uint64_t at = number == from.segment ? from.offset : 0; at < segment->bytes;
         at += kBlock) {
      auto block = window.at(at, kBlock);
      if (!block) return pass_on(std::move(block.error()));
      if (all_zero(*block)) continue;
      remains_ = true;
      auto head = parse_head(*block, id_);
      if (!head || head->bytes() > segment->bytes - at) continue;
      auto bytes = window.at(at, head->bytes());
      if (!bytes) return pass_on(std::move(bytes.error()));
      if (parse_frame(*bytes, id_, frame)) return true;
    }
  }
  return false;
}

Result<bool> Scan::next_segment_begins() {
  if (at_.segment + 1 >= segments_) return false;
  auto next = open_segment(at_.segment + 1);
  if (!next) return pass_on(std::move(next.error()));
  std::string block;
  if (auto r = next->file->read_at(0, kBlock, block); !r) return pass_on(std::move(r.error()));
  return !all_zero(block);
}

// Reads frames until the segment's used part is over; then at_ is the next segment's beginning, or
// the end of the log was found.
Result<void> Scan::scan_segment() {
  auto opened = open_segment(at_.segment);
  if (!opened) return pass_on(std::move(opened.error()));
  segment_ = std::move(*opened);
  Window window(*segment_.file, segment_.bytes);
  while (at_.offset < segment_.bytes) {
    auto block = window.at(at_.offset, kBlock);
    if (!block) return pass_on(std::move(block.error()));
    if (all_zero(*block)) break;
    auto head = parse_head(*block, id_);
    if (!head) return end(head.error().detail.c_str());
    if (head->bytes() > segment_.bytes - at_.offset) return end("frame crosses the segment's end");
    auto bytes = window.at(at_.offset, head->bytes());
    if (!bytes) return pass_on(std::move(bytes.error()));
    if (auto r = parse_frame(*bytes, id_, frame_); !r) return end(r.error().detail.c_str());
    // A frame that is whole but does not belong here is no torn write.
    if (auto r = take(frame_, at_); !r) return r;
    at_.offset += head->bytes();
  }
  auto more = next_segment_begins();
  if (!more) return pass_on(std::move(more.error()));
  if (!*more) return end(nullptr);
  // The unused rest of a segment stays zero: a frame in it means that one before it was lost.
  for (std::uint64_t at = at_.offset; at < segment_.bytes; at += kBlock) {
    auto block = window.at(at, kBlock);
    if (!block) return pass_on(std::move(block.error()));
    if (!all_zero(*block))
      return corrupt({at_.segment, at}, "bytes in the unused rest of the segment");
  }
  at_ = {at_.segment + 1, 0};
  return {};
}

// end decides what the first bytes that are no frame mean. `what` is null where there are only
// zeros.
Result<void> Scan::end(const char* what) {
  ended_ = true;
  auto later = later_frame(at_);
  if (!later) return pass_on(std::move(later.error()));
  if (*later)
    return corrupt(at_, std::string(what != nullptr ? what : "a frame is missing") +
                            ", but there are whole frames after it");
  if (!met_published_)
    return corrupt(at_, "the log ends at " + std::to_string(range_.size()) + " entries" +
                            (what != nullptr ? std::string(" (") + what + ")" : std::string()) +
                            ", but " + std::to_string(published_size_) + " were published");
  if (published_.closed && (what != nullptr || !closing_ || range_.size() != published_size_))
    return corrupt(at_, std::string("the log was closed after its last frame: ") +
                            (what != nullptr ? what : "its closing frame is missing"));
  return cut();
}

// Zeroes what a torn write left, so that the next frame goes on clean blocks. Where the last frame
// may have been is zeroed even if the disk shows zeros: after a failed fdatasync the page cache may
// hold a frame there that the disk never got, and plain readers would see it.
Result<void> Scan::cut() {
  for (std::uint32_t number = at_.segment; number < segments_; ++number) {
    auto segment = open_segment(number);
    if (!segment) return pass_on(std::move(segment.error()));
    const std::uint64_t begin = number == at_.segment ? at_.offset : 0;
    const bool near = !published_.closed && number <= at_.segment + 1;
    const std::uint64_t sure =
        near ? std::min<std::uint64_t>(begin + kFrameBytesMax, segment->bytes) : begin;
    if (remains_)
      if (auto r = cut_blocks(number, *segment, begin); !r) return r;
    if (sure > begin) {
      const std::string zeros(static_cast<std::size_t>(sure - begin), '\0');
      if (auto r = segment->file->write_at(begin, zeros); !r) return r;
    }
    // Also without a cut: what was read must be durable before anything is built on it.
    if (auto r = segment->file->sync(); !r) return r;
  }
  return {};
}

Result<void> Scan::cut_blocks(std::uint32_t number, const OpenSegment& segment,
                              std::uint64_t begin) {
  Window window(*segment.file, segment.bytes);
  for (std::uint64_t at = begin; at < segment.bytes; at += kBlock) {
    auto block = window.at(at, kBlock);
    if (!block) return pass_on(std::move(block.error()));
    if (all_zero(*block)) continue;
    if (published_.closed) return corrupt({number, at}, "bytes after the closing frame");
    cut_ += kBlock;
    if (auto r = segment.file->write_at(at, std::string(kBlock, '\0')); !r) return r;
  }
  return {};
}

Result<Recovered> Scan::run() {
  if (auto r = begin(); !r) return pass_on(std::move(r.error()));
  while (!ended_)
    if (auto r = scan_segment(); !r) return pass_on(std::move(r.error()));
  if (range_.size() == 0) return fail(Reason::ledger_corrupt, "the log has no genesis entry");
  auto opened = open_checkpoint(checkpoint_, log_);
  if (!opened || opened->checkpoint.size != range_.size() ||
      opened->checkpoint.root != range_.root())
    return corrupt(at_, "the last frame's checkpoint is not a signed head of it");
  if (auto r = projection_.flush(); !r) return pass_on(std::move(r.error()));
  if (anew_) {
    if (auto r = projection_.sync(); !r) return pass_on(std::move(r.error()));
    if (auto r = projection_.trust(); !r) return pass_on(std::move(r.error()));
  }
  Recovered out;
  out.range = std::move(range_);
  out.frame_hash = hash_;
  out.next_batch = batch_;
  out.last_time = time_;
  out.next = at_;
  out.segments = segments_;
  out.segment_bytes = segment_.bytes;
  out.checkpoint = std::move(checkpoint_);
  out.cut_bytes = cut_;
  out.frames_read = frames_;
  return out;
}

}  // namespace

Result<Recovered> recover(storage::Disk& disk, const std::string& ledger_directory,
                          const VerifierKey& log, const Published& published,
                          Projection& projection) {
  return Scan(disk, ledger_directory, log, published, projection).run();
}

}  // namespace amanat::ledger
