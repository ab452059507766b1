// What the server does for honest clients, over real TLS on loopback.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "net/address.h"
#include "net/test_server.h"

namespace amanat::net {
namespace {

TEST(Server, ARequestIsUnderstoodAndAnswered) {
  const auto server = serve(options(), echo);
  auto c = client(server->port());
  const auto got = c.ask("POST", "/v1/lookups?a=%20b", "{\"x\":1}");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->status, 200U);
  EXPECT_EQ(got->body, "POST /v1/lookups a=%20b {\"x\":1}");
  EXPECT_EQ(got->content_type, "text/plain");
  const auto header = [&](std::string_view name) {
    for (const auto& [n, v] : got->headers)
      if (n == name) return v;
    return std::string();
  };
  EXPECT_EQ(header("cache-control"), "no-store");
  EXPECT_EQ(header("x-content-type-options"), "nosniff");
  EXPECT_EQ(header("strict-transport-security"), "max-age=31536000");
  EXPECT_EQ(header("server"), "");
  EXPECT_EQ(header("date").size(), 29U);
  const auto again = c.ask("GET", "/b", "");
  EXPECT_EQ(again->body, "GET /b  ");
}

TEST(Server, TheClientsCertificateIsHandedOnWhateverItIs) {
  const auto server = serve(options(), [](const Request& request, Reply reply) {
    Response response;
    if (!request.peer) {
      response.body = "none";
    } else {
      const auto& p = *request.peer;
      const auto at = number(now());
      response.body =
          std::string(p.issued_by_us ? "ours" : "foreign") +
          (number(p.not_before) <= at && at <= number(p.not_after) ? " valid " : " expired ") +
          std::to_string(p.der.size() > 200) + std::to_string(p.thumbprint != Digest{});
    }
    reply(std::move(response));
  });
  EXPECT_EQ(client(server->port()).ask("GET", "/", "")->body, "ours valid 11");
  EXPECT_EQ(client(server->port(), "expired").ask("GET", "/", "")->body, "ours expired 11");
  EXPECT_EQ(client(server->port(), "stranger").ask("GET", "/", "")->body, "foreign valid 11");
  EXPECT_EQ(client(server->port(), "server").ask("GET", "/", "")->body,
            "foreign valid 11");  // not for clients
  EXPECT_EQ(client(server->port(), "").ask("GET", "/", "")->body, "none");
}

// Counts what an upload brings; refuses after `refuse_after` bytes.
struct Counted : Upload {
  Counted(std::atomic<std::size_t>& ended, std::size_t refuse_after)
      : ended(ended), refuse_after(refuse_after) {}
  ~Counted() override { ++ended; }
  std::optional<Response> take(std::string_view bytes) override {
    total += bytes.size();
    most = std::max(most, bytes.size());
    if (total <= refuse_after) return std::nullopt;
    Response response;
    response.status = 403;
    response.body = "enough";
    return response;
  }
  std::string end() override { return std::to_string(total) + (most <= 256 * 1024 ? "" : " held"); }
  std::atomic<std::size_t>& ended;
  std::size_t total = 0, most = 0, refuse_after;
};

TEST(Server, AnUploadIsTakenAsItArrivesAndNothingElseIs) {
  std::atomic<std::size_t> ended = 0;
  std::atomic<std::size_t> refuse_after = 100 << 20;
  ServerOptions o = options();
  o.upload_path = "/up";
  o.upload_bytes_max = 32 << 20;
  o.upload = [&](const Request& head) {
    EXPECT_EQ(head.path, "/up");
    return std::make_unique<Counted>(ended, refuse_after);
  };
  const auto server = serve(o, echo);
  const std::string file(8 << 20, 'x');
  auto c = client(server->port());
  auto got = c.ask("POST", "/up", file, "multipart/form-data; boundary=b");
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->body, "POST /up  8388608");
  EXPECT_EQ(ended, 1u);
  // The connection goes on; another type, another path or method, is bounded as ever.
  EXPECT_EQ(c.ask("GET", "/b", "")->body, "GET /b  ");
  for (const auto& [path, type] : {std::pair{"/up", "text/plain"}, {"/u", "multipart/form-data"}}) {
    auto other = client(server->port());
    const auto refused = other.ask("POST", path, std::string(70'000, 'x'), type);
    ASSERT_TRUE(refused) << path;
    EXPECT_EQ(refused->status, 413u) << path;
  }
  auto larger = client(server->port()).ask("POST", "/up", std::string(33 << 20, 'x'),
                                           "multipart/form-data; boundary=b");
  if (larger) EXPECT_EQ(larger->status, 413u);
  EXPECT_EQ(ended, 1u);
  // One that is refused on the way is answered, and let go.
  refuse_after = 0;
  auto refused = client(server->port()).ask("POST", "/up", std::string(20'000, 'x'),
                                            "multipart/form-data; boundary=b");
  ASSERT_TRUE(refused) << refused.error().detail;
  EXPECT_EQ(refused->status, 403u);
  EXPECT_EQ(refused->body, "enough");
  EXPECT_EQ(ended, 2u);
}

TEST(Server, TheOtherEndsAddressIsHandedOn) {
  const auto server = serve(options(), [](const Request& request, Reply reply) {
    Response response;
    response.body = request.from == *parse_address("127.0.0.9") ? "nine" : "another";
    reply(std::move(response));
  });
  const auto asked_from = [&](const std::string& source) {
    ClientOptions o;
    o.url = "https://127.0.0.1:" + std::to_string(server->port());
    o.ca_file = certificates().crt("ours");
    o.source = source;
    auto from = Client::connect(o);
    return from ? from->ask("GET", "/", "")->body : "refused";
  };
  EXPECT_EQ(asked_from("127.0.0.9"), "nine");
  EXPECT_EQ(asked_from(""), "another");
  EXPECT_EQ(asked_from("192.0.2.1"), "refused") << "not an address of this machine";
}

TEST(Server, RepliesGivenOutOfOrderLeaveInOrder) {
  std::vector<std::pair<std::string, Reply>> held;
  auto o = options();
  o.threads = 1;
  const auto server = serve(o, [&held](Request request, Reply reply) {
    held.emplace_back(request.path, std::move(reply));
    if (held.size() < 7) return;
    for (const std::size_t i : {6U, 2U, 0U, 5U, 1U, 3U, 4U}) {
      Response response;
      response.body = held[i].first;
      held[i].second(std::move(response));
    }
    held.clear();
  });
  auto c = client(server->port());
  RawClient raw(server->port());
  std::string script;
  for (int i = 0; i < 7; ++i) script += get("/" + std::to_string(i));
  raw.send(script);
  const std::string replies = raw.read_replies(7);
  std::size_t at = 0;
  for (int i = 0; i < 7; ++i) {
    const auto found = replies.find("\r\n\r\n/" + std::to_string(i), at);
    ASSERT_NE(found, std::string::npos) << i << replies;
    at = found;
  }
  EXPECT_EQ(raw.records, 1U);
}

TEST(Server, AnswersFreedTogetherByAnotherThreadLeaveInOneRecord) {
  Meeting meeting;
  auto o = options();
  o.threads = 1;
  const auto handler = meeting.handler();
  // The last request holds the loop until all answers before it are freed, as one fsync would.
  const auto server = serve(o, [&](Request request, Reply reply) {
    const bool last = request.path == "/last";
    handler(std::move(request), std::move(reply));
    if (last) std::thread([&meeting] { meeting.release(); }).join();
  });
  RawClient raw(server->port());
  std::string script;
  for (int i = 0; i < 63; ++i) script += get("/" + std::to_string(i));
  raw.send(script + get("/last"));
  const std::string replies = raw.read_replies(64);
  EXPECT_EQ(RawClient::replies_in(replies), 64U);
  EXPECT_LE(raw.records, 2U);  // 64 replies of some 230 bytes: 14.7 KB
}

TEST(Server, RequestsCutAnywhereAreReadAllTheSame) {
  const auto server = serve(options(), echo);
  RawClient raw(server->port());
  const std::string script =
      "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n" +
      get("/d");
  for (const char c : script) raw.send({&c, 1});
  std::string replies = raw.read_replies(3);
  EXPECT_NE(replies.find("POST /a b hello"), std::string::npos);
  EXPECT_NE(replies.find("POST /c  abc0123456789"), std::string::npos);
  EXPECT_NE(replies.find("GET /d"), std::string::npos);
  for (std::size_t cut = 1; cut < script.size(); ++cut) {
    raw.send(script.substr(0, cut));
    raw.send(script.substr(cut));
    ASSERT_EQ(RawClient::replies_in(raw.read_replies(3)), 3U) << cut;
  }
}

TEST(Server, HeadHasTheLengthWithoutTheBody) {
  const auto server = serve(options(), echo);
  RawClient raw(server->port());
  raw.send("HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string text = raw.read_all();
  EXPECT_NE(text.find("Content-Length: 10\r\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  auto c = client(server->port());
  EXPECT_EQ(c.ask("HEAD", "/abc", "")->body, "");
  EXPECT_EQ(c.ask("GET", "/abc", "")->body, "GET /abc  ");
}

TEST(Server, AnExpectationIsMetInItsTurn) {
  Meeting meeting;
  const auto slow = meeting.handler();
  const auto server = serve(options(), [&](Request request, Reply reply) {
    if (request.path == "/slow")
      slow(std::move(request), std::move(reply));
    else
      echo(std::move(request), std::move(reply));
  });
  RawClient raw(server->port());
  const std::string expecting =
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  raw.send(expecting);
  EXPECT_EQ(raw.read([](const std::string& t) { return t.size() >= 25; }),
            "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("hi");
  EXPECT_NE(raw.read_replies(1).find("POST /  hi"), std::string::npos);
  raw.send(get("/slow") + expecting);
  meeting.until(1);
  meeting.release();
  const auto both = raw.read(
      [](const std::string& t) { return t.find("100 Continue\r\n\r\n") != std::string::npos; });
  EXPECT_LT(both.find("/slow"), both.find("100 Continue"));
  raw.send("yo");
  EXPECT_NE(raw.read_replies(1).find("POST /  yo"), std::string::npos);
}

TEST(Server, AConnectionThatDropsWhileItsRepliesArePendingHarmsNobody) {
  Meeting meeting;
  const auto server = serve(options(), meeting.handler());
  for (int round = 0; round < 20; ++round) {
    auto raw = std::make_unique<RawClient>(server->port());
    raw->send(get("/a") + get("/b") + get("/c"));
    meeting.until(3);
    if (round % 2 == 0) raw->abort();
    raw.reset();
    if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    auto other = std::make_unique<RawClient>(server->port());  // may get the place of the first
    other->send(get("/other"));
    meeting.until(4);
    meeting.release();
    const std::string text = other->read_replies(1);
    EXPECT_EQ(RawClient::replies_in(text), 1U);
    EXPECT_TRUE(text.ends_with("/other")) << text;
  }
}

TEST(Server, WhoSendsAndClosesItsHalfStillGetsItsReplies) {
  Meeting meeting;
  const auto server = serve(options(), meeting.handler());
  RawClient raw(server->port());
  raw.send(get("/a") + get("/b"));
  raw.half_close();
  meeting.until(2);
  meeting.release();
  const std::string text = raw.read_all();
  EXPECT_EQ(RawClient::replies_in(text), 2U);
  EXPECT_TRUE(raw.ended);
}

TEST(Server, AHeaderWithALineBreakBecomesAnInternalError) {
  const auto server = serve(options(), [](const Request& request, Reply reply) {
    Response response;
    response.body = "body";
    if (request.path == "/value")
      response.headers.emplace_back("Location", "/x\r\nSet-Cookie: a=b");
    if (request.path == "/name") response.headers.emplace_back("Location: /\r\nA", "b");
    if (request.path == "/type") response.content_type = "a/b\r\nA: b";
    if (request.path == "/length") response.headers.emplace_back("Content-Length", "1");
    if (request.path == "/cache") response.headers.emplace_back("cache-control", "max-age=60");
    reply(std::move(response));
  });
  auto c = client(server->port());
  for (const char* path : {"/value", "/name", "/type", "/length"}) {
    const auto got = c.ask("GET", path, "");
    ASSERT_TRUE(got.has_value()) << path;
    EXPECT_EQ(got->status, 500U) << path;
    EXPECT_EQ(got->body.find("a=b"), std::string::npos);
  }
  const auto cached = c.ask("GET", "/cache", "");
  EXPECT_EQ(std::count_if(cached->headers.begin(), cached->headers.end(),
                          [](const auto& h) {
                            return h.first == "cache-control" && h.second == "max-age=60";
                          }),
            1);
}

TEST(Server, AReplyThatIsDroppedIsAnsweredAsAnInternalError) {
  const auto server = serve(options(), [](const Request& request, Reply reply) {
    if (request.path == "/drop") return;
    Response response;
    reply(std::move(response));
  });
  auto c = client(server->port());
  const auto got = c.ask("GET", "/drop", "");
  EXPECT_EQ(got->status, 500U);
  EXPECT_NE(got->body.find("\"reason\":\"internal-error\""), std::string::npos);
  EXPECT_EQ(c.ask("GET", "/", "")->status, 200U);
}

TEST(Server, StoppingLetsRequestsInHandFinish) {
  Meeting meeting;
  auto server = serve(options(), meeting.handler());
  RawClient raw(server->port()), idle(server->port());
  raw.send(get("/a"));
  meeting.until(1);
  std::thread stopper([&] { server->stop(10000); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended);
  raw.send(get("/late"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  meeting.release();
  const std::string text = raw.read_all();
  stopper.join();
  EXPECT_NE(text.find("\r\n\r\n/a"), std::string::npos) << text;
  EXPECT_NE(text.find("Connection: close"), std::string::npos) << text;
  EXPECT_EQ(text.find("\r\n\r\n/late"), std::string::npos);
  EXPECT_TRUE(meeting.waiting.empty());
}

TEST(Server, StoppingClosesWhatDoesNotFinishButWaitsForItsHandlers) {
  Meeting meeting;
  auto server = serve(options(), meeting.handler());
  RawClient raw(server->port());
  raw.send(get("/a"));
  meeting.until(1);
  std::thread stopper([&] { server.reset(); });
  EXPECT_EQ(raw.read_all(), "");
  EXPECT_TRUE(raw.ended);
  meeting.release();
  stopper.join();
}

TEST(Server, ASecondServerOnTheSamePortIsRefused) {
  const auto first = serve(options(), echo);
  auto o = options();
  o.port = first->port();
  const auto second = Server::start(o, echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason, Reason::peer_unreachable);
}

TEST(Server, AWrongCertificateIsNamedAtTheStart) {
  auto o = options();
  o.certificate_file = "/nonexistent.crt";
  EXPECT_EQ(Server::start(o, echo).error().reason, Reason::file_failed);
  o = options();
  o.key_file = certificates().key("client");
  EXPECT_FALSE(Server::start(o, echo).has_value());
  o = options();
  o.client_ca_pem = "no PEM";
  EXPECT_EQ(Server::start(o, echo).error().reason, Reason::key_missing);
}

}  // namespace
}  // namespace amanat::net
