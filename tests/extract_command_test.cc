// amanat extract as a department's clerk runs it: the list sent, the file fetched and verified, the
// exchange's copy wiped, and a run that was stopped gone on with.

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "extract_world.h"

namespace amanat::test {
namespace {

class ExtractCommand : public testing::Test {
 protected:
  void SetUp() override {
    w.world->serve();
    std::string lines;
    for (std::size_t i = 0; i < 300; ++i) lines += w.citizens[1000 + i] + "\n";
    lines += w.citizens[1000] + "\n";  // a number twice is one citizen
    write_all(place("list"), lines);
  }
  std::string place(const char* name) const { return (w.world->directory.path / name).string(); }
  int run(const std::string& purpose, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"extract",
                                          "--url",
                                          w.world->url,
                                          "--ca",
                                          (w.world->home / "ca.crt").string(),
                                          "--cert",
                                          place((officer + ".crt").c_str()),
                                          "--key",
                                          place((officer + ".key").c_str()),
                                          "--list",
                                          place(list.c_str()),
                                          "--fields",
                                          "identity.persons.name",
                                          "--purpose",
                                          purpose,
                                          "--out",
                                          place("rows")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    said.clear();
    cli::Manner manner;
    return cli::run(arguments, manner, [this](int, std::string_view text) { said.append(text); });
  }
  ExtractWorld w;
  std::string said, officer = "TA-1", list = "list";
};

TEST_F(ExtractCommand, LeavesAFileItsManifestAndItsReceiptAndNothingBehind) {
  ASSERT_EQ(run("counting", {"--json"}), 0) << said;
  auto json = net::parse_json(said);
  ASSERT_TRUE(json) << said;
  EXPECT_EQ(json->find("citizens")->integer(), 300u);
  const std::string rows = read_all(place("rows"));
  EXPECT_EQ(crypto::hex(crypto::sha256(rows)), *json->find("sha256")->string());
  EXPECT_EQ(static_cast<std::size_t>(std::count(rows.begin(), rows.end(), '\n')), 301u);
  for (const char* left : {"rows.part", "rows.extract"}) EXPECT_FALSE(fs::exists(place(left)));
  for (const char* kept : {"rows.manifest", "rows.receipt"}) EXPECT_TRUE(fs::exists(place(kept)));
  EXPECT_EQ(
      w.send("TA-1", "GET", "/v1/extracts/" + *json->find("extract")->string() + "/rows").status,
      410u)
      << "the exchange's copy is gone";
}

TEST_F(ExtractCommand, SaysWhichApprovalIsMissingAndWorksOnceItIsThere) {
  EXPECT_EQ(run("data-transfer"), 1);
  const auto own = w.json("TA-1", "GET", "/v1/approvals");
  ASSERT_EQ(own.find("own")->array()->size(), 1u);
  const std::string id = ExtractWorld::text(own.find("own")->array()->front(), "approval");
  EXPECT_NE(said.find(id), std::string::npos) << said;
  w.approve(id);
  EXPECT_EQ(run("data-transfer"), 0) << said;
  EXPECT_TRUE(fs::exists(place("rows")));
}

// The sample policy's own grant: the citizens of a case, out of the department's file of cases.
TEST_F(ExtractCommand, TakesTheCitizensOfACaseFromADepartmentsOwnFile) {
  const auto cases = w.world->open_cases("fir");
  ASSERT_FALSE(cases.empty());
  const auto& one = cases.front();
  w.world->device(one.officer);
  officer = one.officer;
  list = "cases.csv";
  write_all(place("cases.csv"), read_all(World::data() / "cases.csv"));
  const std::vector<std::string> about = {"--case", one.ref, "--json"};
  EXPECT_EQ(run("crime-investigation", about), 1) << said;
  const auto own = w.json(officer, "GET", "/v1/approvals");
  ASSERT_EQ(own.find("own")->array()->size(), 1u) << said;
  w.approve(ExtractWorld::text(own.find("own")->array()->front(), "approval"));
  ASSERT_EQ(run("crime-investigation", about), 0) << said;
  const auto json = net::parse_json(said);
  ASSERT_TRUE(json) << said;
  EXPECT_EQ(json->find("citizens")->integer(), one.citizens.size());
  const std::string rows = read_all(place("rows"));
  for (const auto& citizen : one.citizens) EXPECT_NE(rows.find(citizen), rows.npos);
  EXPECT_EQ(run("crime-investigation", {"--case", "FIR 0/26 PS Nowhere"}), 2) << said;
}

TEST_F(ExtractCommand, GoesOnWithWhatAStoppedRunLeft) {
  std::vector<std::string> list(w.citizens.begin() + 1000, w.citizens.begin() + 1300);
  const auto view = w.extract("TA-1", list, "csv");
  const std::string whole = w.fetch("TA-1", view);
  // As a run leaves it that was killed while it fetched.
  write_all(place("rows.extract"), ExtractWorld::text(view, "extract") + "\n");
  write_all(place("rows.part"), whole.substr(0, whole.size() / 3));
  const std::uint64_t before = w.world->exchange->ledger().size();
  ASSERT_EQ(run("counting"), 0) << said;
  EXPECT_EQ(read_all(place("rows")), whole);
  EXPECT_EQ(w.world->exchange->ledger().size(), before) << "nobody was disclosed again";
}

TEST_F(ExtractCommand, RefusesAListThatIsNone) {
  write_all(place("list"), "3520200353346\nnot a number\n");
  EXPECT_NE(run("counting"), 0);
  EXPECT_NE(said.find("line 2"), std::string::npos) << said;
}

}  // namespace
}  // namespace amanat::test
