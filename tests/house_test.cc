// The house rules that a machine checks: which room may know which (ARCHITECTURE.md prints the same
// table), no junk drawers, and a complete table of reasons.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "model/result.h"

namespace fs = std::filesystem;

namespace {

const std::map<std::string, int> kRows = {
    {"model", 0},      {"storage", 1},  {"crypto", 1}, {"net", 1},       {"ledger", 2},
    {"vault", 2},      {"identity", 3}, {"policy", 3}, {"detection", 3}, {"registry", 3},
    {"disclosure", 3}, {"lookup", 4},   {"trace", 4},  {"probe", 4},     {"console", 4},
    {"server", 5},     {"cli", 6}};

const fs::path kSource = AMANAT_SOURCE_DIR;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// complaint says what is wrong with an include line of a file in `own`, or nothing.
std::optional<std::string> complaint(const std::string& file, const std::string& own,
                                     const std::string& line) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]*)[>"])");
  std::smatch match;
  if (!std::regex_search(line, match, include)) return std::nullopt;
  const bool quoted = match[1] == "\"";
  const std::string path = match[2];
  const std::string room = path.substr(0, path.find('/'));
  const bool is_room = path.find('/') != std::string::npos && kRows.contains(room);
  if (!is_room) {
    if (quoted) return file + ": includes \"" + path + "\", which does not begin with a room";
    return std::nullopt;
  }
  // <net/if.h> is the system's; only a file of ours in angle brackets counts.
  if (!quoted && !fs::exists(kSource / "src" / path)) return std::nullopt;
  if (room == own || kRows.at(room) < kRows.at(own)) return std::nullopt;
  return file + ": " + own + " may not know " + room;
}

std::vector<fs::path> files_under(const fs::path& root) {
  std::vector<fs::path> found;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator();
       ++at) {
    if (at->path().filename() == "node_modules") at.disable_recursion_pending();  // other people's
    if (at->is_regular_file()) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST(House, EachRoomKnowsOnlyTheRowsBelow) {
  std::string wrong;
  std::size_t lines = 0;
  for (const auto& file : files_under(kSource / "src")) {
    const std::string name = fs::relative(file, kSource).string();
    const std::string room = fs::relative(file, kSource / "src").begin()->string();
    if (!kRows.contains(room)) {
      wrong += name + ": " + room + " is in no row\n";
      continue;
    }
    std::istringstream text(content(file));
    for (std::string line; std::getline(text, line); ++lines)
      if (auto c = complaint(name, room, line)) wrong += *c + "\n";
  }
  EXPECT_GT(lines, 1000u);
  EXPECT_EQ(wrong, "");
}

TEST(House, AnUpwardIncludeIsFound) {
  EXPECT_EQ(complaint("src/ledger/tree.cc", "ledger", "#include \"policy/policy.h\""),
            "src/ledger/tree.cc: ledger may not know policy");
  EXPECT_EQ(complaint("src/ledger/tree.cc", "ledger", "  #  include <server/exchange.h>"),
            "src/ledger/tree.cc: ledger may not know server");
}

TEST(House, ASidewaysIncludeIsFound) {
  EXPECT_EQ(complaint("src/ledger/tree.cc", "ledger", "#include \"vault/vault.h\""),
            "src/ledger/tree.cc: ledger may not know vault");
  EXPECT_TRUE(
      complaint("src/ledger/tree.cc", "ledger", "#include \"../lookup/lookup.h\"").has_value());
  EXPECT_FALSE(
      complaint("src/ledger/tree.cc", "ledger", "#include \"crypto/crypto.h\"").has_value());
  EXPECT_FALSE(complaint("src/ledger/tree.cc", "ledger", "#include <net/if.h>").has_value());
}

// What amanat-verify links, and what its sources include: the proofs and the formulas, and nothing by
// which the exchange could lie to an outsider.
TEST(House, TheVerifierKnowsProofsAndFormulasAlone) {
  const std::string cmake = content(kSource / "CMakeLists.txt");
  EXPECT_NE(cmake.find("target_link_libraries(amanat-verify PRIVATE evidence_proof marks_proof "
                       "ledger_proof crypto model)"),
            std::string::npos);
  EXPECT_NE(cmake.find("target_link_libraries(evidence_proof PUBLIC marks_proof ledger_proof crypto "
                       "model)"),
            std::string::npos);
  EXPECT_NE(cmake.find("target_link_libraries(marks_proof PUBLIC crypto model)"), std::string::npos);
  std::vector<fs::path> todo;
  const std::pair<const char*, const char*> lists[] = {
      {"EVIDENCE_PROOFS", "trace"}, {"MARKS_PROOFS", "disclosure"}, {"LEDGER_PROOFS", "ledger"}};
  for (const auto& [list, room] : lists) {
    const std::string start = std::string("set(") + list + " ";
    const std::size_t at = cmake.find(start);
    ASSERT_NE(at, std::string::npos) << list;
    std::istringstream names(
        cmake.substr(at + start.size(), cmake.find(')', at) - at - start.size()));
    for (std::string name; names >> name;) todo.push_back(kSource / "src" / room / (name + ".cc"));
  }
  EXPECT_GE(todo.size(), 25u);
  static const std::regex include(R"re(^\s*#\s*include\s*"(([a-z_]+)/[^"]*)")re");
  std::set<fs::path> seen;
  while (!todo.empty()) {
    const fs::path file = todo.back();
    todo.pop_back();
    if (!seen.insert(file).second) continue;
    ASSERT_TRUE(fs::exists(file)) << file;
    std::istringstream text(content(file));
    std::smatch match;
    for (std::string line; std::getline(text, line);) {
      if (!std::regex_search(line, match, include)) continue;
      const std::string room = match[2];
      EXPECT_TRUE(room == "model" || room == "crypto" || room == "ledger" || room == "disclosure" ||
                  room == "trace")
          << fs::relative(file, kSource) << " includes " << match[1];
      todo.push_back(kSource / "src" / std::string(match[1]));
    }
  }
}

TEST(House, RoomsHaveNoRoomsInside) {
  for (const auto& room : fs::directory_iterator(kSource / "src"))
    for (const auto& entry : fs::directory_iterator(room))
      EXPECT_FALSE(entry.is_directory()) << entry.path();
}

TEST(House, TheArchitecturePagePrintsTheSameRows) {
  // A row of the page: "| 3 | `identity` `policy` ... | ... |".
  std::istringstream page(content(kSource / "ARCHITECTURE.md"));
  static const std::regex row(R"(^\|\s*([0-6])\s*\|([^|]*)\|)"), word("`([a-z]+)`");
  std::map<std::string, int> printed;
  std::smatch match;
  for (std::string line; std::getline(page, line);) {
    if (!std::regex_search(line, match, row)) continue;
    const int number = std::stoi(match[1]);
    const std::string rooms = match[2];
    for (auto w = std::sregex_iterator(rooms.begin(), rooms.end(), word);
         w != std::sregex_iterator(); ++w)
      printed[(*w)[1]] = number;
  }
  EXPECT_EQ(printed, kRows);
}

TEST(House, NoPathIsAJunkDrawer) {
  const std::set<std::string> junk = {"util",   "utils",   "common",  "core",    "base",
                                      "helper", "helpers", "manager", "service", "impl",
                                      "shared", "misc",    "tools",   "scripts"};
  for (const char* top :
       {"src", "tests", "bench", "fuzz", "docs", "packaging", "catalog", "examples"}) {
    if (!fs::exists(kSource / top)) continue;
    for (const auto& file : files_under(kSource / top)) {
      const fs::path inside = fs::relative(file, kSource);
      if (inside.string().find("/corpus/") != std::string::npos) continue;
      for (const auto& part : inside) {
        const std::string stem = part.stem().string();
        EXPECT_FALSE(junk.contains(stem.substr(stem.rfind('_') + 1))) << inside;
      }
    }
  }
}

namespace {

// Headers that another room includes: front doors, whatever their names.
std::set<std::string> front_doors() {
  static const std::regex include(R"re(^\s*#\s*include\s*"(([a-z_]+)/[^"]*)")re");
  std::set<std::string> found;
  for (const auto& file : files_under(kSource / "src")) {
    const std::string room = fs::relative(file, kSource / "src").begin()->string();
    std::istringstream text(content(file));
    std::smatch match;
    for (std::string line; std::getline(text, line);)
      if (std::regex_search(line, match, include) && match[2] != room) found.insert(match[1]);
  }
  return found;
}

}  // namespace

TEST(House, ThirdPartiesStayInTheirRoomsAndBehindTheirFrontDoors) {
  const std::vector<std::pair<std::regex, std::set<std::string>>> homes = {
      {std::regex(R"(<(openssl|sodium)[/.])"), {"crypto", "net"}},
      {std::regex(R"(<rocksdb/)"), {"storage"}},
      {std::regex(R"(<libpq)"), {"storage"}},
      {std::regex(R"(<(nlohmann|toml\+\+|simdjson|boost|yaml)[/.])"), {"net"}},
      {std::regex(R"(<(spdlog|fmt)/)"), {"server"}},
      {std::regex(R"(<unicode/)"), {"registry", "net"}},
      {std::regex(R"(<zlib\.h>)"), {"net"}}};
  const auto doors = front_doors();
  EXPECT_TRUE(doors.contains("ledger/ledger.h"));
  for (const auto& file : files_under(kSource / "src")) {
    const fs::path inside = fs::relative(file, kSource / "src");
    if (file.stem().string().ends_with("_test") || file.stem().string().starts_with("test_"))
      continue;
    std::istringstream text(content(file));
    for (std::string line; std::getline(text, line);) {
      if (line.find("#include <") == std::string::npos) continue;
      for (const auto& [header, rooms] : homes) {
        if (!std::regex_search(line, header)) continue;
        EXPECT_TRUE(rooms.contains(inside.begin()->string())) << inside << ": " << line;
        EXPECT_FALSE(doors.contains(inside.string())) << inside << " shows a third party: " << line;
      }
    }
  }
}

TEST(House, EveryReasonIsCompleteInTwoLanguages) {
  const auto urdu = [](std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xE0) == 0xC0; });
  };
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < amanat::reason_count(); ++i) {
    const auto& row = amanat::row_of(static_cast<amanat::Reason>(i));
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_EQ(row.id.find('_'), std::string_view::npos) << row.id;
    EXPECT_TRUE(row.english.ends_with('.')) << row.id;
    EXPECT_TRUE(row.next_english.ends_with('.')) << row.id;
    EXPECT_TRUE(urdu(row.urdu)) << row.id;
    EXPECT_TRUE(urdu(row.next_urdu)) << row.id;
    EXPECT_GE(row.http_status, 400) << row.id;
    EXPECT_LE(row.http_status, 599) << row.id;
    EXPECT_TRUE(row.exit_code == 1 || row.exit_code == 2) << row.id;
    EXPECT_TRUE(row.refused || row.exit_code == 2) << row.id << " failed, and failing is trouble";
  }
  EXPECT_GE(ids.size(), 60u);
}

TEST(House, TheFormatFileIsShort) {
  const std::string text = content(kSource / ".clang-format");
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 12);
}

TEST(House, TheReadmeIsShort) {
  const std::string text = content(kSource / "README.md");
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 80);
  EXPECT_NE(text.find("make demo"), std::string::npos);
  EXPECT_NE(text.find("make test"), std::string::npos);
}

TEST(House, ThreatsNameTestsThatExist) {
  // docs/threats.md ends each row with the tests that answer it, as `Suite.Name`.
  std::string sources;
  for (const char* top : {"src", "tests"})
    for (const auto& file : files_under(kSource / top))
      if (file.extension() == ".cc" || file.extension() == ".cmake") sources += content(file);
  const std::string page = content(kSource / "docs" / "threats.md");
  static const std::regex name(R"(`([A-Z]\w+)\.([A-Z]\w+)`)");
  std::size_t named = 0;
  for (auto m = std::sregex_iterator(page.begin(), page.end(), name); m != std::sregex_iterator();
       ++m, ++named) {
    const std::string test = "(" + (*m)[1].str() + ", " + (*m)[2].str() + ")";
    EXPECT_NE(sources.find(test), std::string::npos) << "docs/threats.md names " << (*m)[0];
  }
  EXPECT_GE(named, 20u);
}

TEST(House, EveryLinkOfAPageLeadsSomewhere) {
  static const std::regex link(R"re(\]\(([^)#:]+)(#[^)]*)?\))re");
  std::vector<fs::path> pages;
  for (const auto& entry : fs::directory_iterator(kSource)) pages.push_back(entry.path());
  for (const char* top : {"docs", "bench", "tests", "examples", "packaging"})
    if (fs::exists(kSource / top))
      for (const auto& file : files_under(kSource / top)) pages.push_back(file);
  std::size_t links = 0;
  for (const auto& page : pages) {
    if (page.extension() != ".md") continue;
    const std::string text = content(page);
    for (auto m = std::sregex_iterator(text.begin(), text.end(), link); m != std::sregex_iterator();
         ++m, ++links)
      EXPECT_TRUE(fs::exists(page.parent_path() / (*m)[1].str()))
          << fs::relative(page, kSource) << " links " << (*m)[1];
  }
  EXPECT_GE(links, 20u);
}
