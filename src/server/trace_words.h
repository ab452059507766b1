#pragma once
// server, the words of traces: how a case is kept, and how it is told over HTTP. This room only.

#include <optional>
#include <string>
#include <string_view>

#include "net/json.h"
#include "server/traces.h"
#include "trace/findings.h"

namespace amanat::server {

/// write_case and parse_case are the file H/traces/ID/case.json.
std::string write_case(const TraceCase& one);
std::optional<TraceCase> parse_case(std::string_view text);

/// disclosures_in reads the disclosures of a citizen's history for experts, without checking it: it
/// is the exchange's own. Errors: note_malformed, evidence_malformed.
Result<std::vector<trace::Disclosed>> disclosures_in(std::string_view history);

/// put_case writes a case's members into an object that is open.
void put_case(net::JsonWriter& json, const TraceCase& one,
              std::pair<std::uint64_t, std::uint64_t> progress);

/// findings_json is what a verdict says, for the console and for tools; `id_of` names accounts,
/// `days` are the rows by the day on which each could first be had.
std::string findings_json(const trace::Findings& findings, const std::vector<std::string>& leads,
                          const std::map<std::string, std::uint64_t>& days,
                          const std::function<std::string(AccountId)>& id_of);

}  // namespace amanat::server
