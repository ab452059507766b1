#pragma once
// server, marks: where the auditor of a home is, and what the ledger holds of marks: the slot
// catalogue and both parties' year keys, each before its first use (docs/marks.md).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "disclosure/marks.h"
#include "ledger/ledger.h"
#include "model/result.h"

namespace amanat::server {

/// The notes (part 1) of the POLICY/KEY entries. Their tails are SHA-256 of the document, which
/// lies in the private opening.
inline constexpr std::string_view kSlotsRecorded = "slot catalogue";
inline constexpr std::string_view kYearKeysRecorded = "marks year keys";
inline constexpr std::string_view kRekeyed = "marks rekeyed";

/// MarksRecorded is what the entries say, oldest first.
struct MarksRecorded {
  std::optional<disclosure::SlotCatalogue> slots;  // the last
  std::uint64_t slots_index = 0;
  std::map<unsigned, std::pair<disclosure::YearKeys, std::uint64_t>> years;  // with the entry
  std::map<std::pair<AccountId, unsigned>, unsigned> rekeyed;                // account, year

  /// read takes an entry of a replay. Errors: ledger_corrupt (a document that is none).
  Result<void> read(const ledger::Opened& entry);
};

/// read_auditor is the way to the auditor of a home that has one (H/auditor/url); null for none.
/// Errors: config_wrong, file_failed.
Result<disclosure::OpenAuditorLine> read_auditor(const std::string& directory,
                                                  const std::string& key_file);

/// rekey_text is the document of a re-keying: "amanat-rekey v1", "account N", "epoch N".
std::string rekey_text(AccountId account, std::uint16_t epoch);

}  // namespace amanat::server
