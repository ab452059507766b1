// A real browser against the real server: Debian's Chromium with virtual authenticators, driven by
// unmodified npm packages (tests/clients/browser.mjs).

#include <gtest/gtest.h>

#include "chromium.h"
#include "passkeys.h"

namespace amanat::test {
namespace {

TEST(Browser, ChromiumRegistersSignsInAndSignsAQuestion) {
  World world;
  if (testing::Test::HasFatalFailure()) return;
  const auto open = world.open_cases("fir").at(0);
  write_all(world.home / "authenticators.toml", chromium_row());
  world.reopen();
  world.serve();
  auto ticket = world.exchange->enrolment_code(open.officer, nullptr);
  ASSERT_TRUE(ticket);
  net::JsonWriter json;
  json.begin_object();
  json.key("origin").string("https://localhost:" + world.url.substr(world.url.rfind(':') + 1));
  json.key("spki").string(spki_of(world.home / "server.crt", world.directory.path / "server.spki"));
  json.key("ticket").string(ticket->code);
  json.key("account").string(open.officer);
  json.key("says").string(kChromium);
  json.key("question")
      .raw(World::question(R"("national_id":")" + open.citizen + '"', R"("identity.persons.name")",
                           "crime-investigation", open.ref));
  json.end_object();
  const fs::path config = world.directory.path / "browser.json";
  write_all(config, json.take());
  const Ran ran = node("browser.mjs", "'" + config.string() + "'");
  EXPECT_EQ(ran.status, 0) << ran.said;
  EXPECT_NE(ran.said.find(R"({"name":"done"})"), std::string::npos) << ran.said;
}

}  // namespace
}  // namespace amanat::test
