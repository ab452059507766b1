// The console's pages over the real server, as a browser uses them: forms, a cookie, a signature by
// a software authenticator. What a page shows and what it must never show.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "console/frame.h"
#include "pages.h"

namespace amanat::test {
namespace {

class Console : public testing::Test {
 protected:
  Console() {
    const auto cases = world.world.open_cases("fir");
    insist(!cases.empty());
    const OpenCase& open_case = cases.front();
    citizen = open_case.citizen;
    ref = open_case.ref;
    officer = open_case.officer;
  }
  Browser browser() {
    auto client = world.world.client("");
    insist(client.has_value());
    return Browser(*std::move(client), world.origin);
  }
  std::string question(const std::string& number) const {
    return "citizen=" + encoded(number) + "&case=" + encoded(ref) +
           "&purpose=crime-investigation&field=" +
           encoded("crime-investigation identity.persons.name") +
           "&field=" + encoded("crime-investigation identity.persons.present_address") +
           "&field=" + encoded("desk-verification identity.persons.expires_on");
  }

  PasskeyWorld world;
  std::string citizen, ref, officer;
};

TEST_F(Console, AnOfficerRegistersSignsInAndAsksByPagesAlone) {
  Browser page = browser();
  cli::Authenticator first = world.authenticator(), second = world.authenticator();
  const std::string code = world.code(officer);
  for (cli::Authenticator* key : {&first, &second}) {
    const Response begun = page.post("/enrol", "ticket=" + encoded(code));
    ASSERT_EQ(begun.status, 200u) << begun.body;
    EXPECT_NE(begun.body.find(officer), std::string::npos);
    const Response done =
        page.post("/enrol/finish", "ticket=" + encoded(code) + "&signed=" +
                                       encoded(page.signed_by(*key, begun.body, "/enrol/finish")));
    ASSERT_EQ(done.status, 200u) << done.body;
    EXPECT_NE(done.body.find("Test authenticator"), std::string::npos);
  }
  page.sign_in(first);
  const Response start = page.get("/");
  ASSERT_EQ(start.status, 200u);
  EXPECT_NE(start.body.find("href=\"/ask\""), std::string::npos);
  const Response devices = page.get("/devices");
  EXPECT_NE(devices.body.find("this one"), std::string::npos);

  const Response ask = page.get("/ask");
  ASSERT_EQ(ask.status, 200u);
  EXPECT_NE(ask.body.find("identity.persons.present_address"), std::string::npos);
  EXPECT_NE(ask.body.find("by rule C01"), std::string::npos);
  const Response check = page.post("/ask", question(citizen));
  ASSERT_EQ(check.status, 200u) << check.body;
  // Read back before it is signed, and the field of another purpose was not meant.
  EXPECT_NE(check.body.find(citizen.substr(5, 7)), std::string::npos);
  EXPECT_EQ(check.body.find("Card expires on"), std::string::npos);
  const std::string form = "nonce=" + encoded(attribute(check.body, "name=\"nonce\"", "value")) +
                           "&signed=" + encoded(page.signed_by(first, check.body, "/answer"));
  const Response answer = page.post("/answer", form);
  ASSERT_EQ(answer.status, 200u) << answer.body;
  EXPECT_NE(answer.body.find("Present address"), std::string::npos);
  EXPECT_NE(answer.body.find("c2sp.org/tlog-proof@v1"), std::string::npos);
  EXPECT_NE(answer.body.find("data-blank-after"), std::string::npos);
  EXPECT_EQ(header(answer, "cache-control"), "no-store");

  // The same form again, as Back and Reload would send it, gets nothing.
  const Response again = page.post("/answer", form);
  EXPECT_EQ(again.status, row_of(Reason::pending_unknown).http_status);
  EXPECT_NE(again.body.find("pending-unknown"), std::string::npos);
  EXPECT_EQ(again.body.find("Present address"), std::string::npos);
}

TEST_F(Console, ACopiedCookieOpensMenusAndNoPeople) {
  Officer made = world.officer(officer);
  Browser thief = browser();
  thief.cookie = made.page.cookie;
  EXPECT_EQ(thief.get("/").status, 200u);
  const Response check = thief.post("/ask", question(citizen));
  ASSERT_EQ(check.status, 200u);
  const std::string nonce = attribute(check.body, "name=\"nonce\"", "value");
  const Response bare = thief.post("/answer", "nonce=" + encoded(nonce));
  EXPECT_NE(bare.status, 200u);
  cli::Authenticator own = world.authenticator();
  (void)own;
  EXPECT_NE(thief.post("/answer", "nonce=" + encoded(nonce) + "&signed=%7B%7D").status, 200u);
}

TEST_F(Console, ACitizenSeesWhoLookedAndNobodyElsesList) {
  Officer asked = world.officer(officer);
  ASSERT_EQ(asked.page
                .ask(asked.first,
                     World::question("\"national_id\":\"" + citizen + "\"",
                                     "\"identity.persons.name\"", "crime-investigation", ref))
                ->status,
            200u);
  auto ticket = world.world.exchange->citizen_code({SubjectKind::national_id, citizen}, nullptr);
  ASSERT_TRUE(ticket);
  Officer self{ticket->account, world.authenticator(), world.authenticator(), world.page()};
  self.first.synced = true;
  ASSERT_TRUE(self.page.enrol(self.first, ticket->code, {.format = "none"}));
  world.sign_in(self);
  Browser page = browser();
  page.cookie = self.page.cookie;
  // The list follows the ledger within seconds.
  Response list = page.get("/v1/me/disclosures");
  for (int tries = 0; tries < 100 && list.body.find("\"total\":0") != std::string::npos; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    list = page.get("/v1/me/disclosures");
  }
  ASSERT_EQ(list.status, 200u) << list.body;
  EXPECT_NE(list.body.find("crime-investigation"), std::string::npos) << list.body;
  EXPECT_NE(list.body.find("identity.persons.name"), std::string::npos);
  // Neither the citizen's number nor the officer's name is repeated in it.
  EXPECT_EQ(list.body.find(citizen), std::string::npos);
  EXPECT_EQ(header(list, "cache-control"), "no-store");
  // An officer's session opens no citizen's list.
  page.cookie = asked.page.cookie;
  EXPECT_EQ(page.get("/v1/me/disclosures").status, row_of(Reason::not_your_right).http_status);
}

TEST_F(Console, OtherSitesCannotMakeABrowserAct) {
  Officer made = world.officer(officer);
  Browser page = browser();
  page.cookie = made.page.cookie;
  for (const char* origin : {"https://elsewhere.example", "null", "http://localhost", ""}) {
    SCOPED_TRACE(origin);
    page.origin = origin;
    for (const char* path : {"/ask", "/answer", "/sign-out", "/ask/change"}) {
      const Response refused = page.post(path, question(citizen));
      EXPECT_EQ(refused.status, row_of(Reason::cross_site).http_status) << path;
    }
  }
  page.origin = world.origin;
  EXPECT_EQ(page.send("GET", "/", {}, {{"Sec-Fetch-Site", "cross-site"}}).status,
            row_of(Reason::cross_site).http_status);
  EXPECT_EQ(page.get("/").status, 200u);
}

TEST_F(Console, WhoeverIsNotSignedInIsSentToSignIn) {
  Browser page = browser();
  for (const char* path : {"/", "/ask", "/devices"}) {
    const Response sent = page.get(path);
    EXPECT_EQ(sent.status, 303u) << path;
    EXPECT_EQ(header(sent, "location"), "/sign-in");
  }
  const Response answer = page.post("/answer", "nonce=AA&signed=%7B%7D");
  EXPECT_EQ(answer.status, 303u);
  page.cookie = "__Host-amanat=AAAA";
  EXPECT_EQ(page.get("/").status, 303u);
}

TEST_F(Console, ASignedOutSessionIsOver) {
  Officer made = world.officer(officer);
  Browser page = browser();
  page.cookie = made.page.cookie;
  const std::string old = page.cookie;
  EXPECT_EQ(page.post("/sign-out", "").status, 303u);
  page.cookie = old;
  EXPECT_EQ(page.get("/").status, 303u);
}

TEST_F(Console, EveryPageCarriesTheHeadersThatKeepItToItself) {
  Officer made = world.officer(officer);
  Browser page = browser();
  page.cookie = made.page.cookie;
  for (const char* path : {"/", "/ask", "/devices", "/ledger", "/sign-in", "/enrol", "/nowhere"}) {
    SCOPED_TRACE(path);
    const Response got = page.get(path);
    EXPECT_EQ(header(got, "content-security-policy"), console::kContentPolicy);
    EXPECT_EQ(header(got, "x-content-type-options"), "nosniff");
    EXPECT_EQ(header(got, "x-frame-options"), "DENY");
    EXPECT_NE(header(got, "cache-control").find("no-store"), std::string::npos);
    EXPECT_LT(got.body.size(), 60'000u);
  }
}

TEST_F(Console, NoAddressHoldsAnythingThatWasAsked) {
  Officer made = world.officer(officer);
  Browser page = browser();
  page.cookie = made.page.cookie;
  const Response check = page.post("/ask", question(citizen));
  for (const char* name : {"href=\"", "action=\"", "src=\""})
    for (std::size_t at = check.body.find(name); at != check.body.npos;
         at = check.body.find(name, at + 1)) {
      const std::size_t from = at + std::strlen(name);
      const std::string address = check.body.substr(from, check.body.find('"', from) - from);
      EXPECT_EQ(address.find(citizen.substr(5, 7)), std::string::npos) << address;
      EXPECT_TRUE(address.starts_with('/') || address == "#main") << address;
    }
  // A wrong number is told without being repeated in a title or an address, and keeps the rest.
  const Response wrong = page.post("/ask", question("35202"));
  EXPECT_EQ(wrong.status, 422u);
  EXPECT_NE(wrong.body.find("this has 5"), std::string::npos);
  EXPECT_NE(wrong.body.find(" checked>"), std::string::npos);
}

TEST_F(Console, SpeaksTheReadersLanguage) {
  Browser page = browser();
  const Response urdu = page.send("GET", "/sign-in", {}, {{"Accept-Language", "ur-PK,ur;q=0.9"}});
  EXPECT_NE(urdu.body.find("<html lang=\"ur\" dir=\"rtl\">"), std::string::npos);
  const Response choice = page.get("/language?to=ur&back=%2Fledger");
  EXPECT_EQ(header(choice, "location"), "/ledger");
  EXPECT_NE(header(choice, "set-cookie").find("language=ur;"), std::string::npos);
  page.cookie = "language=ur";
  EXPECT_NE(page.get("/ledger").body.find("dir=\"rtl\""), std::string::npos);
  // Never to another site, whatever a link says.
  for (const char* back :
       {"https%3A%2F%2Felsewhere.example", "%2F%2Felsewhere.example", "javascript%3A1"})
    EXPECT_EQ(header(page.get("/language?to=en&back=" + std::string(back)), "location"), "/");
}

TEST_F(Console, WrongFormsAreToldAndOpenNothing) {
  Browser page = browser();
  EXPECT_EQ(page.post("/enrol", "ticket=WRONG").status, row_of(Reason::ticket_wrong).http_status);
  EXPECT_EQ(page.post("/enrol", "ticket=%").status, row_of(Reason::malformed_value).http_status);
  EXPECT_NE(page.post("/sign-in", "nonce=AA&signed=%7B").status, 303u);
  EXPECT_NE(page.post("/sign-in", "").status, 303u);
  EXPECT_NE(page.post("/sign-in", "nonce=AA&nonce=AA&signed=%7B%7D").status, 303u);
  EXPECT_TRUE(page.cookie.empty());
}

TEST_F(Console, AssetsHaveLastingAddressesAndNothingElseIsServed) {
  Browser page = browser();
  const std::string folder = "/assets/" + console::asset_tag() + "/";
  const Response css = page.get(folder + "console.css");
  EXPECT_EQ(css.status, 200u);
  EXPECT_NE(header(css, "cache-control").find("immutable"), std::string::npos);
  for (const std::string path : {"/assets/0000000000000000/console.css", "/assets/console.css"})
    EXPECT_EQ(page.get(path).status, 404u) << path;
  EXPECT_EQ(page.get(folder + "../console.css").status, 404u);
  EXPECT_EQ(page.get(folder + "keys").status, 404u);
}

}  // namespace
}  // namespace amanat::test
