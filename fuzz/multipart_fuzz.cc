// A form with a file from strangers: the same whether it comes at once or byte by byte, and its
// names are text that is safe to show.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/multipart.h"
#include "net/utf8.h"

namespace {

using namespace amanat;

struct Digested : net::MultipartTaker {
  Result<void> begin_part(const net::PartHead& part) override {
    insist(!part.name.empty() && net::is_utf8(part.name) && net::is_utf8(part.file_name));
    insist((part.name + part.file_name).find_first_of(std::string_view("\0\r\n\"", 4)) ==
           std::string::npos);
    all += "[" + part.name + "|" + part.file_name + "]";
    return {};
  }
  Result<void> part_bytes(std::string_view bytes) override {
    insist(!bytes.empty());
    all += bytes;
    return {};
  }
  Result<void> end_part() override {
    all += "[end]";
    return {};
  }
  std::string all;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)net::Multipart::boundary_of(text.substr(0, 200));
  Digested whole, single;
  net::Multipart at_once("b", whole), byte_by_byte("b", single);
  const bool good = at_once.take(text).has_value();
  bool also = true;
  for (std::size_t i = 0; i < size && also; ++i)
    also = byte_by_byte.take(text.substr(i, 1)).has_value();
  insist(good == also);
  if (good) insist(whole.all == single.all && at_once.complete() == byte_by_byte.complete());
  return 0;
}
