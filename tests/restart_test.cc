// A start that goes on from a snapshot knows what one that reads the whole ledger knows: whenever
// the exchange was killed, whatever became of the snapshot, whoever was erased (docs/restart.md).
// AMANAT_RESTART_KILLS sets how many kills (default 3).

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "process.h"
#include "server/snapshot.h"
#include "vault/vault.h"
#include "world.h"

namespace amanat::test {
namespace {

// The shipped rules, but for those of pace and hour, which no test can wait for.
constexpr const char* kUnpaced =
    "slow_on = 0\nburst_on = 0\nrobot_on = 0\nrun_on = 0\ntwo_places_on = 0\noff_duty_on = 0\n";

// What a start knows of the officers, as text.
std::string known_by(const server::Exchange& one) {
  auto& exchange = const_cast<server::Exchange&>(one);
  std::string out;
  for (const auto& h : exchange.detection().holds())
    out += "hold " + std::to_string(h.id) + ' ' + std::string(detection::row_of(h.rule).id) + ' ' +
           std::to_string(h.at) + '\n';
  for (const auto& told : exchange.detection().alerts(1000))
    out += "alert " + std::to_string(told.entry) + ' ' +
           std::string(detection::row_of(told.alert.rule).id) + '\n';
  for (const Asker& a : exchange.identity().accounts()) {
    const auto month = exchange.detection().month(a.account, a.unit);
    if (month.days.empty()) continue;
    out += "account " + std::to_string(number(a.account));
    for (const auto& day : month.days)
      out += ' ' + std::to_string(day.citizens) + '/' + std::to_string(day.unexplained);
    out += '\n';
  }
  return out;
}

class Restart : public ::testing::Test {
 protected:
  Restart() : world_(1, kUnpaced) {
    open_ = world_.open_cases("fir").at(0);
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size(); ++i)
      if (!persons[i].empty()) citizens_.push_back(digits_of(persons[i][0]));
    world_.device(open_.officer);
    world_.exchange.reset();
    const std::string config =
        read_all(world_.home / "exchange.toml") + "snapshot_entries = 10\n";
    write_all(world_.home / "exchange.toml", config);
  }

  World::Reply ask(const std::string& citizen) {
    return world_.ask(open_.officer, World::question(R"("national_id":")" + citizen + '"',
                                                     R"("telecom.subscribers.operator")",
                                                     "crime-investigation", open_.ref));
  }
  void open(const fs::path& home) {
    world_.exchange.reset();
    auto opened = server::Exchange::open(home.string());
    ASSERT_TRUE(opened) << row_of(opened.error().reason).id << ' ' << opened.error().detail;
    world_.exchange = *std::move(opened);
  }
  // what a start of a copy of the home knows, with its snapshot or without.
  std::string known(bool with_snapshot, std::uint64_t* read = nullptr) {
    const fs::path copy = world_.directory.path / "copy";
    fs::remove_all(copy);
    fs::remove(world_.home / "control.sock");  // of a process that was killed
    fs::copy(world_.home, copy, fs::copy_options::recursive);
    if (!with_snapshot) fs::remove_all(copy / "snapshots");
    auto opened = server::Exchange::open(copy.string());
    EXPECT_TRUE(opened) << row_of(opened.error().reason).id << ' ' << opened.error().detail;
    if (!opened) return {};
    if (read != nullptr) *read = (*opened)->read_at_start();
    return known_by(**opened);
  }
  std::vector<fs::path> snapshots() const {
    std::vector<fs::path> found;
    if (!fs::exists(world_.home / "snapshots")) return found;
    for (const auto& entry : fs::directory_iterator(world_.home / "snapshots"))
      found.push_back(entry.path());
    return found;
  }
  // ask_some asks about citizens, serving in this process, and stops.
  void ask_some(std::size_t from, std::size_t count) {
    open(world_.home);
    world_.serve();
    for (std::size_t i = from; i < from + count; ++i) (void)ask(citizens_[i % citizens_.size()]);
    world_.exchange->stop();
    world_.exchange.reset();
  }

  World world_;
  OpenCase open_;
  std::vector<std::string> citizens_;
};

TEST_F(Restart, AStartReadsOnlyWhatFollowsTheSnapshotAndKnowsAllTheSame) {
  ask_some(0, 30);
  ASSERT_EQ(snapshots().size(), 1u);
  std::uint64_t read = 0, whole = 0;
  const std::string with = known(true, &read), without = known(false, &whole);
  EXPECT_EQ(with, without);
  EXPECT_NE(with.find("hold"), std::string::npos) << with;
  EXPECT_LT(read, 10u);
  EXPECT_GT(whole, 30u);
  ask_some(30, 30);
  EXPECT_EQ(snapshots().size(), 1u) << "an older one was left";
  EXPECT_EQ(known(true), known(false));
}

TEST_F(Restart, ADamagedOrLostSnapshotIsNoticedAndTheLedgerReadInstead) {
  ask_some(0, 15);
  ASSERT_EQ(snapshots().size(), 1u);
  const fs::path file = snapshots()[0];
  const std::string good = read_all(file), expected = known(false);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> bad = {"", good.substr(0, good.size() / 2),
                                  good.substr(0, good.size() - 1), good + "x"};
  for (int i = 0; i < 6; ++i) {
    bad.push_back(good);
    bad.back()[random() % good.size()] ^= static_cast<char>(1 << random() % 8);
  }
  for (const std::string& content : bad) {
    write_all(file, content);
    std::uint64_t read = 0;
    EXPECT_EQ(known(true, &read), expected);
    if (content != good + "x") {
      EXPECT_GT(read, 15u) << "a damaged snapshot was believed";
    }
  }
  write_all(file, good);
  std::uint64_t read = 0;
  EXPECT_EQ(known(true, &read), expected);
  EXPECT_LT(read, 10u);
}

TEST_F(Restart, AnErasedCitizenIsInNoSnapshotAndNoCopyOfAnOlderOneOpens) {
  ask_some(0, 12);
  ASSERT_EQ(snapshots().size(), 1u);
  const fs::path old = snapshots()[0];
  const std::string bytes = read_all(old);
  const std::string before = known(true);
  open(world_.home);
  auto erased = world_.exchange->erase({SubjectKind::national_id, citizens_[0]});
  ASSERT_TRUE(erased) << row_of(erased.error().reason).id << ' ' << erased.error().detail;
  EXPECT_GT(erased->openings, 0u);
  world_.exchange.reset();
  ASSERT_EQ(snapshots().size(), 1u);
  EXPECT_NE(snapshots()[0], old);
  EXPECT_EQ(known(true), before) << "what was spent on him was refilled";

  const auto length = static_cast<unsigned char>(bytes[3]);
  const auto head = server::decode_head(bytes.substr(4, length));
  ASSERT_TRUE(head);
  auto vault = vault::Vault::open(storage::system_disk(), (world_.home / "keys").string());
  ASSERT_TRUE(vault);
  const auto key = (*vault)->key_of(vault::Slot{head->slot});
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, Reason::erased);
}

TEST_F(Restart, KilledAtAnyMomentAroundSnapshotsItKnowsWhatTheLedgerSays) {
  const char* wanted = std::getenv("AMANAT_RESTART_KILLS");
  const int kills = wanted != nullptr ? std::atoi(wanted) : 3;
  const char* given = std::getenv("AMANAT_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  SCOPED_TRACE("AMANAT_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  bool held = false;
  int from_snapshot = 0;
  for (int kill = 0; kill < kills; ++kill) {
    Process process({std::string(AMANAT_BINARY_DIR) + "/amanat", "serve", "--home",
                     world_.home.string(), "--listen", "127.0.0.1:0"});
    const std::string address = process.address();
    ASSERT_FALSE(address.empty()) << process.said();
    world_.url = "https://" + address;
    // Some rounds see a snapshot being made in the background, some are over before.
    const int questions = 3 + static_cast<int>(random() % 12);
    for (int i = 0; i < questions; ++i) {
      const auto reply = ask(citizens_[random() % citizens_.size()]);
      EXPECT_FALSE(held && reply.status == 200) << "a hold was forgotten";
      held = held || reply.reason() == "account-on-hold";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1500));
    process.kill(SIGKILL);
    std::uint64_t read = 0, whole = 0;
    const std::string with = known(true, &read), without = known(false, &whole);
    EXPECT_EQ(with, without) << "after kill " << kill;
    if (read < whole) ++from_snapshot;
  }
  if (kills >= 20) {
    EXPECT_GT(from_snapshot, 0);
  }
}

}  // namespace
}  // namespace amanat::test
