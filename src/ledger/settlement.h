#pragma once
// Settlement: what a receipt proves to the gate that unwraps keys (ledger page 5.7). Where the gate
// is a program of its own it believes nobody, so everything is checked from the bytes. Inside one
// process a Receipt, which the ledger alone can mint, says the same by its type.

#include <string_view>

#include "ledger/note.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

struct Settlement {
  EntryIndex index{};
  Moment time{};
};

/// settlement_of checks a receipt (c2sp.org/tlog-proof@v1 with the entry in `extra`): signed by the
/// log, included, a DISCLOSURE or DENIED, and its c_subject opens to `subject` under `r_subject`.
/// Errors: note_malformed, note_signature_wrong, ledger_proof_wrong. Thread-safe.
Result<Settlement> settlement_of(std::string_view receipt, const VerifierKey& log,
                                 const Label& subject, const Digest& r_subject);

}  // namespace amanat::ledger
