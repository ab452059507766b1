#include "crypto/es256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr std::size_t kCertificateBytesMax = 16 * 1024;
constexpr std::size_t kPemBytesMax = 1024;
constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----\n";
constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----\n";

// SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480): id-ecPublicKey, prime256v1, and
// the 0x04 of an uncompressed point.
constexpr std::uint8_t kSpkiStart[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using Curve = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;

// A DER INTEGER of at most 32 bytes: no leading zeros but the one that keeps it positive.
void append_integer(std::string& out, Bytes number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool sign = (number[0] & 0x80) != 0;
  out.push_back(0x02);
  out.push_back(static_cast<char>(number.size() + (sign ? 1 : 0)));
  if (sign) out.push_back(0);
  out += text_of(number);
}

// Reads a DER INTEGER of OpenSSL's own making into 32 bytes.
std::size_t take_integer(const std::uint8_t* from, std::uint8_t* to) {
  insist(from[0] == 0x02 && from[1] <= 33);
  const std::size_t size = from[1], skip = size == 33 ? 1 : 0;
  std::memset(to, 0, 32);
  std::memcpy(to + 32 - (size - skip), from + 2 + skip, size - skip);
  return 2 + size;
}

Pkey import_public(const EcPoint& point) {
  std::array<std::uint8_t, 65> encoded;
  encoded[0] = 0x04;
  std::memcpy(encoded.data() + 1, point.data(), point.size());
  char curve[] = "P-256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return Pkey(key);
}

std::optional<EcPoint> point_of(EVP_PKEY* key) {
  std::array<std::uint8_t, 80> encoded;
  std::size_t size = 0;
  char curve[32] = {};
  const bool p256 = EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve,
                                                   sizeof curve, nullptr) == 1 &&
                    std::string_view(curve) == "prime256v1";
  if (!p256 ||
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size(),
                                      &size) != 1 ||
      size != 65 || encoded[0] != 0x04) {
    ERR_clear_error();
    return std::nullopt;
  }
  EcPoint point;
  std::memcpy(point.data(), encoded.data() + 1, point.size());
  return point;
}

}  // namespace

struct Es256Public::Key {
  Pkey pkey;
  PkeyContext ready;  // initialised for verifying; copied for each use, never used itself
};

Es256Public::Es256Public() = default;
Es256Public::~Es256Public() = default;

std::shared_ptr<const Es256Public> Es256Public::import(const EcPoint& point) {
  auto key = std::make_unique<Key>();
  key->pkey = import_public(point);
  if (key->pkey == nullptr) return nullptr;
  key->ready.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key->pkey.get(), nullptr));
  insist(key->ready != nullptr && EVP_PKEY_verify_init(key->ready.get()) == 1);
  std::shared_ptr<Es256Public> made(new Es256Public);
  made->key_ = std::move(key);
  made->point_ = point;
  return made;
}

bool Es256Public::verify(Bytes message, Bytes signature) const {
  if (signature.size() != 64) return false;
  const Digest digest = sha256(message);
  Es256Signature raw;
  std::memcpy(raw.data(), signature.data(), raw.size());
  const std::string der = der_signature(raw);
  const PkeyContext context(EVP_PKEY_CTX_dup(key_->ready.get()));
  insist(context != nullptr);
  const bool holds =
      EVP_PKEY_verify(context.get(), reinterpret_cast<const unsigned char*>(der.data()), der.size(),
                      digest.data(), digest.size()) == 1;
  if (!holds) ERR_clear_error();
  return holds;
}

struct Es256Key::Key {
  Pkey pkey;
  EcPoint point{};
};

Es256Key::Es256Key(std::unique_ptr<Key> key) : key_(std::move(key)) {}
Es256Key::Es256Key(Es256Key&&) noexcept = default;
Es256Key& Es256Key::operator=(Es256Key&&) noexcept = default;
Es256Key::~Es256Key() = default;

Es256Key Es256Key::generate() {
  auto key = std::make_unique<Key>();
  key->pkey.reset(EVP_EC_gen("P-256"));
  insist(key->pkey != nullptr);
  const auto point = point_of(key->pkey.get());
  insist(point.has_value());
  key->point = *point;
  return Es256Key(std::move(key));
}

Es256Key Es256Key::from_secret(const Key256& secret) {
  const Curve curve(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  Number scalar(BN_bin2bn(secret.bytes().data(), static_cast<int>(secret.size()), nullptr));
  // A secret outside 1 .. n-1 (one in 2^32 at most) is hashed until it lies inside.
  Key256 drawn = secret;
  while (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(curve.get())) >= 0) {
    drawn = hkdf(drawn, "amanat/es256/v1");
    scalar.reset(BN_bin2bn(drawn.bytes().data(), static_cast<int>(drawn.size()), nullptr));
  }
  const Point shown(EC_POINT_new(curve.get()));
  std::array<std::uint8_t, 65> encoded;
  insist(EC_POINT_mul(curve.get(), shown.get(), scalar.get(), nullptr, nullptr, nullptr) == 1 &&
         EC_POINT_point2oct(curve.get(), shown.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                            encoded.size(), nullptr) == encoded.size());
  Key256 native;  // the scalar in the machine's byte order, as parameters take it
  insist(BN_bn2nativepad(scalar.get(), native.mutable_bytes().data(), 32) == 32);
  char name[] = "P-256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.mutable_bytes().data(), 32),
      OSSL_PARAM_construct_end()};
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* pair = nullptr;
  insist(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
         EVP_PKEY_fromdata(context.get(), &pair, EVP_PKEY_KEYPAIR, parameters) == 1);
  auto key = std::make_unique<Key>();
  key->pkey.reset(pair);
  std::memcpy(key->point.data(), encoded.data() + 1, key->point.size());
  return Es256Key(std::move(key));
}

const EcPoint& Es256Key::point() const { return key_->point; }

Es256Signature Es256Key::sign(Bytes message) const {
  const Digest digest = sha256(message);
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_->pkey.get(), nullptr));
  std::array<std::uint8_t, 80> der;
  std::size_t size = der.size();
  insist(context != nullptr && EVP_PKEY_sign_init(context.get()) == 1 &&
         EVP_PKEY_sign(context.get(), der.data(), &size, digest.data(), digest.size()) == 1);
  insist(size >= 8 && der[0] == 0x30);
  Es256Signature raw;
  const std::size_t r = take_integer(der.data() + 2, raw.data());
  take_integer(der.data() + 2 + r, raw.data() + 32);
  return raw;
}

std::string spki_pem(const EcPoint& point) {
  std::string der(text_of(kSpkiStart));
  der += text_of(point);
  const std::string text = base64(bytes_of(der));
  std::string pem(kPemBegin);
  for (std::size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
  return pem.append(kPemEnd);
}

std::optional<EcPoint> point_of_spki_pem(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return std::nullopt;
  std::string text;  // without carriage returns and trailing white space
  for (const char c : pem)
    if (c != '\r') text.push_back(c);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  text.push_back('\n');
  if (!text.starts_with(kPemBegin) || !text.ends_with(kPemEnd) ||
      text.size() < kPemBegin.size() + kPemEnd.size())
    return std::nullopt;
  std::string body = text.substr(kPemBegin.size(), text.size() - kPemBegin.size() - kPemEnd.size());
  std::erase(body, '\n');
  const auto der = from_base64(body);
  if (!der || der->size() != sizeof kSpkiStart + 64 ||
      std::memcmp(der->data(), kSpkiStart, sizeof kSpkiStart) != 0)
    return std::nullopt;
  EcPoint point;
  std::memcpy(point.data(), der->data() + sizeof kSpkiStart, point.size());
  return point;
}

std::optional<EcPoint> point_of_certificate(std::string_view der) {
  if (der.size() > kCertificateBytesMax) return std::nullopt;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const Cert certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  EVP_PKEY* const key = certificate ? X509_get0_pubkey(certificate.get()) : nullptr;
  std::optional<EcPoint> point;
  if (key != nullptr && EVP_PKEY_is_a(key, "EC") == 1) point = point_of(key);
  ERR_clear_error();
  return point;
}

std::string der_signature(const Es256Signature& signature) {
  std::string body;
  append_integer(body, Bytes(signature.data(), 32));
  append_integer(body, Bytes(signature.data() + 32, 32));
  std::string der;
  der.push_back(0x30);
  der.push_back(static_cast<char>(body.size()));
  return der + body;
}

}  // namespace amanat::crypto
