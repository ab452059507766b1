// What is PostgreSQL's own: a server that goes and comes back, words that must not leak, and shards
// on several servers.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <random>
#include <thread>

#include "storage/postgres_layout.h"
#include "storage/postgres_server.h"
#include "storage/storage.h"

namespace amanat::storage {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<std::uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<std::uint8_t>(c) & 15]);
  }
  return out;
}

std::string tag(int i) {
  std::string out(16, '\0');
  std::mt19937_64 random(static_cast<std::uint64_t>(i) + 1);
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

class Postgres : public testing::Test {
 protected:
  // Each test has a database of its own on the shared servers.
  Postgres() : name_("own" + std::to_string(++made_)) {}
  ~Postgres() override {
    store_.reset();
    for (std::size_t n = 0; n < (placed_ ? 3u : 1u); ++n) PostgresServer::shared(n).drop(name_);
  }
  void open(const PostgresOptions& options = {}) { store_ = opened(url(), options); }
  void open_in_shards(const PostgresOptions& options = {}) {
    placed_ = true;
    open();
    store_.reset();
    PlacedDatabase::place(name_);
    open(options);
  }
  std::string url() { return server().database(name_); }
  static std::unique_ptr<Store> opened(const std::string& url, const PostgresOptions& options) {
    auto store = open_postgres(url, options);
    EXPECT_TRUE(store) << store.error().detail;
    return store ? *std::move(store) : nullptr;
  }
  static PostgresServer& server(std::size_t n = 0) { return PostgresServer::shared(n); }

  Result<void> put(Table table, std::string_view key, std::string_view value,
                   Durability durability = Durability::synced) {
    Batch batch;
    batch.put(table, key, value);
    return store_->write(batch, durability);
  }
  std::string get(Table table, std::string_view key) {
    std::string out;
    const auto found = store_->get(table, key, out);
    EXPECT_TRUE(found) << found.error().detail;
    return found && *found ? out : "(none)";
  }
  std::string prepared() {
    std::string all;
    for (std::size_t n = 0; n < 3; ++n)
      all += server(n).sql(name_, "SELECT gid FROM pg_prepared_xacts");
    return all;
  }
  // A shard of the subjects that the first worker holds, and a tag that belongs there.
  static constexpr std::int64_t kShard = 102008;
  static std::string tag_of_first_shard() {
    for (int i = 0;; ++i)
      if (pg::place_hash(tag(i)) < -(1 << 30)) return tag(i);
  }

  inline static int made_ = 0;
  const std::string name_;
  bool placed_ = false;
  std::unique_ptr<Store> store_;
};

TEST_F(Postgres, PlacesAreHashedAsTheServerHashesThem) {
  std::mt19937_64 random(20);
  std::string sql, expected;
  for (std::size_t size = 0; size < 40; ++size)
    for (int again = 0; again < 5; ++again) {
      std::string bytes;
      while (bytes.size() < size) bytes.push_back(static_cast<char>(random()));
      sql += (sql.empty() ? "" : " UNION ALL ") +
             ("SELECT hash_array(ARRAY['\\x" + hex(bytes) + "'::bytea])::int8 - 31");
      // hash_array starts at 1 and multiplies by 31 before it adds an element's hash, in 32 bits.
      const auto in_array =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(pg::place_hash(bytes)) + 31u);
      expected += std::to_string(std::int64_t{in_array} - 31) + "\n";
    }
  expected.pop_back();
  EXPECT_EQ(server().sql("postgres", sql), expected);
}

TEST(PostgresUrl, ItHasNoPasswordAndOnTheNetworkNamesACheckedServer) {
  const auto complaint = [](const std::string& url) {
    const auto fine = check_postgres_url(url);
    if (fine) return std::string();
    EXPECT_EQ(fine.error().reason, Reason::config_wrong);
    return fine.error().detail;
  };
  EXPECT_EQ(complaint("postgresql://amanat@db.test/amanat?sslmode=verify-full"), "");
  EXPECT_EQ(complaint("postgresql://amanat@db1.test,db2.test/amanat?sslcert=/c&sslkey=/k"), "");
  EXPECT_EQ(complaint("postgresql:///amanat?host=/run/postgresql"), "");
  EXPECT_EQ(complaint("postgres://amanat@db.test/amanat?passfile=/etc/amanat/pass"), "");
  EXPECT_NE(complaint("postgresql://amanat:s3cret@db.test/amanat").find("no password"),
            std::string::npos);
  EXPECT_EQ(complaint("postgresql://amanat:s3cret@db.test/amanat").find("s3cret"),
            std::string::npos);
  EXPECT_NE(complaint("postgresql://db.test/amanat?sslmode=prefer").find("verify-full"),
            std::string::npos);
  EXPECT_NE(complaint("postgresql://db.test/amanat?sslmode=require").find("verify-full"),
            std::string::npos);
  EXPECT_NE(
      complaint("postgresql:///a?host=/run/postgresql,db.test&sslmode=disable").find("verify-full"),
      std::string::npos);
  EXPECT_NE(complaint("postgresql:///amanat").find("no host"), std::string::npos);
  EXPECT_NE(complaint("postgresql://db.test/?nonsense=1").find("cannot read"), std::string::npos);
  EXPECT_NE(complaint("mysql://db.test/").find("postgresql://"), std::string::npos);
}

TEST_F(Postgres, AServerThatIsNotThereIsSaidAtOnce) {
  auto store = open_postgres("postgresql:///amanat?host=/nonexistent", {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().reason, Reason::store_failed);
  EXPECT_NE(store.error().detail.find("/nonexistent"), std::string::npos);
}

TEST_F(Postgres, TwoProcessesDoNotHoldOneDatabase) {
  open();
  auto second = open_postgres(url(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::exchange_busy);
  store_.reset();
  EXPECT_TRUE(open_postgres(url(), {}));
}

TEST_F(Postgres, AFullDiskIsOneAndNoErrorQuotesWhatWasWritten) {
  open();
  server().sql(name_,
               "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " RAISE EXCEPTION 'no room for %', new.v USING ERRCODE = '53100'; END $$;"
               "CREATE TRIGGER refuse BEFORE INSERT ON amanat_cases FOR EACH ROW EXECUTE FUNCTION"
               " refuse()");
  const auto refused = put(Table::cases, "the key", "the value");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  EXPECT_EQ(refused.error().detail, "PostgreSQL 53100");
  EXPECT_EQ(get(Table::cases, "the key"), "(none)");
  server().sql(name_, "DROP TRIGGER refuse ON amanat_cases");
  EXPECT_TRUE(put(Table::cases, "the key", "the value"));
  EXPECT_EQ(get(Table::cases, "the key"), "the value");
  server().sql(name_, "ALTER TABLE amanat_cases ADD CHECK (v <> 'odd')");
  const auto odd = put(Table::cases, "the key", "odd");
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().reason, Reason::store_failed);
  EXPECT_EQ(odd.error().detail, "PostgreSQL 23514");
}

TEST_F(Postgres, LostConnectionsAreMadeAnew) {
  open();
  ASSERT_TRUE(put(Table::settings, "a", "1"));
  const std::string end =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name_ +
      "' AND pid <> pg_backend_pid()";
  for (int round = 0; round < 5; ++round) {
    server().sql(name_, end);
    EXPECT_EQ(get(Table::settings, "a"), "1");
    server().sql(name_, end);
    EXPECT_TRUE(put(Table::settings, "b", std::to_string(round)));
    server().sql(name_, end);
    EXPECT_TRUE(store_->sync());
    const auto snapshot = store_->snapshot();
    std::string b;
    EXPECT_TRUE(snapshot->get(Table::settings, "b", b));
    EXPECT_EQ(b, std::to_string(round));
  }
}

TEST_F(Postgres, ASnapshotWhoseConnectionIsLostSaysSo) {
  open();
  ASSERT_TRUE(put(Table::settings, "a", "1"));
  const auto snapshot = store_->snapshot();
  server().sql(name_, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                          name_ + "' AND pid <> pg_backend_pid()");
  std::string out;
  const auto read = snapshot->get(Table::settings, "a", out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, Reason::store_failed);
  EXPECT_FALSE(snapshot->scan(Table::settings, "", "", [](auto, auto) { return true; }));
  EXPECT_EQ(get(Table::settings, "a"), "1");
}

TEST_F(Postgres, WhatWasSyncedSurvivesTheServersCrashAndAWriteWaitsForItsReturn) {
  open({.connections_max = 16, .patience_ms = 15'000});
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(put(Table::settings, "buffered " + std::to_string(i), "1", Durability::buffered));
  ASSERT_TRUE(put(Table::settings, "synced", "1"));
  server().stop(SIGQUIT);
  // The server dies with the thread that started it, so that is this one.
  std::thread writing([&] { EXPECT_TRUE(put(Table::settings, "after", "1")); });
  server().start();
  writing.join();
  int rows = 0;
  EXPECT_TRUE(store_->scan(Table::settings, "", "", [&](auto, auto) { return ++rows > 0; }));
  EXPECT_EQ(rows, 22);
}

TEST_F(Postgres, AServerThatStaysAwayIsAFailureAndNotAHang) {
  open({.connections_max = 16, .patience_ms = 300});
  ASSERT_TRUE(put(Table::settings, "a", "1"));
  server().stop(SIGINT);
  std::string out;
  const auto read = store_->get(Table::settings, "a", out);
  const auto written = put(Table::settings, "a", "2");
  const auto scanned = store_->scan(Table::settings, "", "", [](auto, auto) { return true; });
  server().start();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, Reason::store_failed);
  EXPECT_FALSE(written);
  EXPECT_FALSE(scanned);
  EXPECT_EQ(get(Table::settings, "a"), "1");
  EXPECT_TRUE(put(Table::settings, "a", "3"));
}

// Relays connections to a server's socket. Armed, it lets the next COMMIT through, calls `then`,
// and cuts the connection before the answer comes back.
class Cutting {
 public:
  explicit Cutting(const std::string& server) : server_(server) {
    ::chmod(scratch_.path().c_str(), 0755);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at = address(scratch_.path());
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    accepting_ = std::thread([this] {
      for (int fd; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;)
        relays_.emplace_back([this, fd] { relay(fd); });
    });
  }
  ~Cutting() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (auto& one : relays_) one.join();
    ::close(listener_);
  }
  const std::string& host() const { return scratch_.path(); }
  std::function<void()> then;
  std::atomic<bool> armed = false;

 private:
  static sockaddr_un address(const std::string& directory) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const std::string path = directory + "/.s.PGSQL.5432";
    EXPECT_LT(path.size(), sizeof at.sun_path);
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    return at;
  }
  void relay(int client) {
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at = address(server_);
    EXPECT_EQ(::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    for (char buffer[65536]; !stopping_;) {
      if (::poll(ends, 2, 50) <= 0) continue;
      const int from = ends[0].revents != 0 ? 0 : 1;
      const ssize_t n = ::read(ends[from].fd, buffer, sizeof buffer);
      if (n <= 0 ||
          ::send(ends[1 - from].fd, buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL) < 0)
        break;
      const std::string_view text(buffer, static_cast<std::size_t>(n));
      if (from == 0 && armed && text.find(std::string_view("\0commit\0", 8)) != text.npos) {
        armed = false;
        (void)::poll(&ends[1], 1, 5000);  // the answer is there: it has been committed
        then();
        break;
      }
    }
    ::close(client);
    ::close(server);
  }

  const std::string server_;
  Scratch scratch_;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false;
  std::thread accepting_;
  std::vector<std::thread> relays_;
};

TEST_F(Postgres, AWriteWhoseAnswerWasLostIsNotSentAgain) {
  url();  // makes the database
  Cutting cutting(server().host());
  store_ = opened("postgresql://amanat@/" + name_ + "?host=" + cutting.host(), {});
  ASSERT_NE(store_, nullptr);
  ASSERT_TRUE(put(Table::settings, "a", "first"));
  cutting.then = [&] {
    server().sql(name_, "UPDATE amanat_settings SET v = 'newer' WHERE k = 'a' AND v = 'mine'");
  };
  cutting.armed = true;
  EXPECT_TRUE(put(Table::settings, "a", "mine"));
  EXPECT_FALSE(cutting.armed);
  EXPECT_EQ(get(Table::settings, "a"), "newer");
  store_.reset();
}

TEST_F(Postgres, ACommitThatDiedIsSentAgain) {
  open();
  server().sql(name_,
               "CREATE SEQUENCE deaths; GRANT ALL ON deaths TO amanat;"
               "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
               " IF nextval('deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
               " END IF; RETURN NULL; END $$;"
               "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON amanat_cases DEFERRABLE INITIALLY"
               " DEFERRED FOR EACH ROW EXECUTE FUNCTION die()");
  EXPECT_TRUE(put(Table::cases, "a", "1"));
  EXPECT_EQ(get(Table::cases, "a"), "1");
  EXPECT_EQ(server().sql(name_, "SELECT last_value FROM deaths"), "2");
}

bool any_table_file_holds(const PostgresServer& server, std::string_view bytes) {
  for (const auto& [path, content] : bytes_of_files(server.directory() + "/base"))
    if (content.find(bytes) != content.npos) return true;
  return false;
}

TEST_F(Postgres, WhatIsPurgedIsInNoFileOfTheTables) {
  open();
  server().sql("postgres", "GRANT pg_checkpoint TO amanat");
  const std::string secret = "what was to be forgotten, " + name_;
  ASSERT_TRUE(put(Table::accounts, "gone", secret));
  ASSERT_TRUE(put(Table::accounts, "kept", "something else, " + name_));
  Batch batch;
  batch.erase(Table::accounts, "gone");
  ASSERT_TRUE(store_->write(batch, Durability::synced));
  server().sql("postgres", "CHECKPOINT");
  ASSERT_TRUE(any_table_file_holds(server(), secret));
  ASSERT_TRUE(store_->purge(Table::accounts, "gone"));
  server().sql("postgres", "CHECKPOINT");
  EXPECT_FALSE(any_table_file_holds(server(), secret));
  EXPECT_TRUE(any_table_file_holds(server(), "something else, " + name_));
}

TEST_F(Postgres, AnUnknownLayoutIsNotTouched) {
  open();
  store_.reset();
  server().sql(name_, "UPDATE amanat_own SET value = '99' WHERE name = 'layout'");
  auto store = open_postgres(url(), {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().reason, Reason::store_failed);
}

TEST_F(Postgres, EachRowIsOnTheServerThatHoldsItsShard) {
  open_in_shards();
  Batch batch;
  for (int i = 0; i < 300; ++i) batch.put(Table::subjects, tag(i), std::to_string(i));
  ASSERT_TRUE(store_->write(batch, Durability::synced));
  for (int i = 300; i < 330; ++i) ASSERT_TRUE(put(Table::subjects, tag(i), std::to_string(i)));
  for (int i = 0; i < 330; ++i) EXPECT_EQ(get(Table::subjects, tag(i)), std::to_string(i));
  EXPECT_EQ(server().sql(name_, "SELECT count(*) FROM amanat_subjects"), "0");
  int rows = 0;
  for (int s = 0; s < PlacedDatabase::kShards; ++s) {
    const std::string relation = "amanat_subjects_" + std::to_string(kShard + s);
    const PostgresServer& worker = server(s < PlacedDatabase::kShards / 2 ? 1 : 2);
    // Each row's hash is within its shard's bounds, by the server's own hash.
    const std::string least = std::to_string(s * (std::int64_t{1} << 30) - (std::int64_t{1} << 31));
    const std::string count = worker.sql(
        name_, "SELECT count(*) FROM " + relation +
                   " WHERE (((hash_array(ARRAY[p])::int8 - 31 + 3 * 2147483648) % 4294967296) -"
                   " 2147483648 - (" +
                   least + ")) BETWEEN 0 AND 1073741823");
    EXPECT_EQ(count, worker.sql(name_, "SELECT count(*) FROM " + relation));
    rows += std::stoi(count);
  }
  EXPECT_EQ(rows, 330);
  std::string before;
  int seen = 0;
  EXPECT_TRUE(store_->scan(Table::subjects, "", "", [&](std::string_view key, auto) {
    EXPECT_LT(before, key);
    before = key;
    return ++seen > 0;
  }));
  EXPECT_EQ(seen, 330);
}

TEST_F(Postgres, ABatchOverSeveralServersIsOnAllOrNone) {
  open_in_shards({.connections_max = 16, .patience_ms = 500});
  server(2).sql(name_,
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;"
                "CREATE TRIGGER refuse BEFORE INSERT ON amanat_subjects_102010 FOR EACH ROW"
                " EXECUTE FUNCTION refuse();"
                "CREATE TRIGGER refuse BEFORE INSERT ON amanat_subjects_102011 FOR EACH ROW"
                " EXECUTE FUNCTION refuse()");
  Batch batch;
  batch.put(Table::settings, "count", "100");
  for (int i = 0; i < 100; ++i) batch.put(Table::subjects, tag(i), "1");
  const auto refused = store_->write(batch, Durability::synced);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::disk_full);
  EXPECT_EQ(get(Table::settings, "count"), "(none)");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(get(Table::subjects, tag(i)), "(none)");
  EXPECT_EQ(prepared(), "");
  server(2).sql(name_, "DROP FUNCTION refuse CASCADE");
  EXPECT_TRUE(store_->write(batch, Durability::synced));
  EXPECT_EQ(get(Table::settings, "count"), "100");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(get(Table::subjects, tag(i)), "1");
  EXPECT_EQ(prepared(), "");
}

TEST_F(Postgres, ABatchLeftPreparedIsEndedAsWasDecided) {
  open_in_shards();
  store_.reset();
  const auto leave = [&](const std::string& batch, const std::string& key) {
    server(1).sql(name_,
                  "BEGIN; INSERT INTO amanat_subjects_102008 VALUES ('\\x" + hex(key) + "', '\\x" +
                      hex(key) + "', 'left'); PREPARE TRANSACTION 'amanat_" + batch + "_0'",
                  "amanat");
  };
  std::vector<std::string> keys;
  for (int i = 0; keys.size() < 2; ++i)
    if (pg::place_hash(tag(i)) < -(1 << 30)) keys.push_back(tag(i));
  leave("0000000000000000000000000000000a", keys[0]);
  leave("0000000000000000000000000000000b", keys[1]);
  server().sql(
      name_, "INSERT INTO amanat_own VALUES ('batch/0000000000000000000000000000000a', 'commit')");
  open();
  EXPECT_EQ(get(Table::subjects, keys[0]), "left");
  EXPECT_EQ(get(Table::subjects, keys[1]), "(none)");
  EXPECT_EQ(prepared(), "");
  // Whoever prepared it and was slow finds that it was ended.
  EXPECT_EQ(server().sql(name_,
                         "SELECT value FROM amanat_own WHERE name ="
                         " 'batch/0000000000000000000000000000000b'"),
            "abort");
}

TEST_F(Postgres, AShardIsFollowedWhereCitusMovesIt) {
  open_in_shards();
  const std::string key = tag_of_first_shard();
  ASSERT_TRUE(put(Table::subjects, key, "before"));
  PlacedDatabase::move(name_, "amanat_subjects", kShard, 1, 2);
  // The old shard is still there, as Citus leaves it for a while: a write must not land in it.
  ASSERT_TRUE(put(Table::subjects, key, "after"));
  EXPECT_EQ(server(1).sql(name_, "SELECT convert_from(v, 'UTF8') FROM amanat_subjects_102008"),
            "before");
  EXPECT_EQ(server(2).sql(name_, "SELECT convert_from(v, 'UTF8') FROM amanat_subjects_102008"),
            "after");
  EXPECT_EQ(get(Table::subjects, key), "after");
  server(1).sql(name_, "DROP TABLE amanat_subjects_102008");
  // The next one is dropped at once: a read finds the new place.
  PlacedDatabase::move(name_, "amanat_subjects", kShard, 2, 1);
  server(2).sql(name_, "DROP TABLE amanat_subjects_102008");
  server(1).sql(name_, "UPDATE amanat_subjects_102008 SET v = 'moved back'");
  EXPECT_EQ(get(Table::subjects, key), "moved back");
}

TEST_F(Postgres, AWriteToAShardTakesCitusLockAgainstMovingIt) {
  open_in_shards();
  store_.reset();
  for (std::size_t n = 0; n < 3; ++n)
    server(n).sql(name_,
                  "CREATE TABLE taken (mode int, shards bigint[]);"
                  "CREATE FUNCTION lock_shard_metadata(mode int, shards bigint[]) RETURNS void"
                  " LANGUAGE sql AS $$ INSERT INTO taken VALUES (mode, shards) $$;"
                  "GRANT ALL ON taken TO amanat");
  open();
  ASSERT_TRUE(put(Table::subjects, tag_of_first_shard(), "1"));
  EXPECT_EQ(server(1).sql(name_, "SELECT mode, shards FROM taken"), "5|{102008}");
  EXPECT_EQ(server(2).sql(name_, "SELECT count(*) FROM taken"), "0");
}

TEST_F(Postgres, ShardsWithAGapAreRefused) {
  open_in_shards();
  store_.reset();
  server().sql(name_, "DELETE FROM pg_dist_shard WHERE shardid = 102010");
  auto store = open_postgres(url(), {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().reason, Reason::store_failed);
}

TEST_F(Postgres, BatchesThatMeetOnSeveralServersDoNotLockEachOtherOut) {
  open_in_shards({.connections_max = 32, .patience_ms = 20'000});
  std::vector<std::thread> writers;
  std::atomic<int> failed = 0;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&, w] {
      for (int round = 0; round < 10; ++round) {
        Batch batch;
        for (int i = 0; i < 40; ++i)
          batch.put(Table::subjects, tag(w % 2 == 0 ? i : 39 - i), std::to_string(w));
        if (!store_->write(batch, Durability::synced)) ++failed;
      }
    });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  const std::string last = get(Table::subjects, tag(0));
  for (int i = 1; i < 40; ++i) EXPECT_EQ(get(Table::subjects, tag(i)), last);
  EXPECT_EQ(prepared(), "");
}

}  // namespace
}  // namespace amanat::storage
