#include "net/jose.h"

#include <algorithm>
#include <cstring>

namespace amanat::net {
namespace {

constexpr std::size_t kHeaderBytesMax = 2048;
constexpr std::size_t kKidBytesMax = 256;
constexpr std::size_t kKeyOperationsMax = 4;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::unexpected<Failure> wrong(const char* what) { return fail(Reason::malformed_value, what); }

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  for (auto& v : values) v = 0xff;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

// Base64url of RFC 4648 5 without padding. What is accepted is what an encoder would have written:
// a signed text that can be respelled has more than one hash.
bool decode(std::string_view text, std::string& out) {
  if (text.size() % 4 == 1) return false;
  out.clear();
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value > 63) return false;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held & 0xff));
    }
  }
  return (bits & ((1U << held) - 1)) == 0;
}

std::string encode(const std::uint8_t* from, std::size_t size) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0; i < size; ++i) {
    bits = bits << 8 | from[i];
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(kAlphabet[bits >> held & 63]);
    }
  }
  if (held > 0) out.push_back(kAlphabet[bits << (6 - held) & 63]);
  return out;
}

Result<Json> read_part(std::string_view text, const JwsLimits& limits, const char* what) {
  std::string bytes;
  if (!decode(text, bytes)) return wrong(what);
  const JsonLimits json{limits.bytes_max, limits.depth_max, limits.values_max,
                        JsonNumbers::integers};
  auto value = parse_json(bytes, json);
  if (!value || value->object() == nullptr) return wrong(what);
  return value;
}

bool read_coordinate(const Json* value, std::uint8_t* to) {
  const std::string* text = value != nullptr ? value->string() : nullptr;
  std::string bytes;
  // Exactly 32 bytes, leading zeros included (RFC 7518 6.2.1.2).
  if (text == nullptr || text->size() != 43 || !decode(*text, bytes) || bytes.size() != 32)
    return false;
  std::memcpy(to, bytes.data(), bytes.size());
  return true;
}

bool is_text(const Json& value, std::string_view wanted) {
  return value.string() != nullptr && *value.string() == wanted;
}

// Members beside the key itself that say nothing against signing with it.
bool harmless(const Json::Member& member) {
  if (member.name == "alg") return is_text(member.value, "ES256");
  if (member.name == "use") return is_text(member.value, "sig");
  if (member.name == "ext") return member.value.boolean().has_value();
  if (member.name == "kid")
    return member.value.string() != nullptr && member.value.string()->size() <= kKidBytesMax;
  if (member.name != "key_ops") return false;
  const Json::Array* operations = member.value.array();
  return operations != nullptr && operations->size() <= kKeyOperationsMax &&
         std::ranges::all_of(*operations, [](const Json& one) { return is_text(one, "verify"); });
}

}  // namespace

Result<Jws> parse_jws(std::string_view text, const JwsLimits& limits) {
  if (text.size() > limits.bytes_max) return wrong("longer than a signed token may be");
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? first : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos)
    return wrong("not three parts with a point between them");
  if (first > kHeaderBytesMax) return wrong("its header is longer than one may be");
  auto header =
      read_part(text.substr(0, first), limits, "its header is not a JSON object in base64url");
  if (!header) return std::unexpected(header.error());
  auto payload = read_part(text.substr(first + 1, second - first - 1), limits,
                           "its payload is not a JSON object in base64url");
  if (!payload) return std::unexpected(payload.error());
  const std::string_view last = text.substr(second + 1);
  std::string signature;
  if (last.size() != 86 || !decode(last, signature) || signature.size() != 64)
    return wrong("its signature is not 64 bytes in base64url");
  Jws jws;
  jws.header = *std::move(header);
  jws.payload = *std::move(payload);
  jws.signing_input = text.substr(0, second);
  std::memcpy(jws.signature.data(), signature.data(), signature.size());
  return jws;
}

Result<JwkPoint> read_jwk(const Json& value) {
  const Json::Object* members = value.object();
  if (members == nullptr) return wrong("the key is not an object");
  const Json* type = value.find("kty");
  const Json* curve = value.find("crv");
  if (type == nullptr || !is_text(*type, "EC") || curve == nullptr || !is_text(*curve, "P-256"))
    return wrong("the key is not one of P-256");
  for (const Json::Member& member : *members) {
    if (member.name == "kty" || member.name == "crv" || member.name == "x" || member.name == "y")
      continue;
    if (member.name == "d") return wrong("the key is a private one");
    if (!harmless(member)) return wrong("the key has a member that a public P-256 key has not");
  }
  JwkPoint point{};
  if (!read_coordinate(value.find("x"), point.data()) ||
      !read_coordinate(value.find("y"), point.data() + 32))
    return wrong("a coordinate of the key is not 32 bytes in base64url");
  return point;
}

std::string canonical_jwk(const JwkPoint& point) {
  return R"({"crv":"P-256","kty":"EC","x":")" + encode(point.data(), 32) + R"(","y":")" +
         encode(point.data() + 32, 32) + R"("})";
}

}  // namespace amanat::net
