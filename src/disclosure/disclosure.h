#pragma once
// disclosure: release. Shapes findings to the exact bytes that will leave, and releases them only
// against the ledger's receipt for the same digest. Thread-safe.

#include "model/passes.h"
#include "model/result.h"

namespace amanat::disclosure {

class Disclosure {
 public:
  /// `fields` must outlive it.
  explicit Disclosure(const FieldTable& fields) : fields_(fields) {}

  /// prepare renders each citizen's share and what its entry commits to. insists that the findings
  /// were settled. Errors: no_record never; internal_error on a record the catalog does not know.
  Result<Draft> prepare(Findings findings) const;
  /// release joins shares and receipts into the answer. Errors: internal_error when the receipt
  /// belongs to another draft.
  Result<Answer> release(Draft draft, Receipt receipt) const;

 private:
  const FieldTable& fields_;
};

/// shown applies a mask of the catalog to a value: "last2", "last4", "first_letter", "year",
/// "city" (the part after the last comma), "prefix5". Unknown masks hide everything.
std::string masked_value(std::string_view mask, std::string_view value);

/// known_mask says whether masked_value knows the word.
bool known_mask(std::string_view mask);

}  // namespace amanat::disclosure
