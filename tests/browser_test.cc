// A real browser against the real server: Debian's Chromium with virtual authenticators, driven by
// unmodified npm packages (tests/clients/browser.mjs).

#include <gtest/gtest.h>

#include "node.h"
#include "passkeys.h"

namespace amanat::test {
namespace {

// The make and attestation key that every Chromium's virtual authenticators share.
constexpr const char* kChromium = "Chromium's virtual authenticator";

std::string chromium_row() {
  return std::string("[[authenticator]]\naaguid = \"01020304-0506-0708-0102-030405060708\"\n") +
         "says = \"" + kChromium + "\"\nroot = \"\"\"\n" +
         read_all(fs::path(AMANAT_SOURCE_DIR) / "tests/data/chromium-authenticator.pem") +
         "\"\"\"\n";
}

// What Chromium wants to know the server's key by: base64 of the SHA-256 of its public key's DER.
std::string spki_of(const fs::path& certificate, const fs::path& scratch) {
  const std::string command = "openssl x509 -in '" + certificate.string() +
                              "' -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst "
                              "-sha256 -binary | openssl base64 -A > '" +
                              scratch.string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return read_all(scratch);
}

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
