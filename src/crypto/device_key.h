#pragma once
// A device's private key in a file, for the tools that sign an act with it. Pure functions.

#include <string>
#include <string_view>

#include "crypto/crypto.h"

namespace amanat::crypto {

/// sign_with_key signs `message` with a P-256 private key in PEM (PKCS#8 or SEC 1, not encrypted):
/// ECDSA with SHA-256, DER. Errors: key_missing (no such key in it).
Result<std::string> sign_with_key(std::string_view key_pem, Bytes message);

}  // namespace amanat::crypto
