#include "net/csv.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

namespace amanat::net {
namespace {

using Cells = std::vector<std::string>;

struct Read {
  Cells cells;
  std::uint64_t line = 0, offset = 0, end = 0;
  bool malformed = false;
};

std::vector<Read> all(CsvReader reader) {
  std::vector<Read> out;
  CsvReader::Row row;
  for (;;) {
    const auto more = reader.next(row);
    EXPECT_TRUE(more.has_value());
    if (!more || !*more) return out;
    out.push_back({Cells(row.cells.begin(), row.cells.end()), row.line, row.offset, row.end_offset,
                   row.malformed});
  }
}

// TemporaryFile is a file with a content, gone at the end of the test.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(std::string_view content) {
    char name[] = "/tmp/amanat_csv_XXXXXX";
    ::close(::mkstemp(name));
    path = name;
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
};

TEST(Csv, CellsAreSplitAndQuotesUndone) {
  const auto rows = all(
      CsvReader::over("a,b,c\r\n1,\"x, y\",3\n\"he said \"\"no\"\"\",,\"\"\n\"two\nlines\",2,3"));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].cells, (Cells{"a", "b", "c"}));
  EXPECT_EQ(rows[1].cells, (Cells{"1", "x, y", "3"}));
  EXPECT_EQ(rows[2].cells, (Cells{"he said \"no\"", "", ""}));
  EXPECT_EQ(rows[3].cells, (Cells{"two\nlines", "2", "3"}));
  EXPECT_EQ(rows[3].line, 4U);
}

TEST(Csv, AByteOrderMarkIsNotPartOfTheFirstCell) {
  const auto rows = all(CsvReader::over("\xEF\xBB\xBF\"CNIC\",Name\n"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].cells, (Cells{"CNIC", "Name"}));
  EXPECT_TRUE(all(CsvReader::over("\xEF\xBB\xBF")).empty());
  EXPECT_TRUE(all(CsvReader::over("")).empty());
}

TEST(Csv, ABlankLineIsARowOfOneEmptyCell) {
  const auto rows = all(CsvReader::over("a,b\n\n\r\n,\n"));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[1].cells, Cells{""});
  EXPECT_EQ(rows[2].cells, Cells{""});
  EXPECT_EQ(rows[3].cells, (Cells{"", ""}));
}

TEST(Csv, AMalformedRowIsReportedAndTheNextLineIsReadAllTheSame) {
  const auto rows = all(CsvReader::over("a,b\nx\"y,1\n\"x\"y,2\nc,d\n\"never closed,3\ne,f\ng,h"));
  ASSERT_EQ(rows.size(), 7U);
  const bool expected[] = {false, true, true, false, true, false, false};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].malformed, expected[i]) << i;
    EXPECT_EQ(rows[i].line, i + 1);
    EXPECT_EQ(rows[i].cells.empty(), expected[i]);
  }
  EXPECT_EQ(rows[6].cells, (Cells{"g", "h"}));
}

TEST(Csv, LimitsHoldAtTheirExactValue) {
  CsvLimits limits;
  limits.row_bytes_max = 10;
  limits.cells_max = 3;
  const auto rows = all(CsvReader::over(
      "0123456789\r\n01234567890\n1,2,3\n1,2,3,4\n\"1\",2,3,4\n\"12345678\"\n\"123456789\"\n",
      limits));
  ASSERT_EQ(rows.size(), 7U);
  const bool expected[] = {false, true, false, true, true, false, true};
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].malformed, expected[i]) << i;
}

TEST(Csv, AFileIsReadAsItsTextIsWhateverTheChunks) {
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    const std::size_t size = 200000 + random() % 400000;
    static constexpr std::string_view kPieces[] = {
        "a", "bcd", ",", ",", "\"x\"", "\"\"", "\n", "\r\n", "\"", "\"p,\n q\"", "\r"};
    while (text.size() < size)
      text += random() % 50 == 0 ? std::string(random() % 5000, 'z') : kPieces[random() % 11];
    const TemporaryFile file(text);
    CsvLimits limits;
    limits.row_bytes_max = 1 << (6 + random() % 15);
    auto opened = CsvReader::open(file.path, limits);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->bytes_total(), text.size());
    const auto from_file = all(*std::move(opened));
    const auto from_text = all(CsvReader::over(text, limits));
    for (const auto* rows : {&from_file, &from_text}) {
      std::uint64_t at = 0;
      for (const auto& row : *rows) {
        ASSERT_EQ(row.offset, at);
        at = row.end;
      }
      ASSERT_EQ(at, text.size());
    }
    ASSERT_EQ(from_file.size(), from_text.size());
    for (std::size_t i = 0; i < from_file.size(); ++i) {
      ASSERT_EQ(from_file[i].cells, from_text[i].cells) << i;
      ASSERT_EQ(from_file[i].malformed, from_text[i].malformed) << i;
      ASSERT_EQ(from_file[i].line, from_text[i].line) << i;
    }
  }
}

TEST(Csv, ReadingGoesOnFromAnyRowsOffset) {
  std::string text = "\xEF\xBB\xBFh1,h2\n";
  for (int i = 0; i < 3000; ++i)
    text += std::to_string(i) + (i % 7 == 0    ? ",\"a\nb\"\n"
                                 : i % 11 == 0 ? ",b\"ad\n"
                                               : ",plain\r\n");
  const TemporaryFile file(text);
  const auto rows = all(*CsvReader::open(file.path));
  ASSERT_EQ(rows.size(), 3001U);
  for (std::size_t i = 0; i < rows.size(); i += 97) {
    auto again = CsvReader::open(file.path);
    ASSERT_TRUE(again->seek(rows[i].offset, rows[i].line).has_value());
    CsvReader::Row row;
    ASSERT_TRUE(*again->next(row));
    EXPECT_EQ(Cells(row.cells.begin(), row.cells.end()), rows[i].cells);
    EXPECT_EQ(row.line, rows[i].line);
    EXPECT_EQ(row.end_offset, rows[i].end);
  }
  auto past = CsvReader::open(file.path);
  EXPECT_EQ(past->seek(text.size() + 1, 1).error().reason, Reason::file_failed);
}

TEST(Csv, ARandomTableWrittenByTheRuleIsReadBackExactly) {
  const unsigned seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<Cells> table(1 + random() % 30);
    std::string text;
    for (auto& cells : table) {
      cells.resize(1 + random() % 6);
      for (std::size_t c = 0; c < cells.size(); ++c) {
        for (std::size_t i = 0, n = random() % 12; i < n; ++i)
          cells[c].push_back("ab,\"\n\r c"[random() % 8]);
        if (c != 0) text += ",";
        if (cells[c].find_first_of(",\"\n\r") == std::string::npos && random() % 3 != 0) {
          text += cells[c];
        } else {
          text += '"';
          for (const char ch : cells[c])
            text += ch == '"' ? std::string("\"\"") : std::string(1, ch);
          text += '"';
        }
      }
      text += random() % 2 == 0 ? "\n" : "\r\n";
    }
    const auto rows = all(CsvReader::over(text));
    ASSERT_EQ(rows.size(), table.size());
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i].cells, table[i]);
  }
}

TEST(Csv, AMissingFileIsAFailureWithItsPath) {
  const auto opened = CsvReader::open("/nonexistent/x.csv");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().reason, Reason::file_failed);
  EXPECT_NE(opened.error().detail.find("/nonexistent/x.csv"), std::string::npos);
  EXPECT_EQ(CsvReader::open("/tmp").error().reason, Reason::file_failed);
}

TEST(Lines, LongLinesAreReportedAndSkippedAndReadingResumes) {
  const TemporaryFile file("\xEF\xBB\xBF{\"a\":1}\r\n\n" + std::string(500000, 'x') +
                           "\n12345678901\n1234567890\nlast");
  auto reader = LinesReader::open(file.path, 10);
  ASSERT_TRUE(reader.has_value());
  std::vector<std::string> texts;
  std::vector<bool> too_long;
  std::uint64_t last_offset = 0, last_line = 0;
  LinesReader::Line line;
  while (*reader->next(line)) {
    texts.emplace_back(line.text);
    too_long.push_back(line.too_long);
    last_offset = line.offset;
    last_line = line.line;
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"{\"a\":1}", "", "", "", "1234567890", "last"}));
  EXPECT_EQ(too_long, (std::vector<bool>{false, false, true, true, false, false}));
  EXPECT_EQ(last_line, 6U);
  ASSERT_TRUE(reader->seek(last_offset, last_line).has_value());
  ASSERT_TRUE(*reader->next(line));
  EXPECT_EQ(line.text, "last");
  EXPECT_EQ(line.end_offset, reader->bytes_total());
}

}  // namespace
}  // namespace amanat::net
