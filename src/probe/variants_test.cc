#include "probe/variants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/crypto.h"

namespace amanat::probe {
namespace {

TEST(Variants, NoneIsPlainNoneTwiceAndNoneLeavesTheBase) {
  for (const std::string path : {"/v1/citizens/35202", "/citizens", "/", "/v1/plots/", "/a/b/c/d",
                                 "/x;y=1/z.json", "/%7Bid%7D"}) {
    for (const std::string query : {"", "q=1"}) {
      std::set<std::string> seen;
      const std::string plain = "/base" + path + (query.empty() ? "" : "?" + query);
      for (const auto& one : path_variants("/base", path, query, "/health")) {
        SCOPED_TRACE(one.target);
        EXPECT_TRUE(seen.insert(one.target).second);
        EXPECT_NE(one.target, plain);
        EXPECT_TRUE(one.target.starts_with("/base/"));
        EXPECT_EQ(one.target.find_first_of(" \r\n\t"), std::string::npos);
        // Dot dot segments never climb above the base.
        int depth = 0;
        for (std::size_t at = 5; at < std::min(one.target.find('?'), one.target.size());) {
          const auto end = std::min(one.target.find('/', at + 1), one.target.size());
          const std::string part = one.target.substr(at + 1, end - at - 1);
          depth += part == ".." || part == "%2e%2e" || part == "..;" ? -1 : part == "." ? 0 : 1;
          EXPECT_GE(depth, 0);
          at = end;
        }
        if (!query.empty()) {
          EXPECT_NE(one.target.find("q=1"), std::string::npos);
        }
      }
      if (path != "/") {
        EXPECT_GE(seen.size(), 20u) << path;
      }
    }
  }
}

TEST(Variants, SpellTheCollectionsNameAndNotTheId) {
  std::set<std::string> targets;
  for (const auto& one : path_variants("", "/v1/citizens/35202-1", "", ""))
    targets.insert(one.target);
  for (const std::string_view expected :
       {"/v1/citizens/35202-1/", "//v1/citizens/35202-1", "/v1/citizens//35202-1",
        "/v1/Citizens/35202-1", "/v1/CITIZENS/35202-1", "/v1/%63itizens/35202-1",
        "/v1/%2563itizens/35202-1", "/v1/citizens%2F35202-1", "/v1/citizens;x=1/35202-1",
        "/v1/citizens/35202-1.json", "/v1/citizens/35202-1%00", "/./v1/citizens/35202-1"})
    EXPECT_TRUE(targets.contains(std::string(expected))) << expected;
}

TEST(Variants, ATokenIsBrokenInWaysThatOnlyTheCarelessAccept) {
  const auto part = [](std::string_view text) {
    return crypto::base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  const std::string body = part(R"({"sub":"a"})");
  const std::string token = part(R"({"alg":"ES256"})") + "." + body + "." + std::string(86, 'A');
  const auto broken = broken_tokens("Bearer " + token);
  ASSERT_EQ(broken.size(), 4u);
  for (const auto& [what, value] : broken) {
    EXPECT_TRUE(value.starts_with("Bearer ")) << what;
    EXPECT_NE(value, "Bearer " + token) << what;
    EXPECT_NE(value.find("." + body + "."), std::string::npos) << what;
  }
  EXPECT_TRUE(broken_tokens("session=" + token)[0].second.starts_with("session="));
  for (const std::string_view other :
       {"Basic dXNlcjpwYXNz", "Bearer 0123456789abcdef", "a.b.c", "Bearer a.b.c.d.e", ""})
    EXPECT_TRUE(broken_tokens(other).empty()) << other;
}

TEST(Variants, AMadeUpCredentialKeepsItsFormAndNothingElse) {
  for (const std::string value : {"Bearer abc.def-123", "session=0f0f", "x", "qqqq", "7"}) {
    const std::string other = made_up(value);
    EXPECT_NE(other, value);
    EXPECT_GE(other.size(), value.size());
  }
  EXPECT_EQ(made_up("Bearer ab7-q"), "Bearer qq3-z");
}

TEST(Variants, EncodedTextHoldsNothingThatSteers) {
  EXPECT_EQ(encoded("a/b?c#d&e=f%\r\n '\xD8\xA7"), "a%2Fb%3Fc%23d%26e%3Df%25%0D%0A%20%27%D8%A7");
  EXPECT_EQ(encoded("Az09-._~"), "Az09-._~");
}

}  // namespace
}  // namespace amanat::probe
