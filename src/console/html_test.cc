#include "console/html.h"

#include <gtest/gtest.h>

#include <random>

namespace amanat::console {
namespace {

TEST(Html, WhatAPersonWroteNeverBecomesMarkup) {
  Html html;
  html.open("p", {{"title", "\"><script>alert('x')</script>"}});
  html.text("<img src=x onerror=alert(1)>&amp;").close();
  EXPECT_EQ(std::move(html.take()).take(),
            "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\">"
            "&lt;img src=x onerror=alert(1)&gt;&amp;amp;</p>");
}

TEST(Html, AnyBytesStayText) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::uint64_t n = draw() % 40; n-- > 0;)
      text.push_back("<>&\"'/=`ax \n\0\x1b\x7f"[draw() % 16]);
    const std::string made = escaped(text);
    EXPECT_EQ(made.find_first_of(std::string_view("<>\"'\0\x1b\x7f", 7)), std::string::npos);
  }
}

TEST(Html, AnAddressStaysOnTheExchange) {
  Address address("/language");
  address.parameter("back", "//elsewhere.example/?a=b&c#d").parameter("to", "ur");
  EXPECT_EQ(address.text(), "/language?back=%2F%2Felsewhere.example%2F%3Fa%3Db%26c%23d&to=ur");
  Address parts("/trail");
  parts.part("a/b?c").part("..x");
  EXPECT_EQ(parts.text(), "/trail/a%2Fb%3Fc/..x");
}

TEST(HtmlDeathTest, ElementsAreClosedInOrder) {
  EXPECT_DEATH(
      {
        Html html;
        html.open("p");
        (void)html.take();
      },
      "");
  EXPECT_DEATH(Html().close(), "");
}

TEST(HtmlDeathTest, APartOfAnAddressIsNoStepUpwards) {
  EXPECT_DEATH(Address("/trail").part(".."), "");
  EXPECT_DEATH(Address("/trail").part(""), "");
}

}  // namespace
}  // namespace amanat::console
