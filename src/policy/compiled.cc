#include "policy/compiled.h"

#include <algorithm>
#include <bit>

#include "model/insist.h"

namespace amanat::policy {
namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void add_all(std::vector<std::string>& to, const std::vector<std::string>& words) {
  for (const auto& word : words)
    if (!has(to, word)) to.push_back(word);
}

void set_bit(std::span<std::uint64_t> words, std::size_t bit) {
  words[bit / 64] |= std::uint64_t{1} << (bit % 64);
}
bool test_bit(std::span<const std::uint64_t> words, std::size_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

// A yes-or-no fact that a rule asks to be so: unknown is never so.
bool is(Column c, bool wanted) { return c == (wanted ? kYes : kNo); }

// The order in which one missing need is more useful to hear of than another.
int usefulness(Reason reason) {
  constexpr Reason kOrder[] = {
      Reason::case_missing,      Reason::case_unknown,         Reason::case_closed,
      Reason::case_wrong_kind,   Reason::officer_not_assigned, Reason::subject_not_in_case,
      Reason::approval_required, Reason::court_order_missing,  Reason::consent_missing,
      Reason::presence_too_old,  Reason::evidence_too_weak,    Reason::outside_hours,
      Reason::break_glass_only,  Reason::extract_only,         Reason::extract_not_granted,
      Reason::forbidden_by_rule, Reason::field_not_granted,    Reason::purpose_not_held};
  const auto at = std::find(std::begin(kOrder), std::end(kOrder), reason);
  insist(at != std::end(kOrder));
  return static_cast<int>(at - std::begin(kOrder));
}

}  // namespace

bool Missing::nearer_than(const Missing& other) const {
  if (count != other.count) return count < other.count;
  return usefulness(reason) < usefulness(other.reason);
}

Compiled::Compiled(Tables tables, const FieldTable& fields)
    : tables_(std::move(tables)), fields_(fields) {
  first_forbid_ = (grants() + 63) / 64 * 64;
  stride_ = (first_forbid_ + forbids() + 63) / 64 * 64;
  words_ = stride_ / 64;
  insist(words_ <= kWordsMax);
  name_values();
  const std::size_t roles = tables_.roles.size();
  const auto word_span = [&](std::vector<std::uint64_t>& bits, std::size_t row) {
    return std::span(bits).subspan(row * words_, words_);
  };
  role_bits_.assign((roles + 1) * words_, 0);
  purpose_bits_.assign(tables_.purposes.size() * words_, 0);
  field_bits_.assign(fields_.size() * words_, 0);
  ranks_.assign(fields_.size() * stride_, kNone);
  for (std::size_t g = 0; g < grants(); ++g) {
    const GrantRow& grant = tables_.grants[g];
    for (const auto& role : grant.roles) set_bit(word_span(role_bits_, *this->role(role)), g);
    for (const auto& purpose : grant.purposes)
      set_bit(word_span(purpose_bits_, *this->purpose(purpose)), g);
    for (const Cell& cell : grant.cells) {
      set_bit(word_span(field_bits_, number(cell.field)), g);
      ranks_[number(cell.field) * stride_ + g] = cell.rank;
    }
  }
  for (std::size_t f = 0; f < forbids(); ++f) {
    const ForbidRow& forbid = tables_.forbids[f];
    const std::size_t bit = first_forbid_ + f;
    for (std::size_t field = 0; field < fields_.size(); ++field)
      ranks_[field * stride_ + bit] = kFull;
    for (const Cell& cell : forbid.cells) {
      set_bit(word_span(field_bits_, number(cell.field)), bit);
      ranks_[number(cell.field) * stride_ + bit] = cell.rank;
    }
    for (std::size_t role = 0; role <= roles; ++role)
      if (forbid.roles.empty() || (role > 0 && has(forbid.roles, tables_.roles[role - 1].id)))
        set_bit(word_span(role_bits_, role), bit);
  }
  const auto steps = static_cast<Column>(2 + approval_steps_.size());
  std::array<Column, kAttributes> sizes;
  sizes.fill(3);  // unknown, yes, no
  const auto size_of = [&](Attribute a) -> Column& { return sizes[static_cast<std::size_t>(a)]; };
  size_of(Attribute::department) = static_cast<Column>(2 + department_names_.size());
  size_of(Attribute::unit) = static_cast<Column>(2 + unit_names_.size());
  size_of(Attribute::matter) = static_cast<Column>(tables_.purposes.size() * kinds_);
  size_of(Attribute::standing) = kOther + 1;
  size_of(Attribute::evidence) = kTouch + 1;
  for (std::size_t k = 0; k < kApprovers; ++k)
    size_of(approvals_of(static_cast<Approver>(k))) = steps;
  size_of(Attribute::presence) = static_cast<Column>(2 + presence_steps_.size());
  size_of(Attribute::hour) = 25;
  // A policy without extracts has no such value: it could only leave nothing.
  if (std::any_of(tables_.grants.begin(), tables_.grants.end(),
                  [](const GrantRow& grant) { return grant.extract.has_value(); }))
    size_of(Attribute::glass) = kExtract + 1;
  size_of(Attribute::subject_class) = kClasses + kSubjectClasses;
  for (std::size_t a = 0; a < kAttributes; ++a) fill(static_cast<Attribute>(a), sizes[a]);
  by_field_ = tested(Attribute::court) || tested(Attribute::consent);
}

// Every value that some rule names gets a column of its own; all others share "elsewhere".
void Compiled::name_values() {
  for (const auto& purpose : tables_.purposes) {
    purposes_.emplace(purpose.id, static_cast<Column>(purposes_.size()));
    add_all(kind_names_, purpose.cases);
  }
  for (const auto& role : tables_.roles) {
    roles_.emplace(role.id, static_cast<Column>(roles_.size() + 1));
    // A role of one department names that department.
    if (const auto dot = role.id.find('.'); dot != std::string::npos)
      add_all(department_names_, {role.id.substr(0, dot)});
  }
  for (const auto& grant : tables_.grants) {
    add_all(department_names_, grant.departments);
    add_all(unit_names_, grant.units);
    add_all(kind_names_, grant.needs.cases);
    if (grant.needs.approvals > 0) approval_steps_.push_back(grant.needs.approvals);
    if (grant.needs.uv_max_age_ms) presence_steps_.push_back(*grant.needs.uv_max_age_ms);
  }
  for (const auto& forbid : tables_.forbids) {
    add_all(department_names_, forbid.departments);
    add_all(department_names_, forbid.except_departments);
    add_all(unit_names_, forbid.units);
    add_all(kind_names_, forbid.cases);
  }
  for (std::size_t i = 0; i < department_names_.size(); ++i)
    departments_.emplace(department_names_[i], static_cast<Column>(i + 2));
  for (std::size_t i = 0; i < unit_names_.size(); ++i)
    units_.emplace(unit_names_[i], static_cast<Column>(i + 2));
  for (std::size_t i = 0; i < kind_names_.size(); ++i)
    kind_columns_.emplace(kind_names_[i], static_cast<Column>(i + kKinds));
  kinds_ = static_cast<Column>(kKinds + kind_names_.size());
  insist(tables_.purposes.size() * kinds_ < 0xffff);
  const auto distinct = [](auto& steps) {
    std::sort(steps.begin(), steps.end());
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  };
  distinct(approval_steps_);
  distinct(presence_steps_);
}

void Compiled::fill(Attribute a, Column count) {
  Columns& columns = columns_[static_cast<std::size_t>(a)];
  columns.count = count;
  columns.bits.assign(count * words_, 0);
  for (Column c = 0; c < count; ++c) {
    const std::span<std::uint64_t> bits = std::span(columns.bits).subspan(c * words_, words_);
    for (std::size_t g = 0; g < grants(); ++g)
      if (holds(tables_.grants[g], a, c)) set_bit(bits, g);
    for (std::size_t f = 0; f < forbids(); ++f)
      if (holds(tables_.forbids[f], a, c)) set_bit(bits, first_forbid_ + f);
    for (std::size_t w = 0; w < words_; ++w) columns.tested |= bits[w] != columns.bits[w];
  }
  // An attribute on which all values agree takes no part in a decision, unless they all say no.
  for (std::size_t g = 0; g < grants(); ++g) columns.tested |= !test_bit(columns.bits, g);
  for (std::size_t f = 0; f < forbids(); ++f)
    columns.tested |= !test_bit(columns.bits, first_forbid_ + f);
  if (columns.tested && static_cast<std::size_t>(a) < kWholeAttributes) tested_.push_back(a);
}

// A grant's condition on an attribute; a condition it does not name holds for every value.
bool Compiled::holds(const GrantRow& grant, Attribute a, Column c) const {
  const Needs& needs = grant.needs;
  switch (a) {
    case Attribute::department:
      return grant.departments.empty() ||
             (c >= 2 && has(grant.departments, department_names_[c - 2]));
    case Attribute::unit:
      return grant.units.empty() || (c >= 2 && has(grant.units, unit_names_[c - 2]));
    case Attribute::matter: {
      const PurposeRow& purpose = tables_.purposes[c / kinds_];
      const Column kind = c % kinds_;
      if (!has(grant.purposes, purpose.id)) return false;
      const auto proves = [&](const std::vector<std::string>& kinds) {
        return kinds.empty() || (kind >= kKinds && has(kinds, kind_names_[kind - kKinds]));
      };
      return proves(purpose.cases) && proves(needs.cases);
    }
    case Attribute::case_open:
      return !needs.case_open || is(c, true);
    case Attribute::assigned:
      return !needs.officer_assigned || is(c, true);
    case Attribute::own_unit:
      return !needs.own_unit || is(c, true);
    case Attribute::standing:
      return !needs.subject_in_case || c == kNamed || (needs.kin && c == kKin);
    case Attribute::evidence:
      return needs.evidence == Proof::channel ||
             (c != kUnknown && c - kChannel >= static_cast<int>(needs.evidence));
    case Attribute::approvals:
    case Attribute::approvals_superior:
    case Attribute::approvals_other_unit:
    case Attribute::approvals_superior_other_unit:
      return needs.approvals == 0 || a != approvals_of(needs.approver) ||
             (c >= 2 && approval_steps_[c - 2] >= needs.approvals);
    case Attribute::presence:  // column i + 1: no older than step i; the last: older than all
      return !needs.uv_max_age_ms || (c >= 1 && c <= presence_steps_.size() &&
                                      presence_steps_[c - 1] <= *needs.uv_max_age_ms);
    case Attribute::court:
      return !needs.court_order || is(c, true);
    case Attribute::consent:
      return !needs.consent || is(c, true);
    case Attribute::glass:
      return grant.extract ? c == kExtract : is(c, needs.break_glass);
    case Attribute::subject_class:
      return true;  // a grant is for whomever its other needs fit
    case Attribute::hour:
      return !needs.hours || (c > 0 && needs.hours->covers(c - 1U));
  }
  insist(false);
  return false;
}

// A forbid's condition on an attribute: column 0, unknown, holds wherever the forbid tests it.
bool Compiled::holds(const ForbidRow& forbid, Attribute a, Column c) const {
  switch (a) {
    case Attribute::department:
      if (c >= 2 && has(forbid.except_departments, department_names_[c - 2])) return false;
      return forbid.departments.empty() || c == kUnknown ||
             (c >= 2 && has(forbid.departments, department_names_[c - 2]));
    case Attribute::unit:
      return forbid.units.empty() || c == kUnknown ||
             (c >= 2 && has(forbid.units, unit_names_[c - 2]));
    case Attribute::matter: {
      const PurposeRow& purpose = tables_.purposes[c / kinds_];
      const Column kind = c % kinds_;
      if (has(forbid.except_purposes, purpose.id)) return false;
      if (!forbid.purposes.empty() && !has(forbid.purposes, purpose.id)) return false;
      return forbid.cases.empty() || kind == kUnknown ||
             (kind >= kKinds && has(forbid.cases, kind_names_[kind - kKinds]));
    }
    case Attribute::case_open:
      return !forbid.case_open || c == kUnknown || is(c, *forbid.case_open);
    case Attribute::assigned:
      return !forbid.officer_assigned || c == kUnknown || is(c, *forbid.officer_assigned);
    case Attribute::standing:
      return forbid.subjects.empty() || c == kUnknown ||
             std::find(forbid.subjects.begin(), forbid.subjects.end(),
                       static_cast<Standing>(c - 1)) != forbid.subjects.end();
    case Attribute::hour:
      return !forbid.hours || c == kUnknown || forbid.hours->covers(c - 1U);
    case Attribute::glass:
      return !forbid.except_break_glass || !is(c, true);
    case Attribute::subject_class:
      return forbid.classes.empty() || c == kUnknown ||
             (c >= kClasses &&
              std::find(forbid.classes.begin(), forbid.classes.end(),
                        static_cast<SubjectClass>(c - kClasses)) != forbid.classes.end());
    case Attribute::own_unit:
    case Attribute::evidence:
    case Attribute::approvals:
    case Attribute::approvals_superior:
    case Attribute::approvals_other_unit:
    case Attribute::approvals_superior_other_unit:
    case Attribute::presence:
    case Attribute::court:
    case Attribute::consent:
      return true;
  }
  insist(false);
  return true;
}

const std::string& Compiled::rule_id(std::size_t bit) const {
  insist(bit < grants() || (bit >= first_forbid_ && bit < first_forbid_ + forbids()));
  return is_forbid(bit) ? tables_.forbids[bit - first_forbid_].id : tables_.grants[bit].id;
}

Column Compiled::department(std::string_view name) const {
  if (name.empty()) return kUnknown;
  const auto at = departments_.find(name);
  return at == departments_.end() ? kElsewhere : at->second;
}
Column Compiled::unit(std::string_view name) const {
  if (name.empty()) return kUnknown;
  const auto at = units_.find(name);
  return at == units_.end() ? kElsewhere : at->second;
}
Column Compiled::kind(std::string_view name) const {
  if (name.empty()) return kUnknown;
  const auto at = kind_columns_.find(name);
  return at == kind_columns_.end() ? kOtherKind : at->second;
}
std::optional<Column> Compiled::purpose(std::string_view id) const {
  const auto at = purposes_.find(id);
  if (at == purposes_.end()) return std::nullopt;
  return at->second;
}
std::optional<Column> Compiled::role(std::string_view id) const {
  const auto at = roles_.find(id);
  if (at == roles_.end()) return std::nullopt;
  return at->second;
}
const DepartmentRow* Compiled::department_row(std::string_view id) const {
  for (const DepartmentRow& row : tables_.departments)
    if (row.id == id) return &row;
  return nullptr;
}
void Compiled::set_approvals(Situation& s, const std::array<unsigned, kApprovers>& counts) const {
  for (std::size_t k = 0; k < kApprovers; ++k)
    s[approvals_of(static_cast<Approver>(k))] = approvals(counts[k]);
}
Column Compiled::approvals(unsigned n) const {
  // Column 1: fewer than the first step; column i + 2: at least step i.
  Column c = 1;
  for (const unsigned step : approval_steps_)
    if (n >= step) ++c;
  return c;
}
Column Compiled::presence(std::optional<std::uint64_t> age_ms) const {
  if (!age_ms) return kUnknown;
  Column c = 1;
  for (const std::uint64_t step : presence_steps_)
    if (*age_ms > step) ++c;
  return c;
}

std::span<const std::uint64_t> Compiled::column(Attribute a, Column c) const {
  const Columns& columns = columns_[static_cast<std::size_t>(a)];
  insist(c < columns.count);
  return std::span(columns.bits).subspan(c * words_, words_);
}
std::span<const std::uint64_t> Compiled::role_column(Column role) const {
  insist(role <= tables_.roles.size());
  return std::span(role_bits_).subspan(role * words_, words_);
}
std::span<const std::uint64_t> Compiled::of_field(FieldId field) const {
  insist(number(field) < fields_.size());
  return std::span(field_bits_).subspan(number(field) * words_, words_);
}

// matching ANDs everything that is the same for the whole question.
Rules Compiled::matching(const Situation& s) const {
  Rules rules;
  const std::uint64_t* none = role_bits_.data();
  for (std::size_t w = 0; w < words_; ++w) rules[w] = none[w];
  for (std::size_t i = 0; i < s.role_count; ++i) {
    const std::uint64_t* bits = role_column(s.roles[i]).data();
    for (std::size_t w = 0; w < words_; ++w) rules[w] |= bits[w];
  }
  for (const Attribute a : tested_) {
    const std::uint64_t* bits = column(a, s[a]).data();
    for (std::size_t w = 0; w < words_; ++w) rules[w] &= bits[w];
  }
  return rules;
}

// of_field is the value of an attribute that differs from field to field.
Column Compiled::of_field(const Situation& s, Attribute a, FieldId field) const {
  const FieldSet& covered = a == Attribute::court ? s.ordered : s.consented;
  return covered.test(number(field)) ? kYes : kNo;
}

// narrow folds the forbids of one field that hold for some classes alone.
void Compiled::narrow(const Situation& s, std::size_t asked, std::size_t word, std::uint64_t bits,
                      const Rank* ranks, Verdict& verdict) const {
  for (std::size_t one = 0; one < kSubjectClasses; ++one) {
    if ((s.later >> one & 1) == 0) continue;
    const std::uint64_t* members =
        column(Attribute::subject_class, static_cast<Column>(kClasses + one)).data();
    for (std::uint64_t left = bits & members[word]; left != 0; left &= left - 1) {
      const auto place = static_cast<std::size_t>(std::countr_zero(left));
      for (std::size_t k = 0; k < kStandings; ++k) {
        const std::uint64_t* standing =
            column(Attribute::standing, static_cast<Column>(k + kNamed)).data();
        if ((standing[word] >> place & 1) == 0) continue;
        Rank& cap = verdict.narrowed[one][k][asked];
        cap = std::min(cap, ranks[word * 64 + place]);
        if ((verdict.narrowing >> one & 1) == 0) verdict.narrower[one] = word * 64 + place;
        verdict.narrowing = static_cast<ClassMask>(verdict.narrowing | 1U << one);
      }
    }
  }
}

void Compiled::decide(const Situation& s, std::span<const FieldId> asked, Verdict& verdict) const {
  insist(asked.size() <= kFieldsMax);
  insist(s.role_count <= kRolesAsked);
  const Rules rules = matching(s);
  // The classes a citizen is of for sure; forbids of other classes wait until that is known.
  Rules sure;
  const std::uint64_t* no_class = column(Attribute::subject_class, kNoClass).data();
  for (std::size_t w = 0; w < words_; ++w) sure[w] = no_class[w];
  for (std::size_t one = 0; one < kSubjectClasses; ++one) {
    if ((s.classes >> one & 1) == 0) continue;
    const std::uint64_t* bits =
        column(Attribute::subject_class, static_cast<Column>(kClasses + one)).data();
    for (std::size_t w = 0; w < words_; ++w) sure[w] |= bits[w];
  }
  const std::uint64_t* standing[kStandings] = {column(Attribute::standing, kNamed).data(),
                                               column(Attribute::standing, kKin).data(),
                                               column(Attribute::standing, kOther).data()};
  for (auto& decided : verdict.decided)
    for (std::size_t w = 0; w < words_; ++w) decided[w] = 0;
  verdict.narrowing = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::uint64_t* named = field_bits_.data() + number(asked[i]) * words_;
    const Rank* ranks = ranks_.data() + number(asked[i]) * stride_;
    const std::uint64_t* court = column(Attribute::court, kYes).data();
    const std::uint64_t* consent = column(Attribute::consent, kYes).data();
    if (by_field_) {
      court = column(Attribute::court, of_field(s, Attribute::court, asked[i])).data();
      consent = column(Attribute::consent, of_field(s, Attribute::consent, asked[i])).data();
    }
    if (s.later != 0)
      for (auto& of_class : verdict.narrowed)
        for (auto& of_standing : of_class) of_standing[i] = kFull;
    std::array<Rank, kStandings> granted{}, cap;
    cap.fill(kFull);
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t all = named[w] & rules[w] & court[w] & consent[w];
      std::uint64_t left = all & sure[w];
      while (left != 0) {
        const auto place = static_cast<std::size_t>(std::countr_zero(left));
        const std::size_t bit = w * 64 + place;
        left &= left - 1;
        const Rank rank = ranks[bit];
        for (std::size_t k = 0; k < kStandings; ++k) {
          if ((standing[k][w] >> place & 1) == 0) continue;
          verdict.decided[k][w] |= std::uint64_t{1} << place;
          if (bit < first_forbid_)
            granted[k] = std::max(granted[k], rank);
          else
            cap[k] = std::min(cap[k], rank);
        }
      }
      if (s.later != 0 && (all & ~sure[w]) != 0) narrow(s, i, w, all & ~sure[w], ranks, verdict);
    }
    for (std::size_t k = 0; k < kStandings; ++k) {
      verdict.granted[k][i] = granted[k];
      verdict.rank[k][i] = std::min(granted[k], cap[k]);
    }
  }
}

// missing_of says which needs of one grant fail, the most useful first.
Missing Compiled::missing_of(const Situation& s, FieldId field, Standing standing,
                             std::size_t bit) const {
  const GrantRow& grant = tables_.grants[bit];
  const auto fails = [&](Attribute a, Column c) { return !test_bit(column(a, c), bit); };
  // Without a case, or with one nobody knows, that alone is what is missing of it.
  const Reason case_gone = s.kind == kNoCase ? Reason::case_missing : Reason::case_unknown;
  const bool case_known = s.kind >= kOtherKind;
  std::vector<Need> needs;
  const auto add = [&](Reason reason) -> Need& {
    for (Need& one : needs)
      if (one.reason == reason) return one;
    needs.emplace_back();
    needs.back().reason = reason;
    needs.back().rule = grant.id;
    return needs.back();
  };
  if (fails(Attribute::matter, s[Attribute::matter]))
    add(case_known ? Reason::case_wrong_kind : case_gone);
  if (fails(Attribute::case_open, s[Attribute::case_open]))
    add(case_known ? Reason::case_closed : case_gone);
  for (const Attribute a : {Attribute::assigned, Attribute::own_unit})
    if (fails(a, s[a])) add(case_known ? Reason::officer_not_assigned : case_gone);
  if (fails(Attribute::standing, static_cast<Column>(static_cast<unsigned>(standing) + 1)))
    add(case_known ? Reason::subject_not_in_case : case_gone);
  const Attribute approvals = approvals_of(grant.needs.approver);
  if (fails(approvals, s[approvals])) {
    Need& need = add(Reason::approval_required);
    need.approvals = grant.needs.approvals;
    need.word = approver_words()[static_cast<std::size_t>(grant.needs.approver)];
  }
  if (fails(Attribute::court, of_field(s, Attribute::court, field)))
    add(Reason::court_order_missing);
  if (fails(Attribute::consent, of_field(s, Attribute::consent, field)))
    add(Reason::consent_missing);
  if (fails(Attribute::presence, s[Attribute::presence]))
    add(Reason::presence_too_old).max_age_s = *grant.needs.uv_max_age_ms / 1000;
  if (fails(Attribute::evidence, s[Attribute::evidence]))
    add(Reason::evidence_too_weak).word =
        proof_words()[static_cast<std::size_t>(grant.needs.evidence)];
  if (fails(Attribute::hour, s[Attribute::hour])) add(Reason::outside_hours);
  if (fails(Attribute::glass, s[Attribute::glass]))
    add(s[Attribute::glass] == kExtract || s[Attribute::glass] == kUnknown
            ? Reason::extract_not_granted
        : grant.extract ? Reason::extract_only
                        : Reason::break_glass_only);
  insist(!needs.empty());
  std::sort(needs.begin(), needs.end(), [](const Need& a, const Need& b) {
    return usefulness(a.reason) < usefulness(b.reason);
  });
  Missing missing;
  missing.count = static_cast<std::uint8_t>(needs.size());
  missing.reason = needs.front().reason;
  missing.rule = grant.id;
  missing.needs = std::move(needs);
  return missing;
}

Missing Compiled::missing(const Situation& s, FieldId field, Standing standing,
                          Rank granted) const {
  const std::span<const std::uint64_t> named = of_field(field);
  if (granted > kNone) {
    Missing forbidden{Reason::forbidden_by_rule, 0xfd, {}, {}};
    const Rules rules = matching(s);
    Rules sure;
    for (std::size_t w = 0; w < words_; ++w) {
      sure[w] = column(Attribute::subject_class, kNoClass)[w];
      for (std::size_t one = 0; one < kSubjectClasses; ++one)
        if ((s.classes >> one & 1) != 0)
          sure[w] |= column(Attribute::subject_class, static_cast<Column>(kClasses + one))[w];
    }
    const auto column_of_standing =
        column(Attribute::standing, static_cast<Column>(static_cast<unsigned>(standing) + 1));
    for (std::size_t f = 0; f < forbids(); ++f) {
      const std::size_t bit = first_forbid_ + f;
      if (test_bit(named, bit) && test_bit(rules, bit) && test_bit(sure, bit) &&
          test_bit(column_of_standing, bit) && rank_of(field, bit) == kNone &&
          forbidden.rule.empty())
        forbidden.rule = tables_.forbids[f].id;
    }
    return forbidden;
  }
  // Who the asker is must fit before it is of use to hear what else is missing.
  Rules fit;
  bool purpose_held = false;
  for (std::size_t w = 0; w < first_forbid_ / 64; ++w) {
    fit[w] = 0;
    for (std::size_t i = 0; i < s.role_count; ++i) fit[w] |= role_column(s.roles[i])[w];
    fit[w] &= purpose_bits_[s.purpose * words_ + w] &
              column(Attribute::department, s[Attribute::department])[w] &
              column(Attribute::unit, s[Attribute::unit])[w];
    purpose_held |= fit[w] != 0;
  }
  Missing nearest{purpose_held ? Reason::field_not_granted : Reason::purpose_not_held,
                  static_cast<std::uint8_t>(purpose_held ? 0xfe : 0xff),
                  {},
                  {}};
  for (std::size_t w = 0; w < first_forbid_ / 64; ++w) {
    for (std::uint64_t left = fit[w] & named[w]; left != 0; left &= left - 1) {
      Missing one =
          missing_of(s, field, standing, w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
      if (one.nearer_than(nearest)) nearest = std::move(one);
    }
  }
  return nearest;
}

}  // namespace amanat::policy
