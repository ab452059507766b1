#include "ledger/tile.h"

#include <algorithm>
#include <array>
#include <bit>

#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kHashBytes = sizeof(Digest);

// 256^level, or 0 where that exceeds every size.
std::uint64_t leaves_of(unsigned level) {
  return level >= 8 ? 0 : std::uint64_t{1} << (kTileHeight * level);
}

Digest digest_at(std::string_view hashes, std::size_t place) {
  insist((place + 1) * kHashBytes <= hashes.size());
  Digest digest;
  std::memcpy(digest.data(), hashes.data() + place * kHashBytes, kHashBytes);
  return digest;
}

// Reads "x001/x234/067" in the only way it can be spelt; `rest` is left behind it.
std::optional<std::uint64_t> parse_number(std::string_view& rest) {
  std::uint64_t number = 0;
  for (std::size_t groups = 0; groups < 7; ++groups) {
    const bool more = rest.starts_with('x');
    if (more) rest.remove_prefix(1);
    if (rest.size() < 3) return std::nullopt;
    std::uint64_t group = 0;
    for (const char c : rest.substr(0, 3)) {
      if (c < '0' || c > '9') return std::nullopt;
      group = group * 10 + static_cast<std::uint64_t>(c - '0');
    }
    rest.remove_prefix(3);
    if (groups == 0 && more && group == 0) return std::nullopt;  // x000/ first: a leading zero
    if (number > (UINT64_MAX - group) / 1000) return std::nullopt;
    number = number * 1000 + group;
    if (!more) return number;
    if (!rest.starts_with('/')) return std::nullopt;
    rest.remove_prefix(1);
  }
  return std::nullopt;
}

}  // namespace

std::string tile_path(const TileName& name) {
  insist(name.level <= kTileLevelMax);
  insist(name.width >= 1 && name.width <= kTileWidth);
  std::string path = "tile/";
  path += name.kind == TileName::Kind::entries ? "entries" : std::to_string(name.level);
  std::string groups;
  std::uint64_t rest = name.number;
  for (bool last = true; last || rest != 0; last = false, rest /= 1000) {
    std::string group = std::to_string(rest % 1000);
    group.insert(0, 3 - group.size(), '0');
    groups = (last ? "/" : "/x") + group + groups;
  }
  path += groups;
  if (name.width != kTileWidth) path += ".p/" + std::to_string(name.width);
  return path;
}

std::optional<TileName> parse_tile_path(std::string_view path) {
  constexpr std::string_view start = "tile/", entries = "entries/";
  if (!path.starts_with(start) || path.size() > 64) return std::nullopt;
  path.remove_prefix(start.size());
  TileName name;
  if (path.starts_with(entries)) {
    name.kind = TileName::Kind::entries;
    path.remove_prefix(entries.size());
  } else {
    const std::size_t slash = path.find('/');
    const auto level = slash == path.npos ? std::nullopt : parse_decimal(path.substr(0, slash));
    if (!level || *level > kTileLevelMax) return std::nullopt;
    name.level = static_cast<unsigned>(*level);
    path.remove_prefix(slash + 1);
  }
  const auto number = parse_number(path);
  if (!number) return std::nullopt;
  name.number = *number;
  if (path.empty()) return name;
  if (!path.starts_with(".p/")) return std::nullopt;
  const auto width = parse_decimal(path.substr(3));
  if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
  name.width = static_cast<unsigned>(*width);
  return name;
}

std::uint64_t tile_level_size(unsigned level, std::uint64_t size) {
  const std::uint64_t leaves = leaves_of(level);
  return leaves == 0 ? 0 : size / leaves;
}

unsigned tile_width(unsigned level, std::uint64_t number, std::uint64_t size) {
  const std::uint64_t hashes = tile_level_size(level, size);
  const std::uint64_t full = hashes / kTileWidth;
  if (number < full) return kTileWidth;
  return number == full ? static_cast<unsigned>(hashes % kTileWidth) : 0;
}

void append_bundle_entry(std::string& bundle, std::string_view entry) {
  insist(entry.size() <= kEntryBytesMax);
  bundle.push_back(static_cast<char>(entry.size() >> 8));
  bundle.push_back(static_cast<char>(entry.size() & 0xff));
  bundle += entry;
}

Result<std::vector<std::string_view>> parse_bundle(std::string_view bundle, unsigned width) {
  insist(width >= 1 && width <= kTileWidth);
  std::vector<std::string_view> entries;
  entries.reserve(width);
  for (unsigned i = 0; i < width; ++i) {
    if (bundle.size() < 2)
      return fail(Reason::ledger_corrupt, "a bundle has fewer entries than its name says");
    const std::size_t length = std::size_t{static_cast<unsigned char>(bundle[0])} << 8 |
                               static_cast<unsigned char>(bundle[1]);
    bundle.remove_prefix(2);
    if (bundle.size() < length)
      return fail(Reason::ledger_corrupt, "a bundle ends inside an entry");
    entries.push_back(bundle.substr(0, length));
    bundle.remove_prefix(length);
  }
  if (!bundle.empty())
    return fail(Reason::ledger_corrupt, "a bundle has more bytes than its entries");
  return entries;
}

Digest tile_root(std::string_view hashes) {
  std::size_t count = hashes.size() / kHashBytes;
  insist(hashes.size() % kHashBytes == 0 && std::has_single_bit(count) && count <= kTileWidth);
  std::array<Digest, kTileWidth> row;
  std::memcpy(row.data(), hashes.data(), hashes.size());
  for (; count > 1; count /= 2)
    for (std::size_t i = 0; i < count / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
  return row[0];
}

Result<TileWriter> TileWriter::resume(
    std::uint64_t size, const std::function<Result<std::string>(const TileName&)>& partial) {
  TileWriter writer;
  writer.size_ = size;
  for (unsigned level = 0; tile_level_size(level, size) != 0; ++level) {
    const std::uint64_t number = tile_level_size(level, size) / kTileWidth;
    const unsigned width = tile_width(level, number, size);
    writer.rows_.emplace_back();
    if (width == 0) continue;
    auto bytes = partial(TileName{TileName::Kind::hashes, level, number, width});
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() != width * kHashBytes)
      return fail(Reason::ledger_corrupt, "a partial tile of the wrong length");
    writer.rows_.back() = *std::move(bytes);
  }
  return writer;
}

Result<void> TileWriter::append(const Digest& leaf, const Emit& emit) {
  insist(size_ != UINT64_MAX);
  Digest carried = leaf;
  ++size_;
  for (unsigned level = 0;; ++level) {
    if (rows_.size() == level) rows_.emplace_back();
    std::string& row = rows_[level];
    row += crypto::text_of(carried);
    if (row.size() < kTileWidth * kHashBytes) return {};
    insist(row.size() == kTileWidth * kHashBytes);
    const std::uint64_t number = tile_level_size(level, size_) / kTileWidth - 1;
    if (auto emitted = emit(TileName{TileName::Kind::hashes, level, number, kTileWidth}, row);
        !emitted)
      return emitted;
    carried = tile_root(row);
    row.clear();
  }
}

Result<void> TileWriter::partials(const Emit& emit) const {
  for (unsigned level = 0; level < rows_.size(); ++level) {
    const std::string& row = rows_[level];
    if (row.empty()) continue;
    const std::uint64_t number = tile_level_size(level, size_) / kTileWidth;
    const auto width = static_cast<unsigned>(row.size() / kHashBytes);
    insist(width == tile_width(level, number, size_));
    if (auto emitted = emit(TileName{TileName::Kind::hashes, level, number, width}, row); !emitted)
      return emitted;
  }
  return {};
}

Digest TileWriter::root() const {
  // Each row folds to its maximal complete subtrees; they are those of the whole tree, smallest in
  // the lowest row, and fold from there.
  std::optional<Digest> root;
  for (const std::string& row : rows_) {
    CompactRange range;
    for (std::size_t i = 0; i < row.size() / kHashBytes; ++i) range.append(digest_at(row, i));
    for (std::size_t i = range.hashes().size(); i-- > 0;)
      root = root ? node_hash(range.hashes()[i], *root) : range.hashes()[i];
  }
  insist(root.has_value() == (size_ != 0));
  return root.value_or(empty_root());
}

TileTree::TileTree(std::uint64_t size, Fetch fetch) : size_(size), fetch_(std::move(fetch)) {
  insist(fetch_ != nullptr);
}

Result<const std::string*> TileTree::tile(unsigned level, std::uint64_t number) {
  if (held_.size() <= level) held_.resize(level + 1);
  Held& held = held_[level];
  const unsigned width = tile_width(level, number, size_);
  insist(width > 0);
  const TileName name{TileName::Kind::hashes, level, number, width};
  if (!held.bytes.empty() && held.name == name) return &held.bytes;
  auto bytes = fetch_(name);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() == kTileWidth * kHashBytes) bytes->resize(width * kHashBytes);
  if (bytes->size() != width * kHashBytes)
    return fail(Reason::ledger_corrupt, tile_path(name) + " has the wrong length");
  held = Held{name, *std::move(bytes)};
  return &held.bytes;
}

Result<Digest> TileTree::node(unsigned level, std::uint64_t index) {
  insist(level < 64 && index < size_ >> level);
  const unsigned tile_level = level / kTileHeight, height = level % kTileHeight;
  const std::uint64_t first = index << height;
  const auto bytes = tile(tile_level, first / kTileWidth);
  if (!bytes) return std::unexpected(bytes.error());
  const std::size_t place = first % kTileWidth, count = std::size_t{1} << height;
  if (count == 1) return digest_at(**bytes, place);
  return tile_root(std::string_view(**bytes).substr(place * kHashBytes, count * kHashBytes));
}

}  // namespace amanat::ledger
