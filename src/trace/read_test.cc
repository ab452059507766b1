#include "trace/read.h"

#include <gtest/gtest.h>

#include "storage/file.h"
#include "storage/scratch.h"
#include "trace/test_dirty_files.h"

namespace amanat::trace {
namespace {

std::string note_of(const Result<Summary>& read) {
  if (!read) return std::string(row_of(read.error().reason).id) + ": " + read.error().detail;
  for (const auto& part : read->parts)
    if (!part.note.empty()) return part.note;
  return {};
}

TEST(Read, AFileThatUnpacksToTooMuchIsGivenUp) {
  // 100 MB of blanks pack into 100 KB.
  const std::string bomb = dirty::gzipped(std::string(100 << 20, ' '));
  EXPECT_LT(bomb.size(), 1u << 20);
  ReadOptions options;
  options.limits.row_bytes_max = 1 << 20;
  EXPECT_EQ(note_of(read_leak_bytes(bomb, "bomb.gz", options)),
            "it unpacks to too many times its size");
  options.limits.ratio_max = 100'000;
  options.limits.unpacked_bytes_max = 50 << 20;
  EXPECT_EQ(note_of(read_leak_bytes(bomb, "bomb.gz", options)), "more bytes unpacked than allowed");
  EXPECT_EQ(note_of(read_leak_bytes(
                dirty::zipped({{"a", std::string(100 << 20, ' ')}}, dirty::Packing::deflate),
                "bomb.zip", {})),
            "it unpacks to too many times its size");
}

TEST(Read, ArchivesInArchivesEndSomewhere) {
  std::string inner = "35202-1234567-1\n";
  for (int i = 0; i < 10; ++i) inner = dirty::zipped({{"x", inner}}, dirty::Packing::stored);
  EXPECT_EQ(note_of(read_leak_bytes(inner, "deep.zip", {})),
            "leak-unreadable: archives too deep in each other");
  for (int i = 0; i < 10; ++i) inner = dirty::gzipped(inner);
  EXPECT_EQ(note_of(read_leak_bytes(inner, "deep.gz", {})),
            "leak-unreadable: archives too deep in each other");
}

TEST(Read, AWorkbooksStringsAreBounded) {
  std::string strings = "<sst>";
  for (int i = 0; i < 20'000; ++i) strings += "<si><t>35202-1234567-1</t></si>";
  const std::string book =
      dirty::zipped({{"xl/workbook.xml", "<w/>"},
                     {"xl/sharedStrings.xml", strings},
                     {"xl/worksheets/sheet1.xml",
                      "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>19999</v></c><c "
                      "t=\"s\"><v>99999999999999999999</v></c></row>"}},
                    dirty::Packing::deflate);
  ReadOptions options;
  EXPECT_EQ(read_leak_bytes(book, "b.xlsx", options)->count(Kind::national_id), 2u);
  options.limits.strings_bytes_max = 10'000;
  EXPECT_EQ(read_leak_bytes(book, "b.xlsx", options)->count(Kind::national_id), 1u);
}

TEST(Read, ADamagedPartIsNotedAndTheRestIsRead) {
  std::string zip =
      dirty::zipped({{"a.csv", "cnic\n35202-1234567-1\n"}, {"b.csv", "cnic\n35202-1234567-2\n"}},
                    dirty::Packing::stored);
  zip[zip.find("1234567-1")] = '9';
  auto read = read_leak_bytes(zip, "z.zip", {});
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->parts.size(), 2u);
  EXPECT_EQ(read->parts[0].note, "an entry with a wrong checksum");
  EXPECT_EQ(read->parts[1].note, "");
  EXPECT_EQ(read->count(Kind::national_id), 2u)
      << "what the damaged part held is read too, and the note says what it is";

  std::string gz = dirty::gzipped(std::string(100'000, 'x') + "\n35202-1234567-1\n");
  gz.resize(gz.size() - 6);
  read = read_leak_bytes(gz, "cut.gz", {});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(note_of(read), "a compressed stream cut off");
  EXPECT_EQ(read->count(Kind::national_id), 1u);
}

std::string packed(const std::string& name) {
  auto bytes =
      storage::read_file(std::string(AMANAT_SOURCE_DIR) + "/tests/packed/" + name, 1u << 20);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : "";
}

TEST(Read, WhatAnotherProcessTakesApartIsReadLikeTheRest) {
  const std::pair<const char*, std::uint64_t> finds[] = {
      {"people.tar", 3},    {"people.tar.xz", 3}, {"people.tar.zst", 3}, {"people.7z", 3},
      {"people.rar", 3},    {"people.5.rar", 3},  {"people.csv.bz2", 2}, {"people.csv.lz4", 2},
      {"people.csv.lz", 2}, {"people.csv.Z", 2},  {"people.db", 3},      {"people.wal.db", 3},
      {"people.pdf", 2},    {"people.xls", 3}};
  for (const auto& [name, people] : finds) {
    SCOPED_TRACE(name);
    const auto read = read_leak_bytes(packed(name), name, {});
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->count(Kind::national_id), people);
    for (const auto& part : read->parts) EXPECT_EQ(part.note, "") << part.name;
    // In what is packed once more, too.
    const auto again = read_leak_bytes(
        dirty::zipped({{name, dirty::gzipped(packed(name))}}, dirty::Packing::deflate), "x", {});
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->count(Kind::national_id), people);
  }
  // A column's empty cells and its number without a zero are what they are in a table of any kind.
  const auto table = read_leak_bytes(packed("people.db"), "people.db", {});
  ASSERT_TRUE(table);
  EXPECT_EQ(table->count(Kind::msisdn), 2u);
}

TEST(Read, ABombThatAnotherProcessTakesApartIsGivenUpToo) {
  std::string bomb;  // 64 MiB of blanks in 79 bytes, again and again
  for (int i = 0; i < 40; ++i) bomb += packed("blanks.bz2");
  EXPECT_EQ(note_of(read_leak_bytes(bomb, "bomb.bz2", {})),
            "it unpacks to too many times its size");
  ReadOptions options;
  options.limits.ratio_max = 1u << 30;
  options.limits.unpacked_bytes_max = 100 << 20;
  EXPECT_EQ(note_of(read_leak_bytes(bomb, "bomb.bz2", options)),
            "more bytes unpacked than allowed");
  options.limits.nested_bytes_max = 100;
  EXPECT_EQ(note_of(read_leak_bytes(packed("people.7z"), "x.7z", options)),
            "leak-unreadable: too large to take apart here (unpack it)");
}

TEST(Read, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(note_of(read_leak_bytes("%PDF-1.7 ...", "x", {})),
            "leak-unreadable: a PDF that is damaged or locked");
  EXPECT_EQ(note_of(read_leak_bytes(std::string_view("\0\1\0\0Standard Jet DB\0...", 23), "x", {})),
            "leak-unreadable: an Access database (export its tables)");
  EXPECT_EQ(note_of(read_leak_bytes(packed("locked.rar"), "x", {})),
            "leak-unreadable: a locked archive");
  EXPECT_TRUE(read_leak_bytes("", "x", {}).has_value());
}

TEST(Read, HostileTextIsReadInBoundedTimeAndMemory) {
  // Each of these made some reader quadratic somewhere.
  for (const std::string& unit :
       {std::string("\"a,"), std::string("{"), std::string("[{\"a\":"), std::string("<a x=\""),
        std::string("(',"), std::string("INSERT INTO a VALUES ('"), std::string("9"),
        std::string("9 "), std::string("۳-"), std::string("\xEF\xBB"), std::string("&#"),
        std::string("<!--"), std::string("\\u00"), std::string("12345-")}) {
    std::string text = "cnic,name,phone\na,b,c\n";
    while (text.size() < 1'000'000) text += unit;
    EXPECT_TRUE(read_leak_bytes(text, "x", {}).has_value()) << unit;
    EXPECT_TRUE(read_leak_bytes(text.substr(22), "x", {}).has_value()) << unit;
  }
}

TEST(Read, ItStopsWhenTold) {
  const std::atomic<bool> stop = true;
  ReadOptions options;
  options.stop = &stop;
  EXPECT_EQ(read_leak_bytes("35202-1234567-1", "x", options).error().reason, Reason::trace_stopped);
}

TEST(Read, ProgressEndsAtTheEnd) {
  const storage::Scratch scratch;
  const std::string path = scratch.path() + "/leak.csv";
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "35202-1234567-1,Ali\n";
  ASSERT_TRUE(storage::replace_file(storage::system_disk(), path, text).has_value());
  std::uint64_t last = 0, total = 0;
  ReadOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t of, std::uint64_t) {
    EXPECT_GE(done, last);
    last = done;
    total = of;
  };
  auto read = read_leak(path, options);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(last, text.size());
  EXPECT_EQ(total, text.size());
  EXPECT_EQ(read->rows, 50'000u);
}

}  // namespace
}  // namespace amanat::trace
