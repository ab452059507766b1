#include "model/task.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace amanat {
namespace {
thread_local Home* current_home = nullptr;
}

Home* Home::current() { return current_home; }
void Home::make_current(Home* home) { current_home = home; }

struct WaitingRoom::Shelf {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::coroutine_handle<>> ready;
};

WaitingRoom::WaitingRoom() : shelf_(new Shelf), before_(Home::current()) {
  Home::make_current(this);
}

WaitingRoom::~WaitingRoom() {
  Home::make_current(before_);
  delete shelf_;
}

void WaitingRoom::resume(std::coroutine_handle<> coroutine) {
  // Notified under the lock: the room may be destroyed as soon as the lock is free.
  const std::lock_guard lock(shelf_->mutex);
  shelf_->ready.push_back(coroutine);
  shelf_->arrived.notify_one();
}

void WaitingRoom::run_one() {
  std::unique_lock lock(shelf_->mutex);
  shelf_->arrived.wait(lock, [this] { return !shelf_->ready.empty(); });
  auto coroutine = shelf_->ready.front();
  shelf_->ready.pop_front();
  lock.unlock();
  coroutine.resume();
}

}  // namespace amanat
