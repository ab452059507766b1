#pragma once
// A citizen's history: who looked at me, complete up to an epoch, in one file that an outsider's
// program checks without trusting the exchange (ledger page 5.4, docs/ledger-history.md). A small
// door for verifiers; functions are thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/vrf.h"
#include "ledger/map.h"
#include "ledger/tlog_policy.h"
#include "model/entry.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr std::size_t kHistoryBytesMax = 256u << 20;
inline constexpr std::size_t kHistoryEntriesMax = 1u << 20;
inline constexpr std::string_view kHistoryHead = "amanat-history/1";

/// ProvedEntry is a public entry with its inclusion path in the checkpoint's tree.
struct ProvedEntry {
  std::uint64_t index = 0;
  std::string entry;
  std::vector<Digest> path;
};

/// ShownPart is one opened part of a body: its salt and its bytes.
struct ShownPart {
  unsigned number = 0;  // 1 to 11
  std::array<std::uint8_t, 16> salt{};
  std::string bytes;
};

/// ShownActor opens c_actor: what an expert is shown and a citizen is not.
struct ShownActor {
  Digest r{};
  Actor actor;
};

/// Reader is for whom a history is made, and so what it shows: the citizen sees why and what; an
/// expert who weighs a leak sees which account, which fields, which versions and which marks, and
/// nothing else (tracing page 11.3).
enum class Reader : std::uint8_t { citizen, expert };

/// HistoryEntry is one entry of a citizen's chain, with what its reader may know of it.
struct HistoryEntry {
  /// pruned: past its retention; of the entry only its hash is left.
  enum class State : std::uint8_t { open, sealed, erased, pruned };
  ProvedEntry proved;  // pruned: without the entry
  Digest leaf{};       // pruned: in its place
  State state = State::open;
  // open and sealed: what c_subject and c_body are made of, and the parts shown
  Digest r_subject{}, r_body{};
  std::array<Digest, kBodyParts> part_hashes{};
  std::vector<ShownPart> parts;
  std::optional<ShownActor> actor;  // to an expert
  // erased: the entry that records the erasure
  std::uint64_t erasure = 0;
};

/// History is the file's content.
struct History {
  std::string genesis;  // the document that entry 0 commits to
  ProvedEntry genesis_entry;
  ProvedEntry epoch_entry;
  crypto::VrfProof vrf{};
  Digest map_secret{};
  MapProof map;
  std::vector<HistoryEntry> entries;
  std::vector<ProvedEntry> after;  // from covered_size to the first entry that has a subject
  /// Erasure is an ERASURE entry outside the chain: of a retention run, which has no subject, or
  /// the citizen's own that no epoch covers yet.
  struct Erasure {
    ProvedEntry proved;
    std::optional<Digest> r_subject;
  };
  std::vector<Erasure> erasures;
  std::optional<ProvedEntry> minimum;  // the POLICY entry below whose minimum index they may be gone
  std::string checkpoint;
};
std::string write_history(const History& history);
/// parse_history reads the exact form. Errors: note_malformed ("line 12: …"), value_too_long.
Result<History> parse_history(std::string_view text);

/// sealed_part is body part 9 of an entry whose content the citizen may see only from `until` on:
/// the date is committed with the entry, so nobody can move it later.
std::string sealed_part(Moment until, std::string_view part);
/// sealed_until reads the date back; nothing if the part seals nothing.
std::optional<Moment> sealed_until(std::string_view part);

/// HistoryFault names the step of the check that failed (ledger page 5.4). Texts are for people
/// and programs alike: "chain", "inclusion", ….
enum class HistoryFault : std::uint8_t {
  none,
  malformed,         // not a history in the exact form
  checkpoint,        // not signed by a log of the policy
  quorum,            // too few witnesses
  stale_checkpoint,  // youngest cosignature too old
  genesis,           // entry 0 or its document
  epoch,             // the EPOCH entry is not included, or not one
  stale_epoch,       // an entry that is not covered is too old
  label,             // the VRF proof is not of this citizen
  bucket,            // pairs not in order, or of another bucket
  map_root,          // the bucket does not lead to the epoch's root
  map_value,         // count and head are not what the map holds
  order,             // indices do not increase, or lie outside what the epoch covers
  chain,             // the listed entries do not fold to the head
  inclusion,         // a listed entry is not in the log at its index
  opening_subject,   // an opening is not of this citizen
  opening_actor,     // an account shown is not the entry's
  opening_body,      // an opening does not open its entry
  retention,         // an entry is gone that no POLICY entry lets go
  erasure,           // an entry is missing its opening without a recorded erasure
  seal_date,         // a sealed entry shows no committed date, or it is over
  rewritten          // the history known from before is not a prefix of this one
};
std::string_view text_of(HistoryFault fault);

/// Remembered is what a verifier keeps until next time.
struct Remembered {
  std::string origin;
  std::uint64_t epoch = 0, count = 0;
  Digest head{};
};
std::string write_remembered(const Remembered& remembered);
Result<Remembered> parse_remembered(std::string_view text);

/// HistoryCheck says what a history is held to.
struct HistoryCheck {
  TlogPolicy policy;
  std::string subject;                     // the national ID, 13 digits; personal
  std::uint64_t unix_time = 0;             // now
  std::uint64_t checkpoint_age_max = 600;  // seconds, of the youngest cosignature
  std::uint64_t uncovered_age_max = 120;   // seconds, of an entry no epoch covers
  std::optional<Remembered> before;
  /// An expert reads at a fixed checkpoint, however old: nothing is held to an age, and every
  /// opened entry shows its actor and, of a disclosure, fields, versions and marks.
  Reader reader = Reader::citizen;
};

/// ShownEntry is one line of what the citizen reads.
struct ShownEntry {
  std::uint64_t index = 0;
  std::uint8_t type = 0;
  Moment time{};
  HistoryEntry::State state = HistoryEntry::State::open;
  std::optional<Moment> sealed_until;
  std::array<std::string, kBodyParts> parts;  // those shown
  std::optional<Actor> actor;                 // if shown
  Digest leaf{};                              // of the public entry
  std::array<Digest, kBodyParts> part_hashes{};  // what c_body is made of; zero: absent or erased
};

struct HistoryVerdict {
  HistoryFault fault = HistoryFault::none;
  std::string problem;  // empty: everything holds
  Remembered now;       // to be kept, if it holds
  std::uint64_t covered = 0, size = 0, epoch_index = 0;
  Digest root{};   // of the checkpoint
  Label label{};   // of the citizen, as the VRF proves it
  Moment epoch_time{};
  std::vector<ShownEntry> entries;
};
/// verify_history does every step of ledger page 5.4 in order; the first that fails is the verdict.
HistoryVerdict verify_history(std::string_view text, const HistoryCheck& check);

}  // namespace amanat::ledger
