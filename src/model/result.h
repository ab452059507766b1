#pragma once
// Result and Failure: how every room says that something was refused or went wrong.
// A Failure carries a reason from the one table (model/reasons.def) and a detail that never
// holds a personal value: it may name a row, a field, a file, a rule.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace amanat {

/// Reason is the id of a refusal or failure; one row of model/reasons.def each.
enum class Reason : std::uint8_t {
#define REASON(id, kind, http, exit, en, ur, next_en, next_ur, detail) id,
#include "model/reasons.def"
#undef REASON
};

/// ReasonRow is a row of the table as data. All views live for ever.
struct ReasonRow {
  Reason reason;
  std::string_view id;  // with dashes, as on the wire
  bool refused;         // refused (we will not) or failed (we cannot)
  std::uint16_t http_status;
  std::uint8_t exit_code;
  std::string_view english, urdu, next_english, next_urdu;
  bool detail_shown;  // may the caller see Failure::detail
};

/// row_of returns the table's row of `reason`. Thread-safe, never fails.
const ReasonRow& row_of(Reason reason);

/// reason_count is the number of rows; reasons are 0 .. reason_count()-1.
std::size_t reason_count();

/// Need is one thing a question lacks, for programs to read: the reason, and what would do.
struct Need {
  Reason reason{};
  std::string rule;             // the grant that asks for it
  std::uint64_t max_age_s = 0;  // presence_too_old: of the last verification
  unsigned approvals = 0;       // approval_required: how many
  std::string word;             // whose approval; which evidence
  std::string id;               // of the approval that is waited for
};

/// Failure is why there is no value. `detail` names row, field, file or rule, never a person.
struct Failure {
  Reason reason;
  std::string detail;
  std::vector<Need> needs = {};  // all that is missing, where a question may be asked again
  std::string policy_hash = {};  // 32 bytes of the policy that refused, for the record of it
  std::string judged = {};       // detection's word on the refusal, for the record of it
  std::uint32_t wait_ms = 0;     // it is told so much later: who is refused often waits
};

template <class T>
using Result = std::expected<T, Failure>;

/// fail makes the unexpected side of a Result.
inline std::unexpected<Failure> fail(Reason reason, std::string detail = {}) {
  return std::unexpected<Failure>(Failure{reason, std::move(detail)});
}

}  // namespace amanat
