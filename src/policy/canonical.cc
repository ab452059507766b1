// The canonical text of a policy: what its hash covers. One line a row, rows ascending by id within
// their table, members in a fixed order, lists ascending, fields by their full ids. Any change here
// changes every policy's hash, so the first line carries a version.

#include <algorithm>

#include "policy/tables.h"

namespace amanat::policy {
namespace {

// Lengths before every word: no word can be read as the end of one row and the start of another.
void put(std::string& out, std::string_view word) {
  out += std::to_string(word.size());
  out.push_back(':');
  out += word;
  out.push_back(' ');
}

void put(std::string& out, std::string_view key, const std::vector<std::string>& words) {
  put(out, key);
  put(out, std::to_string(words.size()));
  for (const auto& word : words) put(out, word);
}

void put(std::string& out, const std::vector<Cell>& cells, const FieldTable& fields) {
  put(out, std::to_string(cells.size()));
  for (const Cell& cell : cells) {
    const FieldInfo& info = fields[cell.field];
    put(out, info.id);
    switch (level_of(cell.rank)) {
      case Level::none:
        put(out, "none");
        break;
      case Level::exists:
        put(out, "exists");
        break;
      case Level::masked:
        put(out, "masked." + info.masks[mask_of(cell.rank)]);
        break;
      case Level::full:
        put(out, "full");
        break;
    }
  }
}

void put_hours(std::string& out, const std::optional<Hours>& hours) {
  if (!hours) return put(out, "-");
  put(out, std::to_string(hours->from) + "-" + std::to_string(hours->to) + "@" +
               std::to_string(hours->offset));
}

void put_flag(std::string& out, const std::optional<bool>& flag) {
  put(out, !flag ? "-" : *flag ? "yes" : "no");
}

// A grant that says nothing of marks is written as before there were any: its hash stays.
void put_marks(std::string& out, const GrantRow& grant, const FieldTable& fields) {
  if (grant.optional.any()) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (grant.optional.test(i)) ids.push_back(fields[FieldId{static_cast<std::uint16_t>(i)}].id);
    put(out, "optional", ids);
  }
  if (!grant.marks) put(out, "unmarked");
}

template <class Rows, class Line>
void put_rows(std::string& out, std::string_view table, const Rows& rows, Line line) {
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rows[a].id < rows[b].id; });
  for (const std::size_t i : order) {
    put(out, table);
    put(out, rows[i].id);
    line(rows[i]);
    out.push_back('\n');
  }
}

bool promises(const PurposeRow& row) { return row.witnessed || row.sealed_days > 0; }
bool promises(const GrantRow& row) { return row.witnessed; }

template <class Row>
std::vector<const Row*> promising(const std::vector<Row>& rows) {
  std::vector<const Row*> found;
  for (const Row& row : rows)
    if (promises(row)) found.push_back(&row);
  std::sort(found.begin(), found.end(), [](const Row* a, const Row* b) { return a->id < b->id; });
  return found;
}

}  // namespace

std::string canonical_text(const Tables& t, const FieldTable& fields) {
  std::string out = "amanat/policy/v2\n";
  for (std::size_t i = 0; i < t.classes.size(); ++i) {
    put(out, "field");
    put(out, fields[FieldId{static_cast<std::uint16_t>(i)}].id);
    put(out, std::to_string(static_cast<int>(t.classes[i])));
    put(out, "masks", t.masks[i]);
    out.push_back('\n');
  }
  put_rows(out, "role", t.roles, [&](const RoleRow& r) {
    put(out, r.says);
    put(out, "rights", r.rights);
    put(out, "over", r.over);
  });
  put_rows(out, "department", t.departments, [&](const DepartmentRow& d) {
    put(out, d.says);
    put(out, std::to_string(static_cast<int>(d.officers)));
    put(out, std::to_string(static_cast<int>(d.services)));
  });
  put_rows(out, "purpose", t.purposes, [&](const PurposeRow& p) {
    put(out, p.says);
    put(out, p.law);
    put(out, "cases", p.cases);
    if (p.notice != "daily") put(out, p.notice);
    // What a citizen reads in Urdu is as much the policy as what stands in English.
    if (!p.says_ur.empty() || !p.law_ur.empty()) {
      put(out, "ur");
      put(out, p.says_ur);
      put(out, p.law_ur);
    }
  });
  put_rows(out, "quota", t.quotas, [&](const QuotaRow& q) {
    for (const Limit& limit : q.limits)
      put(out, std::to_string(static_cast<int>(limit.per)) + "/" + std::to_string(limit.n) + "/" +
                   std::to_string(limit.window_ms));
  });
  put_rows(out, "grant", t.grants, [&](const GrantRow& g) {
    put(out, g.says);
    put(out, g.quota);
    put(out, "roles", g.roles);
    put(out, "purposes", g.purposes);
    put(out, "departments", g.departments);
    put(out, "units", g.units);
    put(out, "follow", g.follow);
    put(out, "case", g.needs.cases);
    for (const bool flag :
         {g.needs.case_open, g.needs.subject_in_case, g.needs.kin, g.needs.officer_assigned,
          g.needs.own_unit, g.needs.court_order, g.needs.consent, g.needs.break_glass})
      put(out, flag ? "yes" : "no");
    put(out, std::to_string(static_cast<int>(g.needs.evidence)));
    put(out, std::to_string(static_cast<int>(g.needs.approver)));
    put(out, std::to_string(g.needs.approvals));
    put(out, g.needs.uv_max_age_ms ? std::to_string(*g.needs.uv_max_age_ms) : "-");
    put_hours(out, g.needs.hours);
    if (g.extract) {  // a policy without extracts keeps the hash it had
      put(out, "extract");
      put(out, std::to_string(g.extract->most));
      put(out, "formats", g.extract->formats);
      put(out, std::to_string(g.extract->keep_ms));
    }
    put(out, g.cells, fields);
    put_marks(out, g, fields);
  });
  put_rows(out, "forbid", t.forbids, [&](const ForbidRow& f) {
    put(out, f.says);
    put(out, "roles", f.roles);
    put(out, "purposes", f.purposes);
    put(out, "departments", f.departments);
    put(out, "units", f.units);
    put(out, "case", f.cases);
    put(out, "except-purposes", f.except_purposes);
    put(out, "except-departments", f.except_departments);
    put(out, std::to_string(f.subjects.size()));
    for (const Standing s : f.subjects) put(out, std::to_string(static_cast<int>(s)));
    put(out, std::to_string(f.classes.size()));
    for (const SubjectClass one : f.classes) put(out, std::to_string(static_cast<int>(one)));
    put(out, f.except_break_glass ? "yes" : "no");
    put_flag(out, f.case_open);
    put_flag(out, f.officer_assigned);
    put_hours(out, f.hours);
    put(out, f.cells, fields);
  });
  // What a policy without such promises does not spell keeps the hash it always had.
  put_rows(out, "retention", t.retention, [&](const RetentionRow& r) {
    put(out, r.says);
    put(out, std::to_string(r.years));
  });
  for (const PurposeRow* p : promising(t.purposes)) {
    put(out, "promise-of-purpose");
    put(out, p->id);
    put(out, p->witnessed ? "yes" : "no");
    put(out, std::to_string(p->sealed_days));
    out.push_back('\n');
  }
  for (const GrantRow* g : promising(t.grants)) {
    put(out, "promise-of-grant");
    put(out, g->id);
    out.push_back('\n');
  }
  return out;
}

}  // namespace amanat::policy
