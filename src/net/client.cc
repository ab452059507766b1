// The blocking client: one connection, deadlines by poll, replies parsed as strictly as requests.

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "model/insist.h"
#include "net/address.h"
#include "net/http.h"
#include "net/http_wire.h"
#include "net/tls.h"

namespace amanat::net {
namespace {

constexpr std::size_t kHeadBytesMost = 64 * 1024;
constexpr std::uint64_t kBodyBytesMost = 256ULL << 20;
constexpr unsigned kFieldsMost = 128;
constexpr std::size_t kPipelinedBytes = 32 * 1024;  // sent before replies are read
constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::size_t kCompactBytes = 256 * 1024;

struct Place {
  std::string host, port;
};

Result<Place> place_of(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme))
    return fail(Reason::peer_unreachable, "the address does not begin with https://");
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  Place place;
  std::string_view rest;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos)
      return fail(Reason::peer_unreachable, "the address is not https://host:port");
    place.host = url.substr(1, end - 1);
    rest = url.substr(end + 1);
  } else {
    const auto colon = std::min(url.find(':'), url.size());
    place.host = url.substr(0, colon);
    rest = url.substr(colon);
  }
  place.port = rest.empty() ? "443" : std::string(rest.substr(1));
  const bool digits = !place.port.empty() && place.port.size() <= 5 &&
                      std::all_of(place.port.begin(), place.port.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (place.host.empty() || place.host.find_first_of("/@ ?#") != std::string::npos || !digits ||
      (!rest.empty() && rest[0] != ':'))
    return fail(Reason::peer_unreachable, "the address is not https://host:port");
  return place;
}

bool bind_to(int fd, int family, const std::string& source) {
  const auto address = parse_address(source);
  if (!address) return false;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address->data() + 12, 4);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4) == 0;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address->data(), address->size());
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6) == 0;
}

}  // namespace

struct Client::State {
  std::unique_ptr<TlsClient> tls;
  std::unique_ptr<TlsSession> session;
  std::string host_header;
  int fd = -1;
  unsigned seconds_max = 30;
  std::string source;
  std::chrono::steady_clock::time_point deadline;
  std::string cipher_out;
  std::vector<char> received = std::vector<char>(kReceiveBytes);
  WipingBuffer in;  // decrypted, from `in_at` on not yet parsed
  std::size_t in_at = 0;
  bool ended = false;  // nothing more comes
  bool last = false;   // the server said that this reply is its last

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (session != nullptr && fd >= 0 && !ended) {
      session->close();
      (void)!::send(fd, cipher_out.data(), cipher_out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (fd >= 0) ::close(fd);
  }

  void begin() { deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_max); }
  Result<void> wait_for(short events);
  Result<void> open(const Place& place);
  Result<void> shake_hands();
  Result<void> send_all();
  Result<void> receive();  // adds at least one byte to `in`
  Result<Response> reply(bool to_head);
  Result<Response> reply_body(Response response, const Framing& framing);
  std::string_view rest() const { return in.view().substr(in_at); }
  void append_request(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view content_type, const Headers& headers,
                      WipingBuffer& out) const;
};

Result<void> Client::State::wait_for(short events) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Reason::peer_unreachable, "no reply in time");
    pollfd watched{fd, events, 0};
    const int n = ::poll(&watched, 1, static_cast<int>(left.count()) + 1);
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return fail(Reason::peer_unreachable, std::strerror(errno));
  }
}

Result<void> Client::State::open(const Place& place) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  const int error = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &wanted, &found);
  if (error != 0) return fail(Reason::peer_unreachable, place.host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    if (fd >= 0) ::close(fd);
    fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (!source.empty() && !bind_to(fd, a->ai_family, source)) {
      why = "cannot connect from " + source;
      continue;
    }
    int result = ::connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (result == EINPROGRESS) {
      if (const auto ready = wait_for(POLLOUT); !ready) return ready;
      socklen_t size = sizeof result;
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
    }
    if (result == 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return {};
    }
    why = std::strerror(result);
  }
  return fail(Reason::peer_unreachable, place.host + ":" + place.port + ": " + why);
}

Result<void> Client::State::send_all() {
  std::string_view left = cipher_out;
  while (!left.empty()) {
    const ssize_t n = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (n > 0) {
      left.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(POLLOUT); !ready) return ready;
    } else if (errno != EINTR) {
      return fail(Reason::peer_unreachable, std::strerror(errno));
    }
  }
  cipher_out.clear();
  return {};
}

Result<void> Client::State::shake_hands() {
  session->output_to(&cipher_out);
  for (;;) {
    const auto step = session->handshake();
    const auto sent = send_all();  // the last flight, or the alert that says why not
    if (step == TlsSession::Step::done) return sent;
    if (step != TlsSession::Step::want_input) {
      const std::string why = session->untrusted_why();
      return why.empty() ? fail(Reason::peer_unreachable, "the TLS handshake failed")
                         : fail(Reason::peer_untrusted, why);
    }
    if (!sent) return sent;
    ssize_t n = 0;
    while ((n = ::recv(fd, received.data(), received.size(), 0)) < 0) {
      if (errno != EAGAIN && errno != EINTR)
        return fail(Reason::peer_unreachable, std::strerror(errno));
      if (auto ready = wait_for(POLLIN); !ready) return ready;
    }
    if (n == 0)
      return fail(Reason::peer_unreachable, "the connection ended during the TLS handshake");
    session->feed({received.data(), static_cast<std::size_t>(n)});
  }
}

Result<void> Client::State::receive() {
  if (in_at == in.size()) {
    in.clear();
    in_at = 0;
  } else if (in_at > kCompactBytes) {
    WipingBuffer left;
    left.append(rest());
    in = std::move(left);
    in_at = 0;
  }
  for (;;) {
    const std::size_t before = in.size();
    for (;;) {
      std::size_t n = 0;
      const auto room = in.extend(16 * 1024);
      const auto step = session->read(room.data(), room.size(), n);
      in.truncate(in.size() - room.size() + n);
      if (step == TlsSession::Step::done) continue;
      if (step == TlsSession::Step::want_input) break;
      ended = true;
      if (in.size() > before) return {};
      return fail(Reason::peer_unreachable, "the server ended the connection");
    }
    if (!cipher_out.empty())
      if (auto sent = send_all(); !sent) return sent;
    if (in.size() > before) return {};
    const ssize_t n = ::recv(fd, received.data(), received.size(), 0);
    if (n > 0) {
      session->feed({received.data(), static_cast<std::size_t>(n)});
    } else if (n == 0) {
      ended = true;
      return fail(Reason::peer_unreachable, "the server ended the connection");
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(POLLIN); !ready) return ready;
    } else if (errno != EINTR) {
      return fail(Reason::peer_unreachable, std::strerror(errno));
    }
  }
}

Result<Response> Client::State::reply(bool to_head) {
  for (std::size_t scanned = 0;;) {
    const auto end = find_head_end(rest(), scanned);
    if (end.kind == HeadEnd::Kind::wrong)
      return fail(Reason::malformed_request, "the reply's head is malformed");
    if (end.kind == HeadEnd::Kind::unfinished) {
      scanned = end.bytes;
      if (scanned > kHeadBytesMost)
        return fail(Reason::malformed_request, "the reply's head is too large");
      if (const auto got = receive(); !got) return std::unexpected(got.error());
      continue;
    }
    const auto head = rest().substr(0, end.bytes - 2);
    const auto line = head.substr(0, head.find("\r\n"));
    const bool well_formed = line.size() >= 12 && line.starts_with("HTTP/1.1 ") &&
                             std::all_of(line.begin() + 9, line.begin() + 12,
                                         [](char c) { return c >= '0' && c <= '9'; }) &&
                             (line.size() == 12 || line[12] == ' ');
    if (!well_formed) return fail(Reason::malformed_request, "the reply has no status line");
    Response response;
    response.status =
        static_cast<unsigned>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
    auto fields = parse_fields(head.substr(line.size() + 2), kFieldsMost);
    if (!fields) return fail(Reason::malformed_request, "the reply's head is malformed");
    in_at += end.bytes;
    scanned = 0;
    if (response.status >= 100 && response.status < 200) continue;  // interim
    auto framing = framing_of(*fields, kBodyBytesMost);
    if (!framing) return fail(framing.error().reason, "the reply's framing");
    const bool bodiless = to_head || response.status == 204 || response.status == 304;
    if (!bodiless && !framing->length && !framing->chunked)
      return fail(Reason::malformed_request, "the reply does not say how long it is");
    for (auto& [name, value] : *fields) {
      if (name == "content-type") response.content_type = value;
      if (name == "connection" && has_token(value, "close")) last = true;
    }
    std::erase_if(*fields, [](const auto& f) { return f.first == "content-type"; });
    response.headers = *std::move(fields);
    return bodiless ? response : reply_body(std::move(response), *framing);
  }
}

Result<Response> Client::State::reply_body(Response response, const Framing& framing) {
  BodyReader body(framing, kBodyBytesMost);
  for (;;) {
    std::string_view text = rest();
    const std::size_t before = text.size();
    const auto state = body.take(text, response.body);
    in_at += before - text.size();
    if (state == BodyReader::State::complete) return response;
    if (state == BodyReader::State::too_large) return fail(Reason::body_too_large, "the reply");
    if (state == BodyReader::State::wrong)
      return fail(Reason::malformed_request, "a chunk of the reply");
    if (const auto got = receive(); !got) return std::unexpected(got.error());
  }
}

void Client::State::append_request(std::string_view method, std::string_view target,
                                   std::string_view body, std::string_view content_type,
                                   const Headers& headers, WipingBuffer& out) const {
  for (const std::string_view part :
       {method, std::string_view(" "), target, std::string_view(" HTTP/1.1\r\nHost: "),
        std::string_view(host_header)})
    out.append(part);
  for (const auto& [name, value] : headers) {
    insist((name + value).find_first_of("\r\n") == std::string::npos);
    for (const std::string_view part : {std::string_view("\r\n"), std::string_view(name),
                                        std::string_view(": "), std::string_view(value)})
      out.append(part);
  }
  if (!body.empty()) {
    out.append("\r\nContent-Type: ");
    out.append(content_type);
  }
  if (!body.empty() || method == "POST" || method == "PUT") {
    out.append("\r\nContent-Length: ");
    out.append(std::to_string(body.size()));
  }
  out.append("\r\n\r\n");
  out.append(body);
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const ClientOptions& options) {
  const auto place = place_of(options.url);
  if (!place) return std::unexpected(place.error());
  auto state = std::make_unique<State>();
  auto tls = TlsClient::make(options.ca_file, options.certificate_file, options.key_file);
  if (!tls) return std::unexpected(tls.error());
  state->tls = *std::move(tls);
  state->seconds_max = options.seconds_max;
  state->source = options.source;
  state->host_header =
      place->host.find(':') == std::string::npos ? place->host : "[" + place->host + "]";
  state->host_header += ":" + place->port;
  state->begin();
  if (const auto opened = state->open(*place); !opened) return std::unexpected(opened.error());
  state->session = state->tls->connect(place->host);
  if (!state->session) return fail(Reason::internal_error, "TLS");
  if (const auto shaken = state->shake_hands(); !shaken) return std::unexpected(shaken.error());
  return Client(std::move(state));
}

Result<Response> Client::ask(std::string_view method, std::string_view target,
                             std::string_view body, std::string_view content_type) {
  return ask_with({}, method, target, body, content_type);
}

Result<Response> Client::ask_with(const Headers& headers, std::string_view method,
                                  std::string_view target, std::string_view body,
                                  std::string_view content_type) {
  insist(!method.empty() && target.starts_with('/'));
  insist(target.find_first_of(" \r\n") == std::string_view::npos);
  if (state_->ended || state_->last)
    return fail(Reason::peer_unreachable, "the server ended the connection");
  state_->begin();
  WipingBuffer out;
  state_->append_request(method, target, body, content_type, headers, out);
  if (!state_->session->write(out.view())) return fail(Reason::peer_unreachable, "TLS");
  // A server that refused may have answered and closed before it read everything: look for its
  // reply even if sending failed.
  const auto sent = state_->send_all();
  auto response = state_->reply(method == "HEAD");
  if (!response) {
    state_->ended = true;
    if (!sent) return std::unexpected(sent.error());
  }
  return response;
}

Result<std::vector<Response>> Client::ask_all(std::string_view method, std::string_view target,
                                              const std::vector<std::string>& bodies) {
  insist(!method.empty() && target.starts_with('/'));
  std::vector<Response> responses;
  responses.reserve(bodies.size());
  std::size_t asked = 0, outstanding_bytes = 0;
  if (state_->ended && !bodies.empty())
    return fail(Reason::peer_unreachable, "the server ended the connection");
  while (responses.size() < bodies.size()) {
    state_->begin();
    // Both sides must not wait for each other's full buffers: only so much is in flight.
    WipingBuffer out;
    while (asked < bodies.size() &&
           (outstanding_bytes < kPipelinedBytes || asked == responses.size())) {
      state_->append_request(method, target, bodies[asked], "application/json", {}, out);
      outstanding_bytes += bodies[asked].size() + 256;
      ++asked;
    }
    if (out.size() > 0) {
      if (!state_->session->write(out.view())) return fail(Reason::peer_unreachable, "TLS");
      if (const auto sent = state_->send_all(); !sent) return std::unexpected(sent.error());
    }
    const std::size_t refill = asked - (asked - responses.size()) / 2;
    while (responses.size() < refill) {
      if (state_->last) return fail(Reason::peer_unreachable, "the server ended the connection");
      auto response = state_->reply(method == "HEAD");
      if (!response) {
        state_->ended = true;
        return std::unexpected(response.error());
      }
      outstanding_bytes -= bodies[responses.size()].size() + 256;
      responses.push_back(*std::move(response));
    }
  }
  return responses;
}

}  // namespace amanat::net
