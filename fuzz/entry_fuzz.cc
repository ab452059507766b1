// Public entries and private openings: whatever the bytes, no crash; what is accepted has one
// spelling; and an opening that opens is the one its entry commits to.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "ledger/entry.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

namespace {

// Seals `plain` as the holder of the slice's key could, so that the parser behind the seal is
// reached.
std::string sealed(const Key256& slice_key, std::string_view plain, const PublicEntry& entry) {
  const Digest d = crypto::Hmac(slice_key.bytes()).mac("amanat/open/v1");
  std::string associated;
  for (const Digest* c : {&entry.subject, &entry.actor, &entry.body})
    associated.append(crypto::text_of(*c));
  std::string out("\x01", 1);
  out.append(16, 's');
  crypto::seal(Key256(d), crypto::bytes_of(associated), crypto::bytes_of(plain), out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const Key256 key;
  if (const auto entry = decode_entry(bytes)) {
    insist(bytes.size() == entry_size(entry->type));
    insist(encode_entry(*entry) == bytes);
  }
  PublicEntry entry;
  entry.type = EntryType::denied;
  insist(!unseal(bytes, key, entry).has_value());
  // Zero commitments open for nobody, however the inside is spelt.
  insist(!unseal(sealed(key, bytes, entry), key, entry).has_value());
  (void)slice_of(bytes);
  return 0;
}
