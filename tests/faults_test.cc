// What a caller was told stands in the ledger, however the exchange dies; and a full disk stops
// answers with a reason and lets them go on when there is space.

#include <gtest/gtest.h>

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "ledger/proof.h"
#include "process.h"
#include "world.h"

namespace amanat::test {
namespace {

const std::string kAmanat = std::string(AMANAT_BINARY_DIR) + "/amanat";

struct Told {
  std::uint64_t index;
  std::string receipt;
};

std::vector<Told> receipts_in(std::string_view body) {
  std::vector<Told> told;
  net::JsonLimits limits;
  limits.bytes_max = 1 << 20;
  auto json = net::parse_json(body, limits);
  const net::Json* answers = json ? json->find("answers") : nullptr;
  if (answers == nullptr || answers->array() == nullptr) return told;
  for (const net::Json& answer : *answers->array())
    told.push_back({*answer.find("entry")->integer(), *answer.find("receipt")->string()});
  return told;
}

// The head of a receipt: the lines of its checkpoint, size and root.
std::pair<std::uint64_t, std::string> head_of(const std::string& receipt) {
  const auto blank = receipt.find("\n\n");
  std::stringstream checkpoint(receipt.substr(blank + 2));
  std::string origin, size, root;
  std::getline(checkpoint, origin);
  std::getline(checkpoint, size);
  std::getline(checkpoint, root);
  return {std::stoull(size), root};
}

TEST(Faults, NoKillUnderLoadLosesAnAnswersEntryOrMakesTwoHeadsOfOneSize) {
  const char* asked = std::getenv("AMANAT_KILLS");
  const int kills = asked ? std::atoi(asked) : 25;
  const char* given = std::getenv("AMANAT_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  SCOPED_TRACE("AMANAT_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);

  World world;
  const auto open = world.open_cases("fir").at(0);
  world.device(open.officer);
  const std::string vkey = world.exchange->ledger().vkey();
  world.exchange.reset();
  const std::string body =
      World::question(R"("national_id":")" + open.citizen + '"', R"("identity.persons.name")",
                      "crime-investigation", open.ref);
  std::map<std::uint64_t, std::string> leaf_of;  // entry -> the entry's bytes, as told
  std::map<std::uint64_t, std::string> root_of;  // size -> root, of every head anybody saw
  std::uint64_t told_in_all = 0;
  for (int kill = 0; kill < kills; ++kill) {
    Process process({kAmanat, "serve", "--home", world.home.string(), "--listen", "127.0.0.1:0"});
    const std::string address = process.address();
    ASSERT_FALSE(address.empty()) << "it did not come back after kill " << kill << ": "
                                  << process.said();
    world.url = "https://" + address;
    std::mutex mutex;
    std::vector<Told> told;
    std::vector<std::thread> askers;
    for (int i = 0; i < 3; ++i)
      askers.emplace_back([&] {
        auto client = world.client(open.officer);
        if (!client) return;
        const std::vector<std::string> many(8, body);
        while (true) {
          auto replies = client->ask_all("POST", "/v1/lookups", many);
          if (!replies) return;
          const std::lock_guard lock(mutex);
          for (const auto& r : *replies)
            for (auto& t : receipts_in(r.body)) told.push_back(std::move(t));
        }
      });
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution(2'000, 120'000)(random)));
    process.kill(SIGKILL);
    for (auto& t : askers) t.join();
    for (const Told& t : told) {
      ++told_in_all;
      const auto extra = t.receipt.find("extra ");
      ASSERT_NE(extra, std::string::npos);
      const std::string leaf = t.receipt.substr(extra + 6, t.receipt.find('\n', extra) - extra - 6);
      const auto [known, fresh] = leaf_of.emplace(t.index, leaf);
      EXPECT_TRUE(fresh) << "entry " << t.index << " was told twice";
      const auto [size, root] = head_of(t.receipt);
      EXPECT_EQ(root_of.emplace(size, root).first->second, root) << "two heads of size " << size;
    }
  }
  EXPECT_GT(told_in_all, static_cast<std::uint64_t>(kills)) << "the load was there";

  auto exchange = server::Exchange::open(world.home.string());
  ASSERT_TRUE(exchange) << (*exchange ? "" : exchange.error().detail);
  auto verdict = ledger::verify_directory((world.home / "ledger").string(), vkey, nullptr);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "");
  std::uint64_t entries = 0;
  ASSERT_TRUE((*exchange)->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    EXPECT_EQ(number(e.index), entries++);
    return true;
  }));
  for (const auto& [index, leaf] : leaf_of) {
    ASSERT_LT(index, entries) << "an answer's entry is gone";
    auto proof = (*exchange)->ledger().prove(EntryIndex{index});
    ASSERT_TRUE(proof) << index;
    EXPECT_NE(proof->find("extra " + leaf + "\n"), std::string::npos)
        << "entry " << index << " is another";
  }
  std::printf("    %d kills, %llu answers told, %llu entries in the ledger\n", kills,
              static_cast<unsigned long long>(told_in_all),
              static_cast<unsigned long long>(entries));
}

TEST(Faults, AFullDiskStopsAnswersWithItsReasonAndTheyResumeWithSpace) {
  TemporaryDirectory small;
  if (::mount("amanat-test", small.path.c_str(), "tmpfs", 0, "size=64m") != 0)
    GTEST_SKIP() << "mounting a small file system needs the right to";
  {
    World world(1);
    const auto open = world.open_cases("fir").at(0);
    world.device(open.officer);
    world.exchange.reset();
    fs::copy(world.home, small.path / "home", fs::copy_options::recursive);
    auto exchange = server::Exchange::open((small.path / "home").string());
    ASSERT_TRUE(exchange) << exchange.error().detail;
    world.exchange = *std::move(exchange);
    world.serve();
    const std::string body =
        World::question(R"("national_id":")" + open.citizen + '"', R"("identity.persons.name")",
                        "crime-investigation", open.ref);
    auto client = world.client(open.officer);
    ASSERT_TRUE(client);
    const auto ask = [&] {
      auto reply = client->ask("POST", "/v1/lookups", body);
      return reply ? std::pair{reply->status, reply->body} : std::pair{0u, std::string("no reply")};
    };
    ASSERT_EQ(ask().first, 200u);
    const int filler =
        ::open((small.path / "filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const std::string block(64 * 1024, 'x');
    while (::write(filler, block.data(), block.size()) > 0) {
    }
    unsigned answered = 0;
    std::pair<unsigned, std::string> last;
    while (answered < 100'000 && (last = ask()).first == 200) ++answered;
    EXPECT_EQ(last.first, 503u) << last.second;
    EXPECT_NE(last.second.find("disk-full"), std::string::npos) << last.second;
    EXPECT_EQ(last.second.find("\"answers\":"), std::string::npos);
    const auto size = world.exchange->ledger().size();
    EXPECT_EQ(ask().first, 503u);
    EXPECT_EQ(world.exchange->ledger().size(), size);

    ::close(filler);
    fs::remove(small.path / "filler");
    bool resumed = false;
    for (int i = 0; i < 200 && !resumed; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      resumed = ask().first == 200;
    }
    EXPECT_TRUE(resumed) << ask().second;
    const std::string vkey = world.exchange->ledger().vkey();
    world.exchange->stop();
    world.exchange.reset();
    auto verdict = ledger::verify_directory((small.path / "home/ledger").string(), vkey, nullptr);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->problem, "");
  }
  ::umount2(small.path.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace amanat::test
