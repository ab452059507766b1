#include "identity/replay.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/crypto.h"
#include "identity/nonce.h"

namespace amanat::identity {
namespace {

constexpr std::uint64_t kStart = 1'800'000'000'000;

Tag name(std::uint64_t n) { return replay_name(Digest{}, std::to_string(n), "https://a/"); }

TEST(Replay, WhatWasUsedIsUsedUntilItEnds) {
  auto store = std::make_unique<ReplayStore>();
  const Moment at{kStart}, until{kStart + 60'000};
  EXPECT_EQ(store->use(name(1), until, at), ReplayStore::Use::first);
  EXPECT_EQ(store->use(name(1), until, at), ReplayStore::Use::again);
  EXPECT_EQ(store->use(name(2), until, at), ReplayStore::Use::first);
  // Another proof with the same id, whose nonce ends elsewhere, is a second use as well.
  EXPECT_EQ(store->use(name(1), Moment{kStart + 20'000}, at), ReplayStore::Use::again);
  EXPECT_EQ(store->use(name(1), until, Moment{kStart + 59'999}), ReplayStore::Use::again);
}

TEST(Replay, NamesKeepKeysIdsAndPlacesApart) {
  Digest other{};
  other[0] = 1;
  EXPECT_NE(replay_name(Digest{}, "a", "b"), replay_name(other, "a", "b"));
  EXPECT_NE(replay_name(Digest{}, "a", "b"), replay_name(Digest{}, "ab", ""));
  EXPECT_NE(replay_name(Digest{}, "a", "b"), replay_name(Digest{}, "a", "c"));
}

TEST(Replay, OfManyThreadsOneIsFirst) {
  auto store = std::make_unique<ReplayStore>();
  std::atomic<int> first{0}, again{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < 5'000; ++i)
        (store->use(name(i), Moment{kStart + 60'000}, Moment{kStart}) == ReplayStore::Use::first
             ? first
             : again)++;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(first, 5'000);
  EXPECT_EQ(again, 35'000);
}

TEST(Replay, AMinuteAtTenThousandASecondStaysBelow64Megabytes) {
  auto store = std::make_unique<ReplayStore>();
  std::size_t most = 0;
  std::uint64_t n = 0;
  // A thousand proofs each 100 ms, for three minutes of the clock; each used twice.
  for (std::uint64_t ms = 0; ms < 180'000; ms += 100) {
    const Moment at{kStart + ms}, until{kStart + ms + 60'000};
    for (int i = 0; i < 1'000; ++i, ++n) {
      ASSERT_EQ(store->use(name(n), until, at), ReplayStore::Use::first) << n;
      if (n % 97 == 0) {
        ASSERT_EQ(store->use(name(n), until, at), ReplayStore::Use::again);
      }
    }
    if (ms % 10'000 == 0) most = std::max(most, store->bytes());
  }
  EXPECT_LE(most, 64u << 20);
  RecordProperty("bytes", static_cast<int>(most));
}

TEST(Replay, AFullStoreRefusesAndForgetsNothing) {
  auto store = std::make_unique<ReplayStore>();
  const Moment at{kStart}, until{kStart + 60'000};
  std::uint64_t n = 0, held = 0;
  for (; n < ReplayStore::kNamesMax * 11 / 10; ++n)
    held += store->use(name(n), until, at) == ReplayStore::Use::first;
  EXPECT_LE(held, ReplayStore::kNamesMax);
  for (std::uint64_t i = 0; i < 1'000; ++i)
    EXPECT_EQ(store->use(name(i), until, at), ReplayStore::Use::again);
  EXPECT_LE(store->bytes(), 64u << 20);
  // A minute later there is room again.
  EXPECT_EQ(store->use(name(n), Moment{kStart + 180'000}, Moment{kStart + 120'000}),
            ReplayStore::Use::first);
}

TEST(Nonce, BelongsToOneKeyAndOneProcess) {
  const Nonces ours(0), others(0), node(1);
  Digest key{}, other{};
  other[31] = 1;
  const Moment at{kStart};
  const std::string nonce = ours.mint(key, at);
  EXPECT_EQ(nonce.size(), Nonces::kSpellingBytes);
  EXPECT_EQ(ours.made_at(nonce, key), at);
  EXPECT_EQ(ours.made_at(nonce, other), std::nullopt);
  EXPECT_EQ(others.made_at(nonce, key), std::nullopt);  // drawn anew at each start
  EXPECT_EQ(node.made_at(nonce, key), std::nullopt);
}

TEST(Nonce, NoOtherSpellingIsANonce) {
  const Nonces nonces(7);
  const std::string nonce = nonces.mint(Digest{}, Moment{kStart});
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    std::string bent = nonce;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(nonces.made_at(bent, Digest{}), std::nullopt) << i;
  }
  EXPECT_EQ(nonces.made_at("", Digest{}), std::nullopt);
  EXPECT_EQ(nonces.made_at(nonce + "=", Digest{}), std::nullopt);
  EXPECT_EQ(nonces.made_at(nonce.substr(1), Digest{}), std::nullopt);
}

}  // namespace
}  // namespace amanat::identity
