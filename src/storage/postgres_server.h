#pragma once
// A PostgreSQL server of a test's own: a fresh cluster in a temporary directory, on a socket there,
// run by an account without privileges, gone when the test program ends (or is killed).

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "model/insist.h"
#include "storage/scratch.h"

namespace amanat::storage {

class PostgresServer {
 public:
  /// shared is the program's n-th server, started when it is first asked for.
  static PostgresServer& shared(std::size_t n = 0) {
    static std::array<std::unique_ptr<PostgresServer>, 4> servers;
    if (!servers.at(n)) servers.at(n) = std::make_unique<PostgresServer>();
    return *servers.at(n);
  }

  /// `settings` are further lines of postgresql.conf, `rules` of pg_hba.conf.
  explicit PostgresServer(const std::string& settings = {}, const std::string& rules = {},
                          unsigned port = 5432)
      : port_(std::to_string(port)) {
    ::chmod(scratch_.path().c_str(), 0755);
    const std::string data = directory();
    ::mkdir(data.c_str(), 0700);
    if (::geteuid() == 0) run({"chown", "-R", "postgres:", scratch_.path()});
    insist(run(as_postgres({kBin + "initdb", "-D", data, "-U", "postgres", "-A", "trust",
                            "--no-sync", "-E", "UTF8", "--locale=C"})) == 0);
    // The machine's crash is nothing a test can make, so nothing is synced: what stays after a
    // crash of the server is the same.
    std::ofstream(data + "/postgresql.auto.conf")
        << "listen_addresses = ''\nport = " << port_ << "\nunix_socket_directories = '"
        << scratch_.path()
        << "'\nfsync = off\nmax_connections = 200\nmax_prepared_transactions = 50\n"
           "shared_buffers = 32MB\njit = off\nautovacuum = off\nwal_level = minimal\n"
           "max_wal_senders = 0\n"
        << settings;
    if (!rules.empty()) std::ofstream(data + "/pg_hba.conf") << rules;
    start();
    sql("postgres", "CREATE ROLE amanat LOGIN");
  }
  ~PostgresServer() { stop(SIGQUIT); }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start() {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
      quiet();
      exec(as_postgres({kBin + "postgres", "-D", directory()}));
    }
    for (int i = 0; i < 600; ++i) {
      if (run({kBin + "pg_isready", "-q", "-h", scratch_.path(), "-p", port_}) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    insist(pid_ == 0);  // it did not start
  }
  /// stop ends the server: SIGQUIT as a crash does, SIGINT in an orderly way.
  void stop(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  /// database makes an empty database, unless it is there, and returns its URL.
  std::string database(const std::string& name) {
    if (sql("postgres", "SELECT 1 FROM pg_database WHERE datname = '" + name + "'").empty())
      sql("postgres", "CREATE DATABASE " + name + " OWNER amanat STRATEGY file_copy");
    return "postgresql://amanat@/" + name + "?host=" + scratch_.path();
  }
  void drop(const std::string& name) {
    sql("postgres", "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
  }

  /// sql runs statements as the server's owner (or as `user`) and returns what they print.
  std::string sql(const std::string& database, const std::string& text,
                  const std::string& user = "postgres") const {
    const std::string file = scratch_ / "statements.sql";
    std::ofstream(file) << text;
    const std::string command = kBin + "psql -XqAt -v ON_ERROR_STOP=1 -h " + scratch_.path() +
                                " -p " + port_ + " -U " + user + " -d " + database + " -f " + file +
                                " 2>&1";
    std::FILE* const out = ::popen(command.c_str(), "r");
    insist(out != nullptr);
    std::string said;
    for (int c = std::fgetc(out); c != EOF; c = std::fgetc(out))
      said.push_back(static_cast<char>(c));
    const int code = ::pclose(out);
    if (code != 0) std::fprintf(stderr, "%s\n", said.c_str());
    insist(code == 0);
    while (said.ends_with('\n')) said.pop_back();
    return said;
  }

  const std::string& host() const { return scratch_.path(); }
  pid_t pid() const { return pid_; }
  std::string directory() const { return scratch_ / "data"; }

  /// run runs a program quietly and returns its exit code.
  static int run(const std::vector<std::string>& command) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      quiet();
      exec(command);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  inline static const std::string kBin = "/usr/lib/postgresql/15/bin/";

  static void quiet() {
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) ::dup2(nothing, fd);
    if (::chdir("/") != 0) ::_exit(127);
  }
  [[noreturn]] static void exec(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  // postgres refuses to run as root. A changed user forgets the signal of its parent's death.
  static std::vector<std::string> as_postgres(std::vector<std::string> command) {
    if (::geteuid() != 0) return command;
    std::vector<std::string> out = {"setpriv", "--reuid=postgres", "--regid=postgres",
                                    "--clear-groups", "--pdeathsig=SIGQUIT"};
    out.insert(out.end(), command.begin(), command.end());
    return out;
  }

  const std::string port_;
  Scratch scratch_;
  pid_t pid_ = -1;
};

/// PlacedDatabase is a database on one server whose tables rest, in shards, on two others,
/// described by tables of the shape of Citus' metadata (Citus 13: pg_dist_partition, pg_dist_shard,
/// pg_dist_placement, pg_dist_node). Citus itself is not there: nothing but the placement is tried.
class PlacedDatabase {
 public:
  static constexpr int kShards = 4;  // a table
  static constexpr std::array<const char*, 6> kPlaced = {"subjects", "records", "past",
                                                         "index",    "slices",  "labels"};

  /// place describes and makes the shards of `name`, whose tables must be there. The first half of
  /// each table's shards is on the second server, the rest on the third.
  static void place(const std::string& name) {
    PostgresServer& base = PostgresServer::shared(0);
    std::string metadata =
        "CREATE TABLE pg_dist_node (nodeid int, groupid int, nodename text, nodeport int,"
        " noderack text, hasmetadata bool, isactive bool, noderole text);"
        "CREATE TABLE pg_dist_placement (placementid bigint, shardid bigint, shardstate int,"
        " shardlength bigint, groupid int);";
    for (int worker = 1; worker <= 2; ++worker)
      metadata += "INSERT INTO pg_dist_node VALUES (" + std::to_string(worker) + "," +
                  std::to_string(worker) + ",'" + PostgresServer::shared(nth(worker)).host() +
                  "',5432,'default',true,true,'primary');";
    std::string tables =
        "CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod \"char\", partkey text,"
        " colocationid int, repmodel \"char\");"
        "CREATE TABLE pg_dist_shard (logicalrelid regclass, shardid bigint, shardstorage \"char\","
        " shardminvalue text, shardmaxvalue text);";
    std::array<std::string, 2> shards;
    std::int64_t id = 102008;
    for (const char* table : kPlaced) {
      const std::string relation = std::string("amanat_") + table;
      tables += "INSERT INTO pg_dist_partition VALUES ('" + relation + "','h','p',1,'s');";
      for (int s = 0; s < kShards; ++s, ++id) {
        const std::int64_t width = (std::int64_t{1} << 32) / kShards;
        const std::int64_t least = s * width - (std::int64_t{1} << 31);
        const int worker = s < kShards / 2 ? 1 : 2;
        tables += "INSERT INTO pg_dist_shard VALUES ('" + relation + "'," + std::to_string(id) +
                  ",'t','" + std::to_string(least) + "','" + std::to_string(least + width - 1) +
                  "');";
        metadata += "INSERT INTO pg_dist_placement VALUES (" + std::to_string(id) + "," +
                    std::to_string(id) + ",1,0," + std::to_string(worker) + ");";
        shards.at(static_cast<std::size_t>(worker - 1)) += shard(relation, id);
      }
    }
    const std::string open_to_read = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO amanat;";
    base.sql(name, metadata + tables + open_to_read);
    for (int worker = 1; worker <= 2; ++worker) {
      PostgresServer& server = PostgresServer::shared(nth(worker));
      server.database(name);
      server.sql(name, "GRANT CREATE ON SCHEMA public TO amanat");
      server.sql(name, metadata + open_to_read);
      server.sql(name, shards.at(static_cast<std::size_t>(worker - 1)), "amanat");
    }
  }
  /// move puts a shard on the other worker, as Citus does: the rows first, then the metadata.
  static void move(const std::string& name, const std::string& relation, std::int64_t id, int from,
                   int to) {
    const std::string one = relation + "_" + std::to_string(id);
    PostgresServer &old = PostgresServer::shared(nth(from)),
                   &fresh = PostgresServer::shared(nth(to));
    fresh.sql(name, shard(relation, id), "amanat");
    const std::string rows = old.sql(
        name, "SELECT format('INSERT INTO " + one + " VALUES (%L,%L,%L);', p, k, v) FROM " + one);
    fresh.sql(name, rows, "amanat");
    for (std::size_t n = 0; n < 3; ++n)
      PostgresServer::shared(n).sql(name,
                                    "UPDATE pg_dist_placement SET groupid = " + std::to_string(to) +
                                        " WHERE shardid = " + std::to_string(id));
  }

 private:
  static std::size_t nth(int worker) { return static_cast<std::size_t>(worker); }
  static std::string shard(const std::string& relation, std::int64_t id) {
    return "CREATE TABLE " + relation + "_" + std::to_string(id) +
           " (p bytea NOT NULL, k bytea NOT NULL, v bytea NOT NULL, PRIMARY KEY (p, k));";
  }
};

}  // namespace amanat::storage
