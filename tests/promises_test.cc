// What a policy makes the ledger promise, over HTTP: a covert lookup is counted and sealed until
// its date, an answer waits for the witnesses; and a citizen's list in the Data Tracker's words.

#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/proof.h"
#include "ledger/tlog_policy.h"
#include "passkeys.h"
#include "vault/vault.h"
#include "witnesses.h"

namespace amanat::test {
namespace {

constexpr const char* kPolicy = R"toml(
[[role]]
id = "portal"
says = "The national portal, which citizens sign in to"
rights = ["usages"]

[[purpose]]
id = "covert-investigation"
says = "An investigation its suspects must not learn of yet"
law = "Investigation for Fair Trial Act 2013"
cases = ["fir"]
sealed_days = 1

[[purpose]]
id = "witnessed-investigation"
says = "An investigation that outsiders confirm"
law = "Code of Criminal Procedure 1898"
cases = ["fir"]
witnessed = true

[[grant]]
id = "Y1"
says = "Who a citizen named in the case is"
roles = ["investigator"]
purposes = ["covert-investigation", "witnessed-investigation"]
fields = ["identity.persons.name"]
needs = { case_open = true, subject_in_case = true, officer_assigned = true }
quota = "case-std"
)toml";

/// Promises is a world under that policy, with a case in it.
class Promises : public ::testing::Test {
 protected:
  void SetUp() override {
    World::more_policy = {{"promises.toml", kPolicy}};
    world = std::make_unique<PasskeyWorld>();
    World::more_policy.clear();
    const auto cases = w().open_cases("fir");
    ASSERT_FALSE(cases.empty());
    one = cases[0];
    w().device(one.officer);
  }
  World& w() { return world->world; }
  World::Reply ask(const std::string& purpose, const std::string& citizen = "") {
    return w().ask(
        one.officer,
        World::question("\"national_id\":\"" + (citizen.empty() ? one.citizen : citizen) + "\"",
                        "\"identity.persons.name\"", purpose, one.ref));
  }
  /// own_list is what the citizen sees, signed in with a passkey of their own.
  net::Json own_list(std::size_t wanted) {
    auto ticket = w().exchange->citizen_code({SubjectKind::national_id, one.citizen}, nullptr);
    EXPECT_TRUE(ticket);
    Officer self{ticket->account, world->authenticator(), world->authenticator(), world->page()};
    self.first.synced = true;
    EXPECT_TRUE(self.page.enrol(self.first, ticket->code, {.format = "none"}));
    world->sign_in(self);
    auto client = w().client("");
    EXPECT_TRUE(client);
    for (int tries = 0;; ++tries) {
      auto response =
          client->ask_with({{"cookie", self.page.cookie}}, "GET", "/v1/me/disclosures", "");
      EXPECT_TRUE(response && response->status == 200) << (response ? response->body : "");
      auto json = net::parse_json(response->body);
      EXPECT_TRUE(json) << response->body;
      if (json->find("total")->integer() >= wanted || tries == 100) return *std::move(json);
      ::usleep(100'000);
    }
  }
  std::vector<EntryType> types_recorded() {
    std::vector<EntryType> types;
    EXPECT_TRUE(w().exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      types.push_back(e.type);
      return true;
    }));
    return types;
  }
  /// days_pass makes the ledger's clock, which never runs behind its last entry, stand in the
  /// future: an entry of that day is recorded.
  void days_pass(unsigned days) {
    auto vault = vault::Vault::open(storage::system_disk(), (w().home / "keys").string());
    ASSERT_TRUE(vault);
    auto seed = (*vault)->named_secret("ledger-signer");
    auto slice = (*vault)->system_slice(now());
    ASSERT_TRUE(seed && slice);
    ledger::Options options;
    options.directory = (w().home / "ledger").string();
    options.origin = "exchange.test/one";
    options.segment_bytes = 64u << 20;
    options.clock = [days] { return Moment{number(now()) + days * 86'400'000ull}; };
    auto log = ledger::Ledger::open(options, *seed);
    ASSERT_TRUE(log) << log.error().detail;
    std::vector<EntryContent> entries(1);
    entries[0].type = EntryType::alert;
    entries[0].part(BodyPart::denial) = "a day later";
    entries[0].slice = *slice;
    const auto pending = (*log)->record(std::move(entries));
  }

  std::unique_ptr<PasskeyWorld> world;
  OpenCase one;
};

TEST_F(Promises, ACovertLookupIsCountedSealedAndOpensByItselfOnItsDate) {
  ASSERT_EQ(ask("covert-investigation").status, 200u);
  const std::string other = w().open_cases("fir").back().citizen;
  ASSERT_NE(other, one.citizen);
  ASSERT_EQ(ask("crime-investigation").status, 200u);
  // A refusal for a covert purpose would give it away as well.
  auto refused = w().ask(
      one.officer, World::question("\"national_id\":\"" + one.citizen + "\"",
                                   "\"telecom.calls.cell\"", "covert-investigation", one.ref));
  EXPECT_NE(refused.status, 200u) << refused.body;

  net::Json list = own_list(3);
  EXPECT_EQ(list.find("total")->integer(), 3u);
  EXPECT_EQ(list.find("sealed")->integer(), 2u);
  std::size_t sealed = 0;
  for (const net::Json& look : *list.find("disclosures")->array()) {
    if (*look.find("state")->string() != "sealed") {
      EXPECT_EQ(*look.find("purpose")->string(), "crime-investigation");
      continue;
    }
    ++sealed;
    EXPECT_EQ(look.object()->size(), 4u) << "entry, time, state, opens and nothing else";
    EXPECT_NE(look.find("opens"), nullptr);
  }
  EXPECT_EQ(sealed, 2u);

  // The citizen keeps the history of today; it holds today.
  ASSERT_NO_FATAL_FAILURE(w().reopen());
  const SubjectName citizen{SubjectKind::national_id, one.citizen};
  Result<std::string> history = fail(Reason::too_busy);
  for (int i = 0; i < 200 && !history; ++i) {
    history = w().exchange->history(citizen);
    if (!history) ::usleep(50'000);
  }
  ASSERT_TRUE(history) << history.error().detail;
  EXPECT_EQ(history->find("covert"), std::string::npos);
  const fs::path at = w().directory.path;
  write_all(at / "mine.history", *history);
  write_all(at / "policy", "log " + w().exchange->ledger().vkey() + "\nquorum none\n");
  const std::string check = "printf %s " + one.citizen + " | " + kVerify + " citizen --policy " +
                            (at / "policy").string() + " ";
  std::string printed;
  EXPECT_EQ(run(check + (at / "mine.history").string(), &printed), 0) << printed;
  // Two days on the same seal is a breach that the citizen can prove.
  const std::string later = std::to_string(number(now()) / 1000 + 2 * 86'400);
  EXPECT_EQ(run(check + "--at " + later + " " + (at / "mine.history").string(), &printed), 1);
  EXPECT_NE(printed.find("seal_date"), std::string::npos) << printed;

  w().exchange->stop();
  w().exchange.reset();
  ASSERT_NO_FATAL_FAILURE(days_pass(2));
  auto opened = server::Exchange::open(w().home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  w().exchange = *std::move(opened);
  Result<std::vector<lookup::Look>> looks = fail(Reason::too_busy);
  for (int i = 0; i < 200 && !looks; ++i) {
    looks = w().exchange->looks(citizen);
    if (!looks) ::usleep(50'000);
  }
  ASSERT_TRUE(looks) << looks.error().detail;
  std::size_t covert = 0;
  for (const lookup::Look& look : *looks) {
    EXPECT_EQ(look.state, ledger::CitizenEntry::State::open);
    covert += look.purpose == "covert-investigation" ? 1 : 0;
  }
  EXPECT_EQ(covert, 2u) << "they opened by themselves";
  history = fail(Reason::too_busy);
  for (int i = 0; i < 200 && !history; ++i) {
    history = w().exchange->history(citizen);
    if (!history) ::usleep(50'000);
  }
  ASSERT_TRUE(history) << history.error().detail;
  write_all(at / "later.history", *history);
  EXPECT_EQ(run(check + "--at " + later + " " + (at / "later.history").string(), &printed), 0)
      << printed;
  EXPECT_NE(printed.find("covert-investigation"), std::string::npos) << printed;
}

TEST_F(Promises, WithoutWitnessesWhatNeedsThemIsRefusedAndRecordedAndTheRestGoesOn) {
  const auto before = types_recorded();
  const auto refused = ask("witnessed-investigation");
  EXPECT_EQ(refused.reason(), "witnesses-silent") << refused.body;
  const auto after = types_recorded();
  ASSERT_EQ(after.size(), before.size() + 1);
  EXPECT_EQ(after.back(), EntryType::denied);
  EXPECT_EQ(ask("crime-investigation").status, 200u);
}

TEST_F(Promises, AnAnswerThatNeedsWitnessesCarriesThemAndStopsWithoutAQuorum) {
  Witnesses witnesses(w().exchange->ledger().vkey(), w().home);
  write_all(w().home / "witnesses/settings.toml", "alarm_seconds = 5\nall_stop_seconds = 600\n");
  ASSERT_NO_FATAL_FAILURE(w().reopen());
  w().serve();
  const auto answered = ask("witnessed-investigation");
  ASSERT_EQ(answered.status, 200u) << answered.body;
  const auto policy = ledger::parse_tlog_policy(witnesses.policy);
  ASSERT_TRUE(policy);
  const auto log = policy->log(w().exchange->ledger().origin());
  ASSERT_NE(log, nullptr);
  const net::Json& citizens = *answered.json.find("answers");
  ASSERT_NE(citizens.array(), nullptr) << answered.body;
  const auto proven = ledger::verify_tlog_proof(
      *citizens.array()->front().find("receipt")->string(), *log, policy->keys());
  ASSERT_TRUE(proven) << proven.error().detail;
  EXPECT_TRUE(policy->reached(proven->at.signed_by));

  // A person on the exchange's list is answered the same way, whatever the purpose.
  const SubjectName person{SubjectKind::national_id, one.citizen};
  ASSERT_TRUE(w().exchange->protect(person, policy::Policy::Listed::on));
  const auto guarded = ask("crime-investigation");
  ASSERT_EQ(guarded.status, 200u) << guarded.body;
  const auto also = ledger::verify_tlog_proof(
      *guarded.json.find("answers")->array()->front().find("receipt")->string(), *log,
      policy->keys());
  ASSERT_TRUE(also);
  EXPECT_TRUE(policy->reached(also->at.signed_by));
  ASSERT_TRUE(w().exchange->protect(person, policy::Policy::Listed::off));

  witnesses.processes[0]->kill(SIGKILL);
  witnesses.processes[1]->kill(SIGKILL);
  const auto before = types_recorded();
  EXPECT_EQ(ask("witnessed-investigation").reason(), "witnesses-silent");
  EXPECT_EQ(ask("witnessed-investigation").reason(), "witnesses-silent") << "now at once";
  const auto after = types_recorded();
  EXPECT_GE(
      std::count(after.begin() + static_cast<long>(before.size()), after.end(), EntryType::denied),
      2);
  EXPECT_EQ(ask("crime-investigation").status, 200u) << "A0 goes on";
  const auto standing = w().exchange->ledger().witness_standing();
  EXPECT_TRUE(standing.a1_stopped);
  EXPECT_FALSE(standing.all_stopped);
}

TEST_F(Promises, APortalShowsACitizenTheirUsageLines) {
  ASSERT_TRUE(w().exchange->add_service("portal-one", "nadra", {"portal"}));
  ASSERT_TRUE(w().exchange->add_service("desk-one", "nadra", {"clerk"}));
  w().device("portal-one");
  w().device("desk-one");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(ask("crime-investigation").status, 200u);
  ::usleep(20'000);  // or all four may be of one millisecond
  ASSERT_EQ(ask("covert-investigation").status, 200u);

  const auto get = [&](const std::string& target, const std::string& as, const std::string& user) {
    auto client = w().client(as);
    EXPECT_TRUE(client);
    net::Client::Headers headers;
    if (!user.empty()) headers.emplace_back("X-Road-UserId", user);
    auto response = client->ask_with(headers, "GET", target, "");
    EXPECT_TRUE(response);
    World::Reply reply;
    reply.status = response->status;
    reply.body = response->body;
    reply.json = net::parse_json(reply.body).value_or(net::Json{});
    return reply;
  };
  const std::string own = "/v1/tracker/findUsage?userCode=PK" + one.citizen,
                    user = "PK" + one.citizen;
  const auto usages = [&](const std::string& more = "") {
    World::Reply reply;
    for (int tries = 0; tries < 100; ++tries) {
      reply = get(own + more, "portal-one", user);
      const net::Json* total = reply.json.find("totalUsages");
      if (!more.empty() || (total != nullptr && total->integer() >= 4u)) break;
      ::usleep(100'000);
    }
    return reply;
  };
  const auto all = usages();
  ASSERT_EQ(all.status, 200u) << all.body;
  EXPECT_EQ(all.json.find("totalUsages")->integer(), 4u) << all.body;
  const auto& lines = *all.json.find("usages")->array();
  ASSERT_EQ(lines.size(), 4u);
  std::string newer = "9";
  std::size_t sealed = 0;
  for (const net::Json& line : lines) {
    const std::set<std::string> allowed{"logtime", "action", "receiverCode", "receiverName",
                                        "receiverSystem"};
    for (const auto& member : *line.object())
      EXPECT_TRUE(allowed.contains(member.name)) << member.name;
    for (const char* must : {"logtime", "action", "receiverCode", "receiverSystem"})
      ASSERT_NE(line.find(must), nullptr) << must;
    const std::string& time = *line.find("logtime")->string();
    EXPECT_EQ(time.size(), 24u) << time;
    EXPECT_EQ(time.back(), 'Z');
    EXPECT_LE(time, newer) << "newest first";
    newer = time;
    const std::string& action = *line.find("action")->string();
    sealed += action.starts_with("Sealed by law until ") ? 1 : 0;
    EXPECT_EQ(action.find("covert"), std::string::npos);
    EXPECT_EQ(*line.find("receiverSystem")->string(), "exchange.test/one");
  }
  EXPECT_EQ(sealed, 1u);
  EXPECT_EQ(all.body.find(one.citizen), std::string::npos);

  // Pages, and periods with both ends included.
  const auto page = usages("&offset=1&limit=2");
  EXPECT_EQ(page.json.find("totalUsages")->integer(), 4u);
  ASSERT_EQ(page.json.find("usages")->array()->size(), 2u);
  EXPECT_EQ(*page.json.find("usages")->array()->front().find("logtime")->string(),
            *lines[1].find("logtime")->string());
  EXPECT_EQ(usages("&offset=9").json.find("usages")->array()->size(), 0u);
  EXPECT_EQ(usages("&limit=0").json.find("usages")->array()->size(), 0u);
  const auto from = usages("&periodStart=" + *lines[0].find("logtime")->string());
  EXPECT_GE(from.json.find("totalUsages")->integer(), 1u);
  EXPECT_LT(from.json.find("totalUsages")->integer(), 4u);
  const auto until = usages("&periodEnd=" + *lines[3].find("logtime")->string());
  EXPECT_GE(until.json.find("totalUsages")->integer(), 1u);
  EXPECT_LT(until.json.find("totalUsages")->integer(), 4u);
  EXPECT_EQ(usages("&periodEnd=2001-01-01T00:00:00Z").json.find("totalUsages")->integer(), 0u);
  EXPECT_EQ(usages("&periodStart=yesterday").reason(), "malformed-request");
  EXPECT_EQ(usages("&limit=-1").reason(), "malformed-request");
  EXPECT_EQ(usages("&order=up").reason(), "malformed-request");

  // Nobody reads another's list, and nobody without the right anybody's.
  const std::string other = w().open_cases("fir").back().citizen;
  EXPECT_EQ(get(own, "portal-one", "PK" + other).reason(), "not-your-right");
  EXPECT_EQ(get(own, "portal-one", "").reason(), "malformed-request");
  EXPECT_EQ(get("/v1/tracker/findUsage", "portal-one", user).reason(), "malformed-request");
  EXPECT_EQ(get(own, "desk-one", user).reason(), "not-your-right");
  EXPECT_EQ(get(own, one.officer, user).reason(), "not-your-right");

  const auto period = get("/v1/tracker/usagePeriod", "portal-one", "");
  ASSERT_EQ(period.status, 200u) << period.body;
  EXPECT_EQ(period.json.object()->size(), 1u);
  EXPECT_LE(*period.json.find("periodStart")->string(), newer);
  EXPECT_EQ(get("/v1/tracker/usagePeriod", "desk-one", "").reason(), "not-your-right");
  const auto beat = get("/v1/tracker/heartbeat", "portal-one", "");
  ASSERT_EQ(beat.status, 200u);
  EXPECT_EQ(*beat.json.find("status")->string(), "OK");
  EXPECT_EQ(get("/v1/tracker/heartbeat", "desk-one", "").reason(), "not-your-right");
}

}  // namespace
}  // namespace amanat::test
