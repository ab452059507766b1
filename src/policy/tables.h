#pragma once
// policy, tables: the seven tables as read from TOML, checked word for word and with wildcards
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
  std::vector<std::string> over;  // the roles it is the superior of
};

/// DepartmentRow says what must at least vouch for a question of its people and systems. A
/// department without a row: touch and signature.
struct DepartmentRow {
  std::string id, says;
  Proof officers = Proof::touch, services = Proof::signature;
};

/// Approver says who may approve: any other person who holds the right, the asker's superior, a
/// person of another unit, or both. Values index Situation::approvals and attributes.
enum class Approver : std::uint8_t { anyone, superior, other_unit, superior_other_unit };
inline constexpr std::size_t kApprovers = 4;

struct PurposeRow {
  std::string id, says, law;
  std::vector<std::string> cases;  // kinds that prove it; empty: needs no case by itself
  bool witnessed = false;          // answered once the ledger's witnesses have confirmed the record
  std::uint32_t sealed_days = 0;   // covert: the citizen sees that, but not what, for so long
  std::string notice = "daily";    // when a citizen who wishes it is told: at_once, daily, never
  std::string says_ur = {}, law_ur = {};  // the same in Urdu, where it is there
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
  bool consent = false;      // the citizen's own, for this purpose and field
  bool break_glass = false;  // counts for a break-glass question, and for no other
  Proof evidence = Proof::channel;
  std::uint8_t approvals = 0;
  Approver approver = Approver::anyone;
  std::optional<std::uint64_t> uv_max_age_ms;
  std::optional<Hours> hours;
};

struct GrantRow {
  std::string id, says, quota;
  std::vector<std::string> roles, purposes, departments, units, follow;
  std::vector<Cell> cells;  // ascending by field
  Needs needs;
  std::optional<ExtractTerms> extract;  // counts for a bulk question, and for no other
  FieldSet optional;  // of its fields: what the purpose can do without
  bool marks = true;  // false: the consumer parses its answers
  bool witnessed = false;  // as a purpose's
};

/// ForbidRow applies where every condition it names holds; a condition it does not name holds.
struct ForbidRow {
  std::string id, says;
  std::vector<std::string> roles, purposes, departments, units, cases;
  std::vector<std::string> except_purposes, except_departments;
  bool except_break_glass = false;
  std::vector<Standing> subjects;
  std::vector<SubjectClass> classes;
  std::optional<bool> case_open;
  std::optional<bool> officer_assigned;
  std::optional<Hours> hours;
  std::vector<Cell> cells;  // the rank is a cap
};

struct QuotaRow {
  std::string id;
  std::vector<Limit> limits;
};

/// RetentionRow says after how many years entries of one type may go; a type without a row never.
struct RetentionRow {
  std::string id, says;  // the type's word
  std::uint32_t years = 0;
};

struct Tables {
  std::vector<RoleRow> roles;
  std::vector<DepartmentRow> departments;
  std::vector<PurposeRow> purposes;
  std::vector<GrantRow> grants;
  std::vector<ForbidRow> forbids;
  std::vector<QuotaRow> quotas;
  std::vector<RetentionRow> retention;
  std::vector<Sensitivity> classes;             // [field], the catalog's or a [[field]] row's
  std::vector<std::vector<std::string>> masks;  // [field], those a rule may name, catalog's order
};

/// Document is a policy file: its name, for messages, and its text.
struct Document {
  std::string name, text;
};

inline constexpr std::size_t kRulesMax = 1024;

// The words of the form.
const std::vector<std::string>& rights();          // what a role may hold outside lookups
const std::vector<std::string>& class_words();     // by SubjectClass
const std::vector<std::string>& proof_words();     // by Proof
const std::vector<std::string>& approver_words();  // by Approver
const std::vector<std::string>& entry_words();     // the ledger's types, by their number; 0: none

/// read_documents reads directory/*.toml, ascending by name. Errors: policy_wrong, file_failed.
Result<std::vector<Document>> read_documents(const std::string& directory);
/// documents_digest is SHA-256 over names and texts, in name order: what a POLICY entry commits to.
Digest documents_digest(const std::vector<Document>& documents);
/// span_of reads a length of time: "15m", "8h", "7d"; nothing unless it is one, at most 3660 days.
std::optional<std::uint64_t> span_of(std::string_view text);
/// read_tables reads the policy out of its files. Errors: policy_wrong ("file:line: ...").
Result<Tables> read_tables(const std::vector<Document>& documents, const FieldTable& fields);
/// canonical_text writes the policy in one fixed form: comments, order of rows and their split over
/// files change nothing in it. Its SHA-256 is the policy's hash in every entry.
std::string canonical_text(const Tables& tables, const FieldTable& fields);

/// cedar_of writes the policy as Cedar, as far as Cedar has words for it.
std::string cedar_of(const Tables& tables, const FieldTable& fields);

}  // namespace amanat::policy
