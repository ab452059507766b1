#pragma once
// disclosure, extract: a bulk answer made part by part. Its rows go into a sealed file as they come
// and nowhere else; what opens it to a reader is an Extract, which needs the Receipt of its EXPORT.
// One thread each; reading is thread-safe.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/decoys.h"
#include "disclosure/disclosure.h"
#include "model/passes.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::disclosure {

/// ExtractFacts is what is to be said of a finished file, besides its rows.
struct ExtractFacts {
  std::vector<std::string> columns;  // none: JSON lines
  std::uint64_t rows = 0;            // decoys among them left out
  std::uint64_t citizens = 0;        // disclosed
  std::uint64_t with_records = 0;    // of them, who had any
  bool marked = false;               // the recipient's coins fell
  std::uint64_t decoys = 0;
  Digest answers{};  // SHA-256 over the answer digests of the disclosures, once closed
};

class ExtractMaker {
 public:
  /// begin makes the file. `roll` is the settled roll; `place` says file, key and id. Decoys are
  /// put in where the answer is marked and `is_free` can tell whose numbers nobody has. Errors:
  /// format_not_granted (an unknown format), file_failed, disk_full, those of is_free.
  static Result<ExtractMaker> begin(const Disclosure& disclosure, storage::Disk& disk,
                                    const FieldTable& fields, const Findings& roll,
                                    SealedRows place, const DecoyMaker::IsFree& is_free);
  ExtractMaker(ExtractMaker&&) noexcept;
  ~ExtractMaker();

  /// add renders one part, writes its rows and gives the draft of its entries. Errors: as
  /// Disclosure::prepare's, file_failed, disk_full, value_too_long (a sheet's rows are spent).
  Result<Draft> add(Findings part);
  /// close makes the file durable and gives the draft of the EXPORT; `slice` is for its opening.
  /// Errors: file_failed, disk_full.
  Result<Draft> close(Findings roll, Slice slice);
  const ExtractFacts& facts() const;
  /// rows is where they rest; once closed.
  const SealedRows& rows() const;
  /// decoys are those in it, for the closed register.
  const std::vector<Decoy>& decoys() const;

 private:
  struct State;
  explicit ExtractMaker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::disclosure
