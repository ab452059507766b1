// Files an outsider is handed: histories, fork proofs, feeds and what the verifiers remember.

#include <cstdint>
#include <string_view>

#include "ledger/fork.h"
#include "ledger/history.h"
#include "ledger/refold.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto history = parse_history(text)) {
    insist(write_history(*history) == text);
    HistoryCheck check;
    check.policy = *parse_tlog_policy("quorum none\n");
    check.subject = "3520200000000";
    insist(!verify_history(text, check).problem.empty());
  }
  if (const auto proof = parse_fork_proof(text)) {
    insist(write_fork_proof(*proof) == text);
    static const NoteSigner signer("log.example.org/amanat1", Key256{});
    insist(!verify_fork_proof(*proof, signer.verifier()));
  }
  if (const auto line = parse_feed_line(text)) insist(write_feed_line(*line) == std::string(text) + "\n");
  if (const auto r = parse_remembered(text)) insist(write_remembered(*r) == text);
  if (const auto a = parse_audited(text)) insist(write_audited(*a) == text);
  return 0;
}
