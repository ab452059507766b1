// Random bytes. A nonce needs 12 of them and a fresh call of the generator costs most of a
// microsecond, so each thread draws a block ahead, hands it out once and wipes what it handed out.

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <atomic>
#include <climits>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::crypto {
namespace {

// After fork() parent and child would hand out the same block: the same nonce twice under one key.
// The child's handler changes the generation, and a block of another generation is never used.
std::atomic<std::uint32_t> generation{1};

void watch_forks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1); });
  insist(registered == 0);
}

void draw(std::uint8_t* out, std::size_t size) {
  insist(size <= INT_MAX);
  const int drawn = RAND_bytes(out, static_cast<int>(size));
  insist(drawn == 1);  // without randomness no key and no nonce may be made
}

class Block {
 public:
  ~Block() { wipe(bytes_.data(), bytes_.size()); }

  void take(std::span<std::uint8_t> out) {
    const std::uint32_t current = generation.load(std::memory_order_relaxed);
    if (out.size() > bytes_.size() - used_ || current != drawn_in_) refill(current);
    std::memcpy(out.data(), bytes_.data() + used_, out.size());
    wipe(bytes_.data() + used_, out.size());
    used_ += out.size();
    insist(used_ <= bytes_.size());
  }

 private:
  void refill(std::uint32_t current) {
    watch_forks();
    draw(bytes_.data(), bytes_.size());
    used_ = 0;
    drawn_in_ = current;
  }

  std::array<std::uint8_t, 1024> bytes_{};
  std::size_t used_ = sizeof(bytes_);
  std::uint32_t drawn_in_ = 0;
};

constexpr std::size_t kBufferedMax = 64;

}  // namespace

void random_bytes(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  if (out.size() > kBufferedMax) return draw(out.data(), out.size());
  thread_local Block block;
  block.take(out);
}

Key256 random_key() {
  Key256 key;
  random_bytes(key.mutable_bytes());
  return key;
}

bool equal(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace amanat::crypto
