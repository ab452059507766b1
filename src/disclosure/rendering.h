#pragma once
// disclosure, rendering: one symbol of one kind applied to one text, and which texts it can be
// applied to. This room only; pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "disclosure/slots.h"

namespace amanat::disclosure {

/// alive is whether the symbols of a kind print differently for this value, by the data alone.
bool alive(SlotKind kind, std::string_view value);

/// applied is the text under one symbol; a text the kind does not know stays as it is.
std::string applied(SlotKind kind, std::uint32_t symbol, const std::string& text);

/// folded is a text without what retyping changes, for one family of values: digits of every
/// script, invisible characters, case, punctuation, words for house and street. Two symbols that a
/// person would type differently stay different.
std::string folded(SlotKind family, std::string_view text, std::string_view value);

}  // namespace amanat::disclosure
