#include "trace/necessity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace amanat::trace {
namespace {

using Accounts = std::vector<std::uint32_t>;

std::vector<SourcedRow> rows_of(const std::vector<Accounts>& accounts) {
  std::vector<SourcedRow> rows;
  for (std::size_t i = 0; i < accounts.size(); ++i)
    rows.push_back({"subject " + std::to_string(i), {1}, accounts[i]});
  return rows;
}

constexpr std::uint32_t kA = 1, kB = 2, kC = 3, kD = 4;

// Seven rows of four accounts and a foreign one; the page's worked example.
std::vector<Accounts> example() {
  return {{kA, kB}, {kA, kB, kC}, {kA, kC}, {kA}, {kA, kB, kD}, {kA, kD}, {kA, kC, kD}, {}};
}

const Margin* margin_of(const Necessity& at, std::uint32_t account) {
  for (const Margin& m : at.margins)
    if (m.account == account) return &m;
  return nullptr;
}
std::uint64_t b_star(const Necessity& at, std::uint32_t account) {
  const Margin* m = margin_of(at, account);
  return m == nullptr ? at.residual : m->b_star;
}

TEST(Necessity, TheWorkedExampleComesOutAsPrinted) {
  const auto table = necessity(rows_of(example()), {{1, 2, 3}, {}});
  ASSERT_EQ(table.size(), 3u);
  const std::uint64_t of_a[] = {4, 2, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(table[i].rows, 7u);
    EXPECT_EQ(table[i].residual, 0u);
    EXPECT_EQ(b_star(table[i], kA), of_a[i]);
    for (const std::uint32_t other : {kB, kC, kD}) EXPECT_EQ(b_star(table[i], other), 0u);
  }
  EXPECT_EQ(needed(table[0], 3), Accounts{kA});
  EXPECT_EQ(needed(table[0], 4), Accounts{});
  EXPECT_EQ(needed(table[1], 1), Accounts{kA});
  EXPECT_EQ(needed(table[2], 0), Accounts{kA});
  EXPECT_EQ(needed(table[2], 1), Accounts{}) << "B, C, D and one foreign row explain everything";
}

TEST(Necessity, PlantedRowsRefuteTheAssumptionInsteadOfConvictingEverybody) {
  auto planted = example();
  planted.push_back({kB});
  planted.push_back({kB});
  const auto table = necessity(rows_of(planted), {{1, 2}, {}});
  EXPECT_EQ(table[0].residual, 2u);
  EXPECT_EQ(b_star(table[0], kA), 4u);
  for (const std::uint32_t other : {kB, kC, kD}) EXPECT_EQ(b_star(table[0], other), 2u);
  EXPECT_EQ(explained(table[0], 1), Explained::refuted);
  EXPECT_EQ(needed(table[0], 1), Accounts{});
  EXPECT_EQ(needed(table[0], 2), Accounts{kA});
  EXPECT_EQ(table[1].residual, 0u);
  EXPECT_EQ(b_star(table[1], kA), 2u);
  EXPECT_EQ(b_star(table[1], kB), 2u);
  EXPECT_EQ(needed(table[1], 1), (Accounts{kA, kB})) << "B falsely: two planted rows break b = 1";
  EXPECT_EQ(needed(table[1], 2), Accounts{});
}

TEST(Necessity, AccountsWithTheSameRowsAreATieAndNobodyOfItIsNeeded) {
  const auto table = necessity(rows_of({{7, 8}, {7, 8}, {7, 8, 9}}), {{1, 2}, {}});
  ASSERT_EQ(table[0].margins.size(), 1u);
  EXPECT_EQ(table[0].margins[0].tied, (Accounts{7, 8}));
  EXPECT_EQ(table[0].margins[0].b_star, 0u);
  EXPECT_EQ(table[0].margins[0].b_star_tied, 2u) << "one of the two is needed";
  EXPECT_EQ(needed(table[0], 0), Accounts{});
}

TEST(Necessity, RowsOfOneSubjectAndVersionSetAreOneRow) {
  std::vector<SourcedRow> rows = {
      {"s", {1}, {5}}, {"s", {1}, {5}}, {"s", {1}, {6}}, {"s", {2}, {5}}, {"t", {1}, {}}};
  const auto table = necessity(rows, {{1}, {}});
  EXPECT_EQ(table[0].rows, 2u);
  EXPECT_EQ(table[0].residual, 0u);
  EXPECT_EQ(b_star(table[0], 5), 1u);
}

TEST(Necessity, NothingIsSaidOfALeakWithoutRows) {
  const auto table = necessity({}, {});
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[3].sources, 5u);
  for (const Necessity& at : table) EXPECT_TRUE(needed(at, 0).empty());
}

TEST(Necessity, AnAcceptedAccountIsInEveryExplanation) {
  auto planted = example();
  planted.push_back({kB});
  const auto table = necessity(rows_of(planted), {{1, 2}, {kB}});
  EXPECT_EQ(table[0].residual, 4u) << "B alone explains B's rows";
  EXPECT_EQ(table[1].residual, 0u);
  EXPECT_EQ(b_star(table[1], kA), 2u) << "with B, C or D explain two more each";
  ASSERT_NE(margin_of(table[1], kB), nullptr);
  EXPECT_TRUE(margin_of(table[1], kB)->accepted);
  EXPECT_EQ(b_star(table[1], kB), 1u);
  const auto too_many = necessity(rows_of(planted), {{1}, {kA, kB}});
  EXPECT_FALSE(too_many[0].possible);
  EXPECT_EQ(explained(too_many[0], 100), Explained::refuted);
}

TEST(Necessity, OthersWhoCouldHaveSuppliedEverythingShowAsAMarginOfZero) {
  const auto table = necessity(rows_of({{1, 2}, {1, 3}, {1, 2}}), {{5}, {1}});
  ASSERT_NE(margin_of(table[0], 1), nullptr);
  EXPECT_EQ(margin_of(table[0], 1)->b_star, 0u);
}

// Every set of at most c accounts, one by one.
struct Brute {
  std::vector<Accounts> rows;  // distinct, with a source
  Accounts accounts;
  std::uint64_t best(unsigned c, const Accounts& forced, std::uint32_t without) const {
    std::uint64_t most = 0;
    for (std::uint32_t set = 0; set < 1u << accounts.size(); ++set) {
      if (std::popcount(set) > static_cast<int>(c)) continue;
      std::set<std::uint32_t> in;
      for (std::size_t i = 0; i < accounts.size(); ++i)
        if ((set >> i & 1) != 0) in.insert(accounts[i]);
      if (in.contains(without)) continue;
      const bool all = std::all_of(forced.begin(), forced.end(),
                                   [&](std::uint32_t f) { return in.contains(f); });
      if (!all) continue;
      std::uint64_t covered = 0;
      for (const Accounts& r : rows)
        covered += std::any_of(r.begin(), r.end(), [&](auto a) { return in.contains(a); }) ? 1 : 0;
      most = std::max(most, covered);
    }
    return most;
  }
};

struct Case {
  std::vector<Accounts> leak;
  Brute brute;
};

Case random_case(std::mt19937_64& draw) {
  const std::size_t accounts = 1 + draw() % 7, rows = 1 + draw() % 10;
  const double density = .1 + .2 * static_cast<double>(draw() % 5);
  Case c;
  for (std::uint32_t a = 1; a <= accounts; ++a) c.brute.accounts.push_back(a);
  std::uniform_real_distribution<double> unit(0, 1);
  for (std::size_t r = 0; r < rows; ++r) {
    Accounts in;
    for (const std::uint32_t a : c.brute.accounts)
      if (unit(draw) < density) in.push_back(a);
    if (!in.empty()) c.brute.rows.push_back(in);
    c.leak.push_back(in);
  }
  return c;
}

TEST(Necessity, MarginsAreThoseOfTryingEverySetOfAccounts) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    const Case c = random_case(draw);
    Accounts accepted;
    if (draw() % 3 == 0) accepted.push_back(1 + static_cast<std::uint32_t>(draw() % 7));
    if (draw() % 9 == 0) accepted.push_back(1 + static_cast<std::uint32_t>(draw() % 7));
    std::erase_if(accepted, [&](auto a) { return a > c.brute.accounts.size(); });
    std::sort(accepted.begin(), accepted.end());
    accepted.erase(std::unique(accepted.begin(), accepted.end()), accepted.end());
    for (const Necessity& at : necessity(rows_of(c.leak), {{1, 2, 3, 5}, accepted})) {
      const std::uint64_t n = c.brute.rows.size();
      ASSERT_EQ(at.rows, n);
      ASSERT_EQ(at.possible, accepted.size() <= at.sources);
      if (!at.possible) continue;
      ASSERT_EQ(at.residual, n - c.brute.best(at.sources, accepted, 0));
      ASSERT_EQ(at.residual_least, at.residual);
      Accounts all;
      for (const std::uint32_t j : c.brute.accounts) {
        Accounts others = accepted;
        std::erase(others, j);
        const std::uint64_t star = n - c.brute.best(at.sources, others, j);
        const Margin* m = margin_of(at, j);
        if (m == nullptr && std::binary_search(accepted.begin(), accepted.end(), j)) continue;
        EXPECT_EQ(b_star(at, j), star) << "c " << at.sources << ", account " << j;
        EXPECT_TRUE(m == nullptr || m->exact);
        if (at.residual <= 1 && star > 1) all.push_back(j);
      }
      if (accepted.empty()) {
        EXPECT_EQ(needed(at, 1), all);
      }
    }
  }
}

TEST(Necessity, ASearchThatIsCutErrsTowardsAcquittal) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  unsigned cut = 0;
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    const Case c = random_case(draw);
    const auto exact = necessity(rows_of(c.leak), {{2, 3}, {}});
    const auto short_of = necessity(rows_of(c.leak), {{2, 3}, {}, draw() % 12});
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_GE(short_of[i].residual, exact[i].residual);
      EXPECT_LE(short_of[i].residual_least, exact[i].residual);
      for (const Margin& m : short_of[i].margins) {
        EXPECT_LE(m.b_star, b_star(exact[i], m.account));
        cut += m.exact ? 0 : 1;
      }
      for (std::uint64_t b = 0; b < 4; ++b) {
        const Accounts now = needed(short_of[i], b), then = needed(exact[i], b);
        EXPECT_TRUE(std::includes(then.begin(), then.end(), now.begin(), now.end()));
      }
    }
  }
  EXPECT_GT(cut, 100u) << "the limit must bite for this to show anything";
  EXPECT_EQ(margin_text(4, true), "4");
  EXPECT_EQ(margin_text(4, false), ">=4");
}

TEST(Necessity, ALeakOfTenThousandRowsIsAnsweredExactlyForUpToThreeSources) {
  // One source of twenty colleagues, each of whom saw three quarters of it; 2,000 strangers.
  std::mt19937_64 draw(3);
  std::vector<Accounts> leak;
  for (int r = 0; r < 10'000; ++r) {
    Accounts in = {100};
    for (std::uint32_t a = 101; a < 120; ++a)
      if (draw() % 4 != 0) in.push_back(a);
    for (int k = 0; k < 3; ++k) in.push_back(1000 + static_cast<std::uint32_t>(draw() % 2000));
    leak.push_back(in);
  }
  const auto table = necessity(rows_of(leak), {});
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(table[i].margins.size(), 1u);
    EXPECT_EQ(table[i].margins[0].account, 100u);
    EXPECT_TRUE(table[i].margins[0].exact) << table[i].sources;
    EXPECT_EQ(table[i].residual, 0u);
  }
  EXPECT_NEAR(static_cast<double>(table[0].margins[0].b_star), 2500, 200);
  EXPECT_EQ(needed(table[2], 50), Accounts{100});
}

}  // namespace
}  // namespace amanat::trace
