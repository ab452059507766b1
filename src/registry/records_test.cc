#include <gtest/gtest.h>

#include <random>

#include "registry/records.h"

namespace amanat::registry {
namespace {

TEST(Records, AKeyReadsBackAndSortsByDatasetThenSubject) {
  RecordKey key{7, vault::Slot{0x0102030405060708}, {}};
  for (std::size_t i = 0; i < key.record.size(); ++i) key.record[i] = static_cast<std::uint8_t>(i);
  std::string bytes;
  append(bytes, key);
  EXPECT_EQ(bytes.size(), kRecordKeyBytes);
  EXPECT_TRUE(bytes.starts_with(subject_prefix(7, key.slot)));
  auto back = decode_record_key(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->dataset, 7);
  EXPECT_EQ(back->slot, key.slot);
  EXPECT_EQ(back->record, key.record);
  EXPECT_LT(subject_prefix(7, vault::Slot{255}), subject_prefix(7, vault::Slot{256}));
  EXPECT_LT(subject_prefix(7, vault::Slot{~0ULL}), subject_prefix(8, vault::Slot{0}));
  auto posting = decode_posting(posting_key(Tag{1}, bytes));
  ASSERT_TRUE(posting);
  EXPECT_EQ(posting->record, key.record);
  EXPECT_FALSE(decode_posting(bytes));
}

TEST(Records, APlaintextReadsBack) {
  std::string plain;
  RecordWriter writer(plain);
  writer.subject(SubjectKind::passport, "AB1234567");
  writer.value(3, "Lahore", "");
  writer.value(4, "2026-01-02", "02-01-2026");
  writer.subject_value(5, "ab 1234567");
  writer.link(6, vault::Slot{9}, std::string(300, 's'));
  auto reader = RecordReader::over(plain);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->kind(), SubjectKind::passport);
  EXPECT_EQ(reader->subject(), "AB1234567");
  RecordReader::Value v;
  ASSERT_TRUE(*reader->next(v));
  EXPECT_EQ(v.value, "Lahore");
  EXPECT_TRUE(v.original.empty());
  ASSERT_TRUE(*reader->next(v));
  EXPECT_EQ(v.original, "02-01-2026");
  ASSERT_TRUE(*reader->next(v));
  EXPECT_EQ(v.field, 5);
  EXPECT_EQ(v.value, "AB1234567");
  EXPECT_EQ(v.original, "ab 1234567");
  ASSERT_TRUE(*reader->next(v));
  EXPECT_TRUE(v.linked);
  EXPECT_EQ(v.other, vault::Slot{9});
  EXPECT_EQ(v.sealed.size(), 300U);
  EXPECT_FALSE(*reader->next(v));
}

TEST(Records, DamagedBytesAreNamedAndNeverRunPastTheirEnd) {
  std::string plain;
  RecordWriter writer(plain);
  writer.subject(SubjectKind::national_id, "1111111111111");
  writer.value(1, "x", "y");
  writer.link(2, vault::Slot{1}, "sealed");
  std::random_device device;
  const auto seed = device();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = plain.substr(0, random() % (plain.size() + 1));
    for (auto n = random() % 4; n > 0 && !bytes.empty(); --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto reader = RecordReader::over(bytes);
    RecordReader::Value v;
    std::size_t values = 0;
    while (reader) {
      auto more = reader->next(v);
      EXPECT_TRUE(more || more.error().reason == Reason::seal_broken);
      if (!more || !*more) break;
      ASSERT_LE(++values, bytes.size());
    }
    (void)decode_record(bytes);
    (void)decode_subject(bytes);
    (void)decode_link(bytes);
  }
}

TEST(Records, ASubjectsRowReadsBack) {
  const SubjectRow row{vault::Slot{77}, false, true, {vault::Slot{77}, vault::Slot{78}}};
  auto back = decode_subject(encode(row));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->slot, row.slot);
  EXPECT_TRUE(back->erasing);
  EXPECT_EQ(back->also, row.also);
}

}  // namespace
}  // namespace amanat::registry
