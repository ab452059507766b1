#pragma once
// trace, names: the consonant skeleton, a blocking key that a name has in Urdu and in Roman letters
// alike (docs/trace-reading.md). A name matches only together with a second field, and is never
// evidence by itself. Pure, thread-safe.

#include <string>
#include <string_view>

namespace amanat::trace {

/// skeleton returns the key of a name in UTF-8, words joined by one blank: "Muhammad Ali" and its
/// Urdu form give "MHMD AL". Words without a letter are dropped.
std::string skeleton(std::string_view name);

}  // namespace amanat::trace
