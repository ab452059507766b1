#pragma once
// The publisher: off the acknowledgement path, on a thread of its own, it writes the projections of
// durable batches, the snapshot of each finished segment, and, at its own pace, the checkpoint that
// the world sees. Order of a publication: tiles, then the file `published`, then the served text.

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
#include "storage/file.h"

namespace amanat::ledger {

/// Head is a published checkpoint.
struct Head {
  std::uint64_t size = 0;
  Digest root{};
  std::string checkpoint;  // with grease
};

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
    std::function<void()> on_tick;                     // about once a publication
  };
  /// start swaps this run's boot id in, with the recovered head as the first publication.
  /// Errors: file_failed, disk_full.
  static Result<std::unique_ptr<Publisher>> start(Setup setup, std::uint64_t size,
                                                  const Digest& root,
                                                  const std::string& checkpoint);
  ~Publisher();

  void durable(std::shared_ptr<const Batch> batch);
  void segment_ended(Snapshot snapshot);
  /// is_behind: so much waits to be projected that appends should pause.
  bool is_behind() const { return backlog_.load(std::memory_order_relaxed) > kBacklogMax; }

  std::shared_ptr<const Head> head() const;
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
  bool still_ours();

  Setup setup_;
  mutable std::mutex mutex_;
  std::condition_variable called_;
  std::vector<std::shared_ptr<const Batch>> arrived_;
  std::vector<Snapshot> ended_;
  bool stopping_ = false;
  std::shared_ptr<const Head> head_;
  std::atomic<std::uint64_t> backlog_{0};

  // the publisher's thread only
  std::shared_ptr<const Batch> newest_;  // projected, perhaps not yet published
  std::vector<Snapshot> snapshots_;
  std::uint64_t unflushed_ = 0;
  bool snapshots_possible_ = true;
  bool usurped_ = false;
  std::thread thread_;
};

}  // namespace amanat::ledger
