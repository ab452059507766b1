// Frames, snapshots and the published file: whatever is on the disk, no crash, and nothing is read
// beyond its part. The second half of each run makes the frame's hash right, so that the parser
// behind it is reached.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "ledger/frame.h"
#include "ledger/recovery.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

namespace {

void check(std::string_view bytes, const Digest& log) {
  Frame frame;
  const auto parsed = parse_frame(bytes, log, frame);
  if (!parsed) return;
  insist(frame.items.size() == frame.head.count && frame.head.bytes() == bytes.size());
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  std::size_t payload = 0;
  for (const auto& item : frame.items) {
    insist(item.entry.data() >= begin && item.entry.data() + item.entry.size() <= end);
    insist(item.opening.empty() ||
           (item.opening.data() >= begin && item.opening.data() + item.opening.size() <= end));
    payload += 2 + item.entry.size() + 4 + item.opening.size();
  }
  insist(payload == std::size_t{frame.head.public_bytes} + frame.head.private_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const Digest log = log_id("log.example.org/amanat1");
  static const NoteSigner signer("log.example.org/amanat1", Key256{});
  if (const auto published = decode_published(bytes)) insist(encode_published(*published) == bytes);
  if (const auto snapshot = decode_snapshot(bytes, signer.verifier()))
    insist(encode_snapshot(*snapshot) == bytes);
  check(bytes, log);

  const auto head = parse_head(bytes, log);
  if (!head || head->bytes() > (1u << 20)) return 0;
  std::string made(bytes);
  made.resize(head->bytes(), '\0');
  const std::size_t hashed =
      kFrameHead + head->public_bytes + head->private_bytes + head->trailer_bytes - 32;
  made.replace(hashed, 32,
               crypto::text_of(crypto::sha256(std::string_view(made).substr(0, hashed))));
  std::fill(made.begin() + static_cast<std::ptrdiff_t>(hashed + 32), made.end(), '\0');
  check(made, log);
  return 0;
}
