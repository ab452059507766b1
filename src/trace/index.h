#pragma once
// trace, index: which disclosures were there of a citizen? A projection of the ledger, made again
// from it at any time, byte for byte. Without the index key its files name nobody. Formats, merging
// and costs: docs/trace-index.md. Searching is thread-safe beside one thread that catches up.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/siphash.h"
#include "ledger/ledger.h"
#include "model/result.h"
#include "storage/file.h"
#include "trace/segment.h"

namespace amanat::trace {

/// IdentifierHash is the keyed hash under which a citizen stands in the index: of the canonical
/// identifier, its kHashBits most significant bits. Thread-safe.
class IdentifierHash {
 public:
  explicit IdentifierHash(const Key256& secret)
      : hash_(std::span<const std::uint8_t, 32>(secret.bytes()).first<16>()) {}
  std::uint64_t operator()(std::string_view canonical) const {
    return hash_(canonical) & kHashMask;
  }

 private:
  crypto::SipHash hash_;
};

/// ScanLedger visits durable entries from an index on, opened as far as their slices live.
using ScanLedger = std::function<Result<void>(
    EntryIndex from, const std::function<bool(const ledger::Opened&)>& visit)>;

/// NameOfLabel is the hash of the citizen a label belongs to; nothing if nobody knows it any more.
using NameOfLabel = std::function<std::optional<std::uint64_t>(const Label&)>;

struct IndexOptions {
  std::string directory;
  storage::Disk* disk = nullptr;         // null: system_disk()
  std::size_t run_postings = 8'000'000;  // held in memory at most, then a segment is written
};

/// Snapshot is the index as it was: immutable, kept alive by whoever searches.
struct Snapshot {
  std::vector<std::shared_ptr<const Segment>> segments;  // oldest first
  std::uint64_t entries = 0;                             // of the ledger, covered
  std::uint64_t disclosures() const;
  std::uint64_t bytes() const;
};

class Index {
 public:
  /// open reads what there is; a directory without an index gives an empty one, and a damaged one
  /// is emptied, because it can be made again. Errors: file_failed, disk_full.
  static Result<std::unique_ptr<Index>> open(const IndexOptions& options);
  ~Index();

  /// catch_up reads the ledger's entries that are not covered yet, writes them as a segment and
  /// merges; afterwards every snapshot has them. Entries whose label nobody can name are counted in
  /// nameless() and left out. Errors: ledger_corrupt, file_failed, disk_full, trace_stopped.
  Result<void> catch_up(const ScanLedger& scan, const NameOfLabel& name,
                        const std::atomic<bool>* stop = nullptr);
  /// compact merges everything into one segment. Errors: file_failed, disk_full.
  Result<void> compact();
  /// forget empties the index, so that the next catch_up makes it anew. Errors: file_failed.
  Result<void> forget();

  std::shared_ptr<const Snapshot> snapshot() const;
  std::uint64_t nameless() const;

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// posting_of is what the index keeps of an entry; nothing if it is no disclosure, cannot be
/// opened, or lies outside the format (before 2000, an account of 2^24 or more). `field_set` gives
/// the number of a granted field set.
std::optional<Posting> posting_of(const ledger::Opened& entry,
                                  const std::function<std::uint16_t(std::string_view)>& field_set);

}  // namespace amanat::trace
