// Decoys in extracts over the whole exchange, with an auditor as a process of its own: they are
// there, in no total, in the register for two people alone, and whoever looks one up is noticed.

#include <gtest/gtest.h>

#include "auditor.h"
#include "extract_world.h"

namespace amanat::test {
namespace {

class DecoyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    w = new ExtractWorld;
    w->world->serve();
    auditor = new AuditorProcess(w->world->exchange->ledger().vkey());
    auditor->join(w->world->home);
    w->world->reopen();
    w->world->serve();
  }
  static void TearDownTestSuite() {
    delete w;
    delete auditor;
  }
  static std::vector<std::string> some(std::size_t n) {
    return {w->citizens.begin() + 1000,
            w->citizens.begin() + 1000 + static_cast<std::ptrdiff_t>(n)};
  }
  // Whose numbers are in a file of JSON lines and not in the list.
  static std::vector<std::string> strangers(const std::string& file,
                                            const std::vector<std::string>& list) {
    std::vector<std::string> out;
    for (const auto& line : split(file, '\n')) {
      auto json = net::parse_json(line);
      EXPECT_TRUE(json) << line;
      const std::string citizen = *json->find("citizen")->string();
      if (!std::binary_search(list.begin(), list.end(), citizen)) out.push_back(citizen);
    }
    return out;
  }
  static Result<Caller> confirms(const std::string& officer, const std::string& verb,
                                 const std::string& target) {
    Act act;
    act.verb = verb;
    act.target = target;
    const std::string tagged = std::string("amanat/act/v1") + '\0' + *canonical_act(act);
    auto signature = crypto::sign_with_key(read_all(w->world->directory.path / (officer + ".key")),
                                           crypto::bytes_of(tagged));
    EXPECT_TRUE(signature);
    return w->world->exchange->identity().confirm_signed(
        officer, act, read_all(w->world->directory.path / (officer + ".crt")),
        crypto::text_of(crypto::bytes_of(*signature)));
  }
  static inline ExtractWorld* w = nullptr;
  static inline AuditorProcess* auditor = nullptr;
};

using W = ExtractWorld;

TEST_F(DecoyTest, StandAmongTheRowsInNoTotalAndDifferFromExtractToExtract) {
  const auto list = some(300);
  const auto view = w->extract("TA-1", list, "jsonl");
  ASSERT_EQ(W::text(view, "state"), "ready") << W::text(view, "reason");
  EXPECT_EQ(W::number_at(view, "rows"), 300u);
  EXPECT_EQ(W::number_at(view, "citizens"), 300u);
  EXPECT_EQ(W::number_at(view, "export_entry"), W::number_at(view, "first_entry") + 300);
  const std::string file = w->fetch("TA-1", view);
  const auto decoys = strangers(file, list);
  ASSERT_EQ(decoys.size(), 3u);
  EXPECT_EQ(split(file, '\n').size(), 303u);
  const std::string manifest =
      w->send("TA-1", "GET", "/v1/extracts/" + W::text(view, "extract") + "/manifest").body;
  EXPECT_NE(manifest.find("\nseeded yes\n"), std::string::npos);
  EXPECT_NE(manifest.find("\nmarks this recipient's\n"), std::string::npos);
  const auto again = w->extract("TA-1", list, "jsonl");
  for (const auto& other : strangers(w->fetch("TA-1", again), list))
    EXPECT_EQ(std::count(decoys.begin(), decoys.end(), other), 0) << "each extract has its own";
  EXPECT_TRUE(strangers(w->fetch("TA-3", w->extract("TA-3", some(49), "jsonl")), list).empty())
      << "none in fewer than fifty";
}

TEST_F(DecoyTest, AreOpenedByTwoWithTheRightAndNoticedWhenLookedUp) {
  const auto list = some(120);
  const auto view = w->extract("TA-1", list, "jsonl");
  const auto decoys = strangers(w->fetch("TA-1", view), list);
  ASSERT_EQ(decoys.size(), 2u);

  auto& extracts = w->world->exchange->extracts();
  auto first = confirms("TA-5", "decoys", "trace-1"),
       second = confirms("TA-6", "decoys", "trace-1");
  ASSERT_TRUE(first && second);
  auto opened = extracts.decoys(*first, *second);
  ASSERT_TRUE(opened) << opened.error().detail;
  std::size_t found = 0;
  for (const auto& line : *opened)
    if (line.extract == W::text(view, "extract")) {
      EXPECT_EQ(line.recipient, "TA-1");
      EXPECT_EQ(std::count(decoys.begin(), decoys.end(), line.citizen), 1);
      ++found;
    }
  EXPECT_EQ(found, 2u);
  const auto refused = [&](Result<Caller> one, Result<Caller> other) {
    auto opened = extracts.decoys(*one, *other);
    return opened ? Reason::internal_error : opened.error().reason;
  };
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-5", "decoys", "t")),
            Reason::not_yourself);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-6", "decoys", "u")),
            Reason::act_wrong);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-6", "hold", "t")),
            Reason::act_wrong);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-3", "decoys", "t")),
            Reason::not_your_right);

  const auto reply =
      w->world->ask("TA-3", World::question(R"("national_id":")" + decoys[0] + "\"",
                                            R"("identity.persons.father_name")", "counting", ""));
  EXPECT_EQ(reply.status, 200u) << reply.body;
  EXPECT_NE(reply.body.find("no-record"), std::string::npos) << "it looks like nobody";
  bool alarmed = false;
  for (int i = 0; i < 100 && !alarmed; ++i) {
    alarmed = w->world->exchange->alerts_json(AccountId{}).find("\"canary\"") != std::string::npos;
    if (!alarmed) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(alarmed) << w->world->exchange->alerts_json(AccountId{});
}

}  // namespace
}  // namespace amanat::test
