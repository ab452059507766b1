#include "server/complaints.h"

#include <gtest/gtest.h>

#include "storage/scratch.h"

namespace amanat::server {
namespace {

constexpr Moment kNoon{1'795'348'800'000};

class ComplaintsTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_ = *vault::Vault::create(storage::system_disk(), scratch_.path() + "/keys");
    store_ = storage::open_memory();
    one_.fill(1);
    other_.fill(2);
  }
  Complaints complaints() { return Complaints(*store_, *vault_); }
  storage::Scratch scratch_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  Tag one_{}, other_{};
};

TEST_F(ComplaintsTest, AreKeptByCitizenAnsweredAndForgotten) {
  Complaints c = complaints();
  for (const Tag& who : {one_, other_}) {
    auto made = c.draft(who, EntryIndex{7}, "I did not agree", kNoon);
    ASSERT_TRUE(made);
    EXPECT_EQ(number(made->due) - number(made->made), kComplaintDays * 86'400'000);
    ASSERT_TRUE(c.keep(*made));
  }
  EXPECT_EQ(c.open()->size(), 2u);
  auto mine = c.of(one_);
  ASSERT_EQ(mine->size(), 1u);
  Complaint answered = mine->front();
  answered.answered = kNoon;
  answered.upheld = true;
  answered.answer = "You are right.";
  ASSERT_TRUE(c.keep(answered));
  EXPECT_EQ(c.open()->size(), 1u);
  EXPECT_EQ(c.find(answered.id)->answer, "You are right.");
  ASSERT_TRUE(c.forget(one_));
  EXPECT_TRUE(c.of(one_)->empty());
  EXPECT_EQ(c.find(answered.id).error().reason, Reason::no_record);
  EXPECT_EQ(c.of(other_)->size(), 1u);
}

TEST_F(ComplaintsTest, AreLimitedInLengthAndNumber) {
  Complaints c = complaints();
  EXPECT_EQ(c.draft(one_, EntryIndex{7}, " \n", kNoon).error().reason, Reason::malformed_value);
  EXPECT_EQ(c.draft(one_, EntryIndex{7}, std::string(2001, 'x'), kNoon).error().reason,
            Reason::malformed_value);
  for (std::size_t i = 0; i < kComplaintsOfOneMax; ++i)
    ASSERT_TRUE(c.keep(*c.draft(one_, EntryIndex{7}, "again", kNoon)));
  EXPECT_EQ(c.draft(one_, EntryIndex{7}, "again", kNoon).error().reason, Reason::waiting_full);
  EXPECT_TRUE(c.draft(other_, EntryIndex{7}, "first", kNoon));
}

TEST_F(ComplaintsTest, HaveOneFormAndEveryOtherIsRefused) {
  auto made = complaints().draft(one_, EntryIndex{7}, "text", kNoon);
  ASSERT_TRUE(made);
  const std::string bytes = encode(*made);
  ASSERT_TRUE(decode_complaint(bytes));
  EXPECT_EQ(encode(*decode_complaint(bytes)), bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_complaint(std::string_view(bytes).substr(0, n))) << n;
  EXPECT_FALSE(decode_complaint(bytes + "x"));
}

}  // namespace
}  // namespace amanat::server
