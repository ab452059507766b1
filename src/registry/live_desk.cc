// The desks: threads, queue, deadline and breaker of each live dataset.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "model/insist.h"
#include "model/task.h"
#include "registry/live.h"

namespace amanat::registry {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kThreadsMax = 4;    // and as many connections
constexpr std::size_t kWaitingMax = 256;  // beyond it a question is not even queued
constexpr unsigned kFailuresMax = 3;      // in a row, then the department rests
constexpr auto kRestFirst = milliseconds(5'000), kRestMost = milliseconds(60'000);
constexpr auto kUsualWait = milliseconds(2);

LiveFound failed_with(Reason reason) {
  LiveFound out;
  out.failed = reason;
  return out;
}

}  // namespace

/// Group is one co_await: whoever finishes its last question hands the coroutine back.
struct LiveDesks::Group {
  std::atomic<std::size_t> left{0};
  Home* home = nullptr;
  std::coroutine_handle<> awaiting;
};

struct LiveDesks::Question {
  LiveWant want;
  Clock::time_point asked, due;
  std::shared_ptr<Group> group;
  std::atomic<bool> done{false};
  LiveFound found;  // belongs to whoever set `done`, then to the coroutine

  /// finish gives the answer unless there is one already.
  bool finish(LiveFound answer) {
    if (done.exchange(true)) return false;
    found = std::move(answer);
    const std::shared_ptr<Group> mine = group;
    if (mine->left.fetch_sub(1) == 1) mine->home->resume(mine->awaiting);
    return true;
  }
};

class LiveDesks::Desk {
 public:
  Desk(Archive& archive, const Dataset& dataset) : archive_(archive), dataset_(dataset) {}
  ~Desk() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    watch_.notify_all();
    for (auto& thread : threads_) thread.join();
    if (watcher_.joinable()) watcher_.join();
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  void ask(const std::shared_ptr<Question>& question);
  Standing standing() const;

 private:
  using Asked = std::shared_ptr<Question>;
  bool may_ask(Clock::time_point now);
  bool resting(Clock::time_point now) const {
    return failures_ >= kFailuresMax && now < rest_until_;
  }
  void settle(const Asked& question, Result<LiveFound> found);
  void note(const Failure* failure, Clock::time_point began);
  void work();
  void watch();

  Archive& archive_;
  const Dataset& dataset_;
  mutable std::mutex mutex_;
  std::condition_variable work_, watch_;
  bool stopping_ = false;
  std::deque<Asked> queue_;
  std::multimap<Clock::time_point, Asked> due_;
  std::vector<std::thread> threads_;
  std::thread watcher_;
  std::size_t idle_ = 0;
  // The breaker. Three failures in a row, and it rests; then one question tries for all.
  unsigned failures_ = 0;
  bool trying_ = false;
  Clock::time_point rest_until_{};
  milliseconds rest_ = kRestFirst;
  Standing standing_;
  // How long answers took lately: what a wait for nothing is drawn from.
  std::array<Clock::duration, 64> waits_{};
  std::size_t waits_seen_ = 0;
};

/// may_ask is the breaker's word. The mutex is held.
bool LiveDesks::Desk::may_ask(Clock::time_point now) {
  if (failures_ < kFailuresMax) return true;
  if (now < rest_until_ || trying_) return false;
  trying_ = true;
  return true;
}

void LiveDesks::Desk::ask(const Asked& question) {
  std::unique_lock lock(mutex_);
  const auto now = Clock::now();
  question->asked = now;
  question->due = now + milliseconds(dataset_.live->total_ms);
  const bool nobody = question->want.name.value.empty();
  if (queue_.size() >= kWaitingMax || (nobody ? resting(now) : !may_ask(now))) {
    ++standing_.spared;
    lock.unlock();
    question->finish(failed_with(Reason::department_silent));
    return;
  }
  if (nobody) {
    const std::size_t known = std::min(waits_seen_, waits_.size());
    question->due =
        now + (known == 0
                   ? Clock::duration(kUsualWait)
                   : waits_[static_cast<std::size_t>(now.time_since_epoch().count()) % known]);
  } else {
    queue_.push_back(question);
    if (idle_ < queue_.size() && threads_.size() < kThreadsMax)
      threads_.emplace_back([this] { work(); });
  }
  due_.emplace(question->due, question);
  if (!watcher_.joinable()) watcher_ = std::thread([this] { watch(); });
  lock.unlock();
  work_.notify_one();
  watch_.notify_one();
}

/// note counts an answer or a failure. The mutex is held.
void LiveDesks::Desk::note(const Failure* failure, Clock::time_point began) {
  const auto now = Clock::now();
  trying_ = false;
  if (failure == nullptr) {
    ++standing_.answered;
    failures_ = 0;
    rest_ = kRestFirst;
    waits_[waits_seen_++ % waits_.size()] = now - began;
    return;
  }
  ++standing_.failed;
  standing_.last_failure = std::string(row_of(failure->reason).id) +
                           (failure->detail.empty() ? "" : ": " + failure->detail);
  if (failure->reason == Reason::department_value_wrong) failures_ = 0;  // it is there
  if (failure->reason != Reason::department_silent &&
      failure->reason != Reason::department_reply_wrong)
    return;
  if (++failures_ < kFailuresMax) return;
  rest_until_ = now + rest_;
  rest_ = std::min(rest_ * 2, kRestMost);
}

void LiveDesks::Desk::settle(const Asked& question, Result<LiveFound> found) {
  {
    const std::lock_guard lock(mutex_);
    if (!question->done) note(found ? nullptr : &found.error(), question->asked);
    if (found) standing_.wrong_values += found->dirty.size();
    auto [at, end] = due_.equal_range(question->due);
    for (; at != end; ++at)
      if (at->second == question) {
        due_.erase(at);
        break;
      }
  }
  question->finish(found ? *std::move(found) : failed_with(found.error().reason));
}

void LiveDesks::Desk::work() {
  const auto line = live_line(dataset_);
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    const Asked question = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (!question->done) {
      const LiveWant& want = question->want;
      auto cells = line->ask(in_form(dataset_.live->form, want.name.value),
                             asked_of(dataset_, want), question->due);
      Result<LiveFound> found = LiveFound{};
      if (cells)
        found = judge_live(archive_, dataset_, want, *cells);
      else
        found = std::unexpected(cells.error());
      if (cells)
        for (auto& row : *cells)
          for (auto& cell : row) wipe(cell.data(), cell.size());
      settle(question, std::move(found));
    }
    lock.lock();
  }
}

/// watch ends what is due, whatever its thread is doing.
void LiveDesks::Desk::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      watch_.wait(lock, [this] { return stopping_ || !due_.empty(); });
      continue;
    }
    const auto next = due_.begin()->first;
    if (Clock::now() < next) {
      watch_.wait_until(lock, next);
      continue;
    }
    const Asked question = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    const bool nobody = question->want.name.value.empty();
    if (!nobody && !question->done) {
      const Failure late{Reason::department_silent, "no answer in time"};
      note(&late, question->asked);
    }
    lock.unlock();
    question->finish(nobody ? LiveFound{} : failed_with(Reason::department_silent));
    lock.lock();
  }
}

LiveDesks::Standing LiveDesks::Desk::standing() const {
  const std::lock_guard lock(mutex_);
  Standing out = standing_;
  out.dataset = dataset_.id;
  out.resting = resting(Clock::now());
  return out;
}

LiveDesks::LiveDesks(Archive& archive) {
  for (const Dataset& dataset : archive.catalog.datasets())
    if (dataset.live) desks_.emplace_back(dataset.id, std::make_unique<Desk>(archive, dataset));
}
LiveDesks::~LiveDesks() = default;

LiveDesks::Desk& LiveDesks::desk(DatasetId dataset) {
  for (auto& [id, desk] : desks_)
    if (id == dataset) return *desk;
  insist(false);  // a want is of a live dataset of this catalog
  return *desks_.front().second;
}

std::vector<LiveDesks::Standing> LiveDesks::standings() const {
  std::vector<Standing> out;
  for (const auto& [id, desk] : desks_) out.push_back(desk->standing());
  return out;
}

LiveDesks::Wait::Wait(LiveDesks& desks, std::vector<LiveWant> wants) : desks_(desks) {
  for (LiveWant& want : wants) {
    auto question = std::make_shared<Question>();
    question->want = std::move(want);
    questions_.push_back(std::move(question));
  }
}
LiveDesks::Wait::~Wait() = default;
LiveDesks::Wait::Wait(Wait&&) noexcept = default;

void LiveDesks::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  auto group = std::make_shared<Group>();
  group->left = questions_.size();
  group->home = Home::current();
  group->awaiting = awaiting;
  insist(group->home != nullptr);
  // The coroutine cannot go on before this thread is free: it is its Home's.
  for (const auto& question : questions_) question->group = group;
  const auto mine = questions_;
  for (const auto& question : mine) desks_.desk(question->want.dataset).ask(question);
}

std::vector<LiveFound> LiveDesks::Wait::await_resume() {
  std::vector<LiveFound> out;
  for (const auto& question : questions_) {
    insist(question->done);
    out.push_back(std::move(question->found));
  }
  return out;
}

}  // namespace amanat::registry
