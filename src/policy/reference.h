#pragma once
// policy, reference: the semantics of docs/policy.md a second time, as a loop over rules and with
// no columns or bits, to hold the compiled form against. For tests only.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "policy/tables.h"

namespace amanat::policy::reference {

/// Circumstances are the inputs of a decision in words. Nothing means unknown.
struct Circumstances {
  std::vector<std::string> roles;
  std::string department, unit, purpose;  // department and unit: empty means unknown
  enum class Known : std::uint8_t { no_case, unknown_case, known_case } known = Known::no_case;
  std::string kind;  // of a known case
  std::optional<bool> case_open, assigned, own_unit;
  FieldSet ordered, consented;  // what a court order, the citizen's consent covers
  std::optional<bool> glass = false;
  Standing standing = Standing::other;
  std::vector<SubjectClass> classes;  // the citizen's
  std::optional<Proof> proof = Proof::channel;
  std::array<unsigned, kApprovers> approvals{};
  std::optional<std::uint64_t> presence_ms;
  std::optional<unsigned> utc_hour;
};

inline bool in(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
inline bool any_in(const std::vector<std::string>& words, const std::vector<std::string>& of) {
  return std::any_of(of.begin(), of.end(),
                     [&](const std::string& word) { return in(words, word); });
}

inline bool applies(const GrantRow& g, const Circumstances& c, const Tables& t, FieldId field) {
  if (!any_in(g.roles, c.roles) || !in(g.purposes, c.purpose)) return false;
  if (!g.departments.empty() && !in(g.departments, c.department)) return false;
  if (!g.units.empty() && !in(g.units, c.unit)) return false;
  const bool known = c.known == Circumstances::Known::known_case;
  for (const auto& purpose : t.purposes)
    if (purpose.id == c.purpose && !purpose.cases.empty() && !(known && in(purpose.cases, c.kind)))
      return false;
  const Needs& n = g.needs;
  if (!n.cases.empty() && !(known && in(n.cases, c.kind))) return false;
  if (n.case_open && c.case_open != true) return false;
  if (n.officer_assigned && c.assigned != true) return false;
  if (n.own_unit && c.own_unit != true) return false;
  if (n.court_order && !c.ordered.test(number(field))) return false;
  if (n.consent && !c.consented.test(number(field))) return false;
  if (!c.glass || *c.glass != n.break_glass) return false;
  if (n.subject_in_case && c.standing != Standing::named && !(n.kin && c.standing == Standing::kin))
    return false;
  if (n.evidence != Proof::channel && !(c.proof && *c.proof >= n.evidence)) return false;
  if (c.approvals[static_cast<std::size_t>(n.approver)] < n.approvals) return false;
  if (n.uv_max_age_ms && !(c.presence_ms && *c.presence_ms <= *n.uv_max_age_ms)) return false;
  if (n.hours && !(c.utc_hour && n.hours->covers(*c.utc_hour))) return false;
  return true;
}

inline bool applies(const ForbidRow& f, const Circumstances& c) {
  if (!f.roles.empty() && !any_in(f.roles, c.roles)) return false;
  if (!f.purposes.empty() && !in(f.purposes, c.purpose)) return false;
  if (in(f.except_purposes, c.purpose)) return false;
  if (!c.department.empty() && in(f.except_departments, c.department)) return false;
  if (!f.departments.empty() && !c.department.empty() && !in(f.departments, c.department))
    return false;
  if (!f.units.empty() && !c.unit.empty() && !in(f.units, c.unit)) return false;
  if (!f.cases.empty() && c.known == Circumstances::Known::no_case) return false;
  if (!f.cases.empty() && c.known == Circumstances::Known::known_case && !in(f.cases, c.kind))
    return false;
  if (f.case_open && c.case_open && *c.case_open != *f.case_open) return false;
  if (f.officer_assigned && c.assigned && *c.assigned != *f.officer_assigned) return false;
  if (!f.subjects.empty() &&
      std::find(f.subjects.begin(), f.subjects.end(), c.standing) == f.subjects.end())
    return false;
  if (!f.classes.empty() && std::none_of(f.classes.begin(), f.classes.end(), [&](SubjectClass one) {
        return std::find(c.classes.begin(), c.classes.end(), one) != c.classes.end();
      }))
    return false;
  if (f.except_break_glass && c.glass == true) return false;
  if (f.hours && c.utc_hour && !f.hours->covers(*c.utc_hour)) return false;
  return true;
}

inline Rank rank_in(const std::vector<Cell>& cells, FieldId field, Rank otherwise) {
  for (const Cell& cell : cells)
    if (cell.field == field) return cell.rank;
  return otherwise;
}

/// rank says how much of a field is released.
inline Rank rank(const Tables& t, const Circumstances& c, FieldId field) {
  Rank granted = kNone;
  for (const auto& g : t.grants)
    if (applies(g, c, t, field)) granted = std::max(granted, rank_in(g.cells, field, kNone));
  for (const auto& f : t.forbids)
    if (applies(f, c)) granted = std::min(granted, rank_in(f.cells, field, kFull));
  return granted;
}

}  // namespace amanat::policy::reference
