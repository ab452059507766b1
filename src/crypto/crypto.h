#pragma once
// crypto: hash, mac, aead, sign, random. Thin over OpenSSL 3.0 and libsodium; it only hashes,
// signs and seals, and knows nothing of records or entries. Every function is thread-safe; every
// object has one owner. No heap allocation and no algorithm fetch on the hot path.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::crypto {

using Bytes = std::span<const std::uint8_t>;
inline Bytes bytes_of(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}
inline std::string_view text_of(Bytes b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

/// Sha256 hashes a stream; copyable, so that a common prefix is hashed once (FIPS 180-4).
class Sha256 {
 public:
  Sha256();
  Sha256& update(Bytes data);
  Sha256& update(std::string_view data) { return update(bytes_of(data)); }
  Sha256& update(std::uint8_t byte) { return update(Bytes(&byte, 1)); }
  /// finish returns the digest; the object must not be updated afterwards.
  Digest finish();

 private:
  alignas(8) std::array<unsigned char, 112> state_;  // SHA256_CTX, kept out of the front door
};
Digest sha256(Bytes data);
inline Digest sha256(std::string_view data) { return sha256(bytes_of(data)); }

/// Hmac is HMAC-SHA256 (RFC 2104) with the key's two blocks hashed once. Wiped on destruction.
class Hmac {
 public:
  explicit Hmac(Bytes key);
  Hmac(const Hmac&) = default;
  Hmac& operator=(const Hmac&) = default;
  ~Hmac();
  /// mac returns HMAC(key, parts[0] || parts[1] || ...).
  Digest mac(std::initializer_list<Bytes> parts) const;
  Digest mac(std::string_view data) const { return mac({bytes_of(data)}); }

 private:
  Sha256 inner_, outer_;
};

/// hkdf derives `N` bytes from `key` for `info` (RFC 5869, no salt). Not for the hot path.
Key256 hkdf(const Key256& key, std::string_view info);

inline constexpr std::size_t kAeadNonce = 12, kAeadTag = 16, kAeadOverhead = kAeadNonce + kAeadTag;

/// seal appends nonce || ciphertext || tag of AES-256-GCM (SP 800-38D) with a fresh random nonce.
void seal(const Key256& key, Bytes associated, Bytes plaintext, std::string& out);
/// seal_with_nonce is seal without writing the nonce. The caller never repeats a (key, nonce).
void seal_with_nonce(const Key256& key, std::span<const std::uint8_t, kAeadNonce> nonce,
                     Bytes associated, Bytes plaintext, std::string& out);
/// open appends the plaintext to `out`. Errors: seal_broken (nothing is appended).
Result<void> open(const Key256& key, Bytes associated, Bytes sealed, WipingBuffer& out);
Result<void> open_with_nonce(const Key256& key, std::span<const std::uint8_t, kAeadNonce> nonce,
                             Bytes associated, Bytes ciphertext, WipingBuffer& out);

/// random_bytes fills with bytes fit for keys; aborts if the system has none.
void random_bytes(std::span<std::uint8_t> out);
Key256 random_key();

/// equal compares in constant time; lengths are public.
bool equal(Bytes a, Bytes b);

/// Ed25519 (RFC 8032).
using Ed25519Public = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;
class Ed25519Signer {
 public:
  explicit Ed25519Signer(const Key256& seed);
  Ed25519Signer(Ed25519Signer&&) noexcept;
  ~Ed25519Signer();
  const Ed25519Public& public_key() const;
  Ed25519Signature sign(Bytes message) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
};
bool ed25519_verify(const Ed25519Public& key, Bytes message, const Ed25519Signature& signature);

/// base64, base64url and hex (RFC 4648). Decoders accept exactly one spelling per value: right
/// padding (none for base64url), no white space, unused bits zero, lower-case hex.
std::string base64(Bytes data);
void append_base64(std::string& out, Bytes data);
std::optional<std::string> from_base64(std::string_view text);
std::string base64url(Bytes data);
std::optional<std::string> from_base64url(std::string_view text);
std::string hex(Bytes data);
std::optional<std::string> from_hex(std::string_view text);

}  // namespace amanat::crypto
