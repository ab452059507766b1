// What a verdict costs, and whether it stays so with 10^5 officers and a long past (P7). The path
// is the one of a question: find officer, case and unit, lock them, holds and pace, count the
// budgets; then, the citizens known, budgets again, advance, judge, apply, commit. AMANAT_PAST sets
// how many lookups lie in the past (standard 2,000,000; P7's run is 100000000, some 12 GB).
//
// Two figures. "Back to back": nothing but verdicts, so that the small state lies in the
// processor's caches as it never does in an exchange. "In a lookup": around each verdict the
// memory is read that a lookup reads besides it (connection, record, answer, ledger's frame), the
// same number of lines of the same size of memory for either state; the verdict alone is timed.
//
// AMANAT_LOOKUP_US is a whole lookup's processor time in us as `make bench` measured it on this
// machine just before (a small exchange, one question at a time); with it the cost of a lookup
// whose verdict finds the large state stands beside it. Prints part lines (bench/README.md).

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "detection/state.h"

namespace {

using namespace amanat;
using detection::Detection;

std::uint64_t mixed(std::uint64_t z) {
  z = (z + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// One question, its answer and what the policy limits it to (examples/policy/budgets.toml).
struct Asking {
  AccountId account{};
  std::string unit, case_ref;
  detection::Look look;
};

constexpr std::uint64_t kDay = 86'400'000;
constexpr std::uint64_t kForever = 0;
constexpr std::uint64_t kBegin = 1'767'200'000'000;

std::uint32_t officer_of(std::uint64_t i, std::uint32_t officers) {
  return static_cast<std::uint32_t>(mixed(i ^ 0xabcdef) % officers);
}

// The same officers work on the same cases; one citizen in ten was asked for before.
void asking(std::uint64_t i, std::uint32_t officers, std::uint64_t at, Asking& out) {
  const std::uint32_t officer = officer_of(i, officers);
  out.account = AccountId{officer + 1};
  out.unit = "Unit " + std::to_string(officer / 50);
  out.case_ref = "FIR " + std::to_string(officer / 4) + "/26";
  detection::Look& look = out.look;
  look.order = i + 1;
  look.subject = mixed(i % 10 == 0 ? i / 2 : i);
  look.at = at;
  look.why = mixed(i ^ 77) % 20 == 0 ? detection::Why::unexplained : detection::Why::named;
  look.near.known = true;
  look.near.below = mixed(i * 3) & ~15ull;
  look.near.here = mixed(i * 3 + 1) & ~15ull;
  look.near.above = mixed(i * 3 + 2) & ~15ull;
  look.near.digit = static_cast<std::uint8_t>(i % 10);
}

// The question's first half, before the registry is read (Detection::clear).
detection::HeldByKind clear(Detection::State& s, const Asking& one) {
  const detection::HeldByKind held = s.hold_all(one.account, one.unit, one.case_ref);
  const detection::Locks locks(held);
  detection::Officer& officer = s.officer_of(*held[0].holder);
  Asker asker;
  if (!s.held_back(officer, asker, Sensitivity::ordinary)) std::abort();
  if (!officer.habits.paced(s.tuned, one.look.at)) return held;
  held[0].holder->seen.count(30 * kDay, one.look.at);
  held[0].holder->seen.count(365 * kDay, one.look.at);
  held[1].holder->seen.count(kForever, one.look.at);
  held[2].holder->seen.count(30 * kDay, one.look.at);
  for (const auto& h : held) ++h.holder->pending;
  return held;
}

// The second half, the citizens known, and the record durable (settle, judge, commit).
void settle(Detection::State& s, const Asking& one, const detection::HeldByKind& held,
            std::vector<std::uint64_t>& subjects, std::vector<detection::Look>& looks) {
  subjects.assign(1, one.look.subject);
  looks.assign(1, one.look);
  const detection::Locks locks(held);
  s.soon(held, one.look.subject);
  for (std::size_t k = 0; k < detection::kKinds; ++k)
    held[k].holder->seen.fresh(subjects, k == 1 ? kForever : 30 * kDay, one.look.at);
  detection::Officer& officer = s.officer_of(*held[0].holder);
  const detection::Company company = s.company_of(held, true, true);
  officer.habits.advance(s.tuned, one.look.at, company.peers);
  detection::Tried tried = officer.habits.judge(s.tuned, looks, company);
  tried.trip.reset();  // the past is what it is: everything here was answered
  officer.habits.apply(s.tuned, looks, tried, company);
  Asker asker;
  asker.account = one.account;
  s.note_magnets(officer, asker, Question{}, looks, {Label{}});
  s.count_day(officer, looks);
  s.is_canary(one.look.subject);
  for (const auto& h : held) {
    h.holder->seen.see(one.look.subject, one.look.at);
    --h.holder->pending;
  }
}

struct Cost {
  double both = 0, both_p99 = 0;    // the two halves back to back, nothing in between
  double apart = 0, apart_p99 = 0;  // with a lookup's work around them, not counted
  double past_seconds = 0;
  std::size_t bytes = 0;
};

// What lies around the halves: between them the registry finds and opens a record, some
// microseconds in which memory answers what clear() asked for; before them a request is read, after
// them an answer is sealed, recorded and written. Here hashes of a record's size, and 12 KB of
// lines on either side, of a buffer the size of what connections, blocks of records and frames
// take.
class Lookups {
 public:
  Lookups() : memory_(std::size_t{256} << 20, 'm'), record_(600, 'r') {}
  void work() {
    for (int i = 0; i < 8; ++i)
      record_[static_cast<std::size_t>(i)] = static_cast<char>(crypto::sha256(record_)[0]);
    for (unsigned i = 0; i < kLines; ++i) {
      // Runs of four lines, as buffers are.
      if (i % 4 == 0) at_ = mixed(at_ + i) % (memory_.size() - 256) & ~std::size_t{63};
      memory_[at_ + i % 4 * 64] = static_cast<char>(memory_[at_ + i % 4 * 64] + 1);
    }
  }

 private:
  static constexpr unsigned kLines = 192;
  std::string memory_, record_;
  std::size_t at_ = 1;
};

double micro_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
}

double quantile(std::vector<double>& values, double q) {
  const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * q);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

// Two threads let the past happen, each the units of its own half: what one sees the other's
// officers never do.
constexpr std::uint32_t kHalves = 2, kTogether = 100;  // officers: whole units and whole cases
void live(Detection::State& s, std::uint32_t officers, std::uint64_t past, std::uint32_t half) {
  std::vector<std::uint64_t> subjects;
  std::vector<detection::Look> looks;
  Asking one;
  for (std::uint64_t i = 0; i < past; ++i) {
    if (past >= 10'000'000 && half == 0 && i % 10'000'000 == 0)
      std::fprintf(stderr, "  %llu of %llu past lookups\n", static_cast<unsigned long long>(i),
                   static_cast<unsigned long long>(past));
    if (officer_of(i, officers) / kTogether % kHalves != half) continue;
    asking(i, officers,
           kBegin + static_cast<std::uint64_t>(static_cast<double>(i) / static_cast<double>(past) *
                                               static_cast<double>(365 * kDay)),
           one);
    settle(s, one, clear(s, one), subjects, looks);
  }
}

Cost cost_with(std::uint32_t officers, std::uint64_t past) {
  detection::Options options;
  options.parameters = detection::Parameters{};
  Detection::State s(std::move(options));
  const auto began = std::chrono::steady_clock::now();
  std::thread other([&] { live(s, officers, past, 1); });
  live(s, officers, past, 0);
  other.join();
  Cost cost;
  cost.past_seconds = micro_since(began) / 1e6;
  constexpr std::uint64_t kTimed = 100'000;
  const std::uint64_t now = kBegin + 365 * kDay;
  std::vector<std::uint64_t> subjects;
  std::vector<detection::Look> looks;
  std::vector<double> both, apart;
  Lookups lookups;
  Asking one;
  // First one kind, then the other: what a lookup reads must not be out of the way for half of it.
  for (std::uint64_t i = 0; i < 2 * kTimed; ++i) {
    const bool together = i < kTimed;
    asking(past + i, officers, now + i * 100, one);
    if (!together) lookups.work();
    const auto from = std::chrono::steady_clock::now();
    const detection::HeldByKind held = clear(s, one);
    const double first = micro_since(from);
    if (!together) lookups.work();
    const auto again = std::chrono::steady_clock::now();
    settle(s, one, held, subjects, looks);
    (together ? both : apart).push_back(first + micro_since(again));
  }
  cost.both = quantile(both, 0.5);
  cost.both_p99 = quantile(both, 0.99);
  cost.apart = quantile(apart, 0.5);
  cost.apart_p99 = quantile(apart, 0.99);
  for (const auto& kind : s.shards)
    for (const detection::Shard& shard : kind)
      for (const detection::Kept& kept : shard.holders) {
        cost.bytes += sizeof kept + kept.holder.seen.bytes();
        if (kept.holder.officer) cost.bytes += kept.holder.officer->habits.bytes();
        if (kept.holder.shared) cost.bytes += kept.holder.shared->ring.bytes();
      }
  return cost;
}

// The floor: one read that nothing could have asked for beforehand, from a gigabyte.
double memory_latency_ns() {
  std::vector<std::uint32_t> next((std::size_t{1} << 30) / sizeof(std::uint32_t));
  for (std::size_t i = 0; i < next.size(); ++i)
    next[i] = static_cast<std::uint32_t>(mixed(i) % next.size());
  std::uint32_t at = 1;
  constexpr int kSteps = 2'000'000;
  const std::clock_t from = std::clock();  // processor time: the machine may be shared
  for (int i = 0; i < kSteps; ++i) at = next[at] ^ static_cast<std::uint32_t>(i & 1);
  const double ns = static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC * 1e9 / kSteps;
  return at == 0xffffffff ? 0 : ns;
}

void print(const char* what, std::uint64_t past, const Cost& c) {
  std::printf(
      "%-16s %11llu past: in a lookup p50 %5.2f p99 %5.2f us, back to back %5.2f, %5.2f  "
      "%6.0f MB  past at %.2f M/s\n",
      what, static_cast<unsigned long long>(past), c.apart, c.apart_p99, c.both, c.both_p99,
      static_cast<double>(c.bytes) / 1e6, static_cast<double>(past) / c.past_seconds / 1e6);
}

}  // namespace

int main(int, char** argv) {
  // As the service's unit sets it (packaging/): wide pages for what is large, so that a read that
  // misses the cache does not also wait for the page table.
  if (std::getenv("MIMALLOC_LARGE_OS_PAGES") == nullptr) {
    ::setenv("MIMALLOC_LARGE_OS_PAGES", "1", 1);
    ::execv("/proc/self/exe", argv);
  }
  const char* wanted = std::getenv("AMANAT_PAST");
  const std::uint64_t past = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 2'000'000;
  const double ns = memory_latency_ns();
  const Cost small = cost_with(1000, 100'000);
  print("1,000 officers", 100'000, small);
  const Cost large = cost_with(100'000, past);
  print("100,000 officers", past, large);
  const double ratio = large.apart / small.apart;
  std::printf(
      "a read of memory that nothing asked for beforehand: %.0f ns\n"
      "ratio of the verdict in a lookup %.2f, back to back %.2f; of p99 %.2f and %.2f\n",
      ns, ratio, large.both / small.both, large.apart_p99 / small.apart_p99,
      large.both_p99 / small.both_p99);
  const auto part = [](const char* name, double value, const char* unit, const std::string& what) {
    std::printf("part\t%s\t%.2f\t%s\t%s\n", name, value, unit, what.c_str());
  };
  const std::string of_large = "100,000 officers, " + std::to_string(past) + " past lookups";
  part("detection_verdict", small.apart, "us",
       "the whole verdict in a lookup, 1,000 officers, 100,000 past lookups: median");
  part("detection_verdict_large", large.apart, "us", "the same, " + of_large);
  part("detection_verdict_large_p99", large.apart_p99, "us", "the same, 99th percentile");
  part("detection_verdict_ratio", ratio, "x", "the verdict alone, large to small");
  const char* lookup = std::getenv("AMANAT_LOOKUP_US");
  const double whole = lookup != nullptr ? std::strtod(lookup, nullptr) : 0;
  bool holds = large.apart_p99 <= 50;
  if (whole > small.apart) {
    const double with_large = whole - small.apart + large.apart;
    part("detection_lookup_ratio", with_large / whole, "x",
         "a lookup's processor time (" + std::string(lookup) +
             " us, measured above) with that verdict in place of the small one");
    holds = holds && with_large / whole <= 1.3;
  }
  std::printf(
      "goals: verdict p99 <= 50 us; a lookup within 1.3 of small (DESIGN P7), which "
      "AMANAT_LOOKUP_US lets it judge\n");
  return holds ? 0 : 1;
}
