#pragma once
// registry, normalise: one cell to the one form a value is kept, compared and searched in. The
// forms come from the catalog's rules; nothing here knows a country. Pure functions. This room
// only.
//
// A cell is hostile: any bytes, any length. What comes out is valid UTF-8, NFC, without control or
// direction characters, at most the field's length.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.h"
#include "model/result.h"
#include "registry/dataset.h"

namespace amanat::registry {

/// trim cuts white space and invisible characters (ASCII and Unicode) from both ends.
std::string_view trim(std::string_view cell);

/// normalise appends the normal form of a trimmed cell to `out`, nothing for an empty or "absent"
/// one. Returns why the cell cannot be taken, or nothing. `kind` says what a national_id or
/// passport field turned out to hold; other types leave it alone.
std::optional<Reason> normalise(const Rules& rules, const Field& field, std::string_view trimmed,
                                std::string& out, SubjectKind& kind);

/// append_folded appends the form in which keys and searched texts are compared: ASCII letters in
/// lower case, digits of every script as ASCII.
void append_folded(std::string_view normal, std::string& out);

/// seconds_of returns Unix seconds of a normalised date or datetime (UTC), or nothing.
std::optional<std::int64_t> seconds_of(std::string_view normal);

/// valid_utf8 checks the encoding (RFC 3629): no surrogate, no overlong form.
bool valid_utf8(std::string_view text);

}  // namespace amanat::registry
