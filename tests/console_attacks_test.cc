// What other sites, thieves of cookies, second tabs and repeated forms get from the console's
// pages: nothing. Every page route is walked, so that a new one is tried as well.

#include <algorithm>
#include <set>

#include "console/frame.h"
#include "moved_clock.h"
#include "pages.h"

namespace amanat::test {
namespace {

class ConsoleAttacks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    w = new PasskeyWorld;
    const auto open = w->world.open_cases("fir").at(0);
    ref = open.ref;
    citizen = open.citizen;
    for (const auto& [id, role] :
         {std::pair{"CA-1", "auditor"}, std::pair{"CA-2", "supervisor"},
          std::pair{"CA-3", "operator"}, std::pair{"CA-4", "investigator"}}) {
      identity::Officer one;
      one.id = id;
      one.name = std::string("Officer ") + id;
      one.department = "police";
      one.unit = "Inspection Lahore";
      one.role = role;
      one.national_id = "421019960001" + std::string(1, id[3]);
      ASSERT_TRUE(w->identity().note_officer(one));
    }
    officer = new Officer(w->officer(open.officer));
    auditor = new Officer(w->officer("CA-1"));
    supervisor = new Officer(w->officer("CA-2"));
    operator_ = new Officer(w->officer("CA-3"));
    auto ticket = w->world.exchange->citizen_code({SubjectKind::national_id, citizen}, nullptr);
    ASSERT_TRUE(ticket);
    self = new Officer{ticket->account, w->authenticator(), w->authenticator(), w->page()};
    self->first.synced = true;
    ASSERT_TRUE(self->page.enrol(self->first, ticket->code, {.format = "none"}));
    w->sign_in(*self);
  }
  static void TearDownTestSuite() {
    for (Officer* one : {officer, auditor, supervisor, operator_, self}) delete one;
    delete w;
  }
  static Browser browser(const Officer* who) {
    auto client = w->world.client("");
    insist(client.has_value());
    Browser made(*std::move(client), w->origin);
    if (who != nullptr) made.cookie = who->page.cookie;
    return made;
  }
  static std::string question(const std::string& about) {
    return "citizen=" + about + "&case=" + encoded(ref) + "&more-of=&purpose=crime-investigation" +
           "&field=" + encoded("crime-investigation identity.persons.name");
  }
  static std::string signed_answer(Browser& page, const Response& check) {
    return "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
           "&signed=" + encoded(page.signed_by(officer->first, check.body, "/answer"));
  }
  /// pages are the routes that are drawn for people.
  static std::vector<server::RouteInfo> pages(const std::string& method) {
    std::vector<server::RouteInfo> out;
    for (const auto& route : w->world.exchange->routes())
      if (route.method == method && !route.path.starts_with("/v1/") &&
          !route.path.starts_with("/oauth") && !route.path.starts_with("/ledger/") &&
          !route.path.starts_with("/.well-known") && !route.path.starts_with("/assets") &&
          route.path != "/healthz" && route.path != "/language")
        out.push_back(route);
    return out;
  }
  static std::string place(const server::RouteInfo& route) {
    const std::size_t brace = route.path.find('{');
    return route.path.substr(0, brace) + (brace == std::string::npos ? "" : "1");
  }
  static std::uint64_t disclosures() {
    std::uint64_t n = 0;
    EXPECT_TRUE(w->world.exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      n += e.type == EntryType::disclosure ? 1 : 0;
      return true;
    }));
    return n;
  }

  static inline PasskeyWorld* w = nullptr;
  static inline Officer *officer = nullptr, *auditor = nullptr, *supervisor = nullptr,
                        *operator_ = nullptr, *self = nullptr;
  static inline std::string ref, citizen;
};

TEST_F(ConsoleAttacks, NoFormOfAnotherSiteIsTakenByAnyPage) {
  const auto routes = pages("POST");
  EXPECT_GT(routes.size(), 20u);
  const std::uint64_t before = w->world.exchange->ledger().size();
  for (const Officer* who : {officer, auditor, supervisor, self})
    for (const auto& route : routes) {
      if (route.is_public) continue;  // there is nobody to act as
      SCOPED_TRACE(route.path);
      for (const char* origin : {"https://elsewhere.example", "null"}) {
        Browser page = browser(who);
        page.origin = origin;
        const Response got = page.post(place(route), "nonce=AA&signed=%7B%7D&reason=x&text=x");
        EXPECT_EQ(got.status, row_of(Reason::cross_site).http_status) << who->id;
      }
      // Not even a link that leads here from elsewhere, where the browser says so.
      Browser page = browser(who);
      const Response got =
          page.send("POST", place(route), "a=b", {{"Sec-Fetch-Site", "cross-site"}});
      EXPECT_EQ(got.status, row_of(Reason::cross_site).http_status) << who->id;
    }
  EXPECT_EQ(w->world.exchange->ledger().size(), before) << "and nothing was done";
}

TEST_F(ConsoleAttacks, NoPageIsFramedCachedOrGivenScriptOfItsOwn) {
  std::size_t seen = 0;
  for (const Officer* who : {officer, auditor, supervisor, operator_, self})
    for (const auto& route : pages("GET")) {
      SCOPED_TRACE(route.path + " " + who->id);
      const Response got = browser(who).get(place(route));
      EXPECT_NE(header(got, "cache-control").find("no-store"), std::string::npos);
      EXPECT_EQ(header(got, "x-content-type-options"), "nosniff");
      if (!got.content_type.starts_with("text/html")) continue;
      EXPECT_EQ(header(got, "content-security-policy"), console::kContentPolicy);
      EXPECT_EQ(header(got, "x-frame-options"), "DENY");
      EXPECT_EQ(header(got, "cross-origin-opener-policy"), "same-origin");
      EXPECT_EQ(got.body.find("<script>"), std::string::npos);
      seen += got.status == 200 ? 1 : 0;
    }
  EXPECT_GT(seen, 60u);
  const std::string policy(console::kContentPolicy);
  for (const char* part : {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
                           "form-action 'self'", "script-src 'self'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST_F(ConsoleAttacks, ASessionPlantedBeforehandIsNotTheOneSignedInTo) {
  // A thief's own session, put into the victim's browser before the victim signs in.
  const std::string planted = supervisor->page.cookie;
  Browser victim = browser(nullptr);
  victim.cookie = planted;
  victim.sign_in(operator_->first);
  EXPECT_NE(victim.cookie, planted);
  EXPECT_NE(victim.get("/").body.find(operator_->id), std::string::npos);
  Browser thief = browser(nullptr);
  thief.cookie = planted;
  EXPECT_EQ(thief.get("/").body.find(operator_->id), std::string::npos)
      << "what was planted opens nothing of the victim's";
  // A name that was never given out does not become one.
  Browser other = browser(nullptr);
  other.cookie = "__Host-amanat=" + std::string(43, 'A');
  other.sign_in(operator_->first);
  Browser late = browser(nullptr);
  late.cookie = "__Host-amanat=" + std::string(43, 'A');
  EXPECT_EQ(late.get("/").status, 303u);
  operator_->page.cookie = other.cookie;  // a later session ends the earlier one
}

TEST_F(ConsoleAttacks, TwoTabsAskEachItsOwnQuestion) {
  Browser one = browser(officer), other = browser(officer);
  const Response first = one.post("/ask", question(citizen));
  const Response second = other.post("/ask", question("3520200000001"));
  ASSERT_EQ(first.status, 200u);
  ASSERT_EQ(second.status, 200u);
  // The first tab's signature does not carry the second tab's question.
  const std::string crossed =
      "nonce=" + encoded(attribute(second.body, "name=\"nonce\"", "value")) +
      "&signed=" + encoded(one.signed_by(officer->first, first.body, "/answer"));
  const std::uint64_t before = disclosures();
  EXPECT_NE(one.post("/answer", crossed).status, 200u);
  EXPECT_EQ(disclosures(), before);
  const Response answer = one.post("/answer", signed_answer(one, first));
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_NE(answer.body.find("data-blank-after"), answer.body.npos);
}

TEST_F(ConsoleAttacks, AnAnswersFormSentTwiceAnswersOnce) {
  Browser page = browser(officer);
  const Response check = page.post("/ask", question(citizen));
  const std::string form = signed_answer(page, check);
  const std::uint64_t before = disclosures();
  EXPECT_EQ(page.post("/answer", form).status, 200u);
  EXPECT_EQ(disclosures(), before + 1);
  for (int i = 0; i < 3; ++i) {
    const Response again = page.post("/answer", form);
    EXPECT_EQ(again.status, row_of(Reason::pending_unknown).http_status);
    EXPECT_EQ(again.body.find("data-blank-after"), again.body.npos);
  }
  EXPECT_EQ(disclosures(), before + 1);
}

TEST_F(ConsoleAttacks, AFormOfAnEndedSessionIsSentToSignInAndDoesNothing) {
  Officer made = w->officer("CA-4");
  Browser tab = browser(&made), other = browser(&made);
  const Response check = tab.post("/ask", question(citizen));
  ASSERT_EQ(check.status, 200u);
  const std::string form = "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
                           "&signed=" + encoded(tab.signed_by(made.first, check.body, "/answer"));
  EXPECT_EQ(other.post("/sign-out", "").status, 303u);
  const std::uint64_t before = disclosures();
  const Response late = tab.post("/answer", form);
  EXPECT_EQ(late.status, 303u);
  EXPECT_EQ(header(late, "location"), "/sign-in");
  for (const auto& route : pages("POST"))
    if (!route.is_public) {
      const Response got = tab.post(place(route), "a=b");
      EXPECT_TRUE(got.status == 303 || got.status == 401) << route.path << " " << got.status;
    }
  EXPECT_EQ(disclosures(), before);
}

TEST_F(ConsoleAttacks, NoCitizensNumberStandsInAnAddressTitleOrLog) {
  testing::internal::CaptureStderr();
  Browser page = browser(officer);
  const Response check = page.post("/ask", question(citizen));
  std::vector<Response> got = {check, page.post("/answer", signed_answer(page, check)),
                               page.post("/ask", question(citizen + "1")),
                               page.post("/ask/change", question(citizen))};
  Browser searcher = browser(auditor);
  got.push_back(searcher.post("/trails", "whose=citizen&name=" + citizen + "&reason=complaint+7"));
  got.push_back(searcher.get("/entries?account=" + citizen));
  Browser own = browser(self);
  for (const char* path : {"/me", "/me/complaints", "/me/leaks", "/"}) got.push_back(own.get(path));
  const std::string logged = testing::internal::GetCapturedStderr();
  EXPECT_EQ(logged.find(citizen), std::string::npos) << logged;
  std::string grouped = citizen;
  grouped.insert(12, "-").insert(5, "-");
  for (const Response& one : got) {
    const std::size_t from = one.body.find("<title>"), to = one.body.find("</title>");
    const std::string title = one.body.substr(from, to - from);
    for (const auto& number : {citizen, grouped}) {
      EXPECT_EQ(title.find(number), std::string::npos) << title;
      EXPECT_EQ(header(one, "location").find(number), std::string::npos);
      for (const char* name : {"href=\"", "action=\"", "src=\""})
        for (std::size_t at = one.body.find(name); at != one.body.npos;
             at = one.body.find(name, at + 1)) {
          const std::string address = one.body.substr(at, one.body.find('"', at + 8) - at);
          EXPECT_EQ(address.find(number), std::string::npos) << address;
        }
    }
  }
}

// The clocks go forward, and sessions and connections of others with them: a suite, and a world, of
// its own.
class LatePrompts : public ConsoleAttacks {};

TEST_F(LatePrompts, APromptThatLastedTooLongKeepsTheQuestionAndCountsForNothing) {
  Browser page = browser(officer), other = browser(officer);
  const Response check = page.post("/ask", question(citizen));
  ASSERT_EQ(check.status, 200u);
  // As the form carries it: the question beside the signature.
  const std::string late = signed_answer(page, check) + "&" + question(citizen);
  move_clock(std::chrono::minutes(6));
  const std::uint64_t before = disclosures();
  // The other tab was put forward in the meantime and is none the worse for it.
  const Response second = other.post("/ask", question(citizen));
  ASSERT_EQ(second.status, 200u);
  const Response again = page.post("/answer", late);
  EXPECT_EQ(again.status, row_of(Reason::pending_expired).http_status);
  EXPECT_EQ(disclosures(), before);
  EXPECT_EQ(again.body.find("data-blank-after"), again.body.npos);
  EXPECT_NE(again.body.find(std::string(row_of(Reason::pending_expired).english)),
            again.body.npos)
      << "it is said";
  EXPECT_NE(again.body.find(ref), again.body.npos) << "nothing is typed twice";
  EXPECT_NE(attribute(again.body, "name=\"nonce\"", "value"),
            attribute(check.body, "name=\"nonce\"", "value"));
  // One key press on the new prompt, and it is answered; the old signature stays worthless.
  const Response answer = page.post("/answer", signed_answer(page, again));
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_NE(answer.body.find("data-blank-after"), answer.body.npos);
  EXPECT_EQ(disclosures(), before + 1);
  EXPECT_EQ(page.post("/answer", late).body.find("data-blank-after"), std::string::npos);
  EXPECT_EQ(disclosures(), before + 1);
  EXPECT_EQ(other.post("/answer", signed_answer(other, second)).status, 200u);
  // What the late form says beside its signature is only put forward: another's number is signed
  // anew, as any question is, or not at all.
  const Response third = page.post("/ask", question(citizen));
  const std::string swapped = signed_answer(page, third) + "&" + question("3520200000001");
  move_clock(std::chrono::minutes(6));
  const std::uint64_t then = disclosures();
  EXPECT_EQ(page.post("/answer", swapped).status, row_of(Reason::pending_expired).http_status);
  EXPECT_EQ(disclosures(), then);
}

}  // namespace
}  // namespace amanat::test
