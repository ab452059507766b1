#pragma once
// Tiles and entry bundles (C2SP tlog-tiles v0.1.0): their names, their bytes, writing them as the
// log grows and reading a tree from them. Functions are thread-safe, objects have one owner.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/proof.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr unsigned kTileWidth = 256, kTileHeight = 8, kTileLevelMax = 63;
inline constexpr std::size_t kEntryBytesMax = 65535;

/// TileName names a tile of hashes or a bundle of entries. Width 256 is a full one.
struct TileName {
  enum class Kind : std::uint8_t { hashes, entries } kind = Kind::hashes;
  unsigned level = 0;  // 0 for entries
  std::uint64_t number = 0;
  unsigned width = kTileWidth;  // 1..256
  friend bool operator==(const TileName&, const TileName&) = default;
};

/// tile_path writes "tile/0/x001/x234/067", "tile/2/000.p/17", "tile/entries/000.p/1".
std::string tile_path(const TileName& name);
/// parse_tile_path reads exactly what tile_path writes, nothing else ("W" is 1..255).
std::optional<TileName> parse_tile_path(std::string_view path);

/// tile_width is how many hashes (or entries, at level 0) tile `number` has in a log of `size`
/// entries: 256 for a full tile, 0 if there is none.
unsigned tile_width(unsigned level, std::uint64_t number, std::uint64_t size);
/// tile_level_size is how many hashes level `level` has in a log of `size` entries: size /
/// 256^level.
std::uint64_t tile_level_size(unsigned level, std::uint64_t size);

/// append_bundle_entry writes u16 length || entry. insists on at most kEntryBytesMax bytes.
void append_bundle_entry(std::string& bundle, std::string_view entry);
/// parse_bundle splits a bundle of exactly `width` entries; views into `bundle`.
/// Errors: ledger_corrupt.
Result<std::vector<std::string_view>> parse_bundle(std::string_view bundle, unsigned width);

/// TileWriter cuts a growing row of leaf hashes into tiles of all levels. Full tiles are handed out
/// as they fill; the partial ones of the present size on request.
class TileWriter {
 public:
  /// Emit gets each tile once it is full: its name and its 8,192 bytes.
  using Emit = std::function<Result<void>(const TileName&, std::string_view bytes)>;

  TileWriter() = default;
  /// resume continues at `size` leaves; `partial(name)` gives the bytes of each partial tile of
  /// that size. Errors: those of `partial`; ledger_corrupt if it gives another number of bytes.
  static Result<TileWriter> resume(
      std::uint64_t size, const std::function<Result<std::string>(const TileName&)>& partial);

  Result<void> append(const Digest& leaf, const Emit& emit);
  /// partials hands out the partial tiles of the present size, lowest level first; none is empty.
  Result<void> partials(const Emit& emit) const;
  /// root is the root of the size() leaves; a few hundred node hashes.
  Digest root() const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<std::string> rows_;  // [level]: hashes of the tile being filled, 32 bytes each
};

/// TileTree reads nodes of the tree of `size` leaves from tiles, keeping the tiles it last used.
/// Hand read() to the makers in proof.h.
class TileTree {
 public:
  /// Fetch gives the bytes of a tile. A source without a partial tile may give the full one.
  using Fetch = std::function<Result<std::string>(const TileName&)>;

  TileTree(std::uint64_t size, Fetch fetch);
  /// node is the complete subtree's root at a binary level. insists that it lies within the size.
  /// Errors: those of fetch; ledger_corrupt if a tile has another number of bytes.
  Result<Digest> node(unsigned level, std::uint64_t index);
  ReadNode reader() {
    return [this](unsigned level, std::uint64_t index) { return node(level, index); };
  }

 private:
  struct Held {
    TileName name;
    std::string bytes;
  };
  Result<const std::string*> tile(unsigned level, std::uint64_t number);

  std::uint64_t size_;
  Fetch fetch_;
  std::vector<Held> held_;  // [tile level]: the tile last used
};

/// tile_root is the root of `count` hashes (a power of two, at most 256) laid side by side.
Digest tile_root(std::string_view hashes);

}  // namespace amanat::ledger
