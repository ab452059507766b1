// http_load: a load generator for TLS 1.3 and HTTP/1.1 keep-alive. One thread, N connections, P
// requests outstanding on each; the same program asks nginx and the exchange, so that both are
// measured by the same clock and pay for the same client.
//
//   http_load --url https://127.0.0.1:8443 --ca ca.crt [--cert c.crt --key c.key]
//             [--method POST] [--target /v1/lookups] [--bodies FILE] [--connections 64]
//             [--pipeline 1] [--seconds 10] [--warmup 1] [--reconnect] [--json]
//             [--once] [--server-pid PID]... [--must-hold TEXT] [--must-not-hold TEXT]
//
// FILE has one body a line, taken in turn. --reconnect makes a new connection for each request: a
// flood of handshakes. --once ends when every body has been asked once, without a warm-up. A
// request's time runs from the write that carried it to the read that completed its reply.
// --server-pid names whose CPU time is charged for the measured seconds. A reply must hold the one
// text and not the other; both are looked for in every reply of the warm-up and every 16th after it,
// so that the search does not become the load. When time is up, what was asked is still answered, so
// that replies can be compared with the server's own records. Exit code 0; 1 if any reply was not a
// 200 or not as it must be, or a connection broke; 2 if nothing could be measured.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct Options {
  std::string host, port, ca, certificate, key, method = "GET", target = "/", bodies;
  unsigned connections = 64, pipeline = 1;
  double seconds = 10, warmup = 1;
  bool reconnect = false, json = false, once = false;
  std::string must_hold, must_not_hold;
  std::vector<std::string> server_pids;
};

constexpr std::uint64_t kJudgeEvery = 16;
constexpr std::uint64_t kLastRepliesNs = 10'000'000'000;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "http_load: %s\n", why.c_str());
  std::exit(2);
}

std::uint64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

// Times is a histogram with 1/64 resolution: buckets of equal width between powers of two.
class Times {
 public:
  void add(std::uint64_t ns) {
    ++count_[place(ns)];
    ++total_;
    most_ = std::max(most_, ns);
  }
  double at_us(double share) const {
    auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    for (std::size_t i = 0; i < count_.size(); ++i) {
      if (count_[i] > wanted) return static_cast<double>(value(i)) / 1000.0;
      wanted -= count_[i];
    }
    return static_cast<double>(most_) / 1000.0;
  }
  double most_us() const { return static_cast<double>(most_) / 1000.0; }
  void clear() { *this = Times(); }

 private:
  static std::size_t place(std::uint64_t ns) {
    if (ns < 64) return static_cast<std::size_t>(ns);
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 7;
    return static_cast<std::size_t>((shift + 1) * 64 + ((ns >> shift) - 64));
  }
  static std::uint64_t value(std::size_t place) {
    if (place < 64) return place;
    return ((place % 64) + 64) << (place / 64 - 1);
  }
  std::vector<std::uint64_t> count_ = std::vector<std::uint64_t>(64 * 64);
  std::uint64_t total_ = 0, most_ = 0;
};

// CPU milliseconds of some processes: user and system time are the 12th and 13th fields of
// /proc/PID/stat after the command's closing bracket.
double cpu_ms_of(const std::vector<std::string>& pids) {
  const double tick_ms = 1000.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  double total = 0;
  for (const std::string& pid : pids) {
    std::ifstream file("/proc/" + pid + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bracket = text.rfind(')');
    if (bracket == std::string::npos) give_up("no process " + pid);
    unsigned long user = 0, system = 0;
    if (std::sscanf(text.c_str() + bracket + 1,
                    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
      give_up("/proc/" + pid + "/stat has an unknown form");
    total += static_cast<double>(user + system) * tick_ms;
  }
  return total;
}

double cpu_us(const rusage& usage) {
  const auto us = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

struct Tally {
  std::uint64_t replies = 0, refused = 0, wrong = 0, broken = 0, handshakes = 0;
  std::uint64_t bytes = 0, body_bytes = 0;
  Times times;
  std::uint64_t bad() const { return refused + wrong + broken; }
};

struct Peer {
  int fd = -1;
  SSL* ssl = nullptr;
  bool ready = false;
  std::string in, out;  // out: ciphertext is OpenSSL's business, this is what it did not take
  std::size_t in_at = 0;
  std::deque<std::uint64_t> asked_ns;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options) {
    prepare_requests();
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384");
    SSL_CTX_set_read_ahead(context_, 1);
    SSL_CTX_set_default_read_buffer_len(context_, 64 * 1024);
    if (SSL_CTX_load_verify_file(context_, options.ca.c_str()) != 1)
      give_up("cannot read " + options.ca);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    if (!options.certificate.empty() &&
        (SSL_CTX_use_certificate_chain_file(context_, options.certificate.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context_, options.key.c_str(), SSL_FILETYPE_PEM) != 1))
      give_up("cannot read the client's certificate or key");
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) give_up("epoll");
    address_.sin_family = AF_INET;
    address_.sin_port =
        htons(static_cast<std::uint16_t>(std::strtoul(options.port.c_str(), nullptr, 10)));
    if (::inet_pton(AF_INET, options.host.c_str(), &address_.sin_addr) != 1)
      give_up("the host must be an IPv4 address");
  }

  int run() {
    peers_.resize(options_.connections);
    for (std::size_t i = 0; i < peers_.size(); ++i) open(i);
    if (!options_.reconnect) shake_hands();
    const std::uint64_t begin = now_ns();
    const auto after = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); };
    std::uint64_t measured_from = begin;
    const std::uint64_t warm_at = begin + (options_.once ? 0 : after(options_.warmup)),
                        end = warm_at + after(options_.seconds);
    rusage own_before{}, own_after{};
    double server_ms = 0;
    begin_asking();
    for (;;) {
      const std::uint64_t now = now_ns();
      if (!warm_ && now >= warm_at) {
        warm_ = true;
        warm_up_ = std::exchange(tally_, Tally());
        server_ms = -cpu_ms_of(options_.server_pids);
        measured_from = now;
        ::getrusage(RUSAGE_SELF, &own_before);
      }
      if (now >= end || exhausted()) break;
      turn();
      if (tally_.broken > 100000) give_up("the server ends every connection");
    }
    const double seconds = static_cast<double>(now_ns() - measured_from) / 1e9;
    ::getrusage(RUSAGE_SELF, &own_after);
    server_ms += cpu_ms_of(options_.server_pids);
    const Tally measured = tally_;
    take_last_replies();
    report(measured, seconds, cpu_us(own_after) - cpu_us(own_before), server_ms);
    if (measured.replies == 0) return 2;
    return warm_up_.bad() + tally_.bad() > 0 ? 1 : 0;
  }

 private:
  void turn() {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, 10);
    for (int i = 0; i < count; ++i) serve(static_cast<std::size_t>(events[i].data.u64));
  }

  bool exhausted() const { return options_.once && asked_ == requests_.size(); }

  // shake_hands makes every connection ready before anything is asked.
  void shake_hands() {
    const std::uint64_t end = now_ns() + kLastRepliesNs;
    const auto waiting = [](const Peer& peer) { return !peer.ready; };
    while (std::any_of(peers_.begin(), peers_.end(), waiting)) {
      if (now_ns() > end || tally_.broken > peers_.size())
        give_up("the server takes no connections");
      turn();
    }
  }

  void begin_asking() {
    asking_ = true;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (!peers_[i].ready) continue;
      for (unsigned k = 0; k < options_.pipeline; ++k) ask(peers_[i]);
      if (!flush(peers_[i])) reopen(i, true);
    }
  }

  // take_last_replies asks no more and waits for what is outstanding.
  void take_last_replies() {
    asking_ = false;
    const std::uint64_t end = now_ns() + kLastRepliesNs;
    const auto open = [](const Peer& peer) { return peer.ready && !peer.asked_ns.empty(); };
    while (!options_.reconnect && std::any_of(peers_.begin(), peers_.end(), open)) {
      if (now_ns() > end) give_up("the last replies never came");
      turn();
    }
  }

  bool is_as_it_must_be(std::string_view body) const {
    const auto holds = [body](const std::string& text) { return body.find(text) != body.npos; };
    return (options_.must_hold.empty() || holds(options_.must_hold)) &&
           (options_.must_not_hold.empty() || !holds(options_.must_not_hold));
  }

  void judge(std::string_view head, std::string_view body) {
    const bool refused = head.substr(9, 3) != "200";
    const bool looked_at = !warm_ || tally_.replies % kJudgeEvery == 0;
    const bool wrong = !refused && looked_at && !is_as_it_must_be(body);
    if ((refused || wrong) && warm_up_.bad() + tally_.bad() == 0)
      std::fprintf(stderr, "http_load: a reply not as it must be: %.12s, %.*s\n", head.data(),
                   static_cast<int>(std::min<std::size_t>(body.size(), 400)), body.data());
    ++tally_.replies;
    tally_.refused += refused ? 1 : 0;
    tally_.wrong += wrong ? 1 : 0;
    tally_.body_bytes += body.size();
  }

  void prepare_requests() {
    std::vector<std::string> bodies;
    if (!options_.bodies.empty()) {
      std::ifstream file(options_.bodies);
      if (!file) give_up("cannot read " + options_.bodies);
      for (std::string line; std::getline(file, line);)
        if (!line.empty()) bodies.push_back(line);
    }
    if (bodies.empty()) bodies.emplace_back();
    const std::string head =
        options_.method + " " + options_.target + " HTTP/1.1\r\nHost: " + options_.host + "\r\n";
    for (const auto& body : bodies) {
      std::string request = head;
      if (!body.empty())
        request +=
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
      requests_.push_back(request + "\r\n" + body);
    }
  }

  void open(std::size_t i) {
    Peer& peer = peers_[i];
    peer.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (peer.fd < 0) give_up("socket");
    if (::connect(peer.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0 &&
        errno != EINPROGRESS)
      give_up("cannot connect");
    const int on = 1;
    ::setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer.ssl = SSL_new(context_);
    SSL_set_fd(peer.ssl, peer.fd);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(peer.ssl), options_.host.c_str());
    SSL_set_connect_state(peer.ssl);
    peer.ready = false;
    peer.in.clear();
    peer.out.clear();
    peer.in_at = 0;
    peer.asked_ns.clear();
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.fd, &event);
  }

  void reopen(std::size_t i, bool broken) {
    if (broken) ++tally_.broken;
    SSL_free(peers_[i].ssl);
    ::close(peers_[i].fd);
    open(i);
  }

  void serve(std::size_t i) {
    Peer& peer = peers_[i];
    ERR_clear_error();
    if (!peer.ready) {
      const int result = SSL_do_handshake(peer.ssl);
      if (result != 1) {
        const int why = SSL_get_error(peer.ssl, result);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
        return reopen(i, true);
      }
      peer.ready = true;
      ++tally_.handshakes;
      for (unsigned k = 0; asking_ && k < options_.pipeline; ++k) ask(peer);
      if (!flush(peer)) return reopen(i, true);
    }
    if (!receive(peer)) return reopen(i, true);
    const std::size_t got = take_replies(peer);
    if (got == kNonsense) return reopen(i, true);
    if (options_.reconnect && got > 0) return reopen(i, false);
    for (std::size_t k = 0; asking_ && k < got; ++k) ask(peer);
    if (!flush(peer)) reopen(i, true);
  }

  void ask(Peer& peer) {
    if (exhausted()) return;
    ++asked_;
    peer.out += requests_[next_request_];
    if (++next_request_ == requests_.size()) next_request_ = 0;
    peer.asked_ns.push_back(0);
  }

  bool flush(Peer& peer) {
    if (peer.out.empty()) return true;
    const std::uint64_t now = now_ns();
    for (auto it = peer.asked_ns.rbegin(); it != peer.asked_ns.rend() && *it == 0; ++it) *it = now;
    while (!peer.out.empty()) {
      std::size_t n = 0;
      const int result = SSL_write_ex(peer.ssl, peer.out.data(), peer.out.size(), &n);
      if (result == 1) {
        peer.out.erase(0, n);
        continue;
      }
      const int why = SSL_get_error(peer.ssl, result);
      return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ;
    }
    return true;
  }

  bool receive(Peer& peer) {
    for (;;) {
      std::size_t n = 0;
      const int result = SSL_read_ex(peer.ssl, buffer_.data(), buffer_.size(), &n);
      if (result == 1) {
        peer.in.append(buffer_.data(), n);
        tally_.bytes += n;
        continue;
      }
      return SSL_get_error(peer.ssl, result) == SSL_ERROR_WANT_READ;
    }
  }

  // take_replies counts the complete replies in `in` and forgets them.
  std::size_t take_replies(Peer& peer) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    std::size_t got = 0;
    const std::uint64_t now = now_ns();
    for (;;) {
      const std::string_view rest = std::string_view(peer.in).substr(peer.in_at);
      const auto end = rest.find("\r\n\r\n");
      if (end == std::string_view::npos) break;
      const auto head = rest.substr(0, end + 2);
      const auto length = head.find(kLength);
      if (!head.starts_with("HTTP/1.1 ") || length == std::string_view::npos) return kNonsense;
      const std::size_t body = std::strtoull(head.data() + length + kLength.size(), nullptr, 10);
      if (rest.size() < end + 4 + body) break;
      if (peer.asked_ns.empty()) return kNonsense;
      judge(head, rest.substr(end + 4, body));
      tally_.times.add(now - peer.asked_ns.front());
      peer.asked_ns.pop_front();
      peer.in_at += end + 4 + body;
      ++got;
    }
    if (peer.in_at == peer.in.size()) {
      peer.in.clear();
      peer.in_at = 0;
    } else if (peer.in_at > (1U << 18)) {
      peer.in.erase(0, peer.in_at);
      peer.in_at = 0;
    }
    return got;
  }

  void report(const Tally& measured, double seconds, double client_us, double server_ms) const {
    const double n = static_cast<double>(std::max<std::uint64_t>(measured.replies, 1));
    const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    const Times& t = measured.times;
    if (!options_.json) {
      std::printf("%.0f requests/s   p50 %.0f  p99 %.0f  p99.9 %.0f  max %.0f us\n", n / seconds,
                  t.at_us(0.5), t.at_us(0.99), t.at_us(0.999), t.most_us());
      std::printf(
          "%llu replies, %llu not 200, %llu wrong, %llu connections broken, %llu handshakes, "
          "%llu bytes; CPU a request: client %.2f us, server %.2f us\n",
          count(measured.replies), count(measured.refused), count(measured.wrong),
          count(measured.broken), count(measured.handshakes), count(measured.bytes), client_us / n,
          server_ms * 1000 / n);
      return;
    }
    std::printf(
        "{\"requests_per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,"
        "\"max_us\":%.0f,\"replies\":%llu,\"not_200\":%llu,\"wrong\":%llu,\"broken\":%llu,",
        n / seconds, t.at_us(0.5), t.at_us(0.99), t.at_us(0.999), t.most_us(),
        count(measured.replies), count(measured.refused), count(measured.wrong),
        count(measured.broken));
    std::printf(
        "\"handshakes\":%llu,\"bytes\":%llu,\"body_bytes_mean\":%.0f,\"replies_in_all\":%llu,"
        "\"client_cpu_us\":%.3f,\"server_cpu_us\":%.3f,\"client_busy\":%.1f,\"server_busy\":%.1f,"
        "\"cipher\":\"%s\"}\n",
        count(measured.handshakes), count(measured.bytes),
        static_cast<double>(measured.body_bytes) / n, count(warm_up_.replies + tally_.replies),
        client_us / n, server_ms * 1000 / n, client_us / seconds / 1e4, server_ms / seconds / 10,
        SSL_get_cipher_name(peers_.front().ssl));
  }

  static constexpr std::size_t kNonsense = ~std::size_t{0};
  const Options options_;
  std::vector<std::string> requests_;
  std::size_t next_request_ = 0;
  SSL_CTX* context_ = nullptr;
  int epoll_ = -1;
  sockaddr_in address_{};
  std::vector<Peer> peers_;
  std::vector<char> buffer_ = std::vector<char>(64 * 1024);
  Tally warm_up_, tally_;
  std::uint64_t asked_ = 0;
  bool asking_ = false, warm_ = false;
};

Options options_of(int argc, char** argv) {
  Options o;
  std::string url;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--reconnect") {
      o.reconnect = true;
      continue;
    }
    if (name == "--once") {
      o.once = true;
      continue;
    }
    if (name == "--json") {
      o.json = true;
      continue;
    }
    if (i + 1 >= argc) give_up("no value after " + std::string(name));
    const char* value = argv[++i];
    if (name == "--url")
      url = value;
    else if (name == "--ca")
      o.ca = value;
    else if (name == "--cert")
      o.certificate = value;
    else if (name == "--key")
      o.key = value;
    else if (name == "--method")
      o.method = value;
    else if (name == "--target")
      o.target = value;
    else if (name == "--bodies")
      o.bodies = value;
    else if (name == "--connections")
      o.connections = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else if (name == "--pipeline")
      o.pipeline = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else if (name == "--seconds")
      o.seconds = std::strtod(value, nullptr);
    else if (name == "--warmup")
      o.warmup = std::strtod(value, nullptr);
    else if (name == "--must-hold")
      o.must_hold = value;
    else if (name == "--must-not-hold")
      o.must_not_hold = value;
    else if (name == "--server-pid")
      o.server_pids.emplace_back(value);
    else
      give_up("unknown option " + std::string(name));
  }
  constexpr std::string_view kScheme = "https://";
  const auto colon = url.rfind(':');
  if (!url.starts_with(kScheme) || colon <= kScheme.size() || o.ca.empty() || o.connections == 0 ||
      o.pipeline == 0)
    give_up("give --url https://ADDRESS:PORT and --ca FILE");
  o.host = url.substr(kScheme.size(), colon - kScheme.size());
  o.port = url.substr(colon + 1);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Load load(options_of(argc, argv));
  return load.run();
}
