#include "net/zip_write.h"

#include <gtest/gtest.h>

#include <random>

#include "net/zip.h"

namespace amanat::net {
namespace {

TEST(ZipWriter, WritesWhatTheReaderReads) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 dice(seed);
  std::vector<std::pair<std::string, std::string>> parts = {{"empty", ""}, {"a/b.xml", "<x/>"}};
  for (int i = 0; i < 5; ++i) {
    std::string content(dice() % 300'000, '\0');
    for (char& c : content) c = static_cast<char>('a' + dice() % (i + 1));
    parts.emplace_back("part" + std::to_string(i), std::move(content));
  }
  std::string archive;
  ZipWriter writer([&](std::string_view bytes) -> Result<void> {
    archive += bytes;
    return {};
  });
  for (const auto& [name, content] : parts) {
    ASSERT_TRUE(writer.begin(name));
    for (std::size_t at = 0; at < content.size(); at += 7001)
      ASSERT_TRUE(writer.write(std::string_view(content).substr(at, 7001)));
    ASSERT_TRUE(writer.end());
  }
  ASSERT_TRUE(writer.finish());
  const ReadAt read = [&](std::uint64_t at, std::size_t size, std::string& out) -> Result<void> {
    out += archive.substr(std::min<std::size_t>(at, archive.size()), size);
    return {};
  };
  auto entries = zip_entries(read, archive.size());
  ASSERT_TRUE(entries) << entries.error().detail;
  ASSERT_EQ(entries->size(), parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ((*entries)[i].name, parts[i].first);
    auto stream = ZipStream::open(read, (*entries)[i]);
    ASSERT_TRUE(stream) << stream.error().detail;
    std::string content;
    for (bool more = true; more;) {
      auto next = stream->next(1 << 16, content);
      ASSERT_TRUE(next) << next.error().detail;
      more = *next;
    }
    EXPECT_EQ(content, parts[i].second);
  }
}

TEST(ZipWriter, PassesOnWhatItsSinkFailsWith) {
  ZipWriter writer([](std::string_view) { return fail(Reason::disk_full, "here"); });
  auto begun = writer.begin("a");
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().reason, Reason::disk_full);
}

}  // namespace
}  // namespace amanat::net
