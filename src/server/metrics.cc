#include "server/metrics.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "model/insist.h"

namespace amanat::server {
namespace {

constexpr std::size_t kRequestBytesMax = 8 * 1024;
constexpr int kClientMs = 2'000;

constexpr const char* kRouteNames[] = {"lookups", "records", "ledger", "oauth", "other"};
constexpr std::string_view kRoutePrefixes[] = {"/v1/lookups", "/v1/records", "/ledger", "/oauth"};

struct Address {
  sockaddr_storage at{};
  socklen_t size = 0;
};

std::optional<Address> loopback(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = text.substr(0, colon);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  Address out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.at);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.at);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    if (ntohl(four->sin_addr.s_addr) >> 24 != 127) return std::nullopt;
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    out.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    if (!IN6_IS_ADDR_LOOPBACK(&six->sin6_addr)) return std::nullopt;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    out.size = sizeof *six;
  } else {
    return std::nullopt;
  }
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  out.append(name).append(" ").append(type).append("\n");
}

void one(std::string& out, std::string_view name, std::string_view type, std::string_view help,
         double value) {
  head(out, name, type, help);
  out.append(name).append(" ").append(number(value)).append("\n");
}

double resident_bytes() {
  unsigned long total = 0, resident = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
  double count = -3;  // ".", ".." and the one this opens
  if (DIR* d = ::opendir("/proc/self/fd")) {
    while (::readdir(d) != nullptr) ++count;
    ::closedir(d);
  }
  return count;
}

void process(std::string& out) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  one(out, "process_cpu_seconds_total", "counter", "CPU time used.",
      seconds(used.ru_utime) + seconds(used.ru_stime));
  one(out, "process_resident_memory_bytes", "gauge", "Memory held.", resident_bytes());
  one(out, "process_open_fds", "gauge", "Open files and sockets.", open_files());
}

void live(std::string& out, const std::vector<Metrics::Gauges::Live>& all) {
  if (all.empty()) return;
  head(out, "amanat_live_questions_total", "counter",
       "Questions to departments that keep a dataset themselves, by what became of them.");
  for (const auto& one : all)
    for (const auto& [outcome, count] :
         {std::pair{"answered", one.answered}, std::pair{"failed", one.failed},
          std::pair{"spared", one.spared}})
      out += "amanat_live_questions_total{dataset=\"" + one.dataset + "\",outcome=\"" + outcome +
             "\"} " + std::to_string(count) + "\n";
  head(out, "amanat_live_wrong_values_total", "counter",
       "Values of a department that broke the rule of their field and were not shown.");
  for (const auto& one : all)
    out += "amanat_live_wrong_values_total{dataset=\"" + one.dataset + "\"} " +
           std::to_string(one.wrong_values) + "\n";
  head(out, "amanat_live_up", "gauge", "Whether the department is asked at present.");
  for (const auto& one : all)
    out += "amanat_live_up{dataset=\"" + one.dataset + "\"} " + (one.resting ? "0" : "1") + "\n";
}

}  // namespace

Result<void> check_metrics(const std::string& address) {
  if (address.empty() || loopback(address)) return {};
  return fail(Reason::config_wrong,
              "metrics is an address of this machine alone, like 127.0.0.1:9464");
}

void Metrics::answered(std::string_view path, unsigned status, Clock::time_point began) {
  std::size_t route = 0;
  while (route < std::size(kRoutePrefixes) && !path.starts_with(kRoutePrefixes[route])) ++route;
  replies_[route][std::min<std::size_t>(status / 100, kClasses - 1)].fetch_add(
      1, std::memory_order_relaxed);
  if (route != 0) return;
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began);
  const double seconds = static_cast<double>(took.count()) * 1e-9;
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  lookups_[bucket].fetch_add(1, std::memory_order_relaxed);
  lookup_nanoseconds_.fetch_add(static_cast<std::uint64_t>(took.count()),
                                std::memory_order_relaxed);
}

std::string Metrics::page(const Gauges& gauges) const {
  std::string out;
  head(out, "amanat_replies_total", "counter", "Replies by route and class of status.");
  for (std::size_t r = 0; r < kRoutes; ++r)
    for (std::size_t c = 2; c < kClasses; ++c)
      out += std::string("amanat_replies_total{route=\"") + kRouteNames[r] + "\",status=\"" +
             std::to_string(c) + "xx\"} " + std::to_string(replies_[r][c].load()) + "\n";
  head(out, "amanat_lookup_seconds", "histogram",
       "From a question read to its reply handed over, the record durable in between.");
  std::uint64_t sum = 0;
  for (std::size_t b = 0; b < lookups_.size(); ++b) {
    sum += lookups_[b].load();
    const std::string bound = b < kBounds.size() ? number(kBounds[b]) : "+Inf";
    out += "amanat_lookup_seconds_bucket{le=\"" + bound + "\"} " + std::to_string(sum) + "\n";
  }
  out += "amanat_lookup_seconds_sum " +
         number(static_cast<double>(lookup_nanoseconds_.load()) * 1e-9) + "\n";
  out += "amanat_lookup_seconds_count " + std::to_string(sum) + "\n";
  one(out, "amanat_ledger_entries", "gauge", "Entries in the ledger.",
      static_cast<double>(gauges.ledger_entries));
  one(out, "amanat_accounts", "gauge", "Accounts enrolled.", static_cast<double>(gauges.accounts));
  one(out, "amanat_policy_rules", "gauge", "Rules in force.",
      static_cast<double>(gauges.policy_rules));
  head(out, "amanat_store_up", "gauge", "Whether the store answers.");
  out += "amanat_store_up{engine=\"" + gauges.engine + "\"} " + (gauges.store_answers ? "1" : "0") +
         "\n";
  one(out, "amanat_store_read_seconds", "gauge", "How long one small read took just now.",
      gauges.store_seconds);
  live(out, gauges.live);
  process(out);
  return out;
}

Result<std::unique_ptr<MetricsPort>> MetricsPort::start(const std::string& address,
                                                        std::function<std::string()> page) {
  const auto at = loopback(address);
  if (!at) return std::unexpected(check_metrics(address.empty() ? "?" : address).error());
  std::unique_ptr<MetricsPort> port(new MetricsPort);
  port->page_ = std::move(page);
  insist(::pipe2(port->wake_, O_CLOEXEC) == 0);
  port->listener_ = ::socket(at->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(port->listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(port->listener_, reinterpret_cast<const sockaddr*>(&at->at), at->size) != 0 ||
      ::listen(port->listener_, 16) != 0)
    return fail(Reason::peer_unreachable, address);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  insist(::getsockname(port->listener_, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  port->port_ =
      ntohs(bound.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in*>(&bound)->sin_port
                                       : reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port);
  port->thread_ = std::thread([raw = port.get()] { raw->serve(); });
  return port;
}

MetricsPort::~MetricsPort() {
  if (thread_.joinable()) {
    insist(::write(wake_[1], "", 1) == 1);
    thread_.join();
  }
  for (const int fd : {listener_, wake_[0], wake_[1]})
    if (fd >= 0) ::close(fd);
}

// One reader after the other, each for two seconds at most: a page is asked for every few seconds.
void MetricsPort::serve() {
  pollfd both[] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
  for (;;) {
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    answer(client);
    ::close(client);
  }
}

void MetricsPort::answer(int client) const {
  const auto deadline = Metrics::Clock::now() + std::chrono::milliseconds(kClientMs);
  const timeval limit{kClientMs / 1000, 0};
  ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Metrics::Clock::now());
    pollfd wait{client, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return;
    char part[1024];
    const ssize_t n = ::read(client, part, sizeof part);
    if (n <= 0 || request.size() + static_cast<std::size_t>(n) > kRequestBytesMax) return;
    request.append(part, static_cast<std::size_t>(n));
  }
  const bool known = request.starts_with("GET /metrics HTTP/1.");
  const std::string body = known ? page_() : "not found\n";
  const std::string reply =
      std::string("HTTP/1.1 ") + (known ? "200 OK" : "404 Not Found") +
      "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nConnection: close\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t at = 0; at < reply.size();) {
    const ssize_t n = ::send(client, reply.data() + at, reply.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

}  // namespace amanat::server
