// What people do about policy, over the whole exchange: approvals, consent, emergencies, cases,
// court orders, who is whose relative, and a change of policy under load.

#include <atomic>
#include <thread>

#include "an_approval.h"
#include "crypto/device_key.h"
#include "passkeys.h"

namespace amanat::test {
namespace {

constexpr const char* kMorePolicy = R"(
[[role]]
id = "reviewer"
says = "Somebody who reviews emergencies"
rights = ["review"]
[[purpose]]
id = "life-at-risk"
says = "saving a life in danger"
law = "an invented law, section 2"
[[quota]]
id = "much"
distinct_subjects = [{ per = "officer", n = 100000 }]
[[grant]]
id = "A02"
says = "An address, if the citizen consents"
roles = ["investigator"]
purposes = ["asset-tracing"]
fields = ["identity.persons.present_address"]
needs = { consent = true }
quota = "much"
[[grant]]
id = "A03"
says = "Father's name and card, for the tests of change"
roles = ["investigator"]
purposes = ["asset-tracing"]
fields = ["identity.persons.father_name", "identity.persons.gender"]
quota = "much"
[[grant]]
id = "A04"
says = "Cells, under a court's order"
roles = ["investigator"]
purposes = ["crime-investigation"]
fields = ["telecom.calls.cell"]
needs = { court_order = true }
quota = "much"
[[grant]]
id = "B01"
says = "A name, to save a life"
roles = ["investigator"]
purposes = ["life-at-risk"]
fields = ["identity.persons.name"]
needs = { break_glass = true }
quota = "much"
)";

class PolicyActsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    World::more_policy = {{"zz_approval.toml", kAnApprovalNeeded}, {"zz_more.toml", kMorePolicy}};
    w = new PasskeyWorld;
    World::more_policy.clear();
    officer("TA-1", "Investigation Lahore", "investigator");
    officer("TA-2", "Investigation Multan", "supervisor");
    officer("TA-3", "Investigation Lahore", "supervisor");
    officer("TA-4", "Investigation Quetta", "reviewer");
    officer("TA-5", "Investigation Multan", "reviewer");
    officer("TA-6", "Legal Lahore", "policy-keeper");
    officer("TA-7", "Legal Multan", "policy-keeper");
    for (const char* id : {"TA-1", "TA-2", "TA-3", "TA-4", "TA-6", "TA-7"}) w->world.device(id);
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size() && citizens.size() < 40; ++i)
      if (!persons[i].empty() && digits_of(persons[i][0]).size() == 13)
        citizens.push_back(digits_of(persons[i][0]));
  }
  static void TearDownTestSuite() {
    delete w;
    w = nullptr;
  }
  static void officer(const std::string& id, const std::string& unit, const std::string& role,
                      std::string national_id = "") {
    identity::Officer o;
    o.id = id;
    o.name = "Officer " + id;
    o.department = "police";
    o.unit = unit;
    o.role = role;
    static int n = 0;
    o.national_id = national_id.empty() ? "42101999000" + std::to_string(10 + n++) : national_id;
    ASSERT_TRUE(w->identity().note_officer(o));
  }
  static std::string question(const std::string& citizen, const std::string& field,
                              const std::string& purpose = "asset-tracing",
                              const std::string& more = "") {
    return R"({"subject":{"national_id":")" + citizen + R"("},"fields":["identity.persons.)" +
           field + R"("],"purpose":")" + purpose + "\"" + more + "}";
  }
  static World::Reply ask(const std::string& officer, const std::string& body) {
    return w->world.ask(officer, body);
  }
  static net::Json get(const std::string& officer, const std::string& target) {
    auto client = w->world.client(officer);
    EXPECT_TRUE(client);
    auto response = client->ask("GET", target, "");
    EXPECT_TRUE(response);
    auto json = net::parse_json(response->body, {.bytes_max = 1 << 20, .values_max = 1 << 16});
    EXPECT_TRUE(json) << response->body;
    return json ? *json : net::Json{};
  }
  static std::string text(const net::Json& object, const char* name) {
    const net::Json* member = object.find(name);
    return member != nullptr && member->string() != nullptr ? *member->string() : "";
  }
  // act posts an act signed with the device's own key.
  static World::Reply act(const std::string& officer, const std::string& target, Act act) {
    std::string tagged = std::string("amanat/act/v1") + '\0' + *canonical_act(act);
    const std::string key = read_all(w->world.directory.path / (officer + ".key"));
    auto signature = crypto::sign_with_key(key, crypto::bytes_of(tagged));
    EXPECT_TRUE(signature);
    net::JsonWriter json;
    json.begin_object().key("act").begin_object().key("verb").string(act.verb);
    json.key("target").string(act.target).key("subject").string(crypto::hex(act.subject));
    json.key("reason").string(act.reason).key("until").number(act.until).end_object();
    json.key("signature").string(crypto::base64(crypto::bytes_of(*signature))).end_object();
    return w->world.ask(officer, json.take(), target);
  }
  static Act approval(const std::string& id, const std::string& hash,
                      const std::string& verb = "approve") {
    Act a;
    a.verb = verb;
    a.target = id;
    const auto bytes = crypto::from_hex(hash);
    if (bytes && bytes->size() == 32) std::copy(bytes->begin(), bytes->end(), a.subject.begin());
    a.reason = "seen";
    a.until = number(now()) + 3'600'000;
    return a;
  }
  // waits asks a question that needs approval and returns the approval's id and question's hash.
  static std::pair<std::string, std::string> waits(const std::string& body) {
    const auto refused = ask("TA-1", body);
    EXPECT_EQ(refused.status, 403u);
    EXPECT_EQ(refused.reason(), "approval-required");
    const net::Json* needs = refused.json.find("needs");
    if (needs == nullptr || needs->array() == nullptr || needs->array()->empty()) {
      ADD_FAILURE() << refused.body;
      return {};
    }
    const std::string id = text(needs->array()->front(), "approval");
    EXPECT_EQ(text(needs->array()->front(), "approver"), "superior_other_unit");
    const auto list = get("TA-2", "/v1/approvals");
    for (const auto& one : *list.find("to_decide")->array())
      if (text(one, "approval") == id) return {id, text(one, "question_hash")};
    ADD_FAILURE() << "the approver does not see it";
    return {id, ""};
  }
  // scan visits the whole ledger, opened.
  static std::vector<ledger::Opened> entries() {
    std::vector<ledger::Opened> all;
    EXPECT_TRUE(w->world.exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      all.push_back(e);
      return true;
    }));
    return all;
  }
  static const std::string& part(const ledger::Opened& e, BodyPart p) {
    return e.parts[static_cast<std::size_t>(p) - 1];
  }
  static PasskeyWorld* w;
  static std::vector<std::string> citizens;
};
PasskeyWorld* PolicyActsTest::w = nullptr;
std::vector<std::string> PolicyActsTest::citizens;

TEST_F(PolicyActsTest, AnApprovedQuestionIsAnsweredOnceAndTheStatementIsInTheLedgerFirst) {
  const std::string body = question(citizens[0], "name");
  const auto [id, hash] = waits(body);
  ASSERT_FALSE(hash.empty());
  EXPECT_EQ(ask("TA-1", body).reason(), "approval-required") << "it waits once";
  const auto mine = get("TA-1", "/v1/approvals");
  EXPECT_TRUE(mine.find("to_decide")->array()->empty());
  EXPECT_EQ(mine.find("own")->array()->size(), 1u);
  EXPECT_TRUE(get("TA-3", "/v1/approvals").find("to_decide")->array()->empty())
      << "a superior of the same unit is not who is asked";

  const std::string at = "/v1/approvals/" + id;
  EXPECT_EQ(act("TA-1", at, approval(id, hash)).reason(), "not-your-right");
  EXPECT_EQ(act("TA-3", at, approval(id, hash)).reason(), "approver-wrong");
  EXPECT_EQ(act("TA-4", at, approval(id, hash)).reason(), "not-your-right");
  EXPECT_EQ(act("TA-2", at, approval(id, std::string(64, '1'))).reason(), "act-wrong");
  EXPECT_EQ(act("TA-2", at, approval("0011223344556677", hash)).reason(), "act-wrong");
  EXPECT_EQ(act("TA-2", at, approval(id, hash, "hold")).reason(), "act-wrong");
  Act late = approval(id, hash);
  late.until = number(now()) + 25ull * 3'600'000;
  EXPECT_EQ(act("TA-2", at, late).reason(), "act-wrong");
  EXPECT_EQ(
      act("TA-2", "/v1/approvals/0011223344556677", approval("0011223344556677", hash)).reason(),
      "approval-unknown");
  EXPECT_EQ(ask("TA-1", body).reason(), "approval-required") << "nothing of that counted";

  const auto before = entries().size();
  EXPECT_EQ(act("TA-2", at, approval(id, hash)).status, 200u);
  const auto all = entries();
  ASSERT_GT(all.size(), before);
  EXPECT_EQ(part(all.back(), BodyPart::purpose), "approval given");
  EXPECT_FALSE(all.back().evidence.empty()) << "what was signed is kept";
  EXPECT_EQ(act("TA-2", at, approval(id, hash)).reason(), "approver-wrong") << "decided";

  EXPECT_EQ(ask("TA-1", question(citizens[1], "name")).status, 403u) << "another citizen";
  const auto answer = ask("TA-1", body);
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(ask("TA-1", body).reason(), "approval-required") << "it was used up";
}

TEST_F(PolicyActsTest, OfTwoHundredQuestionsAtOnceOneUsesTheApproval) {
  const std::string body = question(citizens[2], "name");
  const auto [id, hash] = waits(body);
  ASSERT_EQ(act("TA-2", "/v1/approvals/" + id, approval(id, hash)).status, 200u);
  std::atomic<int> answered{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto client = w->world.client("TA-1");
      ASSERT_TRUE(client);
      auto replies = client->ask_all("POST", "/v1/lookups", std::vector<std::string>(25, body));
      ASSERT_TRUE(replies);
      for (const auto& reply : *replies) ++(reply.status == 200 ? answered : refused);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(refused, 199);
}

TEST_F(PolicyActsTest, ARefusalTellsTheAskerWhoRefused) {
  const std::string body = question(citizens[3], "name");
  const auto [id, hash] = waits(body);
  ASSERT_EQ(act("TA-2", "/v1/approvals/" + id, approval(id, hash, "refuse")).status, 200u);
  const auto again = ask("TA-1", body);
  EXPECT_EQ(again.reason(), "approval-required");
  EXPECT_NE(text(again.json, "detail").find("refused by TA-2"), std::string::npos) << again.body;
}

TEST_F(PolicyActsTest, NobodySeesThemselvesTheirFamilyOrColleagues) {
  // A person with a father in the register becomes an officer, the father's case is theirs.
  const Table persons = read_table(World::data() / "nadra_identity.csv");
  std::size_t father_column = 0;
  for (std::size_t i = 0; i < persons[0].size(); ++i)
    if (persons[0][i].find("Father") != std::string::npos &&
        persons[0][i].find("CNIC") != std::string::npos)
      father_column = i;
  ASSERT_GT(father_column, 0u);
  std::set<std::string> known;
  for (std::size_t i = 1; i < persons.size(); ++i)
    if (!persons[i].empty()) known.insert(digits_of(persons[i][0]));
  std::string self, father, brother;
  for (std::size_t i = 1; i < persons.size() && self.empty(); ++i)
    if (persons[i].size() > father_column && digits_of(persons[i][0]).size() == 13 &&
        digits_of(persons[i][father_column]).size() == 13 &&
        known.count(digits_of(persons[i][father_column]))) {
      self = digits_of(persons[i][0]);
      father = digits_of(persons[i][father_column]);
    }
  ASSERT_FALSE(self.empty());
  officer("TB-1", "Investigation Sukkur", "investigator", self);
  officer("TB-2", "Investigation Sukkur", "investigator", citizens[5]);
  w->world.device("TB-1");
  const auto see = [&](const std::string& who) {
    return ask("TB-1", question(who, "gender")).reason();
  };
  EXPECT_EQ(see(self), "forbidden-by-rule");
  EXPECT_EQ(see(father), "forbidden-by-rule");
  EXPECT_EQ(see(citizens[5]), "forbidden-by-rule") << "a colleague of the same unit";
  EXPECT_EQ(ask("TA-1", question(citizens[5], "gender")).status, 200u)
      << "nobody's colleague there";
  std::string stranger;
  for (const auto& one : citizens)
    if (one != self && one != father && one != citizens[5]) stranger = one;
  EXPECT_EQ(ask("TB-1", question(stranger, "gender")).status, 200u);
  // The roster changes, and so does who is whose colleague, at once.
  officer("TB-2", "Investigation Hub", "investigator", citizens[5]);
  EXPECT_EQ(ask("TB-1", question(citizens[5], "gender")).status, 200u);
}

TEST_F(PolicyActsTest, AConsentOpensWhatItNamesUntilItIsTakenBack) {
  const std::string& citizen = citizens[6];
  const std::string body = question(citizen, "present_address");
  const auto without = ask("TA-1", body);
  EXPECT_EQ(without.reason(), "consent-missing");
  auto account = w->identity().add_citizen({SubjectKind::national_id, citizen});
  ASSERT_TRUE(account);
  auto ticket = w->identity().make_ticket(*account);
  ASSERT_TRUE(ticket);
  auto page = w->page();
  auto key = w->authenticator();
  auto second = w->authenticator();
  ASSERT_TRUE(page.enrol(key, ticket->code));
  auto signed_in = page.sign_in(key);
  if (!signed_in) {
    ASSERT_TRUE(page.enrol(second, ticket->code));
    ASSERT_TRUE(page.sign_in(key));
  }
  const std::string until = std::to_string(number(now()) + 3'600'000);
  auto given = page.confirm(key,
                            R"({"verb":"consent","target":"asset-tracing","reason":)"
                            R"("identity.persons.present_address","until":)" +
                                until + "}",
                            "/v1/me/consents");
  ASSERT_TRUE(given) << row_of(given.error().reason).id << " " << given.error().detail;
  const std::string id = text(*given, "consent");
  EXPECT_EQ(ask("TA-1", body).status, 200u);
  EXPECT_EQ(ask("TA-1", question(citizens[7], "present_address")).reason(), "consent-missing");
  EXPECT_EQ(ask("TA-1", question(citizen, "permanent_address")).status, 403u);
  ASSERT_TRUE(
      page.confirm(key, R"({"verb":"withdraw","target":")" + id + R"("})", "/v1/me/consents"));
  EXPECT_EQ(ask("TA-1", body).reason(), "consent-missing");
}

TEST_F(PolicyActsTest, AnEmergencyIsMaskedLoudReviewedAndRare) {
  const std::string body = question(citizens[8], "name", "life-at-risk");
  const std::string glass = R"(,"break_glass":true)";
  const std::string why = R"(,"reason":"a child is missing")";
  EXPECT_EQ(ask("TA-1", body).reason(), "break-glass-only");
  EXPECT_EQ(ask("TA-1", question(citizens[8], "name", "life-at-risk", glass)).reason(),
            "reason-missing");
  const auto stale = ask("TA-1", question(citizens[8], "name", "life-at-risk", glass + why));
  EXPECT_EQ(stale.reason(), "presence-too-old") << "a certificate shows nobody";
  EXPECT_NE(stale.body.find("\"max_age\":300"), std::string::npos) << stale.body;

  Officer one = w->officer("TA-1");
  const auto before = entries().size();
  auto answer = one.page.ask(one.first, question(citizens[8], "name", "life-at-risk", glass + why));
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200u) << answer->body;
  EXPECT_EQ(answer->body.find("\"withheld\":[]") == std::string::npos, false) << answer->body;
  const auto all = entries();
  std::size_t alert = 0, disclosure = 0;
  for (std::size_t i = before; i < all.size(); ++i) {
    if (all[i].type == EntryType::alert &&
        part(all[i], BodyPart::denial).starts_with("break-glass"))
      alert = i;
    if (all[i].type == EntryType::disclosure) disclosure = i;
  }
  ASSERT_GT(alert, 0u);
  EXPECT_LT(alert, disclosure) << "the reviewers are told no later than the officer";
  auto again = one.page.ask(one.first, question(citizens[9], "name", "life-at-risk", glass + why));
  EXPECT_EQ(reason_of(again), "break-glass-spent");

  const auto reviews = get("TA-4", "/v1/reviews");
  ASSERT_EQ(reviews.find("reviews")->array()->size(), 1u);
  const net::Json& review = reviews.find("reviews")->array()->front();
  EXPECT_EQ(review.find("reviewers")->array()->size(), 2u);
  const std::string id = text(review, "review");
  EXPECT_EQ(act("TA-2", "/v1/reviews/" + id, approval(id, "")).reason(), "not-your-right");
  Act silent = approval(id, "");
  silent.reason.clear();
  EXPECT_EQ(act("TA-4", "/v1/reviews/" + id, silent).reason(), "reason-missing");
  EXPECT_EQ(act("TA-4", "/v1/reviews/" + id, approval(id, "")).status, 200u);
  EXPECT_EQ(act("TA-4", "/v1/reviews/" + id, approval(id, "")).reason(), "approver-wrong");
}

TEST_F(PolicyActsTest, ACaseComesFromItsSystemWithItsHistoryAndCourtOrders) {
  ASSERT_TRUE(w->world.exchange->add_service("police-cases", "police", {"case-registrar"}));
  ASSERT_TRUE(w->world.exchange->add_service("other-cases", "police", {"case-registrar"}));
  w->world.device("police-cases");
  w->world.device("other-cases");
  const auto put = [&](const std::string& who, const std::string& body) {
    auto client = w->world.client(who);
    EXPECT_TRUE(client);
    auto response = client->ask("PUT", "/v1/cases/FIR%2099%2F26%20PS%20Cantt%20Lahore", body);
    EXPECT_TRUE(response);
    World::Reply reply;
    reply.status = response->status;
    reply.body = response->body;
    reply.json = net::parse_json(response->body).value_or(net::Json{});
    return reply;
  };
  const std::string opened = std::to_string(number(now()) - 86'400'000);
  const auto body = [&](const std::string& more) {
    return R"({"kind":"fir","unit":"Investigation Lahore","officers":["TA-1"],"subjects":[")" +
           citizens[10] + R"("],"opened":)" + opened + more + "}";
  };
  EXPECT_EQ(put("TA-1", body("")).reason(), "not-your-right");
  EXPECT_EQ(put("police-cases", R"({"kind":"fir"})").reason(), "malformed-json");
  EXPECT_EQ(
      put("police-cases", body(R"(,"court_orders":[{"order":"1","fields":["a.b"],"until":1}])"))
          .reason(),
      "unknown-field");
  const auto added = put("police-cases", body(""));
  EXPECT_EQ(text(added.json, "noted"), "added") << added.body;
  EXPECT_EQ(text(added.json, "case"), "FIR 99/26 PS Cantt Lahore");
  EXPECT_EQ(text(put("police-cases", body("")).json, "noted"), "unchanged");
  EXPECT_EQ(put("other-cases", body("")).reason(), "not-your-right") << "another system's case";

  const auto cell = [&] {
    return ask("TA-1", R"({"subject":{"national_id":")" + citizens[10] +
                           R"("},"fields":["telecom.calls.cell"],"purpose":"crime-investigation",)"
                           R"("case":"FIR 99/26 PS Cantt Lahore"})");
  };
  EXPECT_EQ(cell().reason(), "court-order-missing");
  const std::string later = std::to_string(number(now()) + 3'600'000);
  const auto order = [&](const std::string& until, const std::string& fields) {
    return body(R"(,"court_orders":[{"order":"CO-1","fields":[")" + fields + R"("],"until":)" +
                until + "}]");
  };
  EXPECT_EQ(text(put("police-cases", order("1000", "telecom.calls.*")).json, "noted"), "changed");
  EXPECT_EQ(cell().reason(), "court-order-missing") << "it has ended";
  ASSERT_EQ(put("police-cases", order(later, "telecom.subscribers.*")).status, 200u);
  EXPECT_EQ(cell().reason(), "court-order-missing") << "it covers other fields";
  ASSERT_EQ(put("police-cases", order(later, "telecom.calls.*")).status, 200u);
  EXPECT_EQ(cell().status, 200u) << cell().body;
  ASSERT_EQ(put("police-cases", body(R"(,"closed":)" + opened)).status, 200u);

  auto client = w->world.client("police-cases");
  auto history = client->ask("GET", "/v1/cases/FIR%2099%2F26%20PS%20Cantt%20Lahore", "");
  ASSERT_TRUE(history);
  auto json = net::parse_json(history->body);
  ASSERT_TRUE(json) << history->body;
  EXPECT_EQ(json->find("versions")->array()->size(), 5u);
  EXPECT_EQ(text(json->find("versions")->array()->front(), "noted_by"), "police-cases");
  EXPECT_EQ(history->body.find(citizens[10]), std::string::npos) << "nobody's number comes back";
  std::size_t noted = 0;
  for (const auto& e : entries()) noted += part(e, BodyPart::purpose) == "case noted" ? 1 : 0;
  EXPECT_GE(noted, 5u);
}

TEST_F(PolicyActsTest, AnInventedCitizenNamedInACaseIsToldToTheAuditorAndNobodyElse) {
  ASSERT_TRUE(w->world.exchange->add_service("courts-cases", "police", {"case-registrar"}));
  w->world.device("courts-cases");
  const std::vector<SubjectName> planted = {{SubjectKind::national_id, citizens[30]},
                                            {SubjectKind::national_id, citizens[31]}};
  ASSERT_TRUE(w->world.exchange->plant(planted, "nadra"));
  const auto put = [&](const std::string& number, const std::string& citizen) {
    auto client = w->world.client("courts-cases");
    EXPECT_TRUE(client);
    auto response = client->ask(
        "PUT", "/v1/cases/FIR%20" + number + "%2F26%20PS%20Cantt%20Lahore",
        R"({"kind":"fir","unit":"Investigation Lahore","officers":["TA-1"],"subjects":[")" +
            citizen + R"("],"opened":)" + std::to_string(amanat::number(now()) - 86'400'000) + "}");
    return response ? response->body : std::string();
  };
  const std::string usual = put("801", citizens[32]);
  const std::string invented = put("802", citizens[30]);
  EXPECT_NE(usual.find("\"added\""), std::string::npos) << usual;
  EXPECT_EQ(invented, "{\"case\":\"FIR 802/26 PS Cantt Lahore\",\"noted\":\"added\"}");
  std::vector<std::string> told;
  const auto look = [&] {
    told.clear();
    for (const auto& one : w->world.exchange->detection().alerts(1000))
      if (one.alert.rule == detection::Rule::canary) told.push_back(one.alert.note);
  };
  for (int i = 0; i < 200 && told.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    look();
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (std::vector<std::string>{"named in a case"}));
  EXPECT_TRUE(w->world.exchange->detection().holds().empty()) << "a case system is not suspended";
  const auto replayed = w->world.exchange->replay_alerts();
  ASSERT_TRUE(replayed);
  EXPECT_TRUE(replayed->different.empty());
  EXPECT_EQ(*w->world.exchange->retire_canaries("nadra"), 2u);
}

// A change of policy while questions are asked: each answer stands under one policy whole, and the
// files, the ledger and the exchange agree after a restart.
TEST_F(PolicyActsTest, AChangeOfPolicyIsSignedRecordedAndSwitchedUnderLoad) {
  server::Exchange& exchange = *w->world.exchange;
  const auto directory = w->world.directory.path / "new-policy";
  fs::create_directory(directory);
  for (const auto& one : fs::directory_iterator(w->world.home / "policy"))
    fs::copy(one.path(), directory / one.path().filename());
  // The new one: no father's name, and the consent no longer asked for.
  std::string more = kMorePolicy;
  more.replace(more.find("fields = [\"identity.persons.father_name\", "), 42, "fields = [");
  more.replace(more.find("needs = { consent = true }\n"), 27, "");
  write_all(directory / "zz_more.toml", more);
  auto proposal = exchange.policy().propose(directory.string(), now());
  ASSERT_TRUE(proposal) << proposal.error().detail;
  EXPECT_TRUE(proposal->widens);
  const std::string id = proposal->id;
  const auto why = [](const auto& result) {
    return result ? std::string("done") : std::string(row_of(result.error().reason).id);
  };
  EXPECT_EQ(why(exchange.apply_policy(id)), "signatures-missing");
  EXPECT_EQ(why(exchange.apply_policy("0000")), "no-such-proposal");
  Act a = approval(id, crypto::hex(proposal->documents), "policy");
  EXPECT_EQ(act("TA-2", "/v1/policy/" + id, a).reason(), "not-your-right");
  Act other = a;
  other.subject.fill(1);
  EXPECT_EQ(act("TA-6", "/v1/policy/" + id, other).reason(), "act-wrong");
  EXPECT_EQ(act("TA-6", "/v1/policy/" + id, a).status, 200u);
  EXPECT_EQ(act("TA-6", "/v1/policy/" + id, a).reason(), "approver-wrong") << "one person once";
  EXPECT_EQ(why(exchange.apply_policy(id)), "signatures-missing") << "a widening wants two";
  EXPECT_EQ(act("TA-7", "/v1/policy/" + id, a).status, 200u);

  const auto before = entries().size();
  const Digest old_hash = exchange.policy().hash();
  std::atomic<bool> done{false};
  std::atomic<int> lost{0}, asked{0};
  std::vector<std::thread> threads;
  const std::string body =
      R"({"subject":{"national_id":")" + citizens[11] +
      R"("},"fields":["identity.persons.father_name","identity.persons.gender",)"
      R"("identity.persons.present_address"],"purpose":"asset-tracing"})";
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      auto client = w->world.client("TA-1");
      ASSERT_TRUE(client);
      while (!done) {
        auto replies = client->ask_all("POST", "/v1/lookups", std::vector<std::string>(10, body));
        if (!replies) {
          lost += 10;
          return;
        }
        for (const auto& reply : *replies) {
          ++asked;
          if (reply.status != 200) ++lost;
        }
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  auto entry = exchange.apply_policy(id);
  EXPECT_TRUE(entry) << why(entry);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(asked, 20);
  const Digest new_hash = exchange.policy().hash();
  EXPECT_NE(new_hash, old_hash);

  const auto text_of_hash = [](const Digest& digest) {
    return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
  };
  std::size_t under_old = 0, under_new = 0, mixed = 0;
  bool in_force = false;
  const auto all = entries();
  for (std::size_t i = before; i < all.size(); ++i) {
    in_force |= part(all[i], BodyPart::purpose) == "policy in force";
    if (all[i].type != EntryType::disclosure) continue;
    const std::string& granted = part(all[i], BodyPart::granted_fields);
    const bool father = granted.find("father_name") != std::string::npos;
    const bool address = granted.find("present_address") != std::string::npos;
    const std::string& hash = part(all[i], BodyPart::policy_hash);
    if (hash == text_of_hash(old_hash) && father && !address)
      ++under_old;
    else if (hash == text_of_hash(new_hash) && !father && address) {
      ++under_new;
      EXPECT_TRUE(in_force) << "the change is recorded before anybody is judged by it";
    } else {
      ++mixed;
    }
  }
  EXPECT_EQ(mixed, 0u);
  EXPECT_GT(under_old, 0u);
  EXPECT_GT(under_new, 0u);
  EXPECT_EQ(why(exchange.apply_policy(id)), "no-such-proposal");

  // A file edited behind the exchange's back is refused at the start; put back, it starts.
  w->world.exchange->stop();
  w->world.exchange.reset();
  const auto file = w->world.home / "policy" / "zz_more.toml";
  EXPECT_EQ(read_all(file), more);
  write_all(file, more + "# harmless?\n");
  auto edited = server::Exchange::open(w->world.home.string());
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().reason, Reason::policy_edited);
  write_all(file, more);
  auto opened = server::Exchange::open(w->world.home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  w->world.exchange = *std::move(opened);
  EXPECT_EQ(w->world.exchange->policy().hash(), new_hash);

  // A crash between the entry and the files: the next start finishes the change.
  write_all(file, kMorePolicy);
  fs::create_directory(w->world.home / "policy.next");
  for (const auto& one : fs::directory_iterator(w->world.home / "policy"))
    fs::copy(one.path(), w->world.home / "policy.next" / one.path().filename(),
             fs::copy_options::overwrite_existing);
  write_all(w->world.home / "policy.next" / "zz_more.toml", more);
  w->world.exchange.reset();
  auto finished = server::Exchange::open(w->world.home.string());
  ASSERT_TRUE(finished) << finished.error().detail;
  EXPECT_EQ((*finished)->policy().hash(), new_hash);
  EXPECT_EQ(read_all(file), more);
  w->world.exchange = *std::move(finished);

  // A proposal against a policy that is gone.
  auto stale = w->world.exchange->policy().propose(directory.string(), now());
  ASSERT_TRUE(stale);
  EXPECT_FALSE(stale->widens);
  EXPECT_TRUE(stale->changes.empty());
}

}  // namespace
}  // namespace amanat::test
