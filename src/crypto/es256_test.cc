#include "crypto/es256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/certificate.h"

namespace amanat::crypto {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> from(const std::string& digits) {
  std::array<std::uint8_t, N> out{};
  const auto bytes = from_hex(digits);
  EXPECT_TRUE(bytes && bytes->size() == N);
  if (bytes && bytes->size() == N) std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

// RFC 6979 A.2.5, "sample" with SHA-256: a public vector for P-256.
const EcPoint kVectorPoint = from<64>(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
const Es256Signature kVectorSignature = from<64>(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");

TEST(Es256, HoldsThePublishedVector) {
  const auto key = Es256Public::import(kVectorPoint);
  ASSERT_NE(key, nullptr);
  EXPECT_TRUE(key->verify(bytes_of("sample"), kVectorSignature));
  EXPECT_FALSE(key->verify(bytes_of("Sample"), kVectorSignature));
  // RFC 6979 A.2.5 gives the private key as well: the same secret makes the same public key.
  const auto secret = from<32>("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
  EXPECT_EQ(Es256Key::from_secret(Key256(secret)).point(), kVectorPoint);
}

TEST(Es256, WhatIsSignedVerifiesAndNothingElseDoes) {
  const Es256Key key = Es256Key::generate(), other = Es256Key::generate();
  const auto shown = Es256Public::import(key.point());
  ASSERT_NE(shown, nullptr);
  for (int i = 0; i < 200; ++i) {
    const std::string message = "message " + std::to_string(i);
    const Es256Signature signature = key.sign(bytes_of(message));
    ASSERT_TRUE(shown->verify(bytes_of(message), signature));
    Es256Signature bent = signature;
    bent[static_cast<std::size_t>(i) % 64] ^= 1;
    EXPECT_FALSE(shown->verify(bytes_of(message), bent));
    EXPECT_FALSE(shown->verify(bytes_of(message + " "), signature));
    EXPECT_FALSE(Es256Public::import(other.point())->verify(bytes_of(message), signature));
  }
}

TEST(Es256, ASignatureHasSixtyFourBytesWithinTheOrder) {
  const Es256Key key = Es256Key::generate();
  const auto shown = Es256Public::import(key.point());
  const auto signature = key.sign(bytes_of("m"));
  EXPECT_FALSE(shown->verify(bytes_of("m"), Bytes(signature.data(), 63)));
  EXPECT_FALSE(shown->verify(bytes_of("m"), {}));
  EXPECT_FALSE(shown->verify(bytes_of("m"), Es256Signature{}));  // r = s = 0 (CVE-2022-21449)
  Es256Signature full;
  full.fill(0xff);
  EXPECT_FALSE(shown->verify(bytes_of("m"), full));
  auto order = from<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  Es256Signature zeros{};
  std::copy(order.begin(), order.end(), zeros.begin());
  std::copy(order.begin(), order.end(), zeros.begin() + 32);
  EXPECT_FALSE(shown->verify(bytes_of("m"), zeros));
  const auto der = der_signature(signature);
  EXPECT_FALSE(shown->verify(bytes_of("m"), bytes_of(der)));
}

TEST(Es256, APointOffTheCurveIsNoKey) {
  EcPoint point = kVectorPoint;
  point[63] ^= 1;
  EXPECT_EQ(Es256Public::import(point), nullptr);
  EXPECT_EQ(Es256Public::import(EcPoint{}), nullptr);
  point.fill(0xff);
  EXPECT_EQ(Es256Public::import(point), nullptr);
}

TEST(Es256, ASecretMakesOneKeyAndOutOfRangeSecretsMakeOneToo) {
  Key256 a = random_key(), zero;
  EXPECT_EQ(Es256Key::from_secret(a).point(), Es256Key::from_secret(a).point());
  Key256 ones;
  std::ranges::fill(ones.mutable_bytes(), std::uint8_t{0xff});
  std::set<EcPoint> points = {Es256Key::from_secret(a).point(), Es256Key::from_secret(zero).point(),
                              Es256Key::from_secret(ones).point()};
  EXPECT_EQ(points.size(), 3u);
  const auto key = Es256Key::from_secret(ones);
  EXPECT_TRUE(Es256Public::import(key.point())->verify(bytes_of("m"), key.sign(bytes_of("m"))));
}

TEST(Es256, APublicKeyTravelsAsPem) {
  const Es256Key key = Es256Key::generate();
  const std::string pem = spki_pem(key.point());
  EXPECT_EQ(point_of_spki_pem(pem), key.point());
  EXPECT_EQ(point_of_spki_pem(pem + "\n\n"), key.point());
  EXPECT_EQ(point_of_spki_pem(pem + pem), std::nullopt);
  EXPECT_EQ(point_of_spki_pem(pem.substr(1)), std::nullopt);
  EXPECT_EQ(point_of_spki_pem(pem.substr(0, pem.size() - 40)), std::nullopt);
  EXPECT_EQ(point_of_spki_pem("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"),
            std::nullopt);
  EXPECT_EQ(point_of_spki_pem(std::string(100'000, 'A')), std::nullopt);
}

TEST(Es256, ACertificateGivesItsKey) {
  const auto authority = make_authority("Test CA", 1);
  ASSERT_TRUE(authority);
  const auto device = make_device_key("device");
  ASSERT_TRUE(device);
  const auto certified = certify(*authority, device->csr_pem, "device", 1);
  ASSERT_TRUE(certified);
  const std::string& pem = certified->certificate_pem;
  const std::string begin = "-----BEGIN CERTIFICATE-----\n";
  std::string body = pem.substr(begin.size(), pem.find("-----END") - begin.size());
  std::erase(body, '\n');
  const auto der = from_base64(body);
  ASSERT_TRUE(der);
  const auto point = point_of_certificate(*der);
  ASSERT_TRUE(point);
  EXPECT_NE(Es256Public::import(*point), nullptr);
  EXPECT_EQ(point_of_certificate("no certificate"), std::nullopt);
  EXPECT_EQ(point_of_certificate(std::string(20'000, '\x30')), std::nullopt);
}

}  // namespace
}  // namespace amanat::crypto
