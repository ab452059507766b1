#include "net/yaml.h"

#include <gtest/gtest.h>

namespace amanat::net {
namespace {

Json read(std::string_view text) {
  auto json = parse_yaml(text);
  EXPECT_TRUE(json) << (json ? "" : json.error().detail);
  return json ? *std::move(json) : Json{};
}

std::string why(std::string_view text) {
  const auto json = parse_yaml(text);
  return json ? "it was read" : json.error().detail;
}

TEST(Yaml, SaysWhatTheSameJsonSays) {
  const Json json = read(
      "openapi: 3.0.3\ninfo: {title: Land records, version: '1'}\npaths:\n  /plots/{id}:\n    "
      "get:\n"
      "      responses:\n        200: {description: ok}\n      security: []\n      deprecated: "
      "false\n"
      "      x-list:\n      - 1\n      - -2\n      - 0.5\n      - ~\n      - \"true\"\n      - "
      "no\n");
  EXPECT_EQ(*json.find("openapi")->string(), "3.0.3");
  const Json& get = *json.find("paths")->find("/plots/{id}")->find("get");
  EXPECT_NE(get.find("responses")->find("200"), nullptr);
  EXPECT_TRUE(get.find("security")->array()->empty());
  EXPECT_EQ(get.find("deprecated")->boolean(), false);
  const auto& list = *get.find("x-list")->array();
  EXPECT_EQ(list[0].integer(), 1u);
  EXPECT_EQ(std::get<std::int64_t>(list[1].value), -2);
  EXPECT_EQ(std::get<Json::Number>(list[2].value).text, "0.5");
  EXPECT_TRUE(std::holds_alternative<std::nullptr_t>(list[3].value));
  EXPECT_EQ(*list[4].string(), "true");
  EXPECT_EQ(*list[5].string(), "no");  // YAML 1.1 took it for false
}

TEST(Yaml, WhatTwoReadersReadInTwoWaysIsRefusedWithItsLine) {
  EXPECT_EQ(why("a: &x [1]\nb: *x\n"), "an anchor at line 1");
  EXPECT_EQ(why("b: *x\n"), "an alias at line 1");
  EXPECT_EQ(why("a: !!str 1\n"), "a tag at line 1");
  EXPECT_EQ(why("a: 1\na: 2\n"), "a key is repeated in the mapping that ends at line 3");
  EXPECT_EQ(why("<<: {a: 1}\n"), "a merge key at line 1");
  EXPECT_EQ(why("? [1]\n: 2\n"), "a key that is no word at line 1");
  EXPECT_EQ(why("a: 1\n---\nb: 2\n"), "a second document at line 2");
  EXPECT_EQ(why(""), "no document at line 1");
  EXPECT_EQ(why(std::string_view()), "no document at line 1");
  EXPECT_EQ(why("a: [1\n"), "not YAML at line 2");
  EXPECT_EQ(parse_yaml("a: [1\n").error().reason, Reason::malformed_yaml);
}

TEST(Yaml, LimitsHold) {
  const std::string deep = std::string(17, '[') + std::string(17, ']');
  EXPECT_EQ(why(deep), "nested too deep at line 1");
  EXPECT_EQ(why(std::string(16, '[') + std::string(16, ']')), "it was read");
  EXPECT_FALSE(parse_yaml("[1, 2, 3]", JsonLimits{.values_max = 3}));
  EXPECT_TRUE(parse_yaml("[1, 2, 3]", JsonLimits{.values_max = 4}));
  EXPECT_EQ(parse_yaml("[1, 2, 3]", JsonLimits{.bytes_max = 8}).error().reason,
            Reason::body_too_large);
}

}  // namespace
}  // namespace amanat::net
