#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include <ctime>

#include "crypto/crypto.h"

namespace amanat::crypto {
namespace {

// Requests made once with the openssl command; fixed, so that a refusal can only be for the key,
// the signature or the form.
constexpr std::string_view kRsaRequest = R"(-----BEGIN CERTIFICATE REQUEST-----
MIICUTCCATkCAQAwDDEKMAgGA1UEAwwBeDCCASIwDQYJKoZIhvcNAQEBBQADggEP
ADCCAQoCggEBALRR0uuWmBPr/Isf3uRumRAukpjJ137JLPnh92pLyv5vMRdCZWad
bccbXPffPlNDa8HgAi9C4uQ8rdCFjU995oXtdIzEg/L4PVRyVQ44roulrxU8IzWb
tY84w9l0KlmlhVSu4/fMRWvyLGD5eDDYZcvmRcss/DgdZ42YAhMmFS7R6pVZdze8
j7diZS2DjVNrAbbjjAY990ZrEdB1aVWkIamX0vksiy2szBjOcFiPlu09UVSor+C2
TAEHqTcWOHC9/w95AtXz7AaS4769uAus3xG7WGDdjjN9+d10upfCojSiiKuxiKtG
esb14yfz4iZY2N3dHlFw6nhXyOpZ3yCdR+cCAwEAAaAAMA0GCSqGSIb3DQEBCwUA
A4IBAQBEZNfkucxkIKisxwGYsyAjhpPdEFAz2bd+rcftZs7AFX5xaPBOoHj5bsOx
3AKIKGIbKNGL2ZpupiAkDKTtMuQMGcATFdHdTDRatJPmVYM/NH1O2ofSreflncR5
49L6ig4xnAGwN13jVckmt8rMTfimS6dCK4XJj53hMBT901a51EY2ftVLeMsgDkeU
cbFcoqsn555JESrhOiBrcngknEgjIU1F9sFtfqWV6Q7U4Y6Vmc9fUD3vd478/YAA
C2f5CGn1ROjBD+c1m/WKUCJ1D5Xr9PH/LhoqjcWjqgs8sJIAMxd9zwkjiuUYKYc2
rBVOSAU/DsvyzdlnrIvZ0fJwv7zr
-----END CERTIFICATE REQUEST-----
)";
constexpr std::string_view kP384Request = R"(-----BEGIN CERTIFICATE REQUEST-----
MIIBAzCBiwIBADAMMQowCAYDVQQDDAF4MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE
jiXKipDHBsmnJ0e0ucmX7Qlew24Dpn1M0wKFoC5ldByMSjUx5nxepP9p207cmuLV
SRcBNhavozOmgeL8Qh7EkqtsNwwso3PzpZaiJsblM71vUW00EKv2P+tGZbfVF4+u
oAAwCgYIKoZIzj0EAwIDZwAwZAIwG/inQYcOh02VhT0VODCNb9UUEntds1n03ZXd
br1IxGBw7BP+L6yyw0vXaw8OchhaAjBmWUcfbiBx9w+yyOorDSEDT4p+4JS4iEq2
YbwEaSbQAzsTIL/ToYsIVMtAtFTIzB0=
-----END CERTIFICATE REQUEST-----
)";
constexpr std::string_view kSha512Request = R"(-----BEGIN CERTIFICATE REQUEST-----
MIHGMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BEpDNHOgvDUWOdkDYaEuqvp2FY3SnXpILjwTZktKpzwL2Pj/Oxu2tpSmWa89C9Pl
1X2yzAh4FSfWg0sIZHeUFmigADAKBggqhkjOPQQDBANIADBFAiEAviIYBNDEnVyY
8oeR3BgwCfyuKcTlwI44b8xWbVQ3IrMCIE2MVZMo5iscP419WEhmOb9csggTs14y
xPzFKc45/QqL
-----END CERTIFICATE REQUEST-----
)";
constexpr std::string_view kEd25519Request = R"(-----BEGIN CERTIFICATE REQUEST-----
MIGLMD8CAQAwDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhANHIojDBp1WbDab/iedm
sU50WBvAnJVhTpUbGrrgJhS6oAAwBQYDK2VwA0EARstU7s7NlEVVzMNhOCGu06+P
OUZbvcAaxrfhfPXBPsgtC6aBGVghdQO1c2Zjv6VkN3zp5IVP0QMYjAshMmONAw==
-----END CERTIFICATE REQUEST-----
)";

const Authority& authority() {
  static const Authority made = *make_authority("Test exchange", 10);
  return made;
}

std::string der_of_pem(std::string_view pem) {
  const std::size_t start = pem.find("-----\n") + 6, end = pem.find("\n-----END");
  std::string lines(pem.substr(start, end - start));
  std::erase(lines, '\n');
  return from_base64(lines).value_or("");
}

std::string pem_of_der(std::string_view der, std::string_view name = "CERTIFICATE REQUEST") {
  const std::string text = base64(bytes_of(der));
  std::string pem = "-----BEGIN " + std::string(name) + "-----\n";
  for (std::size_t i = 0; i < text.size(); i += 64) pem += text.substr(i, 64) + "\n";
  return pem + "-----END " + std::string(name) + "-----\n";
}

void expect_refused(std::string_view csr, std::string_view because) {
  const auto refused = certify(authority(), csr, "PO-1000", 30);
  ASSERT_FALSE(refused) << because;
  EXPECT_EQ(refused.error().reason, Reason::csr_wrong);
  EXPECT_NE(refused.error().detail.find(because), std::string::npos) << refused.error().detail;
}

TEST(Certificate, ADevicesRequestBecomesAClientsCertificate) {
  const auto device = make_device_key("anything");
  ASSERT_TRUE(device);
  const auto certified = certify(authority(), device->csr_pem, "PO-1000", 30);
  ASSERT_TRUE(certified) << certified.error().detail;
  const std::string der = der_of_pem(certified->certificate_pem);
  EXPECT_EQ(certified->thumbprint, sha256(der));
  EXPECT_NE(der.find("PO-1000"), std::string::npos);
  EXPECT_EQ(der.find("anything"), std::string::npos)
      << "the name the request asks for must not be taken over";

  const auto peer = inspect(der, authority().certificate_pem);
  ASSERT_TRUE(peer);
  EXPECT_TRUE(peer->issued_by_us);
  EXPECT_EQ(peer->thumbprint, certified->thumbprint);
  EXPECT_EQ(peer->der, der);
  EXPECT_EQ(peer->not_before, certified->not_before);
  EXPECT_EQ(peer->not_after, certified->not_after);
  const auto today = static_cast<std::uint64_t>(std::time(nullptr)) * 1000;
  constexpr std::uint64_t day = 86'400'000;
  EXPECT_LE(number(peer->not_before), today);
  EXPECT_GT(number(peer->not_after), today + 29 * day);
  EXPECT_LE(number(peer->not_after), today + 31 * day);
}

TEST(Certificate, NoneOutlivesItsAuthority) {
  const auto short_lived = make_authority("Short", 1);
  const auto device = make_device_key("d");
  const auto certified = certify(*short_lived, device->csr_pem, "PO-1", 3650);
  const auto own = inspect(der_of_pem(short_lived->certificate_pem), short_lived->certificate_pem);
  ASSERT_TRUE(certified && own);
  EXPECT_EQ(certified->not_after, own->not_after);
}

TEST(Certificate, AnotherAuthoritysClientIsForeignEvenUnderTheSameName) {
  const auto twin = make_authority("Test exchange", 10);
  const auto device = make_device_key("d");
  const auto certified = certify(*twin, device->csr_pem, "PO-1000", 30);
  ASSERT_TRUE(twin && certified);
  const std::string der = der_of_pem(certified->certificate_pem);
  EXPECT_FALSE(inspect(der, authority().certificate_pem)->issued_by_us);
  EXPECT_TRUE(inspect(der, twin->certificate_pem)->issued_by_us);
}

TEST(Certificate, AServersOrTheAuthoritysOwnIsNoClients) {
  const auto server = issue_server(authority(), {"localhost", "127.0.0.1", "::1"}, 30);
  ASSERT_TRUE(server) << server.error().detail;
  const std::string der = der_of_pem(server->certificate_pem);
  const auto peer = inspect(der, authority().certificate_pem);
  ASSERT_TRUE(peer);
  EXPECT_FALSE(peer->issued_by_us);
  EXPECT_NE(der.find("localhost"), std::string::npos);
  EXPECT_NE(der.find(std::string("\x87\x04\x7f\x00\x00\x01", 6)), std::string::npos)
      << "IP address as a name";
  EXPECT_NE(der.find("\x87\x10" + std::string(15, '\0') + "\x01"), std::string::npos)
      << "IPv6 address as a name";
  EXPECT_FALSE(
      inspect(der_of_pem(authority().certificate_pem), authority().certificate_pem)->issued_by_us);
}

TEST(Certificate, AServersNamesAreHostsOnly) {
  EXPECT_FALSE(issue_server(authority(), {}, 30));
  EXPECT_FALSE(issue_server(authority(), {"a,DNS:b"}, 30));
  EXPECT_FALSE(issue_server(authority(), {"a b"}, 30));
  EXPECT_FALSE(issue_server(authority(), {""}, 30));
  EXPECT_FALSE(issue_server(authority(), {std::string(300, 'a')}, 30));
}

TEST(Certificate, EveryFlippedBitOfAClientsIsForeignOrUnreadable) {
  const auto device = make_device_key("d");
  const std::string der =
      der_of_pem(certify(authority(), device->csr_pem, "PO-1000", 30)->certificate_pem);
  for (std::size_t i = 0; i < der.size() * 8; i += 3) {
    std::string changed = der;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    const auto peer = inspect(changed, authority().certificate_pem);
    if (peer) {
      EXPECT_FALSE(peer->issued_by_us) << i;
    }
  }
}

TEST(Certificate, GarbageIsNoCertificate) {
  for (const std::string& der : {std::string(), std::string("garbage"), std::string(1000, '\x30'),
                                 std::string(20'000, 'x')}) {
    const auto peer = inspect(der, authority().certificate_pem);
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error().reason, Reason::malformed_value);
  }
  const auto device = make_device_key("d");
  const std::string der =
      der_of_pem(certify(authority(), device->csr_pem, "PO-1", 30)->certificate_pem);
  EXPECT_FALSE(inspect(der + "x", authority().certificate_pem));
  EXPECT_EQ(inspect(der, "no authority").error().reason, Reason::key_missing);
}

TEST(Certificate, OtherKeysThanP256AreRefused) {
  expect_refused(kRsaRequest, "P-256");
  expect_refused(kP384Request, "P-256");
  expect_refused(kEd25519Request, "P-256");
}

TEST(Certificate, OtherSignaturesThanEcdsaWithSha256AreRefused) {
  expect_refused(kSha512Request, "SHA-256");
}

TEST(Certificate, ARequestMustBeOneBlockOfTheRightKind) {
  const std::string csr = make_device_key("d")->csr_pem;
  EXPECT_TRUE(certify(authority(), "\n" + csr + "\r\n", "PO-1", 30))
      << "white space around it does no harm";
  expect_refused("", "PEM");
  expect_refused("garbage", "PEM");
  expect_refused("comment\n" + csr, "PEM");
  expect_refused(csr + csr, "PEM");
  expect_refused(csr + "x", "PEM");
  expect_refused(csr.substr(0, csr.size() / 2), "PEM");
  expect_refused(csr + std::string(8192, '\n'), "8 KiB");
  expect_refused(authority().certificate_pem, "PEM");
  const std::string der = der_of_pem(csr);
  expect_refused(pem_of_der(der, "CERTIFICATE"), "PEM");
  expect_refused(pem_of_der(der + "x"), "P-256");
  expect_refused(pem_of_der(std::string(3000, '\x30')), "P-256");
  expect_refused(pem_of_der(""), "");
}

TEST(Certificate, EveryFlippedBitOfARequestIsRefused) {
  const std::string der = der_of_pem(make_device_key("device")->csr_pem);
  for (std::size_t i = 0; i < der.size() * 8; ++i) {
    std::string changed = der;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    ASSERT_FALSE(certify(authority(), pem_of_der(changed), "PO-1", 30)) << i;
  }
}

TEST(Certificate, AnAuthoritysOwnKeyIsNotCertifiedAgain) {
  // A request for the authority's own key can only come from whoever holds that key.
  const auto device = make_device_key("d");
  const auto own = certify(authority(), device->csr_pem, "PO-1", 30);
  ASSERT_TRUE(own);
  const Authority impostor{own->certificate_pem, [&] {
                             PemKey key;
                             key.append(device->key_pem.view());
                             return key;
                           }()};
  const auto refused = certify(impostor, device->csr_pem, "PO-1", 30);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::csr_wrong);
}

TEST(Certificate, AnAuthorityNeedsItsOwnKey) {
  const auto other = make_authority("Other", 10);
  PemKey key;
  key.append(other->key_pem.view());
  const Authority mixed{authority().certificate_pem, std::move(key)};
  const auto refused = certify(mixed, make_device_key("d")->csr_pem, "PO-1", 30);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::key_missing);
  EXPECT_FALSE(make_authority("", 10));
  EXPECT_FALSE(make_authority(std::string(65, 'n'), 10));
  EXPECT_FALSE(make_authority("two\nlines", 10));
}

}  // namespace
}  // namespace amanat::crypto
