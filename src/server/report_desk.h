#pragma once
// server, report desk: makes one report of detection at a time beside the server's threads, and
// keeps the last. Thread-safe.

#include <mutex>
#include <optional>
#include <thread>

#include "server/report.h"

namespace amanat::server {

class Exchange;

class ReportDesk {
 public:
  explicit ReportDesk(Exchange& exchange) : exchange_(exchange) {}
  ~ReportDesk();
  /// make begins a report of [from, until). Errors: too_busy (one is being made).
  Result<void> make(Moment from, Moment until);
  struct Standing {
    bool being_made = false;
    std::optional<Result<DetectionReport>> last;
  };
  Standing standing() const;

 private:
  Exchange& exchange_;
  mutable std::mutex mutex_;
  Standing standing_;
  std::thread thread_;
};

}  // namespace amanat::server
