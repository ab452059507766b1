#pragma once
// registry, recognise: which personal data foreign text holds, by the catalog's types and the
// country's rules. A small door beside registry.h for those who look at other people's output.
// Immutable once made; any number of threads may use it. It keeps nothing it was shown.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "registry/catalog.h"

namespace amanat::registry {

/// PersonalType is what a value says about a person.
enum class PersonalType : std::uint8_t { national_id, phone, passport, name, address, birth_date };
inline constexpr std::size_t kPersonalTypes = 6;
/// personal_word is its word: national-id, phone, passport, name, address, birth-date.
std::string_view personal_word(PersonalType type);

/// Sighting is one value found. `normal` is personal: compare it, count it, never print it.
struct Sighting {
  PersonalType type{};
  std::string normal;  // as the catalog's types write it
  std::string shape;   // what it looks like, without a character of it: 00000-0000000-0
  bool alone = true;   // false: a word like "name" that means a person only beside other sightings
};

class Recogniser {
 public:
  /// Recogniser takes from the catalog the rules and the words under which departments keep names,
  /// addresses, numbers and dates of birth.
  explicit Recogniser(const Catalog& catalog);
  Recogniser(Recogniser&&) noexcept;
  ~Recogniser();

  /// in_member looks at a value under its name in a record ("father_name": "..."): by the name
  /// first, by the value's own form otherwise.
  std::vector<Sighting> in_member(std::string_view name, std::string_view value) const;
  /// in_text finds national IDs and mobile numbers in running text: bounded by no letter or digit,
  /// and written so that they can hardly be anything else. At most `most` of them.
  std::vector<Sighting> in_text(std::string_view text, std::size_t most = 1000) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// shape_of writes what a value looks like: digits as 0 and separators as they are for identifying
/// types; for others runs of letters as A or a, runs of digits as 0.
std::string shape_of(PersonalType type, std::string_view value);

}  // namespace amanat::registry
