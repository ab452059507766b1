#include "policy/analysis.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "model/insist.h"
#include "policy/sentence.h"
#include "policy/walk.h"

namespace amanat::policy {
namespace {

std::vector<FieldId> listed(const FieldSet& set, std::size_t size) {
  std::vector<FieldId> fields;
  for (std::size_t f = 0; f < size; ++f)
    if (set.test(f)) fields.push_back(FieldId{static_cast<std::uint16_t>(f)});
  return fields;
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

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Two duties in one hand: who asks decides over the asking, or watches over it.
void complain_of_duties(const Tables& t, std::vector<Complaint>& list) {
  for (const RoleRow& role : t.roles) {
    const auto holds = [&](const char* right) { return has(role.rights, right); };
    bool asks = false, asks_with_approval = false, asks_with_case = false, asks_past_rules = false;
    for (const GrantRow& grant : t.grants) {
      // An officer holds the plain role and its department's form together.
      const bool mine = std::any_of(grant.roles.begin(), grant.roles.end(), [&](const auto& one) {
        const auto plain = [](const std::string& id) { return id.substr(id.find('.') + 1); };
        return one == role.id || ((one == plain(role.id) || plain(one) == role.id));
      });
      if (!mine) continue;
      asks = true;
      asks_with_approval |= grant.needs.approvals > 0;
      asks_past_rules |= grant.needs.break_glass;
      asks_with_case |= grant.needs.subject_in_case || grant.needs.officer_assigned;
    }
    if (holds("approve") && asks_with_approval)
      complain(list, role.id,
               "one person may ask what needs approval and approve it for others: "
               "two of them can approve each other");
    if (holds("approve") && holds("policy"))
      complain(list, role.id,
               "one person may sign the policy and approve what it leaves to approval");
    if (holds("policy") && asks)
      complain(list, role.id, "one person may sign the policy and ask under it");
    if (holds("cases") && asks_with_case)
      complain(list, role.id, "one account may write the cases that explain its own questions");
    if (holds("review") && asks_past_rules)
      complain(list, role.id, "one person may ask past the rules and review who does");
    if (holds("audit") && asks)
      complain(list, role.id, "an auditor may ask questions that auditors watch");
  }
}

void complain_of_departments(const Tables& t, std::vector<Complaint>& list) {
  for (const DepartmentRow& row : t.departments) {
    if (row.officers == Proof::channel)
      complain(list, row.id,
               "officers may ask with a certificate alone: no touch shows who sat "
               "there, and nothing shows an outsider what was asked");
    if (row.services == Proof::channel)
      complain(list, row.id,
               "systems may ask over their channel alone: nothing shows an outsider "
               "what was asked");
  }
}

void complain_of_grant(const Compiled& c, const GrantRow& grant, std::vector<Complaint>& list) {
  if (grant.needs.break_glass && std::any_of(grant.cells.begin(), grant.cells.end(),
                                             [](const Cell& cell) { return cell.rank == kFull; }))
    complain(list, grant.id, "this grant shows fields in full past the rules");
  if (grant.extract && grant.needs.approvals == 0)
    complain(list, grant.id, "this grant gives extracts that no second person approves");
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

// A covert purpose takes the citizen's eyes away, so somebody else's must be there.
void complain_of_promises(const Tables& t, std::vector<Complaint>& list) {
  for (const PurposeRow& purpose : t.purposes) {
    if (purpose.sealed_days == 0) continue;
    for (const GrantRow& grant : t.grants)
      if (has(grant.purposes, purpose.id) && grant.needs.approvals == 0 && !grant.needs.court_order)
        complain(list, grant.id,
                 "this grant serves the covert purpose " + purpose.id +
                     " without a court's order or a second person's approval");
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

Result<std::vector<Sentence>> sentences_about(const Compiled& c, std::string_view pattern,
                                              std::string_view purpose) {
  const FieldTable& fields = c.fields();
  FieldSet set = fields.match(pattern);
  // "telecom.calls" means all of it, as "telecom.calls.*" does.
  if (set.none()) set = fields.match(std::string(pattern) + ".*");
  if (set.none()) {
    const std::string near = fields.nearest(pattern);
    return fail(Reason::unknown_field,
                near.empty() ? "no field is named so" : "did you mean " + near + "?");
  }
  if (!purpose.empty() && !c.purpose(purpose)) {
    std::vector<std::string> known;
    for (const auto& row : c.tables().purposes) known.push_back(row.id);
    const auto near = amanat::nearest_word(purpose, known);
    return fail(Reason::unknown_purpose,
                near.empty() ? std::string() : "did you mean " + std::string(near) + "?");
  }
  auto sentences = who_can_see(c, set);
  if (!purpose.empty())
    std::erase_if(sentences, [&](const Sentence& one) { return one.purpose != purpose; });
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
  complain_of_duties(t, list);
  complain_of_departments(t, list);
  for (const auto& role : t.roles)
    if (role.rights.empty() && !granted([&](const GrantRow& g) { return has(g.roles, role.id); }))
      complain(list, role.id, "this role has neither a grant nor a right");
  for (const auto& purpose : t.purposes)
    if (!granted([&](const GrantRow& g) { return has(g.purposes, purpose.id); }))
      complain(list, purpose.id, "no grant serves this purpose");
  complain_of_promises(t, list);
  for (const auto& quota : t.quotas)
    if (!granted([&](const GrantRow& g) { return g.quota == quota.id; }))
      complain(list, quota.id, "no grant uses this quota");
  std::sort(list.begin(), list.end(), [](const Complaint& a, const Complaint& b) {
    return std::tie(b.error, a.rule, a.text) < std::tie(a.error, b.rule, b.text);  // errors first
  });
  return list;
}

}  // namespace amanat::policy
