// An auditor's search over many entries, as the console's page asks it (lookup/trails.h): the first
// page of every kind of filter, the worst of them being the one that finds nothing, and the month
// of a unit's officers. The entries are made as they are scanned; nothing of them is held.
//
//   search_bench [ENTRIES=10000000] [ROUNDS=5]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "lookup/trails.h"
#include "model/insist.h"

namespace {

using namespace amanat;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBegin = 1'795'348'800'000, kDayMs = 86'400'000, kOfficers = 20'000;
constexpr std::uint64_t kSpanMs = 400 * kDayMs;

double ms_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

// The same entries each time: officers ask at a Zipf-like pace, one in twenty is refused.
ledger::Opened made(std::uint64_t i, std::uint64_t entries) {
  static const char* const kPurposes[] = {"crime-investigation", "complaint-inquiry",
                                          "desk-verification", "token-verification"};
  std::uint64_t x = (i + 1) * 0x9E3779B97F4A7C15ull;
  x ^= x >> 29;
  ledger::Opened entry;
  entry.index = EntryIndex{i};
  entry.time = Moment{kBegin + i * (kSpanMs / entries)};
  entry.type = x % 20 == 0 ? EntryType::denied : EntryType::disclosure;
  entry.actor.emplace();
  // One officer, 7, asked once in the whole log, at its beginning.
  entry.actor->account =
      AccountId{static_cast<std::uint32_t>(i == 3 ? 7 : 100 + (x >> 8) % kOfficers)};
  entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1] = kPurposes[(x >> 40) % 4];
  return entry;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (entries < 1000 || rounds < 1) {
    std::fprintf(stderr, "search_bench [ENTRIES] [ROUNDS]\n");
    return 2;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "amanat-bench-XXXXXX").string();
  insist(::mkdtemp(folder.data()) != nullptr);
  int code = 0;
  {
    lookup::Trails::Options options;
    options.file = folder + "/trails";
    options.key.mutable_bytes()[0] = 7;
    auto trails = lookup::Trails::open(options);
    insist(trails.has_value());
    const auto scan = [entries](
                          EntryIndex from,
                          const std::function<bool(const ledger::Opened&)>& visit) -> Result<void> {
      for (std::uint64_t i = number(from); i < entries; ++i)
        if (!visit(made(i, entries))) break;
      return {};
    };
    const auto began = Clock::now();
    for (;;) {
      auto more = (*trails)->catch_up(scan, 1 << 20);
      insist(more.has_value());
      if (!*more) break;
    }
    std::printf("%llu entries taken in, in %.1f s; %.1f bytes an entry\n",
                static_cast<unsigned long long>(entries), ms_since(began) / 1000,
                static_cast<double>(std::filesystem::file_size(options.file)) /
                    static_cast<double>(entries));
    struct Asked {
      const char* what;
      lookup::TrailQuery query;
    };
    std::vector<Asked> asked(8);
    asked[0].what = "everything";
    asked[1] = {"one officer", {}};
    asked[1].query.account = AccountId{4711};
    asked[2] = {"one purpose", {}};
    asked[2].query.purpose = "token-verification";
    asked[3] = {"refusals", {}};
    asked[3].query.type = EntryType::denied;
    asked[4] = {"one officer's refusals for one purpose", {}};
    asked[4].query.account = AccountId{4711};
    asked[4].query.type = EntryType::denied;
    asked[4].query.purpose = "complaint-inquiry";
    asked[5] = {"a day a year ago", {}};
    asked[5].query.from = Moment{kBegin + 30 * kDayMs};
    asked[5].query.to = Moment{kBegin + 31 * kDayMs};
    asked[6] = {"an officer who asked once, at the beginning", {}};
    asked[6].query.account = AccountId{7};
    asked[7] = {"what is not there", {}};
    asked[7].query.account = AccountId{99'999'999};
    double worst = 0;
    const char* slowest = "";
    for (const Asked& one : asked) {
      std::vector<double> took;
      std::size_t lines = 0;
      for (int i = 0; i < rounds; ++i) {
        const auto from = Clock::now();
        auto page = (*trails)->find(one.query);
        took.push_back(ms_since(from));
        insist(page.has_value() && page->entries == entries);
        lines = page->lines.size();
      }
      std::sort(took.begin(), took.end());
      std::printf("%-45s %3zu lines  median %7.1f ms  slowest %7.1f ms\n", one.what, lines,
                  took[took.size() / 2], took.back());
      if (took.back() > worst) {
        worst = took.back();
        slowest = one.what;
      }
      if (one.query.account == AccountId{7} && lines != 1) code = 1;
      if (one.query.account == AccountId{99'999'999} && lines != 0) code = 1;
    }
    std::set<AccountId> unit;
    for (std::uint32_t i = 0; i < 25; ++i) unit.insert(AccountId{4000 + i});
    const auto from = Clock::now();
    auto tally = (*trails)->tally(unit, Moment{kBegin + kSpanMs - 30 * kDayMs}, 4'000'000);
    const double counted = ms_since(from);
    insist(tally.has_value());
    std::printf("%-45s %3zu lines  %7.1f ms\n", "a unit's month, counted", tally->counts.size(),
                counted);
    std::printf(
        "part\tsearch_first_page\t%.1f\tms\tthe slowest first page of eight searches over %llu "
        "entries (%s)\n",
        worst, static_cast<unsigned long long>(entries), slowest);
    std::printf("part\tsearch_team\t%.1f\tms\tthirty days of a unit of 25, of the same entries\n",
                counted);
    if (worst > 300) std::printf("The goal is 300 ms.\n");
  }
  std::filesystem::remove_all(folder);
  return code;
}
