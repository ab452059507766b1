#pragma once
// Checkpoints (C2SP tlog-checkpoint v1.0.0): the text that a log signs. Thread-safe functions.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/note.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  std::vector<std::string> extensions;  // legal in others' checkpoints; we never write any
};

/// checkpoint_text is the note text: origin, size, base64 root, each with LF. insists on a valid
/// key name as origin.
std::string checkpoint_text(std::string_view origin, std::uint64_t size, const Digest& root);

/// parse_checkpoint reads a note text in the exact form: no leading zeros, no CR, no empty
/// extension line; size 0 only with the empty root. Errors: note_malformed.
Result<Checkpoint> parse_checkpoint(std::string_view text);
/// parse_checkpoint_form is parse_checkpoint but for the root of size 0, which a witness answers
/// with a status of its own.
Result<Checkpoint> parse_checkpoint_form(std::string_view text);

/// OpenedCheckpoint is a checkpoint with those of the given keys that signed it.
struct OpenedCheckpoint {
  Checkpoint checkpoint;
  std::vector<NoteSigned> signed_by;
};

/// open_checkpoint opens a signed checkpoint and requires a signature (0x01) of `log`, whose name
/// is the origin. `witnesses` may be empty; a wrong cosignature by one of them refuses the note.
/// Errors: note_malformed, note_signature_wrong.
Result<OpenedCheckpoint> open_checkpoint(std::string_view note, const VerifierKey& log,
                                         std::span<const VerifierKey> witnesses = {});

/// parse_decimal reads a u64 written without sign, leading zeros or anything else.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace amanat::ledger
