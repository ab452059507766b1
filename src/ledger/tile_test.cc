#include "ledger/tile.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

using Kind = TileName::Kind;

TEST(Tile, PathsAreWrittenAsTheSpecificationWritesThem) {
  const std::pair<TileName, const char*> cases[] = {
      {{Kind::hashes, 0, 0, 256}, "tile/0/000"},
      {{Kind::hashes, 0, 1'234'067, 256}, "tile/0/x001/x234/067"},
      {{Kind::hashes, 1, 1'000, 5}, "tile/1/x001/000.p/5"},
      {{Kind::hashes, 63, 999, 255}, "tile/63/999.p/255"},
      {{Kind::entries, 0, 1'234'067, 256}, "tile/entries/x001/x234/067"},
      {{Kind::entries, 0, 3, 1}, "tile/entries/003.p/1"},
      {{Kind::hashes, 0, UINT64_MAX, 1}, "tile/0/x018/x446/x744/x073/x709/x551/615.p/1"}};
  for (const auto& [name, path] : cases) {
    EXPECT_EQ(tile_path(name), path);
    EXPECT_EQ(parse_tile_path(path), name) << path;
  }
}

TEST(Tile, AnyOtherPathIsNone) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/x000/000",
                           "tile/0/x000/x001/000",
                           "tile/0/001/000",
                           "tile/0/x001",
                           "tile/0/x001/",
                           "tile/0/x001/x002",
                           "tile/00/000",
                           "tile/64/000",
                           "tile/-1/000",
                           "tile/+1/000",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/000.p",
                           "tile/0/000.p/1/",
                           "tile/0/000 ",
                           "tile/0/000/",
                           "tile/0/0a0",
                           "tile/0/X001/000",
                           "tile/entry/000",
                           "/tile/0/000",
                           "tile//000",
                           "tile/0/../000",
                           "tile/entries/../0/000",
                           "tile/0/x018/x446/x744/x073/x709/x551/616",
                           "tile/0/x999/x999/x999/x999/x999/x999/999",
                           "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
                           "checkpoint",
                           "tile/0/%30%30%30",
                           "tile/8/0/000"})
    EXPECT_FALSE(parse_tile_path(path)) << path;
}

// The worked examples of the ledger page 1.5, and the edges around full tiles.
TEST(Tile, WidthsAreThoseOfTheSize) {
  EXPECT_EQ(tile_width(0, 272, 70'000), 256u);
  EXPECT_EQ(tile_width(0, 273, 70'000), 112u);
  EXPECT_EQ(tile_width(0, 274, 70'000), 0u);
  EXPECT_EQ(tile_width(1, 0, 70'000), 256u);
  EXPECT_EQ(tile_width(1, 1, 70'000), 17u);
  EXPECT_EQ(tile_width(2, 0, 70'000), 1u);
  EXPECT_EQ(tile_width(3, 0, 70'000), 0u);
  EXPECT_EQ(tile_width(0, 0, 0), 0u);
  const struct {
    std::uint64_t size;
    unsigned width[3][2];  // [level]{tile 0, tile 1}
  } edges[] = {{255, {{255, 0}, {0, 0}, {0, 0}}},        {256, {{256, 0}, {1, 0}, {0, 0}}},
               {257, {{256, 1}, {1, 0}, {0, 0}}},        {65'535, {{256, 256}, {255, 0}, {0, 0}}},
               {65'536, {{256, 256}, {256, 0}, {1, 0}}}, {65'537, {{256, 256}, {256, 0}, {1, 0}}}};
  for (const auto& edge : edges)
    for (unsigned level = 0; level < 3; ++level)
      for (unsigned number = 0; number < 2; ++number)
        EXPECT_EQ(tile_width(level, number, edge.size), edge.width[level][number])
            << edge.size << " level " << level;
  EXPECT_EQ(tile_width(0, 255, 65'535), 255u);
  EXPECT_EQ(tile_width(0, 255, 65'536), 256u);
  EXPECT_EQ(tile_width(0, 256, 65'537), 1u);
  EXPECT_EQ(tile_width(7, 0, UINT64_MAX), 255u);
  EXPECT_EQ(tile_width(8, 0, UINT64_MAX), 0u);
  EXPECT_EQ(tile_width(63, 0, UINT64_MAX), 0u);
}

TEST(Tile, ABundleIsReadAsItIsWritten) {
  std::string bundle;
  const std::string entries[] = {"", "one", std::string(kEntryBytesMax, 'm'),
                                 std::string("\0\xff", 2)};
  for (const std::string& entry : entries) append_bundle_entry(bundle, entry);
  const auto read = parse_bundle(bundle, 4);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*read)[i], entries[i]);
  for (const auto& [bytes, width] : {std::pair<std::string, unsigned>{bundle, 3},
                                     {bundle, 5},
                                     {bundle + "x", 4},
                                     {bundle.substr(0, bundle.size() - 1), 4},
                                     {"", 1},
                                     {std::string(1, '\0'), 1}}) {
    const auto refused = parse_bundle(bytes, width);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::ledger_corrupt);
  }
}

// A log of tiles in memory, as a server would serve it.
struct Tiles {
  std::map<std::string, std::string> files;
  std::vector<Digest> leaves;
  CompactRange range;
  TileWriter writer;

  TileWriter::Emit keep() {
    return [this](const TileName& name, std::string_view bytes) -> Result<void> {
      EXPECT_EQ(bytes.size(), name.width * 32u);
      EXPECT_TRUE(files.emplace(tile_path(name), bytes).second)
          << "written twice: " << tile_path(name);
      return {};
    };
  }
  void grow_to(std::size_t size) {
    while (leaves.size() < size) {
      leaves.push_back(leaf_hash(std::to_string(leaves.size())));
      range.append(leaves.back());
      ASSERT_TRUE(writer.append(leaves.back(), keep()));
    }
  }
  // The tree at the present size, partial tiles included.
  TileTree tree() {
    auto all = std::make_shared<std::map<std::string, std::string>>(files);
    EXPECT_TRUE(writer.partials([&](const TileName& name, std::string_view bytes) -> Result<void> {
      EXPECT_NE(name.width, kTileWidth);
      all->emplace(tile_path(name), bytes);
      return {};
    }));
    return TileTree(leaves.size(), [all](const TileName& name) -> Result<std::string> {
      const auto found = all->find(tile_path(name));
      if (found == all->end()) return fail(Reason::no_record, tile_path(name));
      return found->second;
    });
  }
};

TEST(Tile, TheTreeReadFromTilesIsTheTreeThatWasWritten) {
  Tiles tiles;
  EXPECT_EQ(tiles.writer.root(), empty_root());
  for (const std::size_t size :
       {1u, 2u, 255u, 256u, 257u, 511u, 512u, 513u, 1'000u, 65'535u, 65'536u, 65'537u, 70'000u}) {
    tiles.grow_to(size);
    TileTree tree = tiles.tree();
    const auto root = root_of(size, tree.reader());
    ASSERT_TRUE(root) << size << ": " << root.error().detail;
    EXPECT_EQ(*root, tiles.range.root()) << size;
    EXPECT_EQ(tiles.writer.root(), tiles.range.root()) << size;
    for (const std::size_t i : {std::size_t{0}, size / 3, size / 2, size - 1}) {
      const auto path = inclusion_path(i, size, tree.reader());
      ASSERT_TRUE(path);
      EXPECT_TRUE(verify_inclusion(i, size, tiles.leaves[i], *path, *root)) << i << " of " << size;
    }
  }
  // 273 full tiles of level 0 and one of level 1; nothing else was ever written.
  EXPECT_EQ(tiles.files.size(), 274u);
  EXPECT_TRUE(tiles.files.contains("tile/0/272"));
  EXPECT_TRUE(tiles.files.contains("tile/1/000"));
}

TEST(Tile, ConsistencyIsProvedFromTheLargerTreesTiles) {
  Tiles tiles;
  tiles.grow_to(70'000);
  TileTree tree = tiles.tree();
  const Digest root = tiles.range.root();
  CompactRange older;
  for (std::size_t m = 1; m <= 70'000; ++m) {
    older.append(tiles.leaves[m - 1]);
    if (m % 997 != 0 && m > 3 && (m + 1) % 256 > 2 && m < 69'998) continue;
    const auto path = consistency_path(m, 70'000, tree.reader());
    ASSERT_TRUE(path);
    ASSERT_TRUE(verify_consistency(m, 70'000, *path, older.root(), root)) << m;
  }
}

TEST(Tile, AWriterResumesWhereItStopped) {
  for (const std::size_t stop : {0u, 1u, 255u, 256u, 300u, 65'536u, 65'800u}) {
    Tiles whole, resumed;
    resumed.grow_to(stop);
    std::map<std::string, std::string> partials;
    ASSERT_TRUE(
        resumed.writer.partials([&](const TileName& name, std::string_view bytes) -> Result<void> {
          partials.emplace(tile_path(name), bytes);
          return {};
        }));
    auto writer = TileWriter::resume(stop, [&](const TileName& name) -> Result<std::string> {
      return partials.at(tile_path(name));
    });
    ASSERT_TRUE(writer);
    EXPECT_EQ(writer->size(), stop);
    resumed.writer = *std::move(writer);
    resumed.grow_to(stop + 700);
    whole.grow_to(stop + 700);
    EXPECT_EQ(resumed.files, whole.files) << stop;
  }
  const auto refused = TileWriter::resume(
      300, [](const TileName&) -> Result<std::string> { return std::string(31, 'x'); });
  EXPECT_EQ(refused.error().reason, Reason::ledger_corrupt);
  EXPECT_EQ(
      TileWriter::resume(
          300, [](const TileName&) -> Result<std::string> { return fail(Reason::file_failed); })
          .error()
          .reason,
      Reason::file_failed);
}

TEST(Tile, AFullTileServesWhereThePartialIsGone) {
  Tiles tiles;
  tiles.grow_to(512);
  const auto files = tiles.files;
  CompactRange older;
  for (std::size_t i = 0; i < 300; ++i) older.append(tiles.leaves[i]);
  TileTree tree(300, [&](const TileName& name) -> Result<std::string> {
    TileName full = name;
    if (name.level == 0) full.width = kTileWidth;
    const auto found = files.find(tile_path(full));
    if (found != files.end()) return found->second;
    return std::string(crypto::text_of(tile_root(files.at("tile/0/000"))));
  });
  EXPECT_EQ(root_of(300, tree.reader()).value_or(Digest{}), older.root());
}

TEST(Tile, ATileOfTheWrongLengthOrAFailedFetchIsReported) {
  TileTree wrong(300, [](const TileName&) -> Result<std::string> { return std::string(33, 'x'); });
  EXPECT_EQ(root_of(300, wrong.reader()).error().reason, Reason::ledger_corrupt);
  TileTree failing(
      300, [](const TileName&) -> Result<std::string> { return fail(Reason::file_failed); });
  EXPECT_EQ(root_of(300, failing.reader()).error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::ledger
