#include "net/jose.h"

#include <gtest/gtest.h>

#include <random>

namespace amanat::net {
namespace {

// RFC 7515 A.3: a JWS signed with ES256, and its key.
const std::string kHeader = "eyJhbGciOiJFUzI1NiJ9";
const std::string kPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
const std::string kSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

std::string whole(const std::string& h, const std::string& p, const std::string& s) {
  return h + "." + p + "." + s;
}

TEST(Jose, ReadsThePublishedExample) {
  const std::string text = whole(kHeader, kPayload, kSignature);
  const auto jws = parse_jws(text);
  ASSERT_TRUE(jws) << jws.error().detail;
  EXPECT_EQ(*jws->header.find("alg")->string(), "ES256");
  EXPECT_EQ(*jws->payload.find("iss")->string(), "joe");
  EXPECT_EQ(jws->payload.find("exp")->integer(), 1300819380u);
  EXPECT_EQ(jws->signing_input, kHeader + "." + kPayload);
  EXPECT_EQ(jws->signature[0], 14);
  EXPECT_EQ(jws->signature[63], 213);
}

TEST(Jose, RefusesEveryOtherForm) {
  const std::string good = whole(kHeader, kPayload, kSignature);
  const std::pair<const char*, std::string> table[] = {
      {"nothing", ""},
      {"two parts", kHeader + "." + kPayload},
      {"four parts", good + "."},
      {"five parts, as an encrypted token has", good + ".."},
      {"an empty header", whole("", kPayload, kSignature)},
      {"an empty payload", whole(kHeader, "", kSignature)},
      {"an empty signature", whole(kHeader, kPayload, "")},
      {"padding", whole(kHeader + "=", kPayload, kSignature)},
      {"a space", whole(kHeader + " ", kPayload, kSignature)},
      {"the other alphabet", whole(kHeader, kPayload, "+" + kSignature.substr(1))},
      {"unused bits that are set", whole(kHeader, kPayload, kSignature.substr(0, 85) + "R")},
      {"a short signature", whole(kHeader, kPayload, kSignature.substr(0, 84))},
      {"a long signature", whole(kHeader, kPayload, kSignature + "AA")},
      {"a header that is a list", whole("W10", kPayload, kSignature)},
      {"a header with a repeated member (alg twice)",
       whole("eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ", kPayload, kSignature)},
      {"a payload with a fraction", whole(kHeader, "eyJhIjoxLjV9", kSignature)},
      {"a payload followed by something", whole(kHeader, "e31-", kSignature)},
      {"JSON as it is", R"({"payload":"e30","signatures":[]})"},
      {"a long header", whole(std::string(4000, 'e'), kPayload, kSignature)},
      {"a long token", whole(kHeader, std::string(20'000, 'e'), kSignature)}};
  for (const auto& [what, text] : table) {
    const auto jws = parse_jws(text);
    ASSERT_FALSE(jws) << what;
    EXPECT_EQ(jws.error().reason, Reason::malformed_value) << what;
  }
}

TEST(Jose, DepthAndNumberOfValuesAreBounded) {
  // {"a":[[[[[]]]]]}
  EXPECT_FALSE(parse_jws(whole(kHeader, "eyJhIjpbW1tbW11dXV1dfQ", kSignature)));
  EXPECT_FALSE(parse_jws(whole(kHeader, kPayload, kSignature), {.values_max = 2}));
  EXPECT_TRUE(parse_jws(whole(kHeader, kPayload, kSignature), {.values_max = 4}));
}

TEST(Jose, NoBentTokenBreaksTheReader) {
  const std::uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  const std::string good = whole(kHeader, kPayload, kSignature);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = good;
    for (auto n = 1 + draw() % 3; n-- > 0;) bent[draw() % bent.size()] = static_cast<char>(draw());
    if (bent == good) continue;
    const auto jws = parse_jws(bent);
    if (!jws) continue;
    // One value, one spelling: what still reads has other bytes somewhere.
    const auto original = parse_jws(good);
    EXPECT_TRUE(jws->signing_input != original->signing_input ||
                jws->signature != original->signature);
  }
}

Json key(const std::string& text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json{};
}

const std::string kX = R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")";
const std::string kY = R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
const std::string kKind = R"("kty":"EC","crv":"P-256")";

TEST(Jose, AKeyHasOneCanonicalText) {
  const auto point = read_jwk(key("{" + kKind + "," + kX + "," + kY + "}"));
  ASSERT_TRUE(point);
  EXPECT_EQ((*point)[0], 127);
  EXPECT_EQ((*point)[63], 173);
  EXPECT_EQ(canonical_jwk(*point), R"({"crv":"P-256","kty":"EC",)" + kX + "," + kY + "}");
  EXPECT_EQ(
      read_jwk(key(R"({"use":"sig","alg":"ES256","kid":"1","ext":true,"key_ops":["verify"],)" + kY +
                   "," + kX + "," + kKind + "}")),
      *point);
}

TEST(Jose, OnlyPublicKeysOfP256AreKeys) {
  const std::string rest = "," + kX + "," + kY;
  const std::string table[] = {
      "[]",
      "{}",
      "{" + kKind + "," + kX + "}",
      "{" + kKind + rest + R"(,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})",
      "{" + kKind + rest + R"(,"k":"AA"})",
      "{" + kKind + rest + R"(,"x5c":[]})",
      "{" + kKind + rest + R"(,"x5u":"https://example.com"})",
      "{" + kKind + rest + R"(,"use":"enc"})",
      "{" + kKind + rest + R"(,"alg":"ES384"})",
      "{" + kKind + rest + R"(,"alg":"HS256"})",
      "{" + kKind + rest + R"(,"key_ops":["sign"]})",
      "{" + kKind + rest + R"(,"key_ops":"verify"})",
      R"({"kty":"EC","crv":"P-384")" + rest + "}",
      R"({"kty":"OKP","crv":"Ed25519")" + rest + "}",
      R"({"kty":"RSA","n":"AA","e":"AQAB"})",
      R"({"kty":"oct","k":"AA"})",
      R"({"kty":["EC"],"crv":"P-256")" + rest + "}",
      "{" + kKind + R"(,"x":"AA",)" + kY + "}",
      "{" + kKind + "," + kX + R"(,"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"})",
      "{" + kKind + "," + kX + R"(,"y":1})"};
  for (const auto& text : table) EXPECT_FALSE(read_jwk(key(text))) << text;
}

}  // namespace
}  // namespace amanat::net
