#include "crypto/hash_many.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"

namespace amanat::crypto {
namespace {

std::string some(std::mt19937_64& random, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

TEST(HashMany, GivesWhatOneByOneGives) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (std::size_t bytes = 1; bytes <= 200; ++bytes) {
    HashMany many(bytes);
    for (const std::size_t count : {1u, 2u, 37u, 16u, 3u, 0u, 64u, 65u, 131u}) {
      std::vector<std::string> messages;
      for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(some(random, bytes));
        std::memcpy(many.add(), messages.back().data(), bytes);
      }
      EXPECT_EQ(many.count(), count);
      const auto digests = many.finish();
      ASSERT_EQ(digests.size(), count);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(digests[i], sha256(messages[i])) << bytes;
    }
  }
}

TEST(HmacMany, GivesWhatOneByOneGives) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (std::size_t bytes = 1; bytes <= 55; ++bytes) {
    const Key256 key = random_key();
    HmacMany each(bytes), all(bytes, key);
    for (const std::size_t count : {2u, 41u, 1u, 40u, 0u, 64u, 65u, 131u}) {
      std::vector<std::string> messages;
      std::vector<Digest> keys;
      for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(some(random, bytes));
        keys.push_back(sha256(some(random, 9)));
        std::memcpy(each.add(keys.back()), messages.back().data(), bytes);
        std::memcpy(all.add(), messages.back().data(), bytes);
      }
      const auto by_each = each.finish(), by_one = all.finish();
      ASSERT_EQ(by_each.size(), count);
      ASSERT_EQ(by_one.size(), count);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(by_each[i], Hmac(keys[i]).mac(messages[i])) << bytes;
        ASSERT_EQ(by_one[i], Hmac(key.bytes()).mac(messages[i])) << bytes;
      }
    }
  }
}

TEST(HashManyDeathTest, TakesNoMessageThatItsBlocksDoNotHold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(HashMany(0), "");
  EXPECT_DEATH(HmacMany(56), "");
}

}  // namespace
}  // namespace amanat::crypto
