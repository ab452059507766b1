#pragma once
// How long a test runs and with which luck: set from outside for the full runs (`make soak`,
// docs/ledger-tests.md).

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace amanat::ledger {

/// number_from is the environment's number, or `otherwise`.
inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// LongRunSeed is AMANAT_SEED, or one drawn anew: 32 bits, so that either can be given again.
struct LongRunSeed {
  std::uint64_t value = number_from("AMANAT_SEED", std::random_device{}());
  std::string text() const { return "AMANAT_SEED=" + std::to_string(value); }
};

}  // namespace amanat::ledger
