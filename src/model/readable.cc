#include "model/readable.h"

namespace amanat {

std::string readable(ValueShape shape, std::string_view value) {
  constexpr std::size_t kCitizen = 13, kCountry = 2, kOperator = 3, kOwn = 7;
  std::string text(value);
  if (value.find_first_not_of("0123456789") != value.npos) return text;
  if (shape == ValueShape::citizen_number && text.size() == kCitizen)
    text.insert(12, "-").insert(5, "-");
  if (shape == ValueShape::telephone && text.size() == kCountry + kOperator + kOwn)
    text.insert(kCountry + kOperator, " ").insert(kCountry, " ").insert(0, "+");
  return text;
}

}  // namespace amanat
