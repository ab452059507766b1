#include "disclosure/marks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

#include "disclosure/auditor.h"
#include "net/json.h"
#include "storage/scratch.h"

namespace amanat::disclosure {
namespace {

constexpr std::uint64_t kDay = 86'400'000;
constexpr Moment kNow{1'795'305'600'000};  // 22 November 2026
constexpr Moment kNewYear{1'798'761'600'000};

// Near speaks to an Auditor in this process, in the words of its protocol.
class Near : public AuditorLine {
 public:
  explicit Near(Auditor& auditor, std::atomic<bool>* gone = nullptr)
      : auditor_(auditor), gone_(gone) {}
  Result<crypto::VoprfElement> key(unsigned year) override {
    auto json = ask("GET", "/v1/keys/" + std::to_string(year), "");
    if (!json) return std::unexpected(json.error());
    return bytes<32>(*json, "key");
  }
  Result<crypto::VoprfKey::Evaluated> evaluate(unsigned year,
                                               const crypto::VoprfElement& blinded) override {
    auto json =
        ask("POST", "/v1/evaluate",
            "{\"year\":" + std::to_string(year) + ",\"blinded\":\"" + crypto::hex(blinded) + "\"}");
    if (!json) return std::unexpected(json.error());
    return crypto::VoprfKey::Evaluated{bytes<32>(*json, "element"), bytes<64>(*json, "proof")};
  }
  Result<std::uint64_t> day(const std::string& date, std::uint64_t disclosing,
                            std::uint64_t others) override {
    auto json = ask("POST", "/v1/day",
                    "{\"day\":\"" + date + "\",\"disclosing\":" + std::to_string(disclosing) +
                        ",\"others\":" + std::to_string(others) + "}");
    if (!json) return std::unexpected(json.error());
    return *json->find("surplus")->integer();
  }
  Result<std::string> unlock(const std::string&, const std::string&) override {
    return fail(Reason::auditor_refused);
  }

 private:
  template <std::size_t N>
  static std::array<std::uint8_t, N> bytes(const net::Json& json, std::string_view name) {
    std::array<std::uint8_t, N> out{};
    const auto text = crypto::from_hex(*json.find(name)->string());
    EXPECT_TRUE(text && text->size() == N);
    std::memcpy(out.data(), text->data(), N);
    return out;
  }
  Result<net::Json> ask(std::string_view method, const std::string& path, const std::string& body) {
    if (gone_ != nullptr && *gone_) return fail(Reason::peer_unreachable);
    const auto said = auditor_.answer(method, path, body);
    if (said.status != 200) return fail(Reason::auditor_refused, said.body);
    return net::parse_json(said.body);
  }
  Auditor& auditor_;
  std::atomic<bool>* gone_;
};

class MarksTest : public testing::Test {
 protected:
  MarksTest() { open(); }
  void open() {
    Auditor::Setup setup;
    setup.disk = &storage::system_disk();
    setup.state_file = scratch.path() + "/state";
    setup.name = "auditor.test/a1";
    setup.seed = seed;
    setup.clock = [this] { return at.load(); };
    setup.alarm = [this](std::string_view what) { alarms.emplace_back(what); };
    if (!there) {
      ASSERT_TRUE(Auditor::create(storage::system_disk(), setup.state_file));
    }
    there = true;
    auditor.reset();
    auto opened = Auditor::open(std::move(setup));
    ASSERT_TRUE(opened) << opened.error().detail;
    auditor = *std::move(opened);
  }
  std::unique_ptr<Marks> marks(Key256 half) {
    Marks::Setup setup;
    setup.seed = std::move(half);
    setup.open_line = [this] { return std::make_unique<Near>(*auditor, &gone); };
    setup.publish = [this](const YearKeys& keys) -> Result<void> {
      published[keys.year] = keys;
      return {};
    };
    setup.clock = [this] { return at.load(); };
    return std::make_unique<Marks>(std::move(setup));
  }
  static Task<Result<void>> fetch(Marks& marks, AccountId account) {
    auto wanted = marks.fetch(account);
    auto fetched = co_await wanted;
    co_return fetched;
  }
  static Result<void> have(Marks& marks, std::uint32_t account) {
    return wait(fetch(marks, AccountId{account}));
  }
  std::uint64_t evaluated(const std::string& date) {
    const auto said = auditor->answer("GET", "/v1/counts", "");
    const auto json = net::parse_json(said.body);
    for (const auto& day : *json->find("days")->array())
      if (*day.find("day")->string() == date) return *day.find("evaluated")->integer();
    return 0;
  }

  storage::Scratch scratch;
  const Key256 seed = crypto::random_key(), own = crypto::random_key();
  bool there = false;
  std::atomic<Moment> at{kNow};
  std::atomic<bool> gone{false};
  std::vector<std::string> alarms;
  std::map<unsigned, YearKeys> published;
  std::unique_ptr<Auditor> auditor;
};

TEST_F(MarksTest, AKeyIsOfBothSharesAndTheSameEveryDay) {
  auto one = marks(own);
  EXPECT_FALSE(one->key(AccountId{7}));
  ASSERT_TRUE(have(*one, 7));
  const auto key = one->key(AccountId{7});
  ASSERT_TRUE(key);
  EXPECT_EQ(key->epoch, 26 * 16);
  ASSERT_TRUE(published.contains(2026));
  EXPECT_EQ(published[2026].auditor, auditor->year_key(2026));
  // Tomorrow, in another process: the same coins, or an officer could average them away.
  at = Moment{number(kNow) + kDay};
  auto other = marks(own);
  ASSERT_TRUE(have(*other, 7));
  EXPECT_EQ(other->key(AccountId{7})->commitment, key->commitment);
  ASSERT_TRUE(have(*other, 8));
  EXPECT_NE(other->key(AccountId{8})->commitment, key->commitment);
  // Another half on either side is another key.
  auto foreign = marks(crypto::random_key());
  ASSERT_TRUE(have(*foreign, 7));
  EXPECT_NE(foreign->key(AccountId{7})->commitment, key->commitment);
}

TEST_F(MarksTest, WithoutTheAuditorThereIsNoKey) {
  gone = true;
  auto one = marks(own);
  const auto fetched = have(*one, 7);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().reason, Reason::marks_key_missing);
  EXPECT_FALSE(one->key(AccountId{7}));
  EXPECT_EQ(one->standing().trouble, "peer-unreachable");
  gone = false;
  EXPECT_FALSE(have(*one, 7)) << "nobody is asked again within a second";
  at = Moment{number(kNow) + 1500};
  EXPECT_TRUE(have(*one, 7));
  EXPECT_EQ(one->standing().trouble, "");
}

TEST_F(MarksTest, AKeyIsWipedAtSignOutAndAfterADay) {
  auto one = marks(own);
  ASSERT_TRUE(have(*one, 7));
  one->forget(AccountId{7});
  EXPECT_FALSE(one->key(AccountId{7}));
  ASSERT_TRUE(have(*one, 7));
  at = Moment{number(kNow) + kDay};
  EXPECT_FALSE(one->key(AccountId{7}));
  EXPECT_EQ(one->standing().keys, 0u);
}

TEST_F(MarksTest, ANewYearAndARekeyingAreNewKeys) {
  auto one = marks(own);
  at = Moment{number(kNewYear) - 3'600'000};
  ASSERT_TRUE(have(*one, 7));
  const Digest old = one->key(AccountId{7})->commitment;
  at = Moment{number(kNewYear) + 1};
  EXPECT_FALSE(one->key(AccountId{7})) << "the key of last year";
  ASSERT_TRUE(have(*one, 7));
  EXPECT_EQ(one->key(AccountId{7})->epoch, 27 * 16);
  EXPECT_NE(one->key(AccountId{7})->commitment, old);
  const Digest fresh = one->key(AccountId{7})->commitment;
  one->rekeyed(AccountId{7}, 2027, 1);
  ASSERT_TRUE(have(*one, 7));
  EXPECT_EQ(one->key(AccountId{7})->epoch, 27 * 16 + 1);
  EXPECT_NE(one->key(AccountId{7})->commitment, fresh);
}

TEST_F(MarksTest, AYearThatIsOverIsEvaluatedNoMore) {
  const auto blinded = crypto::voprf_blind(crypto::bytes_of("x"));
  Near line(*auditor);
  at = Moment{number(kNewYear) + kDay - 1};
  EXPECT_TRUE(line.evaluate(2026, blinded->element));
  at = Moment{number(kNewYear) + kDay};
  const auto late = line.evaluate(2026, blinded->element);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().detail.find("over"), std::string::npos);
  EXPECT_FALSE(line.evaluate(2028, blinded->element)) << "a year that has not begun";
  EXPECT_TRUE(line.evaluate(2027, blinded->element));
}

TEST_F(MarksTest, EvaluationsAreCountedAndASurplusIsAnAlert) {
  auto one = marks(own);
  for (const std::uint32_t account : {1, 2, 3}) ASSERT_TRUE(have(*one, account));
  one->forget(AccountId{3});
  ASSERT_TRUE(have(*one, 3));
  EXPECT_EQ(evaluated("2026-11-22"), 4u);
  open();  // the count is on stable storage
  EXPECT_EQ(evaluated("2026-11-22"), 4u);
  Near line(*auditor);
  EXPECT_FALSE(line.day("2026-11-22", 3, 1)) << "that day is not over";
  at = Moment{number(kNow) + kDay};
  EXPECT_EQ(line.day("2026-11-22", 3, 1), 0u);
  EXPECT_TRUE(alarms.empty());
  EXPECT_FALSE(line.day("2026-11-22", 3, 2)) << "a day is declared once";
  ASSERT_TRUE(line.evaluate(2026, crypto::voprf_blind(crypto::bytes_of("somebody"))->element));
  at = Moment{number(kNow) + 2 * kDay};
  EXPECT_EQ(line.day("2026-11-23", 0, 0), 1u);
  EXPECT_EQ(alarms.size(), 1u);
}

TEST_F(MarksTest, WhatTheAuditorSendsIsBelievedOnlyWithItsProof) {
  // An auditor whose key is not the one it published: every share is refused.
  class Lying : public Near {
   public:
    using Near::Near;
    Result<crypto::VoprfElement> key(unsigned) override {
      return crypto::VoprfKey::derive(crypto::random_key(), {})->public_key();
    }
  };
  Marks::Setup setup;
  setup.seed = own;
  setup.open_line = [this] { return std::make_unique<Lying>(*auditor); };
  setup.clock = [this] { return at.load(); };
  Marks lied_to(std::move(setup));
  EXPECT_FALSE(have(lied_to, 7));
  EXPECT_TRUE(lied_to.standing().trouble.starts_with("auditor-wrong"))
      << lied_to.standing().trouble;
}

TEST_F(MarksTest, ACheckerMakesTheSameKeyOfTheUnblindedShares) {
  auto one = marks(own);
  ASSERT_TRUE(have(*one, 7));
  const auto live = one->key(AccountId{7});
  Shares shares;
  shares.account = AccountId{7};
  shares.epoch = live->epoch;
  shares.exchange = one->own_share(AccountId{7}, live->epoch);
  const auto bare = crypto::voprf_element(crypto::bytes_of(share_input(AccountId{7}, live->epoch)));
  shares.auditor = *Near(*auditor).evaluate(2026, *bare);
  const YearKeys keys{2026, one->own_public(2026), auditor->year_key(2026)};
  const auto made = key_of_shares(keys, shares);
  ASSERT_TRUE(made);
  EXPECT_EQ(key_commitment(*made), live->commitment);
  auto changed = shares;
  changed.auditor = changed.exchange;
  EXPECT_EQ(key_of_shares(keys, changed).error().reason, Reason::auditor_wrong);
  changed = shares;
  changed.account = AccountId{8};
  EXPECT_EQ(key_of_shares(keys, changed).error().reason, Reason::auditor_wrong);
  auto swapped = keys;
  swapped.exchange = keys.auditor;
  EXPECT_EQ(key_of_shares(swapped, shares).error().reason, Reason::auditor_wrong);
}

// What lies at the exchange at rest is its seed: with every share that it can make of it alone, in
// whatever place, it makes no account's key.
TEST_F(MarksTest, TheExchangesHalfAloneMakesNoKey) {
  auto one = marks(own);
  ASSERT_TRUE(have(*one, 7));
  const auto live = one->key(AccountId{7});
  const std::string input = share_input(AccountId{7}, live->epoch);
  const auto ours = one->own_share(AccountId{7}, live->epoch);
  const auto out = crypto::voprf_output(crypto::bytes_of(input), Key256(ours.element));
  const crypto::VoprfOutput nothing{};
  for (const auto* left : {&out, &nothing})
    for (const auto* right : {&out, &nothing})
      EXPECT_NE(key_commitment(account_key(*left, *right, AccountId{7}, live->epoch)),
                live->commitment);
  gone = true;
  auto alone = marks(own);
  EXPECT_FALSE(have(*alone, 7));
}

TEST(YearKeys, AreReadAsTheyAreWritten) {
  YearKeys keys{2026, {}, {}};
  keys.exchange.fill(1);
  keys.auditor.fill(2);
  const std::string text = year_keys_text(keys);
  const auto read = parse_year_keys(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->year, 2026u);
  EXPECT_EQ(read->exchange, keys.exchange);
  EXPECT_EQ(read->auditor, keys.auditor);
  for (const std::string& bad : {std::string(), text + "x", text + "\n", text.substr(1)})
    EXPECT_EQ(parse_year_keys(bad).error().reason, Reason::ledger_corrupt);
}

TEST(Extraction, ItsAccountsAreReadStrictly) {
  const std::string head = "amanat-extraction v1\nleak x\n";
  const auto read = accounts_of_extraction(head + "acct 3 416 12000\nacct 3 417 12000\nnc 2\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<std::pair<AccountId, std::uint16_t>>{{AccountId{3}, 416},
                                                                     {AccountId{3}, 417}}));
  for (const char* bad : {"acct 3 416\n", "acct 3 416 1 1\n", "acct x 416 1\n", "acct 3 65536 1\n",
                          "acct 4 416 1\nacct 3 416 1\n", "acct 3 416 1"})
    EXPECT_FALSE(accounts_of_extraction(head + bad)) << bad;
  EXPECT_FALSE(accounts_of_extraction("acct 3 416 1\n"));
}

TEST(Statement, IsReadAsItIsWritten) {
  Unlocked unlocked;
  unlocked.extraction = crypto::sha256("e");
  unlocked.index = 12;
  YearKeys year;
  year.year = 2026;
  year.auditor.fill(3);
  unlocked.years.push_back(year);
  Shares one;
  one.account = AccountId{7};
  one.epoch = 416;
  one.auditor.element.fill(4);
  one.auditor.proof.fill(5);
  unlocked.shares.push_back(one);
  const std::string text = unlocked_text(unlocked, "exchange.test/one");
  const auto read = parse_unlocked(text, "exchange.test/one");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->index, 12u);
  ASSERT_EQ(read->shares.size(), 1u);
  EXPECT_EQ(read->shares[0].auditor.proof, one.auditor.proof);
  EXPECT_EQ(parse_unlocked(text, "exchange.test/two").error().reason, Reason::auditor_wrong);
  EXPECT_EQ(parse_unlocked(text + "share 7\n", "exchange.test/one").error().reason,
            Reason::auditor_wrong);
  EXPECT_EQ(
      parse_unlocked(text + text.substr(text.find("share")), "exchange.test/one").error().reason,
      Reason::auditor_wrong);
}

}  // namespace
}  // namespace amanat::disclosure
