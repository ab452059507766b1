#pragma once
// trace, answers: an old answer rendered again, until it is the one its entry commits to, so that
// the fields which leaked can be opened and all others stay shut. Thread-safe.

#include <set>
#include <string>
#include <string_view>

#include "disclosure/slots.h"
#include "model/field.h"
#include "model/result.h"
#include "model/secret.h"
#include "trace/dossier.h"

namespace amanat::trace {

/// OldAnswer is a disclosure whose answer is to be opened.
struct OldAnswer {
  const Facts* facts = nullptr;
  const Disclosed* disclosed = nullptr;
  std::string_view part;                     // body part 7: answer digest, nonce
  std::array<std::uint8_t, 16> part_salt{};  // of part 7
  const Key256* slice_key = nullptr;
};

/// open_answer finds the one rendering that gives the digest (which fields were masked is tried
/// out) and opens the fields in `leaked`, by id, that were shown in full. Errors: no_record
/// (nothing that is kept gives this digest: a version is gone, or the catalog changed).
Result<AnswerFile> open_answer(const OldAnswer& old, const disclosure::SlotCatalogue& catalogue,
                               const disclosure::CoinKey& coins, const FieldTable& fields,
                               const std::set<std::string>& leaked);

}  // namespace amanat::trace
