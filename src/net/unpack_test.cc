#include "net/unpack.h"

#include <gtest/gtest.h>

#include <dirent.h>

#include <fstream>
#include <map>
#include <random>
#include <sstream>

namespace amanat::net {
namespace {

constexpr std::size_t kHeld = 64u << 20;
const std::string kCsv =
    "name,cnic,phone\nAli Raza,35202-1234567-1,0300-1234567\n"
    "Sana Bibi,35201-7654321-2,0301-7654321\n";
const std::string kNotes = "Bilal Khan 35202-5550001-3 0302-5550001\n";

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}
std::string packed(const std::string& name) {
  const std::string bytes = content(std::string(AMANAT_SOURCE_DIR) + "/tests/packed/" + name);
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

/// Apart is what became of a find: its parts, and why it ended early.
struct Apart {
  std::map<std::string, std::string> parts;
  std::string problem;
};
Apart apart(const std::string& bytes, std::size_t held = kHeld,
            const std::function<void()>& meanwhile = nullptr) {
  Apart out;
  const int packing = packing_of(bytes);
  if (packing < 0) {
    out.problem = "nothing that is taken apart";
    return out;
  }
  std::size_t at = 0;
  const Feed feed = [&](std::string& piece) -> Result<bool> {
    if (meanwhile) meanwhile();
    piece = bytes.substr(at, 1000);
    at += piece.size();
    return !piece.empty();
  };
  auto unpacking = Unpacking::begin(static_cast<Packing>(packing), feed, held);
  if (!unpacking) {
    out.problem = unpacking.error().detail;
    return out;
  }
  for (std::string name, piece;;) {
    auto more = (*unpacking)->next_part(name);
    if (more && !*more) return out;
    while (more) {
      more = (*unpacking)->next(piece);
      if (!more || !*more) break;
      EXPECT_FALSE(piece.empty());
      out.parts[name] += piece;
    }
    if (more) continue;
    EXPECT_EQ(more.error().reason, Reason::archive_broken);
    out.problem = more.error().detail;
    EXPECT_FALSE(out.problem.empty());
    return out;
  }
}

TEST(Unpack, TakesArchivesApart) {
  for (const char* name : {"people.tar", "people.tar.xz", "people.tar.zst", "people.7z",
                           "people.rar", "people.5.rar"}) {
    SCOPED_TRACE(name);
    const Apart found = apart(packed(name));
    EXPECT_EQ(found.problem, "");
    EXPECT_EQ(found.parts, (std::map<std::string, std::string>{{"people.csv", kCsv},
                                                               {"chat/notes.txt", kNotes}}));
  }
}

TEST(Unpack, UnpacksSingleFiles) {
  for (const char* name : {"people.csv.bz2", "people.csv.lz4", "people.csv.lz", "people.csv.Z"}) {
    SCOPED_TRACE(name);
    const Apart found = apart(packed(name));
    EXPECT_EQ(found.problem, "");
    EXPECT_EQ(found.parts, (std::map<std::string, std::string>{{"data", kCsv}}));
  }
}

TEST(Unpack, GivesADatabasesTablesAsTheyAre) {
  for (const char* name : {"people.db", "people.wal.db"}) {
    SCOPED_TRACE(name);
    const Apart found = apart(packed(name));
    EXPECT_EQ(found.problem, "");
    ASSERT_TRUE(found.parts.contains("people"));
    EXPECT_EQ(found.parts.at("people"),
              "\"name\",\"cnic \"\"no\"\"\",\"phone\",\"photo\",\"height\"\n"
              "\"Ali \"\"Raza\"\", of Lahore\nor Multan\",\"35202-1234567-1\",3001234567,,1.75\n"
              "\"ثنا بی بی\",\"35201-7654321-2\",3017654321,\"\1x\",\n");
    EXPECT_EQ(found.parts.at("odd \"name\" , here"), "\"x\"\n7\n");
    EXPECT_EQ(found.parts.at("without_rowid"), "\"a\",\"b\"\n\"35202-5550001-3\",\"x\"\n");
    EXPECT_FALSE(found.parts.contains("seen")) << "a view";
    EXPECT_FALSE(found.parts.contains("searchable")) << "a virtual table runs code of its own";
  }
}

TEST(Unpack, GivesAnOldWorkbooksSheetsAsTheyAre) {
  const Apart found = apart(packed("people.xls"));
  EXPECT_EQ(found.problem, "");
  ASSERT_TRUE(found.parts.contains("List"));
  EXPECT_EQ(found.parts.at("List"),
            "\"name\",\"cnic\",\"phone\",\"born\",\"height\"\n"
            "\"Ali \"\"Raza\"\", of Lahore\",\"35202-1234567-1\",3001234567,\"1980-02-29\",1.75\n"
            "\"ثنا بی بی\",\"35201-7654321-2\",\"0301-7654321\",\"1999-12-31\",\n");
  ASSERT_TRUE(found.parts.contains("Notes"));
  EXPECT_NE(found.parts.at("Notes").find("Bilal Khan 35202-5550001-3"), std::string::npos);
  EXPECT_EQ(apart(packed("people.xls").substr(0, 600)).problem.substr(0, 19),
            "an old Office file ");
}

TEST(Unpack, GivesThePlainTextOfAPdfLineByLine) {
  const Apart found = apart(packed("people.pdf"));
  EXPECT_EQ(found.problem, "");
  ASSERT_TRUE(found.parts.contains("text"));
  const std::string& text = found.parts.at("text");
  const auto ali = text.find("Ali Raza"), sana = text.find("Sana Bibi");
  ASSERT_NE(ali, std::string::npos) << text;
  ASSERT_NE(sana, std::string::npos) << text;
  const std::string line = text.substr(ali, text.find('\n', ali) - ali);
  EXPECT_NE(line.find("35202-1234567-1"), std::string::npos);
  EXPECT_NE(line.find("0300-1234567"), std::string::npos);
}

TEST(Unpack, SaysWhatItCannotTakeApart) {
  EXPECT_EQ(apart(packed("locked.rar")).problem, "a locked archive");
  EXPECT_EQ(apart("Rar!\x1A\x07").problem, "an archive that is damaged");
  EXPECT_EQ(apart("%PDF-1.7 and nothing more").problem, "a PDF that is damaged or locked");
  EXPECT_EQ(apart(packed("people.db").substr(0, 700)).problem.substr(0, 10), "a database");
  EXPECT_EQ(apart(packed("people.7z"), 100).problem, "too large to take apart here (unpack it)");
  EXPECT_EQ(packing_of("name,cnic\n"), -1);
  EXPECT_EQ(packing_of(""), -1);
}

// Whatever is done to a find: parts, or why not; and the process is gone afterwards.
TEST(Unpack, DamageEndsAPartAndNothingElse) {
  std::mt19937_64 random(41);
  for (const char* name : {"people.tar", "people.tar.xz", "people.7z", "people.rar", "people.5.rar",
                           "people.csv.bz2", "people.db", "people.xls"}) {
    SCOPED_TRACE(name);
    const std::string whole = packed(name);
    for (int i = 0; i < 25; ++i) {
      std::string bytes = whole;
      if (i % 3 == 0)
        bytes.resize(20 + random() % (bytes.size() - 20));
      else
        for (int flips = 1 + i % 4; flips-- > 0;)
          bytes[16 + random() % (bytes.size() - 16)] ^= static_cast<char>(1 << (random() % 8));
      const Apart found = apart(bytes);
      for (const auto& [part, text] : found.parts) EXPECT_LE(text.size(), 1u << 20);
    }
  }
}

// children lists the processes that this one started.
std::vector<std::string> children() {
  std::vector<std::string> found;
  const std::string tasks = "/proc/self/task";
  DIR* const directory = ::opendir(tasks.c_str());
  while (const dirent* task = ::readdir(directory)) {
    std::istringstream of_task(content(tasks + "/" + task->d_name + "/children"));
    for (std::string pid; of_task >> pid;) found.push_back(pid);
  }
  ::closedir(directory);
  return found;
}

TEST(Unpack, TheProcessMayDoNothingElse) {
  const std::size_t before = children().size();
  // Far more than it can have been sent before it reads, and it reads to the end.
  const std::string one = packed("people.csv.bz2");
  std::string bytes, seccomp, privileges, open;
  for (int i = 0; i < 20'000; ++i) bytes += one;
  const Apart found = apart(bytes, kHeld, [&] {
    if (!seccomp.empty()) return;
    for (const std::string& pid : children()) {
      const std::string status = content("/proc/" + pid + "/status");
      const auto after = [&](const std::string& word) {
        const auto at = status.find(word + ":\t");
        return at == std::string::npos ? std::string() : status.substr(at + word.size() + 2, 1);
      };
      if (after("Seccomp") != "2") continue;  // not begun yet
      seccomp = after("Seccomp");
      privileges = after("NoNewPrivs");
      DIR* const directory = ::opendir(("/proc/" + pid + "/fd").c_str());
      while (directory != nullptr) {
        const dirent* one = ::readdir(directory);
        if (one == nullptr) break;
        if (one->d_name[0] != '.') open += one->d_name;
      }
      if (directory != nullptr) ::closedir(directory);
    }
  });
  ASSERT_TRUE(found.parts.contains("data"));
  EXPECT_EQ(found.parts.at("data").size(), kCsv.size() * 20'000);
  EXPECT_EQ(seccomp, "2") << "a filter of system calls";
  EXPECT_EQ(privileges, "1");
  std::sort(open.begin(), open.end());
  EXPECT_EQ(open, "012") << "no file of ours";
  EXPECT_EQ(children().size(), before) << "it ends with what it was started for";
}

TEST(Unpack, AFrameIsTakenWholeOrNotAtAll) {
  std::string said("d\0\0\0\3abcz\0\0\0", 12);
  auto taken = take_frame(said);
  ASSERT_TRUE(taken && *taken);
  EXPECT_EQ((*taken)->kind, 'd');
  EXPECT_EQ((*taken)->bytes, "abc");
  taken = take_frame(said);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(*taken) << "a byte of its length is missing";
  said = std::string("d\0\1\0\1x", 6);
  EXPECT_FALSE(take_frame(said)) << "longer than a frame is";
  said = std::string("x\0\0\0\0", 5);
  EXPECT_FALSE(take_frame(said)) << "of no kind";
}

}  // namespace
}  // namespace amanat::net
