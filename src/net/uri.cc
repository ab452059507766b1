#include "net/uri.h"

#include <algorithm>
#include <array>

namespace amanat::net {
namespace {

constexpr std::size_t kUriBytesMax = 2048;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// pchar of RFC 3986 3.3 without percent-encoding, and the slash.
bool path_letter(char c) {
  return unreserved(c) || std::string_view("!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char s = small(c);
  return s >= 'a' && s <= 'f' ? s - 'a' + 10 : -1;
}

// Percent-encoding in one form (6.2.2.1, 6.2.2.2); nothing for a byte that no path holds.
std::optional<std::string> normal_encoding(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      if (!path_letter(path[i])) return std::nullopt;
      out.push_back(path[i]);
      continue;
    }
    if (i + 2 >= path.size()) return std::nullopt;
    const int high = hex_value(path[i + 1]), low = hex_value(path[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const auto byte = static_cast<unsigned>(high * 16 + low);
    if (byte < 0x80 && unreserved(static_cast<char>(byte))) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
    i += 2;
  }
  return out;
}

// remove_dot_segments of 5.2.4; the path begins with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out.push_back('/');
    } else {
      out += segment;
    }
  }
  return out;
}

// The host in small letters, or nothing: a name, an IPv4 address or an IPv6 one in brackets.
std::optional<std::string> normal_host(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  std::string out;
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = small(host[i]);
    const bool outer = bracketed && (i == 0 || i + 1 == host.size());
    const bool fits = bracketed ? outer || hex_value(c) >= 0 || c == ':' || c == '.'
                                : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                      c == '.' || c == '_';
    if (!fits) return std::nullopt;
    out.push_back(c);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> normal_uri(std::string_view uri) {
  if (uri.size() > kUriBytesMax) return std::nullopt;
  const std::size_t colon = uri.find("://");
  if (colon == uri.npos || colon > 5) return std::nullopt;
  std::string scheme;
  for (const char c : uri.substr(0, colon)) scheme.push_back(small(c));
  if (scheme != "https" && scheme != "http") return std::nullopt;
  uri.remove_prefix(colon + 3);
  uri = uri.substr(0, std::min({uri.find('?'), uri.find('#'), uri.size()}));
  const std::size_t slash = std::min(uri.find('/'), uri.size());
  std::string_view authority = uri.substr(0, slash);
  const std::string_view path = uri.substr(slash);
  const std::size_t bracket = authority.rfind(']');
  const std::size_t port_at = authority.rfind(':');
  std::string_view port;
  if (port_at != authority.npos && (bracket == authority.npos || port_at > bracket)) {
    port = authority.substr(port_at + 1);
    authority = authority.substr(0, port_at);
  }
  if (port.size() > 5 || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  while (port.size() > 1 && port.starts_with('0')) port.remove_prefix(1);
  const auto host = normal_host(authority);
  const auto encoded = normal_encoding(path);
  if (!host || !encoded) return std::nullopt;
  std::string out = scheme + "://" + *host;
  if (!port.empty() && port != (scheme == "https" ? "443" : "80")) out.append(":").append(port);
  return out + (encoded->empty() ? "/" : without_dots(*encoded));
}

}  // namespace amanat::net
