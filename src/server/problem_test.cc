#include "server/problem.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace amanat::server {
namespace {

Request request(const std::string& authorization = "") {
  Request r;
  if (!authorization.empty()) r.headers.emplace_back("authorization", authorization);
  return r;
}

std::vector<std::string> challenges(const Response& response) {
  std::vector<std::string> found;
  for (const auto& [name, value] : response.headers)
    if (name == "WWW-Authenticate") found.push_back(value);
  return found;
}

std::string challenge(Reason reason, const std::string& authorization = "") {
  const auto found = challenges(refusal(Failure{reason, {}}, request(authorization)));
  EXPECT_LE(found.size(), 1u);
  return found.empty() ? "" : found.front();
}

TEST(Challenge, IsExactlyOneAndNamesTheError) {
  EXPECT_EQ(challenge(Reason::no_credential), R"(DPoP algs="ES256")");
  EXPECT_EQ(challenge(Reason::proof_nonce_wanted, "DPoP x"),
            R"(DPoP error="use_dpop_nonce", algs="ES256")");
  EXPECT_EQ(challenge(Reason::proof_replayed, "DPoP x"),
            R"(DPoP error="invalid_dpop_proof", algs="ES256")");
  EXPECT_EQ(challenge(Reason::token_expired, "DPoP x"),
            R"(DPoP error="invalid_token", algs="ES256")");
  EXPECT_EQ(challenge(Reason::token_bounds, "DPoP x"),
            R"(DPoP error="insufficient_scope", algs="ES256")");
  // To whoever shows a token bound to a certificate; a DPoP token shown as Bearer is told DPoP.
  EXPECT_EQ(challenge(Reason::token_expired, "Bearer x"), R"(Bearer error="invalid_token")");
  EXPECT_EQ(challenge(Reason::proof_other_body, "bearer x"), R"(Bearer error="invalid_token")");
  EXPECT_EQ(challenge(Reason::token_binding_wrong, "Bearer x"),
            R"(DPoP error="invalid_token", algs="ES256")");
}

TEST(Challenge, AStepUpSaysHowFreshThePersonsVerificationMustBe) {
  Failure failure{Reason::presence_too_old, {}};
  Need need;
  need.reason = Reason::presence_too_old;
  need.max_age_s = 900;
  failure.needs = {need};
  const Response response = refusal(failure, request("DPoP x"));
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(
      challenges(response),
      std::vector<std::string>{
          R"(DPoP error="insufficient_user_authentication", acr_values="urn:amanat:acr:touch", max_age="900", algs="ES256")"});
  EXPECT_NE(challenge(Reason::presence_too_old).find(R"(max_age="300")"), std::string::npos);
}

TEST(Challenge, OtherRefusalsHaveNone) {
  for (const Reason reason : {Reason::purpose_not_held, Reason::malformed_json, Reason::too_busy,
                              Reason::token_busy, Reason::internal_error})
    EXPECT_EQ(challenge(reason, "DPoP x"), "") << row_of(reason).id;
}

}  // namespace
}  // namespace amanat::server
