#pragma once
// What tests in Debian's Chromium need of a world.

#include <gtest/gtest.h>

#include "node.h"
#include "world.h"

namespace amanat::test {

// The make and attestation key that every Chromium's virtual authenticators share.
inline constexpr const char* kChromium = "Chromium's virtual authenticator";

inline std::string chromium_row() {
  return std::string("[[authenticator]]\naaguid = \"01020304-0506-0708-0102-030405060708\"\n") +
         "says = \"" + kChromium + "\"\nroot = \"\"\"\n" +
         read_all(fs::path(AMANAT_SOURCE_DIR) / "tests/data/chromium-authenticator.pem") +
         "\"\"\"\n";
}

// What Chromium wants to know the server's key by: base64 of the SHA-256 of its public key's DER.
inline std::string spki_of(const fs::path& certificate, const fs::path& scratch) {
  const std::string command = "openssl x509 -in '" + certificate.string() +
                              "' -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst "
                              "-sha256 -binary | openssl base64 -A > '" +
                              scratch.string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return read_all(scratch);
}

}  // namespace amanat::test
