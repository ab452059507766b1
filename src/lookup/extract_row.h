#pragma once
// lookup, extract row: what is kept of an extract besides its file. In Table::settings under
// "extract/<id>", sealed with the house key; the key of the file is not in it, but in a slot of the
// vault, which is overwritten when the rows are wiped. This room only.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/passes.h"
#include "model/result.h"

namespace amanat::lookup {

/// ExtractState goes making -> closing -> ready -> wiped, or from the first two to refused or void.
enum class ExtractState : std::uint8_t {
  making,   // rows are being read; nothing of it is in the ledger
  closing,  // the file is whole; its entries are on their way into the ledger
  ready,    // its EXPORT is durable: the recipient may fetch
  refused,  // see reason
  voided,   // the exchange stopped before the EXPORT was durable: nothing was released
  wiped     // fetched and given back, expired, or a citizen was erased
};
std::string_view word_of(ExtractState state);

struct ExtractRow {
  std::string id;  // 32 hex digits
  ExtractState state = ExtractState::making;
  AccountId account{};
  std::string recipient, department, unit, purpose, case_ref, format, reason, detail;
  std::vector<std::string> fields, columns;
  std::string list;  // digest in hex
  std::uint64_t citizens = 0, with_records = 0, rows = 0, decoys = 0, bytes = 0;
  std::string sha256;  // of the rows, hex
  std::uint64_t asked = 0, made = 0, expires = 0;
  std::uint64_t keep_ms = 0;
  std::uint64_t from_entry = 0;  // the ledger's size when it began
  std::uint64_t first = 0, export_entry = 0;
  std::uint64_t slot = 0;  // of the file's key
  bool marked = false;     // coins are in it
  friend bool operator==(const ExtractRow&, const ExtractRow&) = default;
};

std::string encode(const ExtractRow& row);
/// decode_extract refuses every other form.
std::optional<ExtractRow> decode_extract(std::string_view text);

/// manifest_of is what the exchange signs of a ready extract (docs/extracts.md).
std::string manifest_of(const ExtractRow& row, std::string_view origin);
/// utc writes a moment as 2026-11-22T08:00:00Z.
std::string utc(std::uint64_t ms);

}  // namespace amanat::lookup
