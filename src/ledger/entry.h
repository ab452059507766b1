#pragma once
// The bytes of an entry: the public leaf, its three commitments, and the private opening that lives
// and dies with its slice (docs/ledger-frames.md sections 1 and 2). Pure functions, thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/entry.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::ledger {

/// kEntryVersion is byte 0 of every entry. 1 says that labels are VRF outputs (0 would say HMACs;
/// RFC 9381, C2SP vrf-r255). Nothing else in the entry would differ.
inline constexpr std::uint8_t kEntryVersion = 1;
inline constexpr std::size_t kEntryHead = 106;  // up to the tail
inline constexpr std::size_t kLeafBytesMax = 162;
inline constexpr std::size_t kEvidenceBytesMax = 1u << 20;
inline constexpr std::size_t kPartBytesMax = 64 * 1024;
inline constexpr std::size_t kOpeningBytesMax =
    kEvidenceBytesMax + kBodyParts * (kPartBytesMax + 5) + 1024;

/// entry_size is the exact length of an entry of `type`; 0 for an unknown type.
std::size_t entry_size(EntryType type);

/// PublicEntry is a leaf taken apart. A commitment the type does not use is 32 zero bytes.
struct PublicEntry {
  EntryType type{};
  Moment time{};
  Digest subject{}, actor{}, body{};
  std::string tail;
};

/// encode_entry insists on the type's tail length and on zeros where the type has no commitment.
std::string encode_entry(const PublicEntry& entry);
/// decode_entry takes exactly one canonical spelling per entry. Errors: malformed_value.
Result<PublicEntry> decode_entry(std::string_view bytes);

/// Leaf is a public entry in its place, ready for the queue: no heap.
struct Leaf {
  std::array<char, kLeafBytesMax> bytes;
  std::uint8_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};
/// time_of and restamp read and write the time of an encoded entry.
Moment time_of(std::string_view entry);
void restamp(char* entry, Moment time);
/// fill_export_tail writes what only the sequencer knows into an EXPORT entry.
void fill_export_tail(char* entry, EntryIndex first, std::uint32_t count);

/// Opening is what an entry commits to: the contents of the parts, from which their hashes follow.
/// Every type that has an opening has a body, if only of absent parts.
struct Opening {
  std::array<std::uint8_t, 16> nonce{};
  std::optional<Label> subject;
  std::optional<Actor> actor;
  std::array<std::string, kBodyParts> parts;  // [i] is part i+1; empty: absent
  std::string evidence;
};

/// Commitments are c_subject, c_actor, c_body.
struct Commitments {
  Digest subject{}, actor{}, body{};
};

/// part_hash is the hash of one body part (ledger page 2.2); absent parts are 32 zero bytes.
Digest part_hash(const Key256& slice_key, const std::array<std::uint8_t, 16>& entry_nonce,
                 BodyPart part, std::string_view bytes);
/// canonical_body is the 11 part hashes c_body commits to.
std::string canonical_body(const Key256& slice_key, const Opening& opening);
/// canonical_actor is the 37 bytes c_actor commits to.
std::string canonical_actor(const Actor& actor);
/// commit recomputes the commitments of an opening.
Commitments commit(const Key256& slice_key, const Opening& opening);

/// seal_opening encrypts an opening under its slice. The result begins with version and slice id.
std::string seal_opening(const Slice& slice, const Opening& opening,
                         const Commitments& commitments);
/// slice_of reads the slice id in clear; empty if the bytes are no opening.
std::optional<std::array<std::uint8_t, 16>> slice_of(std::string_view sealed);
/// unseal decrypts an opening and checks that it opens exactly this entry's commitments.
/// Errors: seal_broken (wrong key, changed bytes, or it opens another entry).
Result<Opening> unseal(std::string_view sealed, const Key256& slice_key, const PublicEntry& entry);

/// Prepared is an entry as its handler's thread made it: only index, restamping and the tail of an
/// EXPORT are left to the sequencer.
struct Prepared {
  Leaf leaf;
  Digest hash{};  // the handler's own leaf hash, compared before anything is signed
  std::string opening;
  std::optional<Label> subject;
};
/// prepare makes commitments, entry, opening and leaf hash with a fresh nonce. insists that the
/// content fits its type. With `sealed_until` the citizen sees the content only from then on; the
/// date is committed in part 9. Errors: value_too_long (evidence, or a part).
Result<Prepared> prepare(const EntryContent& content, Moment time,
                         std::optional<Moment> sealed_until = std::nullopt);

/// Blinds is what opens the commitments of one entry, each for its reader alone: an r for each
/// commitment, a salt for each part (ledger page 2.2).
struct Blinds {
  Digest subject{}, actor{}, body{};
  std::array<std::array<std::uint8_t, 16>, kBodyParts> salts{};
};
Blinds blinds_of(const Key256& slice_key, const Opening& opening);

}  // namespace amanat::ledger
