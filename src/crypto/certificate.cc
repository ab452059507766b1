// The exchange's certificate authority (RFC 5280). Client keys are P-256 or nothing: a verification
// with P-384 or RSA would cost up to ten times as much, so a request with another key is refused
// from its first bytes, before OpenSSL decodes the key.

#include "crypto/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "crypto/crypto.h"
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
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Free<X509_free>>;
using Csr = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

constexpr std::size_t kCsrBytesMax = 8 * 1024, kCertificateBytesMax = 16 * 1024;
constexpr std::size_t kNameMax = 64;         // X.520 ub-common-name
constexpr std::time_t kClockSlack = 5 * 60;  // clocks of clients may be behind ours

// Leaves nothing of this call's failure in the thread's error queue: TLS code reads that queue.
std::unexpected<Failure> trouble(Reason reason, std::string what) {
  if (const unsigned long code = ERR_peek_error(); code != 0) {
    const char* const text = ERR_reason_error_string(code);
    what += std::string(": ") + (text != nullptr ? text : "unnamed OpenSSL error");
  }
  ERR_clear_error();
  return fail(reason, std::move(what));
}

bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::ranges::all_of(name, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

Bio reader(std::string_view text) {
  insist(text.size() <= kCertificateBytesMax * 4);
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  insist(bio != nullptr);
  return bio;
}

// Without this OpenSSL asks the terminal for the pass phrase of an encrypted PEM.
int no_passphrase(char*, int, int, void*) { return -1; }

Cert read_certificate(std::string_view pem) {
  if (pem.size() > kCertificateBytesMax) return nullptr;
  return Cert(PEM_read_bio_X509(reader(pem).get(), nullptr, no_passphrase, nullptr));
}

Pkey read_key(std::string_view pem) {
  if (pem.size() > kCertificateBytesMax) return nullptr;
  return Pkey(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
}

std::string pem_of(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  const int written = PEM_write_bio_X509(bio.get(), certificate);
  insist(written == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// A secure-memory BIO cleanses its buffer when freed, so the key's PEM stays in one wiped place.
PemKey pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  const int written =
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  insist(written == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  PemKey pem;
  pem.append({data, static_cast<std::size_t>(size)});
  OPENSSL_cleanse(data, static_cast<std::size_t>(size));
  return pem;
}

std::string der_of(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  insist(size > 0);
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

Moment moment_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Moment{0};
  const std::time_t seconds = timegm(&parts);
  return Moment{seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000};
}

bool set_random_serial(X509* certificate) {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  bytes[0] =
      static_cast<std::uint8_t>((bytes[0] & 0x3f) | 0x40);  // positive, never zero, 16 octets
  BIGNUM* const number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_common_name(X509_NAME* name, std::string_view common_name) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// Names are added as structures, never as configuration text, where a comma would add a name.
bool add_subject_names(X509* certificate, const std::vector<std::string>& names) {
  const Names list(GENERAL_NAMES_new());
  if (list == nullptr) return false;
  for (const std::string& name : names) {
    GENERAL_NAME* const entry = GENERAL_NAME_new();
    if (entry == nullptr) return false;
    if (ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str()); address != nullptr) {
      GENERAL_NAME_set0_value(entry, GEN_IPADD, address);
    } else {
      ERR_clear_error();
      ASN1_IA5STRING* const host = ASN1_IA5STRING_new();
      if (host == nullptr ||
          ASN1_STRING_set(host, name.data(), static_cast<int>(name.size())) != 1) {
        ASN1_IA5STRING_free(host);
        GENERAL_NAME_free(entry);
        return false;
      }
      GENERAL_NAME_set0_value(entry, GEN_DNS, host);
    }
    if (sk_GENERAL_NAME_push(list.get(), entry) <= 0) {
      GENERAL_NAME_free(entry);
      return false;
    }
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1;
}

// A host name, a wildcard or an IP address; nothing that could be read as two names.
bool plain_host(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '*' || c == '_';
  });
}

// A certificate with serial, validity, subject and key; extensions and signature are the caller's.
Cert unsigned_certificate(std::string_view common_name, EVP_PKEY* key, std::time_t seconds) {
  Cert certificate(X509_new());
  const std::time_t start = std::time(nullptr);
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_random_serial(certificate.get()) ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), start - kClockSlack) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), start + seconds) == nullptr ||
      !set_common_name(X509_get_subject_name(certificate.get()), common_name) ||
      X509_set_pubkey(certificate.get(), key) != 1)
    return nullptr;
  return certificate;
}

struct Signer {
  Cert certificate;
  Pkey key;
};

Result<Signer> signer_of(const Authority& ca) {
  Signer signer{read_certificate(ca.certificate_pem), read_key(ca.key_pem.view())};
  if (signer.certificate == nullptr || signer.key == nullptr)
    return trouble(Reason::key_missing, "the authority's certificate or key");
  if (X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1)
    return trouble(Reason::key_missing, "the authority's key does not fit its certificate");
  if (X509_cmp_current_time(X509_get0_notAfter(signer.certificate.get())) <= 0)
    return trouble(Reason::key_missing, "the authority's certificate has expired");
  return signer;
}

// Signs for the authority. A leaf never outlives its authority: verifiers would refuse it anyway.
bool sign_leaf(const Signer& signer, X509* certificate, const char* usage) {
  X509* const ca = signer.certificate.get();
  const ASN1_TIME* const end = X509_get0_notAfter(ca);
  if (ASN1_TIME_compare(X509_get0_notAfter(certificate), end) > 0 &&
      X509_set1_notAfter(certificate, end) != 1)
    return false;
  return X509_set_issuer_name(certificate, X509_get_subject_name(ca)) == 1 &&
         add_extension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, ca, NID_ext_key_usage, usage) &&
         add_extension(certificate, ca, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, ca, NID_authority_key_identifier, "keyid:always") &&
         X509_sign(certificate, signer.key.get(), EVP_sha256()) > 0;
}

constexpr std::time_t kDay = 24 * 60 * 60;

// Steps into the next DER element, which must lie wholly in `rest`; returns its contents.
std::optional<Bytes> element(Bytes& rest, int tag, int xclass) {
  const unsigned char* at = rest.data();
  long length = 0;
  int found_tag = 0, found_class = 0;
  const int flags =
      ASN1_get_object(&at, &length, &found_tag, &found_class, static_cast<long>(rest.size()));
  if ((flags & 0x80) != 0 || (flags & 1) != 0 || found_tag != tag || found_class != xclass)
    return std::nullopt;  // broken, of indefinite length (not DER), or another element
  const std::size_t header = static_cast<std::size_t>(at - rest.data());
  const Bytes content = rest.subspan(header, static_cast<std::size_t>(length));
  rest = rest.subspan(header + static_cast<std::size_t>(length));
  return content;
}

// The whole SubjectPublicKeyInfo of a P-256 key up to its point: id-ecPublicKey, prime256v1, an
// uncompressed point of 65 bytes (RFC 5480).
constexpr std::uint8_t kP256Start[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

bool asks_for_p256(Bytes der) {
  auto request = element(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
  if (!request || !der.empty()) return false;
  auto info = element(*request, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
  if (!info || !element(*info, V_ASN1_INTEGER, V_ASN1_UNIVERSAL) ||
      !element(*info, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL))
    return false;
  return info->size() >= sizeof(kP256Start) + 64 &&
         std::ranges::equal(info->first(sizeof(kP256Start)), kP256Start);
}

// The DER of the one PEM block that the text consists of.
std::optional<std::string> only_pem_block(std::string_view text) {
  constexpr std::string_view begin = "-----BEGIN ", white = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white);
  if (first == text.npos || !text.substr(first).starts_with(begin)) return std::nullopt;
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  const Bio bio = reader(text);
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) return std::nullopt;
  const std::string_view kind = name;
  const bool right =
      (kind == PEM_STRING_X509_REQ || kind == PEM_STRING_X509_REQ_OLD) && *header == '\0';
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  char* left = nullptr;
  const long left_size = BIO_get_mem_data(bio.get(), &left);
  const std::string_view after(left, static_cast<std::size_t>(left_size > 0 ? left_size : 0));
  if (!right || after.find_first_not_of(white) != after.npos) return std::nullopt;
  return der;
}

Result<Csr> read_request(std::string_view pem) {
  if (pem.size() > kCsrBytesMax) return fail(Reason::csr_wrong, "larger than 8 KiB");
  const auto der = only_pem_block(pem);
  if (!der) return trouble(Reason::csr_wrong, "not one PEM block CERTIFICATE REQUEST");
  if (!asks_for_p256(bytes_of(*der)))
    return fail(Reason::csr_wrong, "its key is not an uncompressed P-256 key");
  const auto* at = reinterpret_cast<const unsigned char*>(der->data());
  Csr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der->size())));
  if (request == nullptr) return trouble(Reason::csr_wrong, "not a PKCS#10 request");
  if (X509_REQ_get_signature_nid(request.get()) != NID_ecdsa_with_SHA256)
    return fail(Reason::csr_wrong, "not signed with ECDSA and SHA-256");
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) return trouble(Reason::csr_wrong, "its key is not a point of P-256");
  if (X509_REQ_verify(request.get(), key) != 1)
    return trouble(Reason::csr_wrong, "its signature was not made by its key");
  return request;
}

}  // namespace

Result<Authority> make_authority(std::string_view common_name, unsigned years) {
  insist(years >= 1 && years <= 100);
  if (!plain_name(common_name)) return fail(Reason::internal_error, "the authority's name");
  const Pkey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return trouble(Reason::internal_error, "making the authority's key");
  const Cert made = unsigned_certificate(common_name, key.get(), std::time_t{years} * 365 * kDay);
  X509* const c = made.get();
  if (c == nullptr || X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
      !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(c, c, NID_subject_key_identifier, "hash") ||
      X509_sign(c, key.get(), EVP_sha256()) <= 0)
    return trouble(Reason::internal_error, "making the authority's certificate");
  return Authority{pem_of(c), pem_of(key.get())};
}

Result<Authority> issue_server(const Authority& ca, const std::vector<std::string>& names,
                               unsigned days) {
  insist(days >= 1);
  if (names.empty() || !std::ranges::all_of(names, plain_host))
    return fail(Reason::internal_error, "a server certificate needs host names or addresses");
  auto signer = signer_of(ca);
  if (!signer) return std::unexpected(signer.error());
  const Pkey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return trouble(Reason::internal_error, "making the server's key");
  const std::string shown = names.front().substr(0, kNameMax);
  const Cert certificate = unsigned_certificate(shown, key.get(), std::time_t{days} * kDay);
  if (certificate == nullptr || !add_subject_names(certificate.get(), names) ||
      !sign_leaf(*signer, certificate.get(), "serverAuth"))
    return trouble(Reason::internal_error, "making the server's certificate");
  return Authority{pem_of(certificate.get()), pem_of(key.get())};
}

Result<Certified> certify(const Authority& ca, std::string_view csr_pem,
                          std::string_view common_name, unsigned days) {
  insist(days >= 1);
  insist(plain_name(common_name));
  const auto request = read_request(csr_pem);
  if (!request) return std::unexpected(request.error());
  auto signer = signer_of(ca);
  if (!signer) return std::unexpected(signer.error());
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  // An authority's own key in a request would make a client out of whoever issues certificates.
  if (EVP_PKEY_eq(key, signer->key.get()) == 1)
    return fail(Reason::csr_wrong, "its key is the authority's own");
  const Cert certificate = unsigned_certificate(common_name, key, std::time_t{days} * kDay);
  if (certificate == nullptr || !sign_leaf(*signer, certificate.get(), "clientAuth"))
    return trouble(Reason::internal_error, "making the client's certificate");
  return Certified{pem_of(certificate.get()), sha256(der_of(certificate.get())),
                   moment_of(X509_get0_notBefore(certificate.get())),
                   moment_of(X509_get0_notAfter(certificate.get()))};
}

Result<DeviceKey> make_device_key(std::string_view common_name) {
  if (!plain_name(common_name)) return fail(Reason::internal_error, "the device's name");
  const Pkey key(EVP_EC_gen("P-256"));
  const Csr request(X509_REQ_new());
  if (key == nullptr || request == nullptr ||
      X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !set_common_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
    return trouble(Reason::internal_error, "making a device's key and request");
  const Bio bio(BIO_new(BIO_s_mem()));
  const int written = PEM_write_bio_X509_REQ(bio.get(), request.get());
  insist(written == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return DeviceKey{pem_of(key.get()), std::string(data, static_cast<std::size_t>(size))};
}

Result<PeerCertificate> inspect(std::string_view der, std::string_view ca_pem) {
  if (der.size() > kCertificateBytesMax)
    return fail(Reason::malformed_value, "certificate larger than 16 KiB");
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const Cert certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr ||
      at != reinterpret_cast<const unsigned char*>(der.data()) + der.size())
    return trouble(Reason::malformed_value, "not a DER certificate");
  const Cert ca = read_certificate(ca_pem);
  if (ca == nullptr) return trouble(Reason::key_missing, "the authority's certificate");

  PeerCertificate peer;
  peer.thumbprint = sha256(der);
  peer.der = std::string(der);
  peer.not_before = moment_of(X509_get0_notBefore(certificate.get()));
  peer.not_after = moment_of(X509_get0_notAfter(certificate.get()));
  // Names can be copied by anybody: only the signature says who issued it. A server's certificate
  // or the authority's own is no client's.
  const bool client =
      (X509_get_extension_flags(certificate.get()) & (EXFLAG_CA | EXFLAG_INVALID)) == 0 &&
      (X509_get_extension_flags(certificate.get()) & EXFLAG_XKUSAGE) != 0 &&
      (X509_get_extended_key_usage(certificate.get()) & XKU_SSL_CLIENT) != 0;
  EVP_PKEY* const issuer = X509_get0_pubkey(ca.get());
  peer.issued_by_us = client && issuer != nullptr &&
                      X509_check_issued(ca.get(), certificate.get()) == X509_V_OK &&
                      X509_verify(certificate.get(), issuer) == 1;
  ERR_clear_error();
  return peer;
}

}  // namespace amanat::crypto
