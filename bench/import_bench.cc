// Import end to end: an invented country's files parsed, normalised, encrypted, indexed and written
// to a RocksDB store of their own, one importing thread.
//   import_bench [seconds] [dataset]      files lie under $TMPDIR and are removed
// The country's size is chosen so that the import of its persons takes about that long. CPU time is
// the whole process's, RocksDB's threads included; records/s/core is one core's share by it.

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "cli/country.h"
#include "registry/registry.h"

namespace {

using namespace amanat;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

struct Spent {
  std::uint64_t rows = 0, records = 0;
  double wall = 0, cpu = 0;
};

int trouble(const Failure& failure) {
  std::fprintf(stderr, "import_bench: %s: %s\n", std::string(row_of(failure.reason).id).c_str(),
               failure.detail.c_str());
  return 2;
}

void print(const char* name, const Spent& s, const char* what) {
  const auto rows = static_cast<double>(s.rows), records = static_cast<double>(s.records);
  std::printf("part\timport_%s\t%.0f\trecords/s\t%s: records a second, one importing thread\n",
              name, records / s.wall, what);
  std::printf("part\timport_%s_core\t%.0f\trecords/s/core\t%s: by the CPU time of all threads\n",
              name, records / s.cpu, what);
  std::printf("part\timport_%s_cpu\t%.2f\tus\t%s: CPU a row\n", name, s.cpu / rows * 1e6, what);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const char* const tmp = std::getenv("TMPDIR");
  const std::string home = std::string(tmp != nullptr ? tmp : "/tmp") + "/import-bench";
  std::filesystem::remove_all(home);
  std::filesystem::create_directories(home + "/files");
  cli::CountryOptions country;
  country.directory = home + "/files";
  country.citizens = static_cast<std::uint64_t>(std::max(10'000.0, seconds * 60'000));
  country.seed = 7;
  country.today = cli::today_utc();
  auto made = cli::write_country(country, nullptr);
  if (!made) return trouble(made.error());

  auto catalog = registry::Catalog::load("catalog/pakistan");
  if (!catalog) return trouble(catalog.error());
  auto vault = vault::Vault::create(storage::system_disk(), home + "/keys");
  if (!vault) return trouble(vault.error());
  auto store = storage::open_rocks(home + "/store", {});
  if (!store) return trouble(store.error());
  registry::Registry registry(*catalog, **store, **vault);
  const char* const datasets[] = {"identity.persons", "telecom.subscribers", "telecom.calls",
                                  "hotels.stays", "police.firs"};
  const auto count = [&](std::string_view dataset) -> std::uint64_t {
    if (auto counts = registry.counts())
      for (const auto& one : *counts)
        if (one.dataset == dataset) return one.records;
    return 0;
  };
  Spent all, persons, again;
  for (const char* dataset : datasets) {
    std::string file;
    for (const auto& f : made->files)
      if (f.dataset == dataset) file = home + "/files/" + f.name;
    if (file.empty() || (argc > 2 && std::string_view(dataset) != argv[2])) continue;
    for (const bool repeated : {false, true}) {
      if (repeated && std::string(dataset) != "identity.persons") continue;
      const double cpu = cpu_seconds();
      const auto begin = Clock::now();
      auto report = registry.import(dataset, file, {});
      if (!report) return trouble(report.error());
      const Spent s{report->rows, repeated ? report->repeated : count(dataset),
                    std::chrono::duration<double>(Clock::now() - begin).count(),
                    cpu_seconds() - cpu};
      std::fprintf(
          stderr, "%-20s %9llu rows %9llu records %7.2f s %7.2f s CPU %6.2f us/row, peak %ld MiB\n",
          repeated ? "... again" : dataset, static_cast<unsigned long long>(s.rows),
          static_cast<unsigned long long>(s.records), s.wall, s.cpu,
          s.cpu / static_cast<double>(s.rows) * 1e6, peak_mib());
      if (repeated) {
        again = s;
        continue;
      }
      all.rows += s.rows, all.records += s.records, all.wall += s.wall, all.cpu += s.cpu;
      if (std::string(dataset) == "identity.persons") persons = s;
    }
  }
  print("persons", persons, "identity.persons");
  print("again", again, "the same file again, all repeated");
  print("all", all, "all files of the country");
  std::printf("part\timport_memory\t%ld\tMiB\tpeak memory of the process\n", peak_mib());
  store->reset();
  std::filesystem::remove_all(home);
  return 0;
}
