// Waiting questions and the small registers, at the store: what survives a crash, what is spent.

#include "policy/approvals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "policy/registers.h"
#include "storage/scratch.h"

namespace amanat::policy {
namespace {

constexpr std::uint64_t kStart = 1'700'000'000'000;

Waiting a_question(std::uint32_t asker = 1, std::uint8_t which = 7) {
  Waiting w;
  w.question_hash.fill(which);
  w.question = "canonical";
  w.asker = AccountId{asker};
  w.asker_id = "PO-" + std::to_string(asker);
  w.department = "police";
  w.unit = "Lahore";
  w.roles = {"investigator"};
  w.asked = kStart;
  w.expires = kStart + kDayMs;
  return w;
}

Approval a_yes(std::uint32_t approver, std::uint64_t at = kStart) {
  Approval a;
  a.approver = AccountId{approver};
  a.approver_id = "PO-" + std::to_string(approver);
  a.approved = true;
  a.superior = a.other_unit = true;
  a.decided = at;
  a.until = at + kDayMs / 2;
  a.reason = "seen";
  return a;
}

class ApprovalsTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_ = *vault::Vault::create(storage::system_disk(), scratch_.path() + "/keys");
    store_ = storage::open_memory();
    restart();
  }
  void restart(std::uint64_t at = kStart) {
    book_ = std::make_unique<Approvals>(*store_, *vault_);
    ASSERT_TRUE(book_->load(Moment{at}));
  }
  std::shared_ptr<Approvals::Held> take(std::uint32_t asker = 1, std::uint8_t which = 7,
                                        std::uint64_t at = kStart) {
    Digest hash;
    hash.fill(which);
    auto held = book_->take(AccountId{asker}, hash, Moment{at});
    EXPECT_TRUE(held);
    return held ? *held : nullptr;
  }
  Reason why(const Result<void>& result) {
    return result ? Reason::internal_error : result.error().reason;
  }
  storage::Scratch scratch_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Approvals> book_;
};

TEST_F(ApprovalsTest, AnApprovalCountsForOneQuestionOfOneAskerOnce) {
  const std::string id = *book_->wait(a_question());
  EXPECT_EQ(*book_->wait(a_question()), id) << "the same question waits once";
  EXPECT_EQ(take(), nullptr) << "nobody has approved";
  ASSERT_TRUE(book_->decide(id, a_yes(2), Moment{kStart}));
  EXPECT_EQ(take(3), nullptr) << "another asker";
  EXPECT_EQ(take(1, 8), nullptr) << "another question";
  auto held = take();
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->counts(), (std::array<unsigned, kApprovers>{1, 1, 1, 1}));
  EXPECT_EQ(take(), nullptr) << "it is taken";
  held.reset();  // the question failed on the way
  held = take();
  ASSERT_NE(held, nullptr) << "what was not used is there again";
  held->commit();
  held.reset();
  EXPECT_EQ(take(), nullptr) << "it is spent";
  EXPECT_FALSE(book_->has(AccountId{1}));
}

TEST_F(ApprovalsTest, WhatWasTakenWhenACrashCameIsSpent) {
  const std::string id = *book_->wait(a_question());
  ASSERT_TRUE(book_->decide(id, a_yes(2), Moment{kStart}));
  restart();
  ASSERT_NE(take(), nullptr) << "an approval survives a restart";
  auto held = take();
  ASSERT_NE(held, nullptr);
  // A crash: nothing is given back, nothing committed. The old book lives until the end of the
  // test.
  auto before = std::move(book_);
  restart();
  EXPECT_EQ(take(), nullptr);
  held->commit();
}

TEST_F(ApprovalsTest, OfTwoHundredAtOnceExactlyOneUsesIt) {
  const std::string id = *book_->wait(a_question());
  ASSERT_TRUE(book_->decide(id, a_yes(2), Moment{kStart}));
  std::atomic<int> used{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 200; ++i)
    threads.emplace_back([&] {
      Digest hash;
      hash.fill(7);
      auto held = book_->take(AccountId{1}, hash, Moment{kStart});
      if (!held || *held == nullptr) return;
      (*held)->commit();
      ++used;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(used, 1);
}

TEST_F(ApprovalsTest, StatementsEndWithTheirTimeAndQuestionsAfterADay) {
  const std::string id = *book_->wait(a_question());
  ASSERT_TRUE(book_->decide(id, a_yes(2), Moment{kStart}));
  EXPECT_EQ(take(1, 7, kStart + kDayMs / 2), nullptr) << "the statement has ended";
  EXPECT_FALSE(book_->find(id, Moment{kStart + kDayMs}));
  EXPECT_EQ(why(book_->decide(id, a_yes(3), Moment{kStart + kDayMs})), Reason::approval_unknown);
  restart(kStart + kDayMs);
  EXPECT_FALSE(book_->has(AccountId{1}));
}

TEST_F(ApprovalsTest, NobodyDecidesTheirOwnOrTwiceAndOneNoStands) {
  const std::string id = *book_->wait(a_question());
  EXPECT_EQ(why(book_->decide(id, a_yes(1), Moment{kStart})), Reason::approver_wrong);
  ASSERT_TRUE(book_->decide(id, a_yes(2), Moment{kStart}));
  EXPECT_EQ(why(book_->decide(id, a_yes(2), Moment{kStart})), Reason::approver_wrong);
  Approval no = a_yes(3);
  no.approved = false;
  ASSERT_TRUE(book_->decide(id, no, Moment{kStart}));
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(why(book_->decide("0000000000000000", a_yes(4), Moment{kStart})),
            Reason::approval_unknown);
}

TEST_F(ApprovalsTest, TwoWhoApproveEachOtherAreARingAfterTheThirdTime) {
  std::uint8_t which = 0;
  const auto approve = [&](std::uint32_t asker, std::uint32_t approver, std::uint64_t at) {
    Waiting w = a_question(asker, ++which);
    w.asked = at;
    w.expires = at + kDayMs;
    const std::string id = *book_->wait(w);
    return book_->decide(id, a_yes(approver, at), Moment{at});
  };
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(approve(1, 2, kStart))
        << "a superior approves for their people as often as need be";
  EXPECT_TRUE(approve(2, 3, kStart));
  EXPECT_TRUE(approve(3, 2, kStart));
  EXPECT_TRUE(approve(2, 3, kStart));
  EXPECT_EQ(why(approve(3, 2, kStart)), Reason::approver_ring);
  restart();
  EXPECT_EQ(why(approve(3, 2, kStart)), Reason::approver_ring) << "remembered over a restart";
  EXPECT_TRUE(approve(3, 2, kStart + 31 * kDayMs)) << "a month later it is forgotten";
}

TEST_F(ApprovalsTest, NobodyFillsTheListAlone) {
  for (std::size_t i = 0; i < kWaitingOfOneMax; ++i)
    ASSERT_TRUE(book_->wait(a_question(1, static_cast<std::uint8_t>(i))));
  auto more = book_->wait(a_question(1, 200));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().reason, Reason::waiting_full);
  EXPECT_TRUE(book_->wait(a_question(2, 200)));
}

TEST(Waiting, SurvivesItsBytesAndNoOther) {
  Waiting w = a_question();
  w.id = "0011223344556677";
  w.decided = {a_yes(2), a_yes(3)};
  const std::string bytes = encode(w);
  EXPECT_EQ(decode_waiting(bytes), w);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_waiting(std::string_view(bytes).substr(0, n))) << n;
  EXPECT_FALSE(decode_waiting(bytes + '\0'));
  std::mt19937_64 draw(5);
  SCOPED_TRACE("seed 5");
  for (int i = 0; i < 5'000; ++i) {
    std::string bent = bytes;
    bent[draw() % bent.size()] = static_cast<char>(draw());
    if (const auto read = decode_waiting(bent)) EXPECT_EQ(encode(*read), bent);
  }
}

class RegistersTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_ = *vault::Vault::create(storage::system_disk(), scratch_.path() + "/keys");
    store_ = storage::open_memory();
    restart(kStart);
  }
  void restart(std::uint64_t at) {
    registers_ = std::make_unique<Registers>(*store_, *vault_);
    ASSERT_TRUE(registers_->load(Moment{at}));
  }
  Reason declare(std::uint64_t at, std::uint32_t asker = 1) {
    Emergency e;
    e.asker = AccountId{asker};
    e.asker_id = "PO-" + std::to_string(asker);
    e.reason = "a life";
    e.reviewers = {"AU-1", "AU-2"};
    e.at = at;
    auto id = registers_->declare(e);
    if (!id) return id.error().reason;
    last_ = *id;
    return Reason::internal_error;
  }
  static constexpr Reason kDeclared = Reason::internal_error;
  std::string last_;
  storage::Scratch scratch_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Registers> registers_;
};

TEST_F(RegistersTest, AnEmergencyIsDeclaredOnceADayAndFiveTimesAMonth) {
  std::uint64_t at = kStart;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(declare(at), kDeclared) << i;
    EXPECT_EQ(declare(at + 1), Reason::break_glass_spent);
    ASSERT_TRUE(registers_->review(last_, "AU-1", true, Moment{at + 2}));
    at += kDayMs;
  }
  EXPECT_EQ(declare(at), Reason::break_glass_spent) << "the sixth of a month";
  restart(at);
  EXPECT_EQ(declare(at), Reason::break_glass_spent) << "a restart refills nothing";
  EXPECT_EQ(declare(at, 2), kDeclared) << "another officer";
  EXPECT_EQ(declare(kStart + 31 * kDayMs), kDeclared) << "the month has passed";
}

TEST_F(RegistersTest, WhoIsNotReviewedWithinADayMayNotAgainUntilReviewed) {
  ASSERT_EQ(declare(kStart), kDeclared);
  const std::string first = last_;
  restart(kStart + 2 * kDayMs);
  EXPECT_EQ(declare(kStart + 2 * kDayMs), Reason::break_glass_unreviewed);
  auto own = registers_->review(first, "PO-1", true, Moment{kStart + 2 * kDayMs});
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().reason, Reason::approver_wrong);
  ASSERT_TRUE(registers_->review(first, "AU-1", false, Moment{kStart + 2 * kDayMs}));
  EXPECT_FALSE(registers_->review(first, "AU-2", true, Moment{kStart + 2 * kDayMs}));
  EXPECT_EQ(declare(kStart + 2 * kDayMs), kDeclared);
  EXPECT_EQ(registers_->review("none", "AU-1", true, Moment{1}).error().reason, Reason::no_record);
}

TEST_F(RegistersTest, AConsentCoversItsPurposeAndFieldsUntilItEndsOrIsTakenBack) {
  FieldInfo name{"a.people.name", "name", DatasetId{0}, Sensitivity::open, {}};
  FieldInfo number{"a.people.number", "number", DatasetId{0}, Sensitivity::open, {}};
  const FieldTable fields({name, number}, {"a.people"});
  Consent c;
  c.citizen.fill(9);
  c.purpose = "help";
  c.fields = {"a.people.name"};
  c.given = kStart;
  c.until = kStart + 1000;
  const std::string id = *registers_->consent(c);
  restart(kStart);
  Tag other{};
  EXPECT_TRUE(registers_->consented(c.citizen, "help", fields, Moment{kStart}).test(0));
  EXPECT_FALSE(registers_->consented(c.citizen, "help", fields, Moment{kStart}).test(1));
  EXPECT_TRUE(registers_->consented(c.citizen, "else", fields, Moment{kStart}).none());
  EXPECT_TRUE(registers_->consented(other, "help", fields, Moment{kStart}).none());
  EXPECT_TRUE(registers_->consented(c.citizen, "help", fields, Moment{kStart + 1000}).none());
  EXPECT_FALSE(registers_->withdraw(other, id)) << "nobody takes back another's";
  ASSERT_TRUE(registers_->withdraw(c.citizen, id));
  EXPECT_TRUE(registers_->consented(c.citizen, "help", fields, Moment{kStart}).none());
  restart(kStart);
  EXPECT_TRUE(registers_->consented(c.citizen, "help", fields, Moment{kStart}).none());
}

TEST_F(RegistersTest, TheListOfTheProtectedSurvivesARestart) {
  Tag person{};
  person.fill(3);
  ASSERT_TRUE(registers_->protect(person, Policy::Listed::on));
  ASSERT_TRUE(registers_->protect(person, Policy::Listed::on));
  restart(kStart);
  EXPECT_EQ(*registers_->protected_people(), std::vector<Tag>{person});
  ASSERT_TRUE(registers_->protect(person, Policy::Listed::off));
  restart(kStart);
  EXPECT_TRUE(registers_->protected_people()->empty());
}

}  // namespace
}  // namespace amanat::policy
