#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "model/insist.h"
#include "net/http.h"
#include "net/loop.h"

namespace amanat::net {
namespace {

constexpr int kBacklog = 1024;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Result<Address> resolve(const std::string& host, std::uint16_t port) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) return fail(Reason::peer_unreachable, host + ": " + ::gai_strerror(error));
  Address address;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

// listen_on returns a listening socket. Shared ones let each loop have its own queue of arrivals.
enum class Sharing : std::uint8_t { alone, shared };
Result<int> listen_on(const Address& address, Sharing sharing) {
  const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd >= 0 && sharing == Sharing::shared)
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return fail(Reason::peer_unreachable, "cannot listen: " + why);
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
  char port[NI_MAXSERV];
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bytes), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&bytes), size, nullptr, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
    return 0;
  return static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10));
}

}  // namespace

struct Server::State {
  ServerShared shared;
  std::vector<std::unique_ptr<Loop>> loops;
  std::uint16_t port = 0;
  bool stopped = false;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(0); }

std::uint16_t Server::port() const { return state_->port; }

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler) {
  insist(handler != nullptr);
  insist(options.pipelined_max > 0 && options.header_bytes_max >= 256);
  auto state = std::make_unique<State>();
  state->shared.options = options;
  state->shared.handler = std::move(handler);
  auto tls = TlsServer::make(options.certificate_file, options.key_file, options.client_ca_pem);
  if (!tls) return std::unexpected(tls.error());
  state->shared.tls = *std::move(tls);
  std::uint16_t port = options.port;
  // Shared listening would let a second exchange slip in beside a first: ask alone before.
  const auto wanted = resolve(options.address, port);
  if (!wanted) return std::unexpected(wanted.error());
  const auto probe = listen_on(*wanted, Sharing::alone);
  if (!probe)
    return fail(probe.error().reason,
                options.address + ":" + std::to_string(port) + ": " + probe.error().detail);
  port = port_of(*probe);
  ::close(*probe);
  const auto address = resolve(options.address, port);
  if (!address) return std::unexpected(address.error());
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) {
    const auto listener = listen_on(*address, Sharing::shared);
    if (!listener) return std::unexpected(listener.error());
    state->loops.push_back(std::make_unique<Loop>(state->shared, *listener));
    if (const auto prepared = state->loops.back()->prepare(); !prepared)
      return std::unexpected(prepared.error());
  }
  state->port = port;
  for (const auto& loop : state->loops) loop->start();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::stop(unsigned grace_ms) {
  if (std::exchange(state_->stopped, true)) return;
  for (const auto& loop : state_->loops) loop->stop(grace_ms);
  for (const auto& loop : state_->loops) loop->join();
}

}  // namespace amanat::net
