#pragma once
// disclosure: release. Shapes findings to the exact bytes that will leave, and releases them only
// against the ledger's receipt for the same digest. Thread-safe.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/marks.h"
#include "model/passes.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::disclosure {

/// Closing is what a bulk answer's EXPORT commits to: the digest of the file, that of all its answer
/// digests and decoys (docs/extracts.md), and, of one with decoys, the marks record whose key they
/// follow from.
struct Closing {
  std::array<std::uint8_t, 16> id{};
  Digest released{}, answers{};
  std::string marks;
};

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

  /// prepare_part is prepare for one part of a bulk answer (disclosure/extract.h): every citizen was
  /// named by the asker, the entries carry no evidence, and there is no EXPORT yet. `rows_of` gives the
  /// bytes that are released of one of the shares; `id` is the extract's. Errors: as prepare's and rows_of's.
  using RowsOf = std::function<Result<std::string>(const std::vector<std::string_view>& shares,
                                                   std::size_t which)>;
  Result<Draft> prepare_part(Findings part, const std::array<std::uint8_t, 16>& id,
                             const RowsOf& rows_of) const;
  /// decoy_key is the key that decoys of this answer follow from; nothing where it carries no coins.
  std::optional<CoinKey> decoy_key(const Findings& findings) const;
  /// prepare_close makes the draft of a bulk answer's EXPORT.
  Result<Draft> prepare_close(Findings roll, const Closing& closing, Slice slice) const;
  /// release of a bulk answer: the right to read what rests in `rows`. The receipt is the append's, or
  /// Ledger::receipt_of_export's. Errors: internal_error when the receipt belongs to another file.
  Result<Extract> release(SealedRows rows, const Receipt& receipt) const;
  /// read hands out bytes [offset, offset + size) of the rows. Errors: range_wrong, seal_broken,
  /// file_failed.
  Result<Answer> read(storage::Disk& disk, const Extract& extract, std::uint64_t offset,
                      std::size_t size) const;

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
