// Two gateways of one exchange, their records and ledger in PostgreSQL, the keys on a volume both
// have: one answers, the other stands by. The first ends in some way under load, the second goes
// on; whatever a client was told stands in the ledger. AMANAT_GATEWAYS sets how often (default 1),
// AMANAT_SEED replays.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "ledger/checkpoint.h"
#include "ledger/proof.h"
#include "process.h"
#include "server/backup.h"
#include "server/engine.h"
#include "storage/postgres_disk.h"
#include "world.h"

namespace amanat::test {
namespace {

using storage::PostgresServer;
const std::string kAmanat = std::string(AMANAT_BINARY_DIR) + "/amanat";

/// Shared is a world whose second gateway has a home of its own, but for the keys.
struct Shared {
  World world;
  fs::path second = world.directory.path / "second";
  OpenCase open;
  std::string vkey, body, database;

  Shared() {
    open = world.open_cases("fir").at(0);
    world.device(open.officer);
    vkey = world.exchange->ledger().vkey();
    database = world.exchange->config().store;
    world.exchange->stop();
    world.exchange.reset();
    fs::create_directory(second);
    for (const auto& entry : fs::directory_iterator(world.home))
      if (entry.path().filename() != "keys")
        fs::copy(entry.path(), second / entry.path().filename(), fs::copy_options::recursive);
    fs::create_directory_symlink(world.home / "keys", second / "keys");
    body = World::question(R"("national_id":")" + open.citizen + '"', R"("identity.persons.name")",
                           "crime-investigation", open.ref);
  }
  fs::path home_of(int gateway) const { return gateway % 2 == 0 ? world.home : second; }
  std::vector<std::string> serve(int gateway) const {
    return {kAmanat,    "serve",       "--home",   home_of(gateway).string(),
            "--listen", "127.0.0.1:0", "--standby"};
  }
  /// name_of is the database's name in its URL, postgresql://amanat@/NAME?host=...
  std::string name_of() const {
    const auto at = database.find("@/") + 2;
    return database.substr(at, database.find('?') - at);
  }
};

/// Told is what clients were told, and whether any of it contradicts the rest.
class Told {
 public:
  void take(const std::string& reply) {
    net::JsonLimits limits;
    limits.bytes_max = 1 << 20;
    auto json = net::parse_json(reply, limits);
    const net::Json* answers = json ? json->find("answers") : nullptr;
    if (answers == nullptr || answers->array() == nullptr) return;
    const std::lock_guard lock(mutex_);
    for (const net::Json& answer : *answers->array()) {
      const std::uint64_t index = *answer.find("entry")->integer();
      const std::string receipt = *answer.find("receipt")->string();
      const auto extra = receipt.find("extra ");
      ASSERT_NE(extra, std::string::npos);
      const auto leaf = receipt.substr(extra + 6, receipt.find('\n', extra) - extra - 6);
      EXPECT_TRUE(leaves_.emplace(index, leaf).second) << "entry " << index << " was told twice";
      head(receipt.substr(receipt.find("\n\n") + 2));
    }
  }
  std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return leaves_.size();
  }
  void check(server::Exchange& exchange) const {
    std::uint64_t entries = 0;
    ASSERT_TRUE(exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
      EXPECT_EQ(number(e.index), entries++);
      return true;
    }));
    for (const auto& [index, leaf] : leaves_) {
      ASSERT_LT(index, entries) << "an answer's entry is gone";
      auto proof = exchange.ledger().prove(EntryIndex{index});
      ASSERT_TRUE(proof) << index;
      EXPECT_NE(proof->find("extra " + leaf + "\n"), std::string::npos) << index;
    }
    for (const auto& [size, root] : roots_) {
      if (size > entries) {
        ADD_FAILURE() << "a head of " << size << " got out, the log has " << entries;
        continue;
      }
      auto now = exchange.ledger().root_at(size);
      ASSERT_TRUE(now) << now.error().detail;
      EXPECT_EQ(crypto::base64(*now), root) << "the head of size " << size;
    }
  }

 private:
  void head(const std::string& checkpoint) {
    std::stringstream lines(checkpoint);
    std::string origin, size, root;
    std::getline(lines, origin);
    std::getline(lines, size);
    std::getline(lines, root);
    EXPECT_EQ(roots_.emplace(std::stoull(size), root).first->second, root)
        << "two heads of size " << size;
  }
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::string> leaves_, roots_;
};

TEST(Gateways, ASecondOneTakesOverUnderLoadAndNothingToldIsLostOrForked) {
  const char* asked = std::getenv("AMANAT_GATEWAYS");
  const int takeovers = asked != nullptr ? std::atoi(asked) : 1;
  const char* given = std::getenv("AMANAT_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  SCOPED_TRACE("AMANAT_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  World::gateways = true;
  Shared shared;
  World::gateways = false;
  Told told;
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::string address;
  auto answering = std::make_unique<Process>(shared.serve(0));
  address = answering->address();
  ASSERT_FALSE(address.empty()) << answering->said();
  // Clients know both gateways; here they are told which one answers.
  std::vector<std::thread> askers;
  for (int i = 0; i < 3; ++i)
    askers.emplace_back([&] {
      while (!stop) {
        net::ClientOptions options;
        {
          const std::lock_guard lock(mutex);
          options.url = "https://" + address;
        }
        options.ca_file = (shared.world.home / "ca.crt").string();
        options.certificate_file =
            (shared.world.directory.path / (shared.open.officer + ".crt")).string();
        options.key_file = (shared.world.directory.path / (shared.open.officer + ".key")).string();
        auto client = net::Client::connect(options);
        const std::vector<std::string> many(4, shared.body);
        while (client && !stop) {
          auto replies = client->ask_all("POST", "/v1/lookups", many);
          if (!replies) break;
          for (const auto& r : *replies) told.take(r.body);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  double longest[3] = {};  // of each way
  for (int turn = 1; turn <= takeovers; ++turn) {
    auto standing_by =
        std::make_unique<Process>(shared.serve(turn == 1 ? 1 : static_cast<int>(random() % 2)));
    const std::uint64_t enough = told.count() + 1 + random() % 40;
    while (told.count() < enough) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // The first takeover is always the hardest kill; later ones are any.
    const unsigned way = turn == 1 ? 0 : random() % 3;
    const auto began = std::chrono::steady_clock::now();
    if (way == 0) {
      answering->kill(SIGKILL);
    } else if (way == 1) {
      answering->kill(SIGTERM);
    } else {
      // Its sessions end under it; it ends itself, and nobody may be told anything by it any more.
      PostgresServer::shared().sql(
          "postgres",
          "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d "
          "ON d.oid = l.database WHERE l.locktype = 'advisory' AND d.datname = '" +
              shared.name_of() + "'");
    }
    const std::string next = standing_by->address(120);
    ASSERT_FALSE(next.empty()) << "turn " << turn << ", way " << way << ": " << standing_by->said();
    {
      const std::lock_guard lock(mutex);
      address = next;
    }
    const std::uint64_t again = told.count() + 12;
    while (told.count() < again) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    longest[way] =
        std::max(longest[way],
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    answering->kill(SIGKILL);
    answering = std::move(standing_by);
  }
  stop = true;
  for (auto& t : askers) t.join();
  answering->kill(SIGTERM);

  auto exchange = server::Exchange::open(shared.second.string());
  ASSERT_TRUE(exchange) << exchange.error().detail;
  ASSERT_NO_FATAL_FAILURE(told.check(**exchange));
  auto verdict = server::verify_ledger((*exchange)->home(), shared.vkey, nullptr);
  ASSERT_TRUE(verdict) << verdict.error().detail;
  EXPECT_EQ(verdict->problem, "");
  std::printf(
      "    %d takeovers, %llu answers told; from the end of one to answers of the next at most "
      "%.1f s "
      "(killed), %.1f s (told to stop), %.1f s (sessions ended); AMANAT_SEED=%u\n",
      takeovers, static_cast<unsigned long long>(told.count()), longest[0], longest[1], longest[2],
      seed);
}

// The same exchange once more: what works with files works with PostgreSQL.
TEST(Gateways, ALedgerInPostgresqlIsVerifiedBackedUpAndRestoredEitherWay) {
  World::gateways = true;
  Shared shared;
  World::gateways = false;
  EXPECT_FALSE(fs::exists(shared.world.home / "ledger")) << "nothing of the ledger is in the home";
  auto opened = server::Exchange::open(shared.world.home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  const auto busy = server::Exchange::open(shared.second.string());
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().reason, Reason::exchange_busy);
  shared.world.exchange = *std::move(opened);
  shared.world.serve();
  EXPECT_EQ(shared.world.ask(shared.open.officer, shared.body).status, 200u);
  const std::uint64_t size = shared.world.exchange->ledger().size();
  const fs::path copy = shared.world.directory.path / "copy",
                 keys = shared.world.directory.path / "apart";
  // While it serves, as an operator does.
  const std::string verify =
      kAmanat + " ledger verify --home " + shared.second.string() + " > /dev/null";
  EXPECT_EQ(std::system(verify.c_str()), 0);
  auto kept = shared.world.exchange->backup(copy.string(), keys.string());
  ASSERT_TRUE(kept) << kept.error().detail;
  shared.world.exchange->stop();
  shared.world.exchange.reset();
  EXPECT_EQ(std::system(("cd " + copy.string() + " && sha256sum -c --quiet SHA256SUMS").c_str()),
            0);
  int place = 0;
  for (const std::string& ledger : {std::string("local"), World::store_of_its_own()}) {
    const server::Home home((shared.world.directory.path / std::to_string(++place)).string());
    auto restored = server::restore(copy.string(), keys.string(), home, "local", ledger);
    ASSERT_TRUE(restored) << restored.error().detail;
    auto again = server::Exchange::open(home.root);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_GE((*again)->ledger().size(), size);
    EXPECT_EQ((*again)->config().ledger_store, ledger);
    again->reset();
    EXPECT_EQ(
        std::system((kAmanat + " ledger verify --home " + home.root + " > /dev/null").c_str()), 0);
  }
  const server::Home taken((shared.world.directory.path / "taken").string());
  auto refused = server::restore(copy.string(), keys.string(), taken, "local", shared.database);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::exchange_exists) << "a ledger is never overwritten";
}

}  // namespace
}  // namespace amanat::test
