#include "policy/analysis.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <set>
#include <unordered_set>

#include "model/insist.h"
#include "policy/sentence.h"

namespace amanat::policy {
namespace {

// Where the going-through stands: who asks, for what. The rest is in the set of rules that match.
struct Place {
  std::vector<Column> roles;  // the plain role and its department's form, those that exist
  Column purpose = 0;
};
using Visit = std::function<void(const Place&, const Rules&)>;

// Walk goes through all combinations of attribute values that can occur together, and calls
// `visit` once for each different set of matching rules a (roles, purpose) can meet. Two values
// after which the same rules are left cannot differ any more, so one of them is enough.
class Walk {
 public:
  Walk(const Compiled& compiled, const FieldSet& fields, Visit visit)
      : c_(compiled), visit_(std::move(visit)) {
    relevant_.fill(0);
    for (std::size_t f = 0; f < c_.fields().size(); ++f) {
      if (!fields.test(f)) continue;
      const auto named = c_.of_field(FieldId{static_cast<std::uint16_t>(f)});
      for (std::size_t w = 0; w < c_.words(); ++w) relevant_[w] |= named[w];
    }
  }

  void run() {
    for (Column department = 0; department < c_.columns(Attribute::department); ++department)
      for (const auto& plain : plain_roles()) run_role(department, plain);
  }

 private:
  // What a case can be: an attribute of it is known exactly if the case is.
  static bool fits(Attribute a, bool case_known, Column c) {
    switch (a) {
      case Attribute::case_open:
      case Attribute::assigned:
      case Attribute::own_unit:
        return case_known == (c != kUnknown);
      case Attribute::court:
        return case_known || c == kUnknown;
      case Attribute::standing:
        return case_known ? c != kUnknown : c == kOther;
      case Attribute::evidence:
      case Attribute::approvals:
      case Attribute::hour:
        return c != kUnknown;
      default:
        return true;
    }
  }

  std::set<std::string> plain_roles() const {
    std::set<std::string> plain;
    for (const auto& role : c_.tables().roles) plain.insert(role.id.substr(role.id.find('.') + 1));
    for (const auto& role : c_.tables().roles) plain.insert(role.id);
    return plain;
  }

  std::string department_name(Column department) const {
    return department >= 2 ? c_.department_names()[department - 2] : std::string();
  }

  void run_role(Column department, const std::string& plain) {
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
    // "police.investigator" written as a role of its own is held in that department only.
    if (place.roles.empty()) return;
    if (plain.find('.') != std::string::npos && !name.empty() &&
        plain.substr(0, plain.find('.')) != name)
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
  bool narrow(Rules& rules, std::span<const std::uint64_t> column) const {
    std::uint64_t grants = 0;
    for (std::size_t w = 0; w < c_.words(); ++w) {
      rules[w] &= column[w] & relevant_[w];
      if (w < c_.first_forbid() / 64) grants |= rules[w];
    }
    return grants != 0;
  }

  void descend(const Place& place, std::size_t depth, bool case_known, const Rules& rules) {
    std::string key(1, case_known ? 'k' : 'u');
    key.append(reinterpret_cast<const char*>(rules.data()), c_.words() * sizeof rules[0]);
    if (depth == kOrder.size()) key[0] = '.';
    if (!seen_[depth].insert(std::move(key)).second) return;
    if (depth == kOrder.size()) return visit_(place, rules);
    const Attribute a = kOrder[depth];
    for (Column c = 0; c < c_.columns(a); ++c) {
      if (!fits(a, case_known, c)) continue;
      Rules next = rules;
      if (narrow(next, c_.column(a, c))) descend(place, depth + 1, case_known, next);
    }
  }

  static constexpr std::array kOrder = {
      Attribute::unit,     Attribute::case_open, Attribute::assigned, Attribute::own_unit,
      Attribute::standing, Attribute::court,     Attribute::evidence, Attribute::approvals,
      Attribute::presence, Attribute::hour};
  const Compiled& c_;
  Visit visit_;
  Rules relevant_;
  std::vector<std::unordered_set<std::string>> seen_;
};

std::vector<FieldId> listed(const FieldSet& set, std::size_t size) {
  std::vector<FieldId> fields;
  for (std::size_t f = 0; f < size; ++f)
    if (set.test(f)) fields.push_back(FieldId{static_cast<std::uint16_t>(f)});
  return fields;
}

std::vector<std::size_t> bits_of(const Compiled& c, const Rules& rules) {
  std::vector<std::size_t> bits;
  for (std::size_t w = 0; w < c.words(); ++w)
    for (std::uint64_t left = rules[w]; left != 0; left &= left - 1)
      bits.push_back(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
  return bits;
}

// What the walk learned of one rule.
struct Learned {
  bool applies = false;  // a grant: its conditions can all hold
  bool lives = false;    // a grant: releases something somewhere, forbids heard
  bool matters =
      false;  // a grant: somewhere more than all others together; a forbid: takes something
};

// learn judges one leaf: which rules matched there made a difference for some field.
void learn(const Compiled& c, const Rules& rules, std::vector<Learned>& learned) {
  const auto bits = bits_of(c, rules);
  for (std::size_t f = 0; f < c.fields().size(); ++f) {
    const FieldId field{static_cast<std::uint16_t>(f)};
    Rank best = kNone, second = kNone, cap = kFull;
    std::size_t best_at = 0;
    for (const std::size_t bit : bits) {
      const Rank rank = c.rank_of(field, bit);
      if (c.is_forbid(bit)) {
        cap = std::min(cap, rank);
      } else if (rank > best) {
        second = best;
        best = rank;
        best_at = bit;
      } else {
        second = std::max(second, rank);
      }
    }
    if (best == kNone) continue;
    const Rank shown = std::min(best, cap);
    for (const std::size_t bit : bits) {
      const Rank rank = c.rank_of(field, bit);
      if (c.is_forbid(bit)) {
        if (rank < best) learned[bit].matters = true;
      } else if (rank > kNone) {
        learned[bit].applies = true;
        if (shown > kNone) learned[bit].lives = true;
      }
    }
    if (shown > std::min(second, cap)) learned[best_at].matters = true;
  }
}

void complain(std::vector<Complaint>& list, const std::string& rule, std::string text,
              bool error = false) {
  list.push_back(Complaint{rule, std::move(text), error});
}

void complain_of_rules(const Compiled& c, const std::vector<Learned>& learned,
                       std::vector<Complaint>& list) {
  for (std::size_t g = 0; g < c.grants(); ++g) {
    const std::string& id = c.rule_id(g);
    if (!learned[g].applies)
      complain(list, id,
               "this grant can never apply: its needs contradict each other, its role's "
               "department or its purpose's case kinds",
               true);
    else if (!learned[g].lives)
      complain(list, id, "forbids always take away all that this grant gives");
    else if (!learned[g].matters)
      complain(list, id, "this grant adds nothing: others release all it does wherever it applies");
  }
  for (std::size_t f = 0; f < c.forbids(); ++f) {
    const std::size_t bit = c.first_forbid() + f;
    if (!learned[bit].matters)
      complain(list, c.rule_id(bit),
               "this forbid takes nothing away: no grant releases it where it applies");
  }
}

void complain_of_grant(const Compiled& c, const GrantRow& grant, std::vector<Complaint>& list) {
  if (grant.quota.empty())
    complain(list, grant.id, "this grant has no quota: its officers have no budget");
  bool needs_case = !grant.needs.cases.empty() || grant.needs.case_open ||
                    grant.needs.subject_in_case || grant.needs.officer_assigned ||
                    grant.needs.own_unit;
  if (!needs_case)
    needs_case =
        std::all_of(grant.purposes.begin(), grant.purposes.end(), [&](const std::string& purpose) {
          const auto at = c.purpose(purpose);
          insist(at.has_value());
          return !c.tables().purposes[*at].cases.empty();
        });
  if (needs_case) return;
  for (const Cell& cell : grant.cells) {
    const Sensitivity sensitivity = c.tables().classes[number(cell.field)];
    if ((sensitivity == Sensitivity::sensitive || sensitivity == Sensitivity::secret_existence) &&
        cell.rank > kExists) {
      complain(
          list, grant.id,
          "this grant shows " + c.fields()[cell.field].id + ", which is sensitive, without a case");
      return;
    }
  }
}

}  // namespace

std::vector<Sentence> who_can_see(const Compiled& c, const FieldSet& pattern) {
  const auto fields = listed(pattern, c.fields().size());
  std::map<std::tuple<Column, Column, std::size_t>, Reached> reached;
  Walk walk(c, pattern, [&](const Place& place, const Rules& rules) {
    const auto bits = bits_of(c, rules);
    for (const FieldId field : fields) {
      Rank cap = kFull;
      for (const std::size_t bit : bits)
        if (c.is_forbid(bit)) cap = std::min(cap, c.rank_of(field, bit));
      for (const std::size_t bit : bits) {
        if (c.is_forbid(bit)) break;
        const Rank rank = c.rank_of(field, bit);
        if (rank == kNone) continue;
        for (const Column role : place.roles) {
          if ((c.role_column(role)[bit / 64] >> (bit % 64) & 1) == 0) continue;
          Reached& r = reached[{role, place.purpose, bit}];
          Rank& best = r.rank[number(field)];
          best = std::max(best, std::min(rank, cap));
          if (cap < rank)
            for (const std::size_t forbid : bits)
              if (c.is_forbid(forbid) && c.rank_of(field, forbid) < rank)
                r.forbids.insert(c.rule_id(forbid));
        }
      }
    }
  });
  walk.run();
  std::vector<Sentence> sentences;
  for (const auto& [key, r] : reached) {
    const auto& [role, purpose, grant] = key;
    if (auto sentence = sentence_of(c, role, purpose, grant, r))
      sentences.push_back(*std::move(sentence));
  }
  std::sort(sentences.begin(), sentences.end(), [](const Sentence& a, const Sentence& b) {
    return std::tie(a.role, a.purpose, a.rule) < std::tie(b.role, b.purpose, b.rule);
  });
  return sentences;
}

std::vector<Complaint> complaints(const Compiled& c) {
  std::vector<Complaint> list;
  std::vector<Learned> learned(c.words() * 64);
  FieldSet all;
  for (std::size_t f = 0; f < c.fields().size(); ++f) all.set(f);
  std::unordered_set<std::string> judged;  // leaves repeat over roles and purposes
  Walk walk(c, all, [&](const Place&, const Rules& rules) {
    std::string key(reinterpret_cast<const char*>(rules.data()), c.words() * sizeof rules[0]);
    if (judged.insert(std::move(key)).second) learn(c, rules, learned);
  });
  walk.run();
  complain_of_rules(c, learned, list);
  const Tables& t = c.tables();
  for (const auto& grant : t.grants) complain_of_grant(c, grant, list);
  const auto granted = [&](auto matches) {
    return std::any_of(t.grants.begin(), t.grants.end(), matches);
  };
  const auto has = [](const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (const auto& role : t.roles)
    if (role.rights.empty() && !granted([&](const GrantRow& g) { return has(g.roles, role.id); }))
      complain(list, role.id, "this role has neither a grant nor a right");
  for (const auto& purpose : t.purposes)
    if (!granted([&](const GrantRow& g) { return has(g.purposes, purpose.id); }))
      complain(list, purpose.id, "no grant serves this purpose");
  for (const auto& quota : t.quotas)
    if (!granted([&](const GrantRow& g) { return g.quota == quota.id; }))
      complain(list, quota.id, "no grant uses this quota");
  std::sort(list.begin(), list.end(), [](const Complaint& a, const Complaint& b) {
    return std::tie(b.error, a.rule, a.text) < std::tie(a.error, b.rule, b.text);  // errors first
  });
  return list;
}

}  // namespace amanat::policy
