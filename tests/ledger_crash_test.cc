// Real processes that die: a child appends to a real directory from several threads until it is
// killed, or until strace makes one of its system calls fail; afterwards every receipt it gave must
// hold. AMANAT_KILLS sets how many kills (default 60), of up to 64 appends at a time.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/history.h"
#include "ledger/ledger.h"
#include "ledger/long_run_for_tests.h"
#include "ledger/proof.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "model/task.h"

namespace amanat::ledger {
namespace {

namespace fs = std::filesystem;
constexpr const char* kOrigin = "crash.example/log";

Key256 fixed_key(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  return Key256(bytes);
}

const crypto::VrfKey& labels() {
  static const crypto::VrfKey key = crypto::VrfKey::from_seed(fixed_key(5));
  return key;
}

constexpr unsigned kCitizens = 8;
std::string citizen(unsigned i) { return std::to_string(3520200000000u + i); }

const Label& label(unsigned i) {
  static const auto all = [] {
    std::array<Label, kCitizens> made;
    for (unsigned c = 0; c < kCitizens; ++c) {
      const auto beta = labels().output(crypto::bytes_of(citizen(c)));
      std::copy_n(beta.begin(), made[c].size(), made[c].begin());
    }
    return made;
  }();
  return all[i];
}

Options options_of(const std::string& directory, std::uint64_t segment_bytes) {
  Options o;
  o.directory = directory;
  o.origin = kOrigin;
  o.segment_bytes = segment_bytes;
  o.publish_every_ms = 3;
  o.alarm = [](std::string_view) {};
  // Complete histories as well, with epochs as often as may be: their files die with the rest.
  o.label_key = labels().public_key();
  o.citizens.emplace();
  o.citizens->map_key = fixed_key(3);
  o.citizens->chain_key = fixed_key(4);
  o.citizens->key_of_slice = [](std::span<const std::uint8_t, 16>) -> Result<Key256> {
    return fixed_key(2);
  };
  o.citizens->epoch_ms = 5;
  return o;
}

VerifierKey log_key() { return NoteSigner(kOrigin, fixed_key(1)).verifier(); }

// What the child says of each acknowledged entry: one write, which a pipe does not tear.
struct Acknowledged {
  std::uint64_t index = 0, size = 0;
  Digest leaf{}, root{};
};
static_assert(sizeof(Acknowledged) == 80);

Task<Result<Recorded>> record_task(Ledger& ledger, std::vector<EntryContent> entries) {
  auto pending = ledger.record(std::move(entries));
  auto recorded = co_await pending;
  co_return recorded;
}

std::vector<EntryContent> some_entries(std::mt19937& random) {
  std::vector<EntryContent> entries(1 + random() % 3);
  for (auto& c : entries) {
    c.type = EntryType::denied;
    c.subject = label(random() % kCitizens);
    c.actor = Actor{AccountId{static_cast<std::uint32_t>(random())}, KeyKind::certificate, {}};
    c.evidence.assign(random() % 3000, 'e');
    c.slice.key = fixed_key(2);
  }
  return entries;
}

void report(int pipe, const Recorded& recorded) {
  static const VerifierKey key = log_key();
  for (const auto& e : recorded.entries) {
    auto proven = verify_tlog_proof(e.proof, key);
    insist(proven.has_value());
    const Acknowledged a{proven->index, proven->at.checkpoint.size, leaf_hash(proven->entry),
                         proven->at.checkpoint.root};
    if (::write(pipe, &a, sizeof a) != sizeof a) std::_Exit(3);
  }
}

// The child: `appends` from each thread (0: until it is killed), each acknowledged entry reported.
int run_child(const std::string& directory, std::uint64_t segment_bytes, int pipe, unsigned threads,
              std::uint64_t appends) {
  auto ledger = Ledger::open(options_of(directory, segment_bytes), fixed_key(1));
  if (!ledger) {
    const bool disk =
        ledger.error().reason == Reason::disk_full || ledger.error().reason == Reason::file_failed;
    if (!disk) std::fprintf(stderr, "child: %s\n", ledger.error().detail.c_str());
    return disk ? 4 : 5;
  }
  std::vector<std::thread> pool;
  for (unsigned t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      std::mt19937 random(std::random_device{}());
      WaitingRoom room;
      std::uint64_t running = 0, left = appends == 0 ? ~std::uint64_t{0} : appends;
      while (left > 0 || running > 0) {
        while (left > 0 && running < (appends == 0 ? 8u : 1u)) {  // many small batches for strace
          auto task = record_task(**ledger, some_entries(random));
          ++running;
          --left;
          start(std::move(task), [&](Result<Recorded> r) {
            --running;
            if (r) report(pipe, *r);
          });
        }
        if (running > 0) room.run_one();
      }
    });
  for (auto& t : pool) t.join();
  return 0;
}

// Keeper remembers every promise the children made, and checks them against the directory.
class Keeper {
 public:
  void take(const Acknowledged& a) {
    ++taken_;
    const auto leaf = leaves_.emplace(a.index, a.leaf);
    EXPECT_TRUE(leaf.second) << "index " << a.index << " was given twice";
    const auto head = heads_.emplace(a.size, a.root);
    EXPECT_EQ(head.first->second, a.root) << "two heads for size " << a.size;
  }

  // Opens the log as the next start would, and compares tile after tile.
  void check(const std::string& directory, std::uint64_t segment_bytes) {
    auto verdict = verify_directory(directory, log_key().text(), nullptr);
    ASSERT_TRUE(verdict) << verdict.error().detail;
    ASSERT_EQ(verdict->problem, "");
    auto ledger = Ledger::open(options_of(directory, segment_bytes), fixed_key(1));
    ASSERT_TRUE(ledger) << ledger.error().detail;
    auto head = open_checkpoint((*ledger)->checkpoint(), log_key());
    ASSERT_TRUE(head);
    const std::uint64_t size = head->checkpoint.size;
    if (!leaves_.empty())
      ASSERT_LT(leaves_.rbegin()->first, size) << "an acknowledged entry is lost";
    CompactRange range = full_tiles_;
    for (std::uint64_t tile = range.size() / kTileWidth; tile * kTileWidth < size; ++tile) {
      const unsigned width = tile_width(0, tile, size);
      auto bytes = (*ledger)->resource(tile_path({TileName::Kind::hashes, 0, tile, width}));
      ASSERT_TRUE(bytes) << bytes.error().detail;
      for (unsigned i = 0; i < width; ++i) {
        Digest leaf;
        std::memcpy(leaf.data(), bytes->data() + 32 * i, 32);
        const auto promised = leaves_.find(range.size());
        if (promised != leaves_.end())
          ASSERT_EQ(promised->second, leaf) << "index " << range.size();
        range.append(leaf);
        const auto signed_head = heads_.find(range.size());
        if (signed_head != heads_.end())
          ASSERT_EQ(signed_head->second, range.root()) << "size " << range.size();
      }
      if (width == kTileWidth) full_tiles_ = range;
    }
    ASSERT_EQ(range.root(), head->checkpoint.root);
    heads_.emplace(size, range.root());
    ASSERT_NO_FATAL_FAILURE(check_history(**ledger, static_cast<unsigned>(taken_ % kCitizens)));
  }

  // What a citizen would be shown holds, whatever became of the map's and the chains' files.
  static void check_history(const Ledger& ledger, unsigned of) {
    const auto proof = labels().prove(crypto::bytes_of(citizen(of)));
    auto file = ledger.history(label(of), proof);
    for (int i = 0; i < 3000 && !file && file.error().reason == Reason::too_busy; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      file = ledger.history(label(of), proof);
    }
    ASSERT_TRUE(file) << file.error().detail;
    HistoryCheck held_to;
    held_to.policy = *parse_tlog_policy("log " + log_key().text() + "\nquorum none\n");
    held_to.subject = citizen(of);
    held_to.uncovered_age_max = 1u << 30;
    const auto verdict = verify_history(*file, held_to);
    ASSERT_EQ(verdict.problem, "") << text_of(verdict.fault);
  }
  std::uint64_t taken() const { return taken_; }

 private:
  std::map<std::uint64_t, Digest> leaves_, heads_;
  CompactRange full_tiles_;
  std::uint64_t taken_ = 0;
};

class LedgerCrash : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    directory_ =
        (fs::temp_directory_path() / ("amanat-crash-" + std::to_string(::getpid()))).string();
    fresh();
  }
  void TearDown() override { fs::remove_all(directory_); }
  void fresh() {
    fs::remove_all(directory_);
    ASSERT_TRUE(Ledger::create(options_of(directory_, segment_bytes_), fixed_key(1), Slice{}));
  }

  // Reads what is in the pipe until `until`, its end, or so many entries in all.
  static void drain(int pipe, Keeper& keeper, std::chrono::steady_clock::time_point until,
                    std::uint64_t enough = UINT64_MAX) {
    while (keeper.taken() < enough) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      pollfd p{pipe, POLLIN, 0};
      if (::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) <= 0) return;
      Acknowledged many[64];
      const ssize_t n = ::read(pipe, many, sizeof many);
      if (n <= 0) return;
      ASSERT_EQ(n % static_cast<ssize_t>(sizeof(Acknowledged)), 0);
      for (ssize_t i = 0; i < n / static_cast<ssize_t>(sizeof(Acknowledged)); ++i)
        keeper.take(many[i]);
    }
  }

  std::string directory_;
  std::uint64_t segment_bytes_ = 256 * 1024;
};

TEST_F(LedgerCrash, NoKillLosesAnAcknowledgedEntryOrForksTheLog) {
  const std::uint64_t kills = number_from("AMANAT_KILLS", 60);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  auto keeper = std::make_unique<Keeper>();
  std::uint64_t taken = 0;
  for (std::uint64_t kill = 0; kill < kills; ++kill) {
    if (kill % 100 == 99) {
      segment_bytes_ = 64 * 1024 << random() % 5;
      taken += keeper->taken();
      keeper = std::make_unique<Keeper>();
      ASSERT_NO_FATAL_FAILURE(fresh());
    }
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      std::_Exit(
          run_child(directory_, segment_bytes_, ends[1], kill % 4 == 3 ? 1 + kill / 4 % 8 : 8, 0));
    }
    ::close(ends[1]);
    // Every other one at a moment from the first instruction of recovery on; the others well into
    // the load, however slow the machine is: after so many entries more.
    const bool in_load = kill % 2 == 1;
    const auto until = std::chrono::steady_clock::now() +
                       (in_load ? std::chrono::microseconds(std::chrono::minutes(1))
                                : std::chrono::microseconds(random() % 60'000));
    const std::uint64_t enough = in_load ? keeper->taken() + 1 + random() % 100 : UINT64_MAX;
    ASSERT_NO_FATAL_FAILURE(drain(ends[0], *keeper, until, enough));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the child ended by itself: " << status;
    // What it wrote before it died counts as acknowledged.
    ASSERT_NO_FATAL_FAILURE(
        drain(ends[0], *keeper, std::chrono::steady_clock::now() + std::chrono::seconds(5)));
    ::close(ends[0]);
    // Otherwise the next child recovers from the kill by itself, and perhaps dies over it.
    if (random() % 3 == 0 || kill % 100 == 98 || kill + 1 == kills) {
      ASSERT_NO_FATAL_FAILURE(keeper->check(directory_, segment_bytes_)) << "after kill " << kill;
    }
  }
  taken += keeper->taken();
  std::printf("    %llu kills, %llu acknowledged entries checked; %s\n",
              static_cast<unsigned long long>(kills), static_cast<unsigned long long>(taken),
              seed.text().c_str());
  EXPECT_GT(taken, kills);
}

// Not a test by itself: what strace runs below.
TEST(LedgerCrashChild, AppendsAndReports) {
  const char* directory = std::getenv("AMANAT_CRASH_DIRECTORY");
  if (directory == nullptr) GTEST_SKIP() << "is run by the test after it";
  const int code =
      run_child(directory, 64 * 1024, std::atoi(std::getenv("AMANAT_CRASH_PIPE")), 2, 20);
  std::_Exit(code);
}

bool strace_works() {
  static const bool works = std::system("strace -f -o /dev/null true >/dev/null 2>&1") == 0;
  return works;
}

struct Injection {
  const char* calls;
  const char* what;
};

// Every thread's n-th call of a kind fails or kills, for n from 1 until nothing is hit any more.
TEST_F(LedgerCrash, EachSystemCallOfTheAppendPathMayFailOrKill) {
  if (!strace_works()) GTEST_SKIP() << "strace is not there or may not trace";
  segment_bytes_ = 64 * 1024;
  const std::uint64_t deepest = number_from("AMANAT_INJECTIONS", 8);
  std::uint64_t runs = 0, killed = 0, aborted = 0, refused = 0, acknowledged = 0;
  const Injection injections[] = {
      {"pwrite64", "error=EIO"},  {"pwrite64", "error=ENOSPC"}, {"pwrite64", "signal=KILL"},
      {"fdatasync", "error=EIO"}, {"fdatasync", "signal=KILL"}, {"rename", "error=EIO"},
      {"rename", "signal=KILL"},  {"fsync", "error=EIO"},       {"fsync", "signal=KILL"},
      {"ftruncate", "error=EIO"}, {"openat", "signal=KILL"}};
  for (const auto& injection : injections)
    for (std::uint64_t n = 1; n <= deepest; ++n, ++runs) {
      SCOPED_TRACE(std::string(injection.calls) + " " + injection.what +
                   " when=" + std::to_string(n));
      ASSERT_NO_FATAL_FAILURE(fresh());
      Keeper keeper;
      int ends[2];
      ASSERT_EQ(::pipe2(ends, 0), 0);
      ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
      const std::string inject =
          std::string("inject=") + injection.calls + ":" + injection.what +
          ":when=" + std::to_string(std::string_view(injection.calls) == "openat" ? n * 7 : n);
      const std::string self = fs::read_symlink("/proc/self/exe").string();
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        ::setenv("AMANAT_CRASH_DIRECTORY", directory_.c_str(), 1);
        ::setenv("AMANAT_CRASH_PIPE", std::to_string(ends[1]).c_str(), 1);
        const int null = ::open("/dev/null", O_WRONLY);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::execlp("strace", "strace", "-f", "-o", "/dev/null", "-e",
                 "trace=pwrite64,fdatasync,rename,fsync,ftruncate,openat", "-e", inject.c_str(),
                 self.c_str(), "--gtest_filter=LedgerCrashChild.*", nullptr);
        std::_Exit(127);
      }
      ::close(ends[1]);
      ASSERT_NO_FATAL_FAILURE(
          drain(ends[0], keeper, std::chrono::steady_clock::now() + std::chrono::seconds(30)));
      ::close(ends[0]);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      if (WIFSIGNALED(status))
        ++(WTERMSIG(status) == SIGKILL ? killed : aborted);
      else if (WEXITSTATUS(status) == 4)
        ++refused;
      else
        ASSERT_EQ(WEXITSTATUS(status), 0);
      acknowledged += keeper.taken();
      ASSERT_NO_FATAL_FAILURE(keeper.check(directory_, segment_bytes_));
    }
  std::printf(
      "    %llu runs: %llu killed, %llu stopped by a failed sync, %llu refused to start, %llu "
      "entries checked\n",
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(killed),
      static_cast<unsigned long long>(aborted), static_cast<unsigned long long>(refused),
      static_cast<unsigned long long>(acknowledged));
  EXPECT_GT(killed, 5u);
  EXPECT_GT(aborted, 0u);
  EXPECT_GT(acknowledged, 100u);
}

}  // namespace
}  // namespace amanat::ledger
