#pragma once
// SHA-256 over many short messages of one length at once: where the processor has the SHA
// instructions two messages run side by side, which hides their latency; elsewhere OpenSSL hashes
// one after the other. For trees and maps, which hash by the million. One owner, one thread.

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "crypto/crypto.h"
#include "model/ids.h"

namespace amanat::crypto {

inline constexpr std::size_t kShaBlock = 64;
/// ShaState is the eight words between two blocks (FIPS 180-4 section 6.2).
using ShaState = std::array<std::uint32_t, 8>;
inline constexpr ShaState kShaStart{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/// compress_many feeds `each` blocks into every state: those of states[i] begin at
/// blocks + i * each * kShaBlock.
void compress_many(std::span<ShaState> states, const std::uint8_t* blocks, std::size_t each);
/// digest_of is a state after a padded message's last block.
Digest digest_of(const ShaState& state);

/// HashMany gathers messages of one length and hashes them together.
class HashMany {
 public:
  /// insists that message_bytes is not 0.
  explicit HashMany(std::size_t message_bytes);
  /// add makes place for one message; the caller writes message_bytes there before the next call.
  std::uint8_t* add();
  std::size_t count() const { return count_; }
  /// finish gives the digests in the order of add and begins anew; valid until the next finish.
  std::span<const Digest> finish();

 private:
  std::size_t bytes_, each_, count_ = 0;
  std::vector<std::uint8_t> blocks_;  // padded, kShaBlock * each_ a message
  std::vector<ShaState> states_;
  std::vector<Digest> digests_;
};

/// HmacMany is HMAC-SHA256 (RFC 2104) of many messages of one length, under a key of 32 bytes each
/// or all under one. What it keeps of keys is wiped on destruction.
class HmacMany {
 public:
  /// insists that message_bytes is 1 to 55, which is what one block holds.
  explicit HmacMany(std::size_t message_bytes);
  HmacMany(std::size_t message_bytes, const Key256& key_of_all);
  HmacMany(const HmacMany&) = delete;
  HmacMany& operator=(const HmacMany&) = delete;
  ~HmacMany();
  /// add takes a key and makes place for its message, as HashMany does.
  std::uint8_t* add(const Digest& key);
  /// add of a message under the key of all.
  std::uint8_t* add();
  std::size_t count() const { return count_; }
  /// finish, as HashMany's.
  std::span<const Digest> finish();

 private:
  std::uint8_t* place();
  void begin();

  std::size_t bytes_, count_ = 0;
  bool one_key_ = false;
  ShaState inner_of_all_{}, outer_of_all_{};
  std::vector<std::uint8_t> keys_, messages_;  // a block each
  std::vector<ShaState> inner_, outer_;
  std::vector<Digest> digests_;
};

}  // namespace amanat::crypto
