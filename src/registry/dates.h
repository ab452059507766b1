#pragma once
// registry, dates: cells to ISO 8601 dates by the catalog's patterns. Pure functions. This room
// only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "registry/dataset.h"

namespace amanat::registry {

/// append_date appends "YYYY-MM-DD", or "YYYY-MM-DDThh:mm:ss" for a datetime, if the text fits one
/// of the patterns and the day exists (proleptic Gregorian). A year always has four digits.
bool append_date(const Rules& rules, const Field& field, std::string_view plain, std::string& out);

}  // namespace amanat::registry
