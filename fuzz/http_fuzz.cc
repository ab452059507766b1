// Heads and bodies of requests. A head that is taken is taken alone as well as with what follows,
// and holds nothing that could be read in two ways; a body is the same in one piece or byte by
// byte.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/http.h"
#include "net/http_wire.h"

using namespace amanat;
using namespace amanat::net;

namespace {

void check_body(std::string_view rest, const Framing& framing, std::uint64_t bytes_max) {
  std::string whole, pieces;
  BodyReader at_once(framing, bytes_max), by_byte(framing, bytes_max);
  std::string_view left = rest;
  const auto state = at_once.take(left, whole);
  insist(whole.size() <= bytes_max);
  auto state_by_byte = BodyReader::State::more;
  std::size_t used = 0;
  if (framing.length == 0U) {
    std::string_view none;
    state_by_byte = by_byte.take(none, pieces);
  }
  while (state_by_byte == BodyReader::State::more && used < rest.size()) {
    std::string_view one = rest.substr(used, 1);
    state_by_byte = by_byte.take(one, pieces);
    ++used;
  }
  insist(state == state_by_byte && whole == pieces);
  if (state == BodyReader::State::complete) insist(rest.size() - left.size() == used);
}

void check_head(const Head& head, std::string_view text, const ServerOptions& limits) {
  insist(head.head_bytes <= limits.header_bytes_max &&
         text.substr(0, head.head_bytes).ends_with("\r\n\r\n"));
  insist(parse_request_head(text.substr(0, head.head_bytes), limits).has_value());
  insist(!head.request.method.empty() && head.request.path.starts_with('/'));
  insist(head.request.headers.size() <= limits.headers_max && !head.request.header("host").empty());
  insist(head.body_bytes <= limits.body_bytes_max && !(head.chunked && head.body_bytes != 0));
  unsigned lengths = 0;
  for (const auto& [name, value] : head.request.headers) {
    insist(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    insist(value.find_first_of("\r\n") == std::string::npos &&
           value.find('\0') == std::string::npos);
    lengths += name == "content-length" || name == "transfer-encoding";
  }
  insist(lengths <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ServerOptions limits;
  limits.header_bytes_max = 2048;
  limits.body_bytes_max = 512;
  limits.headers_max = 16;
  (void)asks_urdu(text);
  // Where the head ends must not depend on how the bytes arrived.
  const auto end = find_head_end(text, 0);
  std::size_t scanned = 0;
  for (std::size_t n = 1; n <= std::min<std::size_t>(size, 512); ++n) {
    const auto step = find_head_end(text.substr(0, n), scanned);
    if (step.kind == HeadEnd::Kind::unfinished) {
      scanned = step.bytes;
      continue;
    }
    insist(step.kind == end.kind && step.bytes == end.bytes);
    break;
  }
  const auto head = parse_request_head(text, limits);
  if (head) {
    check_head(*head, text, limits);
    Framing framing;
    framing.chunked = head->chunked;
    if (!framing.chunked) framing.length = head->body_bytes;
    check_body(text.substr(head->head_bytes), framing, limits.body_bytes_max);
  }
  Framing chunked;
  chunked.chunked = true;
  check_body(text, chunked, limits.body_bytes_max);
  return 0;
}
