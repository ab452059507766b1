#include "server/report_desk.h"

#include "server/exchange.h"

namespace amanat::server {

ReportDesk::~ReportDesk() {
  if (thread_.joinable()) thread_.join();
}

Result<void> ReportDesk::make(Moment from, Moment until) {
  const std::lock_guard lock(mutex_);
  if (standing_.being_made) return fail(Reason::too_busy, "a report is being made");
  if (thread_.joinable()) thread_.join();
  standing_ = {true, std::nullopt};
  thread_ = std::thread([this, from, until] {
    auto made = exchange_.report(from, until, Exchange::Recording::no);
    const std::lock_guard done(mutex_);
    standing_ = {false, std::move(made)};
  });
  return {};
}

ReportDesk::Standing ReportDesk::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

}  // namespace amanat::server
