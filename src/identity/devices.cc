// The devices of one account, for its owner's own page and for tools.

#include <algorithm>

#include "identity/state.h"

namespace amanat::identity {

std::vector<DeviceRecord> Identity::devices(std::string_view account_id) const {
  std::vector<DeviceRecord> out;
  const Account* account = state_->book.account(account_id);
  if (account == nullptr) return out;
  for (const Device* device : account->devices()) {
    DeviceRecord record = device->record;
    if (device->revoked.load(std::memory_order_acquire) && !record.revoked)
      record.revoked = record.enrolled;  // when is in the ledger; here only that it ended
    out.push_back(std::move(record));
  }
  std::sort(out.begin(), out.end(), [](const DeviceRecord& a, const DeviceRecord& b) {
    return std::tie(a.enrolled, a.thumbprint) < std::tie(b.enrolled, b.thumbprint);
  });
  return out;
}

}  // namespace amanat::identity
