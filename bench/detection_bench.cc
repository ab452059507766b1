// What a verdict costs, and whether it stays so with 10^5 officers and a long past (P7). The path
// is the one a start and a request share: find officer, case and unit, lock, advance, judge, apply.
// AMANAT_PAST sets how many lookups lie in the past (standard 2,000,000; P7's run is 100000000).

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "detection/detection.h"

namespace {

using namespace amanat;

std::uint64_t mixed(std::uint64_t z) {
  z = (z + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

struct Cost {
  double mean = 0, p50 = 0, p99 = 0, past_seconds = 0;
  std::size_t bytes = 0;
};

// Each lookup as its entry tells of it; prepared beforehand so that only the verdict is timed.
struct Told {
  std::string judged, case_ref, unit;
  Actor actor;
};

Told lookup(std::uint64_t i, std::uint32_t officers, std::uint64_t at) {
  detection::Look look;
  look.order = i + 1;
  look.subject = mixed(i);
  look.at = at;
  look.why = mixed(i ^ 77) % 20 == 0 ? detection::Why::unexplained : detection::Why::named;
  look.near.known = true;
  look.near.below = mixed(i * 3) & ~15ull;
  look.near.here = mixed(i * 3 + 1) & ~15ull;
  look.near.above = mixed(i * 3 + 2) & ~15ull;
  look.near.digit = static_cast<std::uint8_t>(i % 10);
  const auto officer = static_cast<std::uint32_t>(mixed(i ^ 0xabcdef) % officers);
  Told told;
  told.judged = detection::words_of(look);
  told.case_ref = "FIR " + std::to_string(officer % 5000) + "/26";
  told.unit = "Unit " + std::to_string(officer / 50);
  told.actor = Actor{AccountId{officer + 1}, KeyKind::passkey, Digest{}};
  return told;
}

void tell(detection::Detection& detection, std::uint64_t i, const Told& told) {
  detection::Past past;
  past.index = EntryIndex{i};
  past.type = EntryType::disclosure;
  past.actor = told.actor;
  past.unit = told.unit;
  past.case_ref = told.case_ref;
  past.judged = told.judged;
  detection.replay(past);
}

Cost cost_with(std::uint32_t officers, std::uint64_t past) {
  detection::Options options;
  options.parameters = detection::Parameters{};
  detection::Detection detection(std::move(options));
  using Clock = std::chrono::steady_clock;
  const std::uint64_t begin = 1'767'200'000'000, year = 365ull * 86'400'000;
  const std::clock_t began = std::clock();
  for (std::uint64_t i = 0; i < past; ++i)
    tell(detection, i, lookup(i, officers, begin + year * i / past));
  Cost cost;
  cost.past_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  constexpr std::uint64_t kTimed = 100'000;
  std::vector<Told> told;
  for (std::uint64_t i = 0; i < kTimed; ++i)
    told.push_back(lookup(past + i, officers, begin + year + i * 100));
  std::vector<double> micro;
  for (std::uint64_t i = 0; i < kTimed; ++i) {
    const auto from = Clock::now();
    tell(detection, past + i, told[i]);
    micro.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count());
    cost.mean += micro.back() / kTimed;
  }
  std::sort(micro.begin(), micro.end());
  cost.p50 = micro[kTimed / 2];
  cost.p99 = micro[kTimed * 99 / 100];
  cost.bytes = detection.bytes();
  return cost;
}

void print(const char* what, std::uint64_t past, const Cost& cost) {
  std::printf(
      "%-16s %12llu past   mean %6.2f  p50 %6.2f  p99 %6.2f us a verdict   %6.0f MB   %.2f M/s "
      "rebuilt\n",
      what, static_cast<unsigned long long>(past), cost.mean, cost.p50, cost.p99,
      static_cast<double>(cost.bytes) / 1e6, static_cast<double>(past) / cost.past_seconds / 1e6);
}

}  // namespace

int main() {
  const char* wanted = std::getenv("AMANAT_PAST");
  const std::uint64_t past = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 2'000'000;
  const Cost small = cost_with(1000, 100'000);
  print("1,000 officers", 100'000, small);
  const Cost large = cost_with(100'000, past);
  print("100,000 officers", past, large);
  std::printf(
      "ratio of medians %.2f, of p99 %.2f; goals: p99 <= 50 us, and within 1.3 of a lookup's 20 "
      "us: +%.1f %%\n",
      large.p50 / small.p50, large.p99 / small.p99, (large.p50 - small.p50) / 20 * 100);
  return large.p99 <= 50 ? 0 : 1;
}
