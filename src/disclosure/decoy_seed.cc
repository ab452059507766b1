#include "disclosure/decoy_seed.h"

#include <string>

#include "model/insist.h"

namespace amanat::disclosure {

std::uint64_t Dice::draw() {
  if (at_ == block_.size()) {
    block_ = mac_.mac(std::to_string(next_++));
    at_ = 0;
  }
  std::uint64_t n = 0;
  for (int i = 0; i < 8; ++i) n = n << 8 | block_[at_++];
  return n;
}

std::size_t Dice::below(std::size_t n) {
  insist(n > 0);
  return static_cast<std::size_t>(draw() % n);
}

void Dice::skip_to(std::uint64_t block) {
  next_ = block;
  at_ = block_.size();
}

bool seed_gives(const Digest& seed, std::string_view citizen) {
  if (citizen.size() != kDecoyDigits) return false;
  Dice dice(seed);
  for (std::size_t tries = 0; tries < kDecoyTries; ++tries) {
    dice.draw();  // whose region it has
    std::string drawn;
    for (std::size_t d = kDecoyRegion; d + 1 < kDecoyDigits; ++d) drawn.push_back(dice.digit());
    if (citizen.substr(kDecoyRegion, drawn.size()) == drawn) return true;
  }
  return false;
}

}  // namespace amanat::disclosure
