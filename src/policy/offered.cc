// What a person may choose from when a question is put: the purposes of their roles, and for each
// the fields that some grant reaches, with the grant. It opens nothing: whether a grant applies is
// decided when the question is asked.

#include <algorithm>
#include <map>

#include "policy/state.h"

namespace amanat::policy {
namespace {

bool meet(const std::vector<std::string>& wanted, const std::vector<std::string>& held) {
  return std::any_of(wanted.begin(), wanted.end(), [&held](const auto& one) {
    return std::find(held.begin(), held.end(), one) != held.end();
  });
}

bool fits(const std::vector<std::string>& wanted, const std::string& own) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), own) != wanted.end();
}

}  // namespace

std::vector<Offered> Policy::offered(const Asker& asker) const {
  const auto in_force = state_->current();
  const Tables& tables = in_force->compiled.tables();
  std::vector<Offered> out;
  for (const PurposeRow& purpose : tables.purposes) {
    std::map<FieldId, std::pair<Rank, std::string>> best;
    for (const GrantRow& grant : tables.grants) {
      if (!meet(grant.roles, asker.roles) || !fits(grant.departments, asker.department) ||
          !fits(grant.units, asker.unit) || grant.needs.break_glass || grant.extract ||
          std::find(grant.purposes.begin(), grant.purposes.end(), purpose.id) ==
              grant.purposes.end())
        continue;
      for (const Cell& cell : grant.cells) {
        auto& [rank, rule] = best[cell.field];
        if (cell.rank <= rank) continue;
        rank = cell.rank;
        rule = grant.id;
      }
    }
    if (best.empty()) continue;
    Offered one{purpose.id, purpose.says, purpose.says_ur, {}};
    for (const auto& [field, found] : best)
      one.fields.push_back({field, level_of(found.first), found.second});
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<LawfulPurpose> Policy::purposes() const {
  const auto in_force = state_->current();
  std::vector<LawfulPurpose> out;
  for (const PurposeRow& purpose : in_force->compiled.tables().purposes)
    out.push_back({purpose.id, purpose.says, purpose.law, purpose.says_ur, purpose.law_ur,
                   purpose.notice});
  return out;
}

}  // namespace amanat::policy
