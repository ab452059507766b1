// amanat-verify fork: has a log signed two histories? The answer is a file that others can check.

#include <cstdio>
#include <fstream>

#include "ledger/fork.h"
#include "ledger/verify_words.h"

namespace amanat::ledger {
namespace {

constexpr const char* kHelp =
    R"(Has a log signed two histories that cannot both be true?

  amanat-verify fork --vkey KEY PROOF                    check a fork proof
  amanat-verify fork --vkey KEY [--dir DIR | --url URL [--ca FILE]] [--out FILE] ONE OTHER
                                                         compare two signed checkpoints; where they
                                                         contradict, write the proof to FILE

Checkpoints of different sizes are compared with the tiles of the larger one's tree (--dir or --url).

Exit code: 0 they are consistent (or, for a PROOF, it proves nothing), 1 the log has forked, 2 trouble.)";

constexpr std::size_t kFileMax = 2 * kNoteBytesMax + 64 * 1024;

int check_proof(const Words& words, const VerifierKey& log) {
  const auto text = read_input(words.rest()[0], kFileMax);
  if (!text) return complain(kTrouble, text.error());
  const auto proof = parse_fork_proof(*text);
  if (!proof) return complain(kTrouble, proof.error());
  if (const auto forked = verify_fork_proof(*proof, log); !forked)
    return complain(kHolds, "This proves no fork.", forked.error().detail, "");
  std::puts(words.has("json") ? "{\"forked\":true}" : "The log has forked: its key signed both.");
  return kDoesNotHold;
}

}  // namespace

int run_fork(const std::vector<std::string>& arguments) {
  const Words words(arguments, {"vkey", "dir", "url", "ca", "out"}, {"json", "help"});
  if (words.has("help")) {
    std::puts(kHelp);
    return kHolds;
  }
  const std::size_t files = words.rest().size();
  if (!words.wrong().empty() || !words.has("vkey") || files < 1 || files > 2)
    return complain(
        kTrouble, "The command line is wrong.",
        words.wrong().empty() ? "--vkey and one or two files are needed" : words.wrong(),
        "see amanat-verify fork --help");
  const auto log = parse_verifier_key(words.option("vkey"));
  if (!log || log->type != SignatureType::ed25519)
    return complain(kTrouble, "The verifier key cannot be used.", "", "");
  if (files == 1) return check_proof(words, *log);
  const auto one = read_input(words.rest()[0], kNoteBytesMax);
  if (!one) return complain(kTrouble, one.error());
  const auto other = read_input(words.rest()[1], kNoteBytesMax);
  if (!other) return complain(kTrouble, other.error());
  std::unique_ptr<LogSource> source;
  if (words.has("dir") || words.has("url")) {
    auto opened = open_source(words);
    if (!opened) return complain(kTrouble, opened.error());
    source = *std::move(opened);
  }
  const auto fork = find_fork(*one, *other, source.get(), *log);
  if (!fork) return complain(kTrouble, fork.error());
  if (!*fork) {
    std::puts(words.has("json") ? "{\"forked\":false}" : "They are consistent.");
    return kHolds;
  }
  if (words.has("out")) {
    std::ofstream out(words.option("out"), std::ios::binary | std::ios::trunc);
    out << write_fork_proof(**fork);
    out.close();
    if (!out.good()) return complain(kTrouble, Failure{Reason::file_failed, words.option("out")});
  }
  std::puts(words.has("json") ? "{\"forked\":true}" : "The log has forked: its key signed both.");
  return kDoesNotHold;
}

}  // namespace amanat::ledger
