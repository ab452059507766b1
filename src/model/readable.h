#pragma once
// model, readable: numbers in groups of digits, as people read them out. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace amanat {

enum class ValueShape : std::uint8_t { citizen_number, telephone };

/// readable is a value in groups of digits: 35202-1234567-1, +92 300 1234567. What has another form
/// (masked, of another country) stays as it is.
std::string readable(ValueShape shape, std::string_view value);

}  // namespace amanat
