// Can an insider tell a canary? Two classifiers are trained on everything the registries show of a
// citizen, and on how long the answer took: a logistic regression and gradient-boosted trees of our
// own, small and plain. An area under the curve of one half is chance. AMANAT_CANARIES sets how
// many are made for an exchange (standard 120; 1,200 make the standard error 0.01).

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

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

std::vector<double> boosted(const Sample& s, const Halves& halves, std::mt19937_64& dice,
                            std::vector<double>* gains = nullptr) {
  Row score(s.x.size(), 0), residual(s.x.size(), 0);
  for (int round = 0; round < 60; ++round) {
    for (const std::size_t i : halves.train) residual[i] = s.y[i] - 1 / (1 + std::exp(-score[i]));
    Tree tree;
    const Split root = best_split(s, halves.train, residual, dice);
    tree.column[0] = root.column;
    if (gains != nullptr && root.gain > 0) (*gains)[root.column] += root.gain;
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

// Numbers of what an answer shows: of every field how often, how long and which digits; of every
// register how many records and from which day; its size.
void add_values(const net::Json& value, const std::string& name,
                std::map<std::string, double>& row) {
  if (const auto* array = value.array()) {
    row[name + "#"] += static_cast<double>(array->size());
    for (const net::Json& one : *array) add_values(one, name, row);
  } else if (const auto* object = value.object()) {
    for (const auto& member : *object) add_values(member.value, name + '.' + member.name, row);
  } else if (const std::string* text = value.string()) {
    double& seen = row[name + " n"];
    seen += 1;
    row[name + " length"] += static_cast<double>(text->size());
    if (seen == 1) {
      row[name + " digits"] = leading(*text);
      std::uint32_t hash = 2166136261u;
      for (const char c : *text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
      row[name + " word"] = hash % 1000;
    }
  }
}

// Everything that can be granted, to whoever investigates: the insider of the issue.
constexpr const char* kEverything = R"(
[[purpose]]
id = "canary-test"
says = "what an insider of every register could see"
law = "an invented law, section 3"
[[quota]]
id = "everybody"
distinct_subjects = [{ per = "officer", n = 100000 }]
[[grant]]
id = "Z01"
says = "Everything"
roles = ["investigator"]
purposes = ["canary-test"]
fields = ["identity.persons.*", "telecom.subscribers.*", "telecom.calls.*", "hotels.stays.*", "police.firs.*"]
quota = "everybody"
)";

class CanariesOfAnExchange : public testing::Test {
 protected:
  void SetUp() override {
    World::more_policy = {{"zz_canary.toml", kEverything}};
    world = std::make_unique<World>(64, std::string(kNothingJudged) + "canary_suspend = 100\n");
    World::more_policy.clear();
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size(); ++i)
      if (!persons[i].empty() && digits_of(persons[i][0]).size() == 13)
        citizens.push_back(digits_of(persons[i][0]));
    for (const char* registry : {"identity.persons", "telecom.subscribers", "telecom.calls",
                                 "hotels.stays", "police.firs"}) {
      const FieldTable& table = world->exchange->catalog().fields();
      for (std::size_t f = 0; f < table.size(); ++f)
        if (const std::string& id = table[FieldId{static_cast<std::uint16_t>(f)}].id;
            id.starts_with(std::string(registry) + '.'))
          fields += (fields.empty() ? "\"" : ",\"") + id + '"';
    }
  }
  std::string about(const std::string& citizen) const {
    return World::question("\"national_id\":\"" + citizen + '"', fields, "canary-test", "");
  }
  std::uint64_t records() const {
    auto status = world->exchange->status();
    EXPECT_TRUE(status);
    std::uint64_t all = 0;
    for (const auto& one : status->datasets) all += one.records;
    return all;
  }
  std::unique_ptr<World> world;
  std::vector<std::string> citizens;
  std::string fields;
};

TEST_F(CanariesOfAnExchange, NoClassifierTellsOneByAnyFieldOrByTheTimeTheAnswerTook) {
  const char* wanted = std::getenv("AMANAT_CANARIES");
  const std::uint64_t count = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 120;
  const auto made = world->exchange->make_canaries("nadra", count, nullptr);
  ASSERT_TRUE(made) << row_of(made.error().reason).id << " " << made.error().detail;
  ASSERT_EQ(made->made, count);
  world->reopen();  // as after any restart: what was written last lies no warmer than the rest
  world->serve();
  // So many officers that none of them meets a hundred.
  std::vector<std::string> officers;
  for (const auto& one : world->open_cases("fir"))
    if (officers.size() < count / 80 + 1 &&
        std::find(officers.begin(), officers.end(), one.officer) == officers.end())
      officers.push_back(one.officer);
  std::vector<net::Client> clients;
  for (const std::string& officer : officers) {
    world->device(officer);
    auto client = world->client(officer);
    ASSERT_TRUE(client);
    clients.push_back(*std::move(client));
  }
  std::mt19937_64 dice(31);
  SCOPED_TRACE("seed 31");
  std::shuffle(citizens.begin(), citizens.end(), dice);
  std::vector<std::pair<std::string, int>> asked;
  for (std::size_t i = 0; i < count; ++i) asked.emplace_back(made->numbers[i], 1);
  for (std::size_t i = 0; i < 4 * count && i < citizens.size(); ++i)
    asked.emplace_back(citizens[i], 0);
  std::shuffle(asked.begin(), asked.end(), dice);
  std::vector<std::map<std::string, double>> rows;
  std::vector<int> labels;
  std::set<std::string> columns;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto from = std::chrono::steady_clock::now();
    auto response = clients[i % clients.size()].ask("POST", "/v1/lookups", about(asked[i].first));
    const double micro =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
    ASSERT_TRUE(response);
    if (response->status != 200) {
      // Protected persons and the officers' own families, to nobody: no canary is one.
      ASSERT_EQ(asked[i].second, 0) << response->body;
      continue;
    }
    net::JsonLimits limits;
    limits.bytes_max = 16 << 20;
    limits.values_max = 1 << 20;
    auto json = net::parse_json(response->body, limits);
    ASSERT_TRUE(json);
    std::map<std::string, double> row;
    const net::Json* answers = json->find("answers");
    ASSERT_NE(answers, nullptr);
    add_values(*answers, "", row);
    row["micro"] = std::log(micro);
    row["bytes"] = static_cast<double>(response->body.size());
    row["locality"] = std::stod(asked[i].first.substr(0, 5));
    row["serial"] = std::stod(asked[i].first.substr(5, 7));
    row["last"] = asked[i].first[12] - '0';
    for (const auto& [name, value] : row) columns.insert(name);
    rows.push_back(std::move(row));
    labels.push_back(asked[i].second);
  }
  Sample sample;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row x;
    for (const std::string& name : columns) {
      const auto at = rows[i].find(name);
      x.push_back(at == rows[i].end() ? 0 : at->second);
    }
    sample.x.push_back(std::move(x));
    sample.y.push_back(labels[i]);
  }
  // What one column alone tells, for whoever has to find out why.
  std::multimap<double, std::string> alone;
  std::size_t c = 0;
  for (const std::string& name : columns) {
    std::vector<double> score;
    for (const Row& x : sample.x) score.push_back(x[c]);
    alone.emplace(std::abs(area_under_curve(score, sample.y) - 0.5), name);
    ++c;
  }
  std::vector<double> micro;
  for (const auto& row : rows) micro.push_back(row.at("micro"));
  const double by_time = area_under_curve(micro, sample.y);
  standardise(sample.x);
  std::vector<double> by_logistic, by_trees, gains(columns.size());
  for (unsigned round = 0; round < 2; ++round) {
    Halves halves;
    for (std::size_t i = 0; i < sample.x.size(); ++i)
      (dice() % 2 == 0 ? halves.train : halves.test).push_back(i);
    for (int fold = 0; fold < 2; ++fold) {
      std::vector<int> y;
      for (const std::size_t i : halves.test) y.push_back(sample.y[i]);
      by_logistic.push_back(area_under_curve(logistic(sample, halves), y));
      by_trees.push_back(area_under_curve(boosted(sample, halves, dice, &gains), y));
      halves.train.swap(halves.test);
    }
  }
  const auto mean = [](const std::vector<double>& v) {
    double sum = 0;
    for (const double one : v) sum += one / static_cast<double>(v.size());
    return sum;
  };
  const auto n = static_cast<double>(count), m = static_cast<double>(rows.size()) - n;
  const double error = std::sqrt((1 / n + 1 / m) / 12);
  std::printf(
      "  %.0f canaries, %.0f citizens, %zu columns: AUC %.3f (logistic), %.3f (trees), "
      "%.3f (time alone), standard error %.3f\n",
      n, m, columns.size(), mean(by_logistic), mean(by_trees), by_time, error);
  std::multimap<double, std::string> split;
  c = 0;
  for (const std::string& name : columns) split.emplace(gains[c++], name);
  unsigned shown = 0;
  for (auto at = split.rbegin(); at != split.rend() && shown < 8; ++at, ++shown)
    std::printf("  trees split by: %s\n", at->second.c_str());
  shown = 0;
  for (auto at = alone.rbegin(); at != alone.rend() && shown < 5; ++at, ++shown)
    std::printf("  alone %.3f off one half: %s\n", at->first, at->second.c_str());
  EXPECT_NEAR(mean(by_logistic), 0.5, 0.02 + 2.5 * error);
  EXPECT_NEAR(mean(by_trees), 0.5, 0.02 + 2.5 * error);
  EXPECT_NEAR(by_time, 0.5, 0.02 + 2.5 * error);
}

TEST_F(CanariesOfAnExchange, AreInEveryRegisterInNoStatisticAndAreReplacedByOthers) {
  const std::uint64_t before = records();
  const auto made = world->exchange->make_canaries("nadra", 30, nullptr);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->made, 30u);
  EXPECT_GT(made->kin, 30u);
  EXPECT_GT(made->records, 30u * 5) << "numbers, calls and kin";
  EXPECT_EQ(records(), before) << "a statistic leaves them out";
  world->serve();
  const auto investigators = world->open_cases("fir");
  const std::string officer = investigators.at(0).officer;
  world->device(officer);
  const std::string canary = made->numbers[0];
  EXPECT_TRUE(world->exchange->is_invented({SubjectKind::national_id, canary}));
  EXPECT_FALSE(world->exchange->is_invented({SubjectKind::national_id, citizens[0]}));
  const auto answer = world->ask(officer, about(canary));
  ASSERT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(world->ask(officer, about(citizens[0])).status, 200u);
  const auto reported = [&] {
    const auto report = world->exchange->report(Moment{0}, Moment{number(now()) + 86'400'000},
                                                server::Exchange::Recording::no);
    EXPECT_TRUE(report);
    return report ? report->lookups : 0;
  };
  EXPECT_EQ(reported(), 1u) << "a report counts the citizen alone";
  EXPECT_NE(answer.body.find("\"present_address\""), std::string::npos);
  const auto batches = world->exchange->canary_batches();
  ASSERT_TRUE(batches);
  ASSERT_EQ(batches->size(), 1u);
  EXPECT_EQ((*batches)[0].citizens, 30u);
  EXPECT_EQ((*batches)[0].kin, made->kin);
  // Too young to be replaced; then, at no age, all of them.
  EXPECT_EQ(world->exchange->rotate_canaries("nadra", 90, nullptr)->made, 0u);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto rotated = world->exchange->rotate_canaries("nadra", 0, nullptr);
  ASSERT_TRUE(rotated) << rotated.error().detail;
  EXPECT_EQ(rotated->made, 30u);
  EXPECT_EQ(rotated->retired, 30u);
  EXPECT_EQ(records(), before);
  EXPECT_FALSE(world->exchange->is_invented({SubjectKind::national_id, canary}));
  EXPECT_EQ(world->exchange->invented()->size(),
            made->made + made->kin + rotated->made + rotated->kin)
      << "retired ones are in no statistic either";
  EXPECT_EQ(reported(), 1u);
  const auto gone = world->ask(officer, about(canary));
  EXPECT_EQ(gone.body.find("\"present_address\""), std::string::npos) << "out of every register";
  EXPECT_EQ(*world->exchange->retire_canaries("nadra"), 30u);
  EXPECT_EQ(world->exchange->canary_batches()->size(), 0u);
  EXPECT_EQ(records(), before);
  // The hit stays in the ledger.
  world->exchange->stop();
  bool told = false;
  ASSERT_TRUE(world->exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::alert) return true;
    const auto alert =
        detection::decode_alert(e.parts[static_cast<std::size_t>(BodyPart::denial) - 1]);
    told = told || (alert && alert->rule == detection::Rule::canary);
    return true;
  }));
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace amanat::test
