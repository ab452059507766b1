#include "crypto/siphash.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <numeric>
#include <random>
#include <string>

namespace amanat::crypto {
namespace {

std::array<std::uint8_t, 16> counting_key() {
  std::array<std::uint8_t, 16> key{};
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  return key;
}

TEST(SipHash, TheVectorsOfThePaperHold) {
  // Appendix A of the paper, and the first of the reference implementation's vectors.
  const SipHash hash(counting_key());
  std::string text;
  for (char c = 0; c < 15; ++c) text.push_back(c);
  EXPECT_EQ(hash(text), 0xa129ca6149be45e5u);
  EXPECT_EQ(hash(""), 0x726fdb47dd0e0e31u);
}

TEST(SipHash, ItAgreesWithLibsodiumAtEveryLength) {
  const auto key = counting_key();
  const SipHash hash(key);
  std::mt19937_64 draw(5);
  std::string text;
  for (std::size_t n = 0; n < 100; ++n) {
    std::array<unsigned char, 8> expected{};
    crypto_shorthash_siphash24(expected.data(), reinterpret_cast<const unsigned char*>(text.data()),
                               text.size(), key.data());
    std::uint64_t number = 0;
    std::memcpy(&number, expected.data(), 8);
    EXPECT_EQ(hash(text), number) << n;
    text.push_back(static_cast<char>(draw()));
  }
}

}  // namespace
}  // namespace amanat::crypto
