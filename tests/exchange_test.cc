// The main job end to end, over real TLS, on the departments' own files: a question, its record,
// its answer; and every way it is refused.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ledger/proof.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr const char* kName = R"("identity.persons.name")";
constexpr const char* kTwo = R"("identity.persons.name","identity.persons.present_address")";
constexpr const char* kPurpose = "crime-investigation";

std::string by_id(const std::string& id) { return R"("national_id":")" + id + '"'; }

std::vector<ledger::Opened> entries_of(server::Exchange& exchange, vault::Vault* = nullptr) {
  std::vector<ledger::Opened> found;
  auto scanned = exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    found.push_back(e);
    return true;
  });
  EXPECT_TRUE(scanned);
  return found;
}

class ExchangeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world = new World;
    if (HasFatalFailure()) return;
    open = new OpenCase(world->open_cases("fir").at(0));
    world->device(open->officer);
    world->serve();
  }
  static void TearDownTestSuite() {
    delete world;
    delete open;
    world = nullptr;
  }
  static World* world;
  static OpenCase* open;
};
World* ExchangeTest::world = nullptr;
OpenCase* ExchangeTest::open = nullptr;

TEST_F(ExchangeTest, ImportsTheDepartmentsFilesAndItsReportsAddUp) {
  for (const auto& [dataset, r] : world->reports) {
    SCOPED_TRACE(dataset);
    EXPECT_GT(r.accepted, 0u);
    EXPECT_EQ(r.rows, r.accepted + r.repeated + r.blank + r.quarantined);
    std::uint64_t reasons = 0;
    for (const auto& [id, n] : r.reasons) reasons += n;
    EXPECT_EQ(reasons, r.quarantined);
  }
  const auto& persons = world->reports["identity.persons"];
  EXPECT_EQ(persons.rows, 5015u);
  EXPECT_EQ(persons.repeated, 12u);
  EXPECT_EQ(persons.blank, 3u);
  EXPECT_EQ(persons.quarantined, 13u);
  const auto& numbers = world->reports["telecom.subscribers"];
  EXPECT_EQ(numbers.rows, 7320u);
  EXPECT_EQ(numbers.repeated, 18u);
  EXPECT_EQ(numbers.blank, 6u);
  EXPECT_EQ(numbers.quarantined, 45u);
  EXPECT_EQ(world->reports["police.firs"].quarantined, 0u);
  EXPECT_EQ(world->reports["hotels.stays"].repeated, 4u);
  EXPECT_EQ(world->reports["hotels.stays"].quarantined, 0u);
}

TEST_F(ExchangeTest, AnOfficerOfTheCaseIsAnsweredWithWhatThePolicyGrants) {
  const auto reply =
      world->ask(open->officer, World::question(by_id(open->citizen), kTwo, kPurpose, open->ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const net::Json::Array* answers = reply.at("answers").array();
  ASSERT_TRUE(answers && answers->size() == 1);
  const net::Json& answer = answers->front();
  EXPECT_EQ(*answer.find("citizen")->string(), open->citizen);
  const net::Json* records = answer.find("records")->find("identity.persons");
  ASSERT_NE(records, nullptr);
  const net::Json& record = records->array()->front();
  EXPECT_FALSE(record.find("name")->string()->empty());
  EXPECT_FALSE(record.find("present_address")->string()->empty());
  EXPECT_NE(record.find("source"), nullptr);
  EXPECT_EQ(record.find("date")->string()->size(), 10u);
  EXPECT_EQ(record.object()->size(), 4u) << "only what was asked";
  EXPECT_TRUE(answer.find("withheld")->array()->empty());
}

TEST_F(ExchangeTest, TheReceiptOfAnAnswerVerifiesOffline) {
  const auto reply =
      world->ask(open->officer, World::question(by_id(open->citizen), kName, kPurpose, open->ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const net::Json& answer = reply.at("answers").array()->front();
  const std::string receipt = *answer.find("receipt")->string();
  ASSERT_TRUE(receipt.starts_with("c2sp.org/tlog-proof@v1\n"));
  write_all(world->directory.path / "answer.json", reply.body);
  write_all(world->directory.path / "receipt.tlog-proof", receipt);
  const std::string verify = std::string(AMANAT_BINARY_DIR) + "/amanat-verify --vkey '" +
                             world->exchange->ledger().vkey() + "' ";
  EXPECT_EQ(std::system(
                (verify + (world->directory.path / "receipt.tlog-proof").string() + " > /dev/null")
                    .c_str()),
            0);
  EXPECT_EQ(
      std::system(
          (verify + (world->directory.path / "answer.json").string() + " > /dev/null").c_str()),
      0);
  std::string bent = receipt;
  const std::size_t at = bent.find("index ") + 6;
  bent[at] = bent[at] == '9' ? '8' : '9';
  write_all(world->directory.path / "bent.tlog-proof", bent);
  EXPECT_NE(std::system((verify + (world->directory.path / "bent.tlog-proof").string() +
                         " > /dev/null 2>&1")
                            .c_str()),
            0);
}

TEST_F(ExchangeTest, TheEntryCommitsToExactlyTheBytesReleased) {
  const auto reply =
      world->ask(open->officer, World::question(by_id(open->citizen), kTwo, kPurpose, open->ref));
  ASSERT_EQ(reply.status, 200u);
  // The share is the answer's object without the members that only the ledger could add.
  const std::size_t begin = reply.body.find("{\"citizen\"");
  const std::size_t end = reply.body.find(",\"entry\":");
  ASSERT_NE(end, std::string::npos);
  const std::string share = reply.body.substr(begin, end - begin) + "}";
  const auto index = *reply.at("answers").array()->front().find("entry")->integer();
  const auto entries = entries_of(*world->exchange);
  ASSERT_LT(index, entries.size());
  const ledger::Opened& entry = entries[index];
  EXPECT_EQ(entry.type, EntryType::disclosure);
  const auto part = [&entry](BodyPart p) { return entry.parts[static_cast<std::size_t>(p) - 1]; };
  EXPECT_EQ(part(BodyPart::released_digest), crypto::text_of(crypto::sha256(share)));
  EXPECT_EQ(part(BodyPart::purpose), kPurpose);
  EXPECT_EQ(part(BodyPart::case_ref), open->ref);
  EXPECT_EQ(part(BodyPart::evidence_digest), crypto::text_of(crypto::sha256(entry.evidence)));
  ASSERT_TRUE(entry.actor);
  EXPECT_EQ(entry.actor->thumbprint, world->thumbprints[open->officer]);
  EXPECT_NE(entry.evidence.find(open->citizen), std::string::npos);
}

TEST_F(ExchangeTest, AFieldOutsideTheGrantIsWithheldWithItsReasonAndNextStep) {
  const auto reply = world->ask(
      open->officer,
      World::question(by_id(open->citizen), std::string(kName) + R"(,"telecom.subscribers.imsi")",
                      kPurpose, open->ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const net::Json& answer = reply.at("answers").array()->front();
  const net::Json::Array* withheld = answer.find("withheld")->array();
  ASSERT_EQ(withheld->size(), 1u);
  EXPECT_EQ(*withheld->front().find("field")->string(), "telecom.subscribers.imsi");
  EXPECT_FALSE(withheld->front().find("reason")->string()->empty());
  EXPECT_FALSE(withheld->front().find("next")->string()->empty());
}

TEST_F(ExchangeTest, AnOfficerWithoutTheCaseIsRefusedAndTheRefusalIsInTheLedger) {
  // Another investigator, in service, not assigned to the case.
  const Table roster = read_table(World::data() / "hr_roster.csv");
  std::string other;
  for (std::size_t i = 1; i < roster.size() && other.empty(); ++i)
    if (roster[i][5] == "investigator" && roster[i][3] == "police" && roster[i][9].empty() &&
        std::find(open->officers.begin(), open->officers.end(), roster[i][0]) ==
            open->officers.end())
      other = roster[i][0];
  world->device(other);
  const auto before = world->exchange->ledger().size();
  const auto reply =
      world->ask(other, World::question(by_id(open->citizen), kName, kPurpose, open->ref));
  EXPECT_EQ(reply.status, 403u);
  EXPECT_EQ(reply.reason(), "officer-not-assigned");
  EXPECT_EQ(reply.body.find(open->citizen), std::string::npos);
  const auto entries = entries_of(*world->exchange);
  ASSERT_EQ(entries.size(), before + 1);
  EXPECT_EQ(entries.back().type, EntryType::denied);
  EXPECT_TRUE(entries.back().subject);
  EXPECT_TRUE(entries.back().parts[9].starts_with("officer-not-assigned"));
}

TEST_F(ExchangeTest, EveryNeedOfTheCaseIsCheckedAndNamed) {
  const auto refused = [&](const std::string& subject, const std::string& purpose,
                           const std::string& ref) {
    return world->ask(open->officer, World::question(subject, kName, purpose, ref)).reason();
  };
  EXPECT_EQ(refused(by_id(open->citizen), kPurpose, ""), "case-missing");
  EXPECT_EQ(refused(by_id(open->citizen), kPurpose, "FIR 999/99 PS Nowhere"), "case-unknown");
  EXPECT_EQ(refused(by_id(open->citizen), "curiosity", open->ref), "unknown-purpose");
  const auto others = world->open_cases("fir");
  std::string stranger;
  for (const auto& c : others)
    if (std::find(open->citizens.begin(), open->citizens.end(), c.citizen) == open->citizens.end())
      stranger = c.citizen;
  EXPECT_EQ(refused(by_id(stranger), kPurpose, open->ref), "subject-not-in-case");
}

TEST_F(ExchangeTest, AStrangerIsRefusedEverywhereAndCannotWriteIntoTheLedger) {
  const auto before = world->exchange->ledger().size();
  const auto reply =
      world->ask("", World::question(by_id(open->citizen), kName, kPurpose, open->ref));
  EXPECT_EQ(reply.status, 401u);
  EXPECT_EQ(reply.reason(), "no-credential");
  EXPECT_EQ(world->exchange->ledger().size(), before);
}

TEST_F(ExchangeTest, ACertificateOfAnotherAuthorityIsRefused) {
  auto foreign = crypto::make_authority("exchange.test/one CA", 1);
  ASSERT_TRUE(foreign);
  auto key = crypto::make_device_key(open->officer);
  ASSERT_TRUE(key);
  auto certified = crypto::certify(*foreign, key->csr_pem, open->officer, 30);
  ASSERT_TRUE(certified);
  write_all(world->directory.path / "foreign.crt", certified->certificate_pem);
  write_all(world->directory.path / "foreign.key", key->key_pem.view());
  const auto reply =
      world->ask("foreign", World::question(by_id(open->citizen), kName, kPurpose, open->ref));
  EXPECT_EQ(reply.status, 401u);
  EXPECT_EQ(reply.reason(), "foreign-certificate");
}

TEST_F(ExchangeTest, ARevokedDeviceIsRefusedOnItsNextQuestion) {
  const auto cases = world->open_cases("fir");
  OpenCase another;
  for (const auto& c : cases)
    if (c.officer != open->officer) another = c;
  ASSERT_FALSE(another.officer.empty());
  world->device(another.officer);
  auto client = world->client(another.officer);
  ASSERT_TRUE(client);
  const std::string body = World::question(by_id(another.citizen), kName, kPurpose, another.ref);
  auto first = client->ask("POST", "/v1/lookups", body);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, 200u) << first->body;
  ASSERT_TRUE(world->exchange->revoke(crypto::hex(world->thumbprints[another.officer])));
  auto second = client->ask("POST", "/v1/lookups", body);  // the same connection, still open
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, 401u);
  EXPECT_NE(second->body.find("revoked-device"), std::string::npos);
}

TEST_F(ExchangeTest, ACitizenNobodyKnowsIsAnEntryAndNoError) {
  // The case must name them, or the policy refuses first: so ask one the identity file quarantined.
  const auto reply = world->ask(
      open->officer, World::question(by_id("3520299999999"), kName, kPurpose, open->ref));
  EXPECT_EQ(reply.status, 403u);
  EXPECT_EQ(reply.reason(), "subject-not-in-case");
}

TEST_F(ExchangeTest, EveryRouteThatIsNotPublicRefusesStrangers) {
  auto client = world->client("");
  ASSERT_TRUE(client);
  for (const auto& route : world->exchange->routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    std::string path = route.path.substr(0, route.path.find('{'));
    if (path != route.path) path += "identity.persons";
    auto reply = client->ask(route.method, path, route.method == "GET" ? "" : "{}");
    ASSERT_TRUE(reply);
    if (route.is_public) {
      EXPECT_NE(reply->status, 401u);
    } else {
      EXPECT_EQ(reply->status, 401u);
      EXPECT_TRUE(reply->body.find("no-credential") != std::string::npos ||
                  reply->body.find("no-session") != std::string::npos)
          << reply->body;
    }
  }
}

TEST_F(ExchangeTest, EveryMalformedQuestionIsRefusedWithItsReasonAndNothingElseHappens) {
  const std::string good = World::question(by_id(open->citizen), kName, kPurpose, open->ref);
  struct Case {
    std::string body, reason;
  };
  const std::vector<Case> table = {
      {"", ""},
      {"null", "malformed-json"},
      {"[]", "malformed-json"},
      {"{", "malformed-json"},
      {good + " x", "malformed-json"},
      {std::string(100, '[') + std::string(100, ']'), "malformed-json"},
      {R"({"subject":{"national_id":"1"},"subject":{"national_id":"2"}})", "malformed-json"},
      {R"({"subject":{},"fields":["identity.persons.name"],"purpose":"crime-investigation","case":"x"})",
       ""},
      {World::question(by_id("35202"), kName, kPurpose, open->ref), ""},
      {World::question(R"("shoe_size":"44")", kName, kPurpose, open->ref), ""},
      {World::question(by_id(open->citizen), R"("identity.persons.nmae")", kPurpose, open->ref),
       "unknown-field"},
      {World::question(by_id(open->citizen), "", kPurpose, open->ref), ""},
      {World::question(by_id(open->citizen), "7", kPurpose, open->ref), ""},
      {R"({"subject":{"national_id":3520212345671},"fields":["identity.persons.name"],"purpose":"p","case":"c"})",
       ""},
      {R"({"subject":{"national_id":"3520212345671"},"fields":["identity.persons.name"],"purpose":"p","case":"c","admin":true})",
       ""},
      {R"({"subject":{"national_id":"3520212345671","hops":99},"fields":["identity.persons.name"],"purpose":"p","case":"c"})",
       ""},
      {R"({"subject":{"national_id":"3520212345671"},"fields":["identity.persons.name"],"purpose":"p","case":"c","max_subjects":100000})",
       ""},
      {"\xff\xfe", "malformed-json"},
  };
  for (const auto& one : table) {
    SCOPED_TRACE(one.body.substr(0, 80));
    const auto reply = world->ask(open->officer, one.body);
    EXPECT_GE(reply.status, 400u);
    EXPECT_LT(reply.status, 500u);
    EXPECT_FALSE(reply.reason().empty());
    if (!one.reason.empty()) EXPECT_EQ(reply.reason(), one.reason);
    EXPECT_EQ(reply.body.find("answers"), std::string::npos);
  }
  EXPECT_EQ(world->ask(open->officer, good).status, 200u) << "healthy afterwards";
}

TEST_F(ExchangeTest, ErrorsAreToldInUrduToWhoAsksForIt) {
  auto client = world->client("");
  ASSERT_TRUE(client);
  auto reply = client->ask("GET", "/nowhere", "");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 404u);
  EXPECT_EQ(reply->content_type, "application/problem+json");
}

TEST_F(ExchangeTest, TheLedgerIsServedToAnybodyAndVerifies) {
  auto client = world->client("");
  ASSERT_TRUE(client);
  auto checkpoint = client->ask("GET", "/ledger/checkpoint", "");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->status, 200u);
  EXPECT_TRUE(checkpoint->body.starts_with("exchange.test/one\n"));
  const std::string verify = std::string(AMANAT_BINARY_DIR) + "/amanat-verify --vkey '" +
                             world->exchange->ledger().vkey() + "' --url " + world->url +
                             "/ledger --ca " + (world->home / "ca.crt").string() + " > /dev/null";
  EXPECT_EQ(std::system(verify.c_str()), 0);
}

TEST_F(ExchangeTest, PipelinedQuestionsAreAnsweredInTheirOrder) {
  auto client = world->client(open->officer);
  ASSERT_TRUE(client);
  std::vector<std::string> bodies;
  for (int i = 0; i < 64; ++i)
    bodies.push_back(
        World::question(by_id(open->citizen), i % 2 ? kName : kTwo, kPurpose, open->ref));
  auto replies = client->ask_all("POST", "/v1/lookups", bodies);
  ASSERT_TRUE(replies) << replies.error().detail;
  ASSERT_EQ(replies->size(), 64u);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < replies->size(); ++i) {
    const auto json = net::parse_json((*replies)[i].body);
    ASSERT_TRUE(json);
    const net::Json& answer = json->find("answers")->array()->front();
    const bool has_address = (*replies)[i].body.find("present_address") != std::string::npos;
    EXPECT_EQ(has_address, i % 2 == 0);
    const auto index = *answer.find("entry")->integer();
    EXPECT_GT(index, last);
    last = index;
  }
}

}  // namespace
}  // namespace amanat::test
