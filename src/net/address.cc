#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace amanat::net {
namespace {

constexpr std::size_t kTextMost = 45;  // INET6_ADDRSTRLEN without its end
constexpr unsigned kMappedBits = 96;

Address mapped(const in_addr& v4) {
  Address out{};
  out[10] = out[11] = 0xff;
  std::memcpy(out.data() + 12, &v4, 4);
  return out;
}

}  // namespace

Address address_of(const sockaddr_storage& socket) {
  Address out{};
  if (socket.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &socket, sizeof v4);
    return mapped(v4.sin_addr);
  }
  if (socket.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &socket, sizeof v6);
    std::memcpy(out.data(), &v6.sin6_addr, out.size());
  }
  return out;
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.empty() || text.size() > kTextMost || text.find('\0') != text.npos) return std::nullopt;
  const std::string zero_ended(text);
  in_addr v4{};
  if (::inet_pton(AF_INET, zero_ended.c_str(), &v4) == 1) return mapped(v4);
  Address out{};
  in6_addr v6{};
  if (::inet_pton(AF_INET6, zero_ended.c_str(), &v6) != 1) return std::nullopt;
  std::memcpy(out.data(), &v6, out.size());
  return out;
}

bool Network::holds(const Address& address) const {
  const std::size_t whole = bits / 8;
  if (!std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.begin()))
    return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (first[whole] ^ address[whole]) >> (8 - rest) == 0;
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{*address, 128};
  if (slash == text.npos) return network;
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > (v4 ? 32U : 128U))
    return std::nullopt;
  network.bits = v4 ? bits + kMappedBits : bits;
  for (unsigned bit = network.bits; bit < 128; ++bit)
    if ((network.first[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  return network;
}

}  // namespace amanat::net
