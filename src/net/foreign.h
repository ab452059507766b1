#pragma once
// net, foreign applications: one origin that is not an exchange, asked without believing anything
// it says. Beside Client, never instead of it: what an exchange's clients may not do (plain http,
// TLS 1.2, odd paths, a truncated reply) is done here alone.
//
// Invariants
//  1. Bytes go only to the addresses the origin's name had when it was opened; a name that changes
//     later changes nothing (no DNS rebinding), and no redirect is followed.
//  2. No proxy of the environment is used.
//  3. A reply is bounded in time, head and body; what is beyond the bound is left unread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"

namespace amanat::net {

struct ForeignOptions {
  std::string origin;           // http://host[:port] or https://host[:port], no path
  std::string ca_file;          // empty: the system's authorities
  unsigned seconds_max = 10;    // for one request, connecting included
  unsigned connect_ms_max = 0;  // for a new connection; 0: as long as the request has
  std::size_t head_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 1 << 20;  // kept; the rest is not read
};

/// ForeignCertificate is what a connection shows of itself; empty: nothing.
struct ForeignCertificate {
  std::string certificate_file, key_file;
  friend auto operator<=>(const ForeignCertificate&, const ForeignCertificate&) = default;
};

struct ForeignRequest {
  std::string method;
  std::string target;  // as it shall stand in the request line, without spaces and controls
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool repeatable = false;  // a question in the body of a POST: asking twice does no harm
  std::optional<std::chrono::steady_clock::time_point> deadline = {};  // sooner than seconds_max
};

/// ForeignReply may hold personal data: its body is wiped when it dies.
struct ForeignReply {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::string body;
  bool cut = false;      // there was more than body_bytes_max
  unsigned wait_ms = 0;  // until the last byte

  ForeignReply() = default;
  ForeignReply(ForeignReply&&) noexcept = default;
  ForeignReply& operator=(ForeignReply&&) noexcept = default;
  ForeignReply(const ForeignReply&) = delete;
  ForeignReply& operator=(const ForeignReply&) = delete;
  ~ForeignReply();
  /// header returns the first value of that (lower-case) name, or an empty view.
  std::string_view header(std::string_view name) const;
};

/// Foreign is one origin. Not thread-safe.
class Foreign {
 public:
  /// open reads the origin and resolves its name, once. Errors: usage_wrong (not an origin),
  /// peer_unreachable (no such name), file_failed (the CA file).
  static Result<Foreign> open(const ForeignOptions& options);
  Foreign(Foreign&&) noexcept;
  ~Foreign();
  /// host is the name or address asked, with its port.
  const std::string& host() const;
  bool encrypted() const;
  /// addresses are those that are asked, as text.
  const std::vector<std::string>& addresses() const;
  /// ask sends one request, over a kept connection of the same certificate if there is one, and
  /// reads the reply. A request is sent a second time only if the server had closed a kept
  /// connection before any byte of a reply, and only for GET, HEAD, OPTIONS and what is repeatable.
  /// Errors: peer_unreachable, peer_untrusted, malformed_request (not an HTTP reply), file_failed,
  /// key_missing (certificate).
  Result<ForeignReply> ask(const ForeignRequest& request, const ForeignCertificate& shown = {});

 private:
  struct State;
  explicit Foreign(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// read_foreign_reply reads a reply out of bytes that end with the connection; what ask() does,
/// exposed for tests and fuzzing. Errors: malformed_request.
Result<ForeignReply> read_foreign_reply(std::string_view bytes, std::string_view method,
                                        const ForeignOptions& limits);

}  // namespace amanat::net
