#pragma once
// policy, tables: the six tables as read from TOML, checked word for word and with wildcards
// expanded, before they are compiled. Plain values. Form: docs/policy.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/field.h"
#include "model/passes.h"
#include "model/result.h"

namespace amanat::policy {

/// Rank is a point of a field's lattice in one byte: none 0, exists 1, masked by the i-th mask of
/// the field's chain 2 + i, full 255. Greater shows all that lesser shows.
using Rank = std::uint8_t;
inline constexpr Rank kNone = 0, kExists = 1, kNarrowest = 2, kFull = 255;
inline constexpr std::size_t kMasksMax = 200;

inline Level level_of(Rank rank) {
  if (rank == kNone) return Level::none;
  if (rank == kExists) return Level::exists;
  return rank == kFull ? Level::full : Level::masked;
}
inline std::uint8_t mask_of(Rank rank) {
  return level_of(rank) == Level::masked ? static_cast<std::uint8_t>(rank - kNarrowest)
                                         : std::uint8_t{0};
}

/// Cell is what one rule says of one field.
struct Cell {
  FieldId field{};
  Rank rank = kNone;
};

/// Hours is a part of the day in a fixed offset from UTC, whole hours, `to` excluded; it may run
/// over midnight.
struct Hours {
  std::uint8_t from = 0, to = 24;
  std::int8_t offset = 0;
  bool covers(unsigned utc_hour) const;
};

struct RoleRow {
  std::string id, says;
  std::vector<std::string> rights;
};

struct PurposeRow {
  std::string id, says, law;
  std::vector<std::string> cases;  // kinds that prove it; empty: needs no case by itself
};

/// Needs are the circumstances a grant asks for; all of them must hold.
struct Needs {
  std::vector<std::string> cases;  // kinds; empty: any, or none
  bool case_open = false;
  bool subject_in_case = false;
  bool kin = false;  // widens subject_in_case to kin of a named citizen
  bool officer_assigned = false;
  bool own_unit = false;  // the case belongs to the asker's unit
  bool court_order = false;
  bool signature = false;  // the question itself was signed, not only its channel
  std::uint8_t approvals = 0;
  std::optional<std::uint64_t> uv_max_age_ms;
  std::optional<Hours> hours;
};

struct GrantRow {
  std::string id, says, quota;
  std::vector<std::string> roles, purposes, departments, units, follow;
  std::vector<Cell> cells;  // ascending by field
  Needs needs;
};

/// ForbidRow applies where every condition it names holds; a condition it does not name holds.
struct ForbidRow {
  std::string id, says;
  std::vector<std::string> roles, purposes, departments, units, cases;
  std::vector<std::string> except_purposes, except_departments;
  std::vector<Standing> subjects;
  std::optional<bool> case_open;
  std::optional<bool> officer_assigned;
  std::optional<Hours> hours;
  std::vector<Cell> cells;  // the rank is a cap
};

struct QuotaRow {
  std::string id;
  std::vector<Limit> limits;
};

struct Tables {
  std::vector<RoleRow> roles;
  std::vector<PurposeRow> purposes;
  std::vector<GrantRow> grants;
  std::vector<ForbidRow> forbids;
  std::vector<QuotaRow> quotas;
  std::vector<Sensitivity> classes;             // [field], the catalog's or a [[field]] row's
  std::vector<std::vector<std::string>> masks;  // [field], those a rule may name, catalog's order
};

/// Document is a policy file: its name, for messages, and its text.
struct Document {
  std::string name, text;
};

inline constexpr std::size_t kRulesMax = 1024;

/// read_documents reads directory/*.toml, ascending by name. Errors: policy_wrong, file_failed.
Result<std::vector<Document>> read_documents(const std::string& directory);
/// read_tables reads the policy out of its files. Errors: policy_wrong ("file:line: ...").
Result<Tables> read_tables(const std::vector<Document>& documents, const FieldTable& fields);
/// canonical_text writes the policy in one fixed form: comments, order of rows and their split over
/// files change nothing in it. Its SHA-256 is the policy's hash in every entry.
std::string canonical_text(const Tables& tables, const FieldTable& fields);

}  // namespace amanat::policy
