// SHA-256, HMAC-SHA256 and HKDF. The low-level SHA256_* calls are deprecated since OpenSSL 3.0 but
// they need no algorithm fetch and no heap, are about four times faster for one or two blocks than
// the one-shot EVP call, and their state can be copied. The warning is silenced in this file alone.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include <cstring>
#include <type_traits>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr std::size_t kBlock = SHA256_CBLOCK;

// The front door keeps 112 bytes for the state; they are only ever used as this type.
SHA256_CTX* state(unsigned char* raw) { return std::launder(reinterpret_cast<SHA256_CTX*>(raw)); }

}  // namespace

Sha256::Sha256() : state_{} {
  static_assert(sizeof(SHA256_CTX) == sizeof(state_) && alignof(SHA256_CTX) <= 8);
  static_assert(std::is_trivially_copyable_v<SHA256_CTX>);
  SHA256_Init(new (state_.data()) SHA256_CTX);
}

Sha256& Sha256::update(Bytes data) {
  if (!data.empty()) SHA256_Update(state(state_.data()), data.data(), data.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  const int done = SHA256_Final(digest.data(), state(state_.data()));
  insist(done == 1);
  return digest;
}

Digest sha256(Bytes data) {
  Sha256 hash;
  return hash.update(data).finish();
}

Hmac::Hmac(Bytes key) {
  std::array<std::uint8_t, kBlock> pad{};
  if (key.size() > kBlock) {
    Digest shorter = sha256(key);
    std::memcpy(pad.data(), shorter.data(), shorter.size());
    wipe(shorter.data(), shorter.size());
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  for (auto& byte : pad) byte ^= 0x36;
  inner_.update(pad);
  for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
  outer_.update(pad);
  wipe(pad.data(), pad.size());
}

Hmac::~Hmac() {
  static_assert(std::is_trivially_copyable_v<Sha256>);
  wipe(static_cast<void*>(&inner_), sizeof(inner_));
  wipe(static_cast<void*>(&outer_), sizeof(outer_));
}

Digest Hmac::mac(std::initializer_list<Bytes> parts) const {
  // The copies hold a state from which MACs can be made: they are wiped like the key itself.
  Sha256 inner = inner_, outer = outer_;
  for (const Bytes part : parts) inner.update(part);
  Digest middle = inner.finish();
  const Digest mac = outer.update(middle).finish();
  wipe(static_cast<void*>(&inner), sizeof(inner));
  wipe(static_cast<void*>(&outer), sizeof(outer));
  wipe(middle.data(), middle.size());
  return mac;
}

Key256 hkdf(const Key256& key, std::string_view info) {
  // Without a salt the extraction key is 32 zero bytes; one block of output is all 256 bits need.
  const std::array<std::uint8_t, 32> salt{};
  Digest extracted = Hmac(salt).mac({key.bytes()});
  const std::uint8_t first = 1;
  Digest block = Hmac(extracted).mac({bytes_of(info), Bytes(&first, 1)});
  Key256 derived{std::span<const std::uint8_t, 32>(block)};
  wipe(extracted.data(), extracted.size());
  wipe(block.data(), block.size());
  return derived;
}

}  // namespace amanat::crypto
