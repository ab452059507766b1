// Receipts (tlog-proof) and the JSON answers that carry them.

#include <cstdint>
#include <string_view>

#include "ledger/audit.h"
#include "ledger/proof.h"
#include "ledger/receipt_file.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const NoteSigner signer("log.example.org/amanat1", Key256{});
  if (const auto proof = parse_tlog_proof(text)) {
    insist(proof->path.size() <= kProofHashesMax);
    if (proof->checkpoint.ends_with('\n') && (!proof->extra || !proof->extra->empty())) {
      std::string again;
      append_tlog_proof(again, proof->extra.value_or(""), proof->index, proof->path,
                        proof->checkpoint);
      insist(again == text);
    }
  }
  if (const auto proven = verify_tlog_proof(text, signer.verifier())) {
    insist(proven->index < proven->at.checkpoint.size);
    static_cast<void>(read_entry_head(proven->entry));
  }
  static_cast<void>(verify_tlog_proof(text, signer.verifier(), {}, "entry"));
  if (const auto found = receipts_in(text)) {
    std::size_t bytes = 0;
    for (const HandedReceipt& receipt : *found) bytes += receipt.text.size();
    insist(!found->empty() && bytes <= size);
  }
  return 0;
}
