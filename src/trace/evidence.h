#pragma once
// trace, evidence: is a bundle what it says? Nine checks, offline, from the trust anchors alone
// (tracing page 11.3, docs/trace-evidence.md). A small door for verifiers: it links the ledger's
// proofs, crypto, model, the slots and the formulas, and nothing of the exchange. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/tlog_policy.h"
#include "model/entry.h"
#include "model/result.h"
#include "trace/bundle.h"
#include "trace/findings.h"

namespace amanat::trace {

/// EvidenceStep names the check that failed; its number is that of the page.
enum class EvidenceStep : std::uint8_t {
  none = 0,
  files = 1,       // exact file set and hashes
  signatures = 2,  // every checkpoint by known keys, with its quorum
  order = 3,       // year keys < disclosures < SEAL < UNLOCK < VERDICT
  keys = 4,        // both shares, K, and the commitment of every entry used
  rendering = 5,   // coins give what the entry's answer digest commits to
  sources = 6,     // S(r), bits, N_c out of the completeness proofs
  symbols = 7,     // symbols out of the raw rows
  formulas = 8,    // E and tier B
  report = 9       // the report has these numbers
};
std::string_view word_of(EvidenceStep step);

/// Anchors are what an outsider trusts: whom he had them from is his business.
struct Anchors {
  ledger::TlogPolicy policy;    // the log's key, the witnesses, their quorum
  ledger::VerifierKey auditor;  // signs unlock statements
};

struct EvidenceVerdict {
  EvidenceStep step = EvidenceStep::none;
  std::string problem;  // empty: everything holds
  Findings findings;    // recomputed, if it holds
  std::uint64_t files = 0, entries = 0, rows = 0;
};
/// check_evidence does every step in order; the first that fails is the verdict.
EvidenceVerdict check_evidence(const Files& files, const Anchors& anchors);

/// kFindingsMark begins and kFindingsEnd ends the block of a report that repeats the findings.
inline constexpr std::string_view kFindingsMark = "<pre id=\"findings\">\n",
                                  kFindingsEnd = "</pre>";

/// disclosed_of reads one entry of a citizen's expert history as the trace does. Nothing if it is
/// no disclosure, or erased. Errors: evidence_malformed.
Result<std::optional<Disclosed>> disclosed_of(std::uint64_t index, std::uint8_t type, Moment at,
                                              const std::optional<Actor>& actor,
                                              std::string_view fields, std::string_view versions,
                                              std::string_view marks);

}  // namespace amanat::trace
