#pragma once
// Signed notes (C2SP signed-note v1.0.0) and Ed25519 cosignatures (C2SP tlog-cosignature v1.0.x).
// A verifier ignores signature lines whose (name, key ID) it does not know, refuses the whole note
// when a known key's signature is wrong, and refuses it when no known key signed. Functions are
// thread-safe; values belong to one thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::ledger {

inline constexpr std::size_t kNoteBytesMax = 512 * 1024, kNoteSignaturesMax = 64;

/// SignatureType is the type byte of a key. Others exist; their lines are unknown to us.
enum class SignatureType : std::uint8_t { ed25519 = 0x01, cosignature = 0x04 };

/// VerifierKey is the public side of a note key.
struct VerifierKey {
  std::string name;
  std::uint32_t id = 0;
  SignatureType type = SignatureType::ed25519;
  crypto::Ed25519Public key{};

  /// text is the key in its C2SP form: name+hex(ID)+base64(type || key).
  std::string text() const;
};

/// key_id is the first 4 bytes, big-endian, of SHA-256(name || LF || type || key).
std::uint32_t key_id(std::string_view name, SignatureType type, const crypto::Ed25519Public& key);
/// make_verifier_key names a public key. insists on a valid_key_name.
VerifierKey make_verifier_key(std::string_view name, SignatureType type,
                              const crypto::Ed25519Public& key);
/// parse_verifier_key reads the C2SP form, at most 1 KiB. Errors: note_malformed (also when the ID
/// does not fit the key, or the type is neither 0x01 nor 0x04).
Result<VerifierKey> parse_verifier_key(std::string_view text);
/// valid_key_name: not empty, UTF-8, without Unicode space, control characters or '+'.
bool valid_key_name(std::string_view name);

/// NoteSignature is one signature line; `blob` is what follows the key ID.
struct NoteSignature {
  std::string name;
  std::uint32_t id = 0;
  std::string blob;
};

/// Note is a note taken apart; nothing of it is verified. `text` includes its final LF.
struct Note {
  std::string text;
  std::vector<NoteSignature> signatures;
};

/// parse_note takes a note apart. Errors: note_malformed.
Result<Note> parse_note(std::string_view note);

/// NoteSigned says that a known key signed. `time` (Unix seconds) is 0 but for a cosignature.
struct NoteSigned {
  std::string name;
  std::uint32_t id = 0;
  SignatureType type = SignatureType::ed25519;
  std::uint64_t time = 0;
};

/// OpenedNote is a note that at least one of the keys given has signed.
struct OpenedNote {
  std::string text;
  std::vector<NoteSigned> signed_by;  // one for each known line, in the note's order
};

/// open_note parses and verifies. Errors: note_malformed, note_signature_wrong.
Result<OpenedNote> open_note(std::string_view note, std::span<const VerifierKey> known);

/// keep_lines is the note with the lines of the given keys alone: what a receipt in a file carries.
/// insists that the note parses.
std::string keep_lines(std::string_view note, std::span<const VerifierKey> known);

/// NoteSigner signs notes as one name (type 0x01). Thread-safe.
class NoteSigner {
 public:
  /// NoteSigner insists on a valid_key_name.
  NoteSigner(std::string_view name, const Key256& seed);
  const VerifierKey& verifier() const { return verifier_; }
  /// line is the signature line for `text`, with its LF. insists that `text` ends in LF.
  std::string line(std::string_view text) const;
  /// sign is the whole note: text, blank line, signature line.
  std::string sign(std::string_view text) const;

 private:
  crypto::Ed25519Signer signer_;
  VerifierKey verifier_;
};

/// Cosigner makes timestamped cosignatures (type 0x04). One key per cosigner. Thread-safe.
class Cosigner {
 public:
  Cosigner(std::string_view name, const Key256& seed);
  const VerifierKey& verifier() const { return verifier_; }
  /// line cosigns a checkpoint's note text at a Unix time in seconds, which is not 0.
  std::string line(std::string_view text, std::uint64_t time) const;

 private:
  crypto::Ed25519Signer signer_;
  VerifierKey verifier_;
};

/// grease_lines is two signature lines that nobody can verify, one named grease.invalid, one `name`
/// with a random key ID. Published checkpoints carry them, so that readers which choke on unknown
/// signatures are found early.
std::string grease_lines(std::string_view name);

}  // namespace amanat::ledger
