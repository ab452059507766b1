#include "cli/ask.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/stage.h"

namespace amanat::cli {
namespace {

Result<std::string> question(std::vector<std::string> options) {
  options.insert(options.begin(), {"lookup", "--url", "https://127.0.0.1:1", "--ca", "/ca.crt"});
  auto call = parse(options);
  if (!call) return std::unexpected(call.error());
  return question_of(*call);
}

std::string detail(std::vector<std::string> options) {
  auto made = question(std::move(options));
  return made ? "it was made" : std::string(row_of(made.error().reason).id) + ": " + made.error().detail;
}

TEST(Ask, EachFormOfASubjectBecomesItsJson) {
  const std::vector<std::string> rest = {"--fields", "a.b.c,a.b.d", "--purpose", "p", "--case", "C 1"};
  const std::string tail = "},\"fields\":[\"a.b.c\",\"a.b.d\"],\"purpose\":\"p\",\"case\":\"C 1\"}";
  const std::vector<std::pair<std::vector<std::string>, std::string>> forms = {
      {{"--national-id", "35202-8184877-1"}, "\"national_id\":\"35202-8184877-1\""},
      {{"--national-id", "3520281848771", "--hops", "2"}, "\"national_id\":\"3520281848771\",\"hops\":2"},
      {{"--msisdn", "0300", "--from", "2026-01-01", "--to", "2026-02-01"},
       "\"msisdn\":\"0300\",\"from\":\"2026-01-01\",\"to\":\"2026-02-01\""},
      {{"--passport", "AB1234567"}, "\"passport\":\"AB1234567\""},
      {{"--fir", "1/26", "--station", "PS Cantt"}, "\"fir\":\"1/26\",\"station\":\"PS Cantt\""},
      {{"--licence", "HL-1", "--from", "2026-01-01"}, "\"licence\":\"HL-1\",\"from\":\"2026-01-01\""}};
  for (auto [options, subject] : forms) {
    options.insert(options.end(), rest.begin(), rest.end());
    auto made = question(options);
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_EQ(*made, "{\"subject\":{" + subject + tail);
  }
}

TEST(Ask, WhatAPersonTypesCannotBreakOutOfItsString) {
  auto made = question({"--national-id", "1\",\"x\":\"", "--fields", "a.b.c", "--purpose", "p\\"});
  ASSERT_TRUE(made.has_value());
  auto json = parse_answer(*made);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(*json->find("subject")->find("national_id")->string(), "1\",\"x\":\"");
  EXPECT_EQ(*json->find("purpose")->string(), "p\\");
}

TEST(Ask, AnIncompleteQuestionIsNotSent) {
  EXPECT_EQ(detail({"--fields", "a.b.c", "--purpose", "p"}),
            "usage-wrong: whom is it about? --national-id, --msisdn, --passport, --fir, --licence or --question");
  EXPECT_EQ(detail({"--national-id", "1", "--purpose", "p"}), "usage-wrong: which fields? --fields registry.dataset.field,...");
  EXPECT_EQ(detail({"--national-id", "1", "--fields", "a.b.c"}), "usage-wrong: for what purpose? --purpose NAME");
  EXPECT_EQ(detail({"--national-id", "1", "--msisdn", "2", "--fields", "a", "--purpose", "p"}),
            "usage-wrong: one subject only: --national-id or --msisdn");
  EXPECT_EQ(detail({"--fir", "1/26", "--hops", "2", "--fields", "a", "--purpose", "p"}), "usage-wrong: --hops does not go with --fir");
  for (const char* hops : {"0", "4", "x", "1x", "-1", ""})
    EXPECT_EQ(detail({"--national-id", "1", "--hops", hops, "--fields", "a", "--purpose", "p"}),
              "usage-wrong: --hops is a number from 1 to 3");
}

TEST(Ask, AWholeQuestionMayComeFromAFile) {
  auto scratch = Scratch::temporary();
  ASSERT_TRUE(scratch.has_value());
  const std::string file = scratch->path() + "/question.json";
  std::ofstream(file) << R"({"subject":{"national_id":"1"}})";
  auto made = question({"--question", file});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(*made, R"({"subject":{"national_id":"1"}})");
  std::ofstream(file) << std::string(70 * 1024, 'x');
  EXPECT_TRUE(detail({"--question", file}).starts_with("file-failed"));
}

TEST(Ask, ARefusalKeepsItsReasonAcrossTheWire) {
  for (std::size_t i = 0; i < reason_count(); ++i) {
    const auto reason = static_cast<Reason>(i);
    auto json = parse_answer("{\"reason\":\"" + std::string(row_of(reason).id) + "\",\"detail\":\"rule C01\"}");
    ASSERT_TRUE(json.has_value());
    EXPECT_EQ(refusal_of(*json).reason, reason);
    EXPECT_EQ(refusal_of(*json).detail, "rule C01");
  }
  auto newer = parse_answer(R"({"reason":"of-a-newer-exchange","title":"Something new."})");
  EXPECT_EQ(refusal_of(*newer).reason, Reason::internal_error);
  EXPECT_EQ(refusal_of(*newer).detail, "the exchange said: Something new.");
}

TEST(Ask, AnAnswerIsShownWithRecordsSourceDateAndWhatWasWithheld) {
  auto json = parse_answer(
      R"({"answers":[{"citizen":"3520281848771","records":{"identity.persons":[{"name":"Kashif","gender":true,)"
      R"("source":"nadra","date":"2026-11-22"}]},"withheld":[{"field":"a.b.c","reason":"field-not-granted","next":"Ask."}],)"
      R"("entry":17,"receipt":"c2sp.org/tlog-proof@v1\n"}]})");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(answer_for_people(*json, Manner{}),
            "3520281848771  recorded as entry 17\n"
            "  identity.persons  from nadra, taken in 2026-11-22\n"
            "    name    Kashif\n"
            "    gender  (exists)\n"
            "  withheld\n"
            "    a.b.c  field-not-granted  Ask.\n");
  EXPECT_EQ(receipts_of(*json), std::vector<std::string>{"c2sp.org/tlog-proof@v1\n"});
}

TEST(Ask, AnAnswerOfAnyOtherShapeIsShownWithoutHarm) {
  for (const char* odd : {"{}", R"({"answers":1})", R"({"answers":[1,"x",null,{}]})", R"({"answers":[{"records":[]}]})",
                          R"({"answers":[{"records":{"d":{}},"withheld":{}}]})", R"({"answers":[{"records":{"d":[1,{"f":[1]}]},"entry":"x"}]})"}) {
    auto json = parse_answer(odd);
    ASSERT_TRUE(json.has_value()) << odd;
    EXPECT_EQ(answer_for_people(*json, Manner{}).find('\x1b'), std::string::npos);
    (void)receipts_of(*json);
  }
  auto driving = parse_answer(R"({"answers":[{"citizen":"\u001b[2J","records":{"d":[{"f":"\u009b1m"}]}}]})");
  ASSERT_TRUE(driving.has_value());
  EXPECT_EQ(answer_for_people(*driving, Manner{}), "?[2J\n  d  from , taken in \n    f  ?1m\n");
}

}  // namespace
}  // namespace amanat::cli
