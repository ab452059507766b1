#pragma once
// disclosure, decoy seed: what a decoy's seed gives, for the exchange that invents and for an outside
// checker that asks whether a number came from an account's key (docs/extracts.md). Values without
// shared state: one thread each.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/crypto.h"
#include "model/ids.h"

namespace amanat::disclosure {

/// Dice gives what a seed gives: HMAC-SHA256 of a counter under it.
class Dice {
 public:
  explicit Dice(const Digest& seed) : mac_(crypto::Bytes(seed)) {}
  std::uint64_t draw();
  /// below insists on n above 0; one draw.
  std::size_t below(std::size_t n);
  char digit() { return static_cast<char>('0' + below(10)); }
  /// skip_to goes on at a later block: what was drawn before has no part in what comes.
  void skip_to(std::uint64_t block);

 private:
  crypto::Hmac mac_;
  Digest block_{};
  std::size_t at_ = sizeof(Digest);
  std::uint64_t next_ = 0;
};

/// A decoy's number has seven drawn digits, the rest of a neighbour's. It is drawn anew while
/// somebody has it, kDecoyTries times in all: so whatever the list and the registers hold, a given
/// number comes out with a chance of at most kDecoyTries in ten million.
inline constexpr std::size_t kDecoyDigits = 13, kDecoyRegion = 5, kDecoyTries = 10;

/// seed_gives says whether a number of 13 digits is one that this seed may give.
bool seed_gives(const Digest& seed, std::string_view citizen);

}  // namespace amanat::disclosure
