#pragma once
// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit hash of short values. A small door beside
// crypto.h, inline because the reader of leaked files calls it for every number it finds. It hides
// values from whoever lacks the key; 64 bits are no proof of anything. Pure, thread-safe.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "model/secret.h"

namespace amanat::crypto {

/// SipHash hashes under one 128-bit key; wiped on destruction.
class SipHash {
 public:
  explicit SipHash(std::span<const std::uint8_t, 16> key) : key_(key) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(&k0_, key.data(), 8);
    std::memcpy(&k1_, key.data() + 8, 8);
  }
  SipHash(const SipHash&) = default;
  SipHash& operator=(const SipHash&) = default;
  ~SipHash() {
    wipe(&k0_, sizeof k0_);
    wipe(&k1_, sizeof k1_);
  }

  /// operator() is SipHash-2-4 of `text`, as the number whose little-endian bytes it is.
  std::uint64_t operator()(std::string_view text) const {
    State s{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261,
            k1_ ^ 0x7465646279746573};
    const char* p = text.data();
    std::size_t left = text.size();
    for (; left >= 8; p += 8, left -= 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      s.absorb(word);
    }
    std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
    for (std::size_t i = 0; i < left; ++i)
      last |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    s.absorb(last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  }

 private:
  struct State {
    std::uint64_t v0, v1, v2, v3;
    void round() {
      v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
      v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
      v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) {
      v3 ^= word;
      round();
      round();
      v0 ^= word;
    }
  };
  SecretKey<16> key_;
  std::uint64_t k0_ = 0, k1_ = 0;
};

}  // namespace amanat::crypto
