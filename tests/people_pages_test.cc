// What supervisors, auditors and citizens do on the console's pages, over the real server, and what
// nobody else gets there.

#include <algorithm>
#include <chrono>
#include <thread>

#include "an_approval.h"
#include "detection/alert.h"
#include "pages.h"

namespace amanat::test {
namespace {

class People : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    World::more_policy = {{"zz_more.toml", kAnApprovalNeeded}};
    w = new PasskeyWorld;
    World::more_policy.clear();
    note("PP-1", "Investigation Lahore", "investigator");
    note("PP-2", "Investigation Multan", "supervisor");
    note("PP-3", "Inspection Lahore", "auditor");
    note("PP-4", "Investigation Karachi", "supervisor");
    officer = new Officer(w->officer("PP-1"));
    supervisor = new Officer(w->officer("PP-2"));
    auditor = new Officer(w->officer("PP-3"));
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size() && citizens.size() < 5; ++i)
      if (!persons[i].empty() && digits_of(persons[i][0]).size() == 13)
        citizens.push_back(digits_of(persons[i][0]));
  }
  static void TearDownTestSuite() {
    delete officer;
    delete supervisor;
    delete auditor;
    delete w;
  }
  static void note(const std::string& id, const std::string& unit, const std::string& role) {
    identity::Officer one;
    one.id = id;
    one.name = "Officer " + id;
    one.department = "police";
    one.unit = unit;
    one.role = role;
    static int n = 0;
    one.national_id = "42101998000" + std::to_string(10 + n++);
    ASSERT_TRUE(w->identity().note_officer(one));
  }
  static Browser browser(const Officer& who) {
    auto client = w->world.client("");
    insist(client.has_value());
    Browser made(*std::move(client), w->origin);
    made.cookie = who.page.cookie;
    return made;
  }
  /// sign signs the act that a page puts forward and returns what comes of it.
  static Response sign(Browser& page, Officer& who, const Response& put) {
    EXPECT_EQ(put.status, 200u) << put.body;
    return page.post("/acts",
                     "nonce=" + encoded(attribute(put.body, "name=\"nonce\"", "value")) +
                         "&signed=" + encoded(page.signed_by(who.first, put.body, "/acts")));
  }
  static Response asked(const std::string& citizen) {
    Browser page = browser(*officer);
    const Response check =
        page.post("/ask", "citizen=" + citizen + "&case=&purpose=asset-tracing&field=" +
                              encoded("asset-tracing identity.persons.name"));
    EXPECT_EQ(check.status, 200u) << check.body;
    return page.post(
        "/answer", "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
                       "&signed=" + encoded(page.signed_by(officer->first, check.body, "/answer")));
  }
  /// citizen_in enrols a citizen and signs in.
  static Officer citizen_in(const std::string& number) {
    auto ticket = w->world.exchange->citizen_code({SubjectKind::national_id, number}, nullptr);
    EXPECT_TRUE(ticket);
    Officer self{ticket->account, w->authenticator(), w->authenticator(), w->page()};
    self.first.synced = true;
    EXPECT_TRUE(self.page.enrol(self.first, ticket->code, {.format = "none"}));
    w->sign_in(self);
    return self;
  }
  /// settled asks for a page until it has what the ledger's projections bring within seconds.
  static Response settled(Browser& page, const std::string& path, const std::string& awaited) {
    Response got = page.get(path);
    for (int tries = 0; tries < 150 && got.body.find(awaited) == got.body.npos; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      got = page.get(path);
    }
    EXPECT_NE(got.body.find(awaited), got.body.npos) << path << ": " << got.body;
    return got;
  }
  static std::string id_after_action(const std::string& page, const std::string& path) {
    const std::size_t at = page.find("action=\"" + path);
    if (at == page.npos) return {};
    const std::size_t from = at + 8 + path.size();
    return page.substr(from, page.find('"', from) - from);
  }
  static std::string number_as_read(const std::string& n) {
    return n.substr(0, 5) + "-" + n.substr(5, 7) + "-" + n.substr(12);
  }
  static std::string id_after(const std::string& page, const std::string& path) {
    const std::size_t at = page.find("href=\"" + path);
    if (at == page.npos) return {};
    const std::size_t from = at + 6 + path.size();
    return page.substr(from, page.find('"', from) - from);
  }

  static PasskeyWorld* w;
  static Officer *officer, *supervisor, *auditor;
  static std::vector<std::string> citizens;
};
PasskeyWorld* People::w = nullptr;
Officer *People::officer = nullptr, *People::supervisor = nullptr, *People::auditor = nullptr;
std::vector<std::string> People::citizens;

TEST_F(People, ASupervisorReadsARequestWholeAndDecidesItBySignature) {
  const Response refused = asked(citizens[0]);
  EXPECT_EQ(refused.status, 403u);
  EXPECT_NE(refused.body.find("approval-required"), refused.body.npos);

  Browser page = browser(*supervisor);
  const Response queue = page.get("/approvals");
  const std::string id = id_after(queue.body, "/approvals/");
  ASSERT_EQ(id.size(), 16u) << queue.body;
  const Response request = page.get("/approvals/" + id);
  ASSERT_EQ(request.status, 200u);
  EXPECT_NE(request.body.find("the tracing of assets"), request.body.npos);
  EXPECT_NE(request.body.find("<svg"), request.body.npos);
  // Signing in alone shows nobody; a signature shows the whole question, and is recorded.
  std::string grouped = citizens[0];
  grouped.insert(12, "-").insert(5, "-");
  EXPECT_EQ(request.body.find(citizens[0]), request.body.npos);
  EXPECT_EQ(request.body.find(grouped), request.body.npos);
  const std::uint64_t before = w->world.exchange->ledger().size();
  const Response whole = sign(page, *supervisor, page.post("/approvals/" + id + "/whole", ""));
  ASSERT_EQ(whole.status, 200u) << whole.body;
  EXPECT_NE(whole.body.find(grouped), whole.body.npos);
  EXPECT_NE(whole.body.find("<svg"), whole.body.npos);
  EXPECT_GT(w->world.exchange->ledger().size(), before);

  const Response blank = page.post("/approvals/" + id, "decision=approve&reason=+.+");
  EXPECT_EQ(blank.status, row_of(Reason::reason_wanted).http_status);
  EXPECT_NE(blank.body.find("reason-wanted"), blank.body.npos);
  const Response check = page.post("/approvals/" + id, "decision=approve&reason=seen");
  const Response done = sign(page, *supervisor, check);
  EXPECT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(page.get("/approvals/" + id).status, row_of(Reason::approval_unknown).http_status);
  EXPECT_EQ(asked(citizens[0]).status, 200u);
}

TEST_F(People, ASignedActCountsOnceAndOnlyAsItWasShown) {
  Browser page = browser(*supervisor);
  const Response check = page.post("/alerts/hold", "account=PP-4&why=stolen+key");
  const std::string form =
      "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
      "&signed=" + encoded(page.signed_by(supervisor->first, check.body, "/acts"));
  // What is sent beside it changes nothing.
  const Response done = page.post("/acts", form + "&account=PP-1&target=PP-1&verb=release");
  ASSERT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(page.post("/acts", form).status, row_of(Reason::pending_unknown).http_status);
  const Response alerts = page.get("/alerts");
  EXPECT_NE(alerts.body.find("PP-4"), alerts.body.npos);
  // Who placed it cannot end it; an auditor can.
  EXPECT_EQ(id_after(alerts.body, "/alerts/release/"), "");
  EXPECT_EQ(alerts.body.find("action=\"/alerts/release/"), alerts.body.npos);
  Browser other = browser(*auditor);
  const Response seen = other.get("/alerts");
  const std::size_t at = seen.body.find("action=\"/alerts/release/");
  ASSERT_NE(at, seen.body.npos) << seen.body;
  const std::string path = seen.body.substr(at + 8, seen.body.find('"', at + 8) - at - 8);
  const Response ended =
      sign(other, *auditor, other.post(path, "reason=" + encoded("the key was found")));
  EXPECT_EQ(ended.status, 200u) << ended.body;
  EXPECT_EQ(page.get("/alerts").body.find("action=\"/alerts/release/"), std::string::npos);
}

TEST_F(People, AnAuditorSearchesAndOpensTrailsWhichIsRecordedFirst) {
  ASSERT_NE(asked(citizens[1]).status, 0u);
  Browser page = browser(*auditor);
  const Response found = settled(page, "/entries?account=PP-1&kind=denied", ">PP-1<");
  const std::string entry = id_after(found.body, "/entries/");
  ASSERT_FALSE(entry.empty());
  const Response one = settled(page, "/entries/" + entry, "c2sp.org/tlog-proof@v1");
  EXPECT_NE(one.body.find("refusal"), one.body.npos);
  EXPECT_EQ(page.get("/entries?account=nobody").status,
            row_of(Reason::unknown_officer).http_status);
  EXPECT_EQ(page.get("/entries?from=2026-02-30").status,
            row_of(Reason::malformed_value).http_status);
  EXPECT_NE(page.get("/entries?from=2020-01-01&to=2020-01-02").body.find("Nothing was found"),
            std::string::npos);

  const Response of_officer =
      sign(page, *auditor, page.post("/trails", "whose=officer&name=PP-1&reason=complaint+7"));
  ASSERT_EQ(of_officer.status, 200u) << of_officer.body;
  EXPECT_NE(of_officer.body.find("is recorded as entry"), of_officer.body.npos);
  const Response of_citizen =
      sign(page, *auditor,
           page.post("/trails", "whose=citizen&name=" + citizens[1] + "&reason=complaint+7"));
  ASSERT_EQ(of_citizen.status, 200u) << of_citizen.body;
  // It stands among the citizen's own entries, as the next to open the trail sees.
  const SubjectName citizen{SubjectKind::national_id, citizens[1]};
  for (int tries = 0; tries < 150; ++tries) {
    const auto looks = w->world.exchange->looks(citizen);
    if (looks && std::any_of(looks->begin(), looks->end(),
                             [](const auto& look) { return look.purpose == "audit"; }))
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const Response again =
      sign(page, *auditor,
           page.post("/trails", "whose=citizen&name=" + citizens[1] + "&reason=complaint+7"));
  EXPECT_NE(again.body.find("audit"), again.body.npos) << again.body;
  // The number stands in no page's title or address, and a wrong one opens nothing.
  EXPECT_EQ(of_citizen.body.find(citizens[1]), of_citizen.body.npos);
  EXPECT_EQ(page.post("/trails", "whose=citizen&name=123&reason=x").status,
            row_of(Reason::malformed_value).http_status);
  EXPECT_EQ(page.post("/trails", "whose=officer&name=PP-1&reason=").status,
            row_of(Reason::reason_wanted).http_status);
  const Response who = page.get("/who?field=identity.persons.name");
  EXPECT_NE(who.body.find("A01"), who.body.npos);
  EXPECT_EQ(page.get("/state").status, 200u);
  EXPECT_NE(page.get("/api").body.find("/v1/lookups"), std::string::npos);
}

TEST_F(People, ACitizenSeesTheLookComplainsAndReadsTheAnswer) {
  ASSERT_NE(asked(citizens[2]).status, 0u);
  Officer self = citizen_in(citizens[2]);
  Browser page = browser(self);
  const Response list = settled(page, "/me", "/me/look/");
  EXPECT_NE(list.body.find("Police, "), list.body.npos);
  EXPECT_EQ(list.body.find(citizens[2]), list.body.npos);
  const std::string entry = id_after(list.body, "/me/look/");
  const Response look = page.get("/me/look/" + entry);
  ASSERT_EQ(look.status, 200u);
  EXPECT_NE(look.body.find("href=\"/me/complain/" + entry), look.body.npos);
  const Response proof = settled(page, "/me/receipt/" + entry, "c2sp.org/tlog-proof@v1");
  EXPECT_NE(header(proof, "content-disposition").find("attachment"), std::string::npos);
  EXPECT_EQ(page.post("/me/complain/" + entry, "text=++").status,
            row_of(Reason::malformed_value).http_status);
  ASSERT_EQ(page.post("/me/complain/" + entry, "text=" + encoded("میں نے اجازت نہیں دی")).status,
            303u);
  EXPECT_NE(page.get("/me/complaints").body.find("being looked into"), std::string::npos);

  // Somebody else's entry is nobody's business: it is as if it were not there.
  Officer other = citizen_in(citizens[3]);
  Browser stranger = browser(other);
  for (const std::string path : {"/me/look/", "/me/receipt/", "/me/complain/"})
    EXPECT_EQ(stranger.get(path + entry).status, row_of(Reason::no_record).http_status);
  EXPECT_EQ(stranger.post("/me/complain/" + entry, "text=x").status,
            row_of(Reason::no_record).http_status);

  Browser audits = browser(*auditor);
  const Response open = audits.get("/complaints");
  const std::size_t at = open.body.find("action=\"/complaints/");
  ASSERT_NE(at, open.body.npos) << open.body;
  const std::string path = open.body.substr(at + 8, open.body.find('"', at + 8) - at - 8);
  // Who complained is told to nobody.
  EXPECT_EQ(open.body.find(self.id), open.body.npos);
  EXPECT_EQ(audits.post(path, "decision=upheld&answer=").status,
            row_of(Reason::reason_wanted).http_status);
  const Response answered = sign(
      audits, *auditor, audits.post(path, "decision=upheld&answer=" + encoded("You are right.")));
  EXPECT_EQ(answered.status, 200u) << answered.body;
  const Response read = page.get("/me/complaints");
  EXPECT_NE(read.body.find("You are right."), read.body.npos);
  EXPECT_NE(read.body.find("It was not right"), read.body.npos);

  const Response left = page.post("/leave", "");
  EXPECT_NE(header(left, "refresh").find("https://"), std::string::npos);
  EXPECT_EQ(page.get("/me").status, 303u);
}

TEST_F(People, AnOfficerReadsWhatTheRecordSaysAndEndsALostKeyAlone) {
  note("PP-5", "Investigation Lahore", "investigator");
  Officer made = w->officer("PP-5");
  Browser page = browser(made);
  EXPECT_NE(page.get("/").body.find("href=\"/record\""), std::string::npos);
  EXPECT_NE(page.get("/record").body.find("You have asked nothing yet"), std::string::npos);
  // A purpose that only the ticked field names is the one meant; of two, none is.
  const Response check =
      page.post("/ask", "citizen=" + citizens[3] + "&case=&field=" +
                            encoded("asset-tracing identity.persons.name"));
  ASSERT_EQ(check.status, 200u) << check.body;
  EXPECT_NE(check.body.find("asset-tracing"), check.body.npos);
  EXPECT_EQ(page.post("/ask", "citizen=" + citizens[3] + "&case=&field=" +
                                  encoded("asset-tracing identity.persons.name") + "&field=" +
                                  encoded("crime-investigation identity.persons.name"))
                .status,
            422u);
  const Response waits =
      page.post("/answer",
                "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
                    "&signed=" + encoded(page.signed_by(made.first, check.body, "/answer")));
  EXPECT_EQ(waits.status, 403u);
  EXPECT_NE(waits.body.find("href=\"/approvals\""), waits.body.npos) << "where it waits";
  const Response record = settled(page, "/record", ">refusal<");
  EXPECT_EQ(record.body.find(citizens[3]), record.body.npos) << "entries, and nobody's number";
  EXPECT_EQ(record.body.find(number_as_read(citizens[3])), record.body.npos);

  // The other key is ended here by signature; the one in use, and another's, are not.
  const Response devices = page.get("/devices");
  const std::string lost = id_after_action(devices.body, "/devices/");
  ASSERT_EQ(lost.size(), 64u) << devices.body;
  EXPECT_EQ(devices.body.find("action=\"/devices/",
                              devices.body.find("action=\"/devices/" + lost) + 10),
            devices.body.npos);
  Browser other = browser(*officer);
  EXPECT_EQ(other.post("/devices/" + lost, "").status,
            row_of(Reason::unknown_device).http_status);
  EXPECT_EQ(sign(page, made, page.post("/devices/" + lost, "")).status, 200u);
  EXPECT_EQ(page.get("/devices").body.find("action=\"/devices/"), std::string::npos);
  EXPECT_EQ(reason_of(made.page.sign_in(made.second)), "revoked-device");
}

TEST_F(People, ACanaryNamedAtTheDeskIsEnrolledAsAnybodyAndTellsTheAuditorAlone) {
  const SubjectName canary{SubjectKind::national_id, citizens[2]};
  ASSERT_EQ(*w->world.exchange->plant({canary}, "nadra"), 1u);
  const auto desk = [](const std::string& number) {
    return supervisor->page.confirm(
        supervisor->first,
        R"({"verb":"enrol-citizen","target":")" + number + R"(","reason":"came to the desk"})",
        "/v1/enrolments");
  };
  const auto anybody = desk(citizens[1]), invented = desk(citizens[2]);
  ASSERT_TRUE(anybody);
  ASSERT_TRUE(invented) << row_of(invented.error().reason).id;
  for (const auto& [name, value] : *anybody->object())
    EXPECT_NE(invented->find(name), nullptr) << name;
  EXPECT_EQ(anybody->object()->size(), invented->object()->size());
  // Recorded by another thread: what is awaited is an entry, and only of the canary.
  const auto told = [&] {
    std::vector<detection::Alert> out;
    EXPECT_TRUE(w->world.exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      if (e.type != EntryType::alert) return true;
      auto alert =
          detection::decode_alert(e.parts[static_cast<std::size_t>(BodyPart::denial) - 1]);
      if (alert && alert->rule == detection::Rule::canary) out.push_back(*std::move(alert));
      return true;
    }));
    return out;
  };
  auto alerts = told();
  for (int tries = 0; tries < 300 && alerts.empty(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    alerts = told();
  }
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].tier, detection::Tier::silent);
  EXPECT_NE(alerts[0].note.find("enrolment of a citizen"), std::string::npos) << alerts[0].note;
  EXPECT_EQ(alerts[0].note.find(citizens[2]), std::string::npos);
  // Silent to whoever named it, shown to the auditor.
  Browser boss = browser(*supervisor), audits = browser(*auditor);
  EXPECT_EQ(boss.get("/alerts").body.find("enrolment of a citizen"), std::string::npos);
  EXPECT_NE(audits.get("/alerts").body.find("enrolment of a citizen"), std::string::npos);
  EXPECT_EQ(*w->world.exchange->retire_canaries("nadra"), 1u);
}

TEST_F(People, EachPageIsForItsOwnPeople) {
  Officer self = citizen_in(citizens[4]);
  struct Case {
    const char* path;
    bool officer, supervisor, auditor, citizen;
  };
  const Case cases[] = {{"/ask", true, true, true, true},
                        {"/approvals", true, true, true, false},
                        {"/alerts", false, true, true, false},
                        {"/reviews", false, false, true, false},
                        {"/entries", false, false, true, false},
                        {"/entries/1", false, false, true, false},
                        {"/trails", false, false, true, false},
                        {"/complaints", false, false, true, false},
                        {"/state", false, false, true, false},
                        {"/policy", true, true, true, false},
                        {"/who", true, true, true, false},
                        {"/me", false, false, false, true},
                        {"/me/complaints", false, false, false, true},
                        {"/devices", true, true, true, true},
                        {"/record", true, true, true, false},
                        {"/me/history", false, false, false, true}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.path);
    const std::pair<const Officer*, bool> people[] = {
        {officer, c.officer}, {supervisor, c.supervisor}, {auditor, c.auditor}, {&self, c.citizen}};
    for (const auto& [who, may] : people) {
      Browser page = browser(*who);
      const unsigned status = page.get(c.path).status;
      const unsigned refused = row_of(Reason::not_your_right).http_status;
      if (may)
        EXPECT_NE(status, refused) << who->id;
      else
        EXPECT_EQ(status, refused) << who->id;
    }
    // Nobody who is not signed in, and no other site.
    Browser stranger = browser(*officer);
    stranger.cookie.clear();
    EXPECT_EQ(stranger.get(c.path).status, 303u);
  }
  Browser cross = browser(*supervisor);
  cross.origin = "https://elsewhere.example";
  for (const char* path : {"/acts", "/approvals/00", "/alerts/hold", "/reviews/00", "/policy/00",
                           "/trails", "/complaints/00", "/me/complain/1", "/leave"})
    EXPECT_EQ(cross.post(path, "a=b").status, row_of(Reason::cross_site).http_status) << path;
}

}  // namespace
}  // namespace amanat::test
