#pragma once
// Task: a lazy coroutine, so that a story reads top to bottom although it waits for the disk.
// A Task starts when awaited, is owned by exactly one awaiter, and runs on the Home (thread) that
// started it: whoever completes work elsewhere hands the coroutine back to its Home.
//
// Rule for every caller (g++ 12.2 frees temporaries of a co_await expression twice): name the
// object first, then `co_await f(std::move(named))`. No lambda with captures, no aggregate
// temporary inside a co_await expression.

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

#include "model/insist.h"

namespace amanat {

/// Home is a thread that coroutines live on. resume() may be called from any thread, and hands
/// the coroutine to the Home's own thread; handles given together before the Home runs again are
/// run together (that is how answers freed by one fsync are written as one).
class Home {
 public:
  virtual ~Home() = default;
  virtual void resume(std::coroutine_handle<> coroutine) = 0;
  /// current is the Home of this thread, or null on a thread that is none.
  static Home* current();
  static void make_current(Home* home);
};

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> continuation;
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
        auto next = h.promise().continuation;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(T v) { value.emplace(std::move(v)); }
    void unhandled_exception() noexcept { std::terminate(); }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() {
    insist(handle_.promise().value.has_value());
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> h) : handle_(h) {}
  std::coroutine_handle<promise_type> handle_;
};

/// Detached runs a task to its end without an owner; see start().
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// start runs `task` on this thread until it first waits, and calls `done(value)` on this
/// thread's Home when it ends. `done` must not throw.
template <class T, class Done>
Detached start(Task<T> task, Done done) {
  T value = co_await std::move(task);
  done(std::move(value));
}

/// WaitingRoom is a Home for a thread without an event loop: tools and tests.
class WaitingRoom : public Home {
 public:
  WaitingRoom();
  ~WaitingRoom() override;
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;
  void resume(std::coroutine_handle<> coroutine) override;
  /// run_one blocks until a coroutine is handed over, and runs it.
  void run_one();

 private:
  struct Shelf;
  Shelf* shelf_;
  Home* before_;
};

/// wait runs `task` to its end on this thread and returns its value. Blocks.
template <class T>
T wait(Task<T> task) {
  WaitingRoom room;
  std::optional<T> value;
  start(std::move(task), [&value](T v) { value.emplace(std::move(v)); });
  while (!value) room.run_one();
  return std::move(*value);
}

}  // namespace amanat
