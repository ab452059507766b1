// What the book of unpaid keys costs a lookup (docs/vault-format.md): one account, one citizen,
// handed over and settled, with so many threads.
//
//   gate_bench          prints part lines for bench/parts.sh

#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "vault/debts.h"

namespace {

using namespace amanat;
std::uint64_t cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

double nanoseconds_each(unsigned threads, std::uint64_t rounds) {
  vault::Debts debts;
  std::atomic<std::uint64_t> index{0}, spent{0};
  const auto work = [&] {
    const std::uint64_t begin = cpu_ns();
    Label label{};
    for (std::uint64_t i = 0; i < rounds; ++i) {
      label[0] = static_cast<std::uint8_t>(i);
      auto account = debts.open();
      if (!account || !debts.owe(**account, label)) std::abort();
      debts.waiting(**account);
      const vault::Paid paid{label, EntryIndex{index.fetch_add(1)}, now()};
      if (!debts.settle(**account, std::span(&paid, 1))) std::abort();
    }
    spent += cpu_ns() - begin;
  };
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t) all.emplace_back(work);
  for (auto& one : all) one.join();
  return static_cast<double>(spent) / static_cast<double>(rounds * threads);
}

}  // namespace

int main() {
  constexpr std::uint64_t kRounds = 2'000'000;
  std::printf("part\tgate_debt\t%.4g\tns\tCPU of a key's debt, opened and settled, one thread\n",
              nanoseconds_each(1, kRounds));
  std::printf("part\tgate_debt_2\t%.4g\tns\tthe same, two threads at once\n",
              nanoseconds_each(2, kRounds));
  return 0;
}
