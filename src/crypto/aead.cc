// AES-256-GCM through EVP. The cipher is fetched once; each thread reuses one context per
// direction, so that a record costs a key schedule and no heap. A context keeps the schedule of the
// last key it used until the thread's next record or its end: overwriting it at once would cost as
// much as sealing a record does.

#include <openssl/evp.h>

#include <climits>
#include <cstring>
#include <memory>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::crypto {
namespace {

using Nonce = std::span<const std::uint8_t, kAeadNonce>;

const EVP_CIPHER* gcm() {
  // Fetched once and kept for ever: threads may still seal while the process exits.
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  insist(cipher != nullptr);
  return cipher;
}

// Freeing the context at thread exit also cleanses the key schedule it still holds.
struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

enum class Direction { decrypting = 0, encrypting = 1 };

Context make_context(Direction direction) {
  Context context(EVP_CIPHER_CTX_new());
  insist(context != nullptr);
  const int ready = EVP_CipherInit_ex2(context.get(), gcm(), nullptr, nullptr,
                                       static_cast<int>(direction), nullptr);
  insist(ready == 1);
  return context;
}

EVP_CIPHER_CTX* encrypting() {
  thread_local const Context context = make_context(Direction::encrypting);
  return context.get();
}
EVP_CIPHER_CTX* decrypting() {
  thread_local const Context context = make_context(Direction::decrypting);
  return context.get();
}

int length_of(Bytes data) {
  insist(data.size() <= INT_MAX);
  return static_cast<int>(data.size());
}

// Writes ciphertext || tag to `out`, which has room for both.
void encrypt(const Key256& key, Nonce nonce, Bytes associated, Bytes plaintext,
             unsigned char* out) {
  EVP_CIPHER_CTX* const context = encrypting();
  int written = 0;
  int ok = EVP_EncryptInit_ex2(context, nullptr, key.bytes().data(), nonce.data(), nullptr);
  if (!associated.empty())
    ok &= EVP_EncryptUpdate(context, nullptr, &written, associated.data(), length_of(associated));
  written = 0;
  if (!plaintext.empty())
    ok &= EVP_EncryptUpdate(context, out, &written, plaintext.data(), length_of(plaintext));
  insist(static_cast<std::size_t>(written) == plaintext.size());
  ok &= EVP_EncryptFinal_ex(context, out + written, &written);
  ok &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTag, out + plaintext.size());
  insist(ok == 1);
}

}  // namespace

void seal_with_nonce(const Key256& key, Nonce nonce, Bytes associated, Bytes plaintext,
                     std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + plaintext.size() + kAeadTag);
  encrypt(key, nonce, associated, plaintext, reinterpret_cast<unsigned char*>(out.data()) + before);
}

void seal(const Key256& key, Bytes associated, Bytes plaintext, std::string& out) {
  std::array<std::uint8_t, kAeadNonce> nonce;
  random_bytes(nonce);
  const std::size_t before = out.size();
  out.resize(before + kAeadOverhead + plaintext.size());
  auto* const start = reinterpret_cast<unsigned char*>(out.data()) + before;
  std::memcpy(start, nonce.data(), nonce.size());
  encrypt(key, nonce, associated, plaintext, start + kAeadNonce);
}

Result<void> open_with_nonce(const Key256& key, Nonce nonce, Bytes associated, Bytes ciphertext,
                             WipingBuffer& out) {
  if (ciphertext.size() < kAeadTag) return fail(Reason::seal_broken, "shorter than its tag");
  const std::size_t length = ciphertext.size() - kAeadTag, before = out.size();
  std::array<std::uint8_t, kAeadTag> tag;
  std::memcpy(tag.data(), ciphertext.data() + length, kAeadTag);
  const std::span<char> room = out.extend(length);
  unsigned char nowhere = 0;  // OpenSSL wants an address even for nothing
  auto* const place = length > 0 ? reinterpret_cast<unsigned char*>(room.data()) : &nowhere;

  EVP_CIPHER_CTX* const context = decrypting();
  int written = 0;
  int ok = EVP_DecryptInit_ex2(context, nullptr, key.bytes().data(), nonce.data(), nullptr);
  if (!associated.empty())
    ok &= EVP_DecryptUpdate(context, nullptr, &written, associated.data(), length_of(associated));
  written = 0;
  if (length > 0)
    ok &= EVP_DecryptUpdate(context, place, &written, ciphertext.data(),
                            length_of(ciphertext.first(length)));
  ok &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTag, tag.data());
  insist(ok == 1);
  int rest = 0;
  if (EVP_DecryptFinal_ex(context, place + written, &rest) != 1) {
    out.truncate(before);
    return fail(Reason::seal_broken);
  }
  return {};
}

Result<void> open(const Key256& key, Bytes associated, Bytes sealed, WipingBuffer& out) {
  if (sealed.size() < kAeadOverhead) return fail(Reason::seal_broken, "shorter than nonce and tag");
  return open_with_nonce(key, sealed.first<kAeadNonce>(), associated, sealed.subspan(kAeadNonce),
                         out);
}

}  // namespace amanat::crypto
