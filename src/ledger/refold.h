#pragma once
// The auditor's program (ledger page 5.5): it refolds the map from the log and the exchange's list
// of who is named where, and so finds an entry that was filed under another citizen, left out of
// the map, or counted twice, although the citizen never looks. It learns labels, never who they
// are. A small door for verifiers; the source and the feed are asked by the calling thread alone.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/audit.h"
#include "ledger/map.h"
#include "model/secret.h"

namespace amanat::ledger {

/// FeedLine is what the auditor is told of one entry with a subject (docs/ledger-audit.md).
struct FeedLine {
  std::uint64_t index = 0;
  Label label{};
  std::optional<Digest> r_subject;  // none: the slice was destroyed
};
std::string write_feed_line(const FeedLine& line);
/// parse_feed_line reads one line without its LF. Errors: note_malformed.
Result<FeedLine> parse_feed_line(std::string_view line);

/// Feed hands out the lines of a feed one by one; nothing at its end.
using Feed = std::function<Result<std::optional<FeedLine>>()>;

/// Audited is what an auditor keeps: up to where he has seen every opening. For entries below it a
/// later feed may lack what was erased since, because the map's root there vouches for the labels.
struct Audited {
  std::string origin;
  std::uint64_t covered = 0, epoch = 0;
  Digest root{};
};
std::string write_audited(const Audited& audited);
Result<Audited> parse_audited(std::string_view text);

struct RefoldOptions {
  std::optional<Audited> before;
  bool allow_erased = false;  // a first audit of a log from which slices were erased already
  std::function<void(std::uint64_t done, std::uint64_t size)> progress;  // may be null
};

struct Refold {
  OpenedCheckpoint at;
  std::string note;     // the checkpoint, for a cosignature
  std::string problem;  // empty: every EPOCH refolds
  std::uint64_t entries = 0, named = 0, erased = 0, epochs = 0, citizens = 0;
  std::uint64_t pruned = 0;     // entries of which retention left the hashes
  std::uint64_t uncovered = 0;  // named entries that no EPOCH covers yet
  Audited now;
};

/// refold_log reads every bundle, holds the tree to the signed root, every line of the feed to its
/// entry, and every EPOCH to the map. A feed that is made after the checkpoint reaches as far as
/// its EPOCHs cover; entries behind them need not be told. What does not hold is a problem; an
/// error is trouble with a source. Reads and hashes the log on the calling thread and folds the map
/// on another. Errors: those of LogSource::read and of the feed.
Result<Refold> refold_log(LogSource& source, const VerifierKey& log, const Key256& map_key,
                          const Feed& feed, const RefoldOptions& options);

}  // namespace amanat::ledger
