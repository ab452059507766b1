// Encodings: any bytes become UTF-8, the same however they are cut, and not out of proportion.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/charset.h"

using namespace amanat;
using namespace amanat::net;

namespace {

std::string decoded(std::string_view bytes, const Charset& charset, std::size_t piece) {
  auto transcoder = Transcoder::open(charset);
  insist(transcoder.has_value());
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    transcoder->convert(bytes.substr(at, piece), Transcoder::Piece::more_follows, out);
  transcoder->convert({}, Transcoder::Piece::last, out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Charset charset = detect_charset(bytes);
  insist(charset.bom_bytes <= size);
  const std::string whole = decoded(bytes, charset, size + 1);
  insist(whole.size() <= 6 * size + 16);
  insist(decoded(bytes, charset, 3) == whole);
  return 0;
}
