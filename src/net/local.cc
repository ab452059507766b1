#include "net/local.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "model/descriptor.h"
#include "model/insist.h"

namespace amanat::net {
namespace {

constexpr std::size_t kArgumentsBytesMost = 1 << 20;
constexpr std::uint32_t kArgumentsMost = 4096;
constexpr std::size_t kPieceMost = 64 * 1024;
constexpr int kArgumentsSeconds = 5;  // for a caller to say what it wants
constexpr int kOutputSeconds = 30;    // for a caller to take what it is told

void put_u32(std::string& out, std::uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift & 0xFF));
}

std::uint32_t u32_at(std::string_view text, std::size_t at) {
  insist(at + 4 <= text.size());
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(text[at + i]);
  return n;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool receive_all(int fd, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(fd, to, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool send_frame(int fd, char kind, std::string_view payload) {
  insist(payload.size() <= kArgumentsBytesMost);
  std::string frame(1, kind);
  put_u32(frame, static_cast<std::uint32_t>(payload.size()));
  frame.append(payload);
  return send_all(fd, frame);
}

struct Frame {
  char kind = 0;
  std::string payload;
};

Result<Frame> receive_frame(int fd, std::size_t payload_most) {
  char head[5];
  if (!receive_all(fd, head, sizeof head))
    return fail(Reason::peer_unreachable, "the other side ended early");
  const std::uint32_t size = u32_at({head, sizeof head}, 1);
  if (size > payload_most) return fail(Reason::malformed_request, "a frame over its limit");
  Frame frame;
  frame.kind = head[0];
  frame.payload.resize(size);
  if (!receive_all(fd, frame.payload.data(), size))
    return fail(Reason::peer_unreachable, "the other side ended early");
  return frame;
}

void limit_time(int fd, int option, int seconds) {
  const timeval time{seconds, 0};
  ::setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

bool own_user_or_root(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Reason::file_failed, path + ": too long a path for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string encode(const std::vector<std::string>& args) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(args.size()));
  for (const auto& arg : args) {
    put_u32(out, static_cast<std::uint32_t>(arg.size()));
    out += arg;
  }
  return out;
}

Result<std::vector<std::string>> decode(std::string_view payload) {
  const auto wrong = [] { return fail(Reason::malformed_request, "arguments that do not add up"); };
  if (payload.size() < 4) return wrong();
  const std::uint32_t count = u32_at(payload, 0);
  if (count > kArgumentsMost) return wrong();
  payload.remove_prefix(4);
  std::vector<std::string> args;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (payload.size() < 4) return wrong();
    const std::uint32_t size = u32_at(payload, 0);
    payload.remove_prefix(4);
    if (payload.size() < size) return wrong();
    args.emplace_back(payload.substr(0, size));
    payload.remove_prefix(size);
  }
  if (!payload.empty()) return wrong();
  return args;
}

}  // namespace

struct LocalServer::State {
  std::string path;
  LocalHandler handler;
  int listener = -1, stop = -1;
  std::thread thread;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (thread.joinable()) {
      const std::uint64_t one = 1;
      (void)!::write(stop, &one, sizeof one);
      thread.join();
    }
    if (listener >= 0) {
      ::unlink(path.c_str());
      ::close(listener);
    }
    if (stop >= 0) ::close(stop);
  }
  void run();
  void serve(const Descriptor& caller) const;
};

void LocalServer::State::run() {
  for (;;) {
    pollfd watched[] = {{listener, POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
    if (watched[1].revents != 0) return;
    if (watched[0].revents == 0) continue;
    const Descriptor caller(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (caller.get() >= 0 && own_user_or_root(caller.get())) serve(caller);
  }
}

void LocalServer::State::serve(const Descriptor& caller) const {
  limit_time(caller.get(), SO_RCVTIMEO, kArgumentsSeconds);
  limit_time(caller.get(), SO_SNDTIMEO, kOutputSeconds);
  const auto frame = receive_frame(caller.get(), kArgumentsBytesMost);
  if (!frame || frame->kind != 'A') return;
  auto args = decode(frame->payload);
  if (!args) return;
  bool listening = true;  // a caller that has gone does not stop the command
  const LocalEmit emit = [&](int stream, std::string_view text) {
    insist(stream == 1 || stream == 2);
    while (listening && !text.empty()) {
      listening = send_frame(caller.get(), stream == 1 ? '1' : '2', text.substr(0, kPieceMost));
      text.remove_prefix(std::min(text.size(), kPieceMost));
    }
  };
  const int code = handler(*std::move(args), emit);
  std::string payload;
  put_u32(payload, static_cast<std::uint32_t>(code));
  if (listening) (void)send_frame(caller.get(), 'X', payload);
}

LocalServer::LocalServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
LocalServer::~LocalServer() = default;

Result<std::unique_ptr<LocalServer>> LocalServer::start(const std::string& path,
                                                        LocalHandler handler) {
  insist(handler != nullptr);
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  const auto* raw = reinterpret_cast<const sockaddr*>(&*address);
  {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), raw, sizeof *address) == 0) return fail(Reason::exchange_busy, path);
  }
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode)) ::unlink(path.c_str());
  auto state = std::make_unique<State>();
  state->path = path;
  state->handler = std::move(handler);
  state->stop = ::eventfd(0, EFD_CLOEXEC);
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Linux gives the socket's file the mode of its inode: never open to others, not for a moment.
  if (state->stop < 0 || listener.get() < 0 || ::fchmod(listener.get(), 0600) != 0 ||
      ::bind(listener.get(), raw, sizeof *address) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
      ::listen(listener.get(), 16) != 0)
    return fail(Reason::file_failed, path + ": " + std::strerror(errno));
  state->listener = listener.release();
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state->thread = std::thread([s = state.get()] { s->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<LocalServer>(new LocalServer(std::move(state)));
}

Result<int> local_call(const std::string& path, const std::vector<std::string>& args,
                       const LocalEmit& emit) {
  insist(emit != nullptr);
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  const std::string payload = encode(args);
  if (payload.size() > kArgumentsBytesMost || args.size() > kArgumentsMost)
    return fail(Reason::malformed_request, "more arguments than the channel takes");
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return fail(Reason::peer_unreachable, path + ": " + std::strerror(errno));
  if (!own_user_or_root(socket.get()))
    return fail(Reason::peer_untrusted, path + " belongs to another user");
  if (!send_frame(socket.get(), 'A', payload))
    return fail(Reason::peer_unreachable, "the exchange ended early");
  for (;;) {
    const auto frame = receive_frame(socket.get(), kPieceMost);
    if (!frame) return std::unexpected(frame.error());
    if (frame->kind == 'X' && frame->payload.size() == 4)
      return static_cast<int>(u32_at(frame->payload, 0));
    if (frame->kind != '1' && frame->kind != '2')
      return fail(Reason::malformed_request, "an unknown frame");
    emit(frame->kind - '0', frame->payload);
  }
}

}  // namespace amanat::net
