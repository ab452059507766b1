#include "net/foreign.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/foreign_wire.h"
#include "net/test_server.h"

namespace amanat::net {
namespace {

Result<ForeignReply> read(std::string_view bytes, std::string_view method = "GET",
                          std::size_t body_max = 1 << 20) {
  ForeignOptions limits;
  limits.body_bytes_max = body_max;
  return read_foreign_reply(bytes, method, limits);
}

TEST(ForeignReply, IsReadHoweverItIsFramed) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA")->body, "hello");
  EXPECT_EQ(read("HTTP/1.1 200\r\n\r\nto the end")->body, "to the end");
  EXPECT_EQ(read("HTTP/1.0 200 OK\nX: y\n\nloose lines")->body, "loose lines");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n")
                ->body,
            "abcde");
  EXPECT_EQ(
      read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")->status,
      404u);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD")->body, "");
  EXPECT_EQ(read("HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n")->body, "");
  const auto twice =
      read("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSET-COOKIE: b\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(twice->header("set-cookie"), "a");
  EXPECT_EQ(twice->headers.size(), 3u);
}

TEST(ForeignReply, WhatIsTooLongIsCutAndWhatIsShortIsMarked) {
  const auto cut = read("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", "GET", 4);
  EXPECT_EQ(cut->body, "0123");
  EXPECT_TRUE(cut->cut);
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123")->cut);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123", "GET", 4)->cut);
}

TEST(ForeignReply, WhatIsNotHttpIsRefused) {
  for (const std::string_view bytes :
       {"", "SSH-2.0-x\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2000 x\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"})
    EXPECT_FALSE(read(bytes)) << bytes;
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"));
}

TEST(ForeignReply, ComesOutTheSameHoweverItIsCutUp) {
  const std::string bytes =
      "HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\na;y\r\n0123456789\r\n0\r\n\r\n";
  ForeignOptions limits;
  for (std::size_t step = 1; step < bytes.size(); ++step) {
    ForeignReader reader("GET", limits);
    auto state = ForeignReader::State::more;
    for (std::size_t at = 0; at < bytes.size() && state == ForeignReader::State::more; at += step)
      state = reader.feed(std::string_view(bytes).substr(at, step));
    ASSERT_EQ(state, ForeignReader::State::complete) << step;
    EXPECT_TRUE(reader.kept()) << step;
    EXPECT_EQ(reader.take().body, "abc0123456789") << step;
  }
}

Foreign opened(const std::string& origin, unsigned seconds = 10) {
  ForeignOptions o;
  o.origin = origin;
  o.ca_file = certificates().crt("ours");
  o.seconds_max = seconds;
  auto made = Foreign::open(o);
  EXPECT_TRUE(made) << (made ? "" : made.error().detail);
  return *std::move(made);
}

TEST(Foreign, AsksOverTlsWithAndWithoutACertificate) {
  auto server = serve(options(), [](Request request, Reply reply) {
    Response response;
    response.body = request.method + " " + request.path + "?" + request.query + " " +
                    std::string(request.header("x-one")) + (request.peer ? " shown" : " none") +
                    request.body;
    reply(std::move(response));
  });
  auto foreign = opened("https://127.0.0.1:" + std::to_string(server->port()));
  EXPECT_TRUE(foreign.encrypted());
  ASSERT_EQ(foreign.addresses(), std::vector<std::string>{"127.0.0.1"});
  for (int i = 0; i < 3; ++i) {
    auto plain = foreign.ask({"GET", "//a%2Fb?x=1", {{"X-One", "1"}}, ""});
    ASSERT_TRUE(plain) << plain.error().detail;
    EXPECT_EQ(plain->body, "GET //a%2Fb?x=1 1 none");
    auto shown = foreign.ask({"POST", "/p", {}, "body"},
                             {certificates().crt("client"), certificates().key("client")});
    ASSERT_TRUE(shown) << shown.error().detail;
    EXPECT_EQ(shown->body, "POST /p?  shownbody");
  }
  server->stop(1000);
}

TEST(Foreign, AnotherAuthoritysCertificateIsNotTrusted) {
  auto server = serve(options(), echo);
  ForeignOptions o;
  o.origin = "https://127.0.0.1:" + std::to_string(server->port());
  o.ca_file = certificates().crt("foreign");
  auto foreign = Foreign::open(o);
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->ask({"GET", "/", {}, ""}).error().reason, Reason::peer_untrusted);
  o.ca_file.clear();  // the system's authorities know it even less
  auto by_system = Foreign::open(o);
  ASSERT_TRUE(by_system);
  EXPECT_EQ(by_system->ask({"GET", "/", {}, ""}).error().reason, Reason::peer_untrusted);
  server->stop(1000);
}

TEST(Foreign, WhatIsNoOriginIsRefused) {
  for (const std::string origin :
       {"", "ftp://x", "https://", "https://a b", "https://user@x", "https://x:99999999",
        "https://x/path", "https://x:8o", "http://[::1", "//x", "https://x?y", "https://x\r\ny"}) {
    ForeignOptions o;
    o.origin = origin;
    const auto made = Foreign::open(o);
    ASSERT_FALSE(made) << origin;
    EXPECT_EQ(made.error().reason, Reason::usage_wrong) << origin;
  }
}

// Door listens on loopback and hands each connection to `talk`.
struct Door {
  explicit Door(std::function<void(int)> talk) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd, 8), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    origin = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread = std::thread([this, talk = std::move(talk)] {
      for (;;) {
        const int one = ::accept(fd, nullptr, nullptr);
        if (one < 0) return;
        ++connections;
        talk(one);
        ::close(one);
      }
    });
  }
  ~Door() {
    ::shutdown(fd, SHUT_RDWR);
    thread.join();
    ::close(fd);
  }
  static void hear(int one) {
    char bytes[4096];
    (void)!::recv(one, bytes, sizeof bytes, 0);
  }
  static void say(int one, std::string_view text) {
    (void)!::send(one, text.data(), text.size(), MSG_NOSIGNAL);
  }
  int fd = -1;
  std::string origin;
  std::atomic<unsigned> connections{0};
  std::thread thread;
};

TEST(Foreign, ARequestIsRepeatedOnlyOnAClosedKeptConnectionAndOnlyIfItReads) {
  Door door([](int one) {
    Door::hear(one);
    Door::say(one, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");  // and closes without a word
  });
  auto foreign = opened(door.origin);
  EXPECT_FALSE(foreign.encrypted());
  for (int i = 0; i < 3; ++i) {
    auto reply = foreign.ask({"GET", "/", {}, ""});
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->body, "ok");
    ASSERT_TRUE(foreign.ask({"POST", "/", {}, "x"}));
  }
}

TEST(Foreign, AServerThatEndsTheConnectionOrSaysNothingIsUnreachable) {
  Door door([](int one) { Door::hear(one); });
  auto foreign = opened(door.origin);
  const auto reply = foreign.ask({"GET", "/", {}, ""});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, Reason::peer_unreachable);
  EXPECT_EQ(door.connections, 1u);
  Door silent([](int one) {
    Door::hear(one);
    Door::hear(one);
  });
  auto waiting = opened(silent.origin, 1);
  const auto none = waiting.ask({"GET", "/", {}, ""});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().detail.ends_with("no reply in time")) << none.error().detail;
}

TEST(Foreign, AnEndlessBodyIsCut) {
  Door door([](int one) {
    Door::hear(one);
    Door::say(one, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string block(65536, 'x');
    for (int i = 0; i < 200; ++i)
      if (::send(one, block.data(), block.size(), MSG_NOSIGNAL) < 0) return;
  });
  auto foreign = opened(door.origin);
  const auto reply = foreign.ask({"GET", "/", {}, ""});
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->cut);
  EXPECT_EQ(reply->body.size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace amanat::net
