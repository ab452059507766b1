#pragma once
// policy, circumstances for tests: drawn from a seed, known and unknown, and as the compiled form
// takes them.

#include <optional>
#include <string>

#include "policy/compiled.h"
#include "policy/invented.h"
#include "policy/reference.h"

namespace amanat::policy::invented {

inline reference::Circumstances draw_circumstances(Draw& draw, const Sizes& sizes) {
  using reference::Circumstances;
  Circumstances c;
  const auto roles = role_names(sizes);
  for (unsigned i = draw.below(4); i-- > 0;)
    c.roles.push_back(draw.one_in(8) ? "stranger" : draw.of(roles));
  c.department = draw.one_in(6) ? "" : draw.one_in(6) ? "customs" : draw.of(departments());
  c.unit = draw.one_in(6) ? "" : draw.one_in(4) ? "Unit Nowhere" : draw.of(units());
  c.purpose = draw.of(purpose_names(sizes));
  c.known = static_cast<Circumstances::Known>(draw.one_in(2) ? 2 : draw.below(3));
  c.standing = Standing::other;
  if (c.known == Circumstances::Known::known_case) {
    c.kind = draw.one_in(6) ? "audit" : draw.of(kinds());
    c.standing = static_cast<Standing>(draw.below(3));
  }
  // Whether known or not, each fact may be missing: an error looks the same to a decision.
  const auto maybe = [&]() -> std::optional<bool> {
    if (draw.one_in(4)) return std::nullopt;
    return !draw.one_in(3);
  };
  c.case_open = maybe();
  c.assigned = maybe();
  c.own_unit = maybe();
  for (std::size_t f = 0; f < sizes.fields; ++f) {
    if (draw.one_in(2)) c.ordered.set(f);
    if (draw.one_in(2)) c.consented.set(f);
  }
  if (!draw.one_in(10))
    c.glass = draw.one_in(4);
  else
    c.glass = std::nullopt;
  if (draw.one_in(2))
    for (unsigned one = 0; one < kSubjectClasses; ++one)
      if (draw.one_in(3)) c.classes.push_back(static_cast<SubjectClass>(one));
  if (!draw.one_in(10))
    c.proof = static_cast<Proof>(draw.below(3));
  else
    c.proof = std::nullopt;
  for (auto& n : c.approvals) n = draw.below(4);
  if (!draw.one_in(3)) c.presence_ms = 60'000 * (1 + draw.below(20));
  if (!draw.one_in(8)) c.utc_hour = draw.below(24);
  return c;
}

inline Column column_of(std::optional<bool> fact) { return !fact ? kUnknown : *fact ? kYes : kNo; }

inline Situation situation_of(const Compiled& compiled, const reference::Circumstances& c) {
  Situation s;
  for (const auto& role : c.roles)
    if (const auto column = compiled.role(role)) s.roles[s.role_count++] = *column;
  s.purpose = *compiled.purpose(c.purpose);
  s.kind = c.known == reference::Circumstances::Known::no_case        ? kNoCase
           : c.known == reference::Circumstances::Known::unknown_case ? kUnknown
                                                                      : compiled.kind(c.kind);
  s[Attribute::department] = compiled.department(c.department);
  s[Attribute::unit] = compiled.unit(c.unit);
  s[Attribute::matter] = compiled.matter(s.purpose, s.kind);
  s[Attribute::case_open] = column_of(c.case_open);
  s[Attribute::assigned] = column_of(c.assigned);
  s[Attribute::own_unit] = column_of(c.own_unit);
  s.ordered = c.ordered;
  s.consented = c.consented;
  s[Attribute::glass] = column_of(c.glass);
  for (const SubjectClass one : c.classes) s.classes |= mask_of(one);
  s[Attribute::evidence] =
      c.proof ? static_cast<Column>(kChannel + static_cast<unsigned>(*c.proof)) : kUnknown;
  compiled.set_approvals(s, c.approvals);
  s[Attribute::presence] = compiled.presence(c.presence_ms);
  s[Attribute::hour] = Compiled::hour(c.utc_hour);
  return s;
}

}  // namespace amanat::policy::invented
