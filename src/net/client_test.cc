// The client, against our own server and against servers that misbehave byte for byte.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "net/http.h"
#include "net/test_certificates.h"
#include "net/tls.h"

namespace amanat::net {
namespace {

const TestCertificates& certificates() {
  static const TestCertificates all;
  return all;
}

int bound(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd, 4), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

// ScriptedServer takes one connection, waits for a request and says `reply`, in pieces.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::string reply, std::size_t piece = 1000000)
      : reply_(std::move(reply)), piece_(piece) {
    fd_ = bound(port);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    thread_.join();
    ::close(fd_);
  }
  std::uint16_t port = 0;

 private:
  void run() {
    auto tls = TlsServer::make(certificates().crt("server"), certificates().key("server"), "");
    const int fd = ::accept(fd_, nullptr, nullptr);
    const auto session = (*tls)->accept();
    std::string out, in(65536, '\0');
    session->output_to(&out);
    bool ready = false, asked = false;
    for (;;) {
      const ssize_t n = ::recv(fd, in.data(), in.size(), 0);
      if (n <= 0) break;
      session->feed(std::string_view(in).substr(0, static_cast<std::size_t>(n)));
      if (!ready) {
        const auto step = session->handshake();
        flush(fd, out);
        if (step == TlsSession::Step::failed) break;
        ready = step == TlsSession::Step::done;
      }
      char plain[16384];
      std::size_t got = 0;
      while (ready && session->read(plain, sizeof plain, got) == TlsSession::Step::done)
        asked = true;
      session->drop_unread();
      if (asked) {
        for (std::size_t at = 0; at < reply_.size(); at += piece_) {
          session->write(std::string_view(reply_).substr(at, piece_));
          flush(fd, out);
        }
        break;
      }
    }
    ::shutdown(fd, SHUT_WR);
    while (::recv(fd, in.data(), in.size(), 0) > 0) {
    }
    ::close(fd);
  }
  static void flush(int fd, std::string& out) {
    (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    out.clear();
  }
  std::string reply_;
  std::size_t piece_;
  int fd_ = -1;
  std::thread thread_;
};

ClientOptions to(std::uint16_t port, const std::string& host = "127.0.0.1") {
  ClientOptions o;
  o.url = "https://" + host + ":" + std::to_string(port);
  o.ca_file = certificates().crt("ours");
  o.seconds_max = 5;
  return o;
}

Result<Response> asked(const std::string& reply, std::size_t piece = 1000000) {
  const ScriptedServer server(reply, piece);
  auto client = Client::connect(to(server.port));
  if (!client) return std::unexpected(client.error());
  return client->ask("POST", "/", "x");
}

TEST(Client, RepliesAreReadHoweverTheyAreFramed) {
  EXPECT_EQ(asked("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello")->body,
            "hello");
  const auto chunked = asked(
      "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\nA: "
      "b\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
      1);
  ASSERT_TRUE(chunked.has_value());
  EXPECT_EQ(chunked->body, "hello!");
  EXPECT_EQ(chunked->status, 404U);
  EXPECT_EQ(asked("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")->status, 204U);
  const std::string large(3000000, 'x');
  EXPECT_EQ(asked("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + large, 10000)->body,
            large);
}

TEST(Client, RepliesThatCouldBeReadInTwoWaysAreRefused) {
  for (const char* reply :
       {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "nonsense\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nto the end",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n"}) {
    const auto got = asked(reply);
    ASSERT_FALSE(got.has_value()) << reply;
    EXPECT_EQ(got.error().reason, Reason::malformed_request) << reply;
  }
  EXPECT_EQ(asked("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n").error().reason,
            Reason::body_too_large);
  EXPECT_EQ(asked("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel").error().reason,
            Reason::peer_unreachable);
  EXPECT_EQ(asked("HTTP/1.1 200 OK\r\nA: " + std::string(200000, 'a')).error().reason,
            Reason::malformed_request);
  EXPECT_EQ(asked("").error().reason, Reason::peer_unreachable);
}

std::unique_ptr<Server> echo_server(const std::string& certificate = "server") {
  ServerOptions o;
  o.address = "0.0.0.0";
  o.port = 0;
  o.threads = 1;
  o.certificate_file = certificates().crt(certificate);
  o.key_file = certificates().key(certificate);
  o.client_ca_pem = certificates().pem("ours");
  auto server = Server::start(o, [](Request request, Reply reply) {
    Response response;
    response.body = std::move(request.body);
    reply(std::move(response));
  });
  EXPECT_TRUE(server.has_value());
  return *std::move(server);
}

TEST(Client, OnlyAServerOfTheTrustedCaUnderItsOwnNameIsBelieved) {
  const auto server = echo_server();
  auto options = to(server->port());
  EXPECT_TRUE(Client::connect(options).has_value());
  EXPECT_TRUE(Client::connect(to(server->port(), "localhost")).has_value());
  options.ca_file = certificates().crt("foreign");
  EXPECT_EQ(Client::connect(options).error().reason, Reason::peer_untrusted);
  EXPECT_EQ(Client::connect(to(server->port(), "127.0.0.2")).error().reason,
            Reason::peer_untrusted);         // not its name
  const auto unfit = echo_server("client");  // a client's certificate is not a server's
  EXPECT_EQ(Client::connect(to(unfit->port())).error().reason, Reason::peer_untrusted);
  options.ca_file = "/nonexistent";
  EXPECT_EQ(Client::connect(options).error().reason, Reason::file_failed);
}

TEST(Client, AWrongAddressIsSaidToBeOne) {
  for (const char* url : {"http://127.0.0.1:1", "127.0.0.1:1", "https://", "https://:1",
                          "https://127.0.0.1:x", "https://127.0.0.1:1/path", "https://[::1",
                          "https://a@127.0.0.1:1", "https://127.0.0.1:123456"}) {
    auto options = to(1);
    options.url = url;
    const auto connected = Client::connect(options);
    ASSERT_FALSE(connected.has_value()) << url;
    EXPECT_EQ(connected.error().reason, Reason::peer_unreachable) << url;
  }
  std::uint16_t port = 0;
  ::close(bound(port));
  EXPECT_EQ(Client::connect(to(port)).error().reason, Reason::peer_unreachable);
}

TEST(Client, AServerThatSaysNothingIsGivenUp) {
  std::uint16_t port = 0;
  const int fd = bound(port);
  auto options = to(port);
  options.seconds_max = 1;
  EXPECT_EQ(Client::connect(options).error().reason, Reason::peer_unreachable);
  ::close(fd);
}

TEST(Client, ManyQuestionsAreAskedAtOnceAndAnsweredInOrder) {
  const auto server = echo_server();
  auto client = Client::connect(to(server->port()));
  ASSERT_TRUE(client.has_value());
  std::vector<std::string> bodies;
  for (int i = 0; i < 3000; ++i)
    bodies.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i) % 700, 'x'));
  bodies.push_back(std::string(60000, 'y'));
  const auto got = client->ask_all("POST", "/", bodies);
  ASSERT_TRUE(got.has_value()) << got.error().detail;
  ASSERT_EQ(got->size(), bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) ASSERT_EQ((*got)[i].body, bodies[i]);
  EXPECT_TRUE(client->ask_all("POST", "/", {})->empty());
  EXPECT_EQ(client->ask("POST", "/", "again")->body, "again");
  EXPECT_EQ(client->ask("POST", "/", std::string(70000, 'z'))->status, 413U);
  EXPECT_EQ(client->ask("POST", "/", "late").error().reason, Reason::peer_unreachable);
}

}  // namespace
}  // namespace amanat::net
