// amanat-verify extract: is this file what the exchange handed to that recipient, and is it in the
// log? Offline, with the log's key alone.

#include <cstdio>
#include <fstream>
#include <map>

#include "crypto/crypto.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/verify_words.h"
#include "model/entry.h"

namespace amanat::ledger {
namespace {

constexpr const char* kHelp =
    R"(Is a file the extract that a manifest names?

  amanat-verify extract --vkey KEY [--receipt RECEIPT] MANIFEST [FILE]

Without FILE the manifest's signature alone is checked. With --receipt also that the entry it names is
in the log and closes exactly the disclosures it names.

  --vkey KEY        the log's verifier key: origin+id+key, as its operator publishes it
  --receipt FILE    the receipt of the EXPORT entry (a tlog-proof)
  --json            machine-readable result

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).)";

constexpr std::string_view kHead = "amanat/extract-manifest/v1";
constexpr std::size_t kReceiptMax = 1u << 20;
constexpr std::size_t kExportTail = 106;  // where the first index stands, then the count

using Facts = std::map<std::string, std::string, std::less<>>;

// "name value" on each line after the head; no name twice.
std::optional<Facts> facts_of(std::string_view text) {
  Facts facts;
  for (bool head = true; !text.empty(); head = false) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (head) {
      if (line != kHead) return std::nullopt;
      continue;
    }
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos ||
        !facts.emplace(line.substr(0, blank), line.substr(blank + 1)).second)
      return std::nullopt;
  }
  return facts;
}

Result<std::pair<std::string, std::uint64_t>> digest_of(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) return fail(Reason::file_failed, name);
  crypto::Sha256 hash;
  std::uint64_t bytes = 0;
  std::string block(1u << 20, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    const auto got = static_cast<std::size_t>(in.gcount());
    hash.update(std::string_view(block).substr(0, got));
    bytes += got;
  }
  if (in.bad()) return fail(Reason::file_failed, name);
  return std::pair{crypto::hex(hash.finish()), bytes};
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < size; ++i) n = n << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return n;
}

// The entry of a receipt must be the EXPORT of exactly the manifest's range.
std::string wrong_in_receipt(const Facts& facts, const ProvenEntry& proven) {
  if (std::to_string(proven.index) != facts.find("export")->second)
    return "the receipt is of entry " + std::to_string(proven.index);
  if (proven.entry.size() != kExportTail + 12 ||
      proven.entry[1] != static_cast<char>(EntryType::export_))
    return "the entry is no EXPORT";
  const std::string range = std::to_string(number_at(proven.entry, kExportTail, 8)) + " " +
                            std::to_string(number_at(proven.entry, kExportTail + 8, 4));
  if (range != facts.find("entries")->second) return "the EXPORT closes entries " + range;
  return {};
}

std::string told(const Facts& facts, bool json, bool with_file, bool with_receipt) {
  if (json) {
    std::string out = "{\"holds\":true,\"file\":" + std::string(with_file ? "true" : "false") +
                      ",\"receipt\":" + (with_receipt ? "true" : "false");
    for (const auto& [name, value] : facts) out += "," + json_text(name) + ":" + json_text(value);
    return out + "}";
  }
  std::string out = with_file ? "This is the file of the extract, as the log's key signed it.\n"
                              : "The log's key signed this manifest.\n";
  if (with_receipt) out += "Its EXPORT and the disclosures before it are in the log.\n";
  for (const char* name : {"recipient", "department", "purpose", "case", "citizens", "rows",
                           "entries", "made", "expires"})
    if (const auto at = facts.find(name); at != facts.end())
      out += "  " + std::string(name) + ": " + plain(at->second) + "\n";
  out.pop_back();
  return out;
}

}  // namespace

int run_extract(const std::vector<std::string>& arguments) {
  const Words words(arguments, {"vkey", "receipt"}, {"json", "help"});
  if (words.has("help")) {
    std::puts(kHelp);
    return kHolds;
  }
  const std::size_t files = words.rest().size();
  if (!words.wrong().empty() || !words.has("vkey") || files < 1 || files > 2)
    return complain(kTrouble, "The command line is wrong.",
                    words.wrong().empty() ? "--vkey and a manifest are needed" : words.wrong(),
                    "see amanat-verify extract --help");
  const auto log = parse_verifier_key(words.option("vkey"));
  if (!log || log->type != SignatureType::ed25519)
    return complain(kTrouble, "The verifier key cannot be used.", "", "");
  const auto manifest = read_input(words.rest()[0], kNoteBytesMax);
  if (!manifest) return complain(kTrouble, manifest.error());
  const std::vector<VerifierKey> known = {*log};
  const auto note = open_note(*manifest, known);
  if (!note) return complain(kDoesNotHold, note.error());
  const auto facts = facts_of(note->text);
  if (!facts) return complain(kDoesNotHold, "This is no extract's manifest.", "", "");
  for (const char* needed : {"sha256", "bytes", "export", "entries"})
    if (!facts->contains(needed))
      return complain(kDoesNotHold, "This is no extract's manifest.", "", "");
  if (files == 2) {
    const auto file = digest_of(words.rest()[1]);
    if (!file) return complain(kTrouble, file.error());
    if (file->first != facts->find("sha256")->second ||
        std::to_string(file->second) != facts->find("bytes")->second)
      return complain(kDoesNotHold, "This is not the file of the manifest.",
                      "its SHA-256 is " + file->first, "");
  }
  if (words.has("receipt")) {
    const auto receipt = read_input(words.option("receipt"), kReceiptMax);
    if (!receipt) return complain(kTrouble, receipt.error());
    const auto proven = verify_tlog_proof(*receipt, *log);
    if (!proven) return complain(kDoesNotHold, proven.error());
    if (const auto wrong = wrong_in_receipt(*facts, *proven); !wrong.empty())
      return complain(kDoesNotHold, "The receipt belongs to another extract.", wrong, "");
  }
  std::puts(told(*facts, words.has("json"), files == 2, words.has("receipt")).c_str());
  return kHolds;
}

}  // namespace amanat::ledger
