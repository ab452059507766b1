#pragma once
// What a ledger entry commits to, before the ledger encodes it. Plain values; the ledger alone
// knows the bytes (docs/ledger-format.md).

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "model/ids.h"
#include "model/secret.h"

namespace amanat {

/// EntryType values are on disk: never renumber (ledger page 2.1).
enum class EntryType : std::uint8_t {
  disclosure = 1,
  denied = 2,
  export_ = 3,
  epoch = 4,
  erasure = 5,
  policy_key = 6,
  alert = 7,
  genesis = 8,
  trace = 9
};

/// KeyKind says what the thumbprint in an actor is the SHA-256 of (ledger page 2.2).
enum class KeyKind : std::uint8_t { none = 0, jwk = 1, certificate = 2, passkey = 3 };

/// Actor is who asked: account and the key that proved it.
struct Actor {
  AccountId account{};
  KeyKind key_kind = KeyKind::none;
  Digest thumbprint{};
};

/// Slice is the key under which an entry's opening lives and dies: one per citizen and period,
/// made by the vault. It must be durable before an entry that uses it is handed to the ledger.
struct Slice {
  std::array<std::uint8_t, 16> id{};
  Key256 key;
};

/// BodyPart names the eleven parts an entry's body commits to (ledger page 2.2). An empty string
/// in EntryContent::parts means absent.
enum class BodyPart : std::uint8_t {
  purpose = 1,
  case_ref,
  granted_fields,
  value_versions,
  policy_hash,
  released_digest,
  answer_digest,
  marks,
  export_id,
  denial,
  evidence_digest
};
inline constexpr std::size_t kBodyParts = 11;

/// EntryContent is one entry to be. `time` and the index are the ledger's to give.
struct EntryContent {
  EntryType type = EntryType::disclosure;
  std::optional<Label> subject;
  std::optional<Actor> actor;
  std::array<std::string, kBodyParts> parts;  // [i] is part i+1
  std::string evidence;                       // what the asker signed; kept in the opening
  std::string tail;                           // by type, encoded by ledger::tail_of_*
  std::optional<Moment> sealed_until;         // hidden from the citizen until then
  Slice slice;

  std::string& part(BodyPart p) { return parts[static_cast<std::size_t>(p) - 1]; }
  const std::string& part(BodyPart p) const { return parts[static_cast<std::size_t>(p) - 1]; }
};

}  // namespace amanat
