// What the server refuses, bounds and outlives, over real TLS on loopback.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "net/test_server.h"

namespace amanat::net {
namespace {

using namespace std::string_literals;

struct Refusal {
  const char* what;
  std::string raw;
  unsigned status;
};

std::vector<Refusal> refusals() {
  const std::string h = "Host: x\r\n";
  const auto post = [&](const std::string& headers, const std::string& body = "") {
    return "POST / HTTP/1.1\r\n" + h + headers + "\r\n" + body;
  };
  return {
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
      {"host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
      {"both lengths", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       400},
      {"length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {"length as list", post("Content-Length: 3, 3\r\n", "abc"), 400},
      {"length with plus", post("Content-Length: +3\r\n", "abc"), 400},
      {"length with minus", post("Content-Length: -1\r\n"), 400},
      {"length in hex", post("Content-Length: 0x3\r\n", "abc"), 400},
      {"length with leading zero", post("Content-Length: 03\r\n", "abc"), 400},
      {"length empty", post("Content-Length:\r\n"), 400},
      {"length with space inside", post("Content-Length: 1 0\r\n"), 400},
      {"length over 64 bits", post("Content-Length: 99999999999999999999999\r\n"), 413},
      {"length over the limit", post("Content-Length: 65537\r\n"), 413},
      {"transfer coding twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"transfer coding list", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 415},
      {"transfer coding identity", post("Transfer-Encoding: identity\r\n"), 415},
      {"transfer coding with vertical tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"),
       400},
      {"content coding", post("Content-Encoding: gzip\r\nContent-Length: 0\r\n"), 415},
      {"obs-fold", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
      {"fold first", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"one bare line feed", "GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n", 400},
      {"bare line feed at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
      {"bare carriage return", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", 400},
      {"space before colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400},
      {"no name", "GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", 400},
      {"name with a space", "GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400},
      {"zero byte in a header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, 400},
      {"delete in a header", "GET / HTTP/1.1\r\nHost: x\r\nA: \x7f\r\n\r\n", 400},
      {"content type twice", post("Content-Type: a\r\nContent-Type: b\r\n"), 400},
      {"authorization twice", post("Authorization: a\r\nAuthorization: b\r\n"), 400},
      {"absolute form", "GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"authority form", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"backslash", "GET /\\a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"tab in the target", "GET /\ta HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"byte over 127 in the target", "GET /\xD8\xA7 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"space at the end of the line", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"tab for a space", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"version 1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505},
      {"version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version of another protocol", "GET / HTTX/1.1\r\nHost: x\r\n\r\n", 400},
      {"small letters in the method", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"long method", "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"another expectation", post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a"), 400},
      {"chunk extension", post("Transfer-Encoding: chunked\r\n", "1;a=b\r\nx\r\n0\r\n\r\n"), 400},
      {"chunk size with sign", post("Transfer-Encoding: chunked\r\n", "+1\r\nx\r\n0\r\n\r\n"), 400},
      {"chunk size with prefix", post("Transfer-Encoding: chunked\r\n", "0x1\r\nx\r\n0\r\n\r\n"),
       400},
      {"chunk size empty", post("Transfer-Encoding: chunked\r\n", "\r\nx\r\n0\r\n\r\n"), 400},
      {"chunk size with a space", post("Transfer-Encoding: chunked\r\n", "1 \r\nx\r\n0\r\n\r\n"),
       400},
      {"chunk size endless", post("Transfer-Encoding: chunked\r\n", "000000001\r\nx\r\n0\r\n\r\n"),
       400},
      {"chunk ended by line feed", post("Transfer-Encoding: chunked\r\n", "1\nx\n0\n\n"), 400},
      {"chunk longer than said", post("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n0\r\n\r\n"),
       400},
      {"trailer", post("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n\r\n"), 400},
      {"chunks over the limit", post("Transfer-Encoding: chunked\r\n", "10001\r\n"), 413},
      {"chunks over the limit together",
       post("Transfer-Encoding: chunked\r\n", "8\r\n12345678\r\nfffa\r\n"), 413},
      {"TLS within TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400},
  };
}

TEST(Server, WhateverCouldBeReadInTwoWaysIsRefusedAndEndsTheConnection) {
  const auto server = serve(options(), echo);
  for (const auto& refusal : refusals()) {
    SCOPED_TRACE(refusal.what);
    RawClient raw(server->port());
    // A request before it is answered, one smuggled behind it is not.
    raw.send(get("/before") + refusal.raw + get("/smuggled"));
    const std::string text = raw.read_all();
    EXPECT_TRUE(raw.ended);
    EXPECT_NE(text.find("GET /before"), std::string::npos);
    EXPECT_EQ(text.find("/smuggled"), std::string::npos) << text;
    EXPECT_EQ(RawClient::replies_in(text), 2U) << text;
    EXPECT_NE(text.find("HTTP/1.1 " + std::to_string(refusal.status) + " "), std::string::npos)
        << text;
    EXPECT_NE(text.find("application/problem+json"), std::string::npos);
    EXPECT_NE(text.find("Connection: close"), std::string::npos);
    EXPECT_NE(text.find("{\"type\":\"about:blank\",\"title\":\""), std::string::npos);
  }
}

TEST(Server, TheParserAloneGivesTheSameReasons) {
  ServerOptions o;
  for (const auto& refusal : refusals()) {
    const auto head = parse_request_head(refusal.raw, o);
    if (head) {
      EXPECT_TRUE(head->chunked) << refusal.what;  // its chunks are wrong, not its head
    } else {
      EXPECT_EQ(row_of(head.error().reason).http_status, refusal.status) << refusal.what;
    }
  }
  const auto head = parse_request_head(
      "PUT /a/%2e./b?q=1?2 HTTP/1.1\r\nhOsT:\t[::1]:8443 \r\nAccept: a\r\nACCEPT: "
      "b\r\nX-Empty:\r\nConnection: keep-alive, Close\r\n"
      "Content-Length: 12\r\n\r\nrest",
      o);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->request.path, "/a/%2e./b");
  EXPECT_EQ(head->request.query, "q=1?2");
  EXPECT_EQ(head->request.header("host"), "[::1]:8443");
  EXPECT_EQ(head->request.header("accept"), "a, b");
  EXPECT_EQ(head->request.header("x-empty"), "");
  EXPECT_FALSE(head->keep_alive);
  EXPECT_EQ(head->body_bytes, 12U);
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\nHost: x\r\n", o).has_value());
}

TEST(Server, LimitsOfHeadAndBodyHoldAtTheirExactValue) {
  auto o = options();
  o.header_bytes_max = 1024;
  o.headers_max = 5;
  o.body_bytes_max = 3000;
  const auto server = serve(o, [](Request request, Reply reply) {
    Response response;
    response.body = std::to_string(request.body.size());
    reply(std::move(response));
  });
  const std::string begin = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  const auto of_size = [&](std::size_t n) {
    return begin + std::string(n - begin.size() - 4, 'a') + "\r\n\r\n";
  };
  const auto status = [&](const std::string& raw) {
    RawClient c(server->port());
    c.send(raw);
    return c.read_replies(1).substr(9, 3);
  };
  EXPECT_EQ(status(of_size(1024)), "200");
  EXPECT_EQ(status(of_size(1025)), "431");
  EXPECT_EQ(status(begin + std::string(100000, 'a')), "431");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n"), "200");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n"),
            "431");
  EXPECT_EQ(
      status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" + std::string(3000, 'b')),
      "200");
  EXPECT_EQ(
      status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3001\r\n\r\n" + std::string(3001, 'b')),
      "413");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n" +
                   std::string(3000, 'b') + "\r\n0\r\n\r\n"),
            "200");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nbb9\r\n"),
            "413");
}

TEST(Server, ARefusalIsInUrduForThoseWhoAskForIt) {
  const auto server = serve(options(), echo);
  const auto reply_to = [&](const std::string& language) {
    RawClient c(server->port());
    c.send("get / HTTP/1.1\r\nHost: x\r\naccept-LANGUAGE: " + language + "\r\n\r\n");
    return c.read_all();
  };
  const std::string urdu(row_of(Reason::malformed_request).urdu);
  EXPECT_NE(reply_to("ur-PK, en;q=0.5").find(urdu), std::string::npos);
  EXPECT_NE(reply_to("ur").find("Content-Language: ur"), std::string::npos);
  EXPECT_EQ(reply_to("en").find(urdu), std::string::npos);
  EXPECT_EQ(reply_to("urx").find(urdu), std::string::npos);
}

TEST(Server, SlowRequestsAreEndedAndIdleConnectionsClosed) {
  auto o = options();
  o.request_seconds_max = 1;
  o.idle_seconds_max = 1;
  o.handshake_seconds_max = 1;
  const auto server = serve(o, echo);
  RawClient head(server->port()), body(server->port()), idle(server->port());
  head.send("GET / HTTP/1.1\r\nHost:");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nAccept-Language: ur\r\n\r\n123");
  const int mute = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(mute, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string late = head.read_all();
  EXPECT_NE(late.find("HTTP/1.1 408"), std::string::npos) << late;
  EXPECT_NE(late.find("request-too-slow"), std::string::npos);
  EXPECT_NE(body.read_all().find("Content-Language: ur"), std::string::npos);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended);
  char byte = 0;
  EXPECT_EQ(::recv(mute, &byte, 1, 0), 0);
  ::close(mute);
}

TEST(Server, NoMoreRequestsAreInHandThanAllowed) {
  Meeting meeting;
  auto o = options();
  o.pipelined_max = 4;
  const auto server = serve(o, meeting.handler());
  RawClient raw(server->port());
  std::string script;
  for (int i = 0; i < 1000; ++i) script += get("/" + std::to_string(i));
  std::thread sender([&] { raw.send(script); });
  sender.join();
  std::size_t served = 0;
  std::string text;
  while (served < 1000) {
    meeting.until(4);
    {
      const std::lock_guard lock(meeting.mutex);
      ASSERT_EQ(meeting.waiting.size(), 4U);
    }
    meeting.release();
    served += 4;
    text += raw.read_replies(4);
  }
  EXPECT_EQ(RawClient::replies_in(text), 1000U);
  EXPECT_LT(text.find("\r\n\r\n/998"), text.find("\r\n\r\n/999"));
}

TEST(Server, AReplyThatWaitsHoldsItsConnectionBackAndNobodyElse) {
  std::atomic<int> handled{0};
  auto o = options();
  o.threads = 1;
  auto server = serve(o, [&](const Request& request, Reply reply) {
    ++handled;
    Response response;
    response.body = request.path;
    if (request.path.starts_with("/late")) response.wait_ms = 3'600'000;
    reply(std::move(response));
  });
  RawClient late(server->port());
  late.send(get("/late") + get("/behind") + get("/further"));
  RawClient other(server->port(), "");
  other.send(get("/a") + get("/b"));
  EXPECT_EQ(RawClient::replies_in(other.read_replies(2)), 2U);
  // What the same certificate asks on a new connection is taken one by one as well.
  while (handled < 3) std::this_thread::yield();
  RawClient again(server->port());
  again.send(get("/late/again") + get("/more"));
  while (handled < 4) std::this_thread::yield();
  other.send(get("/c"));
  EXPECT_EQ(RawClient::replies_in(other.read_replies(1)), 1U);
  EXPECT_EQ(handled, 5) << "of the late one's requests the first alone is in hand";
  server->stop(5000);
  const std::string told = late.read_all();
  EXPECT_EQ(told.find("HTTP/1.1 200"), 0U) << "a stop waits for nobody: " << told;
  EXPECT_NE(told.find("\r\n\r\n/late"), std::string::npos);
  EXPECT_EQ(told.find("/behind"), std::string::npos);
}

TEST(Server, AReplyThatWaitsLeavesWhenItsTimeHasCome) {
  const auto server = serve(options(), [](const Request& request, Reply reply) {
    Response response;
    response.body = request.path;
    response.wait_ms = request.path == "/late" ? 200 : 0;
    reply(std::move(response));
  });
  RawClient raw(server->port());
  const auto began = std::chrono::steady_clock::now();
  raw.send(get("/late") + get("/next"));
  const std::string replies = raw.read_replies(2);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(195));
  EXPECT_LT(replies.find("\r\n\r\n/late"), replies.find("\r\n\r\n/next"));
}

TEST(Server, WhoDoesNotReadIsNotReadFrom) {
  std::atomic<int> handled{0};
  auto o = options();
  o.threads = 1;
  const auto server = serve(o, [&](const Request& request, Reply reply) {
    ++handled;
    Response response;
    response.body = request.path + std::string(256 * 1024, 'x');
    reply(std::move(response));
  });
  RawClient raw(server->port());
  std::string script;
  for (int i = 0; i < 400; ++i) script += get("/" + std::to_string(i));
  raw.send(script);
  auto c = client(server->port());  // the loop serves others meanwhile
  ASSERT_TRUE(c.ask("GET", "/other", "").has_value());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(handled.load(), 400);
  std::size_t bytes = 0;
  std::string tail;
  const std::size_t wanted = 400UL * 256 * 1024;
  while (bytes < wanted && !raw.ended) {
    tail = raw.read([](const std::string& t) { return t.size() > 1 << 20; }, 1000);
    if (tail.empty()) break;
    bytes += tail.size();
  }
  EXPECT_GE(bytes, wanted);
  EXPECT_EQ(handled.load(), 401);
}

TEST(Server, AThousandConnectionsAreServedSideBySide) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) GTEST_SKIP() << "too few files may be open";
  const auto server = serve(options(), echo);
  std::vector<std::unique_ptr<RawClient>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(std::make_unique<RawClient>(server->port(), ""));
  for (auto& c : all) c->send(get("/x"));
  for (auto& c : all) ASSERT_EQ(RawClient::replies_in(c->read_replies(1)), 1U);
}

TEST(Server, BeyondTheLimitConnectionsAreTurnedAway) {
  auto o = options();
  o.connections_max = 3;
  const auto server = serve(o, echo);
  {
    RawClient a(server->port()), b(server->port()), c(server->port()), d(server->port());
    c.send(get("/"));
    EXPECT_EQ(RawClient::replies_in(c.read_replies(1)), 1U);
    EXPECT_EQ(d.read_all(), "");
    EXPECT_TRUE(d.ended);
  }
  for (int i = 0; i < 100; ++i) {  // places come free again
    RawClient e(server->port());
    e.send(get("/"));
    if (RawClient::replies_in(e.read_replies(1, 200)) == 1) return;
  }
  FAIL() << "no place came free";
}

TEST(Server, GarbageNeitherStopsTheServerNorGetsAnythingButRefusals) {
  const unsigned seed = 4711;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  auto o = options();
  o.body_bytes_max = 1000;
  o.header_bytes_max = 600;
  const auto server = serve(o, echo);
  const std::string good =
      get("/a") + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":1}" +
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
  static constexpr std::string_view kPieces[] = {
      "\r\n", "\n", "\r", ":", " ", "\t", "0", "ffffffff", "Host: y\r\n", "chunked", "\0"};
  for (int round = 0; round < 150; ++round) {
    std::string script = good + good;
    for (std::size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      const auto at = random() % script.size();
      switch (random() % 4) {
        case 0:
          script.erase(at, 1 + random() % 5);
          break;
        case 1:
          script[at] = static_cast<char>(random());
          break;
        case 2:
          script.insert(at, kPieces[random() % std::size(kPieces)]);
          break;
        default:
          script.insert(at, script.substr(random() % script.size(), random() % 300));
      }
    }
    RawClient raw(server->port(), "");
    raw.send(script.substr(0, script.size() / 2));
    raw.send(script.substr(script.size() / 2));
    raw.half_close();
    const std::string text = raw.read_all();
    ASSERT_TRUE(raw.ended) << script;
    ASSERT_TRUE(text.empty() || text.starts_with("HTTP/1.1 ")) << text;
  }
  for (int round = 0; round < 50; ++round) {  // and below TLS
    RawClient raw(server->port());
    std::string noise(random() % 2000, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    if (round % 2 == 0) noise.insert(0, "\x17\x03\x03");
    raw.send_ciphertext(noise);
    raw.half_close();
    raw.read_all();
    ASSERT_TRUE(raw.ended);
  }
  EXPECT_EQ(client(server->port()).ask("GET", "/still", "")->body, "GET /still  ");
}

}  // namespace
}  // namespace amanat::net
