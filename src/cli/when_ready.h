#pragma once
// A home that was just opened makes its histories ready first: a command waits for that, where a
// server's caller is told to come again.

#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/commands.h"
#include "model/result.h"

namespace amanat::cli {

/// when_ready asks until the answer is another than too_busy, 90 seconds at most; it says so once on
/// standard error.
template <class Ask>
auto when_ready(const Call& call, Ask ask) {
  constexpr auto kMost = std::chrono::seconds(90);
  const auto until = std::chrono::steady_clock::now() + kMost;
  bool said = false;
  for (;;) {
    auto answer = ask();
    if (answer || answer.error().reason != Reason::too_busy ||
        std::chrono::steady_clock::now() > until)
      return answer;
    if (!said && call.manner.progress) std::fputs("Histories are being made ready ...\n", stderr);
    said = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace amanat::cli
