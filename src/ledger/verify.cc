#include "ledger/verify.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "ledger/archive.h"
#include "ledger/checkpoint.h"
#include "ledger/entry.h"
#include "ledger/frame.h"
#include "ledger/recovery.h"
#include "ledger/segment.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint64_t kProgressEvery = 1u << 16;
constexpr std::size_t kPiece = 256 * 32;  // one tile
constexpr int kTries = 5;                 // at one place of a log that may be growing
constexpr auto kBetweenTries = std::chrono::milliseconds(20);

// ReadOnlyDisk reads a directory that may be mounted read-only, without a page of it changed.
class ReadOnlyFile : public storage::File {
 public:
  explicit ReadOnlyFile(std::string path) : path_(std::move(path)), in_(path_, std::ios::binary) {}
  bool good() const { return in_.good(); }
  Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
    const std::size_t before = out.size();
    out.resize(before + size);
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(out.data() + before, static_cast<std::streamsize>(size));
    if (in_.bad()) return fail(Reason::file_failed, "read " + path_);
    out.resize(before + static_cast<std::size_t>(in_.gcount()));
    return {};
  }
  Result<std::uint64_t> size() const override {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path_, error);
    if (error) return fail(Reason::file_failed, "stat " + path_);
    return bytes;
  }
  Result<void> write_at(std::uint64_t, std::string_view) override { return never(); }
  Result<void> sync() override { return never(); }
  Result<void> truncate(std::uint64_t) override { return never(); }

 private:
  static Result<void> never() { return fail(Reason::file_failed, "opened for reading only"); }
  const std::string path_;
  mutable std::ifstream in_;
};

class ReadOnlyDisk : public storage::Disk {
 public:
  Result<std::unique_ptr<storage::File>> open(const std::string& path, Open) override {
    auto file = std::make_unique<ReadOnlyFile>(path);
    if (!file->good()) return fail(Reason::file_failed, "open " + path);
    return file;
  }
  Result<std::unique_ptr<storage::File>> open_for_recovery(const std::string& path) override {
    return open(path, Open::existing);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
         at.increment(error))
      names.push_back(at->path().filename().string());
    if (error) return fail(Reason::file_failed, "list " + path);
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<void> rename(const std::string&, const std::string&) override { return never(); }
  Result<void> remove(const std::string&) override { return never(); }
  Result<void> sync_directory(const std::string&) override { return never(); }
  Result<void> make_directory(const std::string&) override { return never(); }

 private:
  static Result<void> never() { return fail(Reason::file_failed, "opened for reading only"); }
};

// Check walks a ledger once. A problem ends the walk: what follows it cannot be judged. Failures to
// read are errors, not problems.
class Check {
 public:
  Check(storage::Disk& disk, const std::string& directory, const VerifierKey& log,
        const std::function<void(std::uint64_t)>& progress)
      : disk_(disk), directory_(directory), log_(log), id_(log_id(log.name)), progress_(progress) {}

  Result<Verdict> run();

 private:
  using Step = Result<bool>;  // false: a problem was found
  Step problem(std::string words) {
    verdict_.problem = std::move(words);
    return false;
  }
  Step problem(const Place& place, const std::string& words) {
    return problem(text_of_place(place) + ", batch " + std::to_string(batch_) + ": " + words);
  }
  Step check_genesis();
  Step read_published();
  Step walk_segment(bool& ended);
  Step walk_archived(ArchivedSegment& archived);
  Step take(const Frame& frame);
  Step take_entry(const Frame::Item& item);
  Step check_snapshot(std::uint32_t segment);
  Step check_end(const storage::File& file, std::uint64_t bytes, const char* what);
  Step check_rest_zero(const storage::File& file, std::uint64_t bytes);
  Step find_end();
  Result<bool> has_grown(const storage::File& file);
  Result<bool> next_begins();
  Result<bool> later_frame(const storage::File& file, std::uint64_t bytes);
  Step check_projections();
  Step compare(unsigned level, std::uint64_t offset, std::string_view expected);
  Step compare_tile(const TileName& name, std::string_view bytes);
  Result<storage::File*> projection(const std::string& name);

  storage::Disk& disk_;
  const std::string& directory_;
  const VerifierKey& log_;
  const Digest id_;
  const std::function<void(std::uint64_t)>& progress_;
  Verdict verdict_;

  Published published_;
  Checkpoint published_head_;
  std::uint32_t segments_ = 0;
  Place at_;
  Place end_;  // where the frames stopped when the walk began
  CompactRange range_;
  Digest hash_{};
  std::uint64_t batch_ = 0;
  Moment time_{};
  bool closing_ = false;
  bool met_published_ = false;
  bool again_ = false;
  int tries_left_ = kTries;
  std::string document_;
  TileWriter tiles_;
  std::vector<Digest> leaves_;
  std::vector<VerifierKey> keys_;
  std::map<std::string, std::unique_ptr<storage::File>> files_;
  Frame frame_;
};

Check::Step Check::check_genesis() {
  auto document = read_small(disk_, genesis_path(directory_), 64 * 1024);
  if (!document) return std::unexpected(std::move(document.error()));
  document_ = std::move(*document);
  if (!genesis_names(document_, log_))
    return problem("genesis document: it names another origin or key");
  return true;
}

Check::Step Check::read_published() {
  auto bytes = read_small(disk_, published_path(directory_), 64 * 1024);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  auto published = decode_published(*bytes);
  if (!published) return problem(published.error().detail);
  published_ = std::move(*published);
  auto opened = open_checkpoint(published_.checkpoint, log_);
  if (!opened) return problem("published checkpoint: not signed by this log's key");
  published_head_ = std::move(opened->checkpoint);
  return true;
}

Check::Step Check::take_entry(const Frame::Item& item) {
  auto entry = decode_entry(item.entry);
  const auto index = std::to_string(range_.size());
  if (!entry) return problem(at_, "entry " + index + ": " + entry.error().detail);
  if (entry->time < time_) return problem(at_, "entry " + index + ": time decreases");
  if (range_.size() == 0 && (entry->type != EntryType::genesis ||
                             entry->tail != crypto::text_of(crypto::sha256(document_))))
    return problem(at_, "entry 0 does not commit to the genesis document");
  const bool without = entry->type == EntryType::genesis || entry->type == EntryType::epoch;
  if (item.opening.empty() != without)
    return problem(at_, "entry " + index + ": opening");
  time_ = entry->time;
  return true;
}

Check::Step Check::take(const Frame& frame) {
  if (frame.head.batch != batch_) return problem(at_, "batch number");
  if (frame.head.previous != hash_) return problem(at_, "hash of the frame before");
  if (frame.head.first != range_.size()) return problem(at_, "first index");
  leaves_.clear();
  for (const auto& item : frame.items) {
    auto held = take_entry(item);
    if (!held || !*held) return held;
    leaves_.push_back(leaf_hash(item.entry));
    range_.append(leaves_.back());
  }
  if (range_.root() != frame.root) return problem(at_, "root");
  auto opened = open_checkpoint(frame.checkpoint, log_);
  if (!opened) return problem(at_, "signature of its checkpoint");
  if (opened->checkpoint.size != frame.size || opened->checkpoint.root != frame.root)
    return problem(at_, "its checkpoint is of another tree");
  if (frame.size == published_head_.size) {
    if (frame.root != published_head_.root)
      return problem(at_, "root differs from the published checkpoint");
    met_published_ = true;
  }
  hash_ = frame.hash;
  ++batch_;
  closing_ = frame.head.count == 0;
  verdict_.size = range_.size();
  verdict_.root = frame.root;
  verdict_.checkpoint = frame.checkpoint;
  return true;
}

Check::Step Check::check_snapshot(std::uint32_t segment) {
  auto bytes = read_small(disk_, snapshot_path(directory_, segment), 64 * 1024);
  if (!bytes) return true;  // not written yet, or never: recovery does without
  auto snapshot = decode_snapshot(*bytes, log_);
  const std::string name = "snapshot " + std::to_string(segment);
  if (!snapshot) return problem(name + ": " + snapshot.error().detail);
  if (snapshot->segment != segment || snapshot->batch != batch_ || snapshot->last_time != time_ ||
      snapshot->frame_hash != hash_ || snapshot->range.size() != range_.size() ||
      snapshot->range.root() != range_.root())
    return problem(name + ": it is of another state");
  return true;
}

Result<bool> Check::later_frame(const storage::File& file, std::uint64_t bytes) {
  Window window(file, bytes);
  Frame frame;
  for (std::uint64_t at = at_.offset; at < bytes; at += kBlock) {
    auto block = window.at(at, kBlock);
    if (!block) return std::unexpected(std::move(block.error()));
    auto head = parse_head(*block, id_);
    if (!head || head->bytes() > bytes - at) continue;
    auto whole = window.at(at, head->bytes());
    if (!whole) return std::unexpected(std::move(whole.error()));
    // The frame that is next in order was written while we read.
    if (parse_frame(*whole, id_, frame) && frame.head.batch > batch_) return true;
  }
  return false;
}

Check::Step Check::check_rest_zero(const storage::File& file, std::uint64_t bytes) {
  Window window(file, bytes);
  for (std::uint64_t at = at_.offset; at < bytes; at += kBlock) {
    auto block = window.at(at, kBlock);
    if (!block) return std::unexpected(std::move(block.error()));
    if (!all_zero(*block))
      return problem({at_.segment, at}, "bytes in the unused rest of the segment");
  }
  return true;
}

// check_end judges the place where the frames stop in the last segment used. A torn last write is
// no problem unless the log was closed, or more was published.
Check::Step Check::check_end(const storage::File& file, std::uint64_t bytes, const char* what) {
  if (published_.closed) {
    if (what != nullptr) return problem(at_, what);
    if (!closing_ || range_.size() != published_head_.size)
      return problem(at_, "the closing frame is missing");
    return check_rest_zero(file, bytes);
  }
  auto later = later_frame(file, bytes);
  if (!later) return later;
  if (*later && tries_left_ > 0) {
    // A live log: what is behind here was perhaps being written when this place was read.
    --tries_left_;
    again_ = true;
    return true;
  }
  if (*later)
    return problem(at_, std::string(what != nullptr ? what : "a frame is missing") +
                            ", with whole frames after it");
  if (!met_published_)
    return problem(at_, std::string(what != nullptr ? what : "the frames end") + ", but " +
                            std::to_string(published_head_.size) + " entries were published");
  return true;
}

Result<bool> Check::next_begins() {
  if (at_.segment + 1 >= segments_) {
    auto count = segment_count(disk_, directory_);
    if (!count) return std::unexpected(std::move(count.error()));
    segments_ = *count;
    if (at_.segment + 1 >= segments_) return false;
  }
  auto next = disk_.open(segment_path(directory_, at_.segment + 1), storage::Disk::Open::existing);
  if (!next) return std::unexpected(std::move(next.error()));
  std::string block;
  if (auto r = (*next)->read_at(0, kBlock, block); !r) return std::unexpected(std::move(r.error()));
  return !all_zero(block);
}

// find_end notes where the frames stop now, by their heads alone: a live log grows faster than it is
// checked, and a walk that followed it would never end. Whatever is wrong before that place is the
// walk's to find.
Check::Step Check::find_end() {
  for (end_ = {segments_, 0}; end_.segment > 0 && end_.offset == 0;) {
    --end_.segment;
    auto opened = disk_.open(segment_path(directory_, end_.segment), storage::Disk::Open::existing);
    if (!opened) return std::unexpected(std::move(opened.error()));
    auto bytes = (*opened)->size();
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    std::string block;
    while (end_.offset < *bytes) {
      block.clear();
      if (auto r = (*opened)->read_at(end_.offset, kBlock, block); !r)
        return std::unexpected(std::move(r.error()));
      const auto head = parse_head(block, id_);
      if (!head || head->bytes() > *bytes - end_.offset) break;
      end_.offset += head->bytes();
    }
  }
  return true;
}

// has_grown says whether the walk stands where the log ended when it began, with a frame there now.
Result<bool> Check::has_grown(const storage::File& file) {
  if (published_.closed || !met_published_) return false;
  if (at_.segment < end_.segment || (at_.segment == end_.segment && at_.offset < end_.offset))
    return false;
  std::string block;
  if (auto r = file.read_at(at_.offset, kBlock, block); !r)
    return std::unexpected(std::move(r.error()));
  const auto head = parse_head(block, id_);
  return head && head->batch > batch_;
}

// A segment of the archive: what is left of its frames, held to the signed state after it.
Check::Step Check::walk_archived(ArchivedSegment& archived) {
  for (std::size_t i = 0; i < archived.frames(); ++i) {
    at_.offset = archived.offset_of(i);
    if (auto r = archived.read(i, frame_); !r)
      return r.error().reason == Reason::ledger_corrupt ? problem(r.error().detail)
                                                        : Step(std::unexpected(r.error()));
    if (frame_.head.first != range_.size()) return problem(at_, "first index");
    leaves_.clear();
    for (const auto& item : frame_.items) {
      if (!item.entry.empty()) {
        auto held = take_entry(item);
        if (!held || !*held) return held;
      }
      leaves_.push_back(leaf_of(item));
      range_.append(leaves_.back());
      if (range_.size() != published_head_.size) continue;
      if (range_.root() != published_head_.root)
        return problem(at_, "root differs from the published checkpoint");
      met_published_ = true;
    }
    auto kept = check_projections();
    if (!kept || !*kept) return kept;
  }
  const auto after = archived.after(log_);
  if (!after) return problem({at_.segment, 0}, after.error().detail);
  if (after->range.size() != range_.size() || after->range.root() != range_.root() ||
      after->last_time < time_)
    return problem({at_.segment, 0}, "the archive is not what the log signed");
  time_ = after->last_time;
  hash_ = after->frame_hash;
  batch_ = after->batch;
  verdict_.size = range_.size();
  verdict_.root = range_.root();
  verdict_.checkpoint = after->checkpoint;
  at_ = {at_.segment + 1, 0};
  return check_snapshot(at_.segment);
}

Check::Step Check::walk_segment(bool& ended) {
  if (!disk_.open(segment_path(directory_, at_.segment), storage::Disk::Open::existing) &&
      is_archived(disk_, directory_, at_.segment)) {
    auto archived = ArchivedSegment::open(disk_, directory_, id_, at_.segment,
                                          ArchivedSegment::Check::every_byte);
    if (!archived && archived.error().reason == Reason::ledger_corrupt)
      return problem(archived.error().detail);
    if (!archived) return std::unexpected(std::move(archived.error()));
    return walk_archived(**archived);
  }
  auto before = next_begins();
  if (!before) return before;
  auto opened = disk_.open(segment_path(directory_, at_.segment), storage::Disk::Open::existing);
  if (!opened) return std::unexpected(std::move(opened.error()));
  const storage::File& file = **opened;
  auto bytes = file.size();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  if (*bytes == 0 || *bytes % kBlock != 0) return problem(at_, "its file has a wrong length");
  Window window(file, *bytes);
  const char* what = nullptr;
  std::string words;
  const auto stop = [&](std::string reason) {
    words = std::move(reason);
    what = words.c_str();
  };
  while (at_.offset < *bytes && what == nullptr) {
    auto grown = has_grown(file);
    if (!grown) return grown;
    if (*grown) {
      ended = true;
      return true;
    }
    auto block = window.at(at_.offset, kBlock);
    if (!block) return std::unexpected(std::move(block.error()));
    if (all_zero(*block)) break;
    auto head = parse_head(*block, id_);
    if (!head) {
      stop(head.error().detail);
    } else if (head->bytes() > *bytes - at_.offset) {
      stop("frame crosses the segment's end");
    } else {
      auto whole = window.at(at_.offset, head->bytes());
      if (!whole) return std::unexpected(std::move(whole.error()));
      if (auto r = parse_frame(*whole, id_, frame_); !r) {
        stop(r.error().detail);
      } else {
        auto taken = take(frame_);
        if (!taken || !*taken) return taken;
        auto kept = check_projections();
        if (!kept || !*kept) return kept;
        at_.offset += head->bytes();
        tries_left_ = kTries;
      }
    }
  }
  auto after = next_begins();
  if (!after) return after;
  if (*after && !*before) {
    again_ = true;  // a live log: this segment was finished while we read it
    return true;
  }
  if (*after) {
    if (what != nullptr) return problem(at_, what);
    auto zero = check_rest_zero(file, *bytes);
    if (!zero || !*zero) return zero;
    at_ = {at_.segment + 1, 0};
    return check_snapshot(at_.segment);
  }
  ended = true;
  return check_end(file, *bytes, what);
}

Result<storage::File*> Check::projection(const std::string& name) {
  auto& file = files_[name];
  if (!file) {
    auto opened = disk_.open(directory_ + "/tree/" + name, storage::Disk::Open::existing);
    if (!opened) return nullptr;  // none yet
    file = std::move(*opened);
  }
  return file.get();
}

Check::Step Check::compare(unsigned level, std::uint64_t offset, std::string_view expected) {
  const std::string name = level == 8 ? "places" : "level-" + std::to_string(level);
  auto file = projection(name);
  if (!file) return std::unexpected(std::move(file.error()));
  if (*file == nullptr) return true;
  std::string bytes;
  if (auto r = (*file)->read_at(offset, expected.size(), bytes); !r)
    return std::unexpected(std::move(r.error()));
  const std::size_t n = std::min(bytes.size(), expected.size());  // what is not there is made again
  if (std::string_view(bytes).substr(0, n) == expected.substr(0, n)) return true;
  return problem("tree/" + name + " at " + std::to_string(offset) + ": not what the frames say");
}

Check::Step Check::compare_tile(const TileName& name, std::string_view bytes) {
  return compare(name.level, name.number * kPiece, bytes);
}

// Cuts the frame's leaves into tiles and compares those that filled. Beyond what is published the
// files may lag behind, or hold what a crash left.
Check::Step Check::check_projections() {
  std::string found;
  for (const Digest& leaf : leaves_) {
    const std::uint64_t index = tiles_.size();
    if (index % kTileWidth == 0 && index < published_head_.size) {
      const std::uint64_t value = (std::uint64_t{at_.segment} << 32) | (at_.offset / kBlock);
      std::string place(8, '\0');
      for (unsigned i = 0; i < 8; ++i) place[i] = static_cast<char>(value >> (56 - 8 * i));
      auto same = compare(8, index / kTileWidth * 8, place);
      if (!same || !*same) return same;
    }
    auto appended =
        tiles_.append(leaf, [this](const TileName& name, std::string_view bytes) -> Result<void> {
          if (tiles_.size() > published_head_.size) return {};
          auto same = compare_tile(name, bytes);
          if (!same) return std::unexpected(std::move(same.error()));
          if (!*same) return fail(Reason::ledger_corrupt);
          return {};
        });
    if (!appended && appended.error().reason == Reason::ledger_corrupt) return false;
    if (!appended) return std::unexpected(std::move(appended.error()));
    if (progress_ && tiles_.size() % kProgressEvery == 0) progress_(tiles_.size());
    if (tiles_.size() != published_head_.size) continue;
    auto partial =
        tiles_.partials([this](const TileName& name, std::string_view bytes) -> Result<void> {
          auto same = compare_tile(name, bytes);
          if (!same) return std::unexpected(std::move(same.error()));
          if (!*same) return fail(Reason::ledger_corrupt);
          return {};
        });
    if (!partial && partial.error().reason == Reason::ledger_corrupt) return false;
    if (!partial) return std::unexpected(std::move(partial.error()));
  }
  return true;
}

Result<Verdict> Check::run() {
  auto count = segment_count(disk_, directory_);
  if (!count && count.error().reason == Reason::ledger_corrupt) {
    verdict_.problem = count.error().detail;
    return verdict_;
  }
  if (!count) return std::unexpected(std::move(count.error()));
  if (*count == 0) return fail(Reason::file_failed, directory_ + " holds no ledger");
  segments_ = *count;
  for (const auto step : {&Check::check_genesis, &Check::read_published, &Check::find_end}) {
    auto held = (this->*step)();
    if (!held) return std::unexpected(std::move(held.error()));
    if (!*held) return verdict_;
  }
  for (bool ended = false; !ended;) {
    auto held = walk_segment(ended);
    if (!held) return std::unexpected(std::move(held.error()));
    if (!*held) return verdict_;
    if (!std::exchange(again_, false)) continue;
    std::this_thread::sleep_for(kBetweenTries);
    ended = false;
  }
  if (verdict_.size == 0) verdict_.problem = "the log has no genesis entry";
  if (progress_) progress_(verdict_.size);
  return verdict_;
}

}  // namespace

Result<Verdict> verify_files(storage::Disk& disk, const std::string& directory,
                             const VerifierKey& log,
                             const std::function<void(std::uint64_t)>& progress) {
  return Check(disk, directory, log, progress).run();
}

Result<Verdict> verify_directory(const std::string& directory, std::string_view vkey,
                                 const std::function<void(std::uint64_t)>& progress) {
  auto key = parse_verifier_key(vkey);
  if (!key) return std::unexpected(std::move(key.error()));
  ReadOnlyDisk disk;
  return verify_files(disk, directory, *key, progress);
}

}  // namespace amanat::ledger
