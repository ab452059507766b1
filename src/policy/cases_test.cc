#include "policy/cases.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "storage/scratch.h"

namespace amanat::policy {
namespace {

Case a_case() {
  Case c;
  c.ref = "FIR 1/19 PS Cantt Multan";
  c.kind = "fir";
  c.unit = "Investigation Multan";
  c.opened = Moment{1'000};
  c.officers = {"PO-1094", "PO-1107"};
  c.subjects = {{SubjectKind::national_id, "3630284044386"}};
  return c;
}

class CaseBookTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = vault::Vault::create(storage::system_disk(), scratch_.path() + "/keys");
    ASSERT_TRUE(made) << made.error().detail;
    vault_ = *std::move(made);
    store_ = storage::open_memory();
    book_ = std::make_unique<CaseBook>(*store_, *vault_);
  }
  storage::Scratch scratch_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<CaseBook> book_;
};

TEST_F(CaseBookTest, ARepeatedCaseChangesNothing) {
  EXPECT_EQ(book_->note(a_case()).value(), Noted::added);
  EXPECT_EQ(book_->note(a_case()).value(), Noted::unchanged);
  Case reordered = a_case();
  std::swap(reordered.officers[0], reordered.officers[1]);
  EXPECT_EQ(book_->note(reordered).value(), Noted::unchanged);
  Case closed = a_case();
  closed.closed = Moment{2'000};
  EXPECT_EQ(book_->note(closed).value(), Noted::changed);
  EXPECT_EQ(book_->find(closed.ref)->closed, Moment{2'000});
}

TEST_F(CaseBookTest, ACaseIsFoundWhateverItsBlanksAndCapitalsAndByNoOtherName) {
  ASSERT_TRUE(book_->note(a_case()));
  for (const char* spelled :
       {"FIR 1/19 PS Cantt Multan", "fir 1/19 ps cantt multan", "  FIR  1/19\tPS Cantt Multan "})
    EXPECT_NE(book_->find(spelled), nullptr) << spelled;
  for (const char* other : {"", "FIR 1/19 PS Cantt", "FIR 1-19 PS Cantt Multan",
                            "FIR 1/19PS Cantt Multan", "FIR 01/19 PS Cantt Multan"})
    EXPECT_EQ(book_->find(other), nullptr) << other;
}

TEST_F(CaseBookTest, SurvivesARestart) {
  ASSERT_TRUE(book_->note(a_case()));
  CaseBook again(*store_, *vault_);
  ASSERT_TRUE(again.load());
  ASSERT_NE(again.find("FIR 1/19 PS Cantt Multan"), nullptr);
  EXPECT_EQ(*again.find("FIR 1/19 PS Cantt Multan"), *book_->find("FIR 1/19 PS Cantt Multan"));
  EXPECT_EQ(again.note(a_case()).value(), Noted::unchanged);
}

TEST_F(CaseBookTest, NothingOfACaseLiesInTheStoreReadable) {
  ASSERT_TRUE(book_->note(a_case()));
  std::string all;
  ASSERT_TRUE(store_->scan(storage::Table::cases, "", "",
                           [&](std::string_view key, std::string_view value) {
                             all.append(key).append(value);
                             return true;
                           }));
  for (const char* secret : {"3630284044386", "Cantt", "PO-1094", "Investigation"})
    EXPECT_EQ(all.find(secret), std::string::npos) << secret;
}

TEST_F(CaseBookTest, ASealedCaseMovedToAnotherNameIsFound) {
  ASSERT_TRUE(book_->note(a_case()));
  Case other = a_case();
  other.ref = "FIR 2/19 PS Cantt Multan";
  other.subjects.clear();
  ASSERT_TRUE(book_->note(other));
  std::vector<std::pair<std::string, std::string>> rows;
  ASSERT_TRUE(store_->scan(storage::Table::cases, "", "",
                           [&](std::string_view key, std::string_view value) {
                             rows.emplace_back(key, value);
                             return true;
                           }));
  ASSERT_EQ(rows.size(), 2u);
  storage::Batch swapped;
  swapped.put(storage::Table::cases, rows[0].first, rows[1].second);
  ASSERT_TRUE(store_->write(swapped, storage::Durability::synced));
  CaseBook again(*store_, *vault_);
  const auto loaded = again.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, Reason::seal_broken);
}

TEST_F(CaseBookTest, RefusesWhatIsNoCase) {
  Case c = a_case();
  c.ref = "  ";
  EXPECT_EQ(book_->note(c).error().reason, Reason::value_missing);
  c = a_case();
  c.kind.clear();
  EXPECT_EQ(book_->note(c).error().reason, Reason::value_missing);
  c = a_case();
  c.ref.assign(201, 'x');
  EXPECT_EQ(book_->note(c).error().reason, Reason::value_too_long);
  c = a_case();
  c.officers = {""};
  EXPECT_EQ(book_->note(c).error().reason, Reason::malformed_value);
}

TEST(CaseBytes, EveryOtherFormIsRefused) {
  BookedCase b;
  b.ref = "FIR 1";
  b.kind = "fir";
  b.closed = Moment{5};
  b.officers = {"A", "B"};
  b.subjects = {Tag{1}, Tag{2}};
  const std::string bytes = encode(b);
  ASSERT_TRUE(decode_case(bytes));
  EXPECT_EQ(*decode_case(bytes), b);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_case(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode_case(bytes + '\0'));
  const std::uint64_t seed = 20261122;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = bytes;
    bent[draw() % bent.size()] = static_cast<char>(draw());
    const auto decoded = decode_case(bent);
    EXPECT_TRUE(!decoded || encode(*decoded) == bent);  // one form per value
  }
}

}  // namespace
}  // namespace amanat::policy
