#pragma once
// cli, families of the invented country: who is whose child, and who married whom, in one block.
// A block is closed: nobody in it has kin outside, so that blocks can be made one after the other.

#include <array>
#include <cstdint>
#include <vector>

namespace amanat::cli {

/// Chance is a small reproducible generator (splitmix64, Steele et al. 2014). Not for secrets.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// below returns 0 .. n-1; the bias of 2^-32 at most does not matter here.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32); }
  /// in returns low .. high.
  std::int32_t in(std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(below(static_cast<std::uint32_t>(high - low + 1)));
  }
  /// happens is true `in_ten_thousand` times in 10,000.
  bool happens(std::uint32_t in_ten_thousand) { return below(10'000) < in_ten_thousand; }

 private:
  std::uint64_t state_;
};

inline constexpr std::int32_t kNobody = -1;

struct Citizen {
  std::uint64_t national_id = 0;              // given by the country
  std::int32_t born = 0;                      // days since 1970
  std::int32_t father = kNobody, mother = kNobody, spouse = kNobody;   // places in the block
  std::uint32_t household = 0;                // place in Block::households
  std::uint16_t given = 0, surname = 0;       // places in the name lists
  std::uint16_t fathers_given = 0, fathers_surname = 0;
  bool male = false;
};

struct Household {
  std::uint32_t house = 0, street = 0, area = 0;
};

struct Block {
  std::vector<Citizen> citizens;
  std::vector<Household> households;
};

/// make_block makes exactly `size` citizens of several generations; `today` in days since 1970.
Block make_block(std::uint32_t size, std::int32_t today, Chance& chance);

inline bool is_adult(const Citizen& c, std::int32_t today) { return today - c.born >= 18 * 366; }

}  // namespace amanat::cli
