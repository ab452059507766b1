#include "trace/extraction.h"

#include <gtest/gtest.h>

#include <random>

#include "trace/bundle.h"

namespace amanat::trace {
namespace {

Extraction one() {
  Extraction x;
  x.leak_bytes = 10;
  x.leak_day = "2026-11-20";
  x.origin = "exchange.test/one";
  x.tree_size = 12;
  x.catalogue = 1;
  x.unknown = 3;
  x.clusters = {{0, {}}};
  x.erased = {{0, 1, 2}};
  x.foreign = {{0, 4}};
  x.rows = {{1, 0, 20, 0, {}}, {2, 20, 20, 0, {}}};
  x.symbols = {{1, 100, {1, 2}, 0, 1, 1, 2}, {2, 100, {1, 2}, 0, 0, 1, 2}};
  x.sources = {{1, {5, 7}}, {2, {7}}};
  x.strays = SealedStrays{StrayKind::pairs, 3, {}};
  x.held = {{3, 416, 2}, {4, 416, 1}};
  x.rekeyed = {{3, 416}};
  x.accounts = {{3, 416, 10'500}};
  x.candidates = 1;
  return x;
}

TEST(Extraction, ComesBackAsItWasWritten) {
  const std::string text = write_extraction(one());
  const auto back = parse_extraction(text);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(write_extraction(*back), text);
  EXPECT_EQ(back->sources, one().sources);
}

TEST(Extraction, HasOneSpelling) {
  const std::string text = write_extraction(one());
  const std::pair<const char*, const char*> changes[] = {{"unknown 3", "unknown 03"},
                                                         {"unknown 3", "unknown  3"},
                                                         {"alpha 1e-9", "alpha 1e-8"},
                                                         {"test e", "test f"},
                                                         {"row 1 0 20", "row 3 0 20"},
                                                         {"src 1 5 7", "src 1 7 5"},
                                                         {"src 1 5 7", "src 1 5 5"},
                                                         {"src 2 7\n", "src 9 7\n"},
                                                         {"2026-11-20", "2026-13-20"},
                                                         {"nc 1\n", "nc 1\n\n"},
                                                         {"nc 1\n", "nc 1"},
                                                         {"nc 1\n", "nc 1\nnc 1\n"},
                                                         {"acct 3 416 10500", "acct 3 416"},
                                                         {"erased 0 1 2", "erased 0 1 2 "},
                                                         {"foreign 0 4\n", ""},
                                                         {"strays pairs 3", "strays pears 3"},
                                                         {"strays pairs 3", "strays pairs 0"},
                                                         {"held 3 416 2\n", "held 3 416 0\n"},
                                                         {"held 4 416 1\n", "held 3 416 3\n"},
                                                         {"rekeyed 3 416\n", "rekeyed 3\n"},
                                                         {" 0 1 1 2\n", " 0 1 2 2\n"}};
  for (const auto& [from, to] : changes) {
    SCOPED_TRACE(std::string(from) + " -> " + to);
    std::string changed = text;
    const auto at = changed.find(from);
    ASSERT_NE(at, std::string::npos);
    changed.replace(at, std::string_view(from).size(), to);
    const auto parsed = parse_extraction(changed);
    // A line less is another extraction; everything else is none.
    if (*to == '\0')
      EXPECT_TRUE(parsed);
    else if (parsed)
      ADD_FAILURE() << "accepted";
    else
      EXPECT_EQ(parsed.error().reason, Reason::evidence_malformed);
  }
}

TEST(Bundle, AContainerHasOneSpelling) {
  const Files files = {
      {"extraction", "text\n"}, {"rows/1", ""}, {"keys/3-416", std::string(700, 'k')}};
  const std::string bytes = write_container(files);
  const auto back = read_container(bytes);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, files);
  std::mt19937_64 random(3);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] ^= static_cast<char>(1 << (random() % 8));
    const auto read = read_container(changed);
    if (read) EXPECT_NE(*read, files) << at;
  }
  for (std::size_t size = 0; size < bytes.size(); size += 37)
    EXPECT_FALSE(read_container(std::string_view(bytes).substr(0, size))) << size;
}

TEST(Bundle, PathsLeadNowhereElse) {
  for (const char* good : {"manifest", "rows/1", "keys/year-2026.tlog-proof"})
    EXPECT_TRUE(valid_path(good)) << good;
  for (const char* bad :
       {"", "/etc/passwd", "rows/../../x", "..", "rows//1", "rows/", "a b", "a\\b"})
    EXPECT_FALSE(valid_path(bad)) << bad;
}

TEST(Bundle, TheManifestIsOfExactlyTheseFiles) {
  Files files = {{"extraction", "x"}, {"rows/1", "y"}, {"verdict.tlog-proof", "z"}};
  files["manifest"] = manifest_of(files);
  EXPECT_TRUE(check_manifest(files));
  Files changed = files;
  changed["rows/1"] = "Y";
  EXPECT_FALSE(check_manifest(changed));
  changed = files;
  changed["rows/2"] = "";
  EXPECT_FALSE(check_manifest(changed));
  changed = files;
  changed.erase("rows/1");
  EXPECT_FALSE(check_manifest(changed));
  changed = files;
  changed["manifest"] += changed["manifest"];
  EXPECT_FALSE(check_manifest(changed));
}

}  // namespace
}  // namespace amanat::trace
