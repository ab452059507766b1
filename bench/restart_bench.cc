// How long a start takes after a kill, until the first append is durable (G7 of the ledger's
// goals): of the whole exchange, on a log of as many entries as asked for.
//   restart_bench [entries] [percent of disclosures] [entries after the snapshot]
//   restart_bench start HOME    one start of a home that is there already
// The home is made under $TMPDIR and removed at the end. Run from the repository's root.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "bench/paper_exchange.h"
#include "server/exchange.h"
#include "server/log.h"

namespace {

using namespace amanat;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

void figure(const char* name, double value, const char* unit, const std::string& words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words.c_str());
  std::fflush(stdout);
}
double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What a crash of the machine would have thrown out of memory.
void forget_pages(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

// start_once opens the exchange and appends; the time until the append is durable, or less than 0.
double start_once(const std::string& home, std::uint64_t& read, std::uint64_t& size) {
  const auto begin = Clock::now();
  auto exchange = server::Exchange::open(home);
  if (!exchange) {
    std::fprintf(stderr, "start: %s %s\n", std::string(row_of(exchange.error().reason).id).c_str(),
                 exchange.error().detail.c_str());
    return -1;
  }
  detection::Alert alert;
  alert.rule = detection::Rule::magnet;
  alert.tier = detection::Tier::review;
  alert.actor.account = AccountId{1000};
  const bool recorded = (*exchange)->record_alert(alert).has_value();
  const double took = since(begin);
  read = (*exchange)->read_at_start();
  size = (*exchange)->ledger().size();
  return recorded ? took : -1;
}

// Small logs keep what a start learns as large ones do, but earlier.
void keep_early(const fs::path& config, std::uint64_t entries) {
  if (entries >= 500'000) return;
  std::ofstream(config, std::ios::app) << "snapshot_entries = " << entries / 2 + 10 << "\n";
}

std::uint64_t bytes_of(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(directory, ignored))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  if (argc == 3 && std::string_view(argv[1]) == "start") {
    std::uint64_t read = 0, size = 0;
    forget_pages(argv[2]);
    const double took = start_once(argv[2], read, size);
    figure("restart", took, "s",
           std::to_string(size) + " entries, " + std::to_string(read) + " read");
    return took < 0 ? 2 : 0;
  }
  bench::Wanted wanted;
  wanted.entries = argument(1, 100'000);
  wanted.disclosures_percent = static_cast<unsigned>(argument(2, 100));
  const std::uint64_t tail = argument(3, wanted.entries / 5);
  const char* temporary = std::getenv("TMPDIR");
  const fs::path home = fs::path(temporary != nullptr ? temporary : "/var/tmp") / "restart-home";
  fs::remove_all(home);
  wanted.home = home.string();
  // Small logs have few citizens: the vault makes a key for each.
  wanted.citizens =
      static_cast<unsigned>(std::clamp<std::uint64_t>(wanted.entries / 100, 1000, wanted.citizens));
  wanted.cases =
      static_cast<unsigned>(std::clamp<std::uint64_t>(wanted.entries / 500, 200, wanted.cases));
  server::set_log_level("warning");

  const std::string of = "of " + std::to_string(wanted.entries) + " entries, " +
                         std::to_string(wanted.disclosures_percent) + " % with openings that open";
  auto begin = Clock::now();
  int status = 0;
  if (!bench::make_home(wanted) || !bench::append_entries(wanted)) status = 2;
  std::uint64_t read = 0, size = 0;
  if (status == 0) {
    figure("restart_log_made", static_cast<double>(wanted.entries) / since(begin), "entries/s",
           "written by the bench's fast path " + of);
    // Nothing is kept yet: the whole ledger is read, and what was learned is kept.
    keep_early(home / "exchange.toml", wanted.entries);
    const double whole = start_once(wanted.home, read, size);
    if (whole < 0) status = 2;
    figure("restart_whole", whole, "s", "start without a snapshot, to the first append, " + of);
    figure("restart_snapshot", static_cast<double>(bytes_of(home / "snapshots")) / 1048576.0, "MiB",
           "what the start keeps, " + of);
  }
  if (status == 0 && tail > 0) {
    bench::Wanted more = wanted;
    more.entries = tail;
    more.disclosures_percent = 100;
    if (!bench::append_entries(more)) status = 2;
  }
  if (status == 0) {
    forget_pages(home);
    const double took = start_once(wanted.home, read, size);
    if (took < 0) status = 2;
    figure("restart", took, "s",
           "start after a kill, files not in memory, to the first append durable: " +
               std::to_string(size) + " entries, " + std::to_string(read) + " after the snapshot");
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    figure("restart_memory", static_cast<double>(usage.ru_maxrss) / 1024.0, "MiB",
           "peak memory of the bench, " + of);
  }
  if (std::getenv("RESTART_KEEP") == nullptr) fs::remove_all(home);
  return status;
}
