#pragma once
// lookup, lists: the numbers a bulk question will be about, sent beforehand in parts and kept
// sealed for a day and two hours, which is longer than an approval may take. In Table::settings
// under "extract-list/<account>/<digest>/<part>". Thread-safe.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::lookup {

inline constexpr std::uint32_t kListCitizensMax = 100'000;

/// parse_list reads 13-digit numbers, one a line; dashes and blanks in them do not count, empty
/// lines neither. Errors: malformed_value ("line N").
Result<std::vector<std::string>> parse_list(std::string_view text);

class Lists {
 public:
  Lists(storage::Store& store, vault::Vault& vault) : store_(store), vault_(vault) {}
  /// take keeps one part of an account's list, in place of a former part of that number; returns
  /// how many numbers it has. A ninth list takes the place of the oldest of done, the digests in
  /// hex of those that an extract was already begun with. Errors: malformed_value (the part's
  /// number, a line), waiting_full (eight lists of one account, none of them done), store_failed.
  Result<std::size_t> take(AccountId account, const Digest& list, unsigned part,
                           std::string_view text, const std::set<std::string>& done, Moment at);
  /// load puts the parts together: distinct, ascending. Errors: list_unknown (they are not exactly
  /// the list of that digest), store_failed, seal_broken.
  Result<std::vector<std::string>> load(AccountId account, const Digest& list, Moment at) const;
  /// drop_old forgets what was sent too long ago.
  Result<void> drop_old(Moment at);

 private:
  storage::Store& store_;
  vault::Vault& vault_;
};

}  // namespace amanat::lookup
