#pragma once
// One HTTP request as the rooms see it: already framed and bounded by net, not yet believed.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"

namespace amanat {

/// PeerCertificate is the client certificate of a connection, taken once at the handshake.
struct PeerCertificate {
  Digest thumbprint{};  // SHA-256 of the DER
  std::string der;
  bool issued_by_us = false;  // chains to the exchange's CA
  Moment not_before{}, not_after{};
};

/// Request is one request. `path` is without query. Views live as long as the request does.
struct Request {
  std::string method, path, query;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::shared_ptr<const PeerCertificate> peer;  // null: none was shown
  Moment received{};
  Address from{};  // the connection's other end; none for a caller on the same machine's socket

  /// header returns the value of the only header of that (lower-case) name, or an empty view.
  std::string_view header(std::string_view name) const {
    for (const auto& [n, v] : headers)
      if (n == name) return v;
    return {};
  }
};

/// Response is one reply. The body may hold personal data: it is wiped after it was written. It
/// leaves `wait_ms` after it was made, and such a connection's requests are taken one at a time.
struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::uint32_t wait_ms = 0;
};

}  // namespace amanat
