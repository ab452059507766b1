#include "identity/nonce.h"

#include <array>
#include <cstring>

namespace amanat::identity {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadBytes = 11, kMacBytes = 16;
constexpr std::string_view kDomain("amanat/nonce/v1\0", 16);

crypto::Hmac drawn_hmac() {
  const Key256 key = crypto::random_key();
  return crypto::Hmac(key.bytes());
}

}  // namespace

Nonces::Nonces(std::uint16_t node) : node_(node), hmac_(drawn_hmac()) {}

Digest Nonces::mac(const std::uint8_t* head, const Digest& jkt) const {
  return hmac_.mac({crypto::bytes_of(kDomain), crypto::Bytes(head, kHeadBytes), jkt});
}

std::string Nonces::mint(const Digest& jkt, Moment at) const {
  std::array<std::uint8_t, kHeadBytes + kMacBytes> nonce;
  nonce[0] = kVersion;
  nonce[1] = static_cast<std::uint8_t>(node_ >> 8);
  nonce[2] = static_cast<std::uint8_t>(node_ & 0xff);
  for (unsigned i = 0; i < 8; ++i)
    nonce[3 + i] = static_cast<std::uint8_t>(number(at) >> (56 - 8 * i));
  const Digest code = mac(nonce.data(), jkt);
  std::memcpy(nonce.data() + kHeadBytes, code.data(), kMacBytes);
  return crypto::base64url(nonce);
}

std::optional<Moment> Nonces::made_at(std::string_view text, const Digest& jkt) const {
  if (text.size() != kSpellingBytes) return std::nullopt;
  const auto nonce = crypto::from_base64url(text);
  if (!nonce || nonce->size() != kHeadBytes + kMacBytes) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(nonce->data());
  const Digest code = mac(bytes, jkt);
  if (!crypto::equal(crypto::Bytes(code.data(), kMacBytes),
                     crypto::Bytes(bytes + kHeadBytes, kMacBytes)))
    return std::nullopt;
  // The rest is ours, as the code says: only a node of another number could differ.
  if (bytes[0] != kVersion || (bytes[1] << 8 | bytes[2]) != node_) return std::nullopt;
  std::uint64_t ms = 0;
  for (unsigned i = 0; i < 8; ++i) ms = ms << 8 | bytes[3 + i];
  return Moment{ms};
}

}  // namespace amanat::identity
