#pragma once
// For this room's tests: a server on loopback, and a client that sends what it is told byte for
// byte and counts the TLS records of what comes back.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "model/task.h"
#include "net/http.h"
#include "net/test_certificates.h"
#include "net/tls.h"

namespace amanat::net {

inline const TestCertificates& certificates() {
  static const TestCertificates all;
  return all;
}

inline ServerOptions options() {
  ServerOptions o;
  o.port = 0;
  o.threads = 2;
  o.certificate_file = certificates().crt("server");
  o.key_file = certificates().key("server");
  o.client_ca_pem = certificates().pem("ours");
  return o;
}

inline std::unique_ptr<Server> serve(const ServerOptions& o, Handler handler) {
  auto server = Server::start(o, std::move(handler));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().detail);
  return server ? *std::move(server) : nullptr;
}

// echo answers with what it understood of the request.
inline void echo(Request request, Reply reply) {
  Response response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + " " + request.query + " " + request.body;
  reply(std::move(response));
}

class RawClient {
 public:
  RawClient(std::uint16_t port, const std::string& certificate) {
    auto tls = TlsClient::make(certificates().crt("ours"),
                               certificate.empty() ? "" : certificates().crt(certificate),
                               certificate.empty() ? "" : certificates().key(certificate));
    EXPECT_TRUE(tls.has_value());
    tls_ = *std::move(tls);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    session_ = tls_->connect("127.0.0.1");
    session_->output_to(&out_);
    for (;;) {
      const auto step = session_->handshake();
      send_out();
      if (step != TlsSession::Step::want_input) break;
      if (!receive(5000)) break;
    }
    records = 0;
  }
  explicit RawClient(std::uint16_t port) : RawClient(port, "client") {}
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view plain) {
    session_->write(plain);
    send_out();
  }
  void send_ciphertext(std::string_view bytes) {
    (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // read returns what comes until `enough(text)` or the end or the time is over.
  template <class Enough>
  std::string read(Enough enough, int ms = 10000) {
    while (!enough(text_) && !ended) {
      char plain[16384];
      std::size_t n = 0;
      const auto step = session_->read(plain, sizeof plain, n);
      text_.append(plain, n);
      if (step == TlsSession::Step::done) continue;
      if (step != TlsSession::Step::want_input)
        ended = true;
      else if (!receive(ms))
        break;
    }
    return std::exchange(text_, {});
  }
  std::string read_all(int ms = 10000) {
    return read([](const std::string&) { return false; }, ms);
  }
  std::string read_replies(std::size_t count, int ms = 10000) {
    return read([count](const std::string& t) { return replies_in(t) >= count; }, ms);
  }
  static std::size_t replies_in(const std::string& text) {  // complete ones
    std::size_t at = 0, count = 0;
    for (;;) {
      const auto end = text.find("\r\n\r\n", at);
      if (end == std::string::npos) return count;
      const auto length = text.find("Content-Length: ", at);
      const std::size_t body = length < end ? std::stoul(text.substr(length + 16)) : 0;
      if (end + 4 + body > text.size()) return count;
      at = end + 4 + body;
      ++count;
    }
  }
  void abort() {  // a reset instead of a polite end
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

  unsigned records = 0;  // TLS records received since the handshake
  bool ended = false;

 private:
  void send_out() {
    if (fd_ >= 0 && !out_.empty()) (void)!::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    out_.clear();
  }
  bool receive(int ms) {
    pollfd watched{fd_, POLLIN, 0};
    if (::poll(&watched, 1, ms) <= 0) return false;
    in_.resize(65536);
    const ssize_t n = ::recv(fd_, in_.data(), in_.size(), 0);
    if (n <= 0) {
      ended = true;
      return false;
    }
    in_.resize(static_cast<std::size_t>(n));
    count_records();
    session_->feed(in_);
    return true;
  }
  void count_records() {
    tail_ += in_;
    std::size_t at = 0;
    while (tail_.size() - at >= 5) {
      const std::size_t size = 5 + (static_cast<unsigned char>(tail_[at + 3]) << 8 |
                                    static_cast<unsigned char>(tail_[at + 4]));
      if (tail_.size() - at < size) break;
      at += size;
      ++records;
    }
    tail_.erase(0, at);
  }

  std::unique_ptr<TlsClient> tls_;
  std::unique_ptr<TlsSession> session_;
  int fd_ = -1;
  std::string out_, in_, tail_, text_;
};

inline Client client(std::uint16_t port, const std::string& certificate = "client") {
  ClientOptions o;
  o.url = "https://127.0.0.1:" + std::to_string(port);
  o.ca_file = certificates().crt("ours");
  if (!certificate.empty()) {
    o.certificate_file = certificates().crt(certificate);
    o.key_file = certificates().key(certificate);
  }
  auto connected = Client::connect(o);
  EXPECT_TRUE(connected.has_value()) << (connected ? "" : connected.error().detail);
  return *std::move(connected);
}

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

// Meeting is where replies wait until the test lets them go, on the thread that holds them.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  struct Waiting {
    Home* home;
    std::coroutine_handle<> coroutine;
  };
  std::vector<Waiting> waiting;

  auto wait() {
    struct Awaiter {
      Meeting& meeting;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> h) {
        const std::lock_guard lock(meeting.mutex);
        meeting.waiting.push_back({Home::current(), h});
        meeting.changed.notify_all();
      }
      void await_resume() {}
    };
    return Awaiter{*this};
  }
  void until(std::size_t count) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(
        changed.wait_for(lock, std::chrono::seconds(20), [&] { return waiting.size() >= count; }));
  }
  void release() {
    std::vector<Waiting> all;
    {
      const std::lock_guard lock(mutex);
      all.swap(waiting);
    }
    for (auto& w : all) w.home->resume(w.coroutine);
  }
  Task<Response> respond(Request request) {
    auto awaiter = wait();
    co_await awaiter;
    Response response;
    response.body = request.path;
    co_return response;
  }
  Handler handler() {
    return [this](Request request, Reply reply) {
      start(respond(std::move(request)),
            [reply = std::move(reply)](Response r) mutable { reply(std::move(r)); });
    };
  }
};

}  // namespace amanat::net
