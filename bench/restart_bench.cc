// How long a start takes after a kill, until the first append is durable (G7 of the ledger's
// goals): of the whole exchange, on a log of as many entries as asked for.
//   restart_bench [entries] [percent of disclosures] [entries after the snapshot]
//   restart_bench make HOME ENTRIES [percent [of]]  makes a home, or adds entries to one that is
//                                  there, with the citizens and cases of a log of `of` entries
//   restart_bench start HOME                        one start of a home that is there already
// The home is made under $TMPDIR and removed at the end; with RESTART_HOME=DIR it is made there,
// kept, and used again by the next run. Run from the repository's root.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

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

struct Started {
  double append_s = -1;   // until the first append was durable; less than 0: it did not start
  double history_s = -1;  // until the first history of a citizen was there
  std::uint64_t read = 0, size = 0;
};

// A citizen of the log is shown his history as soon as the log can.
bool first_history(const ledger::Ledger& ledger) {
  for (;;) {
    auto history = ledger.history(bench::label_of(0), {});
    if (history) return true;
    if (history.error().reason != Reason::too_busy) {
      std::fprintf(stderr, "history: %s\n", history.error().detail.c_str());
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Started start_once(const std::string& home, bool history = true) {
  const auto begin = Clock::now();
  Started out;
  auto exchange = server::Exchange::open(home);
  if (!exchange) {
    std::fprintf(stderr, "start: %s %s\n", std::string(row_of(exchange.error().reason).id).c_str(),
                 exchange.error().detail.c_str());
    return out;
  }
  detection::Alert alert;
  alert.rule = detection::Rule::magnet;
  alert.tier = detection::Tier::review;
  alert.actor.account = AccountId{1000};
  const bool recorded = (*exchange)->record_alert(alert).has_value();
  if (!recorded) return out;
  out.append_s = since(begin);
  out.read = (*exchange)->read_at_start();
  out.size = (*exchange)->ledger().size();
  if (history && first_history((*exchange)->ledger())) out.history_s = since(begin);
  return out;
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

// What is asked for by the command's words, and as many citizens and cases as such a log has.
bench::Wanted wanted_of(const fs::path& home, std::uint64_t entries, std::uint64_t percent,
                        std::uint64_t of) {
  bench::Wanted wanted;
  wanted.home = home.string();
  wanted.entries = entries;
  wanted.disclosures_percent = static_cast<unsigned>(percent);
  // Small logs have few citizens: the vault makes a key for each.
  wanted.citizens =
      static_cast<unsigned>(std::clamp<std::uint64_t>(of / 100, 1000, wanted.citizens));
  wanted.cases = static_cast<unsigned>(std::clamp<std::uint64_t>(of / 500, 200, wanted.cases));
  return wanted;
}

bool there(const fs::path& home) { return fs::exists(home / "exchange.toml"); }

// The kept home of an earlier run has what was asked for already.
bool make_log(const bench::Wanted& wanted, bool again) {
  if (again && there(wanted.home)) return true;
  const auto begin = Clock::now();
  if (!there(wanted.home) && !bench::make_home(wanted)) return false;
  if (!bench::append_entries(wanted)) return false;
  figure("restart_log_made", static_cast<double>(wanted.entries) / since(begin), "entries/s",
         "written by the bench's fast path");
  return true;
}

void tell_restart(const Started& started) {
  const std::string words = std::to_string(started.size) + " entries, " +
                            std::to_string(started.read) + " after the snapshot";
  figure("restart", started.append_s, "s",
         "start after a kill, files not in memory, to the first append durable: " + words);
  figure("restart_history", started.history_s, "s", "the same start, to a citizen's first history");
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  figure("restart_memory", static_cast<double>(usage.ru_maxrss) / 1024.0, "MiB",
         "peak memory of the bench");
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  const std::string_view word = argc > 2 ? argv[1] : "";
  if (word == "make") {
    const std::uint64_t entries = argument(3, 100'000);
    const auto more = wanted_of(argv[2], entries, argument(4, 100), argument(5, entries));
    return make_log(more, false) ? 0 : 2;
  }
  if (word == "start") {
    forget_pages(argv[2]);
    const Started started = start_once(argv[2]);
    tell_restart(started);
    return started.append_s < 0 || started.history_s < 0 ? 2 : 0;
  }
  server::set_log_level("warning");
  const char* kept = std::getenv("RESTART_HOME");
  const char* temporary = std::getenv("TMPDIR");
  const fs::path home =
      kept != nullptr ? fs::path(kept)
                      : fs::path(temporary != nullptr ? temporary : "/var/tmp") / "restart-home";
  if (kept == nullptr) fs::remove_all(home);
  const bench::Wanted wanted =
      wanted_of(home, argument(1, 100'000), argument(2, 100), argument(1, 100'000));
  const std::uint64_t tail = argument(3, wanted.entries / 5);
  const std::string of = "of " + std::to_string(wanted.entries) + " entries, " +
                         std::to_string(wanted.disclosures_percent) + " % with openings that open";
  int status = make_log(wanted, true) ? 0 : 2;
  if (status == 0 && !fs::exists(home / "snapshots")) {
    // Nothing is kept yet: the whole ledger is read, and what was learned is kept.
    keep_early(home / "exchange.toml", wanted.entries);
    const Started whole = start_once(wanted.home);
    if (whole.append_s < 0) status = 2;
    figure("restart_whole", whole.append_s, "s",
           "start without a snapshot, to the first append, " + of);
    figure("restart_snapshot", static_cast<double>(bytes_of(home / "snapshots")) / 1048576.0, "MiB",
           "what the start keeps, " + of);
    bench::Wanted more = wanted;
    more.entries = tail;
    more.disclosures_percent = 100;
    if (status == 0 && tail > 0 && !bench::append_entries(more)) status = 2;
  }
  if (status == 0) {
    forget_pages(home);
    const Started started = start_once(wanted.home);
    if (started.append_s < 0 || started.history_s < 0) status = 2;
    tell_restart(started);
  }
  if (kept == nullptr) fs::remove_all(home);
  return status;
}
