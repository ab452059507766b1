#include "vault/debts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace amanat::vault {
namespace {

Label label(std::uint8_t n) {
  Label l;
  l.fill(n);
  return l;
}

struct Book {
  Moment time{1000};
  Debts debts;
  explicit Book(Debts::Options options = {}) : debts(options) {
    debts.introduce([this] { return time; });
  }
  std::unique_ptr<Reservation> owing(std::initializer_list<std::uint8_t> citizens) {
    auto account = debts.open();
    EXPECT_TRUE(account);
    for (const std::uint8_t one : citizens) EXPECT_TRUE(debts.owe(**account, label(one)));
    return account ? *std::move(account) : nullptr;
  }
  Paid paid(std::uint8_t citizen, std::uint64_t index) {
    return {label(citizen), EntryIndex{index}, time};
  }
  Reason why(Reservation& account, std::vector<Paid> with) {
    auto settled = debts.settle(account, with);
    return settled ? Reason::internal_error : settled.error().reason;
  }
};

TEST(Debts, AnEntryOfEachCitizenSettlesThemOnce) {
  Book book;
  auto first = book.owing({1, 2});
  EXPECT_EQ(book.why(*first, {book.paid(1, 7)}), Reason::ledger_proof_wrong) << "one is missing";
  EXPECT_EQ(book.why(*first, {book.paid(1, 7), book.paid(3, 8)}), Reason::ledger_proof_wrong)
      << "another citizen's";
  EXPECT_EQ(book.why(*first, {book.paid(1, 7), book.paid(2, 7)}), Reason::ledger_proof_wrong)
      << "one entry for two";
  ASSERT_TRUE(book.debts.settle(*first, std::vector{book.paid(1, 7), book.paid(2, 8)}));
  auto second = book.owing({1});
  auto third = book.owing({1});
  ASSERT_TRUE(book.debts.settle(*second, std::vector{book.paid(1, 9)}));
  EXPECT_EQ(book.why(*third, {book.paid(1, 9)}), Reason::ledger_proof_wrong) << "replayed";
  book.time = Moment{5000};
  auto fourth = book.owing({1});
  EXPECT_EQ(book.why(*fourth, {{label(1), EntryIndex{10}, Moment{4999}}}),
            Reason::ledger_proof_wrong)
      << "older than the unwrapping";
  EXPECT_EQ(book.debts.overdue(), 0u);
}

TEST(Debts, PastItsTimeNothingMoreIsUnwrappedForAnybody) {
  Book book({.open_ms = 30, .waiting_ms = 30});
  auto slow = book.owing({1});
  auto recorded = book.owing({2});
  book.debts.waiting(*recorded);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(book.why(*slow, {book.paid(1, 7)}), Reason::debts_unpaid) << "too late";
  EXPECT_EQ(book.debts.overdue(), 2u) << "that it was handed over does not settle it";
  auto more = book.debts.open();
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().reason, Reason::debts_unpaid);
  slow.reset();
  recorded.reset();
  EXPECT_FALSE(book.debts.open()) << "for good: somebody must find out why";
  EXPECT_EQ(book.debts.overdue(), 2u);
}

TEST(Debts, AnOpenAccountStopsWhenAnotherRunsOut) {
  Book book({.open_ms = 40, .waiting_ms = 40});
  auto slow = book.owing({1});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  auto quick = book.owing({2});
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_GE(book.debts.overdue(), 1u);
  const auto more = book.debts.owe(*quick, label(3));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().reason, Reason::debts_unpaid);
}

TEST(Debts, PlaintextThatWasWipedUnseenOwesNothing) {
  Book book({.open_ms = 30, .waiting_ms = 30});
  book.owing({1}).reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(book.debts.overdue(), 0u);
  EXPECT_TRUE(book.debts.open());
}

// While keys go on being unwrapped, a large answer has time: each begins it anew.
TEST(Debts, ALargeAnswerHasTimeWhileItIsBeingMade) {
  Book book({.open_ms = 60, .waiting_ms = 60});
  auto account = book.owing({});
  std::vector<Paid> paid;
  for (std::uint8_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(book.debts.owe(*account, label(i)));
    paid.push_back(book.paid(i, 100u + i));
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
  book.debts.waiting(*account);
  EXPECT_TRUE(book.debts.settle(*account, paid));
}

// What is made part by part is owed until the entries of all of it are there.
TEST(Debts, TheAccountOfTheWholeTakesOverWhatItsPartsOwe) {
  Book book;
  auto whole = book.owing({});
  book.debts.waiting(*whole);
  std::vector<Paid> paid;
  for (std::uint8_t i = 0; i < 8; ++i) {
    auto part = book.owing({i, static_cast<std::uint8_t>(100 + i)});
    ASSERT_TRUE(book.debts.take_over(*whole, *part));
    part.reset();  // it owes nothing any more
    paid.push_back(book.paid(i, 200u + 2 * i));
    paid.push_back(book.paid(static_cast<std::uint8_t>(100 + i), 201u + 2 * i));
  }
  auto other = paid;
  std::swap(other[3], other[4]);
  EXPECT_EQ(book.debts.settle(*whole, other).error().reason, Reason::ledger_proof_wrong);
  EXPECT_EQ(book.debts.settle(*whole, std::span(paid).first(15)).error().reason,
            Reason::ledger_proof_wrong);
  EXPECT_TRUE(book.debts.settle(*whole, paid));
  EXPECT_EQ(book.debts.overdue(), 0u);
}

TEST(Debts, AWholeWhosePartsAreNeverPaidForStopsEverything) {
  Book book({.open_ms = 30'000, .waiting_ms = 30});
  auto whole = book.owing({});
  auto part = book.owing({1});
  ASSERT_TRUE(book.debts.take_over(*whole, *part));
  part.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(book.debts.overdue(), 1u);
  EXPECT_FALSE(book.debts.open());
  EXPECT_EQ(book.debts.settle(*whole, std::vector<Paid>{book.paid(1, 7)}).error().reason,
            Reason::debts_unpaid);
}

TEST(Debts, APartThatIsTooLateIsNotTakenOver) {
  Book book({.open_ms = 30, .waiting_ms = 30'000});
  auto whole = book.owing({});
  book.debts.waiting(*whole);
  auto part = book.owing({1});
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(book.debts.take_over(*whole, *part).error().reason, Reason::debts_unpaid);
  EXPECT_EQ(book.debts.overdue(), 1u);
}

TEST(Debts, AWholeThatIsGivenUpOwesNothing) {
  Book book({.open_ms = 30'000, .waiting_ms = 30});
  auto whole = book.owing({});
  auto part = book.owing({1});
  ASSERT_TRUE(book.debts.take_over(*whole, *part));
  part.reset();
  whole.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(book.debts.overdue(), 0u);
  EXPECT_TRUE(book.debts.open());
}

}  // namespace
}  // namespace amanat::vault
