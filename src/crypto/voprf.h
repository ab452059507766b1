#pragma once
// The verifiable oblivious pseudorandom function of RFC 9497 (VOPRF mode, ristretto255-SHA512,
// batches of one): whoever holds the key evaluates what it cannot read, and proves that it used the
// key it published. The shares of the account keys come from it (docs/marks.md). A small door
// beside crypto.h. Thread-safe.

#include <array>
#include <cstdint>
#include <optional>

#include "crypto/crypto.h"

namespace amanat::crypto {

using VoprfElement = std::array<std::uint8_t, 32>;
using VoprfOutput = std::array<std::uint8_t, 64>;
using VoprfProof = std::array<std::uint8_t, 64>;

/// VoprfKey is a server's key.
class VoprfKey {
 public:
  /// derive is DeriveKeyPair (RFC 9497, 3.2.1). Nothing if it fails, about once in 2^2000.
  static std::optional<VoprfKey> derive(const Key256& seed, Bytes info);
  const VoprfElement& public_key() const { return public_; }

  struct Evaluated {
    VoprfElement element{};
    VoprfProof proof{};
  };
  /// evaluate is BlindEvaluate (3.3.2), its proof included. Nothing if `blinded` is no element of
  /// the group or the identity. `nonce`: of tests alone, the proof's scalar.
  std::optional<Evaluated> evaluate(const VoprfElement& blinded,
                                    const Key256* nonce = nullptr) const;

 private:
  VoprfKey() = default;
  Key256 scalar_;
  VoprfElement public_{};
};

/// VoprfBlinded is an input on its way: its element may be shown, its blind not.
struct VoprfBlinded {
  Key256 blind;
  VoprfElement element{};
};
/// voprf_blind is Blind (3.3.1). Nothing for an input that hashes to the identity (never met).
/// `blind`: of tests alone.
std::optional<VoprfBlinded> voprf_blind(Bytes input, const Key256* blind = nullptr);
/// voprf_element is the input as an element, not blinded: what an unlock shows (r = 1).
std::optional<VoprfElement> voprf_element(Bytes input);

/// voprf_verify checks the proof that `evaluated` is `blinded` under the key `server` published.
bool voprf_verify(const VoprfElement& server, const VoprfElement& blinded,
                  const VoprfKey::Evaluated& evaluated);

/// voprf_unblind takes the blind off: Z, the share itself, 32 secret bytes. Nothing if the
/// element or the proof does not hold.
std::optional<Key256> voprf_unblind(const VoprfBlinded& blinded, const VoprfElement& server,
                                    const VoprfKey::Evaluated& evaluated);
/// voprf_output is the hash of Finalize over an input of at most 65535 bytes and its Z.
VoprfOutput voprf_output(Bytes input, const Key256& unblinded);

}  // namespace amanat::crypto
