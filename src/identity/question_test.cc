#include <gtest/gtest.h>

#include <random>

#include "identity/identity.h"

namespace amanat::identity {
namespace {

FieldTable fields() {
  std::vector<FieldInfo> list;
  for (const char* name : {"name", "present_address", "national_id"})
    list.push_back(
        {std::string("identity.persons.") + name, name, DatasetId{0}, Sensitivity::ordinary, {}});
  for (const char* name : {"msisdn", "imsi"})
    list.push_back({std::string("telecom.subscribers.") + name,
                    name,
                    DatasetId{1},
                    Sensitivity::ordinary,
                    {}});
  return FieldTable(std::move(list), {"identity.persons", "telecom.subscribers"});
}

Result<Question> parse(const std::string& body) {
  static const FieldTable table = fields();
  return parse_question(body, table);
}

std::string body(const std::string& subject, const std::string& more = "",
                 const std::string& asked = R"(["identity.persons.name"])") {
  return R"({"subject":{)" + subject + R"(},"fields":)" + asked +
         R"(,"purpose":"crime-investigation","case":"FIR 1/19 PS Cantt Multan")" + more + "}";
}

TEST(Question, ACitizenIsAskedForByNationalId) {
  const auto q = parse(body(R"("national_id":"35202-8184877-1")"));
  ASSERT_TRUE(q) << q.error().detail;
  EXPECT_EQ(q->subject.search, "national_id");
  EXPECT_EQ(q->subject.value, "35202-8184877-1");
  EXPECT_EQ(q->subject.hops, 0);
  EXPECT_EQ(q->purpose, "crime-investigation");
  EXPECT_EQ(q->case_ref, "FIR 1/19 PS Cantt Multan");
  EXPECT_EQ(q->max_subjects, 1);
  ASSERT_EQ(q->fields.size(), 1u);
}

TEST(Question, AListStandsInPlaceOfASubject) {
  const std::string digest(64, 'a');
  const auto asked = [&](const std::string& list, const std::string& more = "") {
    return parse(R"({"list":)" + list + R"(,"fields":["identity.persons.name"],"purpose":"p")" +
                 more + "}");
  };
  const auto whole = R"({"sha256":")" + digest + R"(","citizens":100000})";
  const auto q = asked(whole, R"(,"format":"xlsx")");
  ASSERT_TRUE(q) << q.error().detail;
  EXPECT_EQ(q->kind, QuestionKind::export_);
  EXPECT_EQ(q->max_subjects, 100'000u);
  EXPECT_EQ(q->list->citizens, 100'000u);
  EXPECT_EQ(q->list->format, "xlsx");
  EXPECT_EQ(q->list->digest[31], 0xaa);
  EXPECT_EQ(asked(whole)->list->format, "csv");
  const std::vector<std::string> wrong = {R"({"sha256":")" + digest + R"(","citizens":100001})",
                                          R"({"sha256":")" + digest + R"(","citizens":0})",
                                          R"({"sha256":")" + digest + "\"}",
                                          R"({"sha256":"aa","citizens":5})",
                                          R"({"citizens":5})",
                                          "5"};
  for (const std::string& list : wrong) EXPECT_FALSE(asked(list)) << list;
  for (const char* more : {R"(,"subject":{"national_id":"3520281848771"})", R"(,"max_subjects":5)",
                           R"(,"break_glass":true)", R"(,"format":"C5V")", R"(,"more_of":5)"})
    EXPECT_FALSE(asked(whole, more)) << more;
  EXPECT_FALSE(parse(body(R"("national_id":"3520281848771")", R"(,"format":"csv")")));
}

TEST(Question, TakesEveryForm) {
  const auto tree = parse(body(R"("national_id":"3520281848771","hops":3)"));
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->subject.hops, 3);
  EXPECT_EQ(tree->max_subjects, 64);
  const auto phone =
      parse(body(R"("msisdn":"+923001234567","from":"2026-01-01","to":"2026-02-01T12:30:59Z")",
                 R"(,"max_subjects":7)"));
  ASSERT_TRUE(phone) << phone.error().detail;
  EXPECT_EQ(number(*phone->subject.from), 1'767'225'600'000u);
  EXPECT_EQ(number(*phone->subject.to), 1'769'949'059'000u);
  EXPECT_EQ(phone->max_subjects, 7);
  const auto fir = parse(body(R"("fir":"1/19","station":"PS Cantt","district":"Multan")"));
  ASSERT_TRUE(fir);
  EXPECT_EQ(fir->subject.search, "fir");
  ASSERT_EQ(fir->subject.narrowing.size(), 2u);
  EXPECT_EQ(fir->subject.narrowing[0].first, "district");
  EXPECT_EQ(fir->subject.narrowing[1].second, "PS Cantt");
  const auto bare =
      parse(R"({"subject":{"national_id":"1"},"fields":["identity.persons.name"],"purpose":"p"})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->case_ref, "");
}

TEST(Question, WildcardsExpandAndFieldsStandOnceInOrder) {
  const auto q = parse(
      body(R"("national_id":"1")", "",
           R"(["telecom.subscribers.*","identity.persons.name","telecom.subscribers.imsi"])"));
  ASSERT_TRUE(q) << q.error().detail;
  ASSERT_EQ(q->fields.size(), 3u);
  EXPECT_TRUE(std::is_sorted(q->fields.begin(), q->fields.end()));
}

TEST(Question, DatesThatDoNotExistAreRefused) {
  for (const char* date :
       {"2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-1-1", "26-01-01",
        "2026-01-01T24:00:00Z", "2026-01-01T10:00:00", "2026-01-01T10:00:00+05:00",
        "2026-01-01 10:00:00Z", "1969-12-31", "", "2026/01/01", "2026-01-0a"})
    EXPECT_EQ(parse(body(R"("msisdn":"1","from":")" + std::string(date) + '"')).error().reason,
              Reason::malformed_value)
        << date;
  EXPECT_TRUE(parse(body(R"("msisdn":"1","from":"2024-02-29")")));
  EXPECT_TRUE(parse(body(R"("msisdn":"1","from":"2000-02-29")")));
  EXPECT_FALSE(parse(body(R"("msisdn":"1","from":"2100-02-29")")));
  EXPECT_FALSE(parse(body(R"("msisdn":"1","from":"2026-02-01","to":"2026-02-01")")));
}

struct Refused {
  const char* what;
  std::string body;
  Reason reason;
};

TEST(Question, WhatIsNotAQuestionIsRefused) {
  const std::string longest(201, 'x');
  std::string many = "[";
  for (int i = 0; i < 65; ++i) many += R"("identity.persons.name",)";
  many.back() = ']';
  const Refused table[] = {
      {"nothing", "", Reason::malformed_json},
      {"a list", "[]", Reason::malformed_json},
      {"an unknown member", body(R"("national_id":"1")", R"(,"admin":true)"),
       Reason::malformed_json},
      {"a repeated member", body(R"("national_id":"1")", R"(,"purpose":"x")"),
       Reason::malformed_json},
      {"a repeated search word", body(R"("national_id":"1","national_id":"2")"),
       Reason::malformed_json},
      {"no subject", R"({"fields":["identity.persons.name"],"purpose":"p"})",
       Reason::malformed_json},
      {"no fields", R"({"subject":{"national_id":"1"},"purpose":"p"})", Reason::malformed_json},
      {"no purpose", R"({"subject":{"national_id":"1"},"fields":["identity.persons.name"]})",
       Reason::malformed_json},
      {"trailing text", body(R"("national_id":"1")") + "x", Reason::malformed_json},
      {"an empty subject", body(""), Reason::malformed_value},
      {"only a window", body(R"("from":"2026-01-01")"), Reason::malformed_value},
      {"a number as national id", body(R"("national_id":3520281848771)"), Reason::malformed_value},
      {"a list as national id", body(R"("national_id":["1","2"])"), Reason::malformed_value},
      {"an empty value", body(R"("national_id":"")"), Reason::malformed_value},
      {"a control character", body(R"("national_id":"1\u0000")"), Reason::malformed_value},
      {"a search word with capitals", body(R"("National_ID":"1")"), Reason::malformed_value},
      {"a long value", body(R"("national_id":")" + longest + '"'), Reason::malformed_value},
      {"no hops", body(R"("national_id":"1","hops":0)"), Reason::malformed_value},
      {"four hops", body(R"("national_id":"1","hops":4)"), Reason::malformed_value},
      {"hops as text", body(R"("national_id":"1","hops":"2")"), Reason::malformed_value},
      {"too much narrowing", body(R"("a":"1","b":"1","c":"1","d":"1","e":"1","f":"1")"),
       Reason::malformed_value},
      {"no field", body(R"("national_id":"1")", "", "[]"), Reason::malformed_value},
      {"too many fields", body(R"("national_id":"1")", "", many), Reason::malformed_value},
      {"fields as text", body(R"("national_id":"1")", "", R"("identity.persons.name")"),
       Reason::malformed_value},
      {"an unknown field", body(R"("national_id":"1")", "", R"(["identity.persons.nmae"])"),
       Reason::unknown_field},
      {"every field", body(R"("national_id":"1")", "", R"(["*"])"), Reason::unknown_field},
      {"an unknown wildcard", body(R"("national_id":"1")", "", R"(["identity.person.*"])"),
       Reason::unknown_field},
      {"a field with capitals", body(R"("national_id":"1")", "", R"(["Identity.Persons.Name"])"),
       Reason::unknown_field},
      {"no citizens", body(R"("national_id":"1")", R"(,"max_subjects":0)"),
       Reason::malformed_value},
      {"too many citizens", body(R"("national_id":"1")", R"(,"max_subjects":257)"),
       Reason::malformed_value},
      {"a long reason",
       body(R"("national_id":"1")", R"(,"reason":")" + std::string(501, 'r') + '"'),
       Reason::malformed_value},
  };
  for (const auto& row : table) {
    const auto q = parse(row.body);
    ASSERT_FALSE(q) << row.what;
    EXPECT_EQ(q.error().reason, row.reason) << row.what << ": " << q.error().detail;
  }
}

TEST(Question, ARefusalNeverRepeatsWhatWasSent) {
  const std::string id = "3520281848771";
  for (const auto& text : {body("\"" + id + "\":\"x\""), body(R"("national_id":)" + id),
                           body(R"("national_id":"1","from":")" + id + '"'),
                           body(R"("national_id":"1")", "", "[\"" + id + "\"]"),
                           body(R"("national_id":"1")", ",\"" + id + "\":1"),
                           body(R"("national_id":"1")", R"(,"max_subjects":)" + id)}) {
    const auto q = parse(text);
    ASSERT_FALSE(q);
    EXPECT_EQ(q.error().detail.find(id), std::string::npos) << q.error().detail;
  }
}

TEST(Question, AnUnknownFieldIsAnsweredWithTheNearestOne) {
  EXPECT_NE(parse(body(R"("national_id":"1")", "", R"(["identity.persons.nmae"])"))
                .error()
                .detail.find("identity.persons.name"),
            std::string::npos);
}

TEST(Question, NoBentBodyBreaksTheReader) {
  const std::uint64_t seed = 42;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  const std::string good = body(R"("msisdn":"+923001234567","from":"2026-01-01","to":"2026-02-01")",
                                R"(,"max_subjects":7,"reason":"r")");
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = good;
    for (auto n = 1 + draw() % 4; n-- > 0;) bent[draw() % bent.size()] = static_cast<char>(draw());
    const auto q = parse(bent);
    if (!q) continue;
    EXPECT_FALSE(q->fields.empty());
    EXPECT_GE(q->max_subjects, 1);
    EXPECT_LE(q->max_subjects, 256);
  }
}

}  // namespace
}  // namespace amanat::identity
