#pragma once
// The verifiable random function of C2SP vrf-r255 (RFC 9381 over ristretto255 with SHA-512): the
// ledger's labels. Its holder can prove that a label belongs to a value; nobody can enumerate
// values against labels. A small door beside crypto.h. Thread-safe.

#include <array>
#include <cstdint>
#include <optional>

#include "crypto/crypto.h"

namespace amanat::crypto {

using VrfPublic = std::array<std::uint8_t, 32>;
using VrfOutput = std::array<std::uint8_t, 64>;
using VrfProof = std::array<std::uint8_t, 80>;

/// VrfKey is a secret scalar, 32 bytes little-endian, below the group's order and not zero.
class VrfKey {
 public:
  /// from_seed derives a key from any 32 secret bytes (wide reduction of their SHA-512).
  static VrfKey from_seed(const Key256& seed);
  /// from_scalar takes a scalar as it is. Nothing if it is zero or not reduced.
  static std::optional<VrfKey> from_scalar(const Key256& scalar);

  const VrfPublic& public_key() const { return public_; }
  /// output is beta, 64 bytes, about 60 µs.
  VrfOutput output(Bytes alpha) const;
  /// prove is pi = Gamma || c || s, about 110 µs.
  VrfProof prove(Bytes alpha) const;

 private:
  VrfKey() = default;
  Key256 scalar_;
  VrfPublic public_{};
};

/// vrf_verify checks a proof and returns beta; nothing if it does not hold.
std::optional<VrfOutput> vrf_verify(const VrfPublic& key, Bytes alpha, const VrfProof& proof);

}  // namespace amanat::crypto
