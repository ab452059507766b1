#include "net/uri.h"

#include <gtest/gtest.h>

#include <random>

namespace amanat::net {
namespace {

TEST(Uri, TwoSpellingsOfOnePlaceAreOne) {
  const std::pair<const char*, const char*> table[] = {
      {"https://Example.COM", "https://example.com/"},
      {"HTTPS://example.com:443/a", "https://example.com/a"},
      {"https://example.com:/a", "https://example.com/a"},
      {"http://example.com:80/a", "http://example.com/a"},
      {"https://example.com:80/a", "https://example.com:80/a"},
      {"https://example.com:08443/a", "https://example.com:8443/a"},
      {"https://example.com/a?b=c#d", "https://example.com/a"},
      {"https://example.com?b", "https://example.com/"},
      {"https://example.com#/x", "https://example.com/"},
      {"https://example.com/%7euser/%41%2f%2F", "https://example.com/~user/A%2F%2F"},
      {"https://example.com/a/./b/../c", "https://example.com/a/c"},
      {"https://example.com/../../a", "https://example.com/a"},
      {"https://example.com/a/..", "https://example.com/"},
      {"https://example.com/a/b/.", "https://example.com/a/b/"},
      {"https://example.com/%2e%2e/a", "https://example.com/a"},
      {"https://example.com//a", "https://example.com//a"},
      {"https://[::1]:8443/a", "https://[::1]:8443/a"},
      {"https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"},
      {"https://127.0.0.1:9/", "https://127.0.0.1:9/"}};
  for (const auto& [given, normal] : table) EXPECT_EQ(normal_uri(given), normal) << given;
}

TEST(Uri, WhatIsNoAddressHasNoSpelling) {
  for (const char* wrong : {"",
                            "https",
                            "https:/",
                            "https://",
                            "https:///a",
                            "ftp://example.com/",
                            "//example.com/",
                            "/v1/lookups",
                            "https://user@example.com/",
                            "https://user:pw@example.com/",
                            "https://example.com:1a/",
                            "https://example.com:123456/",
                            "https://example.com/%",
                            "https://example.com/%4",
                            "https://example.com/%zz",
                            "https://example.com/a b",
                            "https://example.com/\\a",
                            "https://exa mple.com/",
                            "https://[::1/",
                            "https://[]/",
                            "https://example.com/\x01",
                            "https://example.com/\xc3\xa9"})
    EXPECT_EQ(normal_uri(wrong), std::nullopt) << wrong;
  EXPECT_EQ(normal_uri("https://example.com/" + std::string(3000, 'a')), std::nullopt);
}

TEST(Uri, ANormalSpellingStaysAsItIs) {
  const std::uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  const std::string letters = "aZ09-._~%2fFE:@/..//?#[]";
  for (int i = 0; i < 20'000; ++i) {
    std::string uri = "https://h";
    for (auto n = draw() % 24; n-- > 0;) uri.push_back(letters[draw() % letters.size()]);
    const auto once = normal_uri(uri);
    if (once) {
      EXPECT_EQ(normal_uri(*once), once) << uri;
    }
  }
}

}  // namespace
}  // namespace amanat::net
