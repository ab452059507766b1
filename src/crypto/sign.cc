// Ed25519 (RFC 8032): signed by OpenSSL, verified by libsodium, which is nearly twice as fast and
// refuses small-order keys and non-canonical scalars.

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::crypto {

struct Ed25519Signer::Key {
  EVP_PKEY* pair = nullptr;
  Ed25519Public public_key{};
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { EVP_PKEY_free(pair); }  // cleanses the private key
};

Ed25519Signer::Ed25519Signer(const Key256& seed) : key_(std::make_unique<Key>()) {
  key_->pair =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.bytes().data(), seed.size());
  insist(key_->pair != nullptr);
  std::size_t length = key_->public_key.size();
  const int got = EVP_PKEY_get_raw_public_key(key_->pair, key_->public_key.data(), &length);
  insist(got == 1 && length == key_->public_key.size());
}

Ed25519Signer::Ed25519Signer(Ed25519Signer&&) noexcept = default;
Ed25519Signer::~Ed25519Signer() = default;

const Ed25519Public& Ed25519Signer::public_key() const {
  insist(key_ != nullptr);
  return key_->public_key;
}

Ed25519Signature Ed25519Signer::sign(Bytes message) const {
  insist(key_ != nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  insist(context != nullptr);
  Ed25519Signature signature{};
  std::size_t length = signature.size();
  int ok = EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_->pair);
  if (ok == 1)
    ok = EVP_DigestSign(context, signature.data(), &length, message.data(), message.size());
  EVP_MD_CTX_free(context);
  insist(ok == 1 && length == signature.size());
  return signature;
}

bool ed25519_verify(const Ed25519Public& key, Bytes message, const Ed25519Signature& signature) {
  static const int initialised = sodium_init();
  insist(initialised >= 0);
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     key.data()) == 0;
}

}  // namespace amanat::crypto
