#pragma once
// Receipts as an outsider is handed them: a tlog-proof file, or the JSON answer of a lookup that
// carries one per citizen. Nothing is verified here. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::ledger {

inline constexpr std::size_t kReceiptFileBytesMax = 64u << 20;

/// HandedReceipt is one receipt's text, with the entry number the answer names beside it.
struct HandedReceipt {
  std::string text;
  std::optional<std::uint64_t> entry;
};

/// receipts_in finds the receipts of a file: itself, if it is a tlog-proof; otherwise the value of
/// every member "receipt" of a JSON document (RFC 8259, at most 64 deep), with the member "entry"
/// of the same object. Errors: note_malformed (neither form, or no receipt in it), value_too_long.
Result<std::vector<HandedReceipt>> receipts_in(std::string_view file);

}  // namespace amanat::ledger
