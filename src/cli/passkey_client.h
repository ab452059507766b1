#pragma once
// cli, the passkey client: what an officer's browser says to an exchange, without the browser. Used
// by `amanat lookup --authenticator`, `amanat passkey` and the demo. Not thread-safe; each call
// blocks.

#include <string>
#include <string_view>

#include "cli/authenticator.h"
#include "net/http.h"

namespace amanat::cli {

/// PasskeyClient is one connection, one session.
class PasskeyClient {
 public:
  /// `origin` is the exchange's own address as browsers write it.
  PasskeyClient(net::Client client, std::string origin)
      : client_(std::move(client)), origin_(std::move(origin)) {}

  /// Each returns the exchange's reply as JSON, or its refusal as the failure it names.
  Result<net::Json> enrol(Authenticator& authenticator, std::string_view code,
                          const Dishonesty& dishonesty = {});
  Result<net::Json> sign_in(Authenticator& authenticator, const Dishonesty& dishonesty = {});
  /// ask puts a question forward, signs it and returns the reply as it came, answer or problem.
  Result<Response> ask(Authenticator& authenticator, std::string_view question,
                       const Dishonesty& dishonesty = {});
  /// confirm puts an act forward (JSON) and sends it, signed, to a route.
  Result<net::Json> confirm(Authenticator& authenticator, std::string_view act,
                            std::string_view target, const Dishonesty& dishonesty = {});
  Result<net::Json> sign_out();

  /// post sends a body as a page would, with the session's cookie.
  Result<Response> post(std::string_view target, std::string_view body);
  Result<net::Json> post_for_json(std::string_view target, std::string_view body);

  std::string cookie;  // "__Host-amanat=..."; empty: none
  const std::string& origin() const { return origin_; }

 private:
  Result<Response> send(std::string_view method, std::string_view target, std::string_view body);
  net::Client client_;
  std::string origin_;
};

/// read_authenticator and keep_authenticator are a software authenticator's file, mode 0600. Errors:
/// file_failed, malformed_json.
Result<Authenticator> read_authenticator(const std::string& file);
Result<void> keep_authenticator(const std::string& file, const Authenticator& authenticator);

/// body_of_two writes {"<name>": "<text>", "<second>": <raw JSON>}.
std::string body_of_two(std::string_view name, std::string_view text, std::string_view second,
                        std::string_view raw);

}  // namespace amanat::cli
