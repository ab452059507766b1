#pragma once
// lookup, decoy register: which invented citizen was given to whom in which extract. Sealed, in
// Table::settings under "decoy/<extract>/<number>"; noted before a row can be fetched, and read by
// two people together or not at all. Thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "model/passes.h"
#include "model/result.h"
#include "policy/policy.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::lookup {

/// DecoyGiven is one line of the register.
struct DecoyGiven {
  std::string extract, recipient;
  AccountId account{};
  std::uint32_t number = 0;  // i of its seed (docs/extracts.md)
  std::string citizen, share;
  std::uint64_t asked = 0;  // when the extract was
};

class DecoyRegister {
 public:
  DecoyRegister(storage::Store& store, vault::Vault& vault) : store_(store), vault_(vault) {}
  /// note makes the lines durable. Errors: store_failed, disk_full.
  Result<void> note(const std::vector<DecoyGiven>& decoys);
  /// open reads all of it for two different people with the right "audit", who each confirmed the
  /// act "decoys" on the same target, which says why (a trace's id). Errors: not_your_right,
  /// act_wrong, not_yourself, store_failed, seal_broken.
  Result<std::vector<DecoyGiven>> open(const Caller& first, const Caller& second,
                                       const policy::Policy& policy) const;

 private:
  storage::Store& store_;
  vault::Vault& vault_;
};

}  // namespace amanat::lookup
