// CBOR from strangers: what is accepted has one length, is canonical, and reads the same twice; the
// readers of WebAuthn built on it stay within the bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/cbor.h"

using namespace amanat;
using namespace amanat::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = check_cbor(text);
  const auto first = measure_cbor(text);
  if (whole) insist(first && *first == text.size());
  if (first) {
    insist(*first >= 1 && *first <= text.size());
    insist(check_cbor(text.substr(0, *first)).has_value());
    // No canonical item is the beginning of another.
    if (*first > 1) insist(!check_cbor(text.substr(0, *first - 1)));
    CborCursor cursor(text.substr(0, *first));
    insist(cursor.item().size() == *first && cursor.at_end());
  }
  if (const auto key = parse_cose_key(text)) insist(whole.has_value());
  if (const auto object = parse_attestation_object(text)) {
    insist(whole.has_value());
    insist(object->authenticator_data.size() < text.size());
    (void)parse_authenticator_data(object->authenticator_data);
  }
  if (const auto read = parse_authenticator_data(text)) {
    if (read->credential) insist(!parse_cose_key(read->credential->key) || size > 37 + 18);
  }
  return 0;
}
