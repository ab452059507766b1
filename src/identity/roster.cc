// Who is whom among officers, as keyed names: what the policy must know to keep an officer from
// looking at colleagues.

#include <algorithm>

#include "identity/state.h"

namespace amanat::identity {

std::vector<Tag> Identity::own_of_unit(std::string_view department, std::string_view unit) const {
  std::vector<Tag> tags;
  for (const Account* account : state_->book.accounts()) {
    const auto facts = account->facts();
    const AccountRecord& record = facts->record;
    if (!record.own || record.department != department || record.unit != unit) continue;
    tags.push_back(*record.own);
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

std::optional<Tag> Identity::own_of(std::string_view account_id) const {
  const Account* account = state_->book.account(account_id);
  if (account == nullptr) return std::nullopt;
  return account->facts()->record.own;
}

std::uint64_t Identity::changes() const { return state_->book.changes(); }

}  // namespace amanat::identity
