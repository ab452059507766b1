#pragma once
// lookup, the citizen's story: who looked at me, which fields, why. What is shown comes from the
// ledger alone; sealed entries are counted with the date on which they open. The forms: our own
// JSON, and version 2 of the Estonian Data Tracker's usage lines (e-gov/AJ, dumonitor-openapi 2.1),
// so that a national portal can show them unchanged. Thread-safe functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "model/ids.h"
#include "model/passes.h"
#include "model/result.h"

namespace amanat::lookup {

/// Look is one entry of the ledger about a citizen.
struct Look {
  EntryIndex entry{};
  Moment time{};
  EntryType type = EntryType::disclosure;
  ledger::CitizenEntry::State state = ledger::CitizenEntry::State::open;
  std::optional<Moment> sealed_until;
  std::string purpose;
  std::vector<std::string> fields;  // registry.dataset.field
  AccountId account{};              // who asked: a public number
  std::string department, unit;     // of who asked, as enrolled now; empty if not known
};

/// looks lists a citizen's entries, oldest first. `accounts` are those enrolled. Errors: too_busy,
/// no_record (the ledger keeps no histories), ledger_corrupt, file_failed.
Result<std::vector<Look>> looks(const ledger::Ledger& ledger, const std::vector<Asker>& accounts,
                                const Label& citizen);

/// looks_json is the answer of GET /v1/me/disclosures: newest first, sealed entries counted.
std::string looks_json(const std::vector<Look>& looks);

/// moment_of reads RFC 3339, seconds with or without a fraction, Z or an offset; without any zone
/// it is UTC, as the Data Tracker's examples have none. Nothing for another form.
std::optional<Moment> moment_of(std::string_view text);

/// UsageQuery is what findUsage takes beside the persons.
struct UsageQuery {
  std::optional<Moment> from, to;
  std::uint64_t offset = 0, limit = 1000;
};
/// parse_usage_query reads periodStart, periodEnd (RFC 3339), offset and limit of a query string;
/// userCode is the caller's to judge. Errors: malformed_request.
Result<UsageQuery> parse_usage_query(std::string_view query);

/// usages_json is findUsage's answer (v2): totalUsages whatever offset and limit, and usages newest
/// first with exactly logtime, action, receiverCode, receiverName, receiverSystem.
std::string usages_json(const std::vector<Look>& looks, const UsageQuery& query,
                        std::string_view system);
/// usage_period_json and heartbeat_json are the other two endpoints.
std::string usage_period_json(Moment since);
std::string heartbeat_json(bool works);

}  // namespace amanat::lookup
