// Services: tokens, proofs, signatures, over a store in memory, a real vault and real keys. Each
// wrong variant is refused for its own reason.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "identity/identity.h"
#include "identity/service_for_tests.h"
#include "storage/scratch.h"

namespace amanat::identity {
namespace {

FieldTable fields() {
  return FieldTable({{"identity.persons.name", "name", DatasetId{0}, Sensitivity::open, {}},
                     {"telecom.subscribers.imsi", "imsi", DatasetId{1}, Sensitivity::open, {}}},
                    {"identity.persons", "telecom.subscribers"});
}

const std::string kDetails =
    R"([{"type":"amanat_lookup","purpose":"complaint","case":"FIR-2026-0417","datatypes":["identity"],"max_subjects":2}])";

std::string question(const std::string& id = "3520281848771") {
  return R"({"subject":{"national_id":")" + id +
         R"("},"fields":["identity.persons.name"],"purpose":"complaint","case":"fir-2026-0417"})";
}

const std::string kToken = "https://localhost:8443/oauth/token";
const std::string kLookups = "https://localhost:8443/v1/lookups";

class ServicesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = vault::Vault::create(storage::system_disk(), scratch_ / "keys");
    ASSERT_TRUE(made) << made.error().detail;
    vault_ = *std::move(made);
    store_ = storage::open_memory();
    reopen();
    ASSERT_TRUE(identity_->add_service(service_.id, "fia", {"case-registrar"}));
    const auto enrolled = identity_->enrol_key(service_.id, service_.jwk(), 30);
    ASSERT_TRUE(enrolled) << enrolled.error().detail;
    ASSERT_EQ(enrolled->thumbprint, service_.jkt());
    auto authority = crypto::make_authority("test", 1);
    ASSERT_TRUE(authority);
    authority_ = std::make_unique<crypto::Authority>(*std::move(authority));
  }
  void reopen() {
    auto opened = Identity::open(*store_, *vault_, fields_);
    ASSERT_TRUE(opened) << opened.error().detail;
    identity_ = *std::move(opened);
    identity_->be_reached_at({"https://localhost:8443", "https://127.0.0.1:8443"});
  }

  using Bend = TestService::Bend;
  Request request(const std::string& path, std::string body, const std::string& type) const {
    Request r;
    r.method = "POST";
    r.path = path;
    r.headers = {{"host", "localhost:8443"}, {"content-type", type}};
    r.body = std::move(body);
    r.received = now();
    return r;
  }
  Request token_request(std::string form) const {
    return request("/oauth/token", std::move(form), "application/x-www-form-urlencoded");
  }
  // A token request with its proof, as it should be but for what `bend` does.
  Request asking(const std::string& details = kDetails, const Bend& assertion = {},
                 const Bend& proof = {}) const {
    Request r = token_request(service_.token_form(now(), details, assertion));
    r.headers.emplace_back("dpop",
                           service_.proof("POST", kToken, now(), nonce(), {}, nullptr, proof));
    return r;
  }
  std::string nonce() const {
    Request r = token_request("");
    r.headers.emplace_back("dpop", service_.proof("POST", kToken, now()));
    return identity_->fresh_nonce(r);
  }
  std::string token(const std::string& details = kDetails) const {
    auto issued = identity_->issue_token(asking(details));
    EXPECT_TRUE(issued) << row_of(issued.error().reason).id << ": " << issued.error().detail;
    return issued ? issued->token : "";
  }
  Request lookup(const std::string& access, const std::string& body, const Bend& bend = {}) const {
    Request r = request("/v1/lookups", body, "application/json");
    r.headers.emplace_back("authorization", "DPoP " + access);
    r.headers.emplace_back("dpop",
                           service_.proof("POST", kLookups, now(), nonce(), access, &r.body, bend));
    return r;
  }
  static void replace(Request& r, const std::string& name, const std::string& value) {
    for (auto& [n, v] : r.headers)
      if (n == name) v = value;
  }
  template <class T>
  static Reason reason_of(const Result<T>& result) {
    return result ? Reason::internal_error : result.error().reason;
  }
  Reason token_refusal(const Request& r) const { return reason_of(identity_->issue_token(r)); }
  Reason refusal(const Request& r) const { return reason_of(identity_->identify(r)); }

  storage::Scratch scratch_;
  const FieldTable fields_ = fields();
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<crypto::Authority> authority_;
  TestService service_;
};

TEST_F(ServicesTest, ATokenAndItsProofProveTheService) {
  const std::string access = token();
  const std::string body = question();
  const Request r = lookup(access, body);
  const auto caller = identity_->identify(r);
  ASSERT_TRUE(caller) << row_of(caller.error().reason).id << ": " << caller.error().detail;
  EXPECT_EQ(caller->asker().id, service_.id);
  EXPECT_TRUE(caller->asker().service);
  EXPECT_EQ(caller->asker().actor.key_kind, KeyKind::jwk);
  EXPECT_EQ(caller->asker().actor.thumbprint, service_.jkt());
  EXPECT_EQ(caller->proof(), Proof::signature);
  ASSERT_TRUE(caller->asked()->bounds);
  EXPECT_EQ(caller->asked()->bounds->purpose, "complaint");
  EXPECT_EQ(caller->asked()->bounds->max_subjects, 2);
  EXPECT_EQ(caller->asked()->bounds->fields.count(), 1u);
  // The opening keeps the proof and the raw body.
  const std::string& evidence = caller->evidence();
  EXPECT_EQ(evidence[0], 2);
  EXPECT_TRUE(evidence.ends_with(body));
  EXPECT_NE(evidence.find(r.header("dpop")), std::string::npos);
}

TEST_F(ServicesTest, AProofIsGoodForOneRequest) {
  const std::string access = token();
  const Request r = lookup(access, question());
  ASSERT_TRUE(identity_->identify(r));
  EXPECT_EQ(refusal(r), Reason::proof_replayed);
  // Looking at it does not use it up, and who replays is not known by that.
  const Request fresh = lookup(access, question());
  ASSERT_TRUE(identity_->known(fresh));
  EXPECT_FALSE(Identity::names_caller(Reason::proof_replayed));
  EXPECT_TRUE(identity_->identify(fresh));
}

TEST_F(ServicesTest, NoneOfAHundredThousandReplaysIsAnswered) {
  const std::string access = token();
  std::vector<Request> sent;
  for (int i = 0; i < 50; ++i) {
    sent.push_back(lookup(access, question()));
    ASSERT_TRUE(identity_->identify(sent.back()));
  }
  const char* full = std::getenv("AMANAT_REPLAYS");
  const int replays = full != nullptr ? std::atoi(full) : 100'000;
  std::atomic<int> accepted{0}, other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (int i = t; i < replays; i += 2) {
        const auto caller = identity_->identify(sent[static_cast<std::size_t>(i) % sent.size()]);
        if (caller) ++accepted;
        if (!caller && caller.error().reason != Reason::proof_replayed) ++other;
      }
    });
  for (auto& one : threads) one.join();
  EXPECT_EQ(accepted, 0);
  EXPECT_EQ(other, 0);
}

TEST_F(ServicesTest, ARestartEndsProofsTokensAndNonces) {
  const std::string access = token();
  const Request r = lookup(access, question());
  reopen();
  EXPECT_EQ(refusal(r), Reason::token_revoked);
  const std::string anew = token();
  Request old_proof = lookup(anew, question());
  replace(old_proof, "dpop", std::string(r.header("dpop")));
  EXPECT_EQ(refusal(old_proof), Reason::proof_nonce_wanted);
}

struct Variant {
  const char* what;
  Reason reason;
  TestService::Bend bend;
};

const auto kSet = [](const char* name, std::string value) {
  return [name, value](TestService::Claims&, TestService::Claims& payload) {
    TestService::set(payload, name, value);
  };
};
const auto kSetHeader = [](const char* name, std::string value) {
  return [name, value](TestService::Claims& header, TestService::Claims&) {
    TestService::set(header, name, value);
  };
};
const auto kDrop = [](const char* name) {
  return [name](TestService::Claims& header, TestService::Claims& payload) {
    std::erase_if(header, [&](const auto& c) { return c.first == name; });
    std::erase_if(payload, [&](const auto& c) { return c.first == name; });
  };
};

TEST_F(ServicesTest, EveryWrongProofIsRefusedForItsOwnReason) {
  const std::string access = token();
  const TestService other;
  const std::string far = std::to_string(number(now()) / 1000 + 120);
  const Variant table[] = {
      {"another typ", Reason::proof_malformed, kSetHeader("typ", R"("JWT")")},
      {"no typ", Reason::proof_malformed, kDrop("typ")},
      {"alg none", Reason::proof_malformed, kSetHeader("alg", R"("none")")},
      {"alg HS256", Reason::proof_malformed, kSetHeader("alg", R"("HS256")")},
      {"alg RS256", Reason::proof_malformed, kSetHeader("alg", R"("RS256")")},
      {"no key", Reason::proof_malformed, kDrop("jwk")},
      {"a kid", Reason::proof_malformed, kSetHeader("kid", R"("1")")},
      {"crit", Reason::proof_malformed, kSetHeader("crit", R"(["exp"])")},
      {"an address for the key", Reason::proof_malformed, kSetHeader("jku", R"("https://e/")")},
      {"another's key", Reason::proof_key_wrong, kSetHeader("jwk", other.jwk())},
      {"no jti", Reason::proof_malformed, kDrop("jti")},
      {"an empty jti", Reason::proof_malformed, kSet("jti", R"("")")},
      {"a number as jti", Reason::proof_malformed, kSet("jti", "1")},
      {"no iat", Reason::proof_malformed, kDrop("iat")},
      {"iat as text", Reason::proof_malformed, kSet("iat", R"("1")")},
      {"an unknown claim", Reason::proof_malformed, kSet("admin", "true")},
      {"no nonce", Reason::proof_nonce_wanted, kDrop("nonce")},
      {"a nonce of its own", Reason::proof_nonce_wanted, kSet("nonce", R"("abc")")},
      {"iat in two minutes", Reason::proof_time_wrong, kSet("iat", far)},
      {"another method", Reason::proof_other_request, kSet("htm", R"("GET")")},
      {"the method in small letters", Reason::proof_other_request, kSet("htm", R"("post")")},
      {"another path", Reason::proof_other_request,
       kSet("htu", R"("https://localhost:8443/v1/lookup")")},
      {"another host", Reason::proof_other_request,
       kSet("htu", R"("https://evil.example:8443/v1/lookups")")},
      {"another scheme", Reason::proof_other_request,
       kSet("htu", R"("http://localhost:8443/v1/lookups")")},
      {"no address", Reason::proof_other_request, kSet("htu", R"("/v1/lookups")")},
      {"no ath", Reason::proof_other_token, kDrop("ath")},
      {"another token's ath", Reason::proof_other_token, kSet("ath", R"("AAAA")")},
      {"no bdh", Reason::proof_other_body, kDrop("bdh")},
      {"another body's bdh", Reason::proof_other_body,
       kSet("bdh", '"' + crypto::base64url(crypto::sha256("x")) + '"')},
  };
  for (const Variant& v : table)
    EXPECT_EQ(refusal(lookup(access, question(), v.bend)), v.reason) << v.what;
  // Query, fragment and spelling of the address are the client's affair.
  for (const char* same :
       {"https://LOCALHOST:8443/v1/lookups?x=1#y", "https://localhost:8443/v1/%6Cookups",
        "https://localhost:8443/v1/./lookups"})
    EXPECT_TRUE(
        identity_->identify(lookup(access, question(), kSet("htu", TestService::quoted(same)))))
        << same;
}

TEST_F(ServicesTest, AnUnsignedProofUsesUpNothing) {
  const std::string access = token();
  const Request good = lookup(access, question());
  Request bent = good;
  std::string proof(good.header("dpop"));
  proof[proof.size() - 20] = proof[proof.size() - 20] == 'A' ? 'B' : 'A';
  replace(bent, "dpop", proof);
  EXPECT_EQ(refusal(bent), Reason::proof_signature_wrong);
  EXPECT_TRUE(identity_->identify(good));
}

TEST_F(ServicesTest, AStolenTokenOrProofIsOfNoUseElsewhere) {
  const std::string access = token();
  const Request good = lookup(access, question());
  Request bearer = good;
  replace(bearer, "authorization", "Bearer " + access);
  EXPECT_EQ(refusal(bearer), Reason::token_binding_wrong);  // with the proof beside it
  std::erase_if(bearer.headers, [](const auto& h) { return h.first == "dpop"; });
  EXPECT_EQ(refusal(bearer), Reason::token_binding_wrong);
  Request bare = good;
  std::erase_if(bare.headers, [](const auto& h) { return h.first == "dpop"; });
  EXPECT_EQ(refusal(bare), Reason::proof_malformed);
  Request other_body = good;
  other_body.body = question("3520281848772");
  EXPECT_EQ(refusal(other_body), Reason::proof_other_body);
  Request other_place = good;
  other_place.path = "/v1/records/identity.persons";
  EXPECT_EQ(reason_of(identity_->admit(other_place)), Reason::proof_other_request);
  Request late = good;
  late.received = Moment{number(good.received) + 61'000};
  EXPECT_EQ(refusal(late), Reason::proof_nonce_wanted);
  late.received = Moment{number(good.received) + 600'000};
  EXPECT_EQ(refusal(late), Reason::token_expired);
  // Another enrolled key of the same service is another device.
  TestService second;
  second.id = service_.id;
  ASSERT_TRUE(identity_->enrol_key(second.id, second.jwk(), 30));
  Request other_device = good;
  replace(other_device, "dpop",
          second.proof("POST", kLookups, now(), nonce(), access, &other_device.body));
  EXPECT_EQ(refusal(other_device), Reason::proof_key_wrong);
  // After all that, the proof itself still holds: nothing of it was used up.
  EXPECT_TRUE(identity_->identify(good));
}

TEST_F(ServicesTest, EveryWrongTokenIsRefusedForItsOwnReason) {
  const std::string access = token();
  const std::string body = question();
  const auto with = [&](const std::string& text) {
    Request r = lookup(access, body);
    replace(r, "authorization", "DPoP " + text);
    return refusal(r);
  };
  EXPECT_EQ(with("x"), Reason::token_malformed);
  EXPECT_EQ(with(""), Reason::token_malformed);
  EXPECT_EQ(with(access + " " + access), Reason::token_malformed);
  EXPECT_EQ(with(std::string(9'000, 'a')), Reason::token_malformed);
  EXPECT_EQ(with(service_.assertion(now())), Reason::token_malformed);  // another type of token
  EXPECT_EQ(with(service_.signed_jws(R"({"alg":"ES256","typ":"at+jwt","kid":"x"})", "{}")),
            Reason::token_malformed);
  const std::size_t first = access.find('.'), last = access.rfind('.');
  const std::string header = *crypto::from_base64url(access.substr(0, first));
  EXPECT_EQ(with(service_.signed_jws(
                header, *crypto::from_base64url(access.substr(first + 1, last - first - 1)))),
            Reason::token_signature_wrong);
  std::string bent = access;
  bent[last + 5] = bent[last + 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(with(bent), Reason::token_signature_wrong);
  Request basic = lookup(access, body);
  replace(basic, "authorization", "Basic " + access);
  EXPECT_EQ(refusal(basic), Reason::token_malformed);
}

TEST_F(ServicesTest, AnswersAreGrantedByTokenAndPolicyBoth) {
  const std::string access = token();
  const auto asked = [&](const std::string& from, const std::string& to) {
    std::string body = question();
    body.replace(body.find(from), from.size(), to);
    return refusal(lookup(access, body));
  };
  EXPECT_EQ(asked("complaint", "crime"), Reason::token_bounds);
  EXPECT_EQ(asked("fir-2026-0417", "fir-2026-0418"), Reason::token_bounds);
  EXPECT_EQ(asked("identity.persons.name", "telecom.subscribers.imsi"), Reason::token_bounds);
  EXPECT_EQ(asked(R"("purpose")", R"("max_subjects":3,"purpose")"), Reason::token_bounds);
  // Two citizens, as often as need be; a third is one too many.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(identity_->identify(lookup(access, question("3520281848771"))));
    EXPECT_TRUE(identity_->identify(lookup(access, question("35202-8184877-2"))));
  }
  EXPECT_EQ(refusal(lookup(access, question("3520281848773"))), Reason::token_bounds);
  EXPECT_TRUE(identity_->identify(lookup(access, question("3520281848772"))));
  const std::string none = token("");
  EXPECT_EQ(refusal(lookup(none, question())), Reason::token_bounds);
  EXPECT_TRUE(Identity::names_caller(Reason::token_bounds));
}

TEST_F(ServicesTest, AWithdrawnTokenIsWithdrawnAtOnce) {
  const std::string access = token(), second = token();
  ASSERT_TRUE(identity_->identify(lookup(access, question())));
  const auto form = [&](const std::string& text) {
    std::string body = service_.token_form(now()) + "&token=" + text;
    body.erase(0, body.find('&') + 1);
    return request("/oauth/revoke", body, "application/x-www-form-urlencoded");
  };
  ASSERT_TRUE(identity_->withdraw_token(form(access)));
  EXPECT_EQ(refusal(lookup(access, question())), Reason::token_revoked);
  EXPECT_TRUE(identity_->identify(lookup(second, question())));
  // A token never shown before can be withdrawn too; an unknown one is no error.
  const std::string third = token();
  ASSERT_TRUE(identity_->withdraw_token(form(third)));
  EXPECT_EQ(refusal(lookup(third, question())), Reason::token_revoked);
  EXPECT_TRUE(identity_->withdraw_token(form("unknown")));
  // A change of the account, and the end of its key, end its tokens.
  ASSERT_TRUE(identity_->add_service(service_.id, "fia", {"records-sender"}));
  EXPECT_EQ(refusal(lookup(second, question())), Reason::token_revoked);
  const std::string fourth = token();
  ASSERT_TRUE(identity_->revoke(crypto::hex(service_.jkt())));
  EXPECT_EQ(refusal(lookup(fourth, question())), Reason::revoked_device);
  EXPECT_EQ(token_refusal(asking()), Reason::revoked_device);
}

TEST_F(ServicesTest, IntrospectionTellsServicesThatMay) {
  const std::string access = token();
  const auto form = [&](const std::string& text) {
    std::string body = service_.token_form(now()) + "&token=" + text;
    body.erase(0, body.find('&') + 1);
    return request("/oauth/introspect", body, "application/x-www-form-urlencoded");
  };
  const auto may = [](const Asker&) { return true; };
  const auto told = identity_->introspect(form(access), may);
  ASSERT_TRUE(told);
  const auto json = net::parse_json(*told);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("active")->boolean(), true);
  EXPECT_EQ(*json->find("client_id")->string(), service_.id);
  EXPECT_EQ(*json->find("cnf")->find("jkt")->string(), crypto::base64url(service_.jkt()));
  EXPECT_EQ((*json->find("authorization_details")->array())[0].find("max_subjects")->integer(), 2u);
  EXPECT_EQ(*identity_->introspect(form("unknown"), may), R"({"active":false})");
  EXPECT_EQ(reason_of(identity_->introspect(form(access), [](const Asker&) { return false; })),
            Reason::not_your_right);
  ASSERT_TRUE(identity_->revoke(service_.id));
  EXPECT_FALSE(identity_->introspect(form(access), may));
}

TEST_F(ServicesTest, EveryWrongClientIsRefusedForItsOwnReason) {
  const std::uint64_t seconds = number(now()) / 1000;
  const auto at = [seconds](int offset) {
    return std::to_string(static_cast<std::int64_t>(seconds) + offset);
  };
  const Variant table[] = {
      {"alg none", Reason::client_assertion_malformed, kSetHeader("alg", R"("none")")},
      {"alg HS256", Reason::client_assertion_malformed, kSetHeader("alg", R"("HS256")")},
      {"typ of a proof", Reason::client_assertion_malformed, kSetHeader("typ", R"("dpop+jwt")")},
      {"typ of a token", Reason::client_assertion_malformed, kSetHeader("typ", R"("at+jwt")")},
      {"its own key", Reason::client_assertion_malformed, kSetHeader("jwk", service_.jwk())},
      {"an unknown claim", Reason::client_assertion_malformed, kSet("scope", R"("all")")},
      {"iss and sub apart", Reason::client_assertion_malformed, kSet("iss", R"("other")")},
      {"no jti", Reason::client_assertion_malformed, kDrop("jti")},
      {"no exp", Reason::client_assertion_malformed, kDrop("exp")},
      {"no aud", Reason::client_assertion_malformed, kDrop("aud")},
      {"a list as aud", Reason::client_assertion_audience,
       kSet("aud", R"(["https://localhost:8443"])")},
      {"a list with another", Reason::client_assertion_audience,
       kSet("aud", R"(["https://localhost:8443","https://evil.example"])")},
      {"the endpoint as aud", Reason::client_assertion_audience,
       kSet("aud", R"("https://localhost:8443/oauth/token")")},
      {"another server as aud", Reason::client_assertion_audience,
       kSet("aud", R"("https://evil.example")")},
      {"expired", Reason::client_assertion_time, kSet("exp", at(-1))},
      {"a day's life", Reason::client_assertion_time, kSet("exp", at(86'400))},
      {"begins in two minutes", Reason::client_assertion_time, kSet("nbf", at(120))},
      {"made in two minutes", Reason::client_assertion_time, kSet("iat", at(120))},
      {"a key id of nobody", Reason::client_assertion_signature, kSetHeader("kid", R"("x")")},
  };
  for (const Variant& v : table)
    EXPECT_EQ(token_refusal(asking(kDetails, v.bend)), v.reason) << v.what;
  // Clocks: 10 s ahead must do (FAPI issue 603), and up to a minute does.
  EXPECT_TRUE(identity_->issue_token(asking(kDetails, kSet("iat", at(9)))));
  EXPECT_TRUE(identity_->issue_token(asking(kDetails, kSet("nbf", at(55)))));
  EXPECT_TRUE(identity_->issue_token(
      asking(kDetails, kSetHeader("kid", TestService::quoted(crypto::base64url(service_.jkt()))))));

  TestService stranger;
  EXPECT_EQ(token_refusal(token_request(stranger.token_form(now()))),
            Reason::client_assertion_signature);
  stranger.id = "nobody";
  EXPECT_EQ(token_refusal(token_request(stranger.token_form(now()))), Reason::client_unknown);
  EXPECT_EQ(token_refusal(token_request("grant_type=client_credentials")), Reason::client_unknown);
  EXPECT_EQ(token_refusal(token_request("grant_type=client_credentials&client_id=" + service_.id)),
            Reason::no_credential);
  EXPECT_EQ(token_refusal(token_request("client_id=a&client_secret=b")), Reason::client_unknown);
  Request again = asking();
  ASSERT_TRUE(identity_->issue_token(again));
  EXPECT_EQ(token_refusal(again), Reason::client_assertion_replayed);
  Request proof_again = asking();
  replace(proof_again, "dpop", std::string(again.header("dpop")));
  EXPECT_EQ(token_refusal(proof_again), Reason::proof_replayed);
}

TEST_F(ServicesTest, EveryWrongTokenRequestIsRefusedForItsOwnReason) {
  const auto plus = [&](const std::string& more) {
    Request r = asking();
    r.body += more;
    return token_refusal(r);
  };
  EXPECT_EQ(plus("&scope=all"), Reason::scope_wrong);
  EXPECT_EQ(plus("&resource=https%3A%2F%2Fevil.example"), Reason::resource_wrong);
  EXPECT_EQ(plus("&grant_type=client_credentials"), Reason::oauth_request_wrong);
  Request password = asking();
  password.body.replace(password.body.find("client_credentials"), 18, "password");
  EXPECT_EQ(token_refusal(password), Reason::grant_type_wrong);
  Request json = asking();
  replace(json, "content-type", "application/json");
  EXPECT_EQ(token_refusal(json), Reason::oauth_request_wrong);
  Request unbound = asking();
  std::erase_if(unbound.headers, [](const auto& h) { return h.first == "dpop"; });
  EXPECT_EQ(token_refusal(unbound), Reason::token_binding_wrong);
  EXPECT_EQ(token_refusal(asking(kDetails, {}, kDrop("nonce"))), Reason::proof_nonce_wanted);
  EXPECT_EQ(token_refusal(asking(kDetails, {}, kSet("htm", R"("GET")"))),
            Reason::proof_other_request);
  const TestService other;
  Request unknown_key = asking();
  replace(unknown_key, "dpop", other.proof("POST", kToken, now(), nonce()));
  EXPECT_EQ(token_refusal(unknown_key), Reason::proof_key_wrong);
  for (
      const char* details :
      {"{}", "[]", "x", R"([{"type":"payment"}])", R"([{"type":"amanat_lookup"}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["identity"]}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["*"],"max_subjects":1}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["nadra"],"max_subjects":1}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":[],"max_subjects":1}])",
       R"([{"type":"amanat_lookup","purpose":"P!","datatypes":["identity"],"max_subjects":1}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["identity"],"max_subjects":0}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["identity"],"max_subjects":100001}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["identity"],"max_subjects":1,"x":1}])",
       R"([{"type":"amanat_lookup","purpose":"p","datatypes":["identity","identity"],"max_subjects":1}])"})
    EXPECT_EQ(token_refusal(asking(details)), Reason::authorization_details_wrong) << details;
}

TEST_F(ServicesTest, KeysAreEnrolledOnceAndOnlyForServices) {
  EXPECT_EQ(reason_of(identity_->enrol_key(service_.id, service_.jwk(), 30)), Reason::key_taken);
  const TestService other;
  EXPECT_TRUE(identity_->enrol_key(service_.id, crypto::spki_pem(other.key.point()), 30));
  EXPECT_EQ(reason_of(identity_->enrol_key("nobody", TestService().jwk(), 30)),
            Reason::unknown_officer);
  EXPECT_EQ(reason_of(identity_->enrol_key(service_.id, "x", 30)), Reason::key_wrong);
  EXPECT_EQ(reason_of(identity_->enrol_key(service_.id, R"({"kty":"RSA"})", 30)),
            Reason::key_wrong);
  crypto::EcPoint off = other.key.point();
  off[60] ^= 1;
  EXPECT_EQ(reason_of(identity_->enrol_key(service_.id, net::canonical_jwk(off), 30)),
            Reason::key_wrong);
  Officer officer;
  officer.id = "PO-1";
  ASSERT_TRUE(identity_->note_officer(officer));
  EXPECT_EQ(reason_of(identity_->enrol_key("PO-1", TestService().jwk(), 30)), Reason::key_wrong);
  reopen();
  EXPECT_TRUE(identity_->issue_token(asking()));
}

// A service on mutual TLS: a token bound to its certificate, and signatures by that key.
class ChannelTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    auto device = crypto::make_device_key("device");
    ASSERT_TRUE(device);
    auto enrolled = identity_->enrol(service_.id, device->csr_pem, authority_->certificate_pem,
                                     authority_->key_pem.view(), 30);
    ASSERT_TRUE(enrolled);
    auto peer = std::make_shared<PeerCertificate>();
    peer->thumbprint = enrolled->thumbprint;
    peer->issued_by_us = true;
    peer->not_before = Moment{number(now()) - 1'000};
    peer->not_after = Moment{number(now()) + 86'400'000};
    peer_ = std::move(peer);
  }
  std::string channel_token() const {
    Request r = token_request("grant_type=client_credentials&client_id=" + service_.id +
                              "&authorization_details=" + TestService::encoded(kDetails));
    r.peer = peer_;
    auto issued = identity_->issue_token(r);
    EXPECT_TRUE(issued) << row_of(issued.error().reason).id << issued.error().detail;
    return issued ? issued->token : "";
  }
  Request lookup_with(const std::string& access) const {
    Request r = request("/v1/lookups", question(), "application/json");
    r.headers.emplace_back("authorization", "Bearer " + access);
    r.peer = peer_;
    return r;
  }
  std::shared_ptr<const PeerCertificate> peer_;
};

TEST_F(ChannelTest, ATokenBoundToItsCertificateProvesTheChannel) {
  const std::string access = channel_token();
  const auto caller = identity_->identify(lookup_with(access));
  ASSERT_TRUE(caller) << row_of(caller.error().reason).id << caller.error().detail;
  EXPECT_EQ(caller->proof(), Proof::channel);
  EXPECT_EQ(caller->asker().actor.key_kind, KeyKind::certificate);
  EXPECT_EQ(caller->evidence()[0], 1);
  EXPECT_TRUE(caller->evidence().ends_with(crypto::text_of(crypto::sha256(access))));
  Request elsewhere = lookup_with(access);
  elsewhere.peer = nullptr;
  EXPECT_EQ(refusal(elsewhere), Reason::token_binding_wrong);
  auto other = std::make_shared<PeerCertificate>(*peer_);
  other->thumbprint[0] ^= 1;
  elsewhere.peer = other;
  EXPECT_EQ(refusal(elsewhere), Reason::token_binding_wrong);
  Request as_dpop = lookup(access, question());
  EXPECT_EQ(refusal(as_dpop), Reason::token_binding_wrong);
  // The certificate alone stays what it is.
  Request bare = request("/v1/lookups", question(), "application/json");
  bare.peer = peer_;
  EXPECT_TRUE(identity_->identify(bare));
}

}  // namespace
}  // namespace amanat::identity
