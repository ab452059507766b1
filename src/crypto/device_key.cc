#include "crypto/device_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr std::size_t kPemMax = 16 * 1024;

// A key under a password is refused, not asked for: nobody may be sitting there.
int no_password(char*, int, int, void*) { return 0; }

}  // namespace

Result<std::string> sign_with_key(std::string_view key_pem, Bytes message) {
  if (key_pem.size() > kPemMax) return fail(Reason::key_missing, "the key's file is too long");
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free);
  insist(in != nullptr);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_get_bits(key.get()) != 256)
    return fail(Reason::key_missing, "not a P-256 private key in PEM");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  insist(context != nullptr);
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1)
    return fail(Reason::key_missing, "the key does not sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     message.data(), message.size()) != 1)
    return fail(Reason::key_missing, "the key does not sign");
  signature.resize(size);
  return signature;
}

}  // namespace amanat::crypto
