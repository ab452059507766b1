#pragma once
// server, metrics: counts for Prometheus, as text (exposition format 0.0.4), on a port of its own
// that only this machine reaches. Labels come from fixed lists: no path, name or address of a
// caller, and nothing of a citizen. Thread-safe.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "model/request.h"
#include "model/result.h"

namespace amanat::server {

/// check_metrics says whether `address` is empty or host:port on loopback. Errors: config_wrong.
Result<void> check_metrics(const std::string& address);

/// Metrics counts requests.
class Metrics {
 public:
  using Clock = std::chrono::steady_clock;
  /// answered counts one reply to `path`, that began at `began`.
  void answered(std::string_view path, unsigned status, Clock::time_point began);

  /// Gauges are what is read when the page is asked for.
  struct Gauges {
    std::string engine;  // "rocksdb", "postgresql"
    std::uint64_t ledger_entries = 0, accounts = 0, policy_rules = 0;
    bool store_answers = false;
    double store_seconds = 0;
    struct Live {
      std::string dataset;
      bool resting = false;
      std::uint64_t answered = 0, failed = 0, spared = 0, wrong_values = 0;
    };
    std::vector<Live> live;  // datasets that departments keep themselves
  };
  std::string page(const Gauges& gauges) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                     0.05,   0.1,   0.2,   0.5,   1,    5};
  static constexpr std::size_t kRoutes = 5, kClasses = 6;
  std::array<std::array<std::atomic<std::uint64_t>, kClasses>, kRoutes> replies_{};
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> lookups_{};  // by duration
  std::atomic<std::uint64_t> lookup_nanoseconds_ = 0;
};

/// MetricsPort answers GET /metrics until it dies.
class MetricsPort {
 public:
  /// start listens on `address`; `page` is called on the port's own thread. Errors: config_wrong,
  /// peer_unreachable (the address is taken).
  static Result<std::unique_ptr<MetricsPort>> start(const std::string& address,
                                                    std::function<std::string()> page);
  ~MetricsPort();
  std::uint16_t port() const { return port_; }

 private:
  MetricsPort() = default;
  void serve();
  void answer(int client) const;

  std::function<std::string()> page_;
  int listener_ = -1, wake_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace amanat::server
