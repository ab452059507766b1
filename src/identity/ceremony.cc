// What a person confirms: acts.

#include "identity/state.h"

namespace amanat::identity {

Result<Caller> Identity::confirm(const Request&) const { return fail(Reason::no_session); }

Result<Caller> Identity::confirm_signed(std::string_view account, const Act&, std::string_view,
                                        std::string_view) const {
  if (state_->book.account(account) == nullptr) return fail(Reason::unknown_officer);
  return fail(Reason::unknown_device);
}

}  // namespace amanat::identity
