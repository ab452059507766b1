#pragma once
// server, report: what detection finds over weeks and between officers, computed from the ledger
// and the registers when somebody asks (docs/detection.md, Reports).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "detection/report.h"
#include "model/ids.h"

namespace amanat::server {

/// DetectionReport is a period's.
struct DetectionReport {
  Moment from{}, until{};
  std::uint64_t lookups = 0, officers = 0;
  std::vector<detection::Found> found;
  std::map<std::string, std::uint64_t> alerts;  // of the period, by rule
  std::vector<std::uint64_t> recorded;          // entries, of those of `found` that were recorded
};

/// accounts_of is an alert's account words: "accounts 3 17".
std::string accounts_of(const detection::Found& found);

}  // namespace amanat::server
