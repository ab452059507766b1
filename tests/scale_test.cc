// An exchange on PostgreSQL, moved between engines, backed up and restored: the same answers, the
// same ledger, nothing lost however often it is killed.
//
// AMANAT_MIGRATE_CITIZENS says how many citizens are moved there and back (20,000 without it).

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "cli/country.h"
#include "crypto/certificate.h"
#include "server/backup.h"
#include "server/engine.h"
#include "server/move.h"
#include "storage/dump.h"
#include "storage/postgres_server.h"
#include "world.h"

namespace amanat::test {
namespace {

using storage::PostgresServer;

constexpr const char* kFields = R"("identity.persons.name","identity.persons.present_address")";

std::string fresh_database() {
  static int made = 0;
  return PostgresServer::shared().database("scale" + std::to_string(++made));
}

/// records_of is what a reply shows, without what is different each time (receipt, entry).
std::string records_of(const World::Reply& reply) {
  const std::size_t begin = reply.body.find("\"records\""), end = reply.body.find("\"withheld\"");
  if (reply.status != 200 || begin == std::string::npos || end == std::string::npos)
    return "no answer: " + reply.body;
  return reply.body.substr(begin, end - begin);
}

std::map<std::string, std::string> ledger_of(const fs::path& home) {
  std::map<std::string, std::string> out;
  for (const auto& [path, bytes] : storage::bytes_of_files((home / "ledger").string()))
    out[fs::path(path).lexically_relative(home).string()] = bytes;
  return out;
}

/// Asked is a world with one officer, asked about every citizen of some cases.
struct Asked {
  World world;
  std::vector<OpenCase> cases;

  Asked() {
    cases = world.open_cases("fir");
    cases.resize(std::min<std::size_t>(cases.size(), 4));
    for (const OpenCase& one : cases)
      if (!world.thumbprints.contains(one.officer)) world.device(one.officer);
  }
  std::vector<std::string> answers() {
    world.serve();
    std::vector<std::string> out;
    for (const OpenCase& one : cases)
      out.push_back(records_of(
          world.ask(one.officer, World::question(R"("national_id":")" + one.citizen + '"', kFields,
                                                 "crime-investigation", one.ref))));
    return out;
  }
  void close() {
    world.exchange->stop();
    world.exchange.reset();
  }
  void open() {
    auto opened = server::Exchange::open(world.home.string());
    ASSERT_TRUE(opened) << opened.error().detail;
    world.exchange = *std::move(opened);
  }
};

server::Moved must_move(const fs::path& home, const std::string& to) {
  auto moved =
      server::move_store(server::Home(home.string()), to, [](int, std::uint64_t) { return true; });
  EXPECT_TRUE(moved) << moved.error().detail;
  return moved ? *moved : server::Moved{};
}

TEST(Migrate, AnExchangeAnswersTheSameOnBothEnginesAndItsLedgerIsUntouched) {
  Asked asked;
  const auto before = asked.answers();
  for (const auto& one : before) EXPECT_NE(one.find("\"name\""), std::string::npos) << one;
  asked.close();
  const auto ledger = ledger_of(asked.world.home);
  const std::string there = fresh_database();
  const auto moved = must_move(asked.world.home, there);
  EXPECT_GT(moved.rows, 10'000u);
  EXPECT_EQ(ledger_of(asked.world.home), ledger);
  EXPECT_NE(read_all(asked.world.home / "exchange.toml").find(there), std::string::npos);
  asked.open();
  EXPECT_EQ(asked.answers(), before);
  asked.close();
  // Back again: the rows that were left behind are not what it is opened with.
  const auto later = ledger_of(asked.world.home);
  const auto back = must_move(asked.world.home, std::string(server::kLocalStore));
  EXPECT_GE(back.rows, moved.rows);
  EXPECT_EQ(ledger_of(asked.world.home), later);
  asked.open();
  EXPECT_EQ(asked.answers(), before);
}

TEST(Migrate, WhatWasLeftOrIsHalfThereIsNotOpened) {
  Asked asked;
  asked.close();
  const server::Home home(asked.world.home.string());
  const std::string there = fresh_database();
  auto cut = server::move_store(home, there, [](int, std::uint64_t rows) { return rows < 1'000; });
  ASSERT_FALSE(cut);
  auto half = server::open_store({there, home.records(), 8});
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().detail.find("being moved here"), std::string::npos);
  const auto moved = must_move(asked.world.home, there);
  EXPECT_GT(moved.resumed_after, 0u);
  auto left = server::open_store({"local", home.records(), 8});
  ASSERT_FALSE(left);
  EXPECT_NE(left.error().detail.find("moved elsewhere"), std::string::npos);
  auto again = server::move_store(home, there, [](int, std::uint64_t) { return true; });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::exchange_exists);
}

TEST(Migrate, AnExchangeThatWasUsedInBetweenIsMovedAfresh) {
  Asked asked;
  asked.close();
  const server::Home home(asked.world.home.string());
  const std::string there = fresh_database();
  ASSERT_FALSE(
      server::move_store(home, there, [](int, std::uint64_t rows) { return rows < 9'000; }));
  {
    auto store = server::open_engine({"local", home.records(), 8});
    ASSERT_TRUE(store);
    std::string gone;
    ASSERT_TRUE((*store)->scan(storage::Table::subjects, {}, {}, [&](std::string_view key, auto) {
      gone = key;
      return false;
    }));
    storage::Batch batch;
    batch.erase(storage::Table::subjects, gone);
    ASSERT_TRUE((*store)->write(batch, storage::Durability::synced));
  }
  const auto moved = must_move(asked.world.home, there);
  EXPECT_EQ(moved.resumed_after, 0u);
  asked.open();
}

TEST(Migrate, ATargetThatHoldsOtherRowsIsRefused) {
  Asked asked;
  asked.close();
  const std::string there = fresh_database();
  {
    auto store = server::open_engine({there, "", 8});
    ASSERT_TRUE(store);
    storage::Batch batch;
    batch.put(storage::Table::settings, "another", "exchange's");
    ASSERT_TRUE((*store)->write(batch, storage::Durability::synced));
  }
  auto moved = server::move_store(server::Home(asked.world.home.string()), there,
                                  [](int, std::uint64_t) { return true; });
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().reason, Reason::exchange_exists);
}

/// killed runs `amanat migrate` and kills it after a while; true if it had finished by then.
bool killed(const fs::path& home, const std::string& to, std::chrono::milliseconds after) {
  const std::string program = std::string(AMANAT_BINARY_DIR) + "/amanat";
  const fs::path said = home.parent_path() / "migrate.err";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::freopen("/dev/null", "w", stdout);
    ::freopen(said.c_str(), "w", stderr);
    ::execl(program.c_str(), "amanat", "migrate", "--home", home.c_str(), "--to", to.c_str(),
            nullptr);
    ::_exit(127);
  }
  int status = 0;
  const auto deadline = std::chrono::steady_clock::now() + after;
  while (std::chrono::steady_clock::now() < deadline) {
    if (::waitpid(pid, &status, WNOHANG) == pid) {
      std::ostringstream words;
      words << std::ifstream(said).rdbuf();
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << ": " << words.str();
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return false;
}

TEST(Migrate, ACountryGoesThereAndBackHoweverOftenItIsKilled) {
  const char* wanted = std::getenv("AMANAT_MIGRATE_CITIZENS");
  const std::uint64_t citizens = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'000;
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  World world;
  const fs::path files = world.directory.path / "country";
  fs::create_directories(files);
  cli::CountryOptions options;
  options.directory = files.string();
  options.citizens = citizens;
  options.today = cli::today_utc();
  auto country = cli::write_country(options, nullptr);
  ASSERT_TRUE(country) << country.error().detail;
  auto report =
      world.exchange->import("identity.persons", (files / "nadra_identity.csv").string(), {});
  ASSERT_TRUE(report) << report.error().detail;
  ASSERT_GE(report->accepted + report->repeated, citizens / 2);
  world.exchange->stop();
  world.exchange.reset();
  const auto digest = [&](const std::string& store) {
    auto opened = server::open_engine({store, (world.home / "records").string(), 8});
    EXPECT_TRUE(opened) << opened.error().detail;
    auto all = server::digest_rows(**opened, [](std::uint64_t) { return true; });
    EXPECT_TRUE(all);
    return *all;
  };
  const auto before = digest("local");
  const auto ledger = ledger_of(world.home);
  const std::string there = fresh_database();
  // The longest time a kill may come after grows, so that it ends; the step is the country's size.
  const auto go = [&](const std::string& to) {
    int kills = 0;
    for (std::uint64_t most = 200 + citizens / 100;; most += most / 2, ++kills)
      if (killed(world.home, to, std::chrono::milliseconds(random() % most))) return kills;
  };
  EXPECT_GE(go(there) + go("local"), 1);
  const auto after = digest("local");
  EXPECT_EQ(after.rows, before.rows);
  EXPECT_EQ(after.digest, before.digest);
  EXPECT_EQ(ledger_of(world.home), ledger);
  auto opened = server::Exchange::open(world.home.string());
  EXPECT_TRUE(opened) << opened.error().detail;
}

TEST(Backup, ItIsTakenWhileTheExchangeAnswersAndRestoredOnEitherEngineAnswersTheSame) {
  Asked asked;
  const auto before = asked.answers();
  const fs::path copy = asked.world.directory.path / "copy",
                 keys = asked.world.directory.path / "apart";
  std::atomic<bool> stop = false;
  std::thread asking([&] {
    while (!stop)
      for (const OpenCase& one : asked.cases)
        (void)asked.world.ask(one.officer,
                              World::question(R"("national_id":")" + one.citizen + '"', kFields,
                                              "crime-investigation", one.ref));
  });
  auto kept = asked.world.exchange->backup(copy.string(), keys.string());
  stop = true;
  asking.join();
  ASSERT_TRUE(kept) << kept.error().detail;
  EXPECT_GT(kept->rows, 10'000u);
  EXPECT_FALSE(fs::exists(copy / "keys"));
  EXPECT_FALSE(fs::exists(copy / "master.key"));
  EXPECT_TRUE(fs::exists(keys / "master.key"));
  EXPECT_EQ(std::system(("cd " + copy.string() + " && sha256sum -c --quiet SHA256SUMS").c_str()),
            0);
  asked.close();
  int place = 0;
  for (const std::string& store : {std::string("local"), fresh_database()}) {
    const fs::path home = asked.world.directory.path / ("restored" + std::to_string(++place));
    auto restored =
        server::restore(copy.string(), keys.string(), server::Home(home.string()), store);
    ASSERT_TRUE(restored) << restored.error().detail;
    EXPECT_EQ(restored->rows, kept->rows);
    asked.world.home = home;
    asked.open();
    EXPECT_EQ(asked.answers(), before);
    asked.close();
    const std::string verify =
        std::string(AMANAT_BINARY_DIR) + "/amanat ledger verify --home " + home.string();
    EXPECT_EQ(std::system((verify + " > /dev/null").c_str()), 0);
  }
}

TEST(Backup, ADamagedOneIsNotRestoredAndNamesTheFile) {
  Asked asked;
  const fs::path copy = asked.world.directory.path / "copy",
                 keys = asked.world.directory.path / "apart";
  ASSERT_TRUE(asked.world.exchange->backup(copy.string(), keys.string()));
  EXPECT_FALSE(asked.world.exchange->backup(copy.string(), "")) << "a backup is never written over";
  EXPECT_FALSE(asked.world.exchange->backup((asked.world.home / "b").string(), ""));
  EXPECT_FALSE(asked.world.exchange->backup((asked.world.directory.path / "c").string(),
                                            (asked.world.directory.path / "c/keys").string()));
  std::string rows = read_all(copy / "records.rows");
  rows[rows.size() / 2] = static_cast<char>(rows[rows.size() / 2] ^ 1);
  write_all(copy / "records.rows", rows);
  const server::Home home((asked.world.directory.path / "restored").string());
  auto restored = server::restore(copy.string(), keys.string(), home, "local");
  ASSERT_FALSE(restored);
  EXPECT_NE(restored.error().detail.find("records.rows"), std::string::npos);
  EXPECT_FALSE(fs::exists(home.config()));
  EXPECT_FALSE(
      server::restore(copy.string(), (asked.world.directory.path / "no").string(), home, "local"));
  EXPECT_EQ(server::restore(copy.string(), keys.string(), server::Home(asked.world.home.string()),
                            "local")
                .error()
                .reason,
            Reason::exchange_exists);
}

TEST(Dump, ARowThatBreaksARuleIsRefusedAndPiecesOfAnySizeAreTheSame) {
  auto store = storage::open_memory();
  storage::Batch batch;
  for (int i = 0; i < 100; ++i)
    batch.put(storage::Table::records, "key " + std::to_string(i),
              std::string(static_cast<std::size_t>(i) * 7, 'v'));
  ASSERT_TRUE(store->write(batch, storage::Durability::synced));
  storage::Scratch scratch;
  ASSERT_TRUE(storage::write_dump(*store, storage::system_disk(), scratch / "rows"));
  const std::string dump = read_all(scratch / "rows");
  const auto parse = [](std::string_view text, std::size_t step) -> Result<std::uint64_t> {
    storage::DumpParser parser;
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
      if (auto fed =
              parser.feed(text.substr(0, step), [](auto, auto, auto) { return Result<void>(); });
          !fed)
        return std::unexpected(fed.error());
    return parser.finish();
  };
  for (const std::size_t step : {1u, 3u, 100u, 100'000u})
    EXPECT_EQ(parse(dump, step).value_or(0), 100u);
  for (std::size_t cut = 0; cut < dump.size(); cut += 97)
    EXPECT_FALSE(parse(std::string_view(dump).substr(0, cut), 1000));
  EXPECT_FALSE(parse(dump + "x", 1000));
  std::string bad = dump;
  bad[15] = 11;  // a table there is not
  EXPECT_FALSE(parse(bad, 1000));
}

// A server on the network: TLS, and both sides with certificates of one authority.
class NetworkServer {
 public:
  NetworkServer() {
    fs::permissions(files_.path(),
                    fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    ::close(probe);
    const auto ours = crypto::make_authority("store CA", 1),
               strangers = crypto::make_authority("CA", 1);
    const auto server = crypto::issue_server(*ours, {"127.0.0.1"}, 30);
    write("ca.crt", ours->certificate_pem);
    write("server.crt", server->certificate_pem);
    write("server.key", server->key_pem.view());
    device("amanat", *ours, "amanat");
    device("another", *ours, "another");
    device("stranger", *strangers, "amanat");
    server_ = std::make_unique<PostgresServer>(
        "listen_addresses = '127.0.0.1'\nssl = on\nssl_min_protocol_version = 'TLSv1.3'\n"
        "ssl_ca_file = '" +
            (files_ / "ca.crt") + "'\nssl_cert_file = '" + (files_ / "server.crt") +
            "'\nssl_key_file = '" + (files_ / "server.key") + "'\n",
        "local all all trust\nhostssl all all 127.0.0.1/32 cert\n", port_);
    server_->database("store");
  }
  std::string url(const std::string& host, const std::string& device) const {
    return "postgresql://amanat@" + host + ":" + std::to_string(port_) +
           "/store?sslrootcert=" + (files_ / "ca.crt") +
           "&sslcert=" + (files_ / (device + ".crt")) + "&sslkey=" + (files_ / (device + ".key"));
  }
  const PostgresServer& server() const { return *server_; }

 private:
  void write(const std::string& name, std::string_view text) {
    write_all(files_ / name, text);
    fs::permissions(files_ / name,
                    name.ends_with(".key") ? fs::perms::owner_read : fs::perms(0444));
    if (::geteuid() == 0 && name == "server.key")
      PostgresServer::run({"chown", "postgres:", files_ / name});
  }
  void device(const std::string& name, const crypto::Authority& by, const std::string& role) {
    auto key = crypto::make_device_key(role);
    auto made = crypto::certify(by, key->csr_pem, role, 30);
    ASSERT_TRUE(made) << made.error().detail;
    write(name + ".crt", made->certificate_pem);
    write(name + ".key", key->key_pem.view());
  }
  storage::Scratch files_;
  unsigned port_ = 0;
  std::unique_ptr<PostgresServer> server_;
};

TEST(Network, TheStoreIsReachedWithTlsAndCertificatesOfBothSidesOrNotAtAll) {
  NetworkServer network;
  {
    auto store = storage::open_postgres(network.url("127.0.0.1", "amanat"), {});
    ASSERT_TRUE(store) << store.error().detail;
    storage::Batch batch;
    batch.put(storage::Table::settings, "a", "1");
    EXPECT_TRUE((*store)->write(batch, storage::Durability::synced));
    EXPECT_EQ(network.server().sql("store",
                                   "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a"
                                   " USING (pid) WHERE a.usename = 'amanat' AND"
                                   " (NOT s.ssl OR s.version <> 'TLSv1.3' OR s.client_dn IS NULL)"),
              "0");
    EXPECT_NE(network.server().sql(
                  "store", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'amanat'"),
              "0");
  }
  // Another's certificate, a stranger's, a server of another name: no connection, and no word of
  // why that is more than libpq's.
  EXPECT_FALSE(storage::open_postgres(network.url("127.0.0.1", "another"), {.patience_ms = 100}));
  EXPECT_FALSE(storage::open_postgres(network.url("127.0.0.1", "stranger"), {.patience_ms = 100}));
  EXPECT_FALSE(storage::open_postgres(network.url("localhost", "amanat"), {.patience_ms = 100}));
}

std::string asked_over_http(const std::string& address, const std::string& path) {
  const std::string command = "curl -s --max-time 5 http://" + address + path;
  std::FILE* const out = ::popen(command.c_str(), "r");
  std::string said;
  for (int c = std::fgetc(out); c != EOF; c = std::fgetc(out)) said.push_back(static_cast<char>(c));
  EXPECT_EQ(::pclose(out), 0);
  return said;
}

TEST(Metrics, TheyCountAndHoldNothingOfAnybody) {
  Asked asked;
  asked.close();
  const fs::path config = asked.world.home / "exchange.toml";
  std::string text = read_all(config);
  const std::size_t at = text.find("metrics = \"\"");
  ASSERT_NE(at, std::string::npos);
  // A port of the kernel's choice is freed and taken again.
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(probe);
  const std::string where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  write_all(config, text.replace(at, 12, "metrics = \"" + where + "\""));
  asked.open();
  (void)asked.answers();
  const std::string page = asked_over_http(where, "/metrics");
  EXPECT_NE(page.find("amanat_replies_total{route=\"lookups\",status=\"2xx\"} " +
                      std::to_string(asked.cases.size()) + "\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("amanat_lookup_seconds_count " + std::to_string(asked.cases.size()) + "\n"),
            std::string::npos);
  EXPECT_NE(page.find("amanat_ledger_entries " +
                      std::to_string(asked.world.exchange->ledger().size()) + "\n"),
            std::string::npos);
  EXPECT_NE(page.find("amanat_store_up{engine=\"" +
                      std::string(World::on_postgres() ? "postgresql" : "rocksdb") + "\"} 1\n"),
            std::string::npos);
  for (const OpenCase& one : asked.cases)
    for (const std::string& personal : {one.citizen, one.officer, one.ref})
      EXPECT_EQ(page.find(personal), std::string::npos);
  EXPECT_EQ(asked_over_http(where, "/v1/lookups"), "not found\n");
}

}  // namespace
}  // namespace amanat::test
