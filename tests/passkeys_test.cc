// Passkeys over the real server: what is accepted, and every wrong variant refused for its own
// reason. The authenticators are software, of a maker that only this home lists.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "crypto/passkey.h"
#include "model/readable.h"
#include "net/cbor.h"
#include "passkeys.h"

namespace amanat::test {
namespace {

using namespace std::string_literals;
using cli::Dishonesty;
using Bend = std::function<void(std::string&)>;

constexpr std::uint64_t kMinute = 60'000;

Bend replace(const std::string& from, const std::string& to) {
  return [=](std::string& text) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
}
Bend flags(int set, int clear) {
  return [=](std::string& data) { data[32] = static_cast<char>((data[32] | set) & ~clear); };
}
Bend append(const std::string& more) {
  return [=](std::string& text) { text += more; };
}

struct Wrong {
  const char* name;
  Dishonesty how;
  const char* reason;
};

// What is wrong in both ceremonies, by type of client data.
std::vector<Wrong> wrong_in_both(const std::string& type, const std::string& other) {
  return {
      {"another ceremony", {.client_data = replace(type, other)}, "ceremony-type-wrong"},
      {"no ceremony", {.client_data = replace(type, "payment.get")}, "ceremony-type-wrong"},
      {"another challenge",
       {.client_data = replace("\"challenge\":\"", "\"challenge\":\"AAAA")},
       "challenge-wrong"},
      {"padded challenge",
       {.client_data = replace("\",\"origin\"", "=\",\"origin\"")},
       "challenge-wrong"},
      {"another site", {.client_data = replace("//localhost", "//1ocalhost")}, "origin-wrong"},
      {"without TLS", {.client_data = replace("https:", "http:")}, "origin-wrong"},
      {"a path after the origin",
       {.client_data = replace("\",\"crossOrigin\"", "/\",\"crossOrigin\"")},
       "origin-wrong"},
      {"in another site's frame", {.client_data = replace("false", "true")}, "embedded-elsewhere"},
      {"under another site's page",
       {.client_data = replace("false}", "false,\"topOrigin\":\"https://localhost\"}")},
       "embedded-elsewhere"},
      {"client data that is no JSON",
       {.client_data = [](std::string& t) { t = "hello"; }},
       "client-data-wrong"},
      {"a repeated member",
       {.client_data = replace("{", "{\"type\":\"" + type + "\",")},
       "client-data-wrong"},
      {"another relying party",
       {.authenticator_data = [](std::string& d) { d[0] ^= 1; }},
       "rp-wrong"},
      {"nobody touched it", {.authenticator_data = flags(0, 0x01)}, "presence-missing"},
      {"backed up but not eligible",
       {.authenticator_data = flags(0x10, 0x08)},
       "backup-state-wrong"},
      {"a reserved flag", {.authenticator_data = flags(0x20, 0)}, "authenticator-data-wrong"},
      {"bytes after the end", {.authenticator_data = append("x")}, "authenticator-data-wrong"},
      {"cut short",
       {.authenticator_data = [](std::string& d) { d.resize(36); }},
       "authenticator-data-wrong"},
      {"extensions announced and not there",
       {.authenticator_data = flags(0x80, 0)},
       "malformed-cbor"},
      {"a bomb in the extensions",
       {.authenticator_data =
            [](std::string& d) {
              d[32] = static_cast<char>(d[32] | 0x80);
              d += "\x9a\x08\x00\x00\x00"s;
            }},
       "malformed-cbor"},
  };
}

class PasskeysTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    w = new PasskeyWorld;
    const auto cases = w->world.open_cases("fir");
    open = new OpenCase(cases.at(0));
    officer = new Officer(w->officer(open->officer));
    other = new Officer(w->officer(somebody(1)));
  }
  static void TearDownTestSuite() {
    delete officer;
    delete other;
    delete open;
    delete w;
  }
  static std::string question(const std::string& fields = R"("identity.persons.name")") {
    return World::question(R"("national_id":")" + open->citizen + '"', fields,
                           "crime-investigation", open->ref);
  }
  /// somebody is one of the sample's officers, another for each number.
  static std::string somebody(std::size_t n) {
    std::vector<std::string> all;
    for (const auto& one : w->world.open_cases("fir"))
      for (const auto& id : one.officers)
        if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    return all.at(n);
  }
  static net::Json put(Officer& by, const std::string& body) {
    auto json = by.page.post_for_json("/v1/questions", body);
    EXPECT_TRUE(json) << row_of(json.error().reason).id << " " << json.error().detail;
    return json ? *std::move(json) : net::Json{};
  }
  static std::string sign(cli::Authenticator& with, const net::Json& put) {
    auto assertion = with.get(*put.find("publicKey"), w->origin);
    EXPECT_TRUE(assertion);
    return assertion ? *assertion : "{}";
  }
  static std::string asked(const net::Json& put, const std::string& assertion) {
    return cli::body_of_two("ask", *put.find("ask")->string(), "assertion", assertion);
  }
  static std::vector<ledger::Opened> entries() {
    std::vector<ledger::Opened> found;
    EXPECT_TRUE(w->world.exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      found.push_back(e);
      return true;
    }));
    return found;
  }

  static PasskeyWorld* w;
  static OpenCase* open;
  static Officer *officer, *other;
};
PasskeyWorld* PasskeysTest::w = nullptr;
OpenCase* PasskeysTest::open = nullptr;
Officer* PasskeysTest::officer = nullptr;
Officer* PasskeysTest::other = nullptr;

TEST_F(PasskeysTest, AQuestionSignedByATouchIsAnswered) {
  const auto reply = officer->page.ask(officer->first, question());
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->status, 200u) << reply->body;
  auto json = net::parse_json(reply->body, {.bytes_max = 1 << 20});
  ASSERT_TRUE(json);
  EXPECT_EQ(*json->find("answers")->array()->front().find("citizen")->string(), open->citizen);
}

TEST_F(PasskeysTest, WhatIsSignedCanBeRecomputedFromWhatIsShown) {
  const net::Json shown = put(*officer, question());
  const auto canonical = crypto::from_base64url(*shown.find("canonical")->string());
  const auto nonce = crypto::from_base64url(*shown.find("ask")->string());
  ASSERT_TRUE(canonical && nonce);
  EXPECT_EQ(nonce->size(), 32u);
  const Digest hash = crypto::sha256("amanat/question/v1\0"s + *canonical);
  const Digest challenge =
      crypto::sha256("amanat/ask/v1\0"s + *nonce + std::string(crypto::text_of(hash)));
  EXPECT_EQ(*shown.find("challenge")->string(), crypto::base64url(challenge));
  EXPECT_EQ(*shown.find("publicKey")->find("challenge")->string(), crypto::base64url(challenge));
  EXPECT_NE(canonical->find(open->citizen), std::string::npos);
  std::string sentences;
  for (const auto& one : *shown.find("sentences")->array()) sentences += *one.string() + "\n";
  for (const std::string& part :
       {open->officer, readable(ValueShape::citizen_number, open->citizen), open->ref, "Name"s,
        "crime-investigation"s})
    EXPECT_NE(sentences.find(part), std::string::npos) << part;
}

TEST_F(PasskeysTest, AnAnswersEvidenceProvesTheTouchWithPublicValuesAlone) {
  ASSERT_EQ(reason_of(officer->page.ask(officer->first, question())), "accepted");
  const auto all = entries();
  const auto found = std::find_if(all.rbegin(), all.rend(), [](const ledger::Opened& e) {
    return e.type == EntryType::disclosure;
  });
  ASSERT_NE(found, all.rend());
  ASSERT_TRUE(found->actor);
  EXPECT_EQ(found->actor->key_kind, KeyKind::passkey);
  std::string_view rest = found->evidence;
  ASSERT_FALSE(rest.empty());
  ASSERT_EQ(rest[0], 4);
  rest.remove_prefix(1);
  std::vector<std::string> parts;
  while (rest.size() >= 4) {
    std::size_t n = 0;
    for (int i = 0; i < 4; ++i) n = n << 8 | static_cast<std::uint8_t>(rest[i]);
    ASSERT_LE(n, rest.size() - 4);
    parts.emplace_back(rest.substr(4, n));
    rest.remove_prefix(4 + n);
  }
  ASSERT_TRUE(rest.empty());
  ASSERT_EQ(parts.size(), 7u);  // question, nonce, credential, key, data, client data, signature
  const auto point = net::parse_cose_key(parts[3]);
  ASSERT_TRUE(point);
  EXPECT_EQ(found->actor->thumbprint, crypto::sha256(parts[3]));
  const std::string message = parts[4] + std::string(crypto::text_of(crypto::sha256(parts[5])));
  EXPECT_TRUE(crypto::verify_der(*point, crypto::bytes_of(message), crypto::bytes_of(parts[6])));
  const Digest hash = crypto::sha256("amanat/question/v1\0"s + parts[0]);
  const Digest challenge =
      crypto::sha256("amanat/ask/v1\0"s + parts[1] + std::string(crypto::text_of(hash)));
  EXPECT_NE(parts[5].find(crypto::base64url(challenge)), std::string::npos);
  // A changed question, nonce or key does not fit.
  const Digest changed = crypto::sha256("amanat/question/v1\0"s + parts[0] + "x");
  EXPECT_EQ(parts[5].find(crypto::base64url(changed)), std::string::npos);
}

TEST_F(PasskeysTest, EachWrongAnswerToAQuestionIsRefusedForItsOwnReason) {
  auto all = wrong_in_both("webauthn.get", "webauthn.create");
  const std::vector<Wrong> more = {
      {"eligible for backup since yesterday",
       {.authenticator_data = flags(0x08, 0)},
       "backup-state-wrong"},
      {"a credential in an answer",
       {.authenticator_data =
            [](std::string& d) {
              d[32] = static_cast<char>(d[32] | 0x40);
              d += std::string(16, 'a') + "\0\x02id"s + "\xa0";
            }},
       "authenticator-data-wrong"},
      {"another account's handle",
       {.user_handle = [](std::string& h) { h[0] ^= 1; }},
       "user-handle-wrong"},
      {"the counter did not grow",
       {.authenticator_data = [](std::string& d) { d.replace(33, 4, "\0\0\0\1"s); }},
       "counter-not-grown"},
      {"the counter went back to nothing",
       {.authenticator_data = [](std::string& d) { d.replace(33, 4, "\0\0\0\0"s); }},
       "counter-not-grown"},
      {"data changed after signing",
       {.sent_data = [](std::string& d) { d[33] ^= 1; }},
       "assertion-wrong"},
      {"verified, it says afterwards",
       {.authenticator_data = flags(0, 0x04), .sent_data = flags(0x04, 0)},
       "assertion-wrong"},
      {"another signature",
       {.signature = [](std::string& s) { s.back() ^= 1; }},
       "assertion-wrong"},
      {"a byte after the signature", {.signature = append("\0"s)}, "assertion-wrong"},
      {"no signature", {.signature = [](std::string& s) { s.clear(); }}, "assertion-wrong"},
      {"a signature of zeros",
       {.signature = [](std::string& s) { s = "\x30\x06\x02\x01\x00\x02\x01\x00"s; }},
       "assertion-wrong"},
  };
  all.insert(all.end(), more.begin(), more.end());
  const std::uint64_t before = w->world.exchange->ledger().size();
  int n = 0;
  for (const Wrong& one : all) {
    SCOPED_TRACE(one.name);
    if (n++ % 5 == 0) w->sign_in(*officer);  // ten wrong ones end a session
    EXPECT_EQ(reason_of(officer->page.ask(officer->first, question(), one.how)), one.reason);
  }
  EXPECT_GE(n, 30);
  // Each is in the ledger as refused, and none as answered.
  const auto recorded = entries();
  std::size_t denied = 0;
  for (std::size_t i = before; i < recorded.size(); ++i) {
    EXPECT_NE(recorded[i].type, EntryType::disclosure);
    denied += recorded[i].type == EntryType::denied;
  }
  EXPECT_EQ(denied, static_cast<std::size_t>(n));
  w->sign_in(*officer);
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, question())), "accepted")
      << "still healthy";
}

TEST_F(PasskeysTest, AByteOrderMarkAndUnknownExtensionsAreBorne) {
  Dishonesty how;
  how.client_data = [](std::string& t) { t = "\xef\xbb\xbf" + t; };
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, question(), how)), "accepted");
  how = {};
  how.authenticator_data = [](std::string& d) {
    d[32] = static_cast<char>(d[32] | 0x80);
    d += "\xa1\x67unknown\xf5"s;
  };
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, question(), how)), "accepted");
  how.client_data = replace("false}", R"(false,"other_keys_can_be_added_here":"x"})");
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, question(), how)), "accepted");
}

TEST_F(PasskeysTest, AStolenCookieAndAssertionReplayedGetNothing) {
  const net::Json first = put(*officer, question());
  const std::string body = asked(first, sign(officer->first, first));
  ASSERT_EQ(reason_of(officer->page.post("/v1/lookups", body)), "accepted");
  // The same body once more, from the same page and from another connection with the same cookie.
  EXPECT_EQ(reason_of(officer->page.post("/v1/lookups", body)), "pending-unknown");
  auto thief = w->page();
  thief.cookie = officer->page.cookie;
  EXPECT_EQ(reason_of(thief.post("/v1/lookups", body)), "pending-unknown");
  // The cookie opens no data, and signs nothing.
  EXPECT_EQ(reason_of(thief.post("/v1/lookups", question())), "touch-missing");
  EXPECT_EQ(reason_of(thief.post("/v1/records/identity.persons", "{}")), "touch-missing");
  // An assertion over one question does not ask another.
  const net::Json one = put(*officer, question());
  const net::Json two = put(*officer, question(R"("identity.persons.present_address")"));
  EXPECT_EQ(reason_of(thief.post("/v1/lookups", asked(two, sign(officer->first, one)))),
            "challenge-wrong");
  // Nor does the thief's own authenticator.
  const net::Json three = put(*officer, question());
  net::Json any = three;
  std::string theirs = sign(other->first, put(*other, question()));
  EXPECT_EQ(reason_of(thief.post("/v1/lookups", asked(three, theirs))), "passkey-other");
  // What another account put forward is not this session's to sign, and stays to be signed.
  const net::Json foreign = put(*other, question());
  EXPECT_EQ(
      reason_of(officer->page.post("/v1/lookups", asked(foreign, sign(other->first, foreign)))),
      "pending-unknown");
  EXPECT_NE(reason_of(other->page.post("/v1/lookups", asked(foreign, sign(other->first, foreign)))),
            "pending-unknown");
  // Without the cookie an assertion is nothing.
  auto stranger = w->page();
  const net::Json four = put(*officer, question());
  EXPECT_EQ(reason_of(stranger.post("/v1/lookups", asked(four, sign(officer->first, four)))),
            "no-credential");
}

TEST_F(PasskeysTest, AFailedAttemptBurnsWhatWasPutForward) {
  const net::Json shown = put(*officer, question());
  EXPECT_EQ(reason_of(officer->page.post("/v1/lookups", asked(shown, "{}"))), "malformed-json");
  EXPECT_EQ(reason_of(officer->page.post("/v1/lookups", asked(shown, sign(officer->first, shown)))),
            "pending-unknown");
}

TEST_F(PasskeysTest, TheOtherPasskeyOfTheSameOfficerDoesNotSignForThisSession) {
  const net::Json shown = put(*officer, question());
  net::Json bare = shown;
  for (auto& member : std::get<net::Json::Object>(bare.value))
    if (member.name == "publicKey")
      for (auto& inner : std::get<net::Json::Object>(member.value.value))
        if (inner.name == "allowCredentials") inner.value.value = net::Json::Array{};
  EXPECT_EQ(reason_of(officer->page.post("/v1/lookups", asked(shown, sign(officer->second, bare)))),
            "passkey-other");
}

TEST_F(PasskeysTest, OnlyOurOwnPagesMayUseTheCookie) {
  auto at_origin = [&](const std::string& origin) {
    auto client = w->world.client("");
    cli::PasskeyClient page(*std::move(client), origin);
    page.cookie = officer->page.cookie;
    return reason_of(page.post("/v1/questions", question()));
  };
  EXPECT_EQ(at_origin("https://evil.example"), "cross-site");
  EXPECT_EQ(at_origin("null"), "cross-site");
  EXPECT_EQ(at_origin("https://localhost"), "cross-site");
  Request request = w->request(officer->page, "/v1/questions", question(), now());
  EXPECT_TRUE(w->identity().put_question(request));
  request.headers.emplace_back("sec-fetch-site", "cross-site");
  EXPECT_EQ(reason_word(w->identity().put_question(request)), "cross-site");
  request.headers.pop_back();
  std::erase_if(request.headers, [](const auto& h) { return h.first == "origin"; });
  EXPECT_EQ(reason_word(w->identity().put_question(request)), "cross-site");
  request.method = "GET";
  EXPECT_TRUE(w->identity().signed_in(request));
  request.headers.emplace_back("sec-fetch-site", "cross-site");
  EXPECT_EQ(reason_word(w->identity().signed_in(request)), "cross-site");
}

TEST_F(PasskeysTest, EachWrongSignInIsRefusedForItsOwnReason) {
  auto all = wrong_in_both("webauthn.get", "webauthn.create");
  const std::vector<Wrong> more = {
      {"not verified", {.authenticator_data = flags(0, 0x04)}, "verification-missing"},
      {"another account's handle",
       {.user_handle = [](std::string& h) { h[0] ^= 1; }},
       "user-handle-wrong"},
      {"another signature",
       {.signature = [](std::string& s) { s.back() ^= 1; }},
       "assertion-wrong"}};
  all.insert(all.end(), more.begin(), more.end());
  auto page = w->page();
  for (const Wrong& one : all) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(reason_of(page.sign_in(officer->first, one.how)), one.reason);
    EXPECT_TRUE(page.cookie.empty());
  }
  // A key nobody registered.
  auto unknown = w->authenticator();
  const auto begun = page.post_for_json("/v1/session/begin", "{}");
  ASSERT_TRUE(begun);
  auto known = officer->second.get(*begun->find("publicKey"), w->origin);
  ASSERT_TRUE(known);
  const std::string nonce = *begun->find("nonce")->string();
  const std::string body = cli::body_of_two("nonce", nonce, "assertion", *known);
  std::string renamed = body;
  const std::string id = *net::parse_json(*known)->find("id")->string();
  for (std::size_t at = 0; (at = renamed.find(id, at)) != std::string::npos; ++at)
    renamed[at] = renamed[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason_of(page.post("/v1/session/finish", renamed)), "passkey-unknown");
  // A nonce not of ours, and one used twice.
  std::string foreign = body;
  foreign[foreign.find(nonce)] = nonce[0] == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason_of(page.post("/v1/session/finish", foreign)), "pending-unknown");
  EXPECT_EQ(reason_of(page.post("/v1/session/finish", body)), "accepted");
  EXPECT_NE(reason_of(page.post("/v1/session/finish", body)), "accepted");
  EXPECT_EQ(reason_of(page.post("/v1/session/begin", "{\"user\":\"PO-1000\"}")), "malformed-json");
  w->sign_in(*officer);
}

TEST_F(PasskeysTest, SignInTellsNothingAboutAccounts) {
  auto page = w->page();
  const auto begun = page.post_for_json("/v1/session/begin", "{}");
  ASSERT_TRUE(begun);
  EXPECT_TRUE(begun->find("publicKey")->find("allowCredentials")->array()->empty());
  EXPECT_EQ(*begun->find("publicKey")->find("userVerification")->string(), "required");
}

TEST_F(PasskeysTest, AChallengeOfSignInLivesFiveMinutes) {
  const Moment start = now();
  const auto offer = w->identity().begin_sign_in(start);
  const std::string body = cli::body_of_two(
      "nonce", crypto::base64url(crypto::bytes_of(offer.nonce)), "assertion", "{}");
  auto page = w->page();
  const auto at = [&](std::uint64_t later) {
    return reason_word(w->identity().finish_sign_in(
        w->request(page, "/v1/session/finish", body, Moment{number(start) + later})));
  };
  EXPECT_EQ(at(4 * kMinute), "malformed-json");  // the challenge lives; the assertion is none
  EXPECT_EQ(at(5 * kMinute), "pending-expired");
}

TEST_F(PasskeysTest, WhatWasPutForwardLivesFiveMinutesAndIsBoundedPerAccount) {
  const Moment start = now();
  const auto put_at = [&](Moment at) {
    return w->identity().put_question(w->request(other->page, "/v1/questions", question(), at));
  };
  auto first = put_at(start);
  ASSERT_TRUE(first) << row_of(first.error().reason).id;
  int kept = 1;
  while (put_at(start)) ++kept;
  EXPECT_LE(kept, 16);
  EXPECT_EQ(reason_word(put_at(start)), "pending-full");
  EXPECT_TRUE(
      w->identity().put_question(w->request(officer->page, "/v1/questions", question(), start)))
      << "another account's is not touched";
  const Moment late{number(start) + 5 * kMinute};
  const std::string body = cli::body_of_two(
      "ask", crypto::base64url(crypto::bytes_of(first->offer.nonce)), "assertion", "{}");
  EXPECT_EQ(reason_word(w->identity().identify(w->request(other->page, "/v1/lookups", body, late))),
            "pending-expired");
  EXPECT_TRUE(put_at(late)) << "expired ones make room";
}

TEST_F(PasskeysTest, ASessionEndsWhenIdleAndInAnyCaseAfterTenHours) {
  Officer one = w->officer(somebody(5));
  const Moment start = now();
  const auto alive = [&](std::uint64_t minutes) {
    Request request =
        w->request(one.page, "/v1/session", "", Moment{number(start) + minutes * kMinute});
    return w->identity().signed_in(request).has_value();
  };
  EXPECT_TRUE(alive(29));
  EXPECT_TRUE(alive(29 + 29));
  for (std::uint64_t at = 58; at < 599; at += 29) EXPECT_TRUE(alive(at));
  EXPECT_FALSE(alive(601));
  w->sign_in(one);
  EXPECT_FALSE(alive(31)) << "idle for more than half an hour";
  EXPECT_FALSE(alive(1)) << "and over for good";
}

TEST_F(PasskeysTest, ADeviceHasOneLiveSessionAndSigningOutEndsIt) {
  const std::string former = officer->page.cookie;
  w->sign_in(*officer);
  auto page = w->page();
  page.cookie = former;
  EXPECT_EQ(reason_of(page.post("/v1/questions", question())), "no-session");
  EXPECT_EQ(reason_of(officer->page.post("/v1/questions", question())), "accepted");
  page.cookie = officer->page.cookie;
  EXPECT_EQ(reason_of(officer->page.sign_out()), "accepted");
  EXPECT_EQ(reason_of(page.post("/v1/questions", question())), "no-session");
  w->sign_in(*officer);
}

TEST_F(PasskeysTest, TenWrongSignaturesEndASession) {
  const Dishonesty how{.signature = [](std::string& s) { s.back() ^= 1; }};
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(reason_of(officer->page.ask(officer->first, question(), how)), "assertion-wrong");
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, question())), "no-session");
  w->sign_in(*officer);
}

TEST_F(PasskeysTest, ThePersonIsVerifiedAgainAsTheDataDemands) {
  w->sign_in(*officer);
  const Moment start = now();
  const auto wanted = [&](const std::string& fields, std::uint64_t minutes) {
    auto put =
        w->identity().put_question(w->request(officer->page, "/v1/questions", question(fields),
                                              Moment{number(start) + minutes * kMinute}));
    EXPECT_TRUE(put) << row_of(put.error().reason).id;
    return put && put->offer.verification;
  };
  EXPECT_FALSE(wanted(R"("identity.persons.name")", 14));
  EXPECT_TRUE(wanted(R"("identity.persons.name")", 16));
  EXPECT_FALSE(wanted(R"("identity.persons.father_id")", 4));
  EXPECT_TRUE(wanted(R"("identity.persons.father_id")", 6));
  EXPECT_TRUE(wanted(R"("telecom.calls.*")", 0)) << "call records: always";
  // Required and not done is refused.
  w->sign_in(*officer);
  const Dishonesty unverified{.authenticator_data = flags(0, 0x04)};
  const std::string calls = question(R"("telecom.calls.*")");
  EXPECT_EQ(reason_of(officer->page.ask(officer->first, calls, unverified)),
            "verification-missing");
  w->sign_in(*officer);
}

std::string swap_aaguid(std::string& data, const crypto::Aaguid& to) {
  data.replace(37, 16, std::string(reinterpret_cast<const char*>(to.data()), to.size()));
  return data;
}

TEST_F(PasskeysTest, EachWrongRegistrationIsRefusedForItsOwnReason) {
  auto all = wrong_in_both("webauthn.create", "webauthn.get");
  // The credential announces itself, so what follows it is the extensions' place.
  constexpr std::size_t key_at = 37 + 16 + 2 + 32;
  const auto at = [](std::size_t i, char to) {
    return [=](std::string& d) { d[key_at + i] = to; };
  };
  const crypto::Aaguid unlisted{1, 2, 3};
  const std::vector<Wrong> more = {
      {"not verified", {.authenticator_data = flags(0, 0x04)}, "verification-missing"},
      {"synced", {.authenticator_data = flags(0x18, 0)}, "synced-passkey"},
      {"may be synced", {.authenticator_data = flags(0x08, 0)}, "synced-passkey"},
      {"no attestation", {.format = "none"}, "attestation-format-wrong"},
      {"attested by itself", {.format = "self"}, "attestation-format-wrong"},
      {"U2F",
       {.object = replace("\x66packed",
                          "\x68"
                          "fido-u2f")},
       "attestation-format-wrong"},
      {"a format in capitals", {.object = replace("packed", "PACKED")}, "attestation-format-wrong"},
      {"EdDSA", {.authenticator_data = at(4, '\x27')}, "key-algorithm-wrong"},
      {"P-384", {.authenticator_data = at(6, '\x02')}, "key-algorithm-wrong"},
      {"a point beside the curve",
       {.authenticator_data = [](std::string& d) { d.back() ^= 1; }},
       "key-algorithm-wrong"},
      {"a make not listed",
       {.authenticator_data = [unlisted](std::string& d) { swap_aaguid(d, unlisted); }},
       "authenticator-not-listed"},
      {"another credential",
       {.authenticator_data = [](std::string& d) { d[37 + 18] ^= 1; }},
       "authenticator-data-wrong"},
      {"no credential at all",
       {.authenticator_data =
            [](std::string& d) {
              d.resize(37);
              d[32] = 0x05;
            }},
       "authenticator-data-wrong"},
      {"another signature",
       {.signature = [](std::string& s) { s.back() ^= 1; }},
       "attestation-wrong"},
      {"data changed after signing",
       {.sent_data = [](std::string& d) { d[36] ^= 1; }},
       "attestation-wrong"},
      {"another algorithm",
       {.object = replace("\x63"
                          "alg\x26",
                          "\x63"
                          "alg\x27")},
       "attestation-wrong"},
      {"a byte after the object", {.object = append("\0"s)}, "malformed-cbor"},
      {"an empty object", {.object = [](std::string& o) { o.clear(); }}, "malformed-cbor"},
      {"members out of order",
       {.object = replace("\x63"
                          "fmt",
                          "\x63"
                          "zzz")},
       "malformed-cbor"},
      {"a bomb for a statement",
       {.object =
            [](std::string& o) {
              o = "\xa3\x63"
                  "fmt\x66"
                  "packed\x67"
                  "attStmt\x9a\x08\x00\x00\x00"s;
            }},
       "malformed-cbor"},
      {"nested a thousand deep",
       {.object = [](std::string& o) { o = std::string(1000, '\x81'); }},
       "malformed-cbor"},
  };
  all.insert(all.end(), more.begin(), more.end());
  const std::string account = somebody(7);
  auto page = w->page();
  std::string ticket;
  int n = 0;
  for (const Wrong& one : all) {
    SCOPED_TRACE(one.name);
    if (n++ % 9 == 0) ticket = w->code(account);  // ten wrong ones burn a code
    auto fresh = w->authenticator();
    EXPECT_EQ(reason_of(page.enrol(fresh, ticket, one.how)), one.reason);
  }
  EXPECT_GE(n, 35);
  auto fresh = w->authenticator();
  EXPECT_EQ(reason_of(page.enrol(fresh, w->code(account))), "accepted") << "still healthy";
}

TEST_F(PasskeysTest, AnAttestationLeadsToItsOwnMakesRootOrNowhere) {
  const std::string account = somebody(8);
  auto page = w->page();
  // A maker of the same name and make, with keys of its own.
  auto forger = cli::make_maker("Test Authenticators");
  ASSERT_TRUE(forger);
  forger->aaguid = w->maker.aaguid;
  auto forged = cli::Authenticator::make(*forger);
  ASSERT_TRUE(forged);
  EXPECT_EQ(reason_of(page.enrol(*forged, w->code(account))), "attestation-untrusted");
  // The right maker's authenticator of another make, also listed, that claims to be this one.
  cli::Maker lesser;
  lesser.authority.certificate_pem = w->maker.authority.certificate_pem;
  lesser.authority.key_pem.append(w->maker.authority.key_pem.view());
  lesser.aaguid = {9, 9, 9};
  auto cheap = cli::Authenticator::make(lesser);
  ASSERT_TRUE(cheap);
  const Dishonesty claim{
      .authenticator_data = [](std::string& d) { swap_aaguid(d, w->maker.aaguid); }};
  EXPECT_EQ(reason_of(page.enrol(*cheap, w->code(account), claim)), "attestation-untrusted");
  EXPECT_EQ(reason_of(page.enrol(*cheap, w->code(account))), "authenticator-not-listed");
}

TEST_F(PasskeysTest, AMakersChainIsJudgedInEachOfItsParts) {
  const Moment at = now();
  const auto key = crypto::Es256Key::generate();
  auto right = crypto::issue_attestation(w->maker.authority, w->maker.aaguid, key.point(), 30);
  auto bare = crypto::issue_attestation(w->maker.authority, std::nullopt, key.point(), 30);
  auto other_ca = cli::make_maker("Other");
  ASSERT_TRUE(right && bare && other_ca);
  const std::string& roots = w->maker.authority.certificate_pem;
  const auto judge = [&](std::vector<std::string_view> chain, std::string_view list, Moment when) {
    return reason_word(crypto::verify_maker(chain, list, w->maker.aaguid, when));
  };
  EXPECT_EQ(judge({*right}, roots, at), "accepted");
  EXPECT_EQ(judge({*right}, other_ca->authority.certificate_pem + roots, at), "accepted");
  EXPECT_EQ(judge({*right}, other_ca->authority.certificate_pem, at), "attestation-untrusted");
  EXPECT_EQ(judge({*bare}, roots, at), "attestation-untrusted") << "names no make";
  EXPECT_EQ(judge({*right}, roots, Moment{number(at) + 40ull * 24 * 60 * kMinute}),
            "attestation-untrusted")
      << "expired";
  EXPECT_EQ(judge({*right}, roots, Moment{number(at) - 24 * 60 * kMinute}),
            "attestation-untrusted");
  EXPECT_EQ(judge({}, roots, at), "attestation-untrusted");
  EXPECT_EQ(judge({*right, *right, *right, *right, *right}, roots, at), "attestation-untrusted");
  EXPECT_EQ(judge({std::string_view(*right).substr(1)}, roots, at), "attestation-untrusted");
  EXPECT_EQ(judge({*right + "x"}, roots, at), "attestation-untrusted");
  EXPECT_EQ(judge({*right}, "no certificate", at), "malformed-value");
}

TEST_F(PasskeysTest, AnOfficerRegistersTwoBeforeTheFirstIsUsed) {
  const std::string account = somebody(9);
  auto page = w->page();
  auto first = w->authenticator(), second = w->authenticator(), third = w->authenticator();
  const std::string ticket = w->code(account);
  auto one = page.enrol(first, ticket);
  ASSERT_TRUE(one) << row_of(one.error().reason).id;
  EXPECT_EQ(*one->find("more")->integer(), 1u);
  EXPECT_EQ(reason_of(page.sign_in(first)), "second-key-missing");
  auto two = page.enrol(second, ticket);
  ASSERT_TRUE(two);
  EXPECT_EQ(*two->find("more")->integer(), 0u);
  EXPECT_EQ(reason_of(page.enrol(third, ticket)), "ticket-wrong") << "used up";
  EXPECT_EQ(reason_of(page.sign_in(first)), "accepted");
  // Each registration is a KEY entry with the attestation, of that account and key.
  int keys = 0;
  for (const auto& e : entries())
    if (e.type == EntryType::policy_key && e.actor && e.actor->key_kind == KeyKind::passkey &&
        !e.evidence.empty() && e.evidence[0] == 7)
      ++keys;
  EXPECT_GE(keys, 6);
}

TEST_F(PasskeysTest, AnEnrolmentCodeIsTypedByPeopleAndEndsInManyWays) {
  const std::string account = somebody(10);
  auto page = w->page();
  auto fresh = w->authenticator();
  const std::string former = w->code(account);
  std::string ticket = w->code(account);
  EXPECT_EQ(reason_of(page.enrol(fresh, former)), "ticket-wrong") << "replaced";
  EXPECT_EQ(reason_of(page.enrol(fresh, "AAAAA-AAAAA-AAAAA-AAAAA")), "ticket-wrong");
  std::string typed;
  for (char c : ticket) {
    if (c == '-')
      typed += ' ';
    else
      typed += static_cast<char>(std::tolower(c));
  }
  EXPECT_EQ(reason_of(page.enrol(fresh, typed)), "accepted");
  // Twice the same passkey.
  auto begun = page.post_for_json("/v1/passkeys/begin", R"({"ticket":")" + ticket + "\"}");
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->find("publicKey")->find("excludeCredentials")->array()->size(), 1u);
  const Moment later{number(now()) + 16 * kMinute};
  EXPECT_EQ(reason_word(w->identity().begin_registration(
                w->request(page, "/v1/passkeys/begin", R"({"ticket":")" + ticket + "\"}", later))),
            "ticket-wrong");
  // An offer is answered once.
  auto another = w->authenticator();
  auto credential = another.create(*begun->find("publicKey"), w->origin);
  ASSERT_TRUE(credential);
  const std::string body = cli::body_of_two("ticket", ticket, "credential", *credential);
  EXPECT_EQ(reason_word(w->identity().finish_registration(w->request(
                page, "/v1/passkeys/finish", body, Moment{number(now()) + 6 * kMinute}))),
            "pending-expired");
  EXPECT_EQ(reason_of(page.post("/v1/passkeys/finish", body)), "pending-unknown");
  // Ten wrong answers burn a code.
  ticket = w->code(account);
  for (int i = 0; i < 10; ++i) {
    auto wrong = w->authenticator();
    EXPECT_EQ(reason_of(page.enrol(wrong, ticket, {.format = "none"})), "attestation-format-wrong");
  }
  EXPECT_EQ(reason_of(page.enrol(another, ticket)), "ticket-wrong");
}

TEST_F(PasskeysTest, APasskeyIsRegisteredToOneAccountOnly) {
  const std::string account = somebody(11);
  auto page = w->page();
  auto one = w->authenticator();
  std::string id;
  ASSERT_EQ(reason_of(page.enrol(one, w->code(account), {.object = [](std::string&) {}})),
            "accepted");
  // The same credential id on another authenticator.
  const Dishonesty same{.authenticator_data = [&](std::string& d) {
    const auto text = one.text();
    const auto json = net::parse_json(text.view(), {.bytes_max = 1 << 20});
    id = *crypto::from_base64url(*json->find("credentials")->array()->front().find("id")->string());
    d.replace(37 + 18, 32, id);
  }};
  auto other_key = w->authenticator();
  const std::string ticket = w->code(account);
  auto begun = page.post_for_json("/v1/passkeys/begin", R"({"ticket":")" + ticket + "\"}");
  ASSERT_TRUE(begun);
  auto credential = other_key.create(*begun->find("publicKey"), w->origin, same);
  ASSERT_TRUE(credential);
  const std::string own = *net::parse_json(*credential)->find("id")->string();
  const std::string taken = crypto::base64url(crypto::bytes_of(id));
  std::string renamed = *credential;
  for (std::size_t at = 0; (at = renamed.find(own, at)) != std::string::npos;)
    renamed.replace(at, own.size(), taken);
  EXPECT_EQ(reason_of(page.post("/v1/passkeys/finish",
                                cli::body_of_two("ticket", ticket, "credential", renamed))),
            "passkey-taken");
}

TEST_F(PasskeysTest, ASecondOfficerEnrolsAndRevokesAndNobodyForThemselves) {
  std::string boss_id;
  const Table roster = read_table(World::data() / "hr_roster.csv");
  for (std::size_t i = 1; i < roster.size() && boss_id.empty(); ++i)
    if (roster[i].size() >= 10 && roster[i][9].empty() && roster[i][5] == "supervisor")
      boss_id = roster[i][0];
  Officer boss = w->officer(boss_id);
  const std::string account = somebody(12);
  const auto act = [](const std::string& verb, const std::string& target) {
    return R"({"verb":")" + verb + R"(","target":")" + target + R"(","reason":"joined the unit"})";
  };
  EXPECT_EQ(reason_of(boss.page.confirm(boss.first, act("enrol", boss_id), "/v1/enrolments")),
            "not-yourself");
  EXPECT_EQ(
      reason_of(officer->page.confirm(officer->first, act("enrol", account), "/v1/enrolments")),
      "not-your-right");
  EXPECT_EQ(reason_of(boss.page.confirm(boss.first, act("enrol", "PO-0"), "/v1/enrolments")),
            "unknown-officer");
  EXPECT_EQ(reason_of(boss.page.confirm(boss.first, act("revoke", account), "/v1/enrolments")),
            "malformed-value");
  auto told = boss.page.confirm(boss.first, act("enrol", account), "/v1/enrolments");
  ASSERT_TRUE(told) << row_of(told.error().reason).id;
  // In the ledger, with what the second officer signed.
  const auto all = entries();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back().type, EntryType::policy_key);
  ASSERT_FALSE(all.back().evidence.empty());
  EXPECT_EQ(all.back().evidence[0], 5);
  EXPECT_NE(all.back().evidence.find(account), std::string::npos);
  Officer enrolled{account, w->authenticator(), w->authenticator(), w->page()};
  const std::string code = *told->find("code")->string();
  ASSERT_EQ(reason_of(enrolled.page.enrol(enrolled.first, code)), "accepted");
  ASSERT_EQ(reason_of(enrolled.page.enrol(enrolled.second, code)), "accepted");
  w->sign_in(enrolled);
  // An act is signed like a question: burnt by use, bound to its session and its words.
  auto put = boss.page.post_for_json("/v1/acts", act("revoke", account));
  ASSERT_TRUE(put);
  const std::string body =
      cli::body_of_two("act", *put->find("act")->string(), "assertion", sign(boss.first, *put));
  EXPECT_EQ(reason_of(officer->page.post("/v1/revocations", body)), "pending-unknown");
  EXPECT_EQ(
      reason_of(boss.page.post(
          "/v1/lookups", cli::body_of_two("ask", *put->find("act")->string(), "assertion", "{}"))),
      "pending-unknown")
      << "an act is no question";
  EXPECT_EQ(reason_of(boss.page.confirm(boss.first, act("revoke", account), "/v1/revocations")),
            "accepted");
  EXPECT_EQ(reason_of(enrolled.page.post("/v1/questions", question())), "revoked-device");
  EXPECT_EQ(reason_of(enrolled.page.sign_in(enrolled.second)), "revoked-device");
  // Lost both: enrolled anew by the second officer, and working again.
  told = boss.page.confirm(boss.first, act("enrol", account), "/v1/enrolments");
  ASSERT_TRUE(told);
  enrolled.first = w->authenticator();
  ASSERT_EQ(reason_of(enrolled.page.enrol(enrolled.first, *told->find("code")->string())),
            "accepted");
  w->sign_in(enrolled);
  // Whoever lost a key ends it without waiting for anybody.
  EXPECT_EQ(
      reason_of(enrolled.page.confirm(enrolled.first, act("revoke", account), "/v1/revocations")),
      "accepted");
  EXPECT_EQ(reason_of(enrolled.page.post("/v1/questions", question())), "revoked-device");
}

TEST_F(PasskeysTest, AnApprovalSignsTheQuestionTheApproverAndTheExpiry) {
  const std::string hash(64, 'a');
  auto put = officer->page.post_for_json("/v1/acts",
                                         R"({"verb":"approve","target":"17","subject":")" + hash +
                                             R"(","reason":"seen","until":1900000000000})");
  ASSERT_TRUE(put) << row_of(put.error().reason).id;
  const std::string nonce = *crypto::from_base64url(*put->find("act")->string());
  std::string message = "amanat/approval/v1\0"s + nonce + *crypto::from_hex(hash);
  message += "\0"s + static_cast<char>(officer->id.size()) + officer->id;
  for (int shift = 56; shift >= 0; shift -= 8)
    message.push_back(static_cast<char>((1900000000000ull >> shift) & 0xff));
  EXPECT_EQ(*put->find("challenge")->string(), crypto::base64url(crypto::sha256(message)));
  EXPECT_EQ(*put->find("publicKey")->find("userVerification")->string(), "required");
  auto caller = w->identity().confirm(w->request(
      officer->page, "/v1/approvals",
      cli::body_of_two("act", *put->find("act")->string(), "assertion", sign(officer->first, *put)),
      now()));
  ASSERT_TRUE(caller) << row_of(caller.error().reason).id;
  ASSERT_TRUE(caller->act());
  EXPECT_EQ(caller->act()->target, "17");
  EXPECT_EQ(caller->act()->until, 1900000000000u);
  EXPECT_EQ(caller->proof(), Proof::touch);
  EXPECT_TRUE(caller->asked()->verified);
}

TEST_F(PasskeysTest, AnOperatorsToolConfirmsAnActByAnEnrolledCertificate) {
  auto key = crypto::make_device_key("any");
  ASSERT_TRUE(key);
  auto enrolled = w->world.exchange->enrol(officer->id, key->csr_pem);
  ASSERT_TRUE(enrolled);
  const auto dir = w->world.directory.path;
  write_all(dir / "act.key", key->key_pem.view());
  Act act;
  act.verb = "policy";
  act.target = "examples";
  auto canonical = canonical_act(act);
  ASSERT_TRUE(canonical);
  write_all(dir / "act.bin", "amanat/act/v1\0"s + *canonical);
  // Signed by a program that shares nothing with us.
  ASSERT_EQ(std::system(("openssl dgst -sha256 -sign " + (dir / "act.key").string() + " -out " +
                         (dir / "act.sig").string() + " " + (dir / "act.bin").string())
                            .c_str()),
            0);
  const std::string signature = read_all(dir / "act.sig");
  const auto confirm = [&](const std::string& account, const Act& what, const std::string& sig) {
    auto caller = w->identity().confirm_signed(account, what, enrolled->certificate_pem, sig);
    if (caller) EXPECT_EQ(caller->proof(), Proof::signature);
    return reason_word(caller);
  };
  EXPECT_EQ(confirm(officer->id, act, signature), "accepted");
  EXPECT_EQ(confirm(other->id, act, signature), "unknown-device");
  EXPECT_EQ(confirm("nobody", act, signature), "unknown-officer");
  Act changed = act;
  changed.target = "another";
  EXPECT_EQ(confirm(officer->id, changed, signature), "act-signature-wrong");
  std::string bent = signature;
  bent.back() ^= 1;
  EXPECT_EQ(confirm(officer->id, act, bent), "act-signature-wrong");
  EXPECT_EQ(confirm(officer->id, act, ""), "act-signature-wrong");
  EXPECT_EQ(reason_word(w->identity().confirm_signed(officer->id, act, "no pem", signature)),
            "unknown-device");
  ASSERT_TRUE(w->world.exchange->revoke(crypto::hex(enrolled->thumbprint)));
  EXPECT_EQ(confirm(officer->id, act, signature), "revoked-device");
}

TEST_F(PasskeysTest, ACitizenSignsInWithASyncedPasskeyAndAsksNothingAboutOthers) {
  auto ticket = w->world.exchange->citizen_code({SubjectKind::national_id, open->citizen}, nullptr);
  ASSERT_TRUE(ticket) << row_of(ticket.error().reason).id;
  EXPECT_EQ(ticket->account.find(open->citizen), std::string::npos);
  Officer citizen{ticket->account, w->authenticator(), w->authenticator(), w->page()};
  citizen.first.synced = true;
  ASSERT_EQ(reason_of(citizen.page.enrol(citizen.first, ticket->code, {.format = "none"})),
            "accepted");
  w->sign_in(citizen);
  Request request = w->request(citizen.page, "/v1/session", "", now());
  auto caller = w->identity().signed_in(request);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->asker().citizen);
  EXPECT_TRUE(caller->asker().roles.empty());
  EXPECT_EQ(reason_of(citizen.page.post("/v1/questions", question())), "not-your-right");
  request.received = Moment{number(request.received) + 11 * kMinute};
  EXPECT_EQ(reason_word(w->identity().signed_in(request)), "no-session") << "ten idle minutes";
  // The same citizen has one account.
  auto again = w->world.exchange->citizen_code({SubjectKind::national_id, open->citizen}, nullptr);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->account, ticket->account);
}

TEST_F(PasskeysTest, BodiesOfTheSignInRoutesAreSmall) {
  auto page = w->page();
  const std::string large(5000, ' ');
  EXPECT_EQ(reason_of(page.post("/v1/passkeys/begin", large + "{}")), "body-too-large");
  EXPECT_EQ(reason_of(page.post("/v1/session/finish", std::string(25'000, ' ') + "{}")),
            "body-too-large");
  EXPECT_EQ(reason_of(page.post("/v1/passkeys/finish", std::string(50'000, ' ') + "{}")),
            "body-too-large");
  EXPECT_EQ(reason_of(page.post("/v1/session/begin", large)), "malformed-json");
}

// Last: the world is opened anew.
TEST_F(PasskeysTest, KeysCountersAndCodesOutliveARestartAndSessionsDoNot) {
  const std::string account = somebody(13);
  Officer one = w->officer(account);
  const std::string half = somebody(14);
  const std::string ticket = w->code(half);
  const std::string cookie = one.page.cookie;
  w->world.reopen();
  w->world.serve();
  w->origin = "https://localhost:" + w->world.url.substr(w->world.url.rfind(':') + 1);
  auto page = w->page();
  page.cookie = cookie;
  EXPECT_EQ(reason_of(page.post("/v1/questions", question())), "no-session");
  const Dishonesty copied{
      .authenticator_data = [](std::string& d) { d.replace(33, 4, "\0\0\0\1"s); }};
  EXPECT_EQ(reason_of(page.sign_in(one.first, copied)), "counter-not-grown");
  EXPECT_EQ(reason_of(page.sign_in(one.first)), "accepted");
  auto fresh = w->authenticator();
  EXPECT_EQ(reason_of(page.enrol(fresh, ticket)), "accepted");
}

}  // namespace
}  // namespace amanat::test
