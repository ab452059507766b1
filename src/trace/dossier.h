#pragma once
// trace, dossier: the small files of an evidence bundle beside those that are the ledger's own: the
// row as it was read, the citizen's true values, an opened answer, an account's key. Each has one
// spelling; a reader refuses every other (docs/trace-evidence.md). Pure, thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/marks.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"
#include "trace/observe.h"

namespace amanat::trace {

/// RowFile is rows/N: the cells of one leaked row, raw.
struct RowFile {
  bool columns = false;
  std::vector<std::string> cells;
};
std::string write_row(const RowFile& row);
/// parse_row. Errors of all readers here: evidence_malformed.
Result<RowFile> parse_row(std::string_view text);

/// ValuesFile is values/N: whose they are, and the versions of their records that anybody was
/// shown.
struct ValuesFile {
  std::string citizen;  // the national ID, whose label the ledger's proof shows
  std::vector<KnownRecord> records;
};
std::string write_values(const ValuesFile& values);
Result<ValuesFile> parse_values(std::string_view text);

/// OpenedField is one shown value of an answer: opened, or its hash alone.
struct OpenedField {
  std::uint32_t record = 0;
  std::uint16_t field = 0;
  bool open = false;
  std::string id;                       // of the field
  std::array<std::uint8_t, 16> salt{};  // if open
  std::string shown;                    // if open
  Digest hash{};                        // if not
};
/// AnswerFile is answers/ENTRY: the answer digest of a disclosure, opened where the leak has a
/// value.
struct AnswerFile {
  std::uint64_t entry = 0;
  std::array<std::uint8_t, 16> part_salt{}, nonce{};
  Digest digest{};
  std::vector<OpenedField> fields;  // by record, then field
};
std::string write_answer(const AnswerFile& answer);
Result<AnswerFile> parse_answer(std::string_view text);
/// shown_values are what a disclosure shows under the coins of a key, of the fields that have a
/// number in the catalogue: by place in the shown list, then field. Records and fields that wait
/// behind "show more" are not among them.
struct ShownValue {
  std::uint32_t record = 0;  // place in the shown list
  std::size_t at = 0;        // place in Disclosed::shown
  std::string field;         // id
  std::string text;
};
std::vector<ShownValue> shown_values(const Facts& facts, const Disclosed& disclosed,
                                     const disclosure::SlotCatalogue& catalogue,
                                     const disclosure::CoinKey& coins);
/// differs_from_coins says in words where an opened answer is not what the coins give; empty: it
/// is.
std::string differs_from_coins(const Facts& facts, const Disclosed& disclosed,
                               const disclosure::SlotCatalogue& catalogue,
                               const disclosure::CoinKey& coins, const AnswerFile& answer);
/// field_hash and answer_digest are those of tracing page 3.4.
Digest field_hash(const OpenedField& field);
Digest answer_digest(const AnswerFile& answer);

/// KeyFile is keys/ACCOUNT-EPOCH: both shares with their proofs, and K.
struct KeyFile {
  disclosure::Shares shares;
  Key256 key;
};
std::string write_key(const KeyFile& key);
Result<KeyFile> parse_key(std::string_view text);

}  // namespace amanat::trace
