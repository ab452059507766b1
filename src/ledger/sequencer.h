#pragma once
// The sequencer: one thread that gives entries their place, writes each batch as one frame with one
// pwrite and one fdatasync, and only then lets the waiting answers go.
//
// Invariants (sequencer.cc):
//  1. No submission is settled with success before the fdatasync of the frame that holds its last
//     entry returned success.                                              write_batch, settle
//  2. No signed head leaves this thread before that; a head whose frame could not be written is
//     forgotten, and the next frame overwrites every byte of it.           write_batch
//     (dirty_until_)
//  3. After a failed fdatasync nothing is written any more.                die
//  4. Times never decrease along the log.                                  place_entry
//  5. A leaf that is not what its handler hashed is never signed.          place_entry

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/frame.h"
#include "ledger/note.h"
#include "ledger/recovery.h"
#include "ledger/segment.h"
#include "ledger/submission.h"
#include "storage/file.h"

namespace amanat::ledger {

class Sequencer {
 public:
  struct Setup {
    const NoteSigner* signer = nullptr;
    Filler* filler = nullptr;                // already asked for the segment after this one
    std::unique_ptr<storage::File> segment;  // the one `state.next` lies in
    Recovered state;
    std::size_t queue_entries_max = 8192;
    std::function<void(std::shared_ptr<const Batch>)> on_durable;  // on the sequencer's thread
    std::function<void(Snapshot)> on_segment_end;
    std::function<void(std::shared_ptr<Submission>)> on_quorum_wanted;  // durable, not settled
    std::function<bool()> is_behind;                 // projections cannot keep up: refuse for now
    std::function<void(std::string_view)> on_death;  // an fdatasync failed
  };
  explicit Sequencer(Setup setup);
  /// The destructor is stop() if that was not called.
  ~Sequencer();

  /// submit queues an append. Errors: too_busy, shutting_down, ledger_not_durable (nothing queued).
  Result<void> submit(std::shared_ptr<Submission> submission);
  /// stop drains the queue, writes the closing frame and ends; true if that frame is durable.
  bool stop();
  /// die makes every append from now on fail. From any thread.
  void die() { dead_.store(true); }
  bool is_dead() const { return dead_.load(); }

  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  /// payload_max is how many bytes entries and openings of one frame may have.
  std::size_t payload_max() const { return payload_max_; }

 private:
  struct Part {  // entries of one submission that lie in the batch being made
    std::shared_ptr<Submission> submission;
    std::uint64_t first_index = 0;
    std::uint32_t count = 0;
    bool last = false;
  };
  struct Waiting {
    std::shared_ptr<Submission> submission;
    std::uint32_t placed = 0;
  };

  void run();
  bool drain();
  void sleep_until_called();
  void linger();
  void gather();
  bool place(Waiting& waiting);
  bool place_entry(Submission& submission, std::uint32_t which, std::uint64_t index);
  bool fits(const Prepared& entry) const;
  void commit_batch();
  static void note_marks(Batch& batch, const Part& part);
  static void forget_openings(const Part& part);
  Result<void> write_batch(Batch& batch);
  Result<void> write_frame(std::string_view frame);
  Result<void> next_segment();
  void die_of(const Failure& failure);
  void settle(Part& part);
  void refuse(Submission& submission, Failure failure);
  void finish(Submission& submission);
  void hand_over();

  Setup setup_;
  const std::string origin_;
  const Digest log_;
  const std::uint64_t segment_bytes_;
  const std::size_t payload_max_;

  // the queue: a stack that many push to and one takes whole
  alignas(64) std::atomic<Submission*> head_{nullptr};
  alignas(64) std::atomic<std::size_t> queued_{0};
  alignas(64) std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false}, dead_{false};
  std::atomic<std::uint64_t> size_;

  // the log's end; the sequencer's thread only
  CompactRange range_;
  Digest frame_hash_;
  std::uint64_t batch_number_;
  Moment last_time_;
  Place at_;
  std::string checkpoint_;
  std::uint64_t dirty_until_ = 0;  // bytes of refused frames may lie in [at_.offset, dirty_until_)

  // the batch being made
  std::deque<Waiting> waiting_;
  FrameBuilder builder_;
  std::vector<Digest> leaves_;
  std::vector<Part> parts_;
  Moment batch_time_{};
  std::size_t last_batch_entries_ = 0;
  std::vector<std::pair<Home*, std::vector<std::coroutine_handle<>>>> freed_;  // few homes
  std::string padded_;  // a frame followed by zeros over a refused one

  bool closed_cleanly_ = false;
  std::thread thread_;
};

}  // namespace amanat::ledger
