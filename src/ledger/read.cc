// What a running ledger shows: tiles and bundles of the published tree, receipts, scans, exports.
// Tiles come from the projections, entries from the frames; both are checked against the published
// root before they leave, so that a damaged disk is refused, not served.

#include <cstring>
#include <future>

#include "ledger/big_endian.h"
#include "ledger/cose.h"
#include "ledger/entry.h"
#include "ledger/frame_reader.h"
#include "ledger/proof.h"
#include "ledger/state.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

std::string_view hash_at(std::string_view tile, std::size_t place) {
  return tile.substr(place * 32, 32);
}

}  // namespace

// bundle makes entries [256 * number, + width) out of their frames.
Result<std::string> Ledger::bundle(std::uint64_t number, unsigned width) const {
  const State& s = *state_;
  const auto head = s.publisher->head();
  auto hashes = s.projection->checked_tile({TileName::Kind::hashes, 0, number, width}, head->size,
                                           head->root);
  if (!hashes) return hashes;
  const std::uint64_t first = number * kTileWidth;
  auto place = s.projection->frame_of(first);
  if (!place) return std::unexpected(std::move(place.error()));
  FrameReader frames(*s.disk, s.options.directory, s.log, *place);
  Frame frame;
  std::string out;
  for (std::uint64_t next = first; next < first + width;) {
    if (auto r = frames.next(frame); !r) return std::unexpected(std::move(r.error()));
    if (frame.head.first > next)
      return fail(Reason::ledger_corrupt, text_of_place(frames.place()) + ": entry " +
                                              std::to_string(next) + " is not here");
    for (std::uint64_t i = next - frame.head.first; i < frame.items.size() && next < first + width;
         ++i, ++next) {
      const auto entry = frame.items[i].entry;
      if (entry.empty()) return fail(Reason::pruned, "entry " + std::to_string(next));
      if (crypto::text_of(leaf_hash(entry)) != hash_at(*hashes, next - first))
        return fail(Reason::ledger_corrupt,
                    "entry " + std::to_string(next) + " is not the one in the tree");
      append_bundle_entry(out, entry);
    }
  }
  return out;
}

Result<std::string> Ledger::resource(std::string_view path) const {
  const auto name = parse_tile_path(path);
  if (!name) return fail(Reason::no_record, "not the name of a tile");
  const auto head = state_->publisher->head();
  if (name->width > tile_width(name->level, name->number, head->size))
    return fail(Reason::no_record, "beyond the published tree");
  // Only what ends at or below the minimum may be refused (C2SP tlog-tiles, pruning).
  if (name->kind == TileName::Kind::entries &&
      name->number * kTileWidth + kTileWidth <= number(minimum().index))
    return fail(Reason::pruned, "below the minimum index");
  auto bytes = name->kind == TileName::Kind::entries
                   ? bundle(name->number, name->width)
                   : state_->projection->checked_tile(*name, head->size, head->root);
  if (!bytes && bytes.error().reason == Reason::pruned) return bytes;
  if (!bytes) {
    // The frames are the truth: the next start makes the tree files again from them.
    if (bytes.error().reason == Reason::ledger_corrupt) state_->projection->distrust();
    state_->alarm("not served: " + bytes.error().detail);
    return fail(Reason::store_failed, bytes.error().detail);
  }
  return bytes;
}

// The public bytes of one entry; they are checked with the path that proves them.
Result<std::string> Ledger::entry_at(std::uint64_t index) const {
  const State& s = *state_;
  auto place = s.projection->frame_of(index);
  if (!place) return std::unexpected(std::move(place.error()));
  FrameReader frames(*s.disk, s.options.directory, s.log, *place);
  Frame frame;
  do {
    if (auto r = frames.next(frame); !r) return std::unexpected(std::move(r.error()));
  } while (frame.head.first + frame.items.size() <= index);
  if (frame.head.first > index)
    return fail(Reason::ledger_corrupt, "entry " + std::to_string(index) + " is not here");
  const auto& item = frame.items[index - frame.head.first];
  if (item.entry.empty()) return fail(Reason::pruned, "entry " + std::to_string(index));
  return std::string(item.entry);
}

Result<std::string> Ledger::prove(EntryIndex index) const {
  const State& s = *state_;
  const auto head = s.publisher->head();
  if (number(index) >= head->size) return fail(Reason::no_record, "not published yet");
  auto there = entry_at(number(index));
  if (!there) return there;
  const std::string_view entry = *there;
  TileTree tree(head->size, [&s](const TileName& name) { return s.projection->tile(name); });
  auto path = inclusion_path(number(index), head->size, tree.reader());
  if (!path) return std::unexpected(std::move(path.error()));
  if (auto r = verify_inclusion(number(index), head->size, leaf_hash(entry), *path, head->root); !r)
    return fail(Reason::ledger_corrupt,
                "the tree files do not prove entry " + std::to_string(number(index)));
  std::string out;
  std::vector<VerifierKey> kept{s.signer->verifier()};
  kept.insert(kept.end(), s.known.begin(), s.known.end());
  append_tlog_proof(out, entry, number(index), *path, keep_lines(head->checkpoint, kept));
  return out;
}

Result<std::string> Ledger::prove_cose(EntryIndex index, const crypto::Ed25519Signer& key) const {
  auto text = prove(index);
  if (!text) return text;
  const auto proof = parse_tlog_proof(*text);
  insist(proof.has_value());
  const auto opened = open_checkpoint(proof->checkpoint, state_->signer->verifier());
  insist(opened.has_value());
  if (proof->path.empty())
    return fail(Reason::no_record, "a tree of one entry has no COSE receipt");
  return cose_inclusion(key, opened->checkpoint.size, number(index), proof->path,
                        opened->checkpoint.root);
}

namespace {

// What the exchange itself may read of an entry. An opening that cannot be opened (its key was
// destroyed, say) leaves only the public part.
Opened opened_of(const Frame::Item& item, const PublicEntry& entry, EntryIndex index,
                 const KeyOfSlice& key_of) {
  Opened out;
  out.index = index;
  out.type = entry.type;
  out.time = entry.time;
  const auto slice = slice_of(item.opening);
  if (!slice) return out;
  out.slice_id = *slice;
  auto key = key_of(std::span<const std::uint8_t, 16>(*slice));
  if (!key) return out;
  auto opening = unseal(item.opening, *key, entry);
  if (!opening) return out;
  out.nonce = opening->nonce;
  out.subject = opening->subject;
  out.actor = opening->actor;
  out.parts = std::move(opening->parts);
  out.evidence = std::move(opening->evidence);
  return out;
}

}  // namespace

Result<Digest> Ledger::root_at(std::uint64_t size) const {
  if (size > state_->projection->size()) return fail(Reason::no_record, "not in the tree files yet");
  return state_->projection->root_at(size);
}

namespace {

constexpr std::size_t kTogether = 4096;  // entries opened by several threads at a time

// Block is a run of entries on their way from the frames to the visitor.
struct Block {
  struct Item {
    EntryIndex index{};
    PublicEntry entry;
    std::size_t at, size;  // of its opening in `bytes`
  };
  std::string bytes;
  std::vector<Item> items;
  std::vector<Opened> opened;
  std::vector<std::future<void>> working;

  void open_some(std::size_t from, std::size_t to, const KeyOfSlice& key_of) {
    for (std::size_t i = from; i < to; ++i) {
      const Item& item = items[i];
      const Frame::Item frame{{}, std::string_view(bytes).substr(item.at, item.size)};
      opened[i] = opened_of(frame, item.entry, item.index, key_of);
    }
  }
  void open(const KeyOfSlice& key_of, unsigned threads) {
    opened.resize(items.size());
    const std::size_t share = items.size() / threads + 1;
    for (std::size_t from = 0; from < items.size(); from += share)
      working.push_back(std::async(std::launch::async, [this, from, share, &key_of] {
        open_some(from, std::min(items.size(), from + share), key_of);
      }));
  }
  void wait() {
    for (auto& one : working) one.get();
    working.clear();
  }
};

// Entries gives the entries of a running log from one on, in their order.
class Entries {
 public:
  Entries(storage::Disk& disk, const std::string& directory, const Digest& log, const Place& place,
          std::uint64_t next, std::uint64_t end)
      : frames_(disk, directory, log, place), next_(next), end_(end) {}

  // What retention took is passed over.
  Result<bool> take(PublicEntry& entry, std::string_view& opening, EntryIndex& index) {
    for (;; ++at_, ++next_) {
      if (next_ >= end_) return false;
      while (at_ >= frame_.items.size()) {
        if (auto r = frames_.next(frame_); !r) return std::unexpected(std::move(r.error()));
        if (frame_.head.first > next_) return wrong("first index");
        at_ = next_ - frame_.head.first;
      }
      if (!frame_.items[at_].entry.empty()) break;
    }
    index = EntryIndex{next_};
    auto decoded = decode_entry(frame_.items[at_].entry);
    if (!decoded) return wrong(decoded.error().detail);
    entry = *std::move(decoded);
    opening = frame_.items[at_].opening;
    ++at_;
    ++next_;
    return true;
  }

 private:
  std::unexpected<Failure> wrong(const std::string& what) const {
    return fail(Reason::ledger_corrupt, text_of_place(frames_.place()) + ": " + what);
  }
  FrameReader frames_;
  Frame frame_;
  std::uint64_t next_, at_ = 0;
  const std::uint64_t end_;
};

Result<void> fill(Block& block, Entries& entries) {
  block.bytes.clear();
  block.items.clear();
  while (block.items.size() < kTogether) {
    Block::Item item{};
    std::string_view opening;
    auto more = entries.take(item.entry, opening, item.index);
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) break;
    item.at = block.bytes.size();
    item.size = opening.size();
    block.bytes += opening;
    block.items.push_back(std::move(item));
  }
  return {};
}

}  // namespace

Result<void> Ledger::scan(EntryIndex from, const KeyOfSlice& key_of,
                          const std::function<bool(const Opened&)>& visit, unsigned threads) const {
  const State& s = *state_;
  insist(key_of != nullptr && visit != nullptr && threads > 0);
  const std::uint64_t end = size();
  const std::uint64_t begin = number(from);
  if (begin >= end) return {};
  const std::uint64_t projected = s.projection->size();
  insist(projected > 0);
  auto place = s.projection->frame_of(std::min(begin, projected - 1));
  if (!place) return std::unexpected(std::move(place.error()));
  Entries entries(*s.disk, s.options.directory, s.log, *place, begin, end);
  if (threads == 1) {
    Frame::Item item;
    PublicEntry entry;
    for (;;) {
      EntryIndex index{};
      auto more = entries.take(entry, item.opening, index);
      if (!more) return std::unexpected(std::move(more.error()));
      if (!*more || !visit(opened_of(item, entry, index, key_of))) return {};
    }
  }
  // While one block is visited the next is opened.
  Block now, next;
  if (auto r = fill(now, entries); !r) return r;
  now.open(key_of, threads);
  now.wait();
  while (!now.items.empty()) {
    auto filled = fill(next, entries);
    if (filled) next.open(key_of, threads);
    bool more = true;
    for (std::size_t i = 0; i < now.opened.size() && more; ++i) more = visit(now.opened[i]);
    next.wait();
    if (!more) return {};
    if (!filled) return filled;
    std::swap(now, next);
  }
  return {};
}

Result<Receipt> Ledger::receipt_of_export(EntryIndex index, const KeyOfSlice& key_of) const {
  const State& s = *state_;
  const std::uint64_t at = number(index), projected = s.projection->size();
  if (at >= size()) return fail(Reason::no_record, "there is no such entry");
  auto place = s.projection->frame_of(std::min(at, projected - 1));
  if (!place) return std::unexpected(std::move(place.error()));
  FrameReader frames(*s.disk, s.options.directory, s.log, *place);
  Frame frame;
  do {
    if (auto r = frames.next(frame); !r) return std::unexpected(std::move(r.error()));
    if (frame.head.first > at)
      return fail(Reason::ledger_corrupt, text_of_place(frames.place()) + ": first index");
  } while (at - frame.head.first >= frame.items.size());
  const Frame::Item& item = frame.items[at - frame.head.first];
  if (item.entry.empty()) return fail(Reason::pruned, "entry " + std::to_string(at));
  auto entry = decode_entry(item.entry);
  if (!entry) return fail(Reason::ledger_corrupt, entry.error().detail);
  const Opened opened = opened_of(item, *entry, index, key_of);
  const std::string& released =
      opened.parts[static_cast<std::size_t>(BodyPart::released_digest) - 1];
  Receipt::Content content;
  if (entry->type != EntryType::export_ || released.size() != content.released.size())
    return fail(Reason::no_record, "no EXPORT whose opening can be read");
  std::memcpy(content.released.data(), released.data(), released.size());
  content.bulk = Receipt::Range{EntryIndex{load_number<std::uint64_t>(entry->tail.data())},
                                load_number<std::uint32_t>(entry->tail.data() + 8)};
  Receipt::Entry& kept = content.entries.emplace_back();
  kept.index = index;
  kept.time = entry->time;
  if (auto proof = prove(index)) kept.proof = *std::move(proof);  // none until it is published
  return Receipt(std::move(content));
}

namespace {

Result<void> write_plain(storage::Disk& disk, const std::string& path, std::string_view bytes) {
  if (auto r = disk.make_directory(path.substr(0, path.find_last_of('/'))); !r) return r;
  auto file = disk.open(path, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto r = (*file)->truncate(0); !r) return r;
  return (*file)->write_at(0, bytes);
}

}  // namespace

Result<void> Ledger::export_to(const std::string& directory) const {
  storage::Disk& disk = *state_->disk;
  const auto head = state_->publisher->head();  // what is served from now on covers it
  const auto put = [&](const TileName& name) -> Result<void> {
    const std::string path = tile_path(name);
    auto bytes = resource(path);
    if (!bytes && bytes.error().reason == Reason::pruned) return {};
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    return write_plain(disk, directory + "/" + path, *bytes);
  };
  for (unsigned level = 0; level < 8; ++level)
    for (std::uint64_t n = 0;; ++n) {
      const unsigned width = tile_width(level, n, head->size);
      if (width == 0) break;
      if (auto r = put({TileName::Kind::hashes, level, n, width}); !r) return r;
      if (level > 0) continue;
      if (auto r = put({TileName::Kind::entries, 0, n, width}); !r) return r;
    }
  return write_plain(disk, directory + "/checkpoint", head->checkpoint);
}

}  // namespace amanat::ledger
