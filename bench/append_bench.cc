// Durable appends a second, their latency and what the sequencer's core spends on them.
//   append_bench [directory] [seconds] [in flight] [threads] [evidence bytes] [offered a second, 0
//   = all]
// With "postgresql" for the directory the ledger rests in a server of the bench's own, fsync on.
// Each in-flight append is a coroutine that records one DENIED entry and waits for its receipt, as
// a lookup does. Prints one line of figures; the directory is removed at the end.

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "ledger/note.h"
#include "ledger/verify.h"
#include "model/task.h"
#include "storage/postgres_disk.h"
#include "storage/postgres_server.h"

namespace {

using namespace amanat;
using Clock = std::chrono::steady_clock;

struct Load {
  ledger::Ledger* ledger = nullptr;
  Slice slice;
  std::string evidence;
  Clock::time_point until;
  double interval_us = 0;  // between two appends of one worker; 0: as fast as they come back
};

// Room is a Home whose thread can also wait for a moment, to make appends at a fixed rate.
class Room : public Home {
 public:
  Room() { Home::make_current(this); }
  ~Room() override { Home::make_current(nullptr); }
  void resume(std::coroutine_handle<> coroutine) override {
    const std::lock_guard lock(mutex_);
    ready_.push_back(coroutine);
    if (ready_.size() == 1) arrived_.notify_one();
  }
  void run_until(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, until, [this] { return !ready_.empty(); });
    running_.swap(ready_);
    lock.unlock();
    for (const auto& coroutine : running_) coroutine.resume();
    running_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::coroutine_handle<>> ready_, running_;
};

struct Worker {
  unsigned running = 0;
  std::uint64_t refused = 0;
  std::vector<std::uint32_t> latencies_us;
};

EntryContent entry_of(const Load& load, std::uint32_t n) {
  EntryContent c;
  c.type = EntryType::denied;
  c.subject.emplace();
  c.actor = Actor{AccountId{n}, KeyKind::certificate, {}};
  c.part(BodyPart::purpose) = "crime-investigation";
  c.part(BodyPart::case_ref) = "fir-1-2024";
  c.part(BodyPart::policy_hash) = std::string(32, 'p');
  c.part(BodyPart::released_digest) = std::string(32, 'r');
  c.evidence = load.evidence;
  c.slice = load.slice;
  return c;
}

Task<bool> one(const Load& load, std::uint32_t n) {
  std::vector<EntryContent> entries;
  entries.push_back(entry_of(load, n));
  auto pending = load.ledger->record(std::move(entries));
  auto recorded = co_await pending;
  co_return recorded.has_value();
}

void begin(const Load& load, Worker& worker, Clock::time_point due) {
  ++worker.running;
  auto task = one(load, worker.running);
  start(std::move(task), [&worker, due](bool recorded) {
    --worker.running;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - due);
    if (recorded)
      worker.latencies_us.push_back(static_cast<std::uint32_t>(took.count()));
    else
      ++worker.refused;
  });
}

void work(const Load& load, Worker& worker, unsigned in_flight) {
  Room room;
  worker.latencies_us.reserve(1 << 22);
  const auto interval = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::micro>(load.interval_us));
  for (auto due = Clock::now(); due < load.until;) {
    // Late or not, each append counts from when it was due.
    const auto now = Clock::now();
    if (load.interval_us > 0)
      for (; due <= now; due += interval) begin(load, worker, due);
    else
      while (worker.running < in_flight) begin(load, worker, due = Clock::now());
    room.run_until(load.interval_us > 0 ? due : now + std::chrono::seconds(1));
    if (load.interval_us == 0) due = Clock::now();
  }
  while (worker.running > 0) room.run_until(Clock::now() + std::chrono::seconds(1));
}

// CPU seconds of each thread of this process, by thread id.
std::map<int, double> cpu_by_thread() {
  std::map<int, double> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream stat(entry.path() / "schedstat");
    double nanoseconds = 0;
    stat >> nanoseconds;
    out[std::atoi(entry.path().filename().c_str())] = nanoseconds / 1e9;
  }
  return out;
}

/// InPostgres is a disk in a server that syncs as one in service does.
struct InPostgres {
  storage::PostgresServer server{"fsync = on\nautovacuum = on\nwal_level = replica\n"};
  std::unique_ptr<storage::Disk> disk;

  InPostgres() {
    storage::PostgresDiskOptions options;
    options.name = "bench.example/log";
    auto opened = storage::open_postgres_disk(server.database("ledger"), options);
    if (!opened) {
      std::fprintf(stderr, "append_bench: %s\n", opened.error().detail.c_str());
      std::exit(2);
    }
    disk = *std::move(opened);
  }
};

double percentile(std::vector<std::uint32_t>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))] / 1000.0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::atol(argv[i]) : otherwise;
  };
  const std::string directory = argc > 1 ? argv[1] : "/tmp/amanat-append-bench";
  const double seconds = static_cast<double>(argument(2, 5));
  const unsigned in_flight = static_cast<unsigned>(argument(3, 64));
  const unsigned threads = static_cast<unsigned>(argument(4, 1));
  std::unique_ptr<InPostgres> postgres;
  if (directory == "postgresql")
    postgres = std::make_unique<InPostgres>();
  else
    std::filesystem::remove_all(directory);

  ledger::Options options;
  options.directory = directory;
  if (postgres) options.disk = postgres->disk.get();
  options.origin = "bench.example/log";
  const Key256 seed = crypto::random_key();
  Load load;
  load.slice.key = crypto::random_key();
  load.evidence.assign(static_cast<std::size_t>(argument(5, 300)), 'e');
  const double offered = static_cast<double>(argument(6, 0));
  if (offered > 0) load.interval_us = 1e6 * threads / offered;
  if (auto made = ledger::Ledger::create(options, seed, load.slice); !made) {
    std::fprintf(stderr, "append_bench: %s\n", made.error().detail.c_str());
    return 2;
  }
  auto ledger = ledger::Ledger::open(options, seed);
  if (!ledger) return 2;
  load.ledger = ledger->get();
  std::this_thread::sleep_for(std::chrono::seconds(1));  // the next segment is made ready

  const auto before = cpu_by_thread();
  rusage usage_before{}, usage_after{};
  ::getrusage(RUSAGE_SELF, &usage_before);
  const auto begin = Clock::now();
  load.until = begin + std::chrono::microseconds(static_cast<long>(seconds * 1e6));
  std::vector<Worker> workers(threads);
  {
    std::vector<std::thread> pool;
    for (auto& worker : workers) pool.emplace_back([&] { work(load, worker, in_flight); });
    // The workers are the only threads that come and go; the ledger's own stay in `before`.
    for (auto& thread : pool) thread.join();
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto after = cpu_by_thread();
  ::getrusage(RUSAGE_SELF, &usage_after);

  std::vector<std::uint32_t> all;
  std::uint64_t refused = 0;
  for (auto& worker : workers) {
    all.insert(all.end(), worker.latencies_us.begin(), worker.latencies_us.end());
    refused += worker.refused;
  }
  std::sort(all.begin(), all.end());
  double ledger_cpu = 0, busiest = 0;
  for (const auto& [id, cpu] : after)
    if (before.contains(id) && id != ::getpid()) {
      ledger_cpu += cpu - before.at(id);
      busiest = std::max(busiest, cpu - before.at(id));
    }
  const auto cpu_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  const double cpu = cpu_of(usage_after.ru_utime) + cpu_of(usage_after.ru_stime) -
                     cpu_of(usage_before.ru_utime) - cpu_of(usage_before.ru_stime);
  const auto n = static_cast<double>(all.size());
  std::printf(
      "appends %.0f/s  in flight %u  refused %llu  p50 %.2f ms  p99 %.2f ms  max %.2f ms  "
      "CPU %.2f us an append (sequencer %.2f, other ledger threads %.2f, clients %.2f)\n",
      n / took, in_flight * threads, static_cast<unsigned long long>(refused), percentile(all, 0.5),
      percentile(all, 0.99), percentile(all, 1), cpu / n * 1e6, busiest / n * 1e6,
      (ledger_cpu - busiest) / n * 1e6, (cpu - ledger_cpu) / n * 1e6);
  const std::string vkey = (*ledger)->vkey();
  ledger->reset();
  if (postgres)
    std::printf("in the server %.0f bytes an entry\n",
                std::strtod(postgres->server
                                .sql("ledger",
                                     "SELECT pg_total_relation_size('amanat_disk_blocks')")
                                .c_str(),
                            nullptr) /
                    n);

  const auto verify_begin = Clock::now();
  auto verdict =
      postgres ? ledger::verify_files(*postgres->disk, directory,
                                      *ledger::parse_verifier_key(vkey), nullptr)
               : ledger::verify_directory(directory, vkey, nullptr);
  const double verify = std::chrono::duration<double>(Clock::now() - verify_begin).count();
  if (!verdict || !verdict->problem.empty()) {
    std::fprintf(stderr, "append_bench: the log does not hold: %s\n",
                 verdict ? verdict->problem.c_str() : verdict.error().detail.c_str());
    return 1;
  }
  std::printf("audit %.0f entries/s on one core (%llu entries)\n",
              static_cast<double>(verdict->size) / verify,
              static_cast<unsigned long long>(verdict->size));
  const auto open_begin = Clock::now();
  auto again = ledger::Ledger::open(options, seed);
  std::printf("restart %.0f ms\n",
              std::chrono::duration<double>(Clock::now() - open_begin).count() * 1000);
  if (!again) return 1;
  again->reset();
  if (!postgres) std::filesystem::remove_all(directory);
  return 0;
}
