// amanat-verify refold: the auditor holds every EPOCH of a log to the map, and cosigns if it holds.

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>

#include "ledger/note.h"
#include "ledger/refold.h"
#include "ledger/verify_words.h"

namespace amanat::ledger {
namespace {

constexpr const char* kHelp =
    R"(Refold the map of citizens from a log and its feed: was anything filed under somebody else, or left out?

  amanat-verify refold --vkey KEY (--dir DIR | --url URL [--ca FILE]) --feed FILE --map-key FILE
                       [--state FILE] [--allow-erased] [--cosign KEYFILE --name NAME] [--json]

  --feed FILE      what the exchange tells its auditor (amanat ledger auditor feed): index, label,
                   r_subject. Made after the copy of the log, it reaches as far as the log's EPOCHs do
  --map-key FILE   the key of the map, 64 hexadecimal digits, received once
  --state FILE     where the last audit ended; written again when this one holds. What was erased since
                   may lack its r_subject
  --allow-erased   accept entries that were erased before they were ever audited
  --cosign FILE    print a cosignature (type 0x04) of the checkpoint under this key, 64 hexadecimal
                   digits, and --name: "every EPOCH below this size refolds"

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).)";

Result<Key256> read_key(const std::string& name) {
  auto text = read_input(name, 1024);
  if (!text) return std::unexpected(std::move(text.error()));
  while (text->ends_with('\n')) text->pop_back();
  const auto bytes = crypto::from_hex(*text);
  wipe(text->data(), text->size());
  if (!bytes || bytes->size() != 32) return fail(Reason::key_missing, name);
  Key256 key;
  std::memcpy(key.mutable_bytes().data(), bytes->data(), 32);
  return key;
}

int report(const Words& words, const Refold& r) {
  if (words.has("json")) {
    std::string out = std::string("{\"holds\":") + (r.problem.empty() ? "true" : "false");
    out += ",\"size\":" + std::to_string(r.at.checkpoint.size) +
           ",\"entries\":" + std::to_string(r.entries) + ",\"named\":" + std::to_string(r.named) +
           ",\"erased\":" + std::to_string(r.erased) + ",\"pruned\":" + std::to_string(r.pruned) +
           ",\"epochs\":" + std::to_string(r.epochs) +
           ",\"citizens\":" + std::to_string(r.citizens) +
           ",\"uncovered\":" + std::to_string(r.uncovered);
    if (!r.problem.empty()) out += ",\"problem\":" + json_text(r.problem);
    std::puts((out + "}").c_str());
    return r.problem.empty() ? kHolds : kDoesNotHold;
  }
  if (!r.problem.empty())
    return complain(kDoesNotHold, "The log does not refold.", r.problem,
                    "keep a copy of what you checked: it is evidence");
  std::printf(
      "Every EPOCH refolds.\n  entries   %s, %s of them name a citizen\n  citizens  %s\n"
      "  epochs    %s, covering %s entries; %s that name a citizen came later\n  erased    %s\n"
      "  pruned    %s\n",
      grouped(r.entries).c_str(), grouped(r.named).c_str(), grouped(r.citizens).c_str(),
      grouped(r.epochs).c_str(), grouped(r.now.covered).c_str(), grouped(r.uncovered).c_str(),
      grouped(r.erased).c_str(), grouped(r.pruned).c_str());
  return kHolds;
}

int cosign(const Words& words, const Refold& r) {
  const auto key = read_key(words.option("cosign"));
  if (!key) return complain(kTrouble, key.error());
  if (!valid_key_name(words.option("name")))
    return complain(kTrouble, "The command line is wrong.", "--cosign needs --name", "");
  const auto note = parse_note(r.note);
  if (!note) return complain(kTrouble, note.error());
  const Cosigner cosigner(words.option("name"), *key);
  std::fputs(cosigner.line(note->text, number(now()) / 1000).c_str(), stdout);
  return kHolds;
}

}  // namespace

int run_refold(const std::vector<std::string>& arguments) {
  const Words words(arguments,
                    {"vkey", "dir", "url", "ca", "feed", "map-key", "state", "cosign", "name"},
                    {"json", "help", "allow-erased"});
  if (words.has("help")) {
    std::puts(kHelp);
    return kHolds;
  }
  if (!words.wrong().empty() || !words.rest().empty() || !words.has("vkey") || !words.has("feed") ||
      !words.has("map-key"))
    return complain(
        kTrouble, "The command line is wrong.",
        words.wrong().empty() ? "--vkey, --feed and --map-key are needed" : words.wrong(),
        "see amanat-verify refold --help");
  const auto log = parse_verifier_key(words.option("vkey"));
  if (!log || log->type != SignatureType::ed25519)
    return complain(kTrouble, "The verifier key cannot be used.",
                    log ? "it is a witness's" : log.error().detail, "");
  auto source = open_source(words);
  if (!source) return complain(kTrouble, source.error());
  const auto map_key = read_key(words.option("map-key"));
  if (!map_key) return complain(kTrouble, map_key.error());
  RefoldOptions options;
  options.allow_erased = words.has("allow-erased");
  const std::string& state = words.option("state");
  if (!state.empty() && ::access(state.c_str(), F_OK) == 0) {
    const auto text = read_input(state, 64 * 1024);
    if (!text) return complain(kTrouble, text.error());
    auto before = parse_audited(*text);
    if (!before) return complain(kTrouble, before.error(), state);
    options.before = *std::move(before);
  }
  std::ifstream file(words.option("feed"), std::ios::binary);
  if (!file) return complain(kTrouble, Failure{Reason::file_failed, words.option("feed")});
  const Feed feed = [&file]() -> Result<std::optional<FeedLine>> {
    std::string line;
    if (!std::getline(file, line)) return std::optional<FeedLine>{};
    auto parsed = parse_feed_line(line);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return std::optional<FeedLine>(*std::move(parsed));
  };
  Progress progress(!words.has("json"));
  options.progress = std::ref(progress);
  const auto refold = refold_log(**source, *log, *map_key, feed, options);
  progress.end();
  if (!refold) return complain(kTrouble, refold.error());
  if (const int verdict = report(words, *refold); verdict != kHolds) return verdict;
  if (!state.empty()) {
    std::ofstream out(state + ".new", std::ios::binary | std::ios::trunc);
    out << write_audited(refold->now);
    out.close();
    if (!out.good() || std::rename((state + ".new").c_str(), state.c_str()) != 0)
      return complain(kTrouble, "What to remember could not be written.", state, "");
  }
  return words.has("cosign") ? cosign(words, *refold) : kHolds;
}

}  // namespace amanat::ledger
