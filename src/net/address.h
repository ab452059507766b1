#pragma once
// net, address: network addresses as values: IPv6, or IPv4 mapped into it, so that one comparison
// serves both. Pure functions; thread-safe.

#include <optional>
#include <string_view>

#include "model/ids.h"

struct sockaddr_storage;

namespace amanat::net {

/// address_of is the address in a socket's; none for another family.
Address address_of(const sockaddr_storage& socket);

/// parse_address reads "192.0.2.7" or "2001:db8::7" (RFC 4291 2.2); nothing for another form.
std::optional<Address> parse_address(std::string_view text);

/// Network is a range of addresses: the first `bits` of `first` are theirs.
struct Network {
  Address first{};
  unsigned bits = 128;
  bool holds(const Address& address) const;
  friend bool operator==(const Network&, const Network&) = default;
};

/// parse_network reads "192.0.2.0/24" or "2001:db8::/48" (RFC 4632 3.1, RFC 4291 2.3), or one
/// address alone. Bits beyond the prefix must be zero: a network has one spelling.
std::optional<Network> parse_network(std::string_view text);

}  // namespace amanat::net
