#include "disclosure/rows.h"

#include <gtest/gtest.h>

#include <random>

#include "disclosure/spool.h"
#include "storage/scratch.h"

namespace amanat::disclosure {
namespace {

constexpr const char* kShare =
    R"x({"citizen":"3520200353346","records":{"a.people":[{"name":"=cmd()","source":"a",)x"
    R"x("date":"2026-01-01"}],"t.lines":[{"number":"+923001234567","source":"t","date":"2026-02-02"},)x"
    R"x({"number":"923007654321","source":"t","date":"2026-02-03"}]},)x"
    R"x("withheld":[{"field":"a.people.born","reason":"no-record","next":"x"}]})x";

const std::vector<std::string> kFields = {"a.people.born", "a.people.name", "t.lines.number"};

TEST(Rows, ACsvHasARowForEachRecordAndNoFormula) {
  RowWriter writer(RowFormat::csv, kFields);
  EXPECT_EQ(writer.head(),
            "citizen,dataset,source,date,a.people.born,a.people.name,t.lines.number,withheld\r\n");
  std::uint64_t count = 0;
  auto rows = writer.rows(kShare, count);
  ASSERT_TRUE(rows);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(*rows,
            "3520200353346,a.people,a,2026-01-01,,'=cmd(),,a.people.born=no-record\r\n"
            "3520200353346,t.lines,t,2026-02-02,,,'+923001234567,\r\n"
            "3520200353346,t.lines,t,2026-02-03,,,923007654321,\r\n");
}

TEST(Rows, ACitizenWithoutRecordsHasOneRowThatSaysWhy) {
  RowWriter writer(RowFormat::csv, {"a.people.name"});
  std::uint64_t count = 0;
  auto rows = writer.rows(
      R"({"citizen":"1","records":{},"withheld":[{"field":"a.people.name","reason":"no-record"}]})",
      count);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, "1,,,,,a.people.name=no-record\r\n");
  EXPECT_EQ(count, 1u);
}

TEST(Rows, JsonLinesAreTheSharesThemselves) {
  RowWriter writer(RowFormat::jsonl, kFields);
  std::uint64_t count = 0;
  EXPECT_EQ(writer.head(), "");
  EXPECT_EQ(*writer.rows(kShare, count), std::string(kShare) + "\n");
}

TEST(Rows, ASheetHoldsValuesAsTheyAre) {
  RowWriter writer(RowFormat::xlsx, {"a.people.name"});
  std::uint64_t count = 0;
  auto rows = writer.rows(kShare, count);
  ASSERT_TRUE(rows);
  EXPECT_NE(rows->find("t=\"inlineStr\"><is><t xml:space=\"preserve\">=cmd()</t>"),
            std::string::npos);
  EXPECT_EQ(xlsx_cell("a<b>&\x01_x0041_"), "a&lt;b&gt;&amp;_x0001__x005F_x0041_");
}

// Whatever the value, one leading apostrophe taken away gives it back, and none begins a formula.
TEST(Rows, ACsvCellGivesItsValueBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 dice(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string value;
    for (std::size_t n = dice() % 6; n > 0; --n) value.push_back("=+-@\t\r'\"\n,ab"[dice() % 12]);
    std::string cell = csv_cell(value);
    if (cell.starts_with('"')) {
      std::string inner;
      for (std::size_t c = 1; c + 1 < cell.size(); ++c) {
        inner.push_back(cell[c]);
        if (cell[c] == '"') ++c;
      }
      cell = inner;
    }
    if (!cell.empty()) {
      EXPECT_EQ(std::string_view("=+-@\t\r").find(cell[0]), std::string_view::npos);
    }
    if (cell.starts_with('\'')) cell.erase(0, 1);
    EXPECT_EQ(cell, value);
  }
}

SealedRows place_in(const storage::Scratch& scratch) {
  SealedRows place;
  place.file = scratch.path() + "/rows";
  place.key = crypto::random_key();
  place.id.fill(7);
  return place;
}

TEST(Spool, GivesBackAnyPartOfItAndNothingUnderAnotherKeyOrId) {
  const storage::Scratch scratch;
  storage::Disk& disk = storage::system_disk();
  auto spool = Spool::create(disk, place_in(scratch));
  ASSERT_TRUE(spool);
  std::mt19937_64 dice(1);
  std::string all;
  while (all.size() < 3 * kBlockBytes + 100) {
    std::string part(dice() % 20'000, static_cast<char>('a' + dice() % 26));
    ASSERT_TRUE(spool->write(part));
    all += part;
  }
  auto rows = spool->finish();
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->bytes, all.size());
  EXPECT_EQ(rows->digest, crypto::sha256(all));
  for (int i = 0; i < 200; ++i) {
    const std::size_t from = dice() % all.size(), size = dice() % (all.size() - from + 1);
    WipingBuffer out;
    ASSERT_TRUE(read_rows(disk, *rows, from, size, out));
    EXPECT_EQ(out.view(), all.substr(from, size));
  }
  WipingBuffer out;
  SealedRows other = *rows;
  other.id[0] ^= 1;
  EXPECT_EQ(read_rows(disk, other, 0, 10, out).error().reason, Reason::seal_broken);
  other = *rows;
  other.key = crypto::random_key();
  EXPECT_EQ(read_rows(disk, other, 0, 10, out).error().reason, Reason::seal_broken);
  EXPECT_EQ(out.size(), 0u);
}

}  // namespace
}  // namespace amanat::disclosure
