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
constexpr milliseconds kOfferMax{15'000};  // then a newer head is offered without waiting on
constexpr milliseconds kKeepEvery{10'000};
constexpr std::size_t kPublishedBytesMax = 64 * 1024;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

std::string cosigned_path(const std::string& ledger_directory) {
  return ledger_directory + "/cosigned";
}

Result<std::unique_ptr<Publisher>> Publisher::start(Setup setup, std::uint64_t size,
                                                    const Digest& root,
                                                    const std::string& checkpoint) {
  insist(setup.disk != nullptr && setup.projection != nullptr);
  std::unique_ptr<Publisher> p(new Publisher(std::move(setup)));
  if (p->setup_.witnesses) {
    if (auto r = p->start_witnesses(size, root, checkpoint); !r)
      return std::unexpected(std::move(r.error()));
  } else if (auto r = p->publish(size, root, checkpoint, false); !r) {
    return std::unexpected(std::move(r.error()));
  }
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

void Publisher::await_quorum(std::shared_ptr<Submission> submission) {
  insist(setup_.witnesses.has_value() && !submission->runs.empty());
  const auto& run = submission->runs.back();
  const std::uint64_t last = run.first_index + run.count - 1;
  const std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(submission), last, Clock::now()});
}

std::uint64_t Publisher::without_quorum_ms() const {
  const std::int64_t since = lacking_since_ms_.load(std::memory_order_relaxed);
  return since == 0 ? 0
                    : static_cast<std::uint64_t>(std::max<std::int64_t>(0, steady_ms() - since));
}

void Publisher::stop(bool closed) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  called_.notify_one();
  thread_.join();
  circle_.reset();
  if (unflushed_ > 0) return;  // the projections could not be written: recovery makes them
  // Recovery holds the log to what the file says; a head that is not published stays open.
  const bool newer = newest_ && newest_->checkpoint != swapped_;
  if (setup_.witnesses) {
    if (newer || closed) (void)swap(newer ? newest_->checkpoint : swapped_, closed);
    return;
  }
  const auto head = this->head();
  if (newest_ && newest_->size() > head->size)
    (void)publish(newest_->size(), newest_->tree.root(), newest_->checkpoint, closed);
  else if (closed)
    (void)publish(head->size, head->root, head->checkpoint, true);
}

// With work waiting: by and by, so that many batches are projected in one go.
milliseconds Publisher::pause(bool work) const {
  const auto every = std::max(milliseconds(setup_.publish_every_ms), milliseconds(1));
  if (work) return std::min(kProjectEvery, every);
  if (!setup_.witnesses) return kIdle;
  return std::clamp(milliseconds(setup_.witnesses->resubmit_ms / 4), milliseconds(1), kIdle);
}

void Publisher::run() {
  auto published_at = Clock::now();
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool work = !arrived_.empty() || unflushed_ > 0 || !snapshots_.empty() ||
                      !waiting_.empty() ||
                      (newest_ && newest_->size() > std::max(head_->size, offered_));
    if (!stopping_)
      called_.wait_for(lock, pause(work), [this, work] {
        return stopping_ || cosignature_came_ || (!work && !arrived_.empty());
      });
    const bool last = stopping_;
    cosignature_came_ = false;
    const auto batches = std::exchange(arrived_, {});
    for (auto& s : ended_) snapshots_.push_back(std::move(s));
    ended_.clear();
    lock.unlock();

    project(batches);
    write_snapshots();
    if (circle_) take_cosignatures();
    const auto every = milliseconds(setup_.publish_every_ms);
    if (!last && Clock::now() - published_at >= every) {
      published_at = Clock::now();
      if (setup_.on_tick) setup_.on_tick(without_quorum_ms());
      // A failed write leaves the old head served; the next round tries again.
      if (circle_)
        tick_witnesses();
      else if (newest_ && unflushed_ == 0 && newest_->size() > head()->size)
        (void)publish(newest_->size(), newest_->tree.root(), newest_->checkpoint, false);
    }
    release_waiting(last);
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

Result<void> Publisher::swap(const std::string& checkpoint, bool closed) {
  if (usurped_) return fail(Reason::exchange_busy, "another signer runs this log");
  if (!swapped_.empty() && !still_ours()) {
    usurped_ = true;
    if (setup_.on_usurped) setup_.on_usurped("another signer has started on this log");
    return fail(Reason::exchange_busy, "another signer runs this log");
  }
  const auto file = encode_published({setup_.boot, closed, checkpoint});
  if (auto r = storage::replace_file(*setup_.disk, published_path(setup_.directory), file); !r)
    return r;
  swapped_ = checkpoint;
  return {};
}

Result<void> Publisher::publish(std::uint64_t size, const Digest& root,
                                const std::string& checkpoint, bool closed) {
  Head next{size, root, checkpoint, 0};
  const bool greased = head_ != nullptr && head_->checkpoint == checkpoint;
  if (!greased) next.checkpoint += grease_lines(setup_.origin);
  if (auto r = swap(next.checkpoint, closed); !r) return r;
  const std::lock_guard lock(mutex_);
  head_ = std::make_shared<const Head>(std::move(next));
  return {};
}

// The last head with a quorum, if it is one of this tree.
std::optional<Head> Publisher::last_cosigned(std::uint64_t size) const {
  auto bytes = read_small(*setup_.disk, cosigned_path(setup_.directory), kPublishedBytesMax);
  const VerifierKey* const log = setup_.witnesses->policy.log(setup_.origin);
  insist(log != nullptr);
  if (!bytes) return std::nullopt;
  const auto opened = open_checkpoint(*bytes, *log, setup_.witnesses->policy.keys());
  if (!opened || opened->checkpoint.size > size ||
      !setup_.witnesses->policy.reached(opened->signed_by))
    return std::nullopt;
  const auto root = setup_.projection->root_at(opened->checkpoint.size);
  if (!root || *root != opened->checkpoint.root) return std::nullopt;
  return Head{opened->checkpoint.size, *root, *bytes + grease_lines(setup_.origin),
              static_cast<unsigned>(opened->signed_by.size() - 1)};
}

// The recovered head is swapped in before any witness hears of it; then their sizes are compared
// with ours (ledger page 3.5 step 4).
Result<void> Publisher::start_witnesses(std::uint64_t size, const Digest& root,
                                        const std::string& checkpoint) {
  if (auto r = swap(checkpoint, false); !r) return r;
  auto served = last_cosigned(size);
  if (!served) served = Head{size, root, checkpoint + grease_lines(setup_.origin), 0};
  head_ = std::make_shared<const Head>(*std::move(served));
  WitnessCircle::Setup setup;
  setup.policy = setup_.witnesses->policy;
  setup.open_line = setup_.witnesses->open_line;
  setup.proof = [p = setup_.projection](std::uint64_t from, std::uint64_t to) {
    TileTree tree(to, [p](const TileName& name) { return p->tile(name); });
    return consistency_path(from, to, tree.reader());
  };
  setup.on_change = [this] {
    const std::lock_guard lock(mutex_);
    cosignature_came_ = true;
    called_.notify_one();
  };
  setup.alarm = setup_.alarm;
  circle_ = std::make_unique<WitnessCircle>(std::move(setup));
  offer(size, root, checkpoint);
  circle_->settle(milliseconds(setup_.witnesses->start_ms));
  if (const auto objection = circle_->objection()) {
    circle_.reset();
    return fail(Reason::log_rolled_back, "witness " + objection->witness + ": " + objection->what);
  }
  take_cosignatures();
  return {};
}

void Publisher::offer(std::uint64_t size, const Digest& root, const std::string& checkpoint) {
  offered_ = size;
  offered_at_ = Clock::now();
  quorum_ = false;
  served_lines_ = 0;
  if (lacking_since_ms_.load() == 0)
    lacking_since_ms_.store(std::max<std::int64_t>(1, steady_ms()));
  circle_->offer({size, root, checkpoint});
}

// One head at a time: a slow witness and a quick one must meet at the same size to make a quorum.
void Publisher::tick_witnesses() {
  const auto age = Clock::now() - offered_at_;
  const bool free = quorum_ || age >= kOfferMax;
  if (newest_ && unflushed_ == 0 && newest_->size() > offered_ && free) {
    if (swap(newest_->checkpoint, false))
      offer(newest_->size(), newest_->tree.root(), newest_->checkpoint);
  } else if (free && age >= milliseconds(setup_.witnesses->resubmit_ms)) {
    const auto at = circle_->collected().head;
    offer(at.size, at.root, at.note);
  }
}

// Serves the head offered once it has its quorum, and again when later cosignatures come in.
void Publisher::take_cosignatures() {
  const auto cosigned = circle_->collected();
  if (!cosigned.quorum || cosigned.head.size != offered_ || cosigned.count == served_lines_) return;
  quorum_ = true;
  served_lines_ = cosigned.count;
  lacking_since_ms_.store(0);
  const std::string note = cosigned.head.note + cosigned.lines;
  Head next{cosigned.head.size, cosigned.head.root, note + grease_lines(setup_.origin),
            cosigned.count};
  {
    const std::lock_guard lock(mutex_);
    head_ = std::make_shared<const Head>(std::move(next));
  }
  // A convenience for the next start, so neither every second nor an error.
  if (kept_.empty() || Clock::now() - kept_at_ >= kKeepEvery) {
    if (storage::replace_file(*setup_.disk, cosigned_path(setup_.directory), note)) kept_ = note;
    kept_at_ = Clock::now();
  }
}

void Publisher::release_waiting(bool stopping) {
  if (!setup_.witnesses) return;
  std::vector<Waiting> done;
  const auto head = this->head();
  const auto limit = milliseconds(setup_.witnesses->wait_ms);
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const bool covers = head->cosignatures > 0;
    std::vector<Waiting> stay;
    for (Waiting& w : waiting_) {
      const bool ready =
          stopping || (covers && w.last_index < head->size) || now - w.since >= limit;
      (ready ? done : stay).push_back(std::move(w));
    }
    waiting_ = std::move(stay);
  }
  for (Waiting& w : done) {
    Submission& s = *w.submission;
    if (head->cosignatures > 0 && w.last_index < head->size) {
      if (auto made = setup_.make_proofs(s, *head); !made) s.failure = std::move(made.error());
    } else {
      s.failure = Failure{stopping ? Reason::shutting_down : Reason::witnesses_silent, ""};
    }
    if (const auto waiter = settle(s)) waiter->first->resume(waiter->second);
  }
}

}  // namespace amanat::ledger
