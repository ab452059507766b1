#pragma once
// ES256: ECDSA over P-256 with SHA-256 (RFC 7518 3.4, FIPS 186-5), signatures as 64 raw bytes, r
// then s. A small door beside crypto.h for identity and the tools that check evidence. Keys are
// imported once and then verify without fetching or parsing anything. Thread-safe.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"

namespace amanat::crypto {

/// EcPoint is a public key of P-256: x || y, 32 bytes each, big-endian.
using EcPoint = std::array<std::uint8_t, 64>;
/// Es256Signature is r || s, 32 bytes each, big-endian. Either of s and n - s is accepted
/// (WebCrypto and OpenSSL write both), so a signature's bytes identify nothing.
using Es256Signature = std::array<std::uint8_t, 64>;

/// Es256Public is an imported public key.
class Es256Public {
 public:
  /// import checks that the point lies on the curve; null if it does not.
  static std::shared_ptr<const Es256Public> import(const EcPoint& point);
  ~Es256Public();
  /// verify says whether `signature` is 64 bytes and was made over `message` by this key's holder.
  bool verify(Bytes message, Bytes signature) const;
  const EcPoint& point() const { return point_; }

 private:
  struct Key;
  Es256Public();
  std::unique_ptr<Key> key_;
  EcPoint point_{};
};

/// Es256Key is a private key; it is cleansed when it dies.
class Es256Key {
 public:
  /// generate makes a fresh one.
  static Es256Key generate();
  /// from_secret derives one from 32 secret bytes, always the same.
  static Es256Key from_secret(const Key256& secret);
  Es256Key(Es256Key&&) noexcept;
  Es256Key& operator=(Es256Key&&) noexcept;
  ~Es256Key();
  const EcPoint& point() const;
  Es256Signature sign(Bytes message) const;

 private:
  struct Key;
  explicit Es256Key(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

/// spki_pem writes a public key as PEM (SubjectPublicKeyInfo, RFC 5480), as the OpenSSL command
/// line reads it.
std::string spki_pem(const EcPoint& point);
/// point_of_spki_pem reads one PEM block "PUBLIC KEY" with an uncompressed P-256 key, nothing else;
/// whether the point lies on the curve is for import to say.
std::optional<EcPoint> point_of_spki_pem(std::string_view pem);
/// point_of_certificate takes the P-256 key out of a DER certificate of at most 16 KiB.
std::optional<EcPoint> point_of_certificate(std::string_view der);
/// der_signature writes r || s as the DER of an ECDSA-Sig-Value (RFC 3279), as the OpenSSL command
/// line reads it.
std::string der_signature(const Es256Signature& signature);

}  // namespace amanat::crypto
