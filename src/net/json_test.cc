#include "net/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace amanat::net {
namespace {

Reason reason_of(std::string_view text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  EXPECT_FALSE(parsed.has_value()) << text;
  return parsed ? Reason::internal_error : parsed.error().reason;
}

TEST(Json, AQuestionIsReadAsItStands) {
  const auto parsed = parse_json(
      R"({"subject":{"national_id":"1234"},"fields":["a.b.c","a.b.d"],"purpose":"p","n":18446744073709551615,)"
      R"("m":-9223372036854775808,"yes":true,"no":false,"nothing":null})");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed->find("subject")->find("national_id")->string(), "1234");
  EXPECT_EQ(parsed->find("fields")->array()->size(), 2U);
  EXPECT_EQ(parsed->find("n")->integer(), 18446744073709551615ULL);
  EXPECT_EQ(std::get<std::int64_t>(parsed->find("m")->value),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed->find("m")->integer(), std::nullopt);
  EXPECT_EQ(parsed->find("yes")->boolean(), true);
  EXPECT_EQ(parsed->find("no")->boolean(), false);
  EXPECT_EQ(parsed->find("nothing")->boolean(), std::nullopt);
  EXPECT_EQ(parsed->find("absent"), nullptr);
  EXPECT_EQ(parsed->object()->front().name, "subject");
}

TEST(Json, WhatIsNotStrictJsonIsRefused) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\":1,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\" 1}",
                           "[1}",
                           "{\"a\":1]",
                           "01",
                           "-",
                           "-01",
                           "+1",
                           "1.",
                           "1.0",
                           "1e3",
                           "0x1",
                           ".5",
                           "NaN",
                           "Infinity",
                           "18446744073709551616",
                           "-9223372036854775809",
                           "tru",
                           "True",
                           "nul",
                           "\"",
                           "\"\\\"",
                           "\"\\x41\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"a\nb\"",
                           "\"a\tb\"",
                           "1 1",
                           "{}{}",
                           "// c\n1",
                           "[1]/**/",
                           "\xEF\xBB\xBF{}",
                           "\"\\ud800\"",
                           "\"\\ud800x\"",
                           "\"\\ud800\\n\"",
                           "\"\\ud800\\ud800\"",
                           "\"\\udc00\"",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xF4\x90\x80\x80\"",
                           "\"\xE2\x82\"",
                           "\"\x80\"",
                           "\"\xF8\x88\x80\x80\x80\"",
                           "\v1",
                           "\f1"})
    EXPECT_EQ(reason_of(text), Reason::malformed_json) << text;
  EXPECT_EQ(reason_of(std::string_view("1\0", 2)), Reason::malformed_json);
}

TEST(Json, ARepeatedMemberIsRefusedInSmallAndLargeObjects) {
  EXPECT_EQ(reason_of(R"({"a":1,"a":1})"), Reason::malformed_json);
  EXPECT_EQ(reason_of(R"({"a":1,"\u0061":2})"), Reason::malformed_json);
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"A":2})").has_value());
  std::string large = "{";
  for (int i = 0; i < 200; ++i) large += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(parse_json(large + "\"z\":0}").has_value());
  EXPECT_EQ(reason_of(large + "\"k77\":0}"), Reason::malformed_json);
}

TEST(Json, LimitsHoldAtTheirExactValue) {
  JsonLimits limits;
  limits.depth_max = 3;
  limits.values_max = 6;
  limits.bytes_max = 20;
  EXPECT_TRUE(parse_json("[[[]]]", limits).has_value());
  EXPECT_EQ(reason_of("[[[[]]]]", limits), Reason::malformed_json);
  EXPECT_TRUE(parse_json("[1,2,3,4,5]", limits).has_value());
  EXPECT_EQ(reason_of("[1,2,3,4,5,6]", limits), Reason::malformed_json);
  EXPECT_TRUE(parse_json("\"" + std::string(18, 'x') + "\"", limits).has_value());
  EXPECT_EQ(reason_of("\"" + std::string(19, 'x') + "\"", limits), Reason::body_too_large);
  limits.depth_max = 1000;
  limits.bytes_max = 1 << 20;
  limits.values_max = 1 << 20;
  EXPECT_EQ(reason_of(std::string(100000, '['), limits), Reason::malformed_json);
}

TEST(Json, AComplaintNamesThePlaceAndNeverTheContent) {
  const auto parsed = parse_json(R"({"national_id":"35202-1234567-1" oops})");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().detail, "a comma is missing at byte 33");
}

TEST(Json, EscapesAndSurrogatesBecomeUtf8) {
  EXPECT_EQ(*parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000")")->string(),
            std::string("\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\0", 19));
}

TEST(Json, WhatTheWriterWritesTheReaderReads) {
  JsonWriter w;
  std::string odd("\x01\x1f\"\\/\x7f \xE2\x80\xA8\xD8\xA7", 12);
  w.begin_object()
      .key("a")
      .begin_array()
      .number(1)
      .string(odd)
      .null()
      .boolean(true)
      .raw("{\"x\":[]}")
      .end_array();
  w.key("b").begin_object().end_object().key("c").begin_array().end_array().end_object();
  const std::string text = w.take();
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed.has_value()) << text;
  EXPECT_EQ(*(*parsed->find("a")->array())[1].string(), odd);
  EXPECT_EQ((*parsed->find("a")->array()).size(), 5U);
  EXPECT_EQ(w.number(7).take(), "7");  // taken empty, it can be used again
}

TEST(Json, OtherNumbersAreReadAsTheyAreWrittenWhereTheyAreAskedFor) {
  const JsonLimits any{.numbers = JsonNumbers::any};
  for (const std::string_view text :
       {"0.5", "-0.25", "1e3", "1E+3", "12.50e-7", "18446744073709551616", "-9223372036854775809"}) {
    EXPECT_FALSE(parse_json(text)) << text;
    const auto read = parse_json(text, any);
    ASSERT_TRUE(read) << text;
    const auto* number = std::get_if<Json::Number>(&read->value);
    ASSERT_NE(number, nullptr) << text;
    EXPECT_EQ(number->text, text);
  }
  for (const std::string_view text : {"1.", ".5", "1e", "1e+", "-", "01.5", "+1", "1.5.5", "NaN"})
    EXPECT_FALSE(parse_json(text, any)) << text;
  EXPECT_EQ(parse_json("7", any)->integer(), 7u);
}

TEST(JsonDeathTest, AnUnclosedObjectIsAProgrammersError) {
  JsonWriter w;
  w.begin_object();
  EXPECT_DEATH(w.take(), "invariant broken");
  EXPECT_DEATH(w.number(1), "invariant broken");
  EXPECT_DEATH(w.end_array(), "invariant broken");
}

// Turned builds nlohmann's value of ours, so that both readers can be compared.
nlohmann::json turned(const Json& json) {
  return std::visit(
      [](const auto& v) -> nlohmann::json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Json::Array>) {
          auto out = nlohmann::json::array();
          for (const auto& e : v) out.push_back(turned(e));
          return out;
        } else if constexpr (std::is_same_v<T, Json::Object>) {
          auto out = nlohmann::json::object();
          for (const auto& m : v) out[m.name] = turned(m.value);
          return out;
        } else if constexpr (std::is_same_v<T, Json::Number>) {
          return nlohmann::json::parse(v.text);
        } else {
          return v;
        }
      },
      json.value);
}

bool has_float(const nlohmann::json& j) {
  if (j.is_number_float()) return true;
  if (j.is_structured())
    for (const auto& e : j)
      if (has_float(e)) return true;
  return false;
}

TEST(Json, TheReaderAgreesWithNlohmannOnRandomDocuments) {
  const unsigned seed = 20260707;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  static constexpr std::string_view kPieces[] = {
      "{",           "}",     "[",           "]",           ",",
      ":",           "\"a\"", "\"b\"",       "\"\\u00e9\"", "\"\\ud83d\\ude00\"",
      "\"\\ud83d\"", "1",     "0",           "-1",          "-0",
      "00",          "1.5",   "1e9",         "true",        "false",
      "null",        " ",     "\n",          "\"",          "\\",
      "\xC3\xA9",    "\xC3",  "\"\xC3\xA9\""};
  const auto document = [&](auto&& self, int depth) -> std::string {
    const auto roll = random() % 8;
    if (depth > 0 && roll < 2) {
      std::string out = "[";
      for (std::size_t i = 0, n = random() % 4; i < n; ++i)
        out += (i ? "," : "") + self(self, depth - 1);
      return out + "]";
    }
    if (depth > 0 && roll < 4) {
      std::string out = "{";
      for (std::size_t i = 0, n = random() % 4; i < n; ++i)
        out += (i ? "," : "") + ("\"k" + std::to_string(i)) + "\" : " + self(self, depth - 1);
      return out + "}";
    }
    return std::string(kPieces[6 + random() % 15]);
  };
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = document(document, 4);
    for (std::size_t i = 0, n = random() % 3; i < n; ++i) {
      const auto at = random() % (text.size() + 1);
      if (random() % 2 == 0 || at == text.size())
        text.insert(at, kPieces[random() % std::size(kPieces)]);
      else
        text.erase(at, 1);
    }
    const auto ours = parse_json(text);
    const auto theirs = nlohmann::json::parse(text, nullptr, false);
    if (ours) {
      ++accepted;
      ASSERT_FALSE(theirs.is_discarded()) << text;
      ASSERT_EQ(turned(*ours), theirs) << text;
    } else if (!theirs.is_discarded() && !has_float(theirs)) {
      const auto& why = ours.error().detail;
      ASSERT_TRUE(why.starts_with("a member is repeated") ||
                  why.starts_with("a number that is not written"))
          << text << why;
    }
  }
  EXPECT_GT(accepted, 2000);
}

}  // namespace
}  // namespace amanat::net
