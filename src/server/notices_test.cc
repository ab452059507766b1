#include "server/notices.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "crypto/crypto.h"
#include "ledger/history.h"
#include "storage/scratch.h"

namespace amanat::server {
namespace {

constexpr std::uint64_t kNoon = 1'795'348'800'000;  // 22 November 2026, 12:00 UTC
constexpr std::uint64_t kHour = 3'600'000;

struct Left {
  std::string number, text;
};

class NoticesTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_ = *vault::Vault::create(storage::system_disk(), scratch_.path() + "/keys");
    store_ = storage::open_memory();
    citizen_.fill(1);
    label_.fill(9);
    open();
  }
  void open() {
    Notices::Options options;
    options.page = "amanat.example";
    options.zone_minutes = 300;
    options.when = [](std::string_view purpose) {
      return purpose == "now" ? When::at_once : purpose == "never" ? When::never : When::daily;
    };
    options.office = [](AccountId account) -> std::optional<std::pair<std::string, std::string>> {
      if (number(account) == 7) return std::pair{"police", "Investigation Lahore"};
      return std::nullopt;
    };
    options.label_of = [this](const Tag& tag) -> std::optional<Label> {
      if (tag == citizen_) return label_;
      return std::nullopt;
    };
    options.is_invented = [this](const Label& label) { return label == invented_; };
    options.send = [this](std::string_view number, std::string_view text,
                          console::Language) -> Result<void> {
      if (!gateway_answers_) return fail(Reason::peer_unreachable, "the gateway");
      left_.push_back({std::string(number), std::string(text)});
      return {};
    };
    notices_ = *Notices::open(*store_, *vault_, std::move(options));
  }
  ledger::Opened& look(const std::string& purpose, std::uint64_t at) {
    ledger::Opened entry;
    entry.index = EntryIndex{log_.size()};
    entry.type = EntryType::disclosure;
    entry.time = Moment{at};
    entry.subject = label_;
    entry.actor = Actor{AccountId{7}, KeyKind::passkey, {}};
    entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1] = purpose;
    log_.push_back(std::move(entry));
    return log_.back();
  }
  Result<void> follow(std::uint64_t at) {
    return notices_->follow(
        [this](EntryIndex from,
               const std::function<bool(const ledger::Opened&)>& visit) -> Result<void> {
          for (std::size_t i = number(from); i < log_.size(); ++i)
            if (!visit(log_[i])) break;
          return {};
        },
        log_.size(), Moment{at});
  }
  void wish(const std::string& number = "923001234567") {
    ASSERT_TRUE(notices_->wish(citizen_, Wish{number, console::Language::english}));
  }
  static std::string code_in(const std::string& text) {
    std::smatch found;
    EXPECT_TRUE(std::regex_search(text, found, std::regex("Code ([0-9A-Z]{5}-[0-9A-Z]{5})\\.")))
        << text;
    return found.empty() ? "" : found[1].str();
  }

  storage::Scratch scratch_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Notices> notices_;
  Tag citizen_{};
  Label label_{}, invented_{};
  std::vector<ledger::Opened> log_;
  std::vector<Left> left_;
  bool gateway_answers_ = true;
};

TEST_F(NoticesTest, ALookIsToldAtOnceAndItsCodeAndNumberShowExactlyWhatWasSent) {
  wish();
  look("now", kNoon);
  ASSERT_TRUE(follow(kNoon));
  ASSERT_EQ(left_.size(), 1u);
  EXPECT_EQ(left_[0].number, "923001234567");
  EXPECT_NE(left_[0].text.find("police, Investigation Lahore"), std::string::npos);
  EXPECT_NE(left_[0].text.find("22 November 2026, 17:00"), std::string::npos);
  // No link, and nobody's number.
  EXPECT_EQ(left_[0].text.find("http"), std::string::npos);
  EXPECT_EQ(left_[0].text.find("92300"), std::string::npos);

  const std::string code = code_in(left_[0].text);
  auto checked = notices_->check(code, "923001234567", "a", Moment{kNoon});
  ASSERT_TRUE(checked && *checked);
  EXPECT_EQ((*checked)->text, left_[0].text);
  EXPECT_EQ((*checked)->sent, Moment{kNoon});
  // As people type it.
  std::string typed = code;
  for (char& c : typed) c = static_cast<char>(std::tolower(c));
  typed.insert(2, " ");
  EXPECT_TRUE(*notices_->check(typed, "923001234567", "b", Moment{kNoon})) << typed;
  // Forged, guessed, or sent on to somebody else: nothing is learned.
  EXPECT_FALSE(*notices_->check(code, "923009999999", "c", Moment{kNoon}));
  EXPECT_FALSE(*notices_->check("00000-00000", "923001234567", "c", Moment{kNoon}));
  EXPECT_FALSE(*notices_->check("", "", "c", Moment{kNoon}));
  EXPECT_FALSE(*notices_->check(code + "0", "923001234567", "c", Moment{kNoon}));
  // Told once.
  ASSERT_TRUE(follow(kNoon + 1));
  EXPECT_EQ(left_.size(), 1u);
}

TEST_F(NoticesTest, TheDaysLooksAreToldTogetherAtNine) {
  wish();
  for (int i = 0; i < 8; ++i) look("daily", kNoon + static_cast<std::uint64_t>(i) * 1000);
  ASSERT_TRUE(follow(kNoon + 8000));
  EXPECT_TRUE(left_.empty());
  // 09:00 at UTC+5 is 04:00 UTC.
  ASSERT_TRUE(follow(kNoon + 16 * kHour - 1));
  EXPECT_TRUE(left_.empty());
  ASSERT_TRUE(follow(kNoon + 16 * kHour));
  ASSERT_EQ(left_.size(), 1u);
  EXPECT_NE(left_[0].text.find("and 3 more"), std::string::npos) << left_[0].text;
}

TEST_F(NoticesTest, NobodyIsToldWhoDoesNotWishItOrMayNotKnowYet) {
  look("now", kNoon);
  ASSERT_TRUE(follow(kNoon));
  wish();
  ASSERT_TRUE(follow(kNoon));
  EXPECT_TRUE(left_.empty()) << "what came before the wish stands in the list";
  look("never", kNoon);
  look("now", kNoon).type = EntryType::denied;
  look("now", kNoon).subject->fill(3);
  ASSERT_TRUE(follow(kNoon));
  EXPECT_TRUE(left_.empty());
  // Sealed for a day.
  look("now", kNoon).parts[static_cast<std::size_t>(BodyPart::export_id) - 1] =
      ledger::sealed_part(Moment{kNoon + 24 * kHour}, "");
  ASSERT_TRUE(follow(kNoon + 24 * kHour - 1));
  EXPECT_TRUE(left_.empty());
  ASSERT_TRUE(follow(kNoon + 24 * kHour));
  EXPECT_EQ(left_.size(), 1u);
  // A wish that ended, and an erasure, end what waits too.
  look("daily", kNoon + 24 * kHour);
  ASSERT_TRUE(follow(kNoon + 24 * kHour));
  ASSERT_TRUE(notices_->forget(citizen_));
  ASSERT_TRUE(follow(kNoon + 72 * kHour));
  EXPECT_EQ(left_.size(), 1u);
  EXPECT_FALSE(notices_->wish_of(citizen_));
}

TEST_F(NoticesTest, NobodyIsToldOfALookAtACanary) {
  wish();
  invented_ = label_;
  look("now", kNoon);
  look("daily", kNoon);
  ASSERT_TRUE(follow(kNoon));
  ASSERT_TRUE(follow(kNoon + 48 * kHour));
  EXPECT_TRUE(left_.empty());
  // The same wish, the same citizen, and no canary any more: the next look is told.
  invented_ = {};
  look("now", kNoon + 48 * kHour);
  ASSERT_TRUE(follow(kNoon + 48 * kHour));
  EXPECT_EQ(left_.size(), 1u);
}

TEST_F(NoticesTest, NothingSentToTheErasedStays) {
  wish();
  look("now", kNoon);
  ASSERT_TRUE(follow(kNoon));
  const std::string code = code_in(left_.at(0).text);
  ASSERT_TRUE(*notices_->check(code, "923001234567", "a", Moment{kNoon}));
  Tag other{};
  ASSERT_TRUE(notices_->forget(other));
  EXPECT_TRUE(*notices_->check(code, "923001234567", "a", Moment{kNoon}));
  ASSERT_TRUE(notices_->forget(citizen_));
  EXPECT_FALSE(*notices_->check(code, "923001234567", "a", Moment{kNoon}));
}

TEST_F(NoticesTest, AGatewayThatIsSilentAndARestartLoseNothing) {
  wish();
  gateway_answers_ = false;
  look("now", kNoon);
  EXPECT_FALSE(follow(kNoon));
  open();
  look("now", kNoon + 1);
  EXPECT_FALSE(follow(kNoon + 60'000));
  open();
  EXPECT_EQ(notices_->wish_of(citizen_)->number, "923001234567");
  gateway_answers_ = true;
  ASSERT_TRUE(follow(kNoon + 120'000));
  ASSERT_EQ(left_.size(), 1u);
  EXPECT_NE(left_[0].text.find("Entry 0"), std::string::npos);
  EXPECT_NE(left_[0].text.find("Entry 1"), std::string::npos);
  // After a failure it is tried again, not at every second.
  gateway_answers_ = false;
  look("now", kNoon + 120'000);
  EXPECT_FALSE(follow(kNoon + 120'000));
  EXPECT_TRUE(follow(kNoon + 121'000));
}

TEST_F(NoticesTest, GuessesAreLimitedByPlaceAndAllTogether) {
  const auto guess = [&](const std::string& from, std::uint64_t at) {
    return notices_->check("00000-00000", "923001234567", from, Moment{at});
  };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(guess("one place", kNoon));
  auto refused = guess("one place", kNoon);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::too_many_guesses);
  EXPECT_TRUE(guess("another", kNoon));
  EXPECT_TRUE(guess("one place", kNoon + 60'000));
  for (int i = 0; i < 600; ++i) (void)guess("place " + std::to_string(i), kNoon + 120'000);
  EXPECT_FALSE(guess("fresh", kNoon + 120'000));
  EXPECT_TRUE(guess("fresh", kNoon + 180'000));
}

TEST_F(NoticesTest, CodesAreTenLettersThatNobodyConfusesAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    std::array<std::uint8_t, 7> bits{};
    crypto::random_bytes(bits);
    const std::string code = notice_code(bits);
    EXPECT_TRUE(std::regex_match(code, std::regex("[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")));
    const auto typed = code_typed(code);
    ASSERT_TRUE(typed);
    seen.insert(*typed);
  }
  EXPECT_EQ(seen.size(), 2000u);
  EXPECT_EQ(code_typed("oo0il-11111"), code_typed("00011-11111"));
  EXPECT_FALSE(code_typed("0000U-00000"));
}

TEST_F(NoticesTest, WhatRestsIsNoiseWithoutTheKeys) {
  wish();
  look("now", kNoon);
  ASSERT_TRUE(follow(kNoon));
  const std::string code = *code_typed(code_in(left_[0].text));
  EXPECT_TRUE(store_->scan(storage::Table::settings, "", "", [&](auto key, auto value) {
    for (const std::string secret : {std::string("923001234567"), code, std::string("police")}) {
      EXPECT_EQ(std::string(key).find(secret), std::string::npos);
      EXPECT_EQ(std::string(value).find(secret), std::string::npos);
    }
    return true;
  }));
}

}  // namespace
}  // namespace amanat::server
