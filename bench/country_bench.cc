// How fast the invented country is made, and the files that the rest of the bench is fed with.
//
//   country_bench CITIZENS DIRECTORY      prints {"citizens":n,"seconds":…,"per_second":…}

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/country.h"

int main(int argc, char** argv) {
  amanat::cli::CountryOptions options;
  const char* const end = argc == 3 ? argv[1] + std::strlen(argv[1]) : nullptr;
  if (argc != 3 || std::from_chars(argv[1], end, options.citizens).ptr != end) {
    std::fputs("usage: country_bench CITIZENS DIRECTORY\n", stderr);
    return 2;
  }
  options.directory = argv[2];
  options.seed = 7;
  options.today = amanat::cli::today_utc();
  const auto begin = std::chrono::steady_clock::now();
  const auto country = amanat::cli::write_country(options, nullptr);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!country) {
    std::fprintf(stderr, "country_bench: %s\n", country.error().detail.c_str());
    return 2;
  }
  std::printf("{\"citizens\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}\n",
              static_cast<unsigned long long>(country->citizens), seconds,
              static_cast<double>(country->citizens) / seconds);
  return 0;
}
