#pragma once
// Certificates for the tests of this room, made afresh in a directory that is removed at the end.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace amanat::net {

/// TestCertificates makes two CAs, "ours" and "foreign", and certificates under them.
class TestCertificates {
 public:
  TestCertificates() {
    char name[] = "/tmp/amanat_net_XXXXXX";
    directory_ = ::mkdtemp(name);
    authority("ours");
    authority("foreign");
    issue("ours", "server", "server");
    issue("ours", "client", "client");
    issue("foreign", "stranger", "client");
    issue("ours", "expired", "client", -20, -10);
  }
  ~TestCertificates() { std::filesystem::remove_all(directory_); }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  std::string crt(const std::string& name) const { return directory_ + "/" + name + ".crt"; }
  std::string key(const std::string& name) const { return directory_ + "/" + name + ".key"; }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string pem(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(crt(name)).rdbuf();
    return text.str();
  }

 private:
  static X509* blank(const std::string& name, EVP_PKEY* key, X509_NAME* issuer, int from_days,
                     int to_days) {
    static long serial = 1;
    X509* c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c), from_days * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(c), to_days * 86400L);
    X509_NAME* subject = X509_get_subject_name(c);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(c, issuer == nullptr ? subject : issuer);
    X509_set_pubkey(c, key);
    return c;
  }
  static void extend(X509* c, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, c, c, nullptr, nullptr, 0);
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    ASSERT_NE(e, nullptr);
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
  }
  void write(const std::string& name, X509* c, EVP_PKEY* k) const {
    std::FILE* f = std::fopen(crt(name).c_str(), "w");
    PEM_write_X509(f, c);
    std::fclose(f);
    f = std::fopen(key(name).c_str(), "w");
    PEM_write_PrivateKey(f, k, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(f);
  }
  void authority(const std::string& name) const {
    EVP_PKEY* k = EVP_EC_gen("P-256");
    X509* c = blank(name, k, nullptr, -30, 30);
    extend(c, NID_basic_constraints, "critical,CA:TRUE");
    extend(c, NID_key_usage, "critical,keyCertSign");
    X509_sign(c, k, EVP_sha256());
    write(name, c, k);
    X509_free(c);
    EVP_PKEY_free(k);
  }
  void issue(const std::string& by, const std::string& name, const std::string& use,
             int from_days = -1, int to_days = 10) const {
    std::FILE* f = std::fopen(crt(by).c_str(), "r");
    X509* ca = PEM_read_X509(f, nullptr, nullptr, nullptr);
    std::fclose(f);
    f = std::fopen(key(by).c_str(), "r");
    EVP_PKEY* ca_key = PEM_read_PrivateKey(f, nullptr, nullptr, nullptr);
    std::fclose(f);
    EVP_PKEY* k = EVP_EC_gen("P-256");
    X509* c = blank(name, k, X509_get_subject_name(ca), from_days, to_days);
    extend(c, NID_ext_key_usage, use == "server" ? "serverAuth" : "clientAuth");
    if (use == "server") extend(c, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    X509_sign(c, ca_key, EVP_sha256());
    write(name, c, k);
    X509_free(c);
    X509_free(ca);
    EVP_PKEY_free(k);
    EVP_PKEY_free(ca_key);
  }

  std::string directory_;
};

}  // namespace amanat::net
