#pragma once
// A log as a static folder, for tests of verifiers: made with the tile writer alone, without a
// ledger. Its entries have Amanat's public form.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/tile.h"
#include "ledger/tree.h"

namespace amanat::ledger {

/// TestFolder is a new empty folder, removed at the end.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "amanat-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void write_text(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// test_entry is a GENESIS at index 0, DISCLOSURE entries after it, one a millisecond.
inline std::string test_entry(std::uint64_t index) {
  std::string entry(index == 0 ? 138 : 106, '\0');
  entry[0] = 1;
  entry[1] = index == 0 ? 8 : 1;
  const std::uint64_t time = 1'785'000'000'000 + index;
  for (std::size_t i = 0; i < 8; ++i) entry[2 + i] = static_cast<char>(time >> (56 - 8 * i));
  for (std::size_t i = 10; i < 106; ++i) entry[i] = static_cast<char>(index * 31 + i * 7);
  return entry;
}

inline const NoteSigner& test_signer() {
  static const NoteSigner signer("log.example.org/test", Key256{});
  return signer;
}

/// export_folder writes `size` entries as a static log and returns the signed checkpoint.
inline std::string export_folder(
    const std::filesystem::path& folder, std::uint64_t size,
    const std::function<std::string(std::uint64_t)>& entry_at = test_entry) {
  const auto write_tile = [&](const TileName& name, std::string_view bytes) -> Result<void> {
    write_text(folder / tile_path(name), bytes);
    return {};
  };
  TileWriter writer;
  std::string bundle;
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::string entry = entry_at(i);
    append_bundle_entry(bundle, entry);
    EXPECT_TRUE(writer.append(leaf_hash(entry), write_tile));
    const unsigned width = static_cast<unsigned>(i % kTileWidth) + 1;
    if (width == kTileWidth || i + 1 == size) {
      write_text(folder / tile_path({TileName::Kind::entries, 0, i / kTileWidth, width}), bundle);
      bundle.clear();
    }
  }
  EXPECT_TRUE(writer.partials(write_tile));
  const std::string text = checkpoint_text(test_signer().verifier().name, size, writer.root());
  const std::string note = test_signer().sign(text) + grease_lines(test_signer().verifier().name);
  write_text(folder / "checkpoint", note);
  return note;
}

}  // namespace amanat::ledger
