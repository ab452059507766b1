#include "ledger/frame.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/segment.h"
#include "ledger/simulated_disk.h"

namespace amanat::ledger {
namespace {

const Digest kLog = crypto::sha256("log.example.org/amanat1");

std::string frame_of(unsigned count, std::size_t opening, Digest* hash = nullptr) {
  FrameBuilder builder;
  builder.begin();
  for (unsigned i = 0; i < count; ++i)
    builder.add(std::string(106, static_cast<char>('a' + i)), std::string(opening, 'o'));
  FrameHead head;
  head.log = kLog;
  head.batch = 5;
  head.first = 1000;
  head.previous.fill(0x77);
  Digest root;
  root.fill(0x33);
  Digest made;
  const std::string bytes(builder.finish(head, 1000 + count, root, "checkpoint\n", made));
  if (hash != nullptr) *hash = made;
  return bytes;
}

TEST(Frame, EveryFieldStandsAtItsOffset) {
  Digest hash;
  const std::string f = frame_of(2, 50, &hash);
  ASSERT_EQ(f.size(), 4096u);
  EXPECT_EQ(f.substr(0, 8), "AMNFRM01");
  EXPECT_EQ(f.substr(8, 32), crypto::text_of(kLog));
  EXPECT_EQ(load_number<std::uint64_t>(f.data() + 40), 5u);     // batch
  EXPECT_EQ(load_number<std::uint64_t>(f.data() + 48), 1000u);  // first index
  EXPECT_EQ(load_number<std::uint32_t>(f.data() + 56), 2u);     // count
  EXPECT_EQ(load_number<std::uint32_t>(f.data() + 60), 216u);   // 2 x (2 + 106)
  EXPECT_EQ(load_number<std::uint32_t>(f.data() + 64), 108u);   // 2 x (4 + 50)
  EXPECT_EQ(load_number<std::uint32_t>(f.data() + 68), 87u);    // 8 + 32 + 4 + 11 + 32
  EXPECT_EQ(f.substr(72, 32), std::string(32, 0x77));
  EXPECT_TRUE(all_zero(f.substr(104, 24)));
  EXPECT_EQ(load_number<std::uint16_t>(f.data() + 128), 106u);
  EXPECT_EQ(f[130], 'a');
  const std::size_t trailer = 128 + 216 + 108;
  EXPECT_EQ(load_number<std::uint64_t>(f.data() + trailer), 1002u);
  EXPECT_EQ(f.substr(trailer + 8, 32), std::string(32, 0x33));
  EXPECT_EQ(f.substr(trailer + 44, 11), "checkpoint\n");
  EXPECT_EQ(f.substr(trailer + 55, 32), crypto::text_of(crypto::sha256(f.substr(0, trailer + 55))));
  EXPECT_EQ(f.substr(trailer + 55, 32), crypto::text_of(hash));
  EXPECT_TRUE(all_zero(f.substr(trailer + 87)));
}

TEST(Frame, ComesBackAsItWentIn) {
  Frame frame;
  for (const unsigned count : {0u, 1u, 20u}) {
    const std::string bytes = frame_of(count, 700);
    ASSERT_TRUE(parse_frame(bytes, kLog, frame));
    EXPECT_EQ(frame.head.count, count);
    ASSERT_EQ(frame.items.size(), count);
    for (unsigned i = 0; i < count; ++i)
      EXPECT_EQ(frame.items[i].entry, std::string(106, static_cast<char>('a' + i)));
    EXPECT_EQ(frame.checkpoint, "checkpoint\n");
    EXPECT_EQ(frame.size, 1000u + count);
  }
}

TEST(Frame, EveryFlippedBitIsFound) {
  const std::string good = frame_of(3, 40);
  Frame frame;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(parse_frame(bad, kLog, frame)) << "bit " << bit;
  }
}

TEST(Frame, NoCutAndNoOtherLogIsTakenForAFrame) {
  const std::string good = frame_of(30, 400);
  Frame frame;
  for (std::size_t n = 0; n < good.size(); n += 97)
    EXPECT_FALSE(parse_frame(good.substr(0, n), kLog, frame));
  EXPECT_FALSE(parse_frame(good + std::string(4096, '\0'), kLog, frame));
  EXPECT_FALSE(parse_frame(good, crypto::sha256("another"), frame));
}

// Lengths that lie, with a hash that is right: nothing may be read beyond its part.
TEST(Frame, LyingLengthsAreRefusedThoughTheHashIsRight) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Frame frame;
  for (int i = 0; i < 3000; ++i) {
    std::string f = frame_of(4, 60);
    const std::size_t places[] = {
        56, 60, 64, 68, 128, 128 + 108, 128 + 4 * 108, 128 + 4 * 108 + 64, 128 + 4 * 172 + 40};
    const std::size_t at = places[random() % std::size(places)];
    const bool of_entry = at == 128 || at == 128 + 108;  // u16, the others u32
    const std::string before = f;
    const auto old = of_entry ? load_number<std::uint16_t>(f.data() + at)
                              : load_number<std::uint32_t>(f.data() + at);
    const auto now =
        static_cast<std::uint32_t>(random() % 3 == 0 ? random() : old + random() % 200 - 100);
    if (of_entry)
      store_number(f.data() + at, static_cast<std::uint16_t>(now));
    else
      store_number(f.data() + at, now);
    const bool changed = f != before;
    auto head = parse_head(f, kLog);
    if (!head) continue;
    const std::size_t body =
        kFrameHead + head->public_bytes + head->private_bytes + head->trailer_bytes;
    f.resize(head->bytes(), '\0');
    const Digest hash = crypto::sha256(f.substr(0, body - 32));
    f.replace(body - 32, 32, crypto::text_of(hash));
    if (changed) ASSERT_FALSE(parse_frame(f, kLog, frame)) << "at " << at << ": " << now;
  }
}

TEST(Frame, ARefusedEntryLeavesNoTrace) {
  FrameBuilder builder;
  builder.begin();
  builder.add(std::string(106, 'a'), "opening");
  const auto mark = builder.mark();
  builder.add(std::string(106, 'b'), "another");
  builder.back_to(mark);
  builder.add(std::string(106, 'c'), "third");
  FrameHead head;
  head.log = kLog;
  Digest hash;
  const std::string bytes(builder.finish(head, 2, Digest{}, "c\n", hash));
  Frame frame;
  ASSERT_TRUE(parse_frame(bytes, kLog, frame));
  ASSERT_EQ(frame.items.size(), 2u);
  EXPECT_EQ(frame.items[1].entry[0], 'c');
  EXPECT_EQ(frame.items[1].opening, "third");
  EXPECT_EQ(bytes.find(std::string(106, 'b')), std::string::npos);
  EXPECT_EQ(bytes.find("another"), std::string::npos);
}

TEST(Segment, AGapInTheNumbersIsNamed) {
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory("/l/segments"));
  EXPECT_EQ(segment_count(disk, "/l").value(), 0u);
  ASSERT_TRUE(make_segment(disk, "/l", 0, 64 * 1024, "first"));
  ASSERT_TRUE(make_segment(disk, "/l", 1, 64 * 1024, ""));
  EXPECT_EQ(segment_count(disk, "/l").value(), 2u);
  ASSERT_TRUE(make_segment(disk, "/l", 3, 64 * 1024, ""));
  auto count = segment_count(disk, "/l");
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().detail, "segment 0000000002 is missing");
}

TEST(Segment, TheFillerMakesZerosAndSaysWhenTheDiskIsFull) {
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory("/l/segments"));
  std::atomic<bool> full{true};
  disk.set_plan([&](std::uint64_t, SimulatedDisk::Call call,
                    const std::string&) -> std::optional<SimulatedDisk::Fault> {
    if (full && call == SimulatedDisk::Call::write)
      return SimulatedDisk::Fault{Reason::disk_full, SimulatedDisk::Fault::Effect::half};
    return std::nullopt;
  });
  Filler filler(disk, "/l", 64 * 1024);
  filler.want(0);
  for (int i = 0; i < 3; ++i) {
    auto taken = filler.take();
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().reason, Reason::disk_full);
  }
  EXPECT_EQ(segment_count(disk, "/l").value(), 0u);
  full = false;
  auto taken = filler.take();
  while (!taken) taken = filler.take();
  EXPECT_EQ(disk.content(segment_path("/l", 0)), std::string(64 * 1024, '\0'));
}

}  // namespace
}  // namespace amanat::ledger
