// amanat-verify evidence: does an evidence bundle of a trace hold? Offline, with the trust anchors
// that the reader has from elsewhere.

#include <cstdio>

#include "ledger/verify_words.h"
#include "trace/evidence.h"

namespace amanat::ledger {
namespace {

constexpr const char* kHelp =
    R"(Check the evidence of a trace: does the leaked file carry the marks of the named accounts' copies?

  amanat-verify evidence --policy FILE --auditor KEY [--json] BUNDLE

BUNDLE is a directory or the container that the exchange gives (GET /v1/traces/ID/bundle). Nothing
is fetched, and nothing of the exchange is trusted but what its log's key signed.

  --policy FILE   the log's tlog-policy: its key and its witnesses, as their bodies publish it
  --auditor KEY   the auditor's verifier key (auditor.vkey, or a file that holds it)
  --json          machine-readable result

Nine checks, in order: 1 files, 2 signatures, 3 order, 4 keys, 5 rendering, 6 sources, 7 symbols,
8 formulas, 9 report (docs/trace-evidence.md). The first that fails is named.

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).)";

std::string bits_text(std::uint64_t millibits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(millibits) / 1000);
  return text;
}

void print_json(const trace::EvidenceVerdict& v) {
  std::string out = std::string("{\"holds\":") + (v.problem.empty() ? "true" : "false");
  if (!v.problem.empty()) {
    out += ",\"step\":" + std::to_string(static_cast<unsigned>(v.step)) +
           ",\"check\":" + json_text(trace::word_of(v.step)) +
           ",\"problem\":" + json_text(plain(v.problem));
  } else {
    out += ",\"files\":" + std::to_string(v.files) + ",\"rows\":" + std::to_string(v.rows) +
           ",\"entries\":" + std::to_string(v.entries) +
           ",\"accounts_under_test\":" + std::to_string(v.findings.candidates) +
           ",\"bound_bits\":" + bits_text(v.findings.bound_millibits) + ",\"copies\":[";
    bool first = true;
    for (const auto& n : v.findings.named) {
      out += std::string(first ? "" : ",") + "{\"account\":" + std::to_string(number(n.account)) +
             ",\"evidence_bits\":" + bits_text(n.millibits) +
             ",\"coins\":" + std::to_string(n.coins) +
             ",\"coins_agreeing\":" + std::to_string(n.agreeing) +
             ",\"decoys_found\":" + std::to_string(n.decoys) + "}";
      first = false;
    }
    out += "]";
  }
  std::puts((out + "}").c_str());
}

void print(const trace::EvidenceVerdict& v) {
  const trace::Findings& f = v.findings;
  std::string out = "The evidence holds: " + grouped(v.files) + " files, " + grouped(v.rows) +
                    " rows, " + grouped(v.entries) + " disclosures.\n";
  for (const auto& n : f.named)
    out += "  the copies delivered to account " + std::to_string(number(n.account)) + ": 2^" +
           bits_text(n.millibits) + " (" + grouped(n.agreeing) + " of " + grouped(n.coins) +
           " coins agree" +
           (n.decoys > 0 ? "; decoys of its extracts found: " + grouped(n.decoys) : std::string()) +
           ")\n";
  out += "  " + grouped(f.candidates) + " accounts under test; named from 2^" +
         bits_text(f.bound_millibits) + " on\n";
  out += "  chance that any innocent account would be named: at most " +
         std::to_string(f.evaluations) + "e-9\n";
  out += "  open all the same: the exchange's own storage, backups and administrators\n";
  std::fputs(out.c_str(), stdout);
}

}  // namespace

int run_evidence(const std::vector<std::string>& arguments) {
  const Words words(arguments, {"policy", "auditor"}, {"json", "help"});
  if (words.has("help")) {
    std::puts(kHelp);
    return kHolds;
  }
  if (!words.wrong().empty() || words.rest().size() != 1 || !words.has("policy") ||
      !words.has("auditor"))
    return complain(
        kTrouble, "The command line is wrong.",
        words.wrong().empty() ? "--policy, --auditor and one bundle are needed" : words.wrong(),
        "see amanat-verify evidence --help");
  const auto policy_text = read_input(words.option("policy"), kTlogPolicyBytesMax);
  if (!policy_text) return complain(kTrouble, policy_text.error());
  auto policy = parse_tlog_policy(*policy_text);
  if (!policy) return complain(kTrouble, policy.error(), words.option("policy"));
  std::string key = words.option("auditor");
  if (key.find('+') == key.npos) {
    auto text = read_input(key, 4096);
    if (!text) return complain(kTrouble, text.error());
    key = *std::move(text);
    while (key.ends_with('\n')) key.pop_back();
  }
  auto auditor = parse_verifier_key(key);
  if (!auditor) return complain(kTrouble, auditor.error(), "--auditor");
  auto files = trace::read_bundle(words.rest()[0]);
  if (!files && files.error().reason == Reason::file_failed)
    return complain(kTrouble, files.error(), words.rest()[0]);
  trace::EvidenceVerdict verdict;
  if (files) {
    verdict = trace::check_evidence(*files, {*std::move(policy), *std::move(auditor)});
  } else {
    verdict.step = trace::EvidenceStep::files;
    verdict.problem = files.error().detail;
  }
  if (words.has("json")) print_json(verdict);
  if (!verdict.problem.empty()) {
    if (words.has("json")) return kDoesNotHold;
    return complain(kDoesNotHold,
                    "The evidence does not hold: step " +
                        std::to_string(static_cast<unsigned>(verdict.step)) + ", " +
                        std::string(trace::word_of(verdict.step)) + ".",
                    plain(verdict.problem), "keep what you were given");
  }
  if (!words.has("json")) print(verdict);
  return kHolds;
}

}  // namespace amanat::ledger
