// TOML: any text gives a tree of bounded depth or a complaint with its line, and a reader that
// knows no key complains of the first.

#include <cstdint>
#include <string_view>

#include "model/insist.h"
#include "net/toml.h"

using namespace amanat;
using namespace amanat::net;

namespace {

unsigned depth_of(const Toml& value) {
  unsigned most = 0;
  if (const auto* table = value.table())
    for (const auto& member : *table) most = std::max(most, 1 + depth_of(member.value));
  if (const auto* array = value.array())
    for (const auto& element : *array) most = std::max(most, 1 + depth_of(element));
  return most;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_toml({reinterpret_cast<const char*>(data), size}, "f.toml");
  if (!parsed) {
    insist(parsed.error().reason == Reason::config_wrong &&
           parsed.error().detail.starts_with("f.toml:"));
    return 0;
  }
  insist(parsed->table() != nullptr && depth_of(*parsed) <= 17);
  const TomlReader reader(*parsed, "f.toml", Reason::catalog_wrong);
  const auto finished = reader.finish();
  insist(finished.has_value() == parsed->table()->empty());
  return 0;
}
