// http_load: keeps a number of requests in flight at one HTTPS server and measures what comes back.
// One thread, epoll, TLS 1.3 with a client certificate, keep-alive; the same program drives nginx
// and the exchange, so what it costs itself weighs on both alike. The loop is closed: a connection
// asks again when it is answered, so a slow server is asked less. Bounded in time and count.
//
//   http_load --url https://127.0.0.1:8443/v1/lookups --ca ca.crt --cert d.crt --key d.key
//             [--bodies FILE]        one request body a line, taken in turn; none: GET
//             [--connections 64] [--outstanding 1] [--warm-up 1] [--seconds 10]
//             [--server-pid PID]     whose CPU time is charged (repeatable)
//             [--must-hold TEXT] [--must-not-hold TEXT]   looked for in all answers of the warm-up
//                                    and every 16th afterwards
//
// Prints one line of JSON. Exit code: 0, 1 if any answer was not a 200 or not as wanted, 2 trouble.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kHeadMax = 16 * 1024;
constexpr std::size_t kBodyMax = 8u << 20;
constexpr std::uint64_t kCheckEvery = 16;
constexpr unsigned kStallSeconds = 10;
constexpr unsigned kConnectionsMax = 4096, kOutstandingMax = 1024, kSecondsMax = 3600;

[[noreturn]] void trouble(const std::string& what) {
  std::fprintf(stderr, "http_load: %s\n", what.c_str());
  std::exit(2);
}

[[noreturn]] void tls_trouble(const std::string& what) {
  char text[256] = "connection closed";
  if (const unsigned long error = ERR_get_error(); error != 0) ERR_error_string_n(error, text, sizeof text);
  trouble(what + ": " + text);
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

struct Options {
  std::string host, port, target = "/";
  std::string ca, cert, key, bodies, must_hold, must_not_hold;
  unsigned connections = 64, outstanding = 1;
  double warm_up = 1, seconds = 10;
  std::vector<std::string> server_pids;
};

void read_url(std::string_view url, Options& options) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) trouble("--url is not https://address:port/path");
  url.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  const std::size_t colon = url.substr(0, slash).rfind(':');
  if (colon == std::string_view::npos) trouble("--url names no port");
  options.host = url.substr(0, colon);
  options.port = url.substr(colon + 1, slash - colon - 1);
  if (slash < url.size()) options.target = url.substr(slash);
}

double number(std::string_view name, std::string_view text, double least, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least) || !(value <= most))
    trouble(std::string(name) + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

Options read_options(int argc, char** argv) {
  Options options;
  std::string url;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 >= argc) trouble(std::string(name) + " needs a value");
    const std::string_view value = argv[i + 1];
    if (name == "--url") url = value;
    else if (name == "--ca") options.ca = value;
    else if (name == "--cert") options.cert = value;
    else if (name == "--key") options.key = value;
    else if (name == "--bodies") options.bodies = value;
    else if (name == "--must-hold") options.must_hold = value;
    else if (name == "--must-not-hold") options.must_not_hold = value;
    else if (name == "--server-pid") options.server_pids.emplace_back(value);
    else if (name == "--connections") options.connections = static_cast<unsigned>(number(name, value, 1, kConnectionsMax));
    else if (name == "--outstanding") options.outstanding = static_cast<unsigned>(number(name, value, 1, kOutstandingMax));
    else if (name == "--seconds") options.seconds = number(name, value, 0.1, kSecondsMax);
    else if (name == "--warm-up") options.warm_up = number(name, value, 0, kSecondsMax);
    else trouble("unknown option " + std::string(name));
  }
  if (url.empty() || options.ca.empty()) trouble("--url and --ca must be given");
  read_url(url, options);
  return options;
}

// Latencies counted in buckets no wider than 0.8 % of the value.
class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++buckets_[bucket_of(ns)];
    ++count_;
    max_ = std::max(max_, ns);
  }
  double quantile_ms(double q) const {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(count_) * q);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted) return middle_of(i) / 1e6;
    }
    return static_cast<double>(max_) / 1e6;
  }
  double max_ms() const { return static_cast<double>(max_) / 1e6; }

 private:
  static constexpr unsigned kHalf = 128;
  static unsigned shift_of(std::uint64_t ns) {
    const auto width = static_cast<unsigned>(std::bit_width(ns));
    return width > 8 ? width - 8 : 0;
  }
  static std::size_t bucket_of(std::uint64_t ns) {
    const unsigned shift = shift_of(ns);
    return std::size_t{shift} * kHalf + static_cast<std::size_t>(ns >> shift);
  }
  static double middle_of(std::size_t bucket) {
    if (bucket < 2 * kHalf) return static_cast<double>(bucket);
    const std::size_t shift = bucket / kHalf - 1;
    return (static_cast<double>(bucket - shift * kHalf) + 0.5) * static_cast<double>(std::uint64_t{1} << shift);
  }
  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(58 * kHalf + 1);
  std::uint64_t count_ = 0, max_ = 0;
};

// The request texts, in turn.
class Questions {
 public:
  explicit Questions(const Options& options) {
    const std::string host = "Host: " + options.host + ":" + options.port + "\r\n";
    if (options.bodies.empty()) {
      get_ = "GET " + options.target + " HTTP/1.1\r\n" + host + "\r\n";
      return;
    }
    post_ = "POST " + options.target + " HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: ";
    std::ifstream file(options.bodies, std::ios::binary);
    if (!file) trouble("cannot read " + options.bodies);
    text_.assign(std::istreambuf_iterator<char>(file), {});
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      if (end > begin) bodies_.emplace_back(text_.data() + begin, end - begin);
      begin = end + 1;
    }
    if (bodies_.empty()) trouble(options.bodies + " holds no body");
  }
  void append_next(std::string& out) {
    if (bodies_.empty()) {
      out += get_;
      return;
    }
    const std::string_view body = bodies_[next_];
    next_ = next_ + 1 == bodies_.size() ? 0 : next_ + 1;
    char length[24];
    const auto end = std::to_chars(length, length + sizeof length, body.size()).ptr;
    out.append(post_).append(length, end).append("\r\n\r\n").append(body);
  }

 private:
  std::string get_, post_, text_;
  std::vector<std::string_view> bodies_;
  std::size_t next_ = 0;
};

struct Connection {
  int socket = -1;
  SSL* tls = nullptr;
  std::string in, out;
  std::size_t in_used = 0, out_sent = 0;
  std::vector<std::uint64_t> asked;   // ring of the outstanding requests' times
  std::size_t first = 0, outstanding = 0;
  bool wants_write = false;
};

struct Head {
  unsigned status = 0;
  std::size_t head_bytes = 0, body_bytes = 0;
};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// read_head reads an answer's head; nothing while it is not whole.
std::optional<Head> read_head(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() > kHeadMax) trouble("an answer's head has no end");
    return std::nullopt;
  }
  Head head;
  head.head_bytes = end + 4;
  if (!text.starts_with("HTTP/1.1 ") || end < 12) trouble("not an HTTP/1.1 answer");
  std::from_chars(text.data() + 9, text.data() + 12, head.status);
  bool length_known = false;
  for (std::size_t begin = text.find("\r\n") + 2; begin < end;) {
    const std::size_t stop = text.find("\r\n", begin);
    const std::string_view line = text.substr(begin, stop - begin);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_word(line.substr(0, colon), "content-length")) {
      std::size_t value = colon + 1;
      while (value < line.size() && line[value] == ' ') ++value;
      const auto [ptr, error] = std::from_chars(line.data() + value, line.data() + line.size(), head.body_bytes);
      length_known = error == std::errc{};
    }
    begin = stop + 2;
  }
  if (!length_known || head.body_bytes > kBodyMax) trouble("an answer without a usable Content-Length");
  return head;
}

struct Tally {
  std::uint64_t answered = 0, refused = 0, wrong = 0, body_bytes = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), questions_(options) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (context_ == nullptr) tls_trouble("TLS");
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_read_ahead(context_, 1);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_load_verify_file(context_, options.ca.c_str()) != 1) tls_trouble(options.ca);
    if (!options.cert.empty() &&
        (SSL_CTX_use_certificate_chain_file(context_, options.cert.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context_, options.key.c_str(), SSL_FILETYPE_PEM) != 1))
      tls_trouble(options.cert);
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connections_.reserve(options.connections);
    for (unsigned i = 0; i < options.connections; ++i) connections_.push_back(connect());
  }
  ~Load() {
    for (Connection& c : connections_) {
      SSL_free(c.tls);
      ::close(c.socket);
    }
    SSL_CTX_free(context_);
    ::close(poll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  int run();

 private:
  Connection connect();
  void ask(Connection& c, std::size_t n);
  void flush(Connection& c);
  void receive(Connection& c);
  bool take_answer(Connection& c);
  void judge(const Head& head, std::string_view body);
  void turn(int timeout_ms);
  void report(double seconds, double server_ms, double own_ms) const;
  double server_cpu_ms() const;

  const Options& options_;
  Questions questions_;
  SSL_CTX* context_ = nullptr;
  int poll_ = -1;
  std::vector<Connection> connections_;
  std::vector<epoll_event> events_ = std::vector<epoll_event>(256);
  std::vector<char> chunk_ = std::vector<char>(64 * 1024);
  bool measuring_ = false, asking_ = true;
  Tally all_, window_;
  Histogram latency_;
};

Connection Load::connect() {
  Connection c;
  c.asked.resize(options_.outstanding);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(number("port", options_.port, 1, 65535)));
  if (::inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1) trouble("the host is no IPv4 address");
  c.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(c.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const timeval patience{kStallSeconds, 0};
  ::setsockopt(c.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(c.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    trouble("connect: " + std::string(std::strerror(errno)));
  c.tls = SSL_new(context_);
  SSL_set_fd(c.tls, c.socket);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c.tls), options_.host.c_str());
  if (SSL_connect(c.tls) != 1) tls_trouble("TLS handshake");
  ::fcntl(c.socket, F_SETFL, ::fcntl(c.socket, F_GETFL) | O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = connections_.size();
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, c.socket, &event);
  return c;
}

// ask puts n more requests on a connection.
void Load::ask(Connection& c, std::size_t n) {
  if (n == 0) return;
  const std::uint64_t now = now_ns();
  for (std::size_t i = 0; i < n; ++i) {
    questions_.append_next(c.out);
    c.asked[(c.first + c.outstanding) % c.asked.size()] = now;
    ++c.outstanding;
  }
  flush(c);
}

void Load::flush(Connection& c) {
  bool blocked = false;
  while (c.out_sent < c.out.size()) {
    const int length = static_cast<int>(c.out.size() - c.out_sent);
    const int sent = SSL_write(c.tls, c.out.data() + c.out_sent, length);
    if (sent > 0) {
      c.out_sent += static_cast<std::size_t>(sent);
      continue;
    }
    const int error = SSL_get_error(c.tls, sent);
    if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) tls_trouble("write");
    blocked = true;
    break;
  }
  if (!blocked) {
    c.out.clear();
    c.out_sent = 0;
  }
  if (blocked == c.wants_write) return;
  c.wants_write = blocked;
  epoll_event event{};
  event.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = static_cast<std::uint64_t>(&c - connections_.data());
  ::epoll_ctl(poll_, EPOLL_CTL_MOD, c.socket, &event);
}

void Load::receive(Connection& c) {
  std::size_t answered = 0;
  for (;;) {
    const int got = SSL_read(c.tls, chunk_.data(), static_cast<int>(chunk_.size()));
    if (got <= 0) {
      const int error = SSL_get_error(c.tls, got);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) tls_trouble("read");
      break;
    }
    c.in.append(chunk_.data(), static_cast<std::size_t>(got));
    while (c.outstanding > 0 && take_answer(c)) ++answered;
    if (c.in_used == c.in.size()) {
      c.in.clear();
      c.in_used = 0;
    }
  }
  c.in.erase(0, c.in_used);
  c.in_used = 0;
  if (asking_) ask(c, answered);
}

// take_answer takes one whole answer off the input; false: there is none yet.
bool Load::take_answer(Connection& c) {
  const std::string_view text = std::string_view(c.in).substr(c.in_used);
  const auto head = read_head(text);
  if (!head || text.size() < head->head_bytes + head->body_bytes) return false;
  judge(*head, text.substr(head->head_bytes, head->body_bytes));
  c.in_used += head->head_bytes + head->body_bytes;
  if (measuring_) latency_.add(now_ns() - c.asked[c.first]);
  c.first = (c.first + 1) % c.asked.size();
  --c.outstanding;
  return true;
}

void Load::judge(const Head& head, std::string_view body) {
  const auto holds = [body](const std::string& text) { return body.find(text) != std::string_view::npos; };
  const bool refused = head.status != 200;
  bool wrong = false;
  if (!refused && (!measuring_ || all_.answered % kCheckEvery == 0))
    wrong = (!options_.must_hold.empty() && !holds(options_.must_hold)) ||
            (!options_.must_not_hold.empty() && holds(options_.must_not_hold));
  if ((refused || wrong) && all_.refused + all_.wrong == 0)
    std::fprintf(stderr, "http_load: first answer not as wanted: status %u, %.*s\n", head.status,
                 static_cast<int>(std::min<std::size_t>(body.size(), 400)), body.data());
  for (Tally* tally : {&all_, &window_}) {
    if (tally == &window_ && !measuring_) continue;
    ++tally->answered;
    tally->refused += refused ? 1 : 0;
    tally->wrong += wrong ? 1 : 0;
    tally->body_bytes += head.body_bytes;
  }
}

void Load::turn(int timeout_ms) {
  const int n = ::epoll_wait(poll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
  for (int i = 0; i < n; ++i) {
    Connection& c = connections_[events_[static_cast<std::size_t>(i)].data.u64];
    if (c.wants_write) flush(c);
    receive(c);
  }
}

// server_cpu_ms is the CPU time of the processes named, from /proc/PID/stat: user and system time
// are the 12th and 13th fields after the command's closing bracket.
double Load::server_cpu_ms() const {
  const double tick_ms = 1000.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  double total = 0;
  for (const std::string& pid : options_.server_pids) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::size_t bracket = text.rfind(')');
    if (bracket == std::string::npos) trouble("no process " + pid);
    char state = 0;
    unsigned long user = 0, system = 0;
    const int got = std::sscanf(text.c_str() + bracket + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &state, &user, &system);
    if (got != 3) trouble("/proc/" + pid + "/stat has an unknown form");
    total += static_cast<double>(user + system) * tick_ms;
  }
  return total;
}

double own_cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

int Load::run() {
  for (Connection& c : connections_) ask(c, options_.outstanding);
  const auto run_for = [this](double seconds) {
    const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t seen = all_.answered, since = now_ns();
    for (std::uint64_t now = since; now < end; now = now_ns()) {
      turn(static_cast<int>(std::min<std::uint64_t>((end - now) / 1'000'000 + 1, 100)));
      if (all_.answered != seen) {
        seen = all_.answered;
        since = now;
      } else if (now - since > kStallSeconds * 1'000'000'000ULL) {
        trouble("no answer for " + std::to_string(kStallSeconds) + " s");
      }
    }
  };
  if (options_.warm_up > 0) run_for(options_.warm_up);
  const double server_before = server_cpu_ms(), own_before = own_cpu_ms();
  const std::uint64_t begin = now_ns();
  measuring_ = true;
  run_for(options_.seconds);
  measuring_ = false;
  const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
  const double server_ms = server_cpu_ms() - server_before, own_ms = own_cpu_ms() - own_before;

  // What was asked is answered to the end, so that answers and records can be compared.
  asking_ = false;
  const auto open = [this] {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& c) { return c.outstanding > 0; });
  };
  const std::uint64_t patience = now_ns() + kStallSeconds * 1'000'000'000ULL;
  while (open() && now_ns() < patience) turn(100);
  if (open()) trouble("the last answers never came");
  report(seconds, server_ms, own_ms);
  return all_.refused + all_.wrong > 0 || window_.answered == 0 ? 1 : 0;
}

void Load::report(double seconds, double server_ms, double own_ms) const {
  const double n = static_cast<double>(std::max<std::uint64_t>(window_.answered, 1));
  std::printf(
      "{\"connections\":%u,\"outstanding\":%u,\"requests\":%llu,\"seconds\":%.3f,\"per_second\":%.1f,"
      "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,\"server_cpu_us\":%.3f,"
      "\"server_busy\":%.1f,\"load_busy\":%.1f,\"body_bytes\":%.0f,\"answers_total\":%llu,\"refused\":%llu,"
      "\"wrong\":%llu}\n",
      options_.connections, options_.outstanding, static_cast<unsigned long long>(window_.answered), seconds,
      n / seconds, latency_.quantile_ms(0.5), latency_.quantile_ms(0.99), latency_.quantile_ms(0.999),
      latency_.max_ms(), server_ms * 1000 / n, server_ms / seconds / 10, own_ms / seconds / 10,
      static_cast<double>(window_.body_bytes) / n, static_cast<unsigned long long>(all_.answered),
      static_cast<unsigned long long>(all_.refused), static_cast<unsigned long long>(all_.wrong));
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const Options options = read_options(argc, argv);
  return Load(options).run();
}
