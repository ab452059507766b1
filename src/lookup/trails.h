#pragma once
// lookup, trails: searching the ledger's entries by who asked, for what purpose, when, without
// reading the whole ledger. A projection of the ledger, made again from it at any time: sealed
// blocks of 65,536 entries, read from the newest backwards, so that the first page of any search
// over ten million entries costs a tenth of a second and no memory. It knows no citizen. One
// thread catches up beside any number that search.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "model/entry.h"
#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"

namespace amanat::lookup {

/// TrailLine is one entry of the ledger, without its subject.
struct TrailLine {
  EntryIndex entry{};
  Moment time{};
  EntryType type{};
  AccountId account{};  // 0: none, or erased
  std::string purpose;
};

/// TrailQuery says which entries are wanted, newest first.
struct TrailQuery {
  std::optional<AccountId> account;
  std::optional<EntryType> type;
  std::string purpose;               // exactly; empty: any
  std::optional<Moment> from, to;    // half-open window [from, to)
  std::optional<EntryIndex> before;  // entries below this one
  std::size_t most = 50;
};

/// Trail is what was found, and where to go on.
struct TrailPage {
  std::vector<TrailLine> lines;
  std::optional<EntryIndex> more_before;  // there may be more below this entry
  std::uint64_t entries = 0;              // of the ledger, covered
};

/// TrailTally counts entries since a moment by who asked, for what, and what came of it.
struct TrailTally {
  struct Key {
    AccountId account{};
    std::string purpose;
    EntryType type{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, std::uint64_t> counts;
  std::uint64_t looked_at = 0;
  bool cut = false;  // older entries than were looked at lie in the time as well
};

class Trails {
 public:
  struct Options {
    std::string file;
    Key256 key;
    storage::Disk* disk = nullptr;  // null: system_disk()
  };
  /// open reads where the blocks lie; a file that is damaged is emptied, because it can be made
  /// again. Errors: file_failed, disk_full.
  static Result<std::unique_ptr<Trails>> open(const Options& options);
  ~Trails();

  /// Scan visits durable entries from an index on, opened as far as their slices live.
  using Scan = std::function<Result<void>(EntryIndex from,
                                          const std::function<bool(const ledger::Opened&)>& visit)>;
  /// catch_up takes in at most `most` entries more; false when none are left. Errors: those of the
  /// scan, file_failed, disk_full.
  Result<bool> catch_up(const Scan& scan, std::size_t most);
  /// forget empties it, so that nothing of what was erased stays. Errors: file_failed.
  Result<void> forget();
  /// find searches what is covered. Errors: seal_broken, file_failed.
  Result<TrailPage> find(const TrailQuery& query) const;
  /// tally counts the entries of these accounts since `from`, looking at no more than `most`
  /// entries of any. Errors: as find.
  Result<TrailTally> tally(const std::set<AccountId>& accounts, Moment from,
                           std::uint64_t most) const;

 private:
  struct State;
  explicit Trails(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::lookup
