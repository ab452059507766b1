#pragma once
// identity, nonce: the exchange's own freshness, without a store. A nonce is 27 bytes, in
// base64url:
//
//   u8 version = 1 || u16 node || u64 unix_ms || mac[16]
//   mac = first 16 bytes of HMAC-SHA256(k_boot, "amanat/nonce/v1" || 0x00 || version || node ||
//         unix_ms || jkt[32])
//
// k_boot is drawn at start and never stored, so a nonce belongs to one key, one node and one
// process's life: a proof from before a restart is refused. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "model/ids.h"

namespace amanat::identity {

class Nonces {
 public:
  explicit Nonces(std::uint16_t node);
  /// mint makes a nonce for the holder of a key.
  std::string mint(const Digest& jkt, Moment at) const;
  /// made_at says when this process made `nonce` for this key; nothing if it did not.
  std::optional<Moment> made_at(std::string_view nonce, const Digest& jkt) const;

  static constexpr std::uint64_t kAgeMsMax = 60'000;
  /// kSpellingBytes is a nonce's length in base64url.
  static constexpr std::size_t kSpellingBytes = 36;

 private:
  Digest mac(const std::uint8_t* head, const Digest& jkt) const;
  std::uint16_t node_;
  crypto::Hmac hmac_;
};

}  // namespace amanat::identity
