#include "net/foreign.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "model/insist.h"
#include "model/secret.h"
#include "net/foreign_wire.h"
#include "net/http_wire.h"
#include "net/tls.h"

namespace amanat::net {
namespace {

constexpr std::size_t kAddressesMost = 8;
constexpr std::size_t kReceiveBytes = 16 * 1024;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

struct Place {
  std::string host, port;
  bool encrypted = false;
};

std::unexpected<Failure> no_origin() {
  return fail(Reason::usage_wrong, "the address is not http://host:port or https://host:port");
}

Result<Place> place_of(std::string_view url) {
  Place place;
  if (url.starts_with("https://")) {
    place.encrypted = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return no_origin();
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  std::string_view rest;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == url.npos) return no_origin();
    place.host = url.substr(1, end - 1);
    rest = url.substr(end + 1);
  } else {
    const auto colon = std::min(url.find(':'), url.size());
    place.host = url.substr(0, colon);
    rest = url.substr(colon);
  }
  if (!rest.empty() && rest[0] != ':') return no_origin();
  place.port = rest.empty() ? (place.encrypted ? "443" : "80") : std::string(rest.substr(1));
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
  };
  const bool digits = !place.port.empty() && place.port.size() <= 5 &&
                      std::all_of(place.port.begin(), place.port.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (place.host.empty() || place.host.size() > 253 || !digits ||
      !std::all_of(place.host.begin(), place.host.end(), plain))
    return no_origin();
  return place;
}

std::string text_of(const addrinfo& a) {
  char text[NI_MAXHOST] = "";
  (void)::getnameinfo(a.ai_addr, a.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

bool plain_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return b == '\t' || (b >= 0x20 && b != 0x7F);
  });
}

bool may_repeat(const ForeignRequest& request) {
  const std::string_view method = request.method;
  return request.repeatable || method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// Line is one connection. Everything it received is wiped.
class Line {
 public:
  Line(const Place& place, std::chrono::steady_clock::time_point deadline)
      : place_(place), deadline_(deadline) {}
  ~Line() {
    if (fd_ >= 0) ::close(fd_);
    wipe(received_.data(), received_.size());
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void until(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  Result<void> open(const std::vector<Address>& addresses, TlsClient* tls);
  Result<void> send(std::string_view plain);
  // receive appends plain bytes to `to`; false: the connection ended.
  Result<bool> receive(std::string& to);

 private:
  Result<void> wait_for(short events);
  Result<void> connect_to(const Address& address);
  Result<void> shake_hands();
  Result<void> send_raw(std::string_view bytes);
  Result<std::size_t> receive_raw();  // into received_; 0: the end
  std::unexpected<Failure> unreachable(std::string what) const {
    return fail(Reason::peer_unreachable, place_.host + ":" + place_.port + ": " + std::move(what));
  }

  const Place& place_;
  std::chrono::steady_clock::time_point deadline_;
  int fd_ = -1;
  std::unique_ptr<TlsSession> session_;
  std::string cipher_out_;
  std::vector<char> received_ = std::vector<char>(kReceiveBytes);
};

Result<void> Line::wait_for(short events) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return unreachable("no reply in time");
    pollfd watched{fd_, events, 0};
    const int n = ::poll(&watched, 1, static_cast<int>(left.count()) + 1);
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return unreachable(std::strerror(errno));
  }
}

Result<void> Line::connect_to(const Address& address) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return unreachable(std::strerror(errno));
  int result = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0
                   ? 0
                   : errno;
  if (result == EINPROGRESS) {
    if (const auto ready = wait_for(POLLOUT); !ready) return ready;
    socklen_t size = sizeof result;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &result, &size);
  }
  if (result != 0) return unreachable(std::strerror(result));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {};
}

Result<void> Line::open(const std::vector<Address>& addresses, TlsClient* tls) {
  Result<void> opened = unreachable("no address");
  for (const Address& address : addresses) {
    opened = connect_to(address);
    if (opened) break;
  }
  if (!opened || tls == nullptr) return opened;
  session_ = tls->connect(place_.host);
  if (!session_) return fail(Reason::internal_error, "TLS");
  session_->output_to(&cipher_out_);
  return shake_hands();
}

Result<void> Line::shake_hands() {
  for (;;) {
    const auto step = session_->handshake();
    const auto sent = send_raw(std::exchange(cipher_out_, {}));
    if (step == TlsSession::Step::done) return sent;
    if (step != TlsSession::Step::want_input) {
      const std::string why = session_->untrusted_why();
      if (!why.empty()) return fail(Reason::peer_untrusted, why);
      return unreachable("the TLS handshake failed");
    }
    if (!sent) return sent;
    const auto n = receive_raw();
    if (!n) return std::unexpected(n.error());
    if (*n == 0) return unreachable("the connection ended during the TLS handshake");
    session_->feed({received_.data(), *n});
  }
}

Result<void> Line::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(POLLOUT); !ready) return ready;
    } else if (errno != EINTR) {
      return unreachable(std::strerror(errno));
    }
  }
  return {};
}

Result<std::size_t> Line::receive_raw() {
  for (;;) {
    const ssize_t n = ::recv(fd_, received_.data(), received_.size(), 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) {
      if (auto ready = wait_for(POLLIN); !ready) return std::unexpected(ready.error());
    } else if (errno == ECONNRESET) {
      return 0;
    } else if (errno != EINTR) {
      return unreachable(std::strerror(errno));
    }
  }
}

Result<void> Line::send(std::string_view plain) {
  if (!session_) return send_raw(plain);
  if (!session_->write(plain)) return unreachable("TLS");
  return send_raw(std::exchange(cipher_out_, {}));
}

Result<bool> Line::receive(std::string& to) {
  if (!session_) {
    const auto n = receive_raw();
    if (!n) return std::unexpected(n.error());
    append_wiping(to, {received_.data(), *n});
    return *n > 0;
  }
  for (;;) {
    char plain[kReceiveBytes];
    std::size_t n = 0;
    const auto step = session_->read(plain, sizeof plain, n);
    append_wiping(to, {plain, n});
    wipe(plain, n);
    if (step == TlsSession::Step::done) return true;
    if (step != TlsSession::Step::want_input) return false;
    if (!cipher_out_.empty())
      if (auto sent = send_raw(std::exchange(cipher_out_, {})); !sent)
        return std::unexpected(sent.error());
    const auto raw = receive_raw();
    if (!raw) return std::unexpected(raw.error());
    if (*raw == 0) return false;
    session_->feed({received_.data(), *raw});
  }
}

}  // namespace

struct Foreign::State {
  ForeignOptions options;
  Place place;
  std::string host;
  std::vector<Address> addresses;
  std::vector<std::string> texts;
  struct Kept {
    std::unique_ptr<TlsClient> tls;
    std::unique_ptr<Line> line;
  };
  std::map<ForeignCertificate, Kept> kept;

  Result<Kept*> kept_for(const ForeignCertificate& shown);
  std::string request_text(const ForeignRequest& request) const;
};

Foreign::Foreign(std::unique_ptr<State> state) : state_(std::move(state)) {}
Foreign::Foreign(Foreign&&) noexcept = default;
Foreign::~Foreign() = default;

Result<Foreign> Foreign::open(const ForeignOptions& options) {
  auto place = place_of(options.origin);
  if (!place) return std::unexpected(place.error());
  auto state = std::make_unique<State>();
  state->options = options;
  state->place = *std::move(place);
  const bool six = state->place.host.find(':') != std::string::npos;
  state->host = (six ? "[" + state->place.host + "]" : state->place.host);
  if (state->place.port != (state->place.encrypted ? "443" : "80"))
    state->host += ":" + state->place.port;
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  const int error =
      ::getaddrinfo(state->place.host.c_str(), state->place.port.c_str(), &wanted, &found);
  if (error != 0)
    return fail(Reason::peer_unreachable, state->place.host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  for (const addrinfo* a = found; a != nullptr && state->addresses.size() < kAddressesMost;
       a = a->ai_next) {
    if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::memcpy(&address.bytes, a->ai_addr, a->ai_addrlen);
    address.size = a->ai_addrlen;
    state->addresses.push_back(address);
    state->texts.push_back(text_of(*a));
  }
  // A certificate store that cannot be read is found now, not at the first question.
  if (state->place.encrypted)
    if (const auto kept = state->kept_for({}); !kept) return std::unexpected(kept.error());
  return Foreign(std::move(state));
}

Result<Foreign::State::Kept*> Foreign::State::kept_for(const ForeignCertificate& shown) {
  Kept& one = kept[shown];
  if (place.encrypted && !one.tls) {
    auto tls = TlsClient::for_foreign(options.ca_file, shown.certificate_file, shown.key_file);
    if (!tls) return std::unexpected(tls.error());
    one.tls = *std::move(tls);
  }
  return &one;
}

std::string Foreign::State::request_text(const ForeignRequest& request) const {
  insist(!request.method.empty() && request.target.starts_with('/'));
  insist(request.target.find_first_of(std::string_view(" \r\n\0", 4)) == std::string::npos);
  insist(request.method.find_first_of(" \r\n") == std::string::npos);
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& [name, value] : request.headers) {
    insist(plain_line(name) && plain_line(value) && !name.empty());
    out += name + ": " + value + "\r\n";
  }
  const bool bodied = !request.body.empty() || request.method == "POST" ||
                      request.method == "PUT" || request.method == "PATCH";
  if (bodied) out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

const std::string& Foreign::host() const { return state_->host; }
bool Foreign::encrypted() const { return state_->place.encrypted; }
const std::vector<std::string>& Foreign::addresses() const { return state_->texts; }

Result<ForeignReply> Foreign::ask(const ForeignRequest& request, const ForeignCertificate& shown) {
  auto kept = state_->kept_for(shown);
  if (!kept) return std::unexpected(kept.error());
  const auto began = std::chrono::steady_clock::now();
  auto deadline = began + std::chrono::seconds(state_->options.seconds_max);
  if (request.deadline) deadline = std::min(deadline, *request.deadline);
  auto connected = deadline;
  if (const unsigned ms = state_->options.connect_ms_max; ms > 0)
    connected = std::min(deadline, began + std::chrono::milliseconds(ms));
  std::string text = state_->request_text(request);
  struct Wiped {
    std::string& text;
    ~Wiped() { wipe_away(text); }
  } const wiped{text};
  for (;;) {
    std::unique_ptr<Line> line = std::move((*kept)->line);
    if (!may_repeat(request)) line.reset();  // it may have been closed meanwhile
    const bool old = line != nullptr;
    if (old) {
      line->until(deadline);
    } else {
      line = std::make_unique<Line>(state_->place, connected);
      if (auto opened = line->open(state_->addresses, (*kept)->tls.get()); !opened)
        return std::unexpected(opened.error());
      line->until(deadline);
    }
    const auto sent = line->send(text);
    ForeignReader reader(request.method, state_->options);
    auto state = ForeignReader::State::more;
    std::string bytes;
    Result<bool> more = true;
    while (state == ForeignReader::State::more && more && *more) {
      more = line->receive(bytes);
      if (more) state = *more ? reader.feed(bytes) : reader.end();
      wipe_away(bytes);
    }
    if (state != ForeignReader::State::complete && !reader.begun() && old &&
        may_repeat(request))
      continue;  // the server had closed the kept connection
    if (!more) return std::unexpected(sent ? more.error() : sent.error());
    if (state != ForeignReader::State::complete)
      return reader.begun() ? fail(Reason::malformed_request, "the reply is not HTTP/1")
                            : fail(Reason::peer_unreachable, "the server ended the connection");
    if (reader.kept()) (*kept)->line = std::move(line);
    ForeignReply reply = reader.take();
    reply.wait_ms = static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                              std::chrono::steady_clock::now() - began)
                                              .count());
    return reply;
  }
}

}  // namespace amanat::net
