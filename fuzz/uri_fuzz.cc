// Addresses from strangers: no crash, and a normal spelling is its own.

#include <cstdint>
#include <string_view>

#include "model/insist.h"
#include "net/uri.h"

using namespace amanat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto normal = net::normal_uri(text);
  if (!normal) return 0;
  insist(normal->starts_with("https://") || normal->starts_with("http://"));
  insist(normal->find_first_of("?#") == std::string::npos);
  insist(net::normal_uri(*normal) == *normal);
  return 0;
}
