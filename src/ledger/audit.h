#pragma once
// The outsider's check of a whole log from what it publishes: checkpoint, tiles and bundles. Where
// the bytes come from is not trusted; everything is recomputed from the entries up. Memory does not
// grow with the log. One thread.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/tile.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

/// LogSource reads a log's resources by their C2SP names: "checkpoint", "tile/...".
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// read gives a resource's bytes. Errors: no_record (it does not exist), value_too_long,
  /// file_failed, peer_unreachable, peer_untrusted (trouble that says nothing about the log).
  virtual Result<std::string> read(const std::string& path) = 0;
  /// expect announces what will be read next, so that a distant source can fetch it together.
  virtual void expect(const std::vector<std::string>& paths) { static_cast<void>(paths); }
};

/// EntryHead is what every public entry of Amanat begins with (docs/ledger-frames.md).
struct EntryHead {
  std::uint8_t type = 0;
  Moment time{};
};
/// read_entry_head takes a public entry of version 0 or 1 in its exact length; nothing otherwise.
std::optional<EntryHead> read_entry_head(std::string_view entry);
/// entry_type_name is "DISCLOSURE" for 1 and so on; "TYPE-n" for a type not known here.
std::string entry_type_name(std::uint8_t type);

/// Audit is what an audit found.
struct Audit {
  OpenedCheckpoint at;
  std::string problem;        // empty: everything holds; else what does not, and where
  std::uint64_t entries = 0;  // entries hashed
  std::uint64_t bundles = 0, tiles = 0;
  std::uint64_t pruned = 0;  // entries of which retention left the hashes
  bool ours = false;  // entry 0 is an Amanat GENESIS, so every entry was held to that form
  std::map<std::uint8_t, std::uint64_t> by_type;  // of an Amanat log
  std::optional<Moment> first_time, last_time;
  std::optional<std::uint64_t> consistent_with;  // size of the older checkpoint, once compared
};

struct AuditOptions {
  std::optional<Checkpoint> older;  // opened and verified by the caller
  std::function<void(std::uint64_t done, std::uint64_t size)> progress;  // may be null
};

/// audit_log verifies the checkpoint's signature, rebuilds the tree from every bundle, compares
/// every tile of every level with it, the root with the signed one, and with `older` the root of
/// its size. What does not hold is a problem in the Audit; an error is trouble with the source.
/// Errors: those of LogSource::read.
Result<Audit> audit_log(LogSource& source, const VerifierKey& log, const AuditOptions& options);

}  // namespace amanat::ledger
