// What the store costs in PostgreSQL: one server, and shards on two (a Citus-shaped placement),
// with servers of its own that sync. The constants of docs/scale.md.
//   scale_bench [records]     default 100,000 of 300 bytes
// CPU is of this process and of all processes of the servers. Prints part lines (bench/README.md).

#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/postgres_server.h"
#include "storage/storage.h"

namespace {

using namespace amanat;
using storage::PostgresServer;
using storage::Table;

constexpr std::size_t kBatchRows = 8'192;

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "scale_bench: %s\n", result.error().detail.c_str());
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// server_seconds is the CPU of a server's processes (proc(5), stat: fields 4, 14, 15).
double server_seconds(pid_t postmaster) {
  double ticks = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "stat");
    std::string text;
    if (!std::getline(in, text)) continue;
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string state, skipped;
    long parent = 0;
    double user = 0, system = 0;
    fields >> state >> parent;
    for (int i = 5; i < 14; ++i) fields >> skipped;
    fields >> user >> system;
    if (parent == postmaster) ticks += user + system;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Bench {
  std::string name;
  std::vector<pid_t> servers;

  /// each does `one` n times on `threads` threads and prints rate and CPU.
  template <class One>
  void each(const char* what, std::size_t n, unsigned threads, One one) const {
    const auto cpu = [&] {
      double sum = 0;
      for (const pid_t pid : servers) sum += server_seconds(pid);
      return sum;
    };
    const double served = cpu(), own = seconds(CLOCK_PROCESS_CPUTIME_ID),
                 begin = seconds(CLOCK_MONOTONIC);
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t)
      workers.emplace_back([&] {
        for (std::size_t i; (i = next++) < n;) one(i);
      });
    for (auto& worker : workers) worker.join();
    const double count = static_cast<double>(n), wall = seconds(CLOCK_MONOTONIC) - begin;
    std::printf(
        "part\t%s_%s_%u\t%.2f\tus CPU\tgateway %.1f + server %.1f; %.0f a second on %u threads\n",
        name.c_str(), what, threads,
        (cpu() - served + seconds(CLOCK_PROCESS_CPUTIME_ID) - own) * 1e6 / count,
        (seconds(CLOCK_PROCESS_CPUTIME_ID) - own) * 1e6 / count, (cpu() - served) * 1e6 / count,
        count / wall, threads);
    std::fflush(stdout);
  }
};

std::string key_of(std::size_t i) {
  std::mt19937_64 random(i + 1);
  std::string key(26, '\0');
  for (char& c : key) c = static_cast<char>(random());
  return key;
}

void measure(storage::Store& store, const Bench& bench, std::size_t records) {
  const std::string value(300, 'v');
  storage::Batch batch;
  bench.each("write_row_in_batches", records, 1, [&](std::size_t i) {
    batch.put(Table::records, key_of(i), value);
    if (batch.size() < kBatchRows && i + 1 < records) return;
    must(store.write(batch, storage::Durability::buffered));
    batch.clear();
  });
  for (const unsigned threads : {1u, 2u, 8u})
    bench.each("get", 20'000, threads, [&](std::size_t i) {
      std::string out;
      if (!must(store.get(Table::records, key_of(i * 7 % records), out))) std::exit(1);
    });
  bench.each("scan_one", 10'000, 2, [&](std::size_t i) {
    must(store.scan(Table::records, key_of(i * 7 % records).substr(0, 10), "",
                    [](auto, auto) { return true; }));
  });
  for (const unsigned threads : {1u, 8u})
    bench.each("synced_write", 1'000, threads, [&](std::size_t i) {
      storage::Batch one;
      one.put(Table::labels, key_of(i).substr(0, 16), "value");
      must(store.write(one, storage::Durability::synced));
    });
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  if (records == 0) return 2;
  for (std::size_t n = 0; n < 3; ++n)
    PostgresServer::shared(n).sql("postgres",
                                  "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()");
  const auto pid = [](std::size_t n) { return PostgresServer::shared(n).pid(); };
  {
    auto store = must(storage::open_postgres(PostgresServer::shared().database("one"), {}));
    measure(*store, Bench{"postgres", {pid(0)}}, records);
    std::printf(
        "part\tpostgres_bytes_a_record\t%s\tB\ta record of 300 B and its key, index included\n",
        PostgresServer::shared()
            .sql("one",
                 "SELECT pg_total_relation_size('amanat_records') / count(*) FROM amanat_records")
            .c_str());
  }
  const std::string url = PostgresServer::shared().database("placed");
  must(storage::open_postgres(url, {})).reset();
  storage::PlacedDatabase::place("placed");
  auto store = must(storage::open_postgres(url, {}));
  measure(*store, Bench{"shards", {pid(0), pid(1), pid(2)}}, records);
}
