#include "ledger/sequencer.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

// A linger pays only when many wait for each other's fsync anyway (measured: +17 % of a full
// lookup's throughput above about 8 entries a batch; below that it only delays).
constexpr std::size_t kLingerAbove = 8;
constexpr auto kLingerMax = std::chrono::microseconds(300);
constexpr auto kLingerStep = std::chrono::microseconds(50);
constexpr std::size_t kItemOverhead = 2 + 4;  // length fields of an entry and its opening

Submission kClosedMark;  // head_ points here once the queue is closed
Submission* closed() { return &kClosedMark; }

// Resumes many coroutines of one Home in one go, so that answers freed by one fsync are written
// together.
struct Together {
  struct promise_type {
    Together get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Together resume_all(std::vector<std::coroutine_handle<>> coroutines) {
  for (const auto& coroutine : coroutines) coroutine.resume();
  co_return;
}

}  // namespace

Sequencer::Sequencer(Setup setup)
    : setup_(std::move(setup)),
      origin_(setup_.signer->verifier().name),
      log_(log_id(origin_)),
      segment_bytes_(setup_.filler->segment_bytes()),
      payload_max_(std::min<std::uint64_t>(kFramePayloadMax,
                                           segment_bytes_ - kFrameHead - kFrameTrailerMax)),
      size_(setup_.state.range.size()),
      range_(std::move(setup_.state.range)),
      frame_hash_(setup_.state.frame_hash),
      batch_number_(setup_.state.next_batch),
      last_time_(setup_.state.last_time),
      at_(setup_.state.next),
      checkpoint_(std::move(setup_.state.checkpoint)) {
  insist(segment_bytes_ >= 64 * 1024 && setup_.segment != nullptr);
  insist(range_.size() > 0 && at_.offset <= segment_bytes_);
  thread_ = std::thread([this] { run(); });
}

Sequencer::~Sequencer() { stop(); }

Result<void> Sequencer::submit(std::shared_ptr<Submission> submission) {
  insist(submission != nullptr && !submission->entries.empty());
  if (dead_) return fail(Reason::ledger_not_durable, "the ledger's disk failed");
  if (setup_.is_behind && setup_.is_behind()) return fail(Reason::too_busy, "ledger projections");
  // An append larger than the queue takes half of it, or it could only go in when the queue is empty,
  // and everybody else would be turned away while it is written.
  const std::size_t entries = submission->entries.size();
  const std::size_t n = entries > setup_.queue_entries_max
                            ? std::max<std::size_t>(1, setup_.queue_entries_max / 2)
                            : entries;
  submission->charge = n;
  const std::size_t before = queued_.fetch_add(n, std::memory_order_relaxed);
  if (before != 0 && before + n > setup_.queue_entries_max) {
    queued_.fetch_sub(n, std::memory_order_relaxed);
    return fail(Reason::too_busy, "ledger queue");
  }
  Submission* const raw = submission.get();
  raw->self = std::move(submission);
  Submission* head = head_.load(std::memory_order_relaxed);
  do {
    if (head == closed()) {
      queued_.fetch_sub(n, std::memory_order_relaxed);
      raw->self.reset();
      return fail(Reason::shutting_down);
    }
    raw->next = head;
  } while (!head_.compare_exchange_weak(head, raw, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) asleep_.notify_one();
  return {};
}

bool Sequencer::stop() {
  if (thread_.joinable()) {
    stopping_ = true;
    if (asleep_.exchange(false)) asleep_.notify_one();
    thread_.join();
  }
  return closed_cleanly_;
}

void Sequencer::run() {
  // The kernel otherwise rounds our 50 us pauses up by as much again.
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  for (;;) {
    const bool closed_now = drain();
    if (waiting_.empty()) {
      if (closed_now) break;
      sleep_until_called();
      continue;
    }
    if (!closed_now) linger();
    commit_batch();
  }
  if (dead_) return;
  // A closing frame: what is bad after it was never a torn write.
  builder_.begin();
  leaves_.clear();
  Batch closing;
  closed_cleanly_ = write_batch(closing).has_value();
}

// drain takes what has arrived, in order; true once the queue is closed and empty.
bool Sequencer::drain() {
  Submission* list = head_.load(std::memory_order_acquire);
  if (list == closed()) return true;
  const bool close = stopping_.load();
  list = head_.exchange(close ? closed() : nullptr, std::memory_order_acq_rel);
  const std::size_t begin = waiting_.size();
  for (; list != nullptr; list = list->next) waiting_.push_back({std::move(list->self), 0});
  std::reverse(waiting_.begin() + static_cast<std::ptrdiff_t>(begin), waiting_.end());
  return close;
}

void Sequencer::sleep_until_called() {
  asleep_.store(true, std::memory_order_seq_cst);
  if (head_.load(std::memory_order_seq_cst) != nullptr || stopping_) {
    asleep_.store(false);
    return;
  }
  asleep_.wait(true);
}

// Waits while a wave like the last one is still coming in.
void Sequencer::linger() {
  if (last_batch_entries_ <= kLingerAbove) return;
  const auto until = std::chrono::steady_clock::now() + kLingerMax;
  std::size_t seen = queued_.load(std::memory_order_relaxed);
  while (seen < last_batch_entries_ && !stopping_) {
    std::this_thread::sleep_for(kLingerStep);
    const std::size_t now = queued_.load(std::memory_order_relaxed);
    if (now == seen || std::chrono::steady_clock::now() >= until) break;
    seen = now;
  }
  drain();
}

bool Sequencer::fits(const Prepared& entry) const {
  return builder_.count() < kFrameEntriesMax &&
         builder_.payload_bytes() + kItemOverhead + entry.leaf.size + entry.opening.size() <=
             payload_max_;
}

// place_entry copies an entry into the frame and checks it there; false if it is not what its
// handler hashed.
bool Sequencer::place_entry(Submission& s, std::uint32_t which, std::uint64_t index) {
  Prepared& entry = s.entries[which];
  char* const at = builder_.add(entry.leaf.view(), entry.opening);
  const std::string_view bytes(at, entry.leaf.size);
  Digest hash = leaf_hash(bytes);
  if (hash != entry.hash) return false;
  bool changed = false;
  if (const Moment time = time_of(bytes); time < batch_time_) {
    restamp(at, batch_time_);
    changed = true;
  } else {
    batch_time_ = time;
  }
  if (s.closes_with_export && which + 1 == s.entries.size()) {
    insist(which > 0);
    fill_export_tail(at, EntryIndex{s.first_index}, which);
    changed = true;
  }
  if (changed) {
    hash = leaf_hash(bytes);
    if (leaf_hash(bytes) != hash) return false;
    std::memcpy(entry.leaf.bytes.data(), at, entry.leaf.size);
    entry.hash = hash;
  }
  insist(index == range_.size() + leaves_.size());
  leaves_.push_back(hash);
  return true;
}

// place puts as much of one submission into the batch as belongs there; false if the batch is full.
bool Sequencer::place(Waiting& w) {
  Submission& s = *w.submission;
  const auto total = static_cast<std::uint32_t>(s.entries.size());
  if (builder_.count() > 0) {
    // An append that does not fit any more begins a frame of its own: few are ever split.
    std::size_t bytes = builder_.payload_bytes();
    for (std::uint32_t i = w.placed; i < total; ++i)
      bytes += kItemOverhead + s.entries[i].leaf.size + s.entries[i].opening.size();
    if (bytes > payload_max_ || builder_.count() + (total - w.placed) > kFrameEntriesMax)
      return false;
  }
  const auto mark = builder_.mark();
  const std::size_t leaves = leaves_.size();
  const Moment time = batch_time_;
  Part part{w.submission, range_.size() + leaves, 0, false};
  if (w.placed == 0) s.first_index = part.first_index;
  while (w.placed < total && fits(s.entries[w.placed])) {
    if (!place_entry(s, w.placed, part.first_index + part.count)) {
      builder_.back_to(mark);
      leaves_.resize(leaves);
      batch_time_ = time;
      refuse(s, {Reason::ledger_not_durable, "an entry changed in memory before it was signed"});
      w.placed = total;
      return true;
    }
    ++w.placed;
    ++part.count;
  }
  part.last = w.placed == total;
  insist(part.count > 0);
  parts_.push_back(std::move(part));
  return parts_.back().last;
}

void Sequencer::gather() {
  builder_.begin();
  leaves_.clear();
  parts_.clear();
  batch_time_ = last_time_;
  while (!waiting_.empty() && builder_.count() < kFrameEntriesMax) {
    Waiting& w = waiting_.front();
    const bool done = place(w);
    if (w.placed == w.submission->entries.size()) waiting_.pop_front();
    if (!done) break;
  }
}

void Sequencer::commit_batch() {
  gather();
  if (!parts_.empty()) {
    auto batch = std::make_shared<Batch>();
    auto written =
        dead_ ? fail(Reason::ledger_not_durable, "the ledger's disk failed") : write_batch(*batch);
    last_batch_entries_ = leaves_.size();
    if (written) {
      last_time_ = batch_time_;
      for (Part& part : parts_) {
        note_marks(*batch, part);
        if (part.submission->bulk) forget_openings(part);
        part.submission->runs.push_back({batch, part.first_index, part.count});
      }
      for (Part& part : parts_) {
        settle(part);
      }
      if (setup_.on_durable) setup_.on_durable(std::move(batch));
    } else {
      Failure failure = std::move(written.error());
      if (failure.reason != Reason::disk_full) failure.reason = Reason::ledger_not_durable;
      for (Part& part : parts_) refuse(*part.submission, failure);
      // The rest of an append whose beginning was refused is not written either.
      if (!parts_.back().last) waiting_.pop_front();
    }
  }
  parts_.clear();
  hand_over();
}

// The openings of a bulk answer are on the disk now: a hundred megabytes that nobody needs.
void Sequencer::forget_openings(const Part& part) {
  std::size_t which = 0;
  for (const auto& run : part.submission->runs) which += run.count;
  for (std::uint32_t i = 0; i < part.count; ++i)
    std::string().swap(part.submission->entries[which + i].opening);
}

// What the map of citizens wants to know of a batch; noted before anybody else holds it.
void Sequencer::note_marks(Batch& batch, const Part& part) {
  const auto& entries = part.submission->entries;
  std::size_t which = 0;
  for (const auto& run : part.submission->runs) which += run.count;
  for (std::uint32_t i = 0; i < part.count; ++i, ++which) {
    const Prepared& entry = entries[which];
    const std::uint64_t index = part.first_index + i;
    const auto type = static_cast<EntryType>(entry.leaf.bytes[1]);
    using Kind = Batch::Mark::Kind;
    if (entry.subject)
      batch.marks.push_back({Kind::entry, index, *entry.subject, {}});
    else if (type == EntryType::epoch)
      batch.marks.push_back(
          {Kind::epoch, index, {}, std::string(entry.leaf.view().substr(kEntryHead))});
    else if (type == EntryType::erasure)
      batch.marks.push_back({Kind::run, index, {}, {}});
  }
}

// Signs and writes what gather() put together; everything the log remembers changes only after
// both system calls have returned success. Syscalls: pwrite, fdatasync, nothing else (but once a
// segment, next_segment()).
Result<void> Sequencer::write_batch(Batch& batch) {
  CompactRange after = range_;
  if (!leaves_.empty()) {
    batch.tree.fold(range_, leaves_);
    after = batch.tree.after();
  }
  const Digest root = after.root();
  batch.checkpoint = setup_.signer->sign(checkpoint_text(origin_, after.size(), root));
  FrameHead head;
  head.log = log_;
  head.batch = batch_number_;
  head.first = range_.size();
  head.previous = frame_hash_;
  Digest hash;
  const std::string_view frame = builder_.finish(head, after.size(), root, batch.checkpoint, hash);
  if (at_.offset + frame.size() > segment_bytes_)
    if (auto moved = next_segment(); !moved) return moved;
  if (auto written = write_frame(frame); !written) return written;

  batch.place = at_;
  batch.leaves = leaves_;
  range_ = std::move(after);
  frame_hash_ = hash;
  ++batch_number_;
  at_.offset += frame.size();
  checkpoint_ = batch.checkpoint;
  size_.store(range_.size(), std::memory_order_release);
  return {};
}

Result<void> Sequencer::write_frame(std::string_view frame) {
  const std::uint64_t end = at_.offset + frame.size();
  if (dirty_until_ > end) {
    // A longer frame was refused here and may lie on the disk in part: zeros over all of it.
    padded_.assign(frame);
    padded_.resize(static_cast<std::size_t>(dirty_until_ - at_.offset), '\0');
    frame = padded_;
  }
  if (auto written = setup_.segment->write_at(at_.offset, frame); !written) {
    dirty_until_ = std::max(dirty_until_, end);
    return written;
  }
  if (auto synced = setup_.segment->sync(); !synced) {
    die_of(synced.error());
    return synced;
  }
  dirty_until_ = 0;
  return {};
}

Result<void> Sequencer::next_segment() {
  if (dirty_until_ > at_.offset) {
    const std::string zeros(static_cast<std::size_t>(dirty_until_ - at_.offset), '\0');
    if (auto written = setup_.segment->write_at(at_.offset, zeros); !written) return written;
    if (auto synced = setup_.segment->sync(); !synced) {
      die_of(synced.error());
      return synced;
    }
    dirty_until_ = 0;
  }
  auto next = setup_.filler->take();
  if (!next) return std::unexpected(std::move(next.error()));
  setup_.segment = std::move(*next);
  at_ = {at_.segment + 1, 0};
  setup_.filler->want(at_.segment + 1);
  if (setup_.on_segment_end)
    setup_.on_segment_end(
        {at_.segment, batch_number_, last_time_, frame_hash_, range_, checkpoint_});
  return {};
}

// After a failed fdatasync the kernel may call the lost pages clean (Rebello et al., ATC'20):
// nothing that is written from now on could be believed.
void Sequencer::die_of(const Failure& failure) {
  dead_ = true;
  for (Part& part : parts_) refuse(*part.submission, {Reason::ledger_not_durable, failure.detail});
  hand_over();
  if (setup_.on_death) setup_.on_death(failure.detail);
}

void Sequencer::settle(Part& part) {
  if (!part.last || part.submission->failure) return;
  if (!part.submission->wants_quorum) return finish(*part.submission);
  queued_.fetch_sub(part.submission->charge, std::memory_order_relaxed);
  setup_.on_quorum_wanted(part.submission);
}

void Sequencer::refuse(Submission& s, Failure failure) {
  if (s.failure) return;  // settled already
  s.failure = std::move(failure);
  finish(s);
}

void Sequencer::finish(Submission& s) {
  queued_.fetch_sub(s.charge, std::memory_order_relaxed);
  const auto waiter = ledger::settle(s);
  if (!waiter) return;
  auto group = std::find_if(freed_.begin(), freed_.end(),
                            [&waiter](const auto& g) { return g.first == waiter->first; });
  if (group == freed_.end()) group = freed_.insert(group, {waiter->first, {}});
  group->second.push_back(waiter->second);
}

void Sequencer::hand_over() {
  for (auto& [home, coroutines] : freed_) {
    if (coroutines.size() == 1)
      home->resume(coroutines.front());
    else
      home->resume(resume_all(std::move(coroutines)).handle);
  }
  freed_.clear();
}

}  // namespace amanat::ledger
