#include "probe/openapi.h"

#include <gtest/gtest.h>

namespace amanat::probe {
namespace {

Description read(std::string_view text) {
  auto made = Description::read(text);
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  return made ? *std::move(made) : Description{};
}

std::string with_paths(std::string_view paths, std::string_view more = "") {
  return R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":)" + std::string(paths) +
         std::string(more) + "}";
}

TEST(Description, SaysWhatIsPublicAndWhatIsNot) {
  const auto made = read(with_paths(
      R"({"/a":{"get":{"security":[]},"post":{"security":[{"login":[]}]},"put":{"security":[{"login":[]},{}]},"delete":{}}})",
      R"(,"security":[{"login":[]}])"));
  ASSERT_EQ(made.operations().size(), 4u);
  for (const auto& one : made.operations())
    EXPECT_EQ(one.is_public, one.method == "GET" || one.method == "PUT") << one.name();
  const auto silent = read(with_paths(R"({"/a":{"get":{}}})"));
  EXPECT_FALSE(silent.operations()[0].is_public);
  ASSERT_EQ(silent.notes().size(), 1u);
}

TEST(Description, ParametersComeFromOperationPathAndReferences) {
  const auto made = read(with_paths(
      R"({"/a/{id}/{forgotten}":{"parameters":[{"$ref":"#/components/parameters/id"},{"name":"q","in":"query","example":"path"}],)"
      R"("get":{"parameters":[{"name":"q","in":"query","required":true,"schema":{"type":"integer","maximum":50,"default":7}}]}}})",
      R"(,"components":{"parameters":{"id":{"name":"id","in":"path","schema":{"$ref":"#/components/schemas/x~1y"}}},)"
      R"("schemas":{"x/y":{"type":["null","string"],"format":"uuid"}}})"));
  const auto& p = made.operations()[0].parameters;
  ASSERT_EQ(p.size(), 3u);
  EXPECT_EQ(p[0].name, "q");
  EXPECT_EQ(p[0].sample, "7");
  EXPECT_EQ(p[0].maximum, 50u);
  EXPECT_TRUE(p[0].required);
  EXPECT_EQ(p[1].sample, "00000000-0000-4000-8000-000000000000");
  EXPECT_TRUE(p[1].required);
  EXPECT_EQ(p[2].name, "forgotten");
}

TEST(Description, ReferencesOutsideInCirclesAndToNothingLeadNowhere) {
  const auto made = read(with_paths(
      R"({"/a":{"$ref":"https://elsewhere.invalid/a.json"},"/b":{"get":{"requestBody":{"content":{"application/json":)"
      R"({"schema":{"$ref":"#/components/schemas/loop"}}}},"parameters":[{"$ref":"other.yaml#/p"},{"$ref":"#/nowhere"}]}}})",
      R"(,"components":{"schemas":{"loop":{"$ref":"#/components/schemas/back"},"back":{"$ref":"#/components/schemas/loop"}}})"));
  ASSERT_EQ(made.operations().size(), 1u);
  EXPECT_TRUE(made.operations()[0].parameters.empty());
  EXPECT_EQ(made.operations()[0].body, "null");
}

TEST(Description, ABodyIsTakenFromTheExampleOrMadeFromTheSchema) {
  const auto made = read(with_paths(
      R"({"/a":{"post":{"requestBody":{"content":{"application/json":{"example":{"x":[1,0.5,null,true]}}}}}},)"
      R"("/b":{"post":{"requestBody":{"content":{"text/plain":{},"application/json":{"schema":{"$ref":"#/components/schemas/tree"}}}}}}})",
      R"(,"components":{"schemas":{"tree":{"type":"object","properties":{"n":{"type":"integer","minimum":3},"d":{"type":"string","format":"date"},)"
      R"("kids":{"type":"array","items":{"$ref":"#/components/schemas/tree"}}}}}})"));
  EXPECT_EQ(made.operations()[0].body, R"({"x":[1,0.5,null,true]})");
  EXPECT_TRUE(made.operations()[1].body.starts_with(R"({"n":3,"d":"2026-01-01","kids":[{"n":3,)"))
      << made.operations()[1].body;
  EXPECT_LT(made.operations()[1].body.size(), 1000u);
}

TEST(Description, ASchemaThatGrowsWithoutEndMakesASmallBody) {
  std::string properties;
  for (int i = 0; i < 60; ++i)
    properties += (i > 0 ? "," : "") + std::string("\"p") + std::to_string(i) +
                  R"(":{"$ref":"#/components/schemas/wide"})";
  const auto made = read(with_paths(
      R"({"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/wide"}}}}}}})",
      R"(,"components":{"schemas":{"wide":{"properties":{)" + properties + "}}}}"));
  EXPECT_EQ(made.operations()[0].body, "{}");
}

TEST(Description, WhatIsNoOpenApiIsRefused) {
  const auto reason = [](std::string_view text) {
    const auto made = Description::read(text);
    return made ? std::string("read") : std::string(amanat::row_of(made.error().reason).id);
  };
  EXPECT_EQ(reason(R"({"swagger":"2.0","paths":{"/a":{"get":{}}}})"), "description-wrong");
  EXPECT_EQ(reason(R"({"openapi":"4.0.0","paths":{"/a":{"get":{}}}})"), "description-wrong");
  EXPECT_EQ(reason(R"({"openapi":"3.0.0"})"), "description-wrong");
  EXPECT_EQ(reason(R"({"openapi":"3.0.0","paths":{}})"), "description-wrong");
  EXPECT_EQ(reason(R"({"openapi":"3.0.0","paths":[]})"), "description-wrong");
  EXPECT_EQ(reason(R"({"openapi":"3.0.0","paths":{"http://x/":{"get":{}},"/a b":{"get":{}}}})"),
            "description-wrong");
  EXPECT_EQ(reason("{"), "malformed-json");
  EXPECT_EQ(reason("a: *x"), "malformed-yaml");
  EXPECT_EQ(reason("\xEF\xBB\xBF{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"get\":{}}}}"), "read");
}

TEST(Description, KnowsWhichPathsItDescribes) {
  const auto made = read(with_paths(R"({"/metrics":{"get":{}},"/a/{id}":{"get":{}}})"));
  EXPECT_TRUE(made.describes("/metrics"));
  EXPECT_TRUE(made.describes("/a/7"));
  EXPECT_FALSE(made.describes("/a/"));
  EXPECT_FALSE(made.describes("/a"));
  EXPECT_FALSE(made.describes("/a/7/8"));
}

}  // namespace
}  // namespace amanat::probe
