// Can an insider tell a canary? Two classifiers are trained on everything the registries show of a
// citizen: a logistic regression and gradient-boosted trees of our own, small and plain. An area
// under the curve of one half is chance.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "cli/country.h"
#include "world.h"

namespace amanat::test {
namespace {

using Row = std::vector<double>;

struct Sample {
  std::vector<Row> x;
  std::vector<int> y;
  std::vector<unsigned> district;
};

double leading(const std::string& text) {
  double out = 0;
  for (const char c : text)
    if (c >= '0' && c <= '9') out = out * 10 + (c - '0');
  return std::fmod(out, 1e9);
}

// What an insider sees: every column of every register as numbers, and how many rows there are.
Sample seen(const fs::path& files, std::mt19937_64& dice) {
  const auto table = [&](const char* name) { return read_table(files / name); };
  std::set<std::string> canaries;
  for (const auto& row : table("canaries.csv"))
    if (!row.empty()) canaries.insert(digits_of(row[0]));
  std::map<std::string, Row> people;
  constexpr std::size_t kPerson = 14 * 2, kLines = 5, kStays = 3;
  const Table persons = table("nadra_identity.csv");
  for (const auto& row : persons) {
    if (row.size() < 14 || digits_of(row[0]).size() != 13) continue;
    Row& x = people[digits_of(row[0])];
    x.assign(kPerson + kLines + kStays + 3, 0);
    for (std::size_t c = 0; c < 14; ++c) {
      x[2 * c] = static_cast<double>(row[c].size());
      x[2 * c + 1] = leading(row[c]);
    }
    const std::string id = digits_of(row[0]);
    x[kPerson + kLines + kStays] = std::stod(id.substr(0, 5));
    x[kPerson + kLines + kStays + 1] = std::stod(id.substr(5, 7));
    x[kPerson + kLines + kStays + 2] = id[12] - '0';
  }
  std::map<std::string, std::string> holder;
  for (const auto& row : table("telecom_subscribers.csv")) {
    if (row.size() < 6) continue;
    const auto at = people.find(digits_of(row[1]));
    if (at == people.end()) continue;
    Row& x = at->second;
    ++x[kPerson];
    const std::string digits = digits_of(row[0]);
    if (digits.size() >= 10) {
      const std::string number = digits.substr(digits.size() - 10);
      x[kPerson + 1] = std::stod(number.substr(0, 3));
      x[kPerson + 2] = std::stod(number.substr(3));
      holder[number] = at->first;
    }
    x[kPerson + 3] = leading(row[4]);
  }
  for (const auto& row : table("telecom_cdr.csv")) {
    if (row.size() < 5) continue;
    const std::string digits = digits_of(row[0]);
    if (digits.size() < 10) continue;
    const auto who = holder.find(digits.substr(digits.size() - 10));
    if (who != holder.end()) ++people[who->second][kPerson + 4];
  }
  for (const auto& row : table("hotel_guests.csv")) {
    if (row.size() < 8) continue;
    const auto at = people.find(digits_of(row[4]));
    if (at == people.end()) continue;
    ++at->second[kPerson + kLines];
    at->second[kPerson + kLines + 1] = leading(row[0]);
    at->second[kPerson + kLines + 2] = leading(row[5]);
  }
  // All canaries, and ten citizens for each.
  Sample sample;
  std::vector<const std::pair<const std::string, Row>*> others;
  for (const auto& one : people) {
    if (canaries.contains(one.first)) {
      sample.x.push_back(one.second);
      sample.y.push_back(1);
      sample.district.push_back(static_cast<unsigned>(std::stoul(one.first.substr(0, 5))));
    } else {
      others.push_back(&one);
    }
  }
  const std::size_t wanted = std::min(others.size(), 10 * sample.x.size());
  std::shuffle(others.begin(), others.end(), dice);
  for (std::size_t i = 0; i < wanted; ++i) {
    sample.x.push_back(others[i]->second);
    sample.y.push_back(0);
    sample.district.push_back(static_cast<unsigned>(std::stoul(others[i]->first.substr(0, 5))));
  }
  return sample;
}

double area_under_curve(const std::vector<double>& score, const std::vector<int>& y) {
  std::vector<std::size_t> order(score.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return score[a] < score[b]; });
  double ranks = 0, positive = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    while (j < order.size() && score[order[j]] == score[order[i]]) ++j;
    for (std::size_t k = i; k < j; ++k)
      if (y[order[k]] == 1) {
        ranks += (static_cast<double>(i) + static_cast<double>(j) + 1) / 2;
        ++positive;
      }
    i = j;
  }
  const double negative = static_cast<double>(y.size()) - positive;
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

// Every column to mean 0 and deviation 1.
void standardise(std::vector<Row>& x) {
  for (std::size_t c = 0; c < x[0].size(); ++c) {
    double sum = 0, squares = 0;
    for (const Row& row : x) sum += row[c];
    const double mean = sum / static_cast<double>(x.size());
    for (const Row& row : x) squares += (row[c] - mean) * (row[c] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(x.size()));
    for (Row& row : x) row[c] = deviation > 0 ? (row[c] - mean) / deviation : 0;
  }
}

struct Halves {
  std::vector<std::size_t> train, test;
};

std::vector<double> logistic(const Sample& s, const Halves& halves) {
  const std::size_t columns = s.x[0].size();
  Row weight(columns + 1, 0);
  const auto score = [&](const Row& row) {
    double z = weight[columns];
    for (std::size_t c = 0; c < columns; ++c) z += weight[c] * row[c];
    return z;
  };
  for (int round = 0; round < 200; ++round) {
    Row gradient(columns + 1, 0);
    for (const std::size_t i : halves.train) {
      const double error = s.y[i] - 1 / (1 + std::exp(-score(s.x[i])));
      for (std::size_t c = 0; c < columns; ++c) gradient[c] += error * s.x[i][c];
      gradient[columns] += error;
    }
    for (std::size_t c = 0; c <= columns; ++c)
      weight[c] += 0.5 * gradient[c] / static_cast<double>(halves.train.size());
  }
  std::vector<double> scores;
  for (const std::size_t i : halves.test) scores.push_back(score(s.x[i]));
  return scores;
}

// Boosted stumps of depth two: the second split looks at the side the first one sent a row to.
struct Tree {
  std::size_t column[3] = {0, 0, 0};
  double at[3] = {0, 0, 0}, value[4] = {0, 0, 0, 0};
  double operator()(const Row& row) const {
    const bool right = row[column[0]] > at[0];
    const std::size_t node = right ? 2 : 1;
    return value[(right ? 2 : 0) + (row[column[node]] > at[node] ? 1 : 0)];
  }
};

struct Split {
  std::size_t column = 0;
  double at = 0, gain = -1, left = 0, right = 0;
};

Split best_split(const Sample& s, const std::vector<std::size_t>& rows, const Row& residual,
                 std::mt19937_64& dice) {
  Split best;
  if (rows.size() < 40) return best;
  for (std::size_t c = 0; c < s.x[0].size(); ++c) {
    for (int cut = 0; cut < 8; ++cut) {
      const double at = s.x[rows[dice() % rows.size()]][c];
      double left = 0, right = 0, n_left = 0, n_right = 0;
      for (const std::size_t i : rows) {
        (s.x[i][c] > at ? right : left) += residual[i];
        (s.x[i][c] > at ? n_right : n_left) += 1;
      }
      if (n_left < 20 || n_right < 20) continue;
      const double gain = left * left / n_left + right * right / n_right;
      if (gain > best.gain) best = {c, at, gain, left / n_left, right / n_right};
    }
  }
  return best;
}

std::vector<double> boosted(const Sample& s, const Halves& halves, std::mt19937_64& dice) {
  Row score(s.x.size(), 0), residual(s.x.size(), 0);
  for (int round = 0; round < 60; ++round) {
    for (const std::size_t i : halves.train) residual[i] = s.y[i] - 1 / (1 + std::exp(-score[i]));
    Tree tree;
    const Split root = best_split(s, halves.train, residual, dice);
    tree.column[0] = root.column;
    tree.at[0] = root.at;
    for (int side = 0; side < 2; ++side) {
      std::vector<std::size_t> rows;
      for (const std::size_t i : halves.train)
        if ((s.x[i][root.column] > root.at) == (side == 1)) rows.push_back(i);
      const Split split = best_split(s, rows, residual, dice);
      tree.column[1 + side] = split.column;
      tree.at[1 + side] = split.at;
      tree.value[2 * side] = split.gain < 0 ? (side ? root.right : root.left) : split.left;
      tree.value[2 * side + 1] = split.gain < 0 ? (side ? root.right : root.left) : split.right;
    }
    for (std::size_t i = 0; i < score.size(); ++i) score[i] += 0.3 * tree(s.x[i]);
  }
  std::vector<double> scores;
  for (const std::size_t i : halves.test) scores.push_back(score[i]);
  return scores;
}

TEST(Canary, NoClassifierTellsOneFromACitizenByWhatTheRegistriesShow) {
  const char* wanted = std::getenv("AMANAT_CANARY_CITIZENS");
  const std::uint64_t citizens = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 300'000;
  TemporaryDirectory directory;
  cli::CountryOptions options;
  options.citizens = citizens;
  options.seed = 12;
  SCOPED_TRACE("seed 12");
  options.directory = directory.path.string();
  options.today = cli::today_utc();
  const auto country = cli::write_country(options, {});
  ASSERT_TRUE(country) << country.error().detail;
  std::mt19937_64 dice(12);
  Sample sample = seen(directory.path, dice);
  const auto canaries = static_cast<double>(std::count(sample.y.begin(), sample.y.end(), 1));
  ASSERT_GT(canaries, 200);
  standardise(sample.x);
  // Two-fold, by district: what is learned from the canaries of some districts is tried on others,
  // for whoever knows one of a family to be a canary has been caught by it.
  Halves halves;
  for (std::size_t i = 0; i < sample.x.size(); ++i)
    (sample.district[i] * 2654435761u >> 13 & 1 ? halves.train : halves.test).push_back(i);
  std::vector<double> by_logistic, by_trees;
  for (int fold = 0; fold < 2; ++fold) {
    std::vector<int> y;
    for (const std::size_t i : halves.test) y.push_back(sample.y[i]);
    by_logistic.push_back(area_under_curve(logistic(sample, halves), y));
    by_trees.push_back(area_under_curve(boosted(sample, halves, dice), y));
    halves.train.swap(halves.test);
  }
  const double area_logistic = (by_logistic[0] + by_logistic[1]) / 2;
  const double area_trees = (by_trees[0] + by_trees[1]) / 2;
  // The error of an area near one half, Mann and Whitney: sqrt((1/n + 1/m) / 12).
  const double error = std::sqrt((1 / canaries + 1 / (10 * canaries)) / 12);
  std::printf("  %.0f canaries: AUC %.3f (logistic), %.3f (trees), standard error %.3f\n", canaries,
              area_logistic, area_trees, error);
  EXPECT_NEAR(area_logistic, 0.5, 0.02 + 2 * error);
  EXPECT_NEAR(area_trees, 0.5, 0.02 + 2 * error);
}

}  // namespace
}  // namespace amanat::test
