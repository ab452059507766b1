#include "lookup/looks.h"

#include <gtest/gtest.h>

#include "net/json.h"

namespace amanat::lookup {
namespace {

using State = ledger::CitizenEntry::State;

std::vector<Look> three() {
  std::vector<Look> looks(3);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    looks[i].entry = EntryIndex{10 + i};
    looks[i].time = Moment{1'790'000'000'000 + i * 1000};
    looks[i].purpose = "crime-investigation";
    looks[i].department = "punjab-police";
  }
  looks[1].unit = "Multan";
  looks[2].state = State::sealed;
  looks[2].purpose.clear();
  looks[2].sealed_until = Moment{1'800'000'000'000};
  return looks;
}

net::Json parsed(const std::string& text) {
  auto json = net::parse_json(text);
  EXPECT_TRUE(json) << text;
  return json ? *std::move(json) : net::Json{};
}

TEST(Looks, AreListedNewestFirstAndSealedOnesAreCountedWithTheirDateAlone) {
  const auto json = parsed(looks_json(three()));
  EXPECT_EQ(json.find("total")->integer(), 3u);
  EXPECT_EQ(json.find("sealed")->integer(), 1u);
  const auto& list = *json.find("disclosures")->array();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(*list[0].find("state")->string(), "sealed");
  EXPECT_EQ(*list[0].find("opens")->string(), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(list[0].find("purpose"), nullptr);
  EXPECT_EQ(list[2].find("entry")->integer(), 10u);
}

TEST(Looks, AsUsageLinesHaveTheFiveFieldsAndPaging) {
  UsageQuery query;
  query.offset = 1;
  query.limit = 1;
  const auto json = parsed(usages_json(three(), query, "exchange.test/one"));
  EXPECT_EQ(json.find("totalUsages")->integer(), 3u);
  const auto& usages = *json.find("usages")->array();
  ASSERT_EQ(usages.size(), 1u);
  ASSERT_EQ(usages[0].object()->size(), 5u);
  EXPECT_EQ(*usages[0].find("logtime")->string(), "2026-09-21T14:13:21.000Z");
  EXPECT_EQ(*usages[0].find("action")->string(), "crime-investigation");
  EXPECT_EQ(*usages[0].find("receiverCode")->string(), "punjab-police");
  EXPECT_EQ(*usages[0].find("receiverName")->string(), "Multan");
  EXPECT_EQ(*usages[0].find("receiverSystem")->string(), "exchange.test/one");
  UsageQuery period;
  period.from = Moment{1'790'000'001'000};
  period.to = Moment{1'790'000'001'999};
  EXPECT_EQ(parsed(usages_json(three(), period, "x")).find("totalUsages")->integer(), 1u);
}

TEST(Looks, AUsageQueryIsReadInItsExactForm) {
  const auto query = parse_usage_query(
      "userCode=PK3520212345671&periodStart=2026-09-21T14%3A13%3A20Z&periodEnd=2026-09-21T19:13:20."
      "5%2B05:00"
      "&offset=3&limit=10");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->from, Moment{1'790'000'000'000});
  EXPECT_EQ(query->to, Moment{1'790'000'000'500});
  EXPECT_EQ(query->offset, 3u);
  EXPECT_EQ(query->limit, 10u);
  EXPECT_EQ(parse_usage_query("")->limit, 1000u);
  EXPECT_TRUE(parse_usage_query("periodStart=2026-09-21T14:13:20")) << "no zone is UTC";
  for (const char* wrong :
       {"limit=10001", "limit=-1", "limit=", "offset=x", "periodStart=2026-09-21",
        "periodStart=%zz", "periodStart=2026-13-21T14:13:20Z", "periodEnd=2026-09-21T14:13:20+5",
        "other=1", "limit"})
    EXPECT_FALSE(parse_usage_query(wrong)) << wrong;
}

}  // namespace
}  // namespace amanat::lookup
