#include "crypto/voprf.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace amanat::crypto {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> array_of(const std::string& text) {
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(text.size(), N);
  std::copy_n(text.begin(), std::min(N, text.size()), out.begin());
  return out;
}
Key256 key_of(const std::string& text) { return Key256(array_of<32>(text)); }

TEST(Voprf, AnswersTheVectorsOfRfc9497) {
  std::ifstream file(AMANAT_SOURCE_DIR "/tests/vectors/rfc9497-voprf-ristretto255.txt");
  std::map<std::string, std::string> last;
  std::optional<VoprfKey> key;
  int vectors = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string word, value;
    words >> word >> value;
    const auto bytes = from_hex(value);
    ASSERT_TRUE(bytes) << line;
    last[word] = *bytes;
    if (word == "public") {
      key = VoprfKey::derive(key_of(last["seed"]), bytes_of(last["info"]));
      ASSERT_TRUE(key);
      EXPECT_EQ(key->public_key(), array_of<32>(*bytes));
    }
    if (word != "output") continue;
    ++vectors;
    const Key256 blind = key_of(last["blind"]), nonce = key_of(last["nonce"]);
    const auto blinded = voprf_blind(bytes_of(last["input"]), &blind);
    ASSERT_TRUE(blinded);
    EXPECT_EQ(blinded->element, array_of<32>(last["blinded"]));
    const auto evaluated = key->evaluate(blinded->element, &nonce);
    ASSERT_TRUE(evaluated);
    EXPECT_EQ(evaluated->element, array_of<32>(last["evaluated"]));
    EXPECT_EQ(evaluated->proof, array_of<64>(last["proof"]));
    const auto z = voprf_unblind(*blinded, key->public_key(), *evaluated);
    ASSERT_TRUE(z);
    EXPECT_EQ(voprf_output(bytes_of(last["input"]), *z), array_of<64>(*bytes));
  }
  EXPECT_EQ(vectors, 2);
}

VoprfKey some_key() { return *VoprfKey::derive(random_key(), bytes_of("info")); }

TEST(Voprf, EveryBlindGivesOneAndTheSameShare) {
  const VoprfKey key = some_key();
  const auto one = voprf_blind(bytes_of("input")), other = voprf_blind(bytes_of("input"));
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->element, other->element);
  const auto a = voprf_unblind(*one, key.public_key(), *key.evaluate(one->element));
  const auto b = voprf_unblind(*other, key.public_key(), *key.evaluate(other->element));
  const auto bare = voprf_element(bytes_of("input"));
  ASSERT_TRUE(a && b && bare);
  EXPECT_TRUE(equal(a->bytes(), b->bytes()));
  EXPECT_TRUE(equal(a->bytes(), key.evaluate(*bare)->element));
}

TEST(Voprf, AnotherKeyOrAChangedByteIsFoundOut) {
  const VoprfKey key = some_key(), other = some_key();
  const auto blinded = voprf_blind(bytes_of("input"));
  auto evaluated = key.evaluate(blinded->element);
  ASSERT_TRUE(voprf_verify(key.public_key(), blinded->element, *evaluated));
  EXPECT_FALSE(voprf_verify(other.public_key(), blinded->element, *evaluated));
  EXPECT_FALSE(voprf_unblind(*blinded, key.public_key(), *other.evaluate(blinded->element)));
  for (std::size_t i = 0; i < evaluated->proof.size(); ++i) {
    auto changed = *evaluated;
    changed.proof[i] ^= 1;
    EXPECT_FALSE(voprf_verify(key.public_key(), blinded->element, changed)) << i;
  }
  auto changed = *evaluated;
  changed.element = other.evaluate(blinded->element)->element;
  EXPECT_FALSE(voprf_verify(key.public_key(), blinded->element, changed));
}

TEST(Voprf, WhatIsNoElementOfTheGroupIsNotEvaluated) {
  VoprfElement zero{}, ones;
  ones.fill(0xff);
  EXPECT_FALSE(some_key().evaluate(zero));
  EXPECT_FALSE(some_key().evaluate(ones));
}

}  // namespace
}  // namespace amanat::crypto
