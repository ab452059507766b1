// Signed notes and verifier keys: whatever the bytes, no crash, and what is accepted has one
// spelling.

#include <cstdint>
#include <string_view>

#include "ledger/note.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const NoteSigner signer("log.example.org/amanat1", Key256{});
  static const Cosigner witness("witness.example.org/w1", Key256{});
  static const std::vector<VerifierKey> known{signer.verifier(), witness.verifier()};
  if (const auto key = parse_verifier_key(text)) insist(key->text() == text);
  if (const auto note = parse_note(text)) {
    insist(note->text.ends_with('\n') && !note->signatures.empty());
    insist(text.starts_with(note->text));
    for (const NoteSignature& s : note->signatures) insist(valid_key_name(s.name));
  }
  if (const auto opened = open_note(text, known)) insist(!opened->signed_by.empty());
  // Any text at all, signed and read back, is itself.
  if (text.ends_with('\n')) {
    const auto opened = open_note(signer.sign(text), known);
    insist(!opened || opened->text == text);
  }
  return 0;
}
