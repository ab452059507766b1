#include "model/task.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace amanat {
namespace {

// Tracked counts its lives, so that a temporary destroyed twice or never shows without a sanitizer.
struct Tracked {
  static inline int alive = 0;
  std::unique_ptr<std::string> text;
  explicit Tracked(std::string t) : text(std::make_unique<std::string>(std::move(t))) { ++alive; }
  Tracked(const Tracked& o) : text(std::make_unique<std::string>(*o.text)) { ++alive; }
  Tracked(Tracked&& o) noexcept : text(std::move(o.text)) { ++alive; }
  ~Tracked() { --alive; }
};
struct Pair {
  Tracked a, b;
};

std::string long_text(char c) { return std::string(64, c); }

Task<std::string> of_string(std::string s) { co_return s + "!"; }
[[maybe_unused]] Task<std::string> of_tracked(Tracked t) { co_return *t.text; }
Task<std::string> of_pair(Pair p) { co_return *p.a.text + *p.b.text; }
[[maybe_unused]] Task<std::string> of_optional(std::optional<Pair> p) {
  co_return p ? *p->a.text + *p->b.text : "";
}
[[maybe_unused]] Task<std::string> of_function(std::function<std::string()> f) { co_return f(); }
Task<std::string> of_callable(auto f) { co_return f(); }

const std::string kBoth = long_text('a') + long_text('b');

// The nine everyday patterns. g++ 12.2 miscompiles six of them (docs/conventions.md); clang 19 is
// the release compiler and must pass all nine. Under g++ the named forms alone are used and tested.
Task<int> named_object_then_move() {
  Pair pair{Tracked(long_text('a')), Tracked(long_text('b'))};
  auto text = co_await of_pair(std::move(pair));
  co_return text == kBoth ? 1 : 0;
}
Task<int> string_temporary() {
  auto text = co_await of_string(long_text('a'));
  co_return text == long_text('a') + "!" ? 1 : 0;
}
Task<int> named_lambda() {
  auto both = [a = Tracked(long_text('a')), b = long_text('b')] { return *a.text + b; };
  auto text = co_await of_callable(std::move(both));
  co_return text == kBoth ? 1 : 0;
}
#if defined(__clang__)
Task<int> class_temporary() {
  auto text = co_await of_tracked(Tracked(long_text('a')));
  co_return text == long_text('a') ? 1 : 0;
}
Task<int> lambda_with_captures() {
  const std::string b = long_text('b');
  auto text = co_await of_callable([a = Tracked(long_text('a')), b] { return *a.text + b; });
  co_return text == kBoth ? 1 : 0;
}
Task<int> lambda_into_function() {
  auto text = co_await of_function([a = long_text('a'), b = long_text('b')] { return a + b; });
  co_return text == kBoth ? 1 : 0;
}
Task<int> braced_aggregate() {
  auto text = co_await of_pair({Tracked(long_text('a')), Tracked(long_text('b'))});
  co_return text == kBoth ? 1 : 0;
}
Task<int> designated_aggregate() {
  auto text = co_await of_pair(Pair{.a = Tracked(long_text('a')), .b = Tracked(long_text('b'))});
  co_return text == kBoth ? 1 : 0;
}
Task<int> optional_of_aggregate() {
  auto text = co_await of_optional(Pair{Tracked(long_text('a')), Tracked(long_text('b'))});
  co_return text == kBoth ? 1 : 0;
}
#endif

TEST(Coroutines, TheCompilerKeepsArgumentsAliveExactlyOnce) {
  const std::pair<const char*, Task<int> (*)()> patterns[] = {
    {"named object, then move", named_object_then_move},
    {"string temporary", string_temporary},
    {"named lambda", named_lambda},
#if defined(__clang__)
    {"class temporary", class_temporary},
    {"lambda with captures", lambda_with_captures},
    {"lambda into std::function", lambda_into_function},
    {"braced aggregate", braced_aggregate},
    {"designated aggregate", designated_aggregate},
    {"optional of aggregate", optional_of_aggregate},
#endif
  };
  for (const auto& [name, pattern] : patterns) {
    SCOPED_TRACE(name);
    Tracked::alive = 0;
    EXPECT_EQ(wait(pattern()), 1);
    EXPECT_EQ(Tracked::alive, 0);
  }
}

// Elsewhere completes on another thread and hands the coroutine back to its Home.
struct Elsewhere {
  std::thread* worker;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    Home* home = Home::current();
    ASSERT_NE(home, nullptr);
    *worker = std::thread([home, h] { home->resume(h); });
  }
  void await_resume() const {}
};

Task<bool> comes_home(std::thread* worker) {
  const auto before = std::this_thread::get_id();
  Elsewhere elsewhere{worker};
  co_await elsewhere;
  co_return before == std::this_thread::get_id();
}

TEST(Task, ResumesOnTheThreadThatStartedIt) {
  std::thread worker;
  EXPECT_TRUE(wait(comes_home(&worker)));
  worker.join();
}

TEST(Task, DoesNotRunBeforeItIsAwaited) {
  bool ran = false;
  const auto body = [](bool* flag) -> Task<int> {
    *flag = true;
    co_return 1;
  };
  auto task = body(&ran);
  EXPECT_FALSE(ran);
  EXPECT_EQ(wait(std::move(task)), 1);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace amanat
