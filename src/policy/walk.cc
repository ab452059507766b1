#include "policy/walk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "model/insist.h"

namespace amanat::policy {
namespace {

// What splits the grants most comes first: the sooner nothing is left, the less is gone through.
constexpr std::array kOrder = {Attribute::glass,
                               Attribute::unit,
                               Attribute::case_open,
                               Attribute::assigned,
                               Attribute::own_unit,
                               Attribute::standing,
                               Attribute::court,
                               Attribute::consent,
                               Attribute::evidence,
                               Attribute::approvals,
                               Attribute::approvals_superior,
                               Attribute::approvals_other_unit,
                               Attribute::approvals_superior_other_unit,
                               Attribute::presence,
                               Attribute::hour,
                               Attribute::subject_class};

// What a case can be: an attribute of it is known exactly if the case is.
bool fits(Attribute a, bool case_known, Column c) {
  switch (a) {
    case Attribute::case_open:
    case Attribute::assigned:
    case Attribute::own_unit:
      return case_known == (c != kUnknown);
    case Attribute::court:
      return c == kNo || (case_known && c == kYes);
    case Attribute::standing:
      return case_known ? c != kUnknown : c == kOther;
    case Attribute::evidence:
    case Attribute::approvals:
    case Attribute::approvals_superior:
    case Attribute::approvals_other_unit:
    case Attribute::approvals_superior_other_unit:
    case Attribute::glass:
    case Attribute::consent:
    case Attribute::subject_class:  // not known is possibly any of them, which is one of them
    case Attribute::hour:
      return c != kUnknown;
    default:
      return true;
  }
}

}  // namespace

Walk::Walk(const Compiled& compiled, const FieldSet& fields, Visit visit)
    : c_(compiled), visit_(std::move(visit)) {
  relevant_.fill(0);
  for (std::size_t f = 0; f < c_.fields().size(); ++f) {
    if (!fields.test(f)) continue;
    const auto named = c_.of_field(FieldId{static_cast<std::uint16_t>(f)});
    for (std::size_t w = 0; w < c_.words(); ++w) relevant_[w] |= named[w];
  }
}

void Walk::run() {
  for (Column department = 0; department < c_.columns(Attribute::department); ++department)
    for (const auto& plain : plain_roles()) run_role(department, plain);
}

std::set<std::string> Walk::plain_roles() const {
  std::set<std::string> plain;
  for (const auto& role : c_.tables().roles) plain.insert(role.id.substr(role.id.find('.') + 1));
  for (const auto& role : c_.tables().roles) plain.insert(role.id);
  return plain;
}

std::string Walk::department_name(Column department) const {
  return department >= 2 ? c_.department_names()[department - 2] : std::string();
}

void Walk::run_role(Column department, const std::string& plain) {
  Place place;
  Rules rules;
  const auto none = c_.role_column(0);
  for (std::size_t w = 0; w < c_.words(); ++w) rules[w] = none[w];
  std::vector<std::string> forms = {plain};
  const std::string name = department_name(department);
  if (!name.empty() && plain.find('.') == std::string::npos) forms.push_back(name + "." + plain);
  for (const auto& form : forms) {
    const auto role = c_.role(form);
    if (!role) continue;
    place.roles.push_back(*role);
    for (std::size_t w = 0; w < c_.words(); ++w) rules[w] |= c_.role_column(*role)[w];
  }
  // "police.investigator" written as a role of its own counts in that department only.
  if (place.roles.empty()) return;
  if (const auto dot = plain.find('.'); dot != std::string::npos && plain.substr(0, dot) != name)
    return;
  if (!narrow(rules, c_.column(Attribute::department, department))) return;
  for (std::size_t purpose = 0; purpose < c_.tables().purposes.size(); ++purpose) {
    place.purpose = static_cast<Column>(purpose);
    seen_.assign(kOrder.size() + 1, {});
    for (Column kind = 0; kind < c_.kinds(); ++kind) {
      Rules next = rules;
      if (narrow(next, c_.column(Attribute::matter, c_.matter(place.purpose, kind))))
        descend(place, 0, kind >= kOtherKind, next);
    }
  }
}

// narrow ANDs and says whether any grant that matters is left.
bool Walk::narrow(Rules& rules, std::span<const std::uint64_t> column) const {
  std::uint64_t grants = 0;
  for (std::size_t w = 0; w < c_.words(); ++w) {
    rules[w] &= column[w] & relevant_[w];
    if (w < c_.first_forbid() / 64) grants |= rules[w];
  }
  return grants != 0;
}

void Walk::descend(const Place& place, std::size_t depth, bool case_known, const Rules& rules) {
  std::string key(1, case_known ? 'k' : 'u');
  key.append(reinterpret_cast<const char*>(rules.data()), c_.words() * sizeof rules[0]);
  if (depth == kOrder.size()) key[0] = '.';
  if (!seen_[depth].insert(std::move(key)).second) return;
  if (depth == kOrder.size()) return visit_(place, rules);
  const Attribute a = kOrder[depth];
  if (!c_.tested(a)) return descend(place, depth + 1, case_known, rules);
  // Neighbouring values often leave the same rules: seen at a glance, without a key.
  std::array<Rules, 2> before;
  std::size_t met = 0;
  const std::size_t bytes = c_.words() * sizeof rules[0];
  for (Column c = 0; c < c_.columns(a); ++c) {
    if (!fits(a, case_known, c)) continue;
    Rules next = rules;
    if (!narrow(next, c_.column(a, c))) continue;
    bool same = false;
    for (std::size_t i = 0; i < std::min(met, before.size()); ++i)
      same |= std::memcmp(before[i].data(), next.data(), bytes) == 0;
    if (same) continue;
    before[met++ % before.size()] = next;
    descend(place, depth + 1, case_known, next);
  }
}

std::vector<std::size_t> bits_of(const Compiled& c, const Rules& rules) {
  std::vector<std::size_t> bits;
  for (std::size_t w = 0; w < c.words(); ++w)
    for (std::uint64_t left = rules[w]; left != 0; left &= left - 1)
      bits.push_back(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
  return bits;
}

}  // namespace amanat::policy
