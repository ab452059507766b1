#include "net/form.h"

#include <gtest/gtest.h>

namespace amanat::net {
namespace {

TEST(Form, ReadsNamesAndValues) {
  const auto form = Form::read("a=1&b=x%20y+z&c=%C3%A9&d=&e&f=a=b");
  ASSERT_TRUE(form);
  EXPECT_EQ(*form->find("a"), "1");
  EXPECT_EQ(*form->find("b"), "x y z");
  EXPECT_EQ(*form->find("c"), "\xc3\xa9");
  EXPECT_EQ(form->find("d"), nullptr);
  EXPECT_EQ(form->find("e"), nullptr);
  EXPECT_EQ(*form->find("f"), "a=b");
  EXPECT_EQ(form->find("g"), nullptr);
  EXPECT_TRUE(Form::read(""));
}

TEST(Form, WhatIsNoFormIsRefused) {
  for (const char* wrong : {"a=1&a=2", "%61=1&a=2", "a=%", "a=%4", "a=%zz", "=1", "a=1&&b=2",
                            "a=\xc3\xa9", "a=\x01", "a=b c", "{\"a\":1}\n"}) {
    const auto form = Form::read(wrong);
    ASSERT_FALSE(form) << wrong;
    EXPECT_EQ(form.error().reason, Reason::oauth_request_wrong) << wrong;
  }
  EXPECT_FALSE(Form::read(std::string(40'000, 'a')));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "a" + std::to_string(i) + "=1&";
  EXPECT_FALSE(Form::read(many));
}

}  // namespace
}  // namespace amanat::net
