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

/// HashMany gathers messages of one length and hashes them together, some dozens at a time, so that
/// they do not leave the processor's nearest memory in between.
class HashMany {
 public:
  /// insists that message_bytes is not 0.
  explicit HashMany(std::size_t message_bytes);
  /// add makes place for one message; the caller writes message_bytes there before the next call.
  std::uint8_t* add() {
    if (waiting_ == room_) make_room();
    return blocks_.data() + waiting_++ * each_ * kShaBlock;
  }
  std::size_t count() const { return done_ + waiting_; }
  /// finish gives the digests in the order of add and begins anew; valid until the next finish.
  std::span<const Digest> finish();

 private:
  void make_room();
  void hash();

  std::size_t bytes_, each_, room_ = 0, waiting_ = 0, done_ = 0;
  std::vector<std::uint8_t> blocks_;  // padded, kShaBlock * each_ a message
  std::vector<Digest> digests_, finished_;
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
  std::size_t count() const { return done_ + waiting_; }
  /// finish, as HashMany's.
  std::span<const Digest> finish();

 private:
  std::uint8_t* place();
  void begin();
  void hash();

  std::size_t bytes_, waiting_ = 0, done_ = 0;
  bool one_key_ = false;
  ShaState inner_of_all_{}, outer_of_all_{};
  std::vector<std::uint8_t> keys_, messages_;  // a block each
  std::vector<ShaState> inner_, outer_;
  std::vector<Digest> digests_, finished_;
};

/// sha_blocks_per_second is what one core of this machine hashes, messages of two blocks side by
/// side as HashMany hashes them, measured for `seconds` of the calling thread's time: the bound of
/// whatever is made of hashes.
double sha_blocks_per_second(double seconds);

}  // namespace amanat::crypto
