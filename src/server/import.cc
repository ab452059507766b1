// The acts that read a department's file: records into the registry, the roster into accounts, the
// case list into the case book. One report form for all three.

#include <algorithm>
#include <chrono>

#include "server/exchange.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::string_view kRoster = "personnel.roster";
constexpr std::string_view kCases = "cases.cases";
constexpr std::uint64_t kDayMs = 86'400'000;

// day reads what the catalog's normaliser made: "YYYY-MM-DD", midnight UTC.
std::optional<Moment> day(std::string_view iso) {
  if (iso.size() < 10) return std::nullopt;
  const auto digits = [&iso](std::size_t at, std::size_t n) {
    int value = 0;
    for (std::size_t i = at; i < at + n; ++i) {
      insist(iso[i] >= '0' && iso[i] <= '9');
      value = value * 10 + (iso[i] - '0');
    }
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(digits(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(digits(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(digits(8, 2)))};
  insist(date.ok());
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return Moment{days < 0 ? 0 : static_cast<std::uint64_t>(days) * kDayMs};
}

std::vector<std::string> parts_of(const std::string& joined) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < joined.size();) {
    const std::size_t end = std::min(joined.find('\n', at), joined.size());
    if (end > at) parts.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

registry::Registry::Taken taken(bool unchanged) {
  return unchanged ? registry::Registry::Taken::repeated : registry::Registry::Taken::accepted;
}

}  // namespace

Result<registry::ImportReport> Exchange::import(std::string_view dataset, const std::string& file,
                                                registry::ImportOptions options) {
  const std::lock_guard one(state_->acts);
  if (auto ready = state_->quarantine_for(dataset, options); !ready)
    return std::unexpected(ready.error());
  return state_->registry->import(dataset, file, options);
}

Result<registry::ImportReport> Exchange::import_officers(const std::string& file,
                                                         registry::ImportOptions options) {
  const std::lock_guard one(state_->acts);
  if (auto ready = state_->quarantine_for(kRoster, options); !ready)
    return std::unexpected(ready.error());
  return state_->registry->read_rows(
      kRoster, file, options,
      [this](const registry::Row& row) -> Result<registry::Registry::Taken> {
        identity::Officer officer;
        officer.id = row.value("officer");
        officer.name = row.value("name");
        officer.national_id = row.value("national_id");
        officer.department = row.value("department");
        officer.unit = row.value("unit");
        officer.role = row.value("role");
        officer.station = row.value("station");
        officer.shift = row.value("shift");
        officer.joined = day(row.value("joined_on")).value_or(Moment{0});
        officer.left = day(row.value("left_on"));
        auto noted = state_->identity->note_officer(officer);
        if (!noted) return std::unexpected(noted.error());
        return taken(*noted == identity::Noted::unchanged);
      });
}

Result<registry::ImportReport> Exchange::import_cases(const std::string& file,
                                                      registry::ImportOptions options) {
  const std::lock_guard one(state_->acts);
  if (auto ready = state_->quarantine_for(kCases, options); !ready)
    return std::unexpected(ready.error());
  return state_->registry->read_rows(
      kCases, file, options, [this](const registry::Row& row) -> Result<registry::Registry::Taken> {
        policy::Case one_case;
        one_case.ref = row.value("case");
        one_case.kind = row.value("kind");
        one_case.unit = row.value("unit");
        one_case.opened = day(row.value("opened_on")).value_or(Moment{0});
        // A case closes with the end of the day its list names.
        if (const auto closed = day(row.value("closed_on")))
          one_case.closed = Moment{number(*closed) + kDayMs};
        one_case.officers = parts_of(row.value("officers"));
        std::sort(one_case.officers.begin(), one_case.officers.end());
        one_case.noted_by = "file";
        one_case.noted = now();
        for (std::string& id : parts_of(row.value("subjects")))
          one_case.subjects.push_back({SubjectKind::national_id, std::move(id)});
        auto noted = state_->policy->note_case(one_case);
        if (!noted) return std::unexpected(noted.error());
        return taken(*noted == policy::Noted::unchanged);
      });
}

}  // namespace amanat::server
