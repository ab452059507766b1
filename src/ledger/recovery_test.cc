#include "ledger/recovery.h"

#include <gtest/gtest.h>

#include <atomic>

#include "ledger/big_endian.h"
#include "ledger/frame.h"
#include "ledger/log_for_tests.h"

namespace amanat::ledger {
namespace {

const std::string kFirst = segment_path("/ledger", 0);

// A log of `batches` frames whose process died: no closing frame, and nothing published but the
// genesis entry unless asked for.
struct Died : LogForTests {
  SimulatedDisk disk;
  std::vector<std::uint64_t> offsets;  // of the frames in the first segment

  explicit Died(int batches, bool publish = false) {
    Options o = options(&disk);
    if (!publish) o.publish_every_ms = 3'600'000;
    insist(Ledger::create(o, seed, slice).has_value());
    auto ledger = Ledger::open(o, seed);
    insist(ledger.has_value());
    for (int i = 0; i < batches; ++i)
      insist(record_one(**ledger, denial(static_cast<std::uint64_t>(i))).has_value());
    if (publish) wait_published(**ledger, key());
    disk.die_at(0);
    ledger->reset();
    disk.die_at(~std::uint64_t{0});
    const std::string bytes = disk.content(kFirst);
    for (std::uint64_t at = 0; at < bytes.size() && !all_zero(bytes.substr(at, kBlock));) {
      offsets.push_back(at);
      at += parse_head(std::string_view(bytes).substr(at, kBlock), log_id(origin))->bytes();
    }
  }
  Result<std::unique_ptr<Ledger>> open(storage::Disk& on) {
    Options o = options(&on);
    return Ledger::open(o, seed);
  }
  void rewrite(SimulatedDisk& on, std::uint64_t offset, std::string_view bytes) {
    auto file = on.open(kFirst, storage::Disk::Open::existing);
    insist(file && (*file)->write_at(offset, bytes) && (*file)->sync());
  }
  // Changes bytes of a frame and makes its hash right again.
  void forge(SimulatedDisk& on, std::uint64_t offset, std::size_t at, std::string_view with) {
    const std::string all = on.content(kFirst);
    const auto head = parse_head(std::string_view(all).substr(offset, kBlock), log_id(origin));
    std::string frame = all.substr(offset, head->bytes());
    frame.replace(at, with.size(), with);
    const std::size_t hashed =
        kFrameHead + head->public_bytes + head->private_bytes + head->trailer_bytes - 32;
    frame.replace(hashed, 32, crypto::text_of(crypto::sha256(frame.substr(0, hashed))));
    rewrite(on, offset, frame);
  }
};

TEST(Recovery, ATornLastWriteIsCutOffOnceAndSaid) {
  Died log(5);
  log.disk.flip(kFirst, (log.offsets.back() + 300) * 8);
  std::string said;
  Options o = log.options(&log.disk);
  o.alarm = [&](std::string_view words) { said = words; };
  auto ledger = Ledger::open(o, log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  EXPECT_EQ((*ledger)->size(), 5u);  // genesis and four of five
  EXPECT_EQ(said, "a torn last write of 4096 bytes was cut off at segment 0000000000, offset " +
                      std::to_string(log.offsets.back()));
  said.clear();
  ledger->reset();
  ledger = Ledger::open(o, log.seed);
  ASSERT_TRUE(ledger);
  EXPECT_EQ(said, "");
}

TEST(Recovery, DamageBeforeWholeFramesIsCorruptionAndRefused) {
  for (const bool zeroed : {false, true}) {
    Died log(5);
    const std::uint64_t at = log.offsets[3];
    if (zeroed)
      log.rewrite(log.disk, at, std::string(kBlock, '\0'));
    else
      log.disk.flip(kFirst, (at + 300) * 8);
    auto ledger = log.open(log.disk);
    ASSERT_FALSE(ledger);
    EXPECT_EQ(ledger.error().reason, Reason::ledger_corrupt);
    EXPECT_NE(ledger.error().detail.find("offset " + std::to_string(at)), std::string::npos)
        << ledger.error().detail;
    EXPECT_NE(ledger.error().detail.find("there are whole frames after it"), std::string::npos);
    auto verdict = verify_files(log.disk, "/ledger", log.key(), nullptr);
    ASSERT_TRUE(verdict);
    EXPECT_NE(verdict->problem.find("whole frames after it"), std::string::npos)
        << verdict->problem;
  }
}

TEST(Recovery, ALostEndIsNotedIfItWasPublished) {
  Died log(5, true);
  log.rewrite(log.disk, log.offsets.back(), std::string(kBlock, '\0'));
  auto ledger = log.open(log.disk);
  ASSERT_FALSE(ledger);
  EXPECT_NE(ledger.error().detail.find("6 were published"), std::string::npos)
      << ledger.error().detail;
}

TEST(Recovery, AfterACleanCloseNothingMayBeMissing) {
  LogForTests log;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  {
    auto ledger = Ledger::open(log.options(&disk), log.seed);
    ASSERT_TRUE(ledger && record_one(**ledger, log.denial(1)));
  }
  const std::string bytes = disk.content(kFirst);
  std::uint64_t end = 0;
  for (std::uint64_t at = 0; at < bytes.size(); at += kBlock)
    if (!all_zero(bytes.substr(at, kBlock))) end = at;
  // The closing frame damaged, gone, or followed by something: each would pass for a torn write.
  for (int how = 0; how < 3; ++how) {
    auto bad = disk.copy();
    auto file = bad->open(kFirst, storage::Disk::Open::existing);
    const std::uint64_t at = how == 2 ? end + kBlock : end;
    std::string damage(kBlock, how == 2 ? 'x' : '\0');
    if (how == 0) {
      damage = bytes.substr(end, kBlock);
      damage[200] = static_cast<char>(damage[200] ^ 1);
    }
    ASSERT_TRUE((*file)->write_at(at, damage) && (*file)->sync());
    auto ledger = Ledger::open(log.options(bad.get()), log.seed);
    ASSERT_FALSE(ledger) << how;
    EXPECT_EQ(ledger.error().reason, Reason::ledger_corrupt);
  }
}

// Frames that are whole, with a right hash, but wrong: none is taken for a torn write.
TEST(Recovery, AFrameThatDoesNotBelongIsRefusedThoughItsHashIsRight) {
  Died log(5);
  const auto number = [](std::uint64_t n) {
    std::string out;
    append_number(out, n);
    return out;
  };
  const std::uint64_t last = log.offsets.back();
  const std::string all = log.disk.content(kFirst);
  const auto head = parse_head(std::string_view(all).substr(last, kBlock), log_id(log.origin));
  const std::size_t trailer = kFrameHead + head->public_bytes + head->private_bytes;
  const struct {
    std::size_t at;
    std::string with;
    const char* what;
  } cases[] = {{40, number(77), "batch number"},
               {72, std::string(32, 'p'), "hash of the frame before"},
               {130 + 2, number(1), "time decreases"},
               {130 + 20, std::string(1, static_cast<char>(all[last + 150] ^ 1)), "root"},
               {130, std::string("\x07", 1), "version"},
               {trailer + 8, std::string(32, 'r'), "root"},
               {trailer + 44, "x", "checkpoint"}};
  for (const auto& c : cases) {
    auto bad = log.disk.copy();
    log.forge(*bad, last, c.at, c.with);
    auto ledger = log.open(*bad);
    ASSERT_FALSE(ledger) << c.what;
    EXPECT_EQ(ledger.error().reason, Reason::ledger_corrupt);
    EXPECT_NE(ledger.error().detail.find(c.what), std::string::npos) << ledger.error().detail;
    auto verdict = verify_files(*bad, "/ledger", log.key(), nullptr);
    ASSERT_TRUE(verdict);
    EXPECT_NE(verdict->problem.find(c.what), std::string::npos) << verdict->problem;
  }
}

TEST(Recovery, APublishedHeadOfAnotherHistoryIsRefused) {
  LogForTests log;
  SimulatedDisk disk;
  const auto grow = [&](SimulatedDisk& on, std::uint64_t salt, int appends) {
    auto ledger = Ledger::open(log.options(&on), log.seed);
    insist(ledger.has_value());
    for (int i = 0; i < appends; ++i)
      insist(record_one(**ledger, log.denial(salt, 5000)).has_value());
    wait_published(**ledger, log.key());
  };
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  const auto fork = disk.copy();
  grow(disk, 1, 3);
  grow(*fork, 2, 40);  // several segments, so that a snapshot stands past the published size
  auto other = decode_published(disk.content(published_path("/ledger")));
  ASSERT_TRUE(other);
  other->closed = false;
  ASSERT_TRUE(storage::replace_file(*fork, published_path("/ledger"), encode_published(*other)));
  auto ledger = Ledger::open(log.options(fork.get()), log.seed);
  ASSERT_FALSE(ledger);
  EXPECT_NE(ledger.error().detail.find("published checkpoint"), std::string::npos)
      << ledger.error().detail;
}

// A small frame is refused but reaches the disk whole, close to a segment's end; the next one does
// not fit there any more and begins the next segment.
TEST(Recovery, ARefusedFrameAtASegmentsEndIsErasedBeforeTheNextBegins) {
  LogForTests log;
  std::atomic<bool> failing{false};
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  disk.set_plan([&](std::uint64_t, SimulatedDisk::Call call,
                    const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (failing && call == SimulatedDisk::Call::write && path == kFirst)
      return SimulatedDisk::Fault{Reason::file_failed, SimulatedDisk::Fault::Effect::whole};
    return std::nullopt;
  });
  auto ledger = Ledger::open(log.options(&disk), log.seed);
  ASSERT_TRUE(ledger);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(record_one(**ledger, log.denial(1, 100)));
  failing = true;
  ASSERT_FALSE(record_one(**ledger, log.denial(2, 100)));
  failing = false;
  Promises promises;
  for (int i = 0; i < 3; ++i) {
    auto outcome = record_one(**ledger, log.denial(3, 20'000));
    ASSERT_TRUE(outcome) << outcome.error().detail;
    promises.saw(*outcome, log.key());
  }
  ledger->reset();
  auto verdict = verify_files(disk, "/ledger", log.key(), nullptr);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->problem, "");
  std::mt19937_64 random(1);
  const auto after = disk.crash(random, 4096, 1);
  auto again = Ledger::open(log.options(after.get()), log.seed);
  ASSERT_TRUE(again) << again.error().detail;
  promises.check(**again, log.key());
  EXPECT_EQ(promises.broken, "");
}

TEST(Recovery, SnapshotsAreBelievedOnlyIfTheyProveThemselves) {
  LogForTests log;
  const NoteSigner signer(log.origin, log.seed);
  Snapshot s;
  s.segment = 3;
  s.batch = 9;
  s.last_time = Moment{5};
  for (int i = 0; i < 11; ++i) s.range.append(crypto::sha256(std::to_string(i)));
  s.checkpoint = signer.sign(checkpoint_text(log.origin, 11, s.range.root()));
  const std::string good = encode_snapshot(s);
  auto back = decode_snapshot(good, log.key());
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_snapshot(*back), good);
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_snapshot(bad, log.key()));
    // With its own hash made right again, the signature still stands against it, or it is not of
    // the signed tree; only what nothing signs (segment, batch, time, frame hash) is left open, and
    // the frames after it contradict that.
    const Digest hash = crypto::sha256(bad.substr(0, bad.size() - 32));
    bad.replace(bad.size() - 32, 32, crypto::text_of(hash));
    if (bit / 8 >= 60 && bit / 8 < good.size() - 32) {
      EXPECT_FALSE(decode_snapshot(bad, log.key())) << bit;
    }
  }
  for (std::size_t n = 0; n < good.size(); n += 7)
    EXPECT_FALSE(decode_snapshot(good.substr(0, n), log.key()));
}

TEST(Recovery, ThePublishedFileHasOneSpelling) {
  const Published p{std::string(32, 'a'), true, "log\n1\nroot\n\n\xe2\x80\x94 log x\n"};
  const std::string good = encode_published(p);
  auto back = decode_published(good);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->closed);
  EXPECT_EQ(back->checkpoint, p.checkpoint);
  for (const std::string& bad : {std::string(), good.substr(1), good.substr(0, 40),
                                 std::string("amanat-published/1\nboot zz\n")})
    EXPECT_FALSE(decode_published(bad));
  std::string state = good;
  state.replace(state.find("closed"), 6, "Closed");
  EXPECT_FALSE(decode_published(state));
}

}  // namespace
}  // namespace amanat::ledger
