// JSON from strangers: what the reader takes, nlohmann's takes with the same meaning, and the
// writer's text of a string is read back as that string.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/json.h"

using namespace amanat;
using namespace amanat::net;

namespace {

bool same(const Json& ours, const nlohmann::json& theirs) {
  if (const auto* s = ours.string())
    return theirs.is_string() && theirs.get_ref<const std::string&>() == *s;
  if (const auto b = ours.boolean()) return theirs.is_boolean() && theirs.get<bool>() == *b;
  if (const auto n = ours.integer())
    return theirs.is_number_integer() && theirs.get<std::uint64_t>() == *n;
  if (const auto* n = std::get_if<std::int64_t>(&ours.value))
    return theirs.is_number_integer() && theirs.get<std::int64_t>() == *n;
  if (const auto* array = ours.array()) {
    if (!theirs.is_array() || theirs.size() != array->size()) return false;
    for (std::size_t i = 0; i < array->size(); ++i)
      if (!same((*array)[i], theirs[i])) return false;
    return true;
  }
  if (const auto* object = ours.object()) {
    if (!theirs.is_object() || theirs.size() != object->size()) return false;
    for (const auto& member : *object)
      if (!theirs.contains(member.name) || !same(member.value, theirs[member.name])) return false;
    return true;
  }
  return theirs.is_null();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_json(text);
  if (parsed) {
    insist(same(*parsed, nlohmann::json::parse(text)));
    if (const auto* s = parsed->string()) {
      std::string quoted;
      append_json_string(quoted, *s);
      const auto again = parse_json(quoted, JsonLimits{.bytes_max = 1 << 20});
      insist(again && *again->string() == *s);
    }
  } else {
    insist(parsed.error().reason == Reason::malformed_json ||
           parsed.error().reason == Reason::body_too_large);
  }
  return 0;
}
