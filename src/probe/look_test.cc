#include "probe/look.h"

#include <gtest/gtest.h>

namespace amanat::probe {
namespace {

const registry::Recogniser& recogniser() {
  static const registry::Recogniser one = [] {
    auto catalog = registry::Catalog::load(AMANAT_SOURCE_DIR "/catalog/pakistan");
    EXPECT_TRUE(catalog);
    return registry::Recogniser(*catalog);
  }();
  return one;
}

Look seen(unsigned status, std::string body, std::string type = "application/json",
          std::string path = "/x") {
  net::ForeignReply reply;
  reply.status = status;
  reply.headers.emplace_back("content-type", std::move(type));
  reply.body = std::move(body);
  return look(reply, path, recogniser());
}
Operation reading() {
  Operation made;
  made.method = "GET";
  return made;
}
bool answers(const Look& reply, const Look* rightful = nullptr, const Look* nonsense = nullptr) {
  return answered(reply, rightful, nonsense, reading());
}
std::string counts(const Look& one) {
  std::string out;
  for (const auto& c : counted(one.sightings))
    out += std::string(registry::personal_word(c.type)) + "=" + std::to_string(c.count) + " ";
  return out;
}

TEST(Look, ANameIsAPersonsOnlyBesideSomethingThatNamesOne) {
  EXPECT_EQ(counts(seen(200, R"({"name":"Lahore"})")), "");
  EXPECT_EQ(counts(seen(200, R"({"name":"Kashif Mehmood","mobile":"03001234567"})")),
            "phone=1 name=1 ");
  EXPECT_EQ(counts(seen(200, R"({"person":{"name":"Kashif Mehmood"},"cnic":"35202-8184877-1"})")),
            "national-id=1 name=1 ");
  EXPECT_EQ(counts(seen(200, R"([{"name":"Lahore"},{"cnic":"35202-8184877-1"}])")),
            "national-id=1 ");
}

TEST(Look, IdsAsMembersNamesAreFoundAndNeverShown) {
  const Look one = seen(200, R"({"3520281848771":{"x":1}})");
  EXPECT_EQ(counts(one), "national-id=1 ");
  EXPECT_EQ(one.members, (std::vector<std::string>{"*", "*.x"}));
}

TEST(Look, PeopleAreCountedInListsAndTables) {
  EXPECT_EQ(
      seen(200, R"({"items":[{"cnic":"35202-8184877-1"},{"cnic":"35202-8184877-2"},{"x":1}]})")
          .people,
      2u);
  EXPECT_EQ(seen(200, "a,b\n35202-8184877-1,x\n35202-8184877-2,y\n", "text/csv").people, 2u);
}

TEST(Look, WhatRefusesInOtherWordsIsNoAnswer) {
  EXPECT_FALSE(answers(seen(401, R"({"x":1})")));
  EXPECT_FALSE(answers(seen(302, "")));
  EXPECT_FALSE(answers(seen(200, "")));
  EXPECT_FALSE(answers(seen(200, R"({"error":"sign in"})")));
  EXPECT_FALSE(answers(seen(200, R"({"status":401})")));
  EXPECT_FALSE(answers(seen(200, R"({"success":false})")));
  EXPECT_FALSE(answers(seen(200, "<form><input type=\"password\"></form>", "text/html")));
  EXPECT_TRUE(answers(seen(200, R"({"error":null,"items":[1]})")));
  EXPECT_TRUE(answers(seen(200, R"({"errors":[],"items":[1]})")));
  EXPECT_TRUE(answers(seen(200, R"({"items":[]})")));
}

TEST(Look, AnAnswerIsLikeTheRightfulOne) {
  const Look rightful = seen(200, R"({"a":1,"b":2,"c":3})");
  EXPECT_TRUE(answers(seen(200, R"({"a":9,"b":9,"c":9})"), &rightful));
  EXPECT_TRUE(answers(seen(200, R"({"a":9,"b":9})"), &rightful));
  EXPECT_FALSE(answers(seen(200, R"({"message":"hello"})"), &rightful));
  EXPECT_FALSE(answers(seen(200, "<html></html>", "text/html"), &rightful));
  EXPECT_TRUE(answers(seen(200, R"({"message":"35202-8184877-1"})"), &rightful));
  const Look nonsense = seen(200, "<html>no /zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz</html>", "text/html",
                             "/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
  EXPECT_FALSE(answers(seen(200, "<html>no /x</html>", "text/html"), nullptr, &nonsense));
  EXPECT_TRUE(answers(seen(200, "DB_PASSWORD=1", "text/plain"), nullptr, &nonsense));
  EXPECT_EQ(difference(seen(200, R"({"a":1,"b":2,"c":3})"), &rightful), Difference::same_body);
  EXPECT_EQ(difference(seen(200, R"({"a":1,"b":2,"c":4})"), &rightful), Difference::same_members);
  EXPECT_EQ(difference(seen(200, R"({"a":1})"), &rightful), Difference::other_members);
  EXPECT_EQ(difference(rightful, nullptr), Difference::unknown);
}

TEST(Look, WhatWritesHasAnsweredWithoutABody) {
  Operation writing;
  writing.method = "DELETE";
  EXPECT_TRUE(answered(seen(204, ""), nullptr, nullptr, writing));
  EXPECT_FALSE(answered(seen(204, ""), nullptr, nullptr, reading()));
}

TEST(Look, ExcessIsWhatTheSchemaDoesNotNameAndAPersonWouldMind) {
  const auto description = Description::read(
      R"({"openapi":"3.0.0","paths":{"/a":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":)"
      R"({"allOf":[{"$ref":"#/components/schemas/base"},{"properties":{"name":{}}}]}}}}}}}},"/b":{"get":{"responses":{"200":{"content":)"
      R"({"application/json":{"schema":{"properties":{"x":{}},"additionalProperties":true}}}}}}}},)"
      R"("components":{"schemas":{"base":{"properties":{"cnic":{},"inner":{"properties":{"ok":{}}}}}}}})");
  ASSERT_TRUE(description);
  const auto members = [&](std::size_t operation, std::string body) {
    return excess(seen(200, std::move(body)), description->operations()[operation].answer,
                  *description, recogniser())
        .members;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(members(0, R"([{"cnic":"35202-8184877-1","name":"A B","colour":"red"}])"), Names{});
  EXPECT_EQ(
      members(0, R"([{"cnic":"1","inner":{"ok":1,"phone":"03001234567"},"password_hash":"x"}])"),
      (Names{"[].inner.phone", "[].password_hash"}));
  EXPECT_EQ(members(1, R"({"x":1,"mother_id":"35202-8184877-1"})"), Names{});
}

TEST(Look, IdsThatFollowEachOtherAreSeenWherePeopleAre) {
  const auto counts_through = [](std::string_view ids, bool personal) {
    std::string body;
    for (const char c : ids)
      body += (body.empty() ? "" : ",") + std::string("{\"id\":10") + c +
              (personal ? ",\"cnic\":\"35202-8184877-1\"}" : "}");
    return counted_through(seen(200, "{\"items\":[" + body + "]}"), recogniser());
  };
  EXPECT_TRUE(counts_through("1234", true));
  EXPECT_TRUE(counts_through("4321", true));
  EXPECT_FALSE(counts_through("1234", false));
  EXPECT_FALSE(counts_through("1357", true));
  EXPECT_FALSE(counts_through("123", true));
}

TEST(Look, HostileBodiesCostLittle) {
  EXPECT_FALSE(seen(200, std::string(100'000, '[')).json.has_value());
  EXPECT_EQ(counts(seen(200, std::string(1 << 20, '1'))), "");
  EXPECT_EQ(seen(200, "{\"a\":1,\"a\":\"35202-8184877-1\"}").sightings.size(), 1u);  // as text
}

}  // namespace
}  // namespace amanat::probe
