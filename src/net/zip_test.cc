#include "net/zip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace amanat::net {
namespace {

void put(std::string& out, std::uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}

std::string deflated(const std::string& bytes) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, bytes.size()) + 16, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// Made is an archive of one entry that the directory names `times` times.
struct Made {
  std::string bytes;
  std::size_t directory = 0;
};
Made archive(const std::string& content, int times = 1, std::uint16_t flags = 0) {
  const std::string packed = deflated(content);
  std::string about;
  put(about, 20, 2);
  put(about, flags, 2);
  put(about, 8, 2);
  put(about, 0, 4);
  put(about, crc32(0, content), 4);
  put(about, packed.size(), 4);
  put(about, content.size(), 4);
  put(about, 5, 2);
  put(about, 0, 2);
  Made made;
  made.bytes = std::string("PK\3\4", 4) + about + "a.csv" + packed;
  made.directory = made.bytes.size();
  std::string directory;
  for (int i = 0; i < times; ++i) {
    directory += std::string("PK\1\2\x14\0", 6) + about;
    put(directory, 0, 6);
    put(directory, 0, 4);
    put(directory, 0, 4);
    directory += "a.csv";
  }
  made.bytes += directory + std::string("PK\5\6\0\0\0\0", 8);
  put(made.bytes, static_cast<std::uint64_t>(times), 2);
  put(made.bytes, static_cast<std::uint64_t>(times), 2);
  put(made.bytes, directory.size(), 4);
  put(made.bytes, made.directory, 4);
  put(made.bytes, 0, 2);
  return made;
}

ReadAt over(const std::string& bytes) {
  return [&bytes](std::uint64_t offset, std::size_t n, std::string& out) -> Result<void> {
    if (offset < bytes.size()) out.append(bytes, static_cast<std::size_t>(offset), n);
    return {};
  };
}

Result<std::string> unpack(const std::string& bytes, std::size_t piece) {
  const ReadAt read = over(bytes);
  auto entries = zip_entries(read, bytes.size());
  if (!entries) return std::unexpected(entries.error());
  auto stream = ZipStream::open(read, entries->at(0));
  if (!stream) return std::unexpected(stream.error());
  std::string out;
  for (;;) {
    auto more = stream->next(piece, out);
    if (!more) return std::unexpected(more.error());
    if (!*more) return out;
  }
}

std::string content() {
  std::mt19937 draw(1);
  std::string text;
  while (text.size() < 200'000) text += std::to_string(draw()) + ",abc\n";
  return text;
}

TEST(Zip, AnEntryComesOutWholeWhateverThePieces) {
  const std::string text = content();
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{65'536}, std::size_t{1'000'000}}) {
    auto out = unpack(archive(text).bytes, piece);
    ASSERT_TRUE(out.has_value());
    EXPECT_TRUE(*out == text);
  }
}

TEST(Zip, AChangedByteIsNoticed) {
  const Made made = archive(content());
  for (const std::size_t at : {made.directory / 3, made.directory / 2, made.directory - 3}) {
    std::string bytes = made.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    auto out = unpack(bytes, 65'536);
    ASSERT_FALSE(out.has_value()) << at;
    EXPECT_EQ(out.error().reason, Reason::archive_broken);
  }
}

TEST(Zip, EntriesThatOverlapAreRefused) {
  // The construction of "A better zip bomb": one kernel, many names.
  const std::string bytes = archive(content(), 3).bytes;
  auto entries = zip_entries(over(bytes), bytes.size());
  ASSERT_FALSE(entries.has_value());
  EXPECT_EQ(entries.error().reason, Reason::archive_broken);
}

TEST(Zip, ALockedEntryIsSaidToBeLocked) {
  auto out = unpack(archive(content(), 1, 1).bytes, 1000);
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().detail, "an encrypted entry");
}

TEST(Zip, CutOffAnywhereItFailsInOrder) {
  const std::string bytes = archive(content()).bytes;
  for (std::size_t n = 0; n < bytes.size(); n += 997)
    EXPECT_FALSE(unpack(bytes.substr(0, n), 65'536).has_value()) << n;
}

TEST(Zip, TooManyEntriesAreRefusedBeforeTheyAreRead) {
  const std::string bytes = archive("x", 20).bytes;
  ZipLimits limits;
  limits.entries_max = 10;
  EXPECT_EQ(zip_entries(over(bytes), bytes.size(), limits).error().detail, "too many entries");
}

}  // namespace
}  // namespace amanat::net
