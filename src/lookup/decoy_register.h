#pragma once
// lookup, decoy register: which invented citizen was given to whom in which extract. Sealed, in
// Table::settings under "decoy/<extract>/<number>"; noted before a row can be fetched, and read by
// two people together, or for a sealed trace that two people opened, or not at all. Thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/ledger.h"
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
  std::string rows;     // as they stand in the file
  std::string answers;  // hex: SHA-256 over the answer digests of the extract's disclosures
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
  /// Sealed is a trace that two auditors opened by signed acts and whose TRACE/SEAL stands in the
  /// ledger.
  struct Sealed {
    std::vector<std::string> opened_by;
    ledger::Opened seal;
  };
  /// open_after_seal reads all of it for such a trace. Errors: not_yourself (not two people),
  /// trace_not_so_far (nothing is sealed), store_failed, seal_broken.
  Result<std::vector<DecoyGiven>> open_after_seal(const Sealed& trace) const;

 private:
  Result<std::vector<DecoyGiven>> all() const;

  storage::Store& store_;
  vault::Vault& vault_;
};

}  // namespace amanat::lookup
