#pragma once
// net, URI: one spelling for addresses that mean the same place (RFC 3986 6.2.2, 6.2.3), so that a
// signed address can be compared. Pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace amanat::net {

/// normal_uri normalises an absolute http or https address: scheme and host in small letters, the
/// default or an empty port dropped, percent-encoding in capitals and only where needed, dot
/// segments removed, an empty path as "/". Query and fragment are dropped. Nothing if it is not
/// such an address, has user information, or is longer than 2 KiB.
std::optional<std::string> normal_uri(std::string_view uri);

}  // namespace amanat::net
