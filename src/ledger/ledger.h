#pragma once
// ledger: the tamper-evident record of every disclosure. One RFC 6962 tree in the C2SP formats, one
// sequencer, one pwrite and one fdatasync a batch, and nothing is released before that returns.
// Formats, recovery and failures: docs/ledger-frames.md. append() and record() may be called from
// any thread; reading functions too.

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "model/entry.h"
#include "model/passes.h"
#include "model/result.h"
#include "model/task.h"
#include "storage/file.h"

namespace amanat::ledger {

class HistoryMaker;
class WitnessLine;
using OpenWitnessLine = std::function<std::unique_ptr<WitnessLine>(const std::string& url)>;

/// Recorded is the outcome of record(): where the entries stand, with a receipt text each.
struct Recorded {
  std::vector<Receipt::Entry> entries;
};

/// Opened is an entry with its opening, for scans by the exchange itself.
struct Opened {
  EntryIndex index{};
  EntryType type{};
  Moment time{};
  std::array<std::uint8_t, 16> slice_id{}, nonce{};  // nonce: of an entry that could be opened
  std::optional<Label> subject;  // as the opening says, checked against c_subject
  std::optional<Actor> actor;
  // The contents of the body's eleven parts. The opening must keep them (u8 part, u32 length,
  // bytes), not the part hashes alone, which follow from them: a citizen reads purpose and fields
  // here, budgets are rebuilt from the case, a court opens one part with its salt. Checked against
  // c_body.
  std::array<std::string, kBodyParts> parts;
  std::string evidence;
};

/// KeyOfSlice finds the key of a slice; an error means the opening stays shut.
using KeyOfSlice = std::function<Result<Key256>(std::span<const std::uint8_t, 16> slice_id)>;

/// WitnessOptions say who must confirm the log's growth, and what stops when they do not.
struct WitnessOptions {
  std::string policy;              // text of a tlog-policy file (C2SP) that names this log's key
  std::string ca_file;             // whom the witnesses' HTTPS certificates must chain to
  unsigned alarm_ms = 30'000;      // no quorum for so long: alarm, and A1 operations stop
  unsigned all_stop_ms = 600'000;  // no quorum for so long: all disclosures stop
  unsigned resubmit_ms = 60'000;   // an idle log shows its life so often
  unsigned start_ms = 5000;        // how long a start waits for their answers
  unsigned subjects_max = 50;      // an answer over more citizens waits for the quorum (A1)
  OpenWitnessLine open_line;       // null: HTTPS
};

/// WitnessStanding is how the log stands with its witnesses.
struct WitnessStanding {
  bool has_witnesses = false;
  std::uint64_t cosigned_size = 0;  // of the head served
  unsigned cosignatures = 0;
  std::uint64_t without_quorum_ms = 0;
  bool a1_stopped = false, all_stopped = false;
};

/// CitizenOptions make the log keep a map over its citizens, from which each is shown a complete
/// history (docs/ledger-history.md).
struct CitizenOptions {
  Key256 map_key;              // K_map: shared with the auditor alone
  Key256 chain_key;            // seals the chain file
  KeyOfSlice key_of_slice;     // from threads of the ledger
  unsigned epoch_ms = 45'000;  // an entry waits at most so long for its EPOCH, and a little more
  /// The map is kept on disk after so many entries of citizens, or as many as a quarter of the
  /// citizens where that is more; at the end of a run after a sixteenth of it.
  std::uint64_t keep_map_after = 200'000;
};

/// CitizenEntry is one entry of a citizen as the exchange itself may show it to him.
struct CitizenEntry {
  enum class State : std::uint8_t { open, sealed, erased, pruned } state = State::open;
  Opened entry;  // without its contents unless the state is open; pruned: the index alone
  std::optional<Moment> sealed_until;
};

/// Trimmed says what became of finished segments.
struct Trimmed {
  std::uint64_t segments = 0;  // moved to the archive
  std::uint64_t bytes_before = 0, bytes_after = 0;
};

/// Minimum is below which entries may be gone (docs/ledger-retention.md): what moved it last.
struct Minimum {
  EntryIndex index{};     // 0: everything is kept
  EntryIndex recorded{};  // the POLICY entry that says so
  AccountId by{};
};

/// OpeningsCheck is what check_openings found.
struct OpeningsCheck {
  std::uint64_t entries = 0, opened = 0, erased = 0, pruned = 0;
  std::string problem;  // empty: every opening that has a key opens its entry
};

/// HeadsCheck is what check_heads found.
struct HeadsCheck {
  std::uint64_t heads = 0;
  std::string problem;  // empty: every one is signed and of this tree
};

struct Options {
  std::string directory;
  std::string origin;             // name of the log = key name
  Digest label_key{};             // public key of the labels' VRF; create() writes it down
  storage::Disk* disk = nullptr;  // null: system_disk()
  std::uint64_t segment_bytes = 256u << 20;  // tests use small ones
  std::size_t queue_entries_max = 8192;
  unsigned publish_every_ms = 1000;
  std::optional<WitnessOptions> witnesses;
  std::optional<CitizenOptions> citizens;
  std::function<Moment()> clock;  // null: now()
  /// alarm is told in words of what an operator should know (clock set back, a torn write cut off
  /// at the start). Null: standard error. Called from threads of the ledger.
  std::function<void(std::string_view)> alarm;
  /// on_death is told that no append can be believed any more (fdatasync failed, or another signer
  /// has taken the log over). Null: the message on standard error, 100 ms for answers on their way,
  /// abort.
  std::function<void(std::string_view)> on_death;
};

struct Submission;

/// Pending is awaited, once, for an append; it resumes on the Home of the thread that awaits it,
/// which must have one and outlive the append. The coroutine must not be destroyed while it waits.
/// A Pending that nobody awaits is recorded all the same.
template <class T>
class [[nodiscard]] Pending {
 public:
  using Outcome = Result<T> (*)(Submission&);
  Pending(std::shared_ptr<Submission> submission, Outcome outcome)
      : submission_(std::move(submission)), outcome_(outcome) {}
  bool await_ready() const noexcept;
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept;  // false: done meanwhile
  Result<T> await_resume();

 private:
  std::shared_ptr<Submission> submission_;
  Outcome outcome_;
};

/// Bulk gathers the entries of one bulk answer, part by part. Nothing of it is in the log before it
/// is appended; dropped, nothing ever is. One thread at a time.
class Bulk {
 public:
  Bulk();
  Bulk(Bulk&&) noexcept;
  Bulk& operator=(Bulk&&) noexcept;
  ~Bulk();
  std::size_t count() const;

 private:
  friend class Ledger;
  std::shared_ptr<Submission> submission_;
};

class Ledger {
 public:
  /// create makes a new log whose entry 0 is GENESIS, which has no opening (the slice is for later
  /// formats). A crash on the way leaves no log, and create works again.
  /// Errors: exchange_exists, file_failed, disk_full, config_wrong (origin).
  static Result<void> create(const Options& options, const Key256& signer_seed,
                             const Slice& system_slice);
  /// open recovers (ledger page 3.5) and starts the sequencer. Errors: exchange_missing,
  /// ledger_corrupt (what is wrong and where), exchange_busy, file_failed, disk_full, key_missing.
  static Result<std::unique_ptr<Ledger>> open(const Options& options, const Key256& signer_seed);
  /// The destructor drains the queue and writes a closing frame. No append may begin meanwhile.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// append records a draft's entries, contiguous, with its EXPORT if it has one. The Draft must
  /// live until the result is there. insists that the draft still_stands(). The Receipt has the
  /// entries of the shares, in their order, and the draft's released digest.
  /// Where its Grant is `witnessed`, or the answer is over more than WitnessOptions::subjects_max
  /// citizens or about one of those the grant guards, it waits for a witness quorum too, and the
  /// receipts carry the cosignatures (A1).
  /// Errors: ledger_not_durable, disk_full, too_busy (nothing half-written), shutting_down,
  /// value_too_long (evidence that fits no frame), witnesses_silent (no quorum for too long:
  /// nothing was recorded; or none in time for this one: recorded, and must not be released).
  Pending<Receipt> append(const Draft& draft);
  /// gather takes the entries of one part of a bulk answer. insists that the part still_stands().
  /// Errors: value_too_long.
  Result<void> gather(Bulk& bulk, const Draft& part) const;
  /// append of a bulk answer records all that was gathered and the closing draft's EXPORT,
  /// contiguous over as many frames as it takes, and with witnesses waits for their quorum. The
  /// Receipt has the EXPORT's entry, the range of the disclosures, and the closing draft's digest.
  /// A crash or a failing disk on the way may leave disclosures without their EXPORT: recorded, and
  /// never released. Errors: as append.
  Pending<Receipt> append(Bulk bulk, const Draft& closing);
  /// receipt_of_export makes the receipt of a bulk answer again, from its durable EXPORT. Errors:
  /// no_record (no such entry, or it is no EXPORT whose opening can be read), ledger_corrupt,
  /// file_failed.
  Result<Receipt> receipt_of_export(EntryIndex index, const KeyOfSlice& key_of) const;
  /// sign_statement signs a statement of the exchange's with the log's key, as a C2SP note. insists
  /// that its first line begins with "amanat/" and is no log's name: no statement is a checkpoint.
  std::string sign_statement(std::string_view text) const;
  /// record appends entries that release nothing: denials, keys, policy, erasures, alerts. At least
  /// one; contiguous; all in the result. Errors: as append.
  Pending<Recorded> record(std::vector<EntryContent> entries);

  const std::string& origin() const;
  /// vkey is the verifier key in C2SP form.
  std::string vkey() const;
  std::uint64_t size() const;  // entries durable now
  /// time is the ledger's clock: steady, never before the last entry.
  Moment time() const;
  WitnessStanding witness_standing() const;
  /// checkpoint returns the published signed checkpoint (what /ledger/checkpoint serves).
  std::string checkpoint() const;
  /// head_of_epoch is the checkpoint that was published with an epoch; kept for ever. Errors:
  /// no_record, ledger_corrupt, file_failed.
  Result<std::string> head_of_epoch(std::uint64_t epoch) const;
  /// resource serves "tile/..." and "tile/entries/..." of the published tree, exactly as
  /// tlog-tiles names them. Errors: no_record (not a resource of the published size), store_failed.
  Result<std::string> resource(std::string_view path) const;
  /// prove makes the receipt of an entry against the published checkpoint, with the log's and the
  /// witnesses' signatures and no other line. Errors: no_record.
  Result<std::string> prove(EntryIndex index) const;
  /// prove_cose is prove as a COSE receipt (RFC 9942) under a key of its own. Errors: no_record.
  Result<std::string> prove_cose(EntryIndex index, const crypto::Ed25519Signer& key) const;
  /// history makes the file of a citizen's complete history (ledger/history.h) at the newest
  /// published epoch, without the openings of sealed entries and with erased ones marked. `proof`
  /// is the VRF proof of the label. Errors: too_busy (histories are being made ready: try again),
  /// no_record (this log keeps none), ledger_corrupt, file_failed.
  Result<std::string> history(const Label& label, const std::array<std::uint8_t, 80>& proof) const;
  /// Labelled is a citizen's label with the VRF proof that it is his.
  struct Labelled {
    Label label{};
    std::array<std::uint8_t, 80> proof{};
  };
  /// shown_to makes, for each of these citizens, the file of everybody to whom his data was
  /// disclosed (a history for Reader::expert): account, fields, versions and marks of every
  /// disclosure, complete, all at one checkpoint and one EPOCH. Errors: as history.
  Result<std::vector<std::string>> shown_to(std::span<const Labelled> citizens) const;
  /// cover returns once a published EPOCH covers every entry of a citizen that was durable when it
  /// was called, and up to where the newest one covers. Errors: too_busy (not within `wait_ms`),
  /// no_record (this log keeps no histories).
  Result<std::uint64_t> cover(unsigned wait_ms);
  /// entries_of visits every durable entry of a citizen, oldest first, those that no epoch covers
  /// yet included. Errors: too_busy (histories are being made ready), no_record (this log keeps
  /// none), ledger_corrupt, file_failed.
  Result<void> entries_of(const Label& label,
                          const std::function<void(const CitizenEntry&)>& visit) const;
  /// keep_chains returns once the list of who is named where is durable for every entry so far. To
  /// be called before slices are destroyed: afterwards the list could not be made again. Errors:
  /// file_failed, disk_full, ledger_corrupt.
  Result<void> keep_chains();
  /// minimum is what refuse_below set.
  Minimum minimum() const;
  /// refuse_below ends the serving of bundles that end at or below `minimum.index`; nothing is
  /// deleted. The caller has recorded the POLICY entry that says so. insists that it does not go
  /// back. Errors: file_failed, disk_full.
  Result<void> refuse_below(const Minimum& minimum);
  /// trim moves the entries and openings of finished segments to the archive, without the frames'
  /// padding. A segment is removed only once both were synced and read back equal, and its tiles
  /// are. Crash-safe at any line; may be called again. Errors: ledger_corrupt, file_failed,
  /// disk_full.
  Result<Trimmed> trim();
  /// prune deletes, in archived segments that lie wholly below the minimum, the openings and the
  /// entries but for their hashes; GENESIS, EPOCH and POLICY/KEY entries stay. Returns how many
  /// entries went. The caller has destroyed and recorded what the policy asks for. Errors: as
  /// trim's.
  Result<std::uint64_t> prune();
  /// audit_feed is what the auditor receives for entries [from, to) of the newest published epoch:
  /// index, label and r_subject of each entry with a subject (docs/ledger-audit.md), as lines to
  /// `take`. Errors: as history.
  Result<void> audit_feed(EntryIndex from, const std::function<void(std::string_view)>& take) const;
  /// check_openings tries the opening of every entry. One whose slice was destroyed is counted as
  /// erased; any other that does not open its entry is the problem. Errors: ledger_corrupt,
  /// file_failed.
  Result<OpeningsCheck> check_openings(const KeyOfSlice& key_of,
                                       const std::function<void(std::uint64_t)>& progress) const;
  /// check_heads holds the head that was published with each epoch to the tree. Errors:
  /// ledger_corrupt, file_failed.
  Result<HeadsCheck> check_heads() const;
  /// scan visits every durable entry from `from` on, with its opening where `key_of` gives the key
  /// and the opening opens exactly that entry; visit returns false to end.
  /// `threads` open them, this one among them; `key_of` is then asked from several at once, and
  /// entries after the last one visited may have been opened too. Errors: ledger_corrupt,
  /// file_failed.
  Result<void> scan(EntryIndex from, const KeyOfSlice& key_of,
                    const std::function<bool(const Opened&)>& visit, unsigned threads = 1) const;
  /// root_at is the root of the tree of the first `size` entries, at most as many as the tree files
  /// hold yet. Errors: no_record, file_failed, ledger_corrupt.
  Result<Digest> root_at(std::uint64_t size) const;
  /// export_to writes a static folder (checkpoint, tile/…, tile/entries/…) any tlog-tiles reader
  /// accepts.
  Result<void> export_to(const std::string& directory) const;

 private:
  friend class HistoryMaker;
  struct State;
  explicit Ledger(std::unique_ptr<State> state);
  static Result<Receipt> receipt_of(Submission& submission);
  static Result<Recorded> recorded_of(Submission& submission);
  Result<std::string> bundle(std::uint64_t number, unsigned width) const;
  Result<std::string> entry_at(std::uint64_t index) const;
  std::unique_ptr<State> state_;
};

/// Verdict is what an offline check of a ledger directory found.
struct Verdict {
  std::uint64_t size = 0;  // entries checked
  Digest root{};
  std::string checkpoint;  // last signed checkpoint in the frames
  std::string problem;     // empty: everything holds; else what and where, without personal values
};
/// verify_directory reads every frame, leaf, root and signature of a closed or live ledger's files
/// without opening it. `progress` (may be null) gets entries done. Errors: file_failed.
Result<Verdict> verify_directory(const std::string& directory, std::string_view vkey,
                                 const std::function<void(std::uint64_t)>& progress);

/// minimum_path is the file beside the segments that says what refuse_below set.
std::string minimum_path(const std::string& ledger_directory);

/// tail_of_export, tail_of_erasure, tail_of_policy_key, tail_of_trace encode the tails of ledger
/// page 2.1.
std::string tail_of_export(EntryIndex first, std::uint32_t count);
std::string tail_of_erasure(std::uint32_t rule, std::uint64_t count);
std::string tail_of_policy_key(const Digest& document, EntryIndex minimum);
/// TraceStep is a step of a trace; the number is on disk (tracing page 11.1).
enum class TraceStep : std::uint8_t { seal = 1, unlock = 2, verdict = 3 };
/// tail_of_trace names the step and the file it stands for.
std::string tail_of_trace(TraceStep step, const Digest& document);

}  // namespace amanat::ledger
