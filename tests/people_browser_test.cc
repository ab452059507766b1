// The console's people in a real browser: tests/clients/people.mjs plays each one's whole task.
// AMANAT_PICTURES names a folder for a picture of every page.

#include <cstdlib>

#include "an_approval.h"
#include "chromium.h"
#include "passkeys.h"

namespace amanat::test {
namespace {

TEST(PeopleBrowser, FivePeoplePlayTheirWholeTaskByKeyboardInBothLanguages) {
  World::more_policy = {{"zz_more.toml", kAnApprovalNeeded}};
  World world;
  World::more_policy.clear();
  if (testing::Test::HasFatalFailure()) return;
  const auto open = world.open_cases("fir").at(0);
  write_all(world.home / "authenticators.toml", chromium_row());
  world.reopen();
  world.serve();
  int n = 0;
  for (const auto& [id, unit, role] : {std::tuple{"PB-2", "Investigation Multan", "supervisor"},
                                       std::tuple{"PB-3", "Inspection Lahore", "auditor"}}) {
    identity::Officer one;
    one.id = id;
    one.name = "Officer " + one.id;
    one.department = "police";
    one.unit = unit;
    one.role = role;
    one.national_id = "42101997000" + std::to_string(10 + n++);
    ASSERT_TRUE(world.exchange->identity().note_officer(one));
  }
  net::JsonWriter json;
  json.begin_object();
  json.key("origin").string("https://localhost:" + world.url.substr(world.url.rfind(':') + 1));
  json.key("spki").string(spki_of(world.home / "server.crt", world.directory.path / "server.spki"));
  json.key("tickets").begin_object();
  for (const auto& [person, account] :
       {std::pair{"officer", open.officer}, std::pair{"supervisor", std::string("PB-2")},
        std::pair{"auditor", std::string("PB-3")}}) {
    auto ticket = world.exchange->enrolment_code(account, nullptr);
    ASSERT_TRUE(ticket) << account;
    json.key(person).string(ticket->code);
  }
  auto own = world.exchange->citizen_code({SubjectKind::national_id, open.citizen}, nullptr);
  ASSERT_TRUE(own);
  json.key("citizen").string(own->code).end_object();
  json.key("officer").string(open.officer);
  json.key("citizen").string(open.citizen).key("case").string(open.ref);
  const Table persons = read_table(World::data() / "nadra_identity.csv");
  json.key("citizens").begin_array().string(open.citizen);
  int others = 0;
  for (std::size_t i = 1; i < persons.size() && others < 4; ++i)
    if (digits_of(persons[i][0]).size() == 13 && digits_of(persons[i][0]) != open.citizen) {
      json.string(digits_of(persons[i][0]));
      ++others;
    }
  json.end_array();
  if (const char* pictures = std::getenv("AMANAT_PICTURES")) json.key("pictures").string(pictures);
  json.end_object();
  const fs::path config = world.directory.path / "people.json";
  write_all(config, json.take());
  const Ran ran = node("people.mjs", "'" + config.string() + "'");
  EXPECT_EQ(ran.status, 0) << ran.said;
  EXPECT_NE(ran.said.find(R"({"name":"done"})"), std::string::npos) << ran.said;
}

}  // namespace
}  // namespace amanat::test
