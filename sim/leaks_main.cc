// leaks: the simulator of leaks as a program. `leaks --help` says what it takes. Exit 0: every goal
// holds; 1: one does not, or an innocent account was named; 2: trouble.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "sim/leak_runs.h"

namespace {

constexpr const char* kHelp =
    "leaks: invented leaks against the trace's own reader, index, matcher and weigher\n\n"
    "  --leaks N        leaks of each scenario (standard 200; 0: none)\n"
    "  --small N        small leaks of all kinds, to count innocents (standard 20000; 0: none)\n"
    "  --seed S         the first seed (standard 1)\n"
    "  --only TEXT      scenarios whose name holds TEXT\n"
    "  --list           the scenarios, and nothing is run\n"
    "  --json           one JSON object instead of the table\n";

int trouble(const std::string& what) {
  std::fprintf(stderr, "leaks: %s\n", what.c_str());
  return 2;
}

bool number_of(const std::string& text, std::uint64_t& out) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != text.npos)
    return false;
  out = std::strtoull(text.c_str(), nullptr, 10);
  return true;
}

struct Arguments {
  std::uint64_t leaks = 200, small = 20'000, seed = 1;
  std::string only;
  bool json = false, list = false;
};

int run(const Arguments& asked) {
  using namespace amanat::sim;
  auto which = scenarios();
  std::erase_if(which, [&](const Scenario& s) { return s.name.find(asked.only) == s.name.npos; });
  if (which.empty()) return trouble("no scenario is named like " + asked.only);
  if (asked.list) {
    for (const Scenario& s : which) std::printf("%s, %u rows\n", s.name.c_str(), s.plan.rows);
    return 0;
  }
  std::string directory = std::filesystem::temp_directory_path() / "amanat-leaks.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return trouble("cannot write into " + directory);
  RunOptions options;
  options.seed = asked.seed;
  options.leaks = asked.leaks;
  options.directory = directory;
  if (::isatty(STDERR_FILENO) != 0)
    options.progress = [](const std::string& done) { std::fprintf(stderr, "%s\n", done.c_str()); };
  if (asked.leaks == 0) which.clear();
  auto results = run_scenarios(which, options);
  auto calibration =
      results ? run_calibration(options, asked.small) : amanat::Result<Calibration>(Calibration{});
  std::filesystem::remove_all(directory);
  if (!results) return trouble(results.error().detail);
  if (!calibration) return trouble(calibration.error().detail);
  bool holds = false;
  const std::string text = leaks_text(*results, *calibration, asked.seed, holds);
  std::fputs(asked.json ? leaks_json(*results, *calibration, asked.seed).c_str() : text.c_str(),
             stdout);
  return holds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments asked;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    if (option == "--json" || option == "--list") {
      (option == "--json" ? asked.json : asked.list) = true;
      continue;
    }
    if (i + 1 == argc) return trouble(option + " takes a value, or is unknown; see --help");
    const std::string value = argv[++i];
    bool fits = true;
    if (option == "--leaks")
      fits = number_of(value, asked.leaks);
    else if (option == "--small")
      fits = number_of(value, asked.small);
    else if (option == "--seed")
      fits = number_of(value, asked.seed);
    else if (option == "--only")
      asked.only = value;
    else
      return trouble("unknown option " + option + "; see --help");
    if (!fits) return trouble(option + " " + value + " is not a number it takes");
  }
  return run(asked);
}
