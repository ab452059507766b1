#include "net/form.h"

#include <gtest/gtest.h>

#include "net/utf8.h"

namespace amanat::net {
namespace {

TEST(Form, IsReadInOrderWithBlanksAndReferencesDecoded) {
  const auto form = parse_form("a=1&b=x+y&a=%D8%A7&empty=&c=%26%3D");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->one("b"), "x y");
  EXPECT_EQ(form->one("empty"), "");
  EXPECT_EQ(form->one("c"), "&=");
  ASSERT_EQ(form->all("a").size(), 2u);
  EXPECT_EQ(form->all("a")[1], "\xd8\xa7");
}

TEST(Form, AFieldSentTwiceIsNotOneField) {
  const auto form = parse_form("purpose=a&purpose=b");
  ASSERT_TRUE(form);
  EXPECT_FALSE(form->one("purpose"));
  EXPECT_FALSE(form->one("other"));
}

TEST(Form, LooseSpellingsAreRefused) {
  for (const char* body :
       {"a=%", "a=%4", "a=%zz", "a=%00", "a=%1b", "=x", "a=%ff", "a=%c0%80", "a=%ed%a0%80", "%=1"})
    EXPECT_FALSE(parse_form(body)) << body;
}

TEST(Form, IsBounded) {
  EXPECT_EQ(parse_form(std::string(65 * 1024, 'a')).error().reason, Reason::body_too_large);
  std::string many;
  for (int i = 0; i < 1025; ++i) many += "a=1&";
  EXPECT_FALSE(parse_form(many));
  EXPECT_FALSE(parse_form(std::string(65, 'n') + "=1"));
}

TEST(Utf8, KnowsWellFormedTextFromAllElse) {
  for (const char* good : {"", "abc", "\xd8\xa7", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff"})
    EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace amanat::net
