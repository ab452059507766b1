// base64, base64url and hex (RFC 4648). One value has one spelling: what a decoder accepts is
// exactly what the encoder would have written, so that a signed text cannot be respelled.

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Value of each character, 0xff for those outside the alphabet.
using Values = std::array<std::uint8_t, 256>;
consteval Values values_of(std::string_view alphabet) {
  Values values{};
  for (auto& v : values) v = 0xff;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr Values kStandardValues = values_of(kStandard), kUrlValues = values_of(kUrl);
constexpr Values kHexValues = values_of("0123456789abcdef");

enum class Padding { none, required };

void encode(std::string& out, Bytes data, std::string_view alphabet, Padding padding) {
  const std::size_t groups = data.size() / 3, rest = data.size() % 3, before = out.size();
  const std::size_t tail = rest == 0 ? 0 : padding == Padding::required ? 4 : rest + 1;
  out.resize(before + groups * 4 + tail);
  char* to = out.data() + before;
  const std::uint8_t* from = data.data();
  const auto letter = [&](std::uint32_t bits) { return alphabet[bits & 63]; };
  for (std::size_t i = 0; i < groups; ++i, from += 3, to += 4) {
    const std::uint32_t bits = std::uint32_t{from[0]} << 16 | std::uint32_t{from[1]} << 8 | from[2];
    to[0] = letter(bits >> 18);
    to[1] = letter(bits >> 12);
    to[2] = letter(bits >> 6);
    to[3] = letter(bits);
  }
  if (rest == 0) return;
  const std::uint32_t bits =
      std::uint32_t{from[0]} << 16 | (rest == 2 ? std::uint32_t{from[1]} << 8 : 0);
  to[0] = letter(bits >> 18);
  to[1] = letter(bits >> 12);
  if (rest == 2) to[2] = letter(bits >> 6);
  if (padding == Padding::required) {
    to[3] = '=';
    if (rest == 1) to[2] = '=';
  }
}

// Decodes text without padding; its length modulo 4 says how many bytes the end holds.
std::optional<std::string> decode(std::string_view text, const Values& values) {
  const std::size_t groups = text.size() / 4, rest = text.size() % 4;
  if (rest == 1) return std::nullopt;
  std::string out(groups * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  char* to = out.data();
  const auto value = [&](std::size_t at) {
    return std::uint32_t{values[static_cast<unsigned char>(text[at])]};
  };
  std::uint32_t wrong = 0;  // letters outside the alphabet leave a bit above the low six
  for (std::size_t i = 0; i < groups * 4; i += 4, to += 3) {
    const std::uint32_t a = value(i), b = value(i + 1), c = value(i + 2), d = value(i + 3);
    wrong |= a | b | c | d;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<char>(bits >> 16 & 0xff);
    to[1] = static_cast<char>(bits >> 8 & 0xff);
    to[2] = static_cast<char>(bits & 0xff);
  }
  if (rest != 0) {
    const std::uint32_t a = value(groups * 4), b = value(groups * 4 + 1);
    const std::uint32_t c = rest == 3 ? value(groups * 4 + 2) : 0;
    wrong |= a | b | c;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6;
    to[0] = static_cast<char>(bits >> 16 & 0xff);
    if (rest == 3) to[1] = static_cast<char>(bits >> 8 & 0xff);
    const std::uint32_t unused = rest == 3 ? bits & 0xff : bits & 0xffff;
    if (unused != 0) return std::nullopt;
  }
  if (wrong > 63) return std::nullopt;
  return out;
}

}  // namespace

void append_base64(std::string& out, Bytes data) {
  encode(out, data, kStandard, Padding::required);
}

std::string base64(Bytes data) {
  std::string out;
  append_base64(out, data);
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, kStandardValues);
}

std::string base64url(Bytes data) {
  std::string out;
  encode(out, data, kUrl, Padding::none);
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  return decode(text, kUrlValues);
}

std::string hex(Bytes data) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(data.size() * 2, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) {
    out[2 * i] = digits[data[i] >> 4];
    out[2 * i + 1] = digits[data[i] & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint8_t high = kHexValues[static_cast<unsigned char>(text[2 * i])];
    const std::uint8_t low = kHexValues[static_cast<unsigned char>(text[2 * i + 1])];
    if (high > 15 || low > 15) return std::nullopt;
    out[i] = static_cast<char>(high << 4 | low);
  }
  return out;
}

}  // namespace amanat::crypto
