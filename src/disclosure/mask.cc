#include <array>
#include <cstddef>
#include <string>

#include "disclosure/disclosure.h"

namespace amanat::disclosure {
namespace {

// A character is one UTF-8 sequence: cutting inside one would make invalid text of a true value.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  std::size_t n = 1;
  while (at + n < text.size() && (static_cast<unsigned char>(text[at + n]) & 0xc0) == 0x80) ++n;
  return n;
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += character_bytes(text, i)) ++count;
  return count;
}

std::string last(std::string_view value, std::size_t shown) {
  const std::size_t count = characters(value);
  // A value that would be shown whole or nearly so is hidden: a mask must hide something.
  if (count < shown * 2) return std::string(count, '*');
  std::size_t at = 0;
  std::string out(count - shown, '*');
  for (std::size_t i = 0; i < count - shown; ++i) at += character_bytes(value, at);
  return out + std::string(value.substr(at));
}

std::string first_letters(std::string_view value) {
  std::string out;
  bool word_begins = true;
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t n = character_bytes(value, i);
    if (value[i] == ' ') {
      out.push_back(' ');
      word_begins = true;
    } else if (word_begins) {
      out.append(value.substr(i, n)).append(".");
      word_begins = false;
    }
    i += n;
  }
  return out;
}

std::string year(std::string_view value) {
  if (value.size() < 4) return "****";
  for (std::size_t i = 0; i < 4; ++i)
    if (value[i] < '0' || value[i] > '9') return "****";
  return std::string(value.substr(0, 4));
}

std::string city(std::string_view value) {
  const std::size_t comma = value.rfind(',');
  if (comma == std::string_view::npos) return "***";
  std::string_view rest = value.substr(comma + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return std::string(rest);
}

std::string prefix(std::string_view value, std::size_t shown) {
  const std::size_t count = characters(value);
  if (count < shown * 2) return std::string(count, '*');
  std::size_t at = 0;
  for (std::size_t i = 0; i < shown; ++i) at += character_bytes(value, at);
  return std::string(value.substr(0, at)) + std::string(count - shown, '*');
}

constexpr std::array<std::string_view, 6> kMasks = {"last2", "last4", "first_letter",
                                                    "year",  "city",  "prefix5"};

}  // namespace

bool known_mask(std::string_view mask) {
  for (const auto known : kMasks)
    if (mask == known) return true;
  return false;
}

std::string masked_value(std::string_view mask, std::string_view value) {
  if (mask == "last2") return last(value, 2);
  if (mask == "last4") return last(value, 4);
  if (mask == "first_letter") return first_letters(value);
  if (mask == "year") return year(value);
  if (mask == "city") return city(value);
  if (mask == "prefix5") return prefix(value, 5);
  return "***";
}

}  // namespace amanat::disclosure
