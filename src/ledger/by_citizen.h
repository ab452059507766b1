#pragma once
// By citizen: which entries of the log are whose, the map over them, and the EPOCH entries that tie
// the map to the log (ledger page 5.3). Off the acknowledgement path, on a thread of its own.
//
// The chain file (docs/ledger-frames.md section 9) lists every entry with a subject, sealed, in the
// log's order, each with the place of the one before it of the same citizen. While all openings
// live it is a projection; once a slice is destroyed its lines are primary data, so it is synced
// before any key is destroyed (keep).
//
// Invariants
//  1. The chain file never names an entry that is not durable in the log.
//  2. An EPOCH's root is the map over exactly the entries below its covered_size.
//  3. The file of the map (ledger/map_file.h) is of an EPOCH in the log, and the chain file was
//     durable up to where it goes on before it was written.
//  4. Histories are served from the newest epoch whose EPOCH entry is published.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/map.h"
#include "ledger/projection.h"
#include "ledger/publisher.h"
#include "ledger/submission.h"
#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

std::string chains_path(const std::string& ledger_directory);

/// EpochMark is an EPOCH entry of the log.
struct EpochMark {
  std::uint64_t index = 0;  // its own; 0: there is none yet
  std::uint64_t epoch = 0, covered = 0;
  Digest root{};
  std::uint64_t previous = 0;
};
std::string tail_of_epoch(const EpochMark& mark);
EpochMark read_epoch_tail(std::uint64_t index, std::string_view tail);

/// ChainLine is one line of the chain file: an entry of a citizen, an EPOCH, or a retention run.
struct ChainLine {
  using Kind = Batch::Mark::Kind;
  Kind kind = Kind::entry;
  std::uint64_t index = 0;
  Label label{};
  Digest leaf{};
  std::uint64_t before = 0;  // place of the citizen's previous line; 0: none
  EpochMark epoch;
};

/// ChainFile is the sealed file of chain lines. One thread, but for read().
class ChainFile {
 public:
  using Visit = std::function<void(const ChainLine&, std::uint64_t place)>;
  /// From is a place between two blocks: how far the file listed the log when it ended there.
  struct From {
    std::uint64_t offset = 0, covered = 0;
  };
  /// open reads every whole block from a place on (offset 0: all), visits its lines and cuts off a
  /// torn end. Errors: file_failed, disk_full, ledger_corrupt (of another log or key), no_record
  /// (it has no block that begins at that place: nothing was visited or changed).
  static Result<std::unique_ptr<ChainFile>> open(storage::Disk& disk, const std::string& directory,
                                                 const Digest& log, const Key256& key, From from,
                                                 const Visit& visit);
  /// end is where the next block will begin, once everything added was flushed.
  From end() const { return {end_, covered_}; }
  /// add takes a line and returns its place; it is written by flush.
  std::uint64_t add(const ChainLine& line);
  /// flush writes the lines added; they cover entries below `covered`. May be called again after an
  /// error. sync makes them durable. Errors: file_failed, disk_full.
  Result<void> flush(std::uint64_t covered);
  Result<void> sync();
  /// read gives the line at a place that add returned and flush wrote. Errors: ledger_corrupt.
  Result<ChainLine> read(std::uint64_t place) const;
  /// visit gives every line written of entries below `covered`, in order. From any thread.
  Result<void> visit(std::uint64_t covered, const Visit& visit) const;

 private:
  static constexpr std::size_t kLinesMax = 512;
  ChainFile(const Digest& log, const Key256& key) : log_(log), key_(key) {}
  struct Block {
    std::uint64_t offset = 0, bytes = 0, from = 0, to = 0;
    std::vector<ChainLine> lines;
  };
  Result<std::optional<Block>> block_at(std::uint64_t offset) const;
  Result<bool> begins_at(const From& from) const;
  Result<bool> later_block() const;
  std::string encode(const std::vector<ChainLine>& lines, std::uint64_t offset, std::uint64_t from,
                     std::uint64_t to) const;
  static std::size_t bytes_of_line(const ChainLine& line);

  const Digest log_;
  const Key256 key_;
  mutable std::mutex mutex_;  // the file, and the block read last
  std::unique_ptr<storage::File> file_;
  mutable Block last_read_;
  std::vector<std::vector<ChainLine>> waiting_;  // blocks in the making
  std::vector<std::uint64_t> offsets_;           // where each will begin
  std::uint64_t end_ = 0;                        // of what is written
  std::uint64_t next_ = 0;                       // where the next block begins
  std::uint64_t covered_ = 0;
};

/// KeptMap is what is kept of the map of an EPOCH besides its mailboxes.
struct KeptMap {
  EpochMark epoch;                  // whose map it is
  ChainFile::From rest;             // behind the chain file's lines that are in it
  std::vector<std::uint64_t> runs;  // ERASURE entries of retention runs among those lines
};

class ByCitizen {
 public:
  struct Setup {
    storage::Disk* disk = nullptr;
    std::string directory;
    Digest log{};
    CitizenOptions options;
    const Projection* projection = nullptr;
    std::uint64_t size = 0;  // of the log when it was opened
    std::function<std::shared_ptr<const Head>()> head;
    /// append_epoch submits an EPOCH entry; null if it was not taken.
    std::function<std::shared_ptr<Submission>(const EpochMark&)> append_epoch;
    std::function<void(std::string_view)> alarm;
  };
  explicit ByCitizen(Setup setup);
  ~ByCitizen();
  ByCitizen(const ByCitizen&) = delete;
  ByCitizen& operator=(const ByCitizen&) = delete;

  /// start begins the thread; the callbacks must work from now on.
  void start();
  /// durable is told of each batch, in order, on the sequencer's thread.
  void durable(std::shared_ptr<const Batch> batch);
  /// keep returns once the chain file durably lists the first `size` entries, which are durable. To
  /// be called before slices are destroyed. Errors: file_failed, disk_full, shutting_down,
  /// ledger_corrupt (an entry's citizen is not known).
  Result<void> keep(std::uint64_t size);
  /// cover makes a last EPOCH over whatever none covers, before the log closes.
  void cover();
  /// stop ends the thread; everything durable is listed.
  void stop();

  /// Found is what the map and the chain file know of a citizen at the newest published epoch.
  struct Found {
    Label label{};
    EpochMark epoch;
    Digest secret{};
    MapProof proof;
    Mailbox mailbox;  // count 0: never named
    std::vector<ChainLine> chain;
    std::vector<std::uint64_t> runs;  // ERASURE entries of retention runs, ascending
  };
  /// find. Where the log has no EPOCH yet the first is made now, and waited for. Errors: too_busy
  /// (the map is being rebuilt, or no epoch is published yet), ledger_corrupt.
  Result<Found> find(const Label& label) const;
  /// lines_now is a citizen's lines up to now, oldest first. Errors: too_busy, ledger_corrupt.
  Result<std::vector<ChainLine>> lines_now(const Label& label) const;
  /// hasten makes the next EPOCH due at once unless one that is served covers every entry of a
  /// citizen below `size`; it says whether one does. Call it until it does.
  bool hasten(std::uint64_t size);
  /// last_served is the newest EPOCH histories are made from; index 0: none.
  EpochMark last_served() const;
  /// visit_chain gives, in the order of the log, every line that the newest EPOCH covers, those
  /// among the first `size` entries included. Errors: too_busy, those of keep.
  Result<void> visit_chain(std::uint64_t size, const std::function<void(const ChainLine&)>& visit);

 private:
  using Clock = std::chrono::steady_clock;
  struct LabelHash {  // a label is the output of a keyed hash already
    std::size_t operator()(const Label& label) const {
      std::size_t hash;
      std::memcpy(&hash, label.data(), sizeof hash);
      return hash;
    }
  };
  void run();
  void build();
  ChainFile::From take_kept();
  void go_on_from(KeptMap kept);
  Result<bool> is_in_log(const EpochMark& epoch) const;
  void keep_map(bool closing);
  Result<void> catch_up();
  void take(const Batch& batch);
  void take_line(ChainLine line);
  void fold_loaded(const EpochMark& epoch);
  void flush();
  bool due() const;
  bool due_over_nobody(const EpochMark& next) const;
  bool settled() const;
  std::optional<Failure> sync(bool wanted);
  void give_up_stage();
  void commit();
  void try_epoch();
  void try_commit();
  void broken(const std::string& words);

  const Setup setup_;
  mutable std::mutex mutex_;
  mutable std::condition_variable called_, kept_;
  std::vector<std::shared_ptr<const Batch>> arrived_;
  std::uint64_t asked_keep_ = 0, done_keep_ = 0;
  std::optional<Failure> keep_failure_;
  std::uint64_t settled_ = 0;  // every entry of a citizen below it is covered by what is served
  std::atomic<bool> hasten_{false};
  mutable std::atomic<bool> asked_{false};  // for a history, or for everything to be covered
  bool cover_ = false, covered_all_ = false, stopping_ = false, started_ = false;
  bool built_ = false;
  EpochMark served_, newest_;        // under mutex_: committed to the map; known to be durable
  std::vector<std::uint64_t> runs_;  // under mutex_

  // under mutex_ when changed, and read by find()
  Map map_;

  // the thread's own
  std::unique_ptr<ChainFile> file_;
  std::vector<MapUpdate> pending_;  // listed, not yet folded
  // label -> last line among those not committed; under mutex_ when changed
  std::unordered_map<Label, std::uint64_t, LabelHash> places_;
  std::uint64_t processed_ = 0;      // entries below it are listed
  std::optional<EpochMark> staged_;  // index 0 until it is durable
  std::vector<MapUpdate> in_stage_;
  ChainFile::From stage_rest_;             // where the lines begin that staged_ does not cover
  std::optional<KeptMap> keep_next_;       // of the map as it is now, if it can be kept
  std::uint64_t listed_ = 0;               // lines of citizens since the map was kept
  std::shared_ptr<Submission> submitted_;  // the staged EPOCH, until it is settled
  Clock::time_point first_pending_{};
  bool dirty_ = false;
  std::atomic<bool> broken_{false};
  std::thread thread_;
};

}  // namespace amanat::ledger
