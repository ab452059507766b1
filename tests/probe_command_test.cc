// amanat probe as a command, and against an exchange of our own.

#include "cli/commands.h"
#include "probe_desk.h"
#include "world.h"

namespace amanat::test {
namespace {

// --- The command.

struct Said {
  int code = 0;
  std::string out, err;
};
Said say(const std::vector<std::string>& arguments) {
  Said said;
  said.code = cli::run(arguments, {}, [&](int stream, std::string_view text) {
    (stream == 1 ? said.out : said.err) += text;
  });
  return said;
}

TEST(ProbeCommand, SaysOneForHolesNoneForNoneAndTwoForTrouble) {
  Desk desk;
  ServedApp faulty({"not-owner"}), correct;
  const auto description = desk.file("openapi.json", SampleApp::description({"domiciles"}));
  const auto own =
      desk.file("own.txt", "# the clerk\nAuthorization: Bearer " + SampleApp::token(first_user()) +
                               "\n@value national_id " + first_user().national_id + "\n");
  const auto other =
      desk.file("other.txt", "Authorization: Bearer " + SampleApp::token(second_user()) + "\n");
  const auto line = [&](const std::string& url, std::vector<std::string> more) {
    std::vector<std::string> all = {
        "probe",        description, url,       "--ca", ServedApp::ca_file(), "--rate", "1000",
        "--credential", own,         "--other", other};
    all.insert(all.end(), more.begin(), more.end());
    return say(all);
  };
  const auto report_file = desk.path("report.html");
  const auto holes = line(faulty.url(), {"--i-am-allowed", "--out", report_file});
  EXPECT_EQ(holes.code, 1) << holes.err;
  EXPECT_NE(holes.out.find("Shows one user's record to another user"), std::string::npos)
      << holes.out;
  EXPECT_EQ(holes.err, "");
  EXPECT_TRUE(content(report_file).starts_with("<!doctype html>"));

  const auto none = line(correct.url(), {"--i-am-allowed", "--json"});
  EXPECT_EQ(none.code, 0) << none.err;
  const auto json = net::parse_json(none.out);
  ASSERT_TRUE(json) << none.out;
  EXPECT_EQ(json->find("holes")->integer(), 0u);

  EXPECT_EQ(line(correct.url(), {}).code, 2);  // nobody said that it is allowed
  const auto asked = correct.app().asked();
  EXPECT_EQ(line("https://127.0.0.1:1", {"--i-am-allowed"}).code, 2);
  EXPECT_EQ(line("ftp://127.0.0.1", {"--i-am-allowed"}).code, 2);
  EXPECT_EQ(line(correct.url() + "/?x=1", {"--i-am-allowed"}).code, 2);
  EXPECT_EQ(line(correct.url(), {"--i-am-allowed", "--timeout", "0"}).code, 2);
  desk.file("own.txt", "Authorization: Bearer x\n", 0644);
  const auto shown = line(correct.url(), {"--i-am-allowed"});
  EXPECT_EQ(shown.code, 2);
  EXPECT_NE(shown.err.find("credential-wrong"), std::string::npos) << shown.err;
  EXPECT_EQ(correct.app().asked(), asked);
}

TEST(ProbeCommand, ReadsYamlToo) {
  Desk desk;
  ServedApp app({"open"});
  const auto description = desk.file("openapi.yaml",
                                     "openapi: 3.1.0\ninfo:\n  title: Pensions\n  version: "
                                     "'1'\npaths:\n  /v1/pensions:\n    get:\n      responses:\n"
                                     "        200:\n          description: ok\n");
  const auto said = say({"probe", description, app.url(), "--ca", ServedApp::ca_file(), "--rate",
                         "1000", "--i-am-allowed"});
  EXPECT_EQ(said.code, 1) << said.err;
  EXPECT_NE(said.out.find("GET /v1/pensions"), std::string::npos) << said.out;
  const auto bad = desk.file("bad.yaml", "openapi: &v 3.1.0\n");
  EXPECT_EQ(say({"probe", bad, app.url(), "--i-am-allowed"}).code, 2);
}

// --- An exchange of our own.

TEST(ProbeAmanat, FindsNothingInAServedExchange) {
  World world;
  const auto cases = world.open_cases("fir");
  ASSERT_FALSE(cases.empty());
  world.serve();
  world.device(cases[0].officer);
  std::string description;
  {
    auto client = world.client("");
    ASSERT_TRUE(client);
    auto response = client->ask("GET", "/v1/openapi.json", "");
    ASSERT_TRUE(response);
    description = response->body;
  }
  auto options = options_for(world.url, description);
  options.ca_file = (world.home / "ca.crt").string();
  options.expired = std::nullopt;
  options.other = std::nullopt;
  options.own = probe::Credential{};
  options.own->certificate = {(world.directory.path / (cases[0].officer + ".crt")).string(),
                              (world.directory.path / (cases[0].officer + ".key")).string()};
  options.own->bodies["POST /v1/lookups"] =
      World::question(R"("national_id":")" + cases[0].citizen + "\"",
                      R"("identity.persons.name","identity.persons.national_id")",
                      "crime-investigation", cases[0].ref);
  const auto report = probed(options);
  EXPECT_EQ(listed(holes_of(report)), "");
  const auto lookup = std::find_if(report.visits.begin(), report.visits.end(),
                                   [](const auto& v) { return v.path == "/v1/lookups"; });
  ASSERT_NE(lookup, report.visits.end());
  EXPECT_EQ(lookup->outcome, probe::Outcome::refused);
  EXPECT_EQ(lookup->stranger_status, 401u);
  EXPECT_EQ(lookup->own_status, 200u);
}

}  // namespace
}  // namespace amanat::test
