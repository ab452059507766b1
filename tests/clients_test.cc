// Departments' systems, played by unmodified npm packages against a served exchange: tokens and
// questions over DPoP and over mutual TLS, message signatures, and a client that does everything
// wrong, one thing at a time.

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "evidence.h"
#include "node.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr const char* kPurpose = "desk-verification";

class ClientsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world = new World;
    if (HasFatalFailure()) return;
    const auto& x = world->exchange;
    ASSERT_TRUE(x->add_service("police-desk", "police", {"clerk"}));
    ASSERT_TRUE(x->add_service("partner-registry", "police", {"token-checker"}));
    ASSERT_TRUE(x->add_service("other-desk", "police", {"clerk"}));
    for (const char* id : {"police-desk", "partner-registry", "other-desk"}) {
      const fs::path folder = world->directory.path / id;
      fs::create_directory(folder);
      const Ran keys = node("keys.mjs", "'" + folder.string() + "'");
      ASSERT_EQ(keys.status, 0) << keys.said << "\nnpm's packages are installed by make test.";
      const auto enrolled = x->enrol_key(id, read_all(folder / "public.jwk"));
      ASSERT_TRUE(enrolled) << enrolled.error().detail;
    }
    world->device("police-desk");
    world->device("other-desk");
    const fs::path stranger = world->directory.path / "stranger";
    fs::create_directory(stranger);
    ASSERT_EQ(node("keys.mjs", "'" + stranger.string() + "'").status, 0);
    world->serve();
    write_config();
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  static void write_config() {
    const auto at = [](const std::string& name) { return (world->directory.path / name).string(); };
    net::JsonWriter json;
    json.begin_object();
    const std::pair<const char*, std::string> members[] = {
        {"issuer", world->url},
        {"ca", (world->home / "ca.crt").string()},
        {"client", "police-desk"},
        {"private", at("police-desk/private.jwk")},
        {"certificate", at("police-desk.crt")},
        {"key", at("police-desk.key")},
        {"otherClient", "other-desk"},
        {"otherPrivate", at("other-desk/private.jwk")},
        {"otherCertificate", at("other-desk.crt")},
        {"otherKey", at("other-desk.key")},
        {"introspector", "partner-registry"},
        {"introspectorPrivate", at("partner-registry/private.jwk")},
        {"strangerPrivate", at("stranger/private.jwk")},
        {"purpose", kPurpose},
        {"citizen", world->open_cases("fir").at(0).citizen}};
    for (const auto& [name, value] : members) json.key(name).string(value);
    json.end_object();
    write_all(config(), json.take());
  }
  static std::string config() { return (world->directory.path / "clients.json").string(); }
  static void run_script(const std::string& script) {
    const Ran ran = node(script, "'" + config() + "'");
    EXPECT_EQ(ran.status, 0) << script << ":\n" << ran.said;
    std::cout << "  " << script << ": "
              << ran.said.substr(ran.said.rfind('\n', ran.said.size() - 2) + 1);
  }
  static World* world;
};
World* ClientsTest::world = nullptr;

TEST_F(ClientsTest, Oauth4webapiAsksOverDpopAndMutualTls) { run_script("oauth4webapi.mjs"); }
TEST_F(ClientsTest, OpenidClientAsksOverDpopAndMutualTls) { run_script("openid-client.mjs"); }
TEST_F(ClientsTest, DpopJoseAndUndiciAskTogether) { run_script("dpop-jose-undici.mjs"); }
TEST_F(ClientsTest, AQuestionSignedByHttpMessageSignaturesIsEvidence) {
  run_script("signatures.mjs");
}
TEST_F(ClientsTest, AClientThatDoesOneThingWrongIsRefusedForThatReason) { run_script("bogo.mjs"); }

class EvidenceTest : public ClientsTest {};

TEST_F(EvidenceTest, ADpopProofConvincesAnOutsider) {
  run_script("dpop-jose-undici.mjs");
  shown_to_an_outsider(*world, 2, "question.json");
}
TEST_F(EvidenceTest, AMessageSignatureConvincesAnOutsider) {
  run_script("signatures.mjs");
  shown_to_an_outsider(*world, 3, "question.json");
}
TEST_F(EvidenceTest, AChannelLeavesOnlyThatItWasSeen) {
  run_script("dpop-jose-undici.mjs");
  const auto index = entry_of_kind(*world, 1);
  ASSERT_TRUE(index);
  const auto files = world->exchange->evidence(*index);
  ASSERT_TRUE(files) << files.error().detail;
  for (const auto& file : *files) EXPECT_NE(file.name, "signature.der");
  const fs::path folder = world->directory.path / "evidence-1";
  write_files(*files, folder);
  std::string said;
  EXPECT_TRUE(openssl_holds(folder, &said)) << said;
  EXPECT_NE(said.find("signed nothing"), std::string::npos) << said;
  const auto none = world->exchange->evidence(EntryIndex{0});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, Reason::no_record);
}

TEST_F(ClientsTest, ARefusalByTheTokensBoundsIsInTheLedgerAndAStrangersIsNot) {
  std::uint64_t denied = 0, of_bounds = 0;
  auto scanned = world->exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::denied) return true;
    ++denied;
    const auto& why = e.parts[static_cast<std::size_t>(BodyPart::denial) - 1];
    of_bounds += why.starts_with("token-bounds");
    for (const char* word : {"proof-", "token-malformed", "client-", "signature-"})
      EXPECT_FALSE(why.starts_with(word)) << why;
    return true;
  });
  ASSERT_TRUE(scanned);
  EXPECT_GT(of_bounds, 0u);
}

}  // namespace
}  // namespace amanat::test
