#pragma once
// net, HTTP: TLS 1.3 and HTTP/1.1 keep-alive on every core, and a blocking client for tools.
// The server frames and bounds requests (sizes, counts, times) and believes nothing; who asks is
// for identity to say. Pipelined requests are all handed on at once and their replies, in order,
// joined into as few TLS records as possible.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/request.h"
#include "model/result.h"
#include "model/task.h"

namespace amanat::net {

/// Upload takes the body of one request as it arrives, so that none of it is held. Used by its
/// connection's thread; dropped unfinished, the connection has ended.
class Upload {
 public:
  virtual ~Upload() = default;
  /// take gets the next bytes. What it returns is the answer: the rest is not read, and the
  /// connection ends after it.
  virtual std::optional<Response> take(std::string_view bytes) = 0;
  /// end is called after the last byte; it returns the body that the handler gets.
  virtual std::string end() = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443;               // 0: any free one; see port()
  std::string certificate_file, key_file;  // server's, PEM
  std::string client_ca_pem;               // text: whose client certificates are issued_by_us
  unsigned threads = 0;                    // 0: one a core
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
  unsigned headers_max = 64;
  unsigned pipelined_max = 128;  // requests of one connection in hand at a time
  unsigned connections_max = 8192;
  unsigned request_seconds_max = 15;  // from first byte to last of one request
  unsigned idle_seconds_max = 120;
  unsigned handshake_seconds_max = 10;
  // POST of multipart/form-data to this path is taken by what `upload` makes of its head; it may
  // last as long as bytes keep coming. Empty: none.
  std::string upload_path;
  std::uint64_t upload_bytes_max = 0;
  std::function<std::unique_ptr<Upload>(const Request& head)> upload;
};

/// Reply hands the response over; called once, on the thread (Home) that called the handler. The
/// connection may be gone by then. Dropped without a call, it answers internal_error.
using Reply = std::move_only_function<void(Response)>;
/// Handler gets each request on its connection's thread and must not block.
using Handler = std::function<void(Request, Reply)>;

/// Server listens and serves until it dies. TLS 1.3 only; a client certificate is asked for, not
/// demanded: a connection without one gets a Request without a peer. Each of its threads is a Home
/// (model/task.h); they live until every Reply has been used or dropped, so a handler's coroutine
/// must own its Reply to its end, and whoever resumes them must outlive the server or drop them.
class Server {
 public:
  /// start binds and begins to serve. Errors: file_failed (certificate), peer_unreachable (bind).
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  ~Server();
  std::uint16_t port() const;
  /// stop takes no new request, lets those in hand finish (at most `grace_ms`), closes, and waits
  /// for the last Reply. Not from a server thread.
  void stop(unsigned grace_ms);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ClientOptions {
  std::string url;                         // https://host:port, no path
  std::string ca_file;                     // whom to trust: this alone
  std::string certificate_file, key_file;  // empty: show none
  unsigned seconds_max = 30;
  std::string
      source;  // numeric address of this machine to connect from; empty: the system's choice
};

/// Client is one keep-alive connection. Not thread-safe.
class Client {
 public:
  /// connect. Errors: peer_unreachable, peer_untrusted, file_failed, key_missing.
  static Result<Client> connect(const ClientOptions& options);
  Client(Client&&) noexcept;
  ~Client();
  /// ask sends one request and waits for its reply. Errors: peer_unreachable, malformed_request (a
  /// reply that is not HTTP), body_too_large.
  Result<Response> ask(std::string_view method, std::string_view target, std::string_view body,
                       std::string_view content_type = "application/json");
  /// ask_with is ask with further headers; none may hold a line break.
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Result<Response> ask_with(const Headers& headers, std::string_view method,
                            std::string_view target, std::string_view body,
                            std::string_view content_type = "application/json");
  /// ask_all pipelines several and returns their replies in order.
  Result<std::vector<Response>> ask_all(std::string_view method, std::string_view target,
                                        const std::vector<std::string>& bodies);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// parse_request_head is the server's own head parser, exposed for tests and fuzzing: reads a
/// request line and headers (ending in an empty line) under the options' limits.
/// Errors: malformed_request, wrong_http_version, header_too_large, body_too_large,
/// wrong_media_type (Content-Encoding, a Transfer-Encoding other than chunked).
struct Head {
  Request request;
  std::uint64_t body_bytes = 0;
  bool chunked = false;
  bool keep_alive = true;
  bool upload = false;  // to upload_path
  std::size_t head_bytes = 0;
};
Result<Head> parse_request_head(std::string_view text, const ServerOptions& limits);

}  // namespace amanat::net
