#pragma once
// net, UTF-8 (Unicode table 3-7): no overlong form, no surrogate, nothing over U+10FFFF. Pure.

#include <cstddef>
#include <string_view>

namespace amanat::net {

/// utf8_length returns the length of the well-formed sequence at `p`, of which `left` bytes are
/// there, or 0.
std::size_t utf8_length(const unsigned char* p, std::size_t left);
/// is_utf8 says whether all of a text is well formed.
bool is_utf8(std::string_view text);

}  // namespace amanat::net
