// Whose make an authenticator is: the X.509 path that libfido2 does not build.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "crypto/passkey.h"
#include "model/insist.h"

namespace amanat::crypto {
namespace {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* p) const {
    Function(p);
  }
};
struct FreeStack {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Free<X509_free>>;
using Certs = std::unique_ptr<STACK_OF(X509), FreeStack>;
using StoreOf = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using Path = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;

constexpr std::size_t kChainMax = 4, kRootsMax = 16, kPemMax = 64 * 1024, kDerMax = 16 * 1024;
constexpr char kAaguidOid[] = "1.3.6.1.4.1.45724.1.1.4";  // id-fido-gen-ce-aaguid
constexpr char kAttestationUnit[] = "Authenticator Attestation";

std::unexpected<Failure> untrusted(std::string what) {
  ERR_clear_error();
  return fail(Reason::attestation_untrusted, std::move(what));
}

int no_passphrase(char*, int, int, void*) { return -1; }

Certs read_roots(std::string_view pem) {
  Certs roots(sk_X509_new_null());
  if (pem.size() > kPemMax) return roots;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  insist(bio != nullptr);
  while (static_cast<std::size_t>(sk_X509_num(roots.get())) < kRootsMax) {
    X509* const one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr);
    if (one == nullptr) break;
    sk_X509_push(roots.get(), one);
  }
  ERR_clear_error();
  return roots;
}

Cert read_der(std::string_view der) {
  if (der.size() > kDerMax) return nullptr;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  Cert certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (at != end) return nullptr;
  return certificate;
}

bool unit_is_attestation(X509* certificate) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, -1);
  if (at < 0) return false;
  const ASN1_STRING* const text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                          static_cast<std::size_t>(ASN1_STRING_length(text))) == kAttestationUnit;
}

// The extension's value is an OCTET STRING that wraps the 16 bytes.
bool names_make(X509* certificate, const Aaguid& aaguid) {
  ASN1_OBJECT* const oid = OBJ_txt2obj(kAaguidOid, 1);
  const int at = X509_get_ext_by_OBJ(certificate, oid, -1);
  ASN1_OBJECT_free(oid);
  if (at < 0) return false;
  X509_EXTENSION* const extension = X509_get_ext(certificate, at);
  if (X509_EXTENSION_get_critical(extension) != 0) return false;
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(extension);
  const Bytes bytes(ASN1_STRING_get0_data(value),
                    static_cast<std::size_t>(ASN1_STRING_length(value)));
  return bytes.size() == 18 && bytes[0] == 0x04 && bytes[1] == 0x10 &&
         std::ranges::equal(bytes.subspan(2), aaguid);
}

bool same_key(X509* a, X509* b) {
  return EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

Pkey key_of(const EcPoint& point) {
  std::array<std::uint8_t, 65> bytes;
  bytes[0] = 0x04;  // uncompressed
  std::ranges::copy(point, bytes.begin() + 1);
  char group[] = "P-256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size()),
      OSSL_PARAM_construct_end()};
  const std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return Pkey(key);
}

bool add_text(X509_NAME* name, const char* field, std::string_view text) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_aaguid(X509* certificate, const Aaguid& aaguid) {
  std::array<std::uint8_t, 18> bytes{0x04, 0x10};
  std::ranges::copy(aaguid, bytes.begin() + 2);
  ASN1_OBJECT* const oid = OBJ_txt2obj(kAaguidOid, 1);
  ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, bytes.data(), static_cast<int>(bytes.size()));
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, 0, value);
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(oid);
  return added;
}

bool add_no_authority(X509* certificate) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:FALSE");
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

}  // namespace

Result<void> check_roots(std::string_view roots_pem) {
  const Certs roots = read_roots(roots_pem);
  if (sk_X509_num(roots.get()) > 0) return {};
  return fail(Reason::malformed_value, "no PEM certificate");
}

Result<void> verify_maker(const std::vector<std::string_view>& chain, std::string_view roots_pem,
                          const Aaguid& aaguid, Moment at) {
  const Certs roots = read_roots(roots_pem);
  if (sk_X509_num(roots.get()) == 0) return fail(Reason::malformed_value, "no PEM certificate");
  if (chain.empty() || chain.size() > kChainMax) return untrusted("a chain of 1 to 4 certificates");
  const Cert own = read_der(chain.front());
  if (own == nullptr) return untrusted("the first certificate is not DER");
  if (X509_get_version(own.get()) != X509_VERSION_3) return untrusted("not version 3");
  if (!unit_is_attestation(own.get())) return untrusted("not an attestation certificate");
  for (int i = 0; i < sk_X509_num(roots.get()); ++i)
    if (same_key(own.get(), sk_X509_value(roots.get(), i))) return {};
  if (X509_check_ca(own.get()) != 0) return untrusted("the first certificate is an authority's");
  if (!names_make(own.get(), aaguid)) return untrusted("the certificate is of another make");

  const Certs between(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    Cert one = read_der(chain[i]);
    if (one == nullptr) return untrusted("a certificate of the chain is not DER");
    sk_X509_push(between.get(), one.release());
  }
  const StoreOf store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(roots.get()); ++i)
    X509_STORE_add_cert(store.get(), sk_X509_value(roots.get(), i));
  const Path path(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(path.get(), store.get(), own.get(), between.get()) != 1)
    return untrusted("no path");
  // A listed intermediate is trusted as such: what is listed is the whole list.
  X509_STORE_CTX_set_flags(path.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_CTX_set_time(path.get(), 0, static_cast<std::time_t>(number(at) / 1000));
  X509_STORE_CTX_set_depth(path.get(), static_cast<int>(kChainMax));
  if (X509_verify_cert(path.get()) != 1)
    return untrusted(X509_verify_cert_error_string(X509_STORE_CTX_get_error(path.get())));
  return {};
}

Result<std::string> issue_attestation(const Authority& maker, const std::optional<Aaguid>& aaguid,
                                      const EcPoint& key, unsigned days) {
  const auto trouble = [](Reason reason) {
    ERR_clear_error();
    return fail(reason, "certifying an authenticator");
  };
  const Bio certificate_bio(BIO_new_mem_buf(maker.certificate_pem.data(),
                                            static_cast<int>(maker.certificate_pem.size())));
  const std::string_view key_text = maker.key_pem.view();
  const Bio key_bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  const Cert root(PEM_read_bio_X509(certificate_bio.get(), nullptr, no_passphrase, nullptr));
  const Pkey root_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (root == nullptr || root_key == nullptr) return trouble(Reason::key_missing);
  const Pkey own = key_of(key);
  const Cert made(X509_new());
  std::array<std::uint8_t, 8> serial;
  random_bytes(serial);
  std::uint64_t serial_number = 1;
  for (const std::uint8_t b : serial)
    serial_number = (serial_number << 7 | (b & 0x7f)) & 0x7fffffff;
  const std::time_t start = std::time(nullptr), day = 24 * 60 * 60;
  X509* const c = made.get();
  X509_NAME* const name = X509_get_subject_name(c);
  const bool issued =
      own != nullptr && X509_set_version(c, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial_number + 1) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(c), start - 300) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(c), start + day * static_cast<std::time_t>(days)) !=
          nullptr &&
      add_text(name, "C", "PK") && add_text(name, "O", "Invented Authenticators") &&
      add_text(name, "OU", kAttestationUnit) && add_text(name, "CN", "Software Authenticator") &&
      X509_set_issuer_name(c, X509_get_subject_name(root.get())) == 1 &&
      X509_set_pubkey(c, own.get()) == 1 && add_no_authority(c) &&
      (!aaguid || add_aaguid(c, *aaguid)) && X509_sign(c, root_key.get(), EVP_sha256()) > 0;
  if (!issued) return trouble(Reason::internal_error);
  unsigned char* der = nullptr;
  const int size = i2d_X509(c, &der);
  insist(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool verify_der(const EcPoint& key, Bytes message, Bytes signature) {
  constexpr std::size_t kSignatureMax = 80;
  if (signature.empty() || signature.size() > kSignatureMax) return false;
  const Pkey pkey = key_of(key);
  if (pkey == nullptr) return false;
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  insist(context != nullptr);
  const bool right =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) == 1;
  ERR_clear_error();
  return right;
}

}  // namespace amanat::crypto
