#pragma once
// disclosure: release. Shapes findings to the exact bytes that will leave, and releases them only
// against the ledger's receipt for the same digest. Thread-safe.

#include <memory>
#include <vector>

#include "disclosure/marks.h"
#include "model/passes.h"
#include "model/result.h"

namespace amanat::disclosure {

class Disclosure {
 public:
  /// Without `marks`, or with marks that have no auditor, answers carry no coins. Both must outlive
  /// it.
  explicit Disclosure(const FieldTable& fields, Marks* marks = nullptr);

  /// ready has the asker's account key fetched if the answer to these findings will be marked: no
  /// key, no answer. The findings must live until it is done. Errors: marks_key_missing.
  Task<Result<void>> ready(const Findings& findings) const;

  /// prepare renders each citizen's share under the asker's coins and what its entry commits to.
  /// insists that the findings were settled. Errors: marks_key_missing (the key was wiped since
  /// ready); internal_error on a record the catalog does not know.
  Result<Draft> prepare(Findings findings) const;
  /// release joins shares and receipts into the answer. Errors: internal_error when the receipt
  /// belongs to another draft.
  Result<Answer> release(Draft draft, Receipt receipt) const;

  const FieldTable& fields() const { return fields_; }

 private:
  bool marked(const Findings& findings) const;

  const FieldTable& fields_;
  Marks* const marks_;
  std::vector<std::uint16_t> numbers_;   // of each FieldId in the slot catalogue; 0: none
  std::vector<std::uint16_t> datasets_;  // of each DatasetId
};

/// shown applies a mask of the catalog to a value: "last2", "last4", "first_letter", "year",
/// "city" (the part after the last comma), "prefix5". Unknown masks hide everything.
std::string masked_value(std::string_view mask, std::string_view value);

/// known_mask says whether masked_value knows the word.
bool known_mask(std::string_view mask);

}  // namespace amanat::disclosure
