#include "crypto/vrf.h"

#include <gtest/gtest.h>

namespace amanat::crypto {
namespace {

Key256 key_from_hex(std::string_view text) {
  const auto raw = from_hex(text);
  EXPECT_TRUE(raw && raw->size() == 32);
  Key256 key;
  std::copy(raw->begin(), raw->end(), key.mutable_bytes().begin());
  return key;
}

constexpr std::string_view kAlpha = "c2sp.org/vrf-r255";

// The vector of C2SP vrf-r255.
TEST(Vrf, GivesTheKnownAnswerOfTheSpecification) {
  const auto key = VrfKey::from_scalar(
      key_from_hex("3431c2b03533e280b23232e280b34e2c3132c2b03238e280b23131e280b34500"));
  ASSERT_TRUE(key);
  EXPECT_EQ(hex(key->public_key()),
            "54136cd90d99fbd1d4e855d9556efea87ba0337f2a6ce22028d0f5726fcb854e");
  EXPECT_EQ(
      hex(key->prove(bytes_of(kAlpha))),
      "0a97d961262fb549b4175c5117860f42ae44a123f93c476c439eddd1c0cff9265c805525233e2284dbed45e5"
      "93b8eea31d5ca9734d72bcbba9738d5237f955f3b2422351149d1312503b6441a47c940c");
  EXPECT_EQ(
      hex(key->output(bytes_of(kAlpha))),
      "dd653f0879b48c3ef69e13551239bec4cbcc1c18fe8894de2e9e1c790e18273603bf1c6c25d7a797aeff3c43fd"
      "32b974d3fcbd4bcce916007097922a3ea3a794");
}

TEST(Vrf, AProofVerifiesForItsValueAndNoOther) {
  const VrfKey key = VrfKey::from_seed(random_key());
  const VrfProof proof = key.prove(bytes_of("3520212345671"));
  const auto beta = vrf_verify(key.public_key(), bytes_of("3520212345671"), proof);
  ASSERT_TRUE(beta);
  EXPECT_EQ(*beta, key.output(bytes_of("3520212345671")));
  EXPECT_FALSE(vrf_verify(key.public_key(), bytes_of("3520212345672"), proof));
  EXPECT_FALSE(
      vrf_verify(VrfKey::from_seed(random_key()).public_key(), bytes_of("3520212345671"), proof));
}

TEST(Vrf, EveryFlippedBitOfAProofIsRefused) {
  const VrfKey key = VrfKey::from_seed(random_key());
  const VrfProof proof = key.prove(bytes_of("x"));
  for (std::size_t bit = 0; bit < proof.size() * 8; ++bit) {
    VrfProof bent = proof;
    bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1u << (bit % 8)));
    EXPECT_FALSE(vrf_verify(key.public_key(), bytes_of("x"), bent)) << bit;
  }
}

TEST(Vrf, RefusesScalarsThatAreNotReducedAndTheIdentityAsKey) {
  Key256 big;
  for (auto& b : big.mutable_bytes()) b = 0xff;
  EXPECT_FALSE(VrfKey::from_scalar(big));
  EXPECT_FALSE(VrfKey::from_scalar(Key256{}));
  const VrfKey key = VrfKey::from_seed(random_key());
  EXPECT_FALSE(vrf_verify(VrfPublic{}, bytes_of("x"), key.prove(bytes_of("x"))));
}

}  // namespace
}  // namespace amanat::crypto
