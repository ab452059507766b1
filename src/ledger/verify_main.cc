// amanat-verify: for an outside expert. It checks a log, or receipts from it, against the log's
// verifier key and links nothing but the proofs, crypto and model. Exit code: 0 everything holds,
// 1 something does not, 2 trouble that says nothing about the log.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/audit.h"
#include "ledger/log_source.h"
#include "ledger/receipt_file.h"
#include "ledger/verify_words.h"

namespace amanat::ledger {
namespace {

constexpr const char* kVersion = "amanat-verify 0.1.0";

constexpr const char* kHelp =
    R"(Check a transparency log of Amanat, or receipts from it, without trusting whoever runs it.

  amanat-verify --vkey KEY --dir DIR          a static export (checkpoint, tile/...)
  amanat-verify --vkey KEY --url URL          a served log; the transport is not trusted
  amanat-verify --vkey KEY RECEIPT...         receipts, offline ('-' is standard input)

  amanat-verify citizen ...                   a citizen's history: is anything missing?
  amanat-verify refold ...                    the auditor's check of every EPOCH
  amanat-verify fork ...                      has a log signed two histories?
  amanat-verify extract ...                   is a file the extract of a manifest?
  amanat-verify evidence ...                  does an evidence bundle of a trace hold?

A RECEIPT is a tlog-proof file or the JSON answer of a lookup (amanat lookup --json).

  --vkey KEY           the log's verifier key: origin+id+key, as its operator publishes it
  --consistency FILE   with --dir or --url: an older signed checkpoint that must be a prefix
  --ca FILE            with --url: the authority that certified the server (for curl)
  --json               machine-readable result
  --help, --version

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).)";

struct Arguments {
  std::string vkey, directory, url, ca_file, consistency;
  bool json = false, help = false, version = false;
  std::vector<std::string> receipts;
};

struct Wrong {
  std::string what, hint;
};

std::optional<Wrong> parse(int argc, char** argv, Arguments& out) {
  struct Option {
    std::string_view name;
    std::string* value;
  };
  const Option valued[] = {{"--vkey", &out.vkey},
                           {"--dir", &out.directory},
                           {"--url", &out.url},
                           {"--ca", &out.ca_file},
                           {"--consistency", &out.consistency}};
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!options || word == "-" || !word.starts_with('-')) {
      out.receipts.emplace_back(word);
      continue;
    }
    if (word == "--") {
      options = false;
      continue;
    }
    if (word == "--json" || word == "--help" || word == "-h" || word == "--version") {
      (word == "--json" ? out.json : word == "--version" ? out.version : out.help) = true;
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Option* option = nullptr;
    for (const Option& candidate : valued)
      if (candidate.name == name) option = &candidate;
    if (option == nullptr)
      return Wrong{"unknown option " + std::string(name), "see amanat-verify --help"};
    if (equals == word.npos && i + 1 == argc)
      return Wrong{std::string(name) + " needs a value", ""};
    if (!option->value->empty()) return Wrong{std::string(name) + " is given twice", ""};
    *option->value = equals == word.npos ? argv[++i] : std::string(word.substr(equals + 1));
    if (option->value->empty()) return Wrong{std::string(name) + " is empty", ""};
  }
  if (out.help || out.version) return std::nullopt;
  const int kinds =
      (out.directory.empty() ? 0 : 1) + (out.url.empty() ? 0 : 1) + (out.receipts.empty() ? 0 : 1);
  if (out.vkey.empty())
    return Wrong{"--vkey is missing", "the log's operator publishes it (amanat ledger vkey)"};
  if (kinds != 1) return Wrong{"give one of --dir, --url, or receipts", "see amanat-verify --help"};
  if (!out.ca_file.empty() && out.url.empty()) return Wrong{"--ca goes with --url", ""};
  if (!out.consistency.empty() && !out.receipts.empty())
    return Wrong{"--consistency goes with --dir or --url", "a receipt is of one checkpoint only"};
  return std::nullopt;
}

Result<std::string> read_input(const std::string& name) {
  return ledger::read_input(name, kReceiptFileBytesMax);
}

void print_audit_json(const Audit& audit) {
  const Checkpoint& head = audit.at.checkpoint;
  const bool holds = audit.problem.empty();
  std::string out = std::string("{\"holds\":") + (holds ? "true" : "false");
  out += ",\"origin\":" + json_text(head.origin) + ",\"size\":" + std::to_string(head.size);
  out += ",\"root\":" + json_text(crypto::base64(head.root));
  out += ",\"entries\":" + std::to_string(audit.entries) +
         ",\"bundles\":" + std::to_string(audit.bundles) +
         ",\"tiles\":" + std::to_string(audit.tiles) +
         ",\"pruned\":" + std::to_string(audit.pruned);
  if (audit.consistent_with)
    out += ",\"consistent_with\":" + std::to_string(*audit.consistent_with);
  if (audit.ours) {
    out += ",\"types\":{";
    bool first = true;
    for (const auto& [type, count] : audit.by_type) {
      out += (first ? "" : ",") + json_text(entry_type_name(type)) + ":" + std::to_string(count);
      first = false;
    }
    out += "}";
    if (audit.first_time) out += ",\"first_time\":" + json_text(time_text(*audit.first_time));
    if (audit.last_time) out += ",\"last_time\":" + json_text(time_text(*audit.last_time));
  }
  if (!holds) out += ",\"problem\":" + json_text(audit.problem);
  std::puts((out + "}").c_str());
}

void print_audit(const Audit& audit) {
  const Checkpoint& head = audit.at.checkpoint;
  std::string out = "The log holds.\n";
  out += "  origin   " + head.origin + "\n";
  out += "  size     " + grouped(head.size) + " entries, every one hashed\n";
  out += "  root     " + crypto::base64(head.root) + "\n";
  out += "  checked  " + grouped(audit.bundles) + " bundles, " + grouped(audit.tiles) +
         " tiles, the log's signature\n";
  if (audit.pruned > 0)
    out += "  pruned   " + grouped(audit.pruned) +
           " entries, as a POLICY entry allows: their hashes are here\n";
  if (audit.consistent_with)
    out += "  grown    from the older checkpoint's " + grouped(*audit.consistent_with) +
           " entries, none changed\n";
  for (const auto& [type, count] : audit.by_type)
    out += "  " + entry_type_name(type) + " " + grouped(count) + "\n";
  if (audit.first_time && audit.last_time)
    out +=
        "  from     " + time_text(*audit.first_time) + " to " + time_text(*audit.last_time) + "\n";
  std::fputs(out.c_str(), stdout);
}

int verify_log(const Arguments& arguments, const VerifierKey& log) {
  AuditOptions options;
  if (!arguments.consistency.empty()) {
    const auto note = read_input(arguments.consistency);
    if (!note) return complain(kTrouble, note.error());
    auto older = open_checkpoint(*note, log);
    if (!older) return complain(kDoesNotHold, older.error(), arguments.consistency);
    options.older = std::move(older->checkpoint);
  }
  std::unique_ptr<LogSource> source;
  if (arguments.url.empty()) {
    source = open_folder(arguments.directory);
  } else {
    auto opened = open_url(arguments.url, arguments.ca_file);
    if (!opened && opened.error().reason == Reason::no_record)
      return complain(kTrouble, "There is no log at this URL.",
                      opened.error().detail + " is absent",
                      "give the prefix under which checkpoint and tile/ stand");
    if (!opened) return complain(kTrouble, opened.error());
    source = *std::move(opened);
  }
  const auto progress = std::make_shared<Progress>(!arguments.json);
  options.progress = [progress](std::uint64_t done, std::uint64_t size) {
    (*progress)(done, size);
  };
  const auto audit = audit_log(*source, log, options);
  if (!audit && audit.error().reason == Reason::no_record)
    return complain(kTrouble, "There is no log in this folder.",
                    audit.error().detail + " is absent", "make one with: amanat ledger export DIR");
  if (!audit) return complain(kTrouble, audit.error());
  if (arguments.json) print_audit_json(*audit);
  if (!audit->problem.empty()) {
    if (arguments.json) return kDoesNotHold;
    return complain(kDoesNotHold, "The log does not hold.", audit->problem,
                    "keep a copy of what you checked: it is evidence");
  }
  if (!arguments.json) print_audit(*audit);
  return kHolds;
}

// One line of the report; false if the receipt does not hold.
bool report_receipt(const HandedReceipt& handed, const std::string& name, const VerifierKey& log,
                    bool json, std::string& out) {
  auto proven = verify_tlog_proof(handed.text, log);
  if (proven && handed.entry && *handed.entry != proven->index)
    proven = fail(Reason::ledger_proof_wrong,
                  "the answer names entry " + std::to_string(*handed.entry) +
                      ", its receipt proves entry " + std::to_string(proven->index));
  if (json)
    out += std::string(out.empty() ? "" : ",") + "{\"file\":" + json_text(name) +
           ",\"holds\":" + (proven ? "true" : "false");
  if (!proven) {
    if (json) {
      out += ",\"reason\":" + json_text(row_of(proven.error().reason).id) +
             ",\"problem\":" + json_text(proven.error().detail) + "}";
    } else {
      complain(kDoesNotHold, proven.error(), name);
    }
    return false;
  }
  const auto head = read_entry_head(proven->entry);
  const std::string size = std::to_string(proven->at.checkpoint.size);
  if (json) {
    out += ",\"index\":" + std::to_string(proven->index) + ",\"size\":" + size +
           ",\"origin\":" + json_text(proven->at.checkpoint.origin);
    if (head)
      out += ",\"type\":" + json_text(entry_type_name(head->type)) +
             ",\"time\":" + json_text(time_text(head->time));
    out += "}";
  } else {
    out += name + ": holds; entry " + std::to_string(proven->index) + " of " + size;
    out += head ? ", " + entry_type_name(head->type) + " at " + time_text(head->time)
                : ", not an entry of Amanat's form";
    out += "\n";
  }
  return true;
}

int verify_receipts(const Arguments& arguments, const VerifierKey& log) {
  std::string out;
  int verdict = kHolds;
  for (const std::string& name : arguments.receipts) {
    const auto file = read_input(name);
    if (!file) {
      verdict = complain(kTrouble, file.error());
      continue;
    }
    const auto receipts = receipts_in(*file);
    if (!receipts) {
      const int exit_code = complain(kDoesNotHold, receipts.error(), name);
      if (verdict == kHolds) verdict = exit_code;
      continue;
    }
    for (std::size_t i = 0; i < receipts->size(); ++i) {
      const std::string shown =
          receipts->size() == 1 ? name : name + " (receipt " + std::to_string(i + 1) + ")";
      if (!report_receipt((*receipts)[i], shown, log, arguments.json, out) && verdict == kHolds)
        verdict = kDoesNotHold;
    }
  }
  if (arguments.json)
    out = std::string("{\"holds\":") + (verdict == kHolds ? "true" : "false") + ",\"receipts\":[" +
          out + "]}\n";
  std::fputs(out.c_str(), stdout);
  return verdict;
}

int run(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const std::vector<std::string> others(argv + std::min(argc, 2), argv + argc);
  if (first == "citizen") return run_citizen(others);
  if (first == "refold") return run_refold(others);
  if (first == "fork") return run_fork(others);
  if (first == "extract") return run_extract(others);
  if (first == "evidence") return run_evidence(others);
  Arguments arguments;
  if (const auto wrong = parse(argc, argv, arguments))
    return complain(kTrouble, "The command line is wrong.", wrong->what, wrong->hint);
  if (arguments.help || arguments.version) {
    std::puts(arguments.help ? kHelp : kVersion);
    return kHolds;
  }
  const auto log = parse_verifier_key(arguments.vkey);
  if (!log || log->type != SignatureType::ed25519)
    return complain(kTrouble, "The verifier key cannot be used.",
                    log ? "it is a witness's, not a log's" : log.error().detail,
                    "give it exactly as published: origin+id+key");
  return arguments.receipts.empty() ? verify_log(arguments, *log)
                                    : verify_receipts(arguments, *log);
}

}  // namespace
}  // namespace amanat::ledger

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // curl may end before it has read its whole configuration
  const int verdict = amanat::ledger::run(argc, argv);
  return std::fflush(stdout) == 0 ? verdict : 2;
}
