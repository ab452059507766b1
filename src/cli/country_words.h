#pragma once
// cli, the invented country's words: names in both scripts, districts and what stands in them.

#include <cstdint>
#include <span>
#include <string_view>

namespace amanat::cli {

struct CountryName {
  std::string_view roman, urdu;
};
std::span<const CountryName> male_names();
std::span<const CountryName> female_names();
std::span<const CountryName> surnames();

struct District {
  std::string_view city;
  std::uint32_t code;            // first five digits of a national ID
  unsigned weight;               // citizens in a hundred
  std::string_view areas[5];
};
std::span<const District> districts();

struct Operator {
  std::string_view name;
  std::uint32_t first_prefix, prefixes;   // 300, 10: 300 to 309
  std::string_view imsi;                  // network code
};
std::span<const Operator> operators();

std::span<const std::string_view> hotel_names();
std::span<const std::string_view> law_sections();

/// Unit is a unit of a department; officers are numbered through all of them.
struct Unit {
  std::string_view department, name, prefix;   // police, Investigation Lahore, PO
  std::uint32_t district;
};
std::span<const Unit> units();

}  // namespace amanat::cli
