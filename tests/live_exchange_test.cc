// A dataset that stays with its department, the whole way: asked over TLS, cleared, read from a
// PostgreSQL of the department's own, recorded, released; and refused before the department is
// asked.

#include <gtest/gtest.h>

#include <algorithm>

#include "auditor.h"
#include "node.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr const char* kPolicy = R"(
[[purpose]]
id = "vehicle-check"
says = "Whose vehicle it is"
law = "an invented law, section 4"
[[quota]]
id = "three"
distinct_subjects = [{ per = "officer", n = 3, window = "24h" }]
[[grant]]
id = "L01"
says = "Vehicles"
roles = ["investigator"]
purposes = ["vehicle-check"]
fields = ["excise.vehicles.registration", "excise.vehicles.make", "identity.persons.name"]
quota = "three"
[[purpose]]
id = "vehicle-survey"
says = "When vehicles were registered"
law = "an invented law, section 5"
[[grant]]
id = "L02"
says = "Registrations"
roles = ["investigator"]
purposes = ["vehicle-survey"]
fields = ["excise.vehicles.since"]
)";

class LiveExchange : public testing::Test {
 protected:
  void SetUp() override {
    if (World::on_postgres()) GTEST_SKIP() << "the department's server is its own in any case";
    register_.database("excise");
    sql("CREATE TABLE owners (cnic text, plate text, make text, colour text, since date); "
        "GRANT SELECT ON owners TO amanat;");
    World::more_policy = {{"zz_live.toml", kPolicy}};
    World::more_catalog = {{"excise.toml", declared()}};
    world = std::make_unique<World>();
    World::more_policy.clear();
    World::more_catalog.clear();
    const auto cases = world->open_cases("fir");
    officer = cases.at(0).officer;
    for (const auto& one : cases)
      if (std::find(citizens.begin(), citizens.end(), one.citizen) == citizens.end())
        citizens.push_back(one.citizen);
    ASSERT_GE(citizens.size(), 4U);
    citizen = citizens.front();
    sql("INSERT INTO owners VALUES ('" + citizen +
        "', 'LEA-07-1234', 'Suzuki Mehran', 'white', '2007-03-01')");
    world->serve();
    world->device(officer);
  }
  void sql(const std::string& text) { register_.sql("excise", text); }
  std::string declared() const {
    return "registry = \"excise\"\ndepartment = \"excise\"\n[[dataset]]\nname = \"vehicles\"\n"
           "mark = 9000\nsubject = \"owner\"\nkey = [\"registration\"]\nlive = "
           "\"postgresql://amanat@/excise?host=" +
           register_.host() +
           "\"\n[dataset.ask]\nplain = true\ntable = \"owners\"\ntotal_ms = 2000\n"
           "[[dataset.field]]\nname = \"owner\"\ncolumn = \"cnic\"\ntype = "
           "\"national_id\"\nrequired = true\n"
           "[[dataset.field]]\nname = \"registration\"\ncolumn = \"plate\"\ntype = \"text\"\nclass "
           "= \"open\"\n"
           "[[dataset.field]]\nname = \"make\"\ncolumn = \"make\"\ntype = \"text\"\n"
           "[[dataset.field]]\nname = \"colour\"\ncolumn = \"colour\"\ntype = \"text\"\n"
           "[[dataset.field]]\nname = \"since\"\nmark = 9001\ncolumn = \"since\"\ntype = \"date\"\n"
           "[[dataset.slot]]\nkind = \"date\"\nnumber = 0\nmembers = [\"since\"]\n";
  }
  World::Reply ask(
      const std::string& whom,
      const std::string& fields =
          R"("excise.vehicles.registration","excise.vehicles.make","identity.persons.name")") {
    return world->ask(
        officer, World::question("\"national_id\":\"" + whom + '"', fields, "vehicle-check", ""));
  }
  ledger::Opened last_entry() {
    ledger::Opened last;
    EXPECT_TRUE(world->exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& entry) {
      last = entry;
      return true;
    }));
    return last;
  }
  /// asked counts the answers the department gave.
  std::uint64_t asked() { return world->exchange->registry().live_standings().at(0).answered; }

  storage::PostgresServer register_;
  std::unique_ptr<World> world;
  std::string officer, citizen;
  std::vector<std::string> citizens;
};

TEST_F(LiveExchange, TheAnswerIsReleasedRecordedAndOpenedAsAnyOther) {
  const auto reply = ask(citizen);
  ASSERT_EQ(reply.status, 200U) << reply.body;
  EXPECT_NE(reply.body.find("\"registration\":\"LEA-07-1234\""), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("Suzuki Mehran"), std::string::npos);
  EXPECT_NE(reply.body.find("\"source\":\"excise\""), std::string::npos);
  const auto entry = last_entry();
  EXPECT_EQ(entry.type, EntryType::disclosure);
  const auto& granted = entry.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1];
  EXPECT_NE(granted.find("excise.vehicles.make"), std::string::npos);
  // A person and a vehicle: 22 bytes of value versions each.
  EXPECT_EQ(entry.parts[static_cast<std::size_t>(BodyPart::value_versions) - 1].size(), 44U);
  // What was shown can be rendered again after the department has overwritten it.
  sql("UPDATE owners SET make = 'Toyota'");
  auto facts = world->exchange->facts_of({{SubjectKind::national_id, citizen}});
  ASSERT_TRUE(facts) << facts.error().detail;
  bool shown = false;
  for (const auto& [label, of] : facts->facts)
    for (const auto& record : of.records)
      for (const auto& [field, text] : record.values)
        shown = shown || (field == "excise.vehicles.make" && text == "Suzuki Mehran");
  EXPECT_TRUE(shown);
}

TEST_F(LiveExchange, ADeadDepartmentWithholdsItsFieldsAndTheRestIsReleasedAndRecorded) {
  register_.stop(SIGQUIT);
  const auto reply = ask(citizen);
  ASSERT_EQ(reply.status, 200U) << reply.body;
  EXPECT_NE(reply.body.find("\"name\":\""), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("{\"field\":\"excise.vehicles.make\",\"reason\":\"department-silent\""),
            std::string::npos)
      << reply.body;
  const auto entry = last_entry();
  const auto& granted = entry.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1];
  EXPECT_EQ(granted.find("excise"), std::string::npos);
  EXPECT_NE(granted.find("identity.persons.name"), std::string::npos);
}

TEST_F(LiveExchange, WhoIsNotClearedNeverReachesTheDepartment) {
  // A field that is not granted: the others are asked for, it is not (colour would be refused
  // here).
  sql("REVOKE SELECT ON owners FROM amanat; GRANT SELECT (cnic, plate, make) ON owners TO amanat");
  auto reply = ask(citizen, R"("excise.vehicles.make","excise.vehicles.colour")");
  EXPECT_EQ(reply.status, 200U) << reply.body;
  EXPECT_NE(reply.body.find("Suzuki"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.body.find("white"), std::string::npos);
  EXPECT_EQ(asked(), 1U);
  // Nothing of it granted for the purpose: refused, not asked.
  reply =
      world->ask(officer, World::question("\"national_id\":\"" + citizen + '"',
                                          R"("excise.vehicles.make")", "crime-investigation", ""));
  EXPECT_NE(reply.status, 200U);
  EXPECT_EQ(asked(), 1U);
  // The budget is three citizens. Whom it knows costs nothing, and whether the fourth is new is
  // known only once fetched: what the department said is then released to nobody.
  for (const std::string& whom : {citizens[1], citizens[2]}) EXPECT_EQ(ask(whom).status, 200U);
  EXPECT_EQ(asked(), 3U);
  const auto fourth = ask(citizens[3]);
  EXPECT_NE(fourth.status, 200U) << fourth.body;
  EXPECT_NE(fourth.body.find("quota-spent"), std::string::npos) << fourth.body;
  EXPECT_EQ(fourth.body.find("vehicles"), std::string::npos) << fourth.body;
  EXPECT_EQ(last_entry().type, EntryType::denied);
}

TEST_F(LiveExchange, WhatADepartmentSaysCarriesTheAskersMarks) {
  AuditorProcess auditor(world->exchange->ledger().vkey());
  auditor.join(world->home);
  world->reopen();
  world->serve();
  std::vector<std::string> whom;
  for (int i = 0; i < 20; ++i) {
    whom.push_back("35201000" + std::to_string(10'000 + i));
    sql("INSERT INTO owners VALUES ('" + whom.back() + "', 'P-" + std::to_string(i) +
        "', 'Make', 'red', '2007-03-01')");
  }
  const auto shown = [&](const std::string& one) {
    const auto reply =
        world->ask(officer, World::question("\"national_id\":\"" + one + '"',
                                            R"("excise.vehicles.since")", "vehicle-survey", ""));
    EXPECT_EQ(reply.status, 200U) << reply.body;
    const std::string key = "\"since\":\"";
    const auto at = reply.body.find(key);
    EXPECT_NE(at, std::string::npos) << reply.body;
    if (at == std::string::npos) return std::string();
    return reply.body.substr(at + key.size(),
                             reply.body.find('"', at + key.size()) - at - key.size());
  };
  std::set<std::string> spellings;
  std::vector<std::string> first;
  for (const auto& one : whom) spellings.insert(first.emplace_back(shown(one)));
  // Four spellings of one day; that 20 citizens draw the same one is one chance in 4^19.
  EXPECT_GT(spellings.size(), 1U);
  for (const auto& one : spellings) EXPECT_NE(one.find("2007"), std::string::npos) << one;
  for (std::size_t i = 0; i < whom.size(); ++i) EXPECT_EQ(shown(whom[i]), first[i]);
}

TEST_F(LiveExchange, TheCatalogIsCheckedAgainstTheDepartmentAndStatusSaysHowItFares) {
  const std::string amanat = std::string(AMANAT_BINARY_DIR) + "/amanat ";
  auto checked = run(amanat + "catalog check --home " + world->home.string());
  EXPECT_EQ(checked.status, 0) << checked.said;
  EXPECT_NE(checked.said.find("excise.vehicles"), std::string::npos) << checked.said;
  sql("GRANT INSERT ON owners TO amanat");
  checked = run(amanat + "catalog check --home " + world->home.string());
  EXPECT_EQ(checked.status, 0) << checked.said;
  EXPECT_NE(checked.said.find("SELECT alone"), std::string::npos) << checked.said;
  sql("ALTER TABLE owners RENAME COLUMN make TO maker");
  checked = run(amanat + "catalog check --json --home " + world->home.string());
  EXPECT_EQ(checked.status, 1) << checked.said;
  EXPECT_NE(checked.said.find("42703"), std::string::npos) << checked.said;
  ask(citizen);
  const auto status = world->exchange->status();
  ASSERT_TRUE(status);
  ASSERT_EQ(status->live.size(), 1U);
  EXPECT_EQ(status->live[0].failed, 1U);
  EXPECT_EQ(status->live[0].last_failure.find(citizen), std::string::npos);
  auto refused = world->exchange->import("excise.vehicles", "/dev/null", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::dataset_is_live);
}

}  // namespace
}  // namespace amanat::test
