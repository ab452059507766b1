#include "ledger/publisher.h"

#include <algorithm>
#include <chrono>

#include "ledger/note.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
constexpr milliseconds kProjectEvery{50};
constexpr milliseconds kIdle{5000};
constexpr std::size_t kPublishedBytesMax = 64 * 1024;

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::start(Setup setup, std::uint64_t size,
                                                    const Digest& root,
                                                    const std::string& checkpoint) {
  insist(setup.disk != nullptr && setup.projection != nullptr);
  std::unique_ptr<Publisher> p(new Publisher(std::move(setup)));
  if (auto r = p->publish(size, root, checkpoint, false); !r)
    return std::unexpected(std::move(r.error()));
  p->thread_ = std::thread([raw = p.get()] { raw->run(); });
  return p;
}

Publisher::~Publisher() { stop(false); }

void Publisher::durable(std::shared_ptr<const Batch> batch) {
  backlog_.fetch_add(batch->leaves.size(), std::memory_order_relaxed);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = arrived_.empty();
    arrived_.push_back(std::move(batch));
  }
  if (first) called_.notify_one();
}

void Publisher::segment_ended(Snapshot snapshot) {
  const std::lock_guard lock(mutex_);
  ended_.push_back(std::move(snapshot));
}

std::shared_ptr<const Head> Publisher::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

void Publisher::stop(bool closed) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  called_.notify_one();
  thread_.join();
  if (unflushed_ > 0) return;  // the projections could not be written: recovery makes them
  const auto head = this->head();
  // Recovery holds the log to what this file says; a head that is not published stays open.
  if (newest_ && newest_->size() > head->size)
    (void)publish(newest_->size(), newest_->tree.root(), newest_->checkpoint, closed);
  else if (closed)
    (void)publish(head->size, head->root, head->checkpoint, true);
}

void Publisher::run() {
  auto published_at = Clock::now();
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool work = !arrived_.empty() || unflushed_ > 0 || !snapshots_.empty() ||
                      (newest_ && newest_->size() > head_->size);
    if (!stopping_) {
      const auto every = milliseconds(setup_.publish_every_ms);
      // With work waiting: by and by, so that many batches are projected in one go.
      if (work)
        called_.wait_for(lock,
                         std::min<milliseconds>(kProjectEvery, std::max(every, milliseconds(1))),
                         [this] { return stopping_; });
      else
        called_.wait_for(lock, kIdle, [this] { return stopping_ || !arrived_.empty(); });
    }
    const bool last = stopping_;
    const auto batches = std::exchange(arrived_, {});
    for (auto& s : ended_) snapshots_.push_back(std::move(s));
    ended_.clear();
    lock.unlock();

    project(batches);
    write_snapshots();
    if (!last && Clock::now() - published_at >= milliseconds(setup_.publish_every_ms)) {
      if (setup_.on_tick) setup_.on_tick();
      // A failed write leaves the old head served; the next round tries again.
      if (newest_ && unflushed_ == 0 && newest_->size() > head()->size)
        (void)publish(newest_->size(), newest_->tree.root(), newest_->checkpoint, false);
      published_at = Clock::now();
    }
    lock.lock();
    if (last && arrived_.empty()) return;
  }
}

void Publisher::project(const std::vector<std::shared_ptr<const Batch>>& batches) {
  for (const auto& batch : batches) {
    setup_.projection->append(batch->leaves, batch->place);
    unflushed_ += batch->leaves.size();
    newest_ = batch;
  }
  if (unflushed_ == 0) return;
  if (!setup_.projection->flush()) return;  // disk full, say: kept in memory, tried again
  backlog_.fetch_sub(unflushed_, std::memory_order_relaxed);
  unflushed_ = 0;
}

// A snapshot counts on the tiles before it, so they are synced first.
void Publisher::write_snapshots() {
  while (!snapshots_.empty() && snapshots_possible_) {
    const Snapshot& s = snapshots_.front();
    if (setup_.projection->size() < s.range.size()) return;
    if (!setup_.projection->sync()) {
      snapshots_possible_ = false;  // never twice; the next start reads a little more instead
      break;
    }
    const auto path = snapshot_path(setup_.directory, s.segment);
    if (!storage::replace_file(*setup_.disk, path, encode_snapshot(s))) return;
    snapshots_.erase(snapshots_.begin());
  }
  if (!snapshots_possible_) snapshots_.clear();
}

// Compare: the file still carries this run's boot id. Swap: replace_file.
bool Publisher::still_ours() {
  auto bytes = read_small(*setup_.disk, published_path(setup_.directory), kPublishedBytesMax);
  if (!bytes) return true;  // unreadable is not usurped; replacing it will show
  auto published = decode_published(*bytes);
  return published && published->boot == setup_.boot;
}

Result<void> Publisher::publish(std::uint64_t size, const Digest& root,
                                const std::string& checkpoint, bool closed) {
  if (usurped_) return fail(Reason::exchange_busy, "another signer runs this log");
  const bool first = head_ == nullptr;
  if (!first && !still_ours()) {
    usurped_ = true;
    if (setup_.on_usurped) setup_.on_usurped("another signer has started on this log");
    return fail(Reason::exchange_busy, "another signer runs this log");
  }
  Head next{size, root, checkpoint};
  const bool greased = !first && head_->checkpoint == checkpoint;
  if (!greased) next.checkpoint += grease_lines(setup_.origin);
  const auto file = encode_published({setup_.boot, closed, next.checkpoint});
  if (auto r = storage::replace_file(*setup_.disk, published_path(setup_.directory), file); !r)
    return r;
  const std::lock_guard lock(mutex_);
  head_ = std::make_shared<const Head>(std::move(next));
  return {};
}

}  // namespace amanat::ledger
