// OpenAPI descriptions from strangers, JSON and YAML: whatever is read can be filled, spelled in
// other ways and sent, without a byte that steers a request.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/yaml.h"
#include "probe/ask.h"
#include "probe/openapi.h"
#include "probe/variants.h"

using namespace amanat;
using namespace amanat::probe;

namespace {

void check_target(std::string_view target) {
  insist(target.starts_with('/'));
  for (const char c : target) insist(static_cast<unsigned char>(c) > 0x20 && c != 0x7F);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto yaml = net::parse_yaml(text); !yaml)
    insist(yaml.error().reason == Reason::malformed_yaml ||
           yaml.error().reason == Reason::body_too_large);
  const auto made = Description::read(text);
  if (!made) return 0;
  insist(!made->operations().empty());
  std::size_t count = 0;
  for (const auto& operation : made->operations()) {
    if (++count > 20) break;
    const Ask plain = fill(operation, nullptr), bent = fill_with(operation, "'\r\n \xD8\xA7/../");
    for (const Ask* one : {&plain, &bent}) {
      check_target(target_of(*one, "/base"));
      for (const auto& [name, value] : one->headers) {
        insist(!name.empty() && name.find_first_of(": \r\n") == std::string::npos);
        insist(value.find_first_of("\r\n") == std::string::npos);
      }
      insist(one->media.find_first_of("\r\n") == std::string::npos);
    }
    for (const auto& variant : path_variants("/base", plain.path, plain.query, "/health"))
      check_target(variant.target);
  }
  return 0;
}
