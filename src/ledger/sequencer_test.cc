#include "ledger/sequencer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "ledger/log_for_tests.h"

namespace amanat::ledger {
namespace {

// A gate in front of the log's writes: a batch waits there until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_someone() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// A sequencer without the rest of a Ledger around it.
struct Alone : LogForTests {
  SimulatedDisk disk;
  NoteSigner signer{origin, seed};
  std::unique_ptr<Projection> projection;
  std::unique_ptr<Filler> filler;
  std::unique_ptr<Sequencer> sequencer;

  explicit Alone(std::size_t queue = 8192) {
    insist(Ledger::create(options(&disk), seed, slice).has_value());
    const auto published = decode_published(disk.content(published_path("/ledger")));
    projection = *Projection::open(disk, "/ledger");
    auto state = recover(disk, "/ledger", key(), *published, *projection);
    insist(state.has_value());
    Sequencer::Setup setup;
    setup.signer = &signer;
    setup.segment = *disk.open(segment_path("/ledger", 0), storage::Disk::Open::existing);
    filler = std::make_unique<Filler>(disk, "/ledger", 64 * 1024);
    filler->want(1);
    setup.filler = filler.get();
    setup.state = std::move(*state);
    setup.queue_entries_max = queue;
    sequencer = std::make_unique<Sequencer>(std::move(setup));
  }
  std::shared_ptr<Submission> submission(std::size_t entries) const {
    auto s = std::make_shared<Submission>();
    for (std::size_t i = 0; i < entries; ++i) s->entries.push_back(*prepare(denial(i), Moment{1}));
    return s;
  }
  static void settle(const Submission& s) {
    while (s.phase.load() != Submission::Phase::settled) std::this_thread::yield();
  }
};

TEST(Sequencer, AnEntryThatChangedInMemoryIsNeverSigned) {
  Alone log;
  for (std::size_t bit = 0; bit < 106 * 8; bit += 5) {
    auto before = log.submission(2), bad = log.submission(3), after = log.submission(1);
    bad->entries[bit % 3].leaf.bytes[bit / 8] =
        static_cast<char>(bad->entries[bit % 3].leaf.bytes[bit / 8] ^ (1 << (bit % 8)));
    const std::uint64_t size = log.sequencer->size();
    for (auto* s : {&before, &bad, &after}) ASSERT_TRUE(log.sequencer->submit(*s));
    for (auto* s : {&before, &bad, &after}) Alone::settle(**s);
    EXPECT_FALSE(before->failure);
    EXPECT_FALSE(after->failure);
    ASSERT_TRUE(bad->failure) << "bit " << bit;
    EXPECT_EQ(bad->failure->reason, Reason::ledger_not_durable);
    EXPECT_EQ(log.sequencer->size(), size + 3) << "the whole append is refused, and nothing else";
  }
}

TEST(Sequencer, TheQueueTakesExactlyItsBound) {
  Gate gate;  // the log may wait at it until the end
  Alone log(10);
  log.disk.set_plan([&](std::uint64_t, SimulatedDisk::Call call,
                        const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (call == SimulatedDisk::Call::write && path == segment_path("/ledger", 0)) gate.pass();
    return std::nullopt;
  });
  std::vector<std::shared_ptr<Submission>> taken;
  taken.push_back(log.submission(4));
  ASSERT_TRUE(log.sequencer->submit(taken.back()));
  gate.await_someone();  // these four are on their way to the disk and still count
  taken.push_back(log.submission(6));
  ASSERT_TRUE(log.sequencer->submit(taken.back()));
  auto refused = log.sequencer->submit(log.submission(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::too_busy);
  gate.open();
  for (const auto& s : taken) {
    Alone::settle(*s);
    EXPECT_FALSE(s->failure);
  }
  EXPECT_EQ(log.sequencer->size(), 11u);
  taken.push_back(log.submission(25));  // larger than the bound: when nothing else is queued
  ASSERT_TRUE(log.sequencer->submit(taken.back()));
  Alone::settle(*taken.back());
  EXPECT_EQ(log.sequencer->size(), 36u);
}

TEST(Sequencer, ABatchIsOneWriteAndOneSyncAndNothingElse) {
  std::mutex mutex;
  std::vector<SimulatedDisk::Call> calls;
  Alone log;
  log.disk.set_plan([&](std::uint64_t, SimulatedDisk::Call call,
                        const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    const std::lock_guard lock(mutex);
    if (path == segment_path("/ledger", 0)) calls.push_back(call);
    return std::nullopt;
  });
  for (int i = 0; i < 10; ++i) {
    auto s = log.submission(1);
    ASSERT_TRUE(log.sequencer->submit(s));
    Alone::settle(*s);
  }
  const std::lock_guard lock(mutex);
  ASSERT_EQ(calls.size(), 20u);
  for (std::size_t i = 0; i < calls.size(); ++i)
    EXPECT_EQ(calls[i], i % 2 == 0 ? SimulatedDisk::Call::write : SimulatedDisk::Call::sync);
  EXPECT_EQ(log.disk.content(segment_path("/ledger", 0)).size(), 64u * 1024)
      << "its size never changes";
}

TEST(Sequencer, AfterItsStopNothingIsTaken) {
  Alone log;
  EXPECT_TRUE(log.sequencer->stop());
  auto refused = log.sequencer->submit(log.submission(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::shutting_down);
}

// CountingHome counts how often it is handed something.
class CountingHome : public Home {
 public:
  CountingHome() { Home::make_current(this); }
  ~CountingHome() override { Home::make_current(nullptr); }
  void resume(std::coroutine_handle<> coroutine) override {
    const std::lock_guard lock(mutex_);
    handed_.push_back(coroutine);
    arrived_.notify_one();
  }
  std::size_t run() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !handed_.empty(); });
    const auto all = std::exchange(handed_, {});
    lock.unlock();
    for (const auto& coroutine : all) coroutine.resume();
    return all.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::coroutine_handle<>> handed_;
};

TEST(Sequencer, AnswersFreedByOneSyncComeHomeTogether) {
  Gate gate;
  std::atomic<bool> armed{true};
  LogForTests log;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  auto ledger = Ledger::open(log.options(&disk), log.seed);
  ASSERT_TRUE(ledger);
  disk.set_plan([&](std::uint64_t, SimulatedDisk::Call call,
                    const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (armed && call == SimulatedDisk::Call::write && path == segment_path("/ledger", 0))
      gate.pass();
    return std::nullopt;
  });
  CountingHome home;
  std::size_t done = 0;
  const auto begin = [&] {
    start(record_task(**ledger, {log.denial(1, 0)}),
          [&](Result<Recorded> r) { done += r.has_value(); });
  };
  begin();
  gate.await_someone();
  for (int i = 0; i < 30; ++i) begin();  // all wait for the next frame
  gate.open();
  std::size_t handed = 0;
  while (done < 31) handed += home.run();
  EXPECT_LE(handed, 3u) << "31 appends in two frames";
  armed = false;
}

}  // namespace
}  // namespace amanat::ledger
