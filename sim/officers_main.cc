// officers: the simulator as a program. `officers --help` says what it takes. Exit 0: every goal
// holds; 1: one does not; 2: trouble.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "sim/table.h"

namespace {

constexpr const char* kHelp =
    "officers: honest and dishonest officers against the exchange's own verdict function\n\n"
    "  --officers N      honest officers a seed (standard 10000)\n"
    "  --seeds N         how many years are played (standard 20)\n"
    "  --seed S          the first seed (standard 1)\n"
    "  --insiders N      insiders of each kind, over all seeds (standard 2000)\n"
    "  --days N          rostered days an insider has (standard 120)\n"
    "  --threads N       play so many seeds at a time (standard 1); the figures are the same\n"
    "  --parameters FILE a detection.toml (standard: the one built in)\n"
    "  --plots DIR       write officers-lost.svg and officers-found.svg there\n"
    "  --json            one JSON object instead of the table\n";

int trouble(const std::string& what) {
  std::fprintf(stderr, "officers: %s\n", what.c_str());
  return 2;
}

bool number_of(const std::string& text, std::uint64_t most, std::uint64_t& out) {
  if (text.empty() || text.size() > 12 || text.find_first_not_of("0123456789") != text.npos)
    return false;
  out = std::strtoull(text.c_str(), nullptr, 10);
  return out >= 1 && out <= most;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace amanat;
  std::uint64_t officers = 10'000, seeds = 20, seed = 1, insiders = 2000, days = 120, threads = 1;
  std::string plots;
  bool json = false;
  detection::Parameters parameters;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    if (option == "--json") {
      json = true;
      continue;
    }
    if (i + 1 == argc) return trouble(option + " takes a value, or is unknown; see --help");
    const std::string value = argv[++i];
    bool fits = true;
    if (option == "--officers")
      fits = number_of(value, 1'000'000, officers);
    else if (option == "--seeds")
      fits = number_of(value, 10'000, seeds);
    else if (option == "--seed")
      fits = number_of(value, 1'000'000'000, seed);
    else if (option == "--insiders")
      fits = number_of(value, 1'000'000, insiders);
    else if (option == "--days")
      fits = number_of(value, 2000, days);
    else if (option == "--threads")
      fits = number_of(value, 64, threads);
    else if (option == "--plots")
      plots = value;
    else if (option == "--parameters") {
      std::ifstream in(value, std::ios::binary);
      std::stringstream text;
      text << in.rdbuf();
      if (!in) return trouble("cannot read " + value);
      auto read = detection::read_parameters(text.str(), value);
      if (!read) return trouble(read.error().detail);
      parameters = *read;
    } else {
      return trouble("unknown option " + option + "; see --help");
    }
    if (!fits) return trouble(option + " " + value + " is out of range");
  }
  const detection::Tuned tuned(parameters);
  const sim::Honest honest;
  sim::Run run;
  run.officers = static_cast<unsigned>(officers);
  run.seeds = static_cast<unsigned>(seeds);
  run.insiders = static_cast<unsigned>(insiders);
  run.days = static_cast<unsigned>(days);
  run.first_seed = seed;
  run.play(tuned, honest, static_cast<unsigned>(threads), [](std::size_t done, std::size_t of) {
    std::fprintf(stderr, "%zu of %zu\n", done, of);
  });
  bool holds = false;
  const std::string text = sim::as_text(run, holds);
  std::cout << (json ? sim::as_json(run) : text) << std::flush;
  if (!plots.empty()) {
    std::ofstream(plots + "/officers-lost.svg") << sim::loss_plot(run);
    std::ofstream found(plots + "/officers-found.svg");
    found << sim::found_plot(run);
    if (!found) return trouble("cannot write into " + plots);
  }
  return holds ? 0 : 1;
}
