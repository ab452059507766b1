#pragma once
// The publisher: off the acknowledgement path, on a thread of its own, it writes the projections of
// durable batches, the snapshot of each finished segment, and, at its own pace, the checkpoint that
// the world sees. Order of a publication: tiles, then the file `published`, then the witnesses, and
// once their quorum has cosigned it the served text. Without witnesses it is served at once.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/projection.h"
#include "ledger/recovery.h"
#include "ledger/submission.h"
#include "ledger/witness_circle.h"
#include "storage/file.h"

namespace amanat::ledger {

/// Head is a published checkpoint.
struct Head {
  std::uint64_t size = 0;
  Digest root{};
  std::string checkpoint;  // with cosignatures and grease
  unsigned cosignatures = 0;
};

/// cosigned_path is where the last head that had a quorum is kept, so that it is served again at
/// once after a restart.
std::string cosigned_path(const std::string& ledger_directory);

class Publisher {
 public:
  struct Setup {
    storage::Disk* disk = nullptr;
    std::string directory;
    std::string origin;
    std::string boot;
    Projection* projection = nullptr;
    unsigned publish_every_ms = 1000;
    std::function<void(std::string_view)> on_usurped;  // another signer has swapped its boot id in
    /// on_tick, about once a publication, is told without_quorum_ms().
    std::function<void(std::uint64_t)> on_tick;
    std::function<void(std::string_view)> alarm;
    struct Witnesses {
      TlogPolicy policy;
      OpenWitnessLine open_line;
      unsigned resubmit_ms = 60'000;  // an unchanged head, for a fresh time
      unsigned start_ms = 5000;       // how long a start waits for their answers
      unsigned wait_ms = 30'000;      // how long an append waits for the quorum that covers it
    };
    std::optional<Witnesses> witnesses;
    /// make_proofs fills Submission::proofs against a cosigned head. Errors: ledger_corrupt.
    std::function<Result<void>(Submission&, const Head&)> make_proofs;
  };
  /// start swaps this run's boot id in, with the recovered head as the first publication, and asks
  /// the witnesses about it. Errors: file_failed, disk_full, log_rolled_back (a witness has seen a
  /// longer log, or another one).
  static Result<std::unique_ptr<Publisher>> start(Setup setup, std::uint64_t size,
                                                  const Digest& root,
                                                  const std::string& checkpoint);
  ~Publisher();

  void durable(std::shared_ptr<const Batch> batch);
  void segment_ended(Snapshot snapshot);
  /// is_behind: so much waits to be projected that appends should pause.
  bool is_behind() const { return backlog_.load(std::memory_order_relaxed) > kBacklogMax; }

  std::shared_ptr<const Head> head() const;

  /// await_quorum settles a durable submission once a cosigned head covers it, or refuses it after
  /// Witnesses::wait_ms. Only with witnesses.
  void await_quorum(std::shared_ptr<Submission> submission);
  /// without_quorum_ms is for how long the head offered last has lacked its quorum; 0 if it has it.
  std::uint64_t without_quorum_ms() const;
  /// stop writes everything still waiting and publishes the last head; `closed` says whether the
  /// log ended with a closing frame.
  void stop(bool closed);

 private:
  static constexpr std::uint64_t kBacklogMax = 1u << 20;  // entries: 32 MiB of hashes
  explicit Publisher(Setup setup) : setup_(std::move(setup)) {}
  void run();
  void project(const std::vector<std::shared_ptr<const Batch>>& batches);
  void write_snapshots();
  Result<void> publish(std::uint64_t size, const Digest& root, const std::string& checkpoint,
                       bool closed);
  Result<void> swap(const std::string& checkpoint, bool closed);
  bool still_ours();
  Result<void> start_witnesses(std::uint64_t size, const Digest& root,
                               const std::string& checkpoint);
  std::optional<Head> last_cosigned(std::uint64_t size) const;
  void offer(std::uint64_t size, const Digest& root, const std::string& checkpoint);
  void tick_witnesses();
  void take_cosignatures();
  void release_waiting(bool stopping);
  std::chrono::milliseconds pause(bool work) const;

  Setup setup_;
  mutable std::mutex mutex_;
  std::condition_variable called_;
  std::vector<std::shared_ptr<const Batch>> arrived_;
  std::vector<Snapshot> ended_;
  bool stopping_ = false;
  std::shared_ptr<const Head> head_;
  bool cosignature_came_ = false;
  struct Waiting {
    std::shared_ptr<Submission> submission;
    std::uint64_t last_index = 0;
    std::chrono::steady_clock::time_point since;
  };
  std::vector<Waiting> waiting_;
  std::atomic<std::uint64_t> backlog_{0};
  std::atomic<std::int64_t> lacking_since_ms_{0};  // steady clock; 0: nothing lacks

  // the publisher's thread only
  std::shared_ptr<const Batch> newest_;  // projected, perhaps not yet published
  std::vector<Snapshot> snapshots_;
  std::uint64_t unflushed_ = 0;
  bool snapshots_possible_ = true;
  bool usurped_ = false;
  std::string swapped_;        // the checkpoint in the file `published`
  std::uint64_t offered_ = 0;  // size of the head offered last
  std::chrono::steady_clock::time_point offered_at_;
  bool quorum_ = false;        // the head offered last has it
  unsigned served_lines_ = 0;  // cosignatures of it that are served
  std::string kept_;           // text in the file `cosigned`
  std::chrono::steady_clock::time_point kept_at_;
  std::unique_ptr<WitnessCircle> circle_;
  std::thread thread_;
};

}  // namespace amanat::ledger
