#include "ledger/projection.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kHash = 32, kPlaceBytes = 8;
constexpr const char* kDistrusted = "/damaged";

std::uint64_t tile_offset(const TileName& name) { return name.number * kTileWidth * kHash; }

bool same(std::string_view bytes, const Digest& d) { return bytes == crypto::text_of(d); }

}  // namespace

Result<std::unique_ptr<Projection>> Projection::open(storage::Disk& disk,
                                                     const std::string& ledger_directory) {
  const std::string directory = ledger_directory + "/tree";
  if (auto made = disk.make_directory(directory); !made)
    return std::unexpected(std::move(made.error()));
  return std::unique_ptr<Projection>(new Projection(disk, directory));
}

Result<storage::File*> Projection::file(unsigned which) const {
  insist(which <= kPlaces);
  auto& held = files_[which];
  if (!held) {
    const std::string name = which == kPlaces ? "/places" : "/level-" + std::to_string(which);
    auto opened = disk_.open(directory_ + name, storage::Disk::Open::create_or_existing);
    if (!opened) return std::unexpected(std::move(opened.error()));
    held = std::move(*opened);
  }
  return held.get();
}

Result<void> Projection::write(const Write& w) {
  const std::lock_guard lock(mutex_);
  auto f = file(w.file);
  if (!f) return std::unexpected(std::move(f.error()));
  return (*f)->write_at(w.offset, w.bytes);
}

Result<std::string> Projection::read(unsigned which, std::uint64_t offset,
                                     std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  auto f = file(which);
  if (!f) return std::unexpected(std::move(f.error()));
  std::string out;
  if (auto r = (*f)->read_at(offset, bytes, out); !r) return std::unexpected(std::move(r.error()));
  if (out.size() != bytes) return fail(Reason::ledger_corrupt, "tree files are too short");
  return out;
}

void Projection::distrust() {
  const std::lock_guard lock(mutex_);
  (void)storage::replace_file(disk_, directory_ + kDistrusted,
                              "");  // else the next reader says it again
}

Result<void> Projection::trust() {
  const std::lock_guard lock(mutex_);
  auto names = disk_.list(directory_);
  if (!names) return std::unexpected(std::move(names.error()));
  if (std::find(names->begin(), names->end(), kDistrusted + 1) == names->end()) return {};
  if (auto r = disk_.remove(directory_ + kDistrusted); !r) return r;
  return disk_.sync_directory(directory_);
}

bool Projection::resume(std::uint64_t size, const Digest& root) {
  const auto names = disk_.list(directory_);
  if (!names || std::find(names->begin(), names->end(), kDistrusted + 1) != names->end())
    return false;
  const auto found = root_at(size);
  if (!found || *found != root) return false;
  auto writer = TileWriter::resume(size, [this](const TileName& name) { return tile(name); });
  if (!writer) return false;
  if (size > 0 && !read(kPlaces, (size - 1) / kTileWidth * kPlaceBytes, kPlaceBytes)) return false;
  writer_ = std::move(*writer);
  pending_.clear();
  size_.store(size, std::memory_order_release);
  return true;
}

void Projection::resume_empty() {
  writer_ = TileWriter();
  pending_.clear();
  size_.store(0, std::memory_order_release);
}

void Projection::append(std::span<const Digest> leaves, const Place& frame) {
  insist(frame.offset % kBlock == 0);
  const TileWriter::Emit keep = [this](const TileName& name,
                                       std::string_view bytes) -> Result<void> {
    insist(name.level < kLevels);
    pending_.push_back({name.level, tile_offset(name), std::string(bytes)});
    return {};
  };
  for (const Digest& leaf : leaves) {
    if (writer_.size() % kTileWidth == 0) {
      std::string place;
      append_number(place, (std::uint64_t{frame.segment} << 32) | (frame.offset / kBlock));
      pending_.push_back({kPlaces, writer_.size() / kTileWidth * kPlaceBytes, std::move(place)});
    }
    const auto kept = writer_.append(leaf, keep);
    insist(kept.has_value());
  }
}

Result<void> Projection::flush() {
  std::size_t done = 0;
  for (; done < pending_.size(); ++done) {
    auto written = write(pending_[done]);
    if (written) continue;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
    return written;
  }
  pending_.clear();
  auto partial = writer_.partials([this](const TileName& name, std::string_view bytes) {
    return write({name.level, tile_offset(name), std::string(bytes)});
  });
  if (!partial) return partial;
  size_.store(writer_.size(), std::memory_order_release);
  return {};
}

Result<void> Projection::sync() {
  const std::lock_guard lock(mutex_);
  for (auto& f : files_)
    if (f)
      if (auto synced = f->sync(); !synced) return synced;
  return disk_.sync_directory(directory_);
}

Result<std::string> Projection::tile(const TileName& name) const {
  insist(name.kind == TileName::Kind::hashes && name.width >= 1 && name.width <= kTileWidth);
  if (name.level >= kLevels) return fail(Reason::ledger_corrupt, "no such tile level");
  return read(name.level, tile_offset(name), name.width * kHash);
}

Result<std::string> Projection::checked_tile(const TileName& name, std::uint64_t size,
                                             const Digest& root) const {
  const unsigned width = tile_width(name.level, name.number, size);
  insist(name.width >= 1 && name.width <= width);
  TileName at{TileName::Kind::hashes, name.level, name.number, width};
  auto bytes = tile(at);
  if (!bytes) return bytes;
  const auto wrong = [&name] {
    return fail(Reason::ledger_corrupt, tile_path(name) + " is not of this tree");
  };
  // A full tile's root is one hash of the tile above, and so on up to the right edge ...
  std::string climbing = *bytes;
  while (at.width == kTileWidth) {
    const Digest above = tile_root(climbing);
    const std::uint64_t place = at.number % kTileWidth;
    at = {TileName::Kind::hashes, at.level + 1, at.number / kTileWidth, 0};
    at.width = tile_width(at.level, at.number, size);
    auto next = tile(at);
    if (!next) return next;
    climbing = std::move(*next);
    if (!same(std::string_view(climbing).substr(place * kHash, kHash), above)) return wrong();
  }
  // ... every hash of which goes into the root.
  auto edge = root_at(size);
  if (!edge) return std::unexpected(std::move(edge.error()));
  if (*edge != root) return wrong();
  bytes->resize(name.width * kHash);
  return bytes;
}

Result<Place> Projection::frame_of(std::uint64_t index) const {
  insist(index < size());
  auto bytes = read(kPlaces, index / kTileWidth * kPlaceBytes, kPlaceBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  const auto value = load_number<std::uint64_t>(bytes->data());
  return Place{static_cast<std::uint32_t>(value >> 32), (value & 0xffffffffu) * kBlock};
}

Result<Digest> Projection::root_at(std::uint64_t size) const {
  TileTree tree(size, [this](const TileName& name) { return tile(name); });
  return root_of(size, tree.reader());
}

}  // namespace amanat::ledger
