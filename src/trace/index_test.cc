#include "trace/index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "storage/scratch.h"
#include "trace/match.h"

namespace amanat::trace {
namespace {

constexpr std::uint64_t kDayMs = 86'400'000;

Key256 key_of(std::uint8_t n) {
  Key256 key;
  key.mutable_bytes()[0] = n;
  return key;
}

Label label_of(std::uint64_t citizen) {
  Label label{};
  for (int i = 0; i < 8; ++i)
    label[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(citizen >> (8 * i));
  return label;
}
std::uint64_t citizen_of(const Label& label) {
  std::uint64_t n = 0;
  for (int i = 0; i < 8; ++i)
    n |= static_cast<std::uint64_t>(label[static_cast<std::size_t>(i)]) << (8 * i);
  return n;
}
std::string national_id(std::uint64_t citizen) {
  return std::to_string(3'520'200'000'000 + citizen);
}

/// A ledger's entries, made up: what scan() would say.
struct Entries {
  std::vector<ledger::Opened> all;

  void disclosure(std::uint64_t citizen, std::uint32_t account, std::uint64_t day,
                  std::uint32_t version, std::string fields) {
    ledger::Opened e;
    e.index = EntryIndex{all.size()};
    e.type = EntryType::disclosure;
    e.time = Moment{kDayZeroMs + day * kDayMs + all.size()};
    e.subject = label_of(citizen);
    e.actor = Actor{AccountId{account}, KeyKind::certificate, {}};
    std::string versions(22, '\0');
    versions[20] = static_cast<char>(version >> 8);
    versions[21] = static_cast<char>(version);
    e.parts[static_cast<std::size_t>(BodyPart::value_versions) - 1] = versions;
    e.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1] = std::move(fields);
    all.push_back(std::move(e));
  }
  void other(std::uint64_t day) {
    ledger::Opened e;
    e.index = EntryIndex{all.size()};
    e.type = EntryType::denied;
    e.time = Moment{kDayZeroMs + day * kDayMs};
    all.push_back(std::move(e));
  }
  ScanLedger scan(std::size_t size) const {
    return [this, size](EntryIndex from, const auto& visit) -> Result<void> {
      for (std::size_t i = static_cast<std::size_t>(number(from)); i < size; ++i)
        if (!visit(all[i])) return {};
      return {};
    };
  }
};

NameOfLabel names(const IdentifierHash& hash) {
  return
      [&hash](const Label& label) { return std::optional(hash(national_id(citizen_of(label)))); };
}

Entries invented(std::uint64_t seed, std::size_t count, std::uint64_t citizens) {
  std::mt19937_64 draw(seed);
  Entries entries;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t day = 9000 + i * 40 / count;
    if (draw() % 10 == 0)
      entries.other(day);
    else
      entries.disclosure(
          draw() % 3 == 0 ? draw() % 7 : draw() % citizens, static_cast<std::uint32_t>(draw() % 50),
          day, static_cast<std::uint32_t>(draw() % 5), "set " + std::to_string(draw() % 9));
  }
  return entries;
}

std::string bytes_of_only_segment(const std::string& directory) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (!file.path().filename().string().starts_with("postings-")) continue;
    EXPECT_TRUE(found.empty()) << "more than one segment";
    found = *storage::read_file(file.path(), 1u << 30);
  }
  return found;
}

TEST(Posting, PackingKeepsEveryFieldAndTheOrder) {
  const Posting p{AccountId{0xABCDEF}, 9876, 4095, 16382};
  EXPECT_EQ(unpack(pack(p)), p);
  EXPECT_LT(pack({AccountId{5}, 16383, 4095, 16383}), pack({AccountId{6}, 0, 0, 0}));
  EXPECT_LT(pack({AccountId{5}, 7, 4095, 16383}), pack({AccountId{5}, 8, 0, 0}));
}

TEST(Index, EveryDisclosureIsFoundAndNothingElse) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const storage::Scratch scratch;
  const Entries entries = invented(seed, 20'000, 3000);
  const IdentifierHash hash(key_of(1));
  // The truth, kept simply.
  std::map<std::uint64_t, std::vector<std::uint64_t>> expected;
  std::vector<std::string> sets;
  for (const auto& e : entries.all) {
    const auto posting = posting_of(e, [&](std::string_view set) {
      const auto at = std::find(sets.begin(), sets.end(), set);
      if (at != sets.end()) return static_cast<std::uint16_t>(at - sets.begin());
      sets.emplace_back(set);
      return static_cast<std::uint16_t>(sets.size() - 1);
    });
    if (posting) expected[hash(national_id(citizen_of(*e.subject)))].push_back(pack(*posting));
  }
  auto index = Index::open({scratch.path(), nullptr, 3000});
  ASSERT_TRUE(index.has_value());
  ASSERT_TRUE((*index)->catch_up(entries.scan(entries.all.size()), names(hash)).has_value());
  const auto snapshot = (*index)->snapshot();
  EXPECT_EQ(snapshot->entries, entries.all.size());
  EXPECT_GT(snapshot->segments.size(), 0u);

  std::vector<std::uint64_t> asked;
  for (std::uint64_t c = 0; c < 6000; ++c) asked.push_back(hash(national_id(c)));
  std::map<std::uint64_t, std::vector<std::uint64_t>> got;
  for (const auto& segment : snapshot->segments) {
    std::vector<Found> found;
    segment->find(asked, found);
    for (const auto& f : found)
      for (const auto p : segment->postings_of(f)) got[asked[f.query]].push_back(p);
    EXPECT_TRUE(segment->check().has_value());
  }
  for (auto& [citizen, list] : expected) std::sort(list.begin(), list.end());
  for (auto& [citizen, list] : got) std::sort(list.begin(), list.end());
  EXPECT_EQ(got, expected);
}

TEST(Index, ItIsRebuiltFromTheLedgerByteForByte) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const storage::Scratch grown, rebuilt;
  const Entries entries = invented(seed, 12'000, 2000);
  const IdentifierHash hash(key_of(1));
  std::mt19937_64 draw(seed);
  {
    // Grown in many steps, with restarts between them and merges of any shape.
    for (std::size_t size = 0; size < entries.all.size();) {
      size = std::min<std::size_t>(entries.all.size(), size + 1 + draw() % 2500);
      auto index =
          Index::open({grown.path(), nullptr, 100 + static_cast<std::size_t>(draw() % 1000)});
      ASSERT_TRUE(index.has_value());
      ASSERT_TRUE((*index)->catch_up(entries.scan(size), names(hash)).has_value());
    }
    auto index = Index::open({grown.path(), nullptr, 1000});
    ASSERT_TRUE(index.has_value() && (*index)->compact().has_value());
  }
  auto index = Index::open({rebuilt.path(), nullptr, 1u << 20});
  ASSERT_TRUE(index.has_value());
  ASSERT_TRUE((*index)->catch_up(entries.scan(entries.all.size()), names(hash)).has_value());
  const std::string one = bytes_of_only_segment(grown.path()),
                    other = bytes_of_only_segment(rebuilt.path());
  ASSERT_FALSE(one.empty());
  EXPECT_TRUE(one == other);
}

TEST(Index, ASnapshotStaysAsItWas) {
  const storage::Scratch scratch;
  const Entries entries = invented(3, 4000, 500);
  const IdentifierHash hash(key_of(1));
  auto index = Index::open({scratch.path(), nullptr, 1000});
  ASSERT_TRUE((*index)->catch_up(entries.scan(2000), names(hash)).has_value());
  const auto before = (*index)->snapshot();
  const auto disclosures = before->disclosures();
  ASSERT_TRUE((*index)->catch_up(entries.scan(4000), names(hash)).has_value());
  ASSERT_TRUE((*index)->compact().has_value());
  EXPECT_EQ(before->entries, 2000u);
  EXPECT_EQ(before->disclosures(), disclosures);
  for (const auto& segment : before->segments) EXPECT_TRUE(segment->check().has_value());
  EXPECT_GT((*index)->snapshot()->disclosures(), disclosures);
}

// As beside a running server: entries are appended, the index catches up and others search, at
// once. What was durable before a catch-up began is in every snapshot taken after it.
TEST(Index, WhatIsInTheLedgerWhenACatchUpBeginsIsFoundAfterItWhileTheLedgerGrows) {
  const storage::Scratch scratch;
  const IdentifierHash hash(key_of(1));
  auto index = *Index::open({scratch.path()});
  std::mutex mutex;
  Entries entries;
  std::atomic<bool> over = false;
  std::thread appender([&] {
    for (std::uint64_t n = 0; !over; ++n) {
      const std::lock_guard lock(mutex);
      if (n < 200'000) entries.disclosure(n, 7, 9000, 1, "set");
    }
  });
  std::thread searcher([&] {
    for (std::uint64_t n = 0; !over; n = (n + 97) % 1000) {
      const auto snapshot = index->snapshot();
      std::vector<Found> found;
      const std::uint64_t wanted[] = {hash(national_id(n))};
      for (const auto& segment : snapshot->segments) segment->find(wanted, found);
      EXPECT_EQ(found.size(), n < snapshot->entries ? 1u : 0u);
    }
  });
  const ScanLedger scan = [&](EntryIndex from, const auto& visit) -> Result<void> {
    for (auto i = static_cast<std::size_t>(number(from));; ++i) {
      const std::unique_lock lock(mutex);
      if (i >= entries.all.size()) return {};
      const ledger::Opened entry = entries.all[i];
      if (!visit(entry)) return {};
    }
  };
  for (int round = 0; round < 25 && !HasFailure(); ++round) {
    std::size_t durable = 0;
    while (durable < 200 * (static_cast<std::size_t>(round) + 1)) {
      std::this_thread::yield();
      const std::lock_guard lock(mutex);
      durable = entries.all.size();
    }
    ASSERT_TRUE(index->catch_up(scan, names(hash)).has_value());
    const auto snapshot = index->snapshot();
    ASSERT_GE(snapshot->entries, durable);
    for (std::uint64_t n = durable - std::min<std::size_t>(durable, 50); n < durable; ++n) {
      std::vector<Found> found;
      const std::uint64_t wanted[] = {hash(national_id(n))};
      for (const auto& segment : snapshot->segments) segment->find(wanted, found);
      ASSERT_EQ(found.size(), 1u) << n;
    }
  }
  over = true;
  appender.join();
  searcher.join();
}

TEST(Index, ACelebritysManyDisclosuresAreAllThere) {
  const storage::Scratch scratch;
  Entries entries;
  for (std::uint32_t i = 0; i < 1000; ++i) entries.disclosure(7, i, 9000, 1, "f");
  for (std::uint32_t c = 100; c < 400; ++c) entries.disclosure(c, 3, 9000, 1, "f");
  const IdentifierHash hash(key_of(1));
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE((*index)->catch_up(entries.scan(entries.all.size()), names(hash)).has_value());
  const auto snapshot = (*index)->snapshot();
  ASSERT_EQ(snapshot->segments.size(), 1u);
  for (std::uint64_t c : {7, 100, 250, 399}) {
    const std::uint64_t asked[] = {hash(national_id(c))};
    std::vector<Found> found;
    snapshot->segments[0]->find(asked, found);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].count, c == 7 ? 1000u : 1u);
    EXPECT_EQ(number(unpack(snapshot->segments[0]->postings_of(found[0])[0]).account),
              c == 7 ? 0u : 3u);
  }
}

TEST(Index, WithAnotherKeyItNamesNobody) {
  const storage::Scratch scratch;
  const Entries entries = invented(5, 3000, 300);
  const IdentifierHash ours(key_of(1)), theirs(key_of(2));
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE((*index)->catch_up(entries.scan(3000), names(ours)).has_value());
  std::vector<std::uint64_t> asked;
  for (std::uint64_t c = 0; c < 300; ++c) asked.push_back(theirs(national_id(c)));
  std::vector<Found> found;
  (*index)->snapshot()->segments[0]->find(asked, found);
  EXPECT_TRUE(found.empty());
}

TEST(Index, ADamagedSegmentIsMadeAgain) {
  const storage::Scratch scratch;
  const Entries entries = invented(6, 3000, 300);
  const IdentifierHash hash(key_of(1));
  {
    auto index = Index::open({scratch.path(), nullptr, 1u << 20});
    ASSERT_TRUE((*index)->catch_up(entries.scan(3000), names(hash)).has_value());
  }
  const std::string whole = bytes_of_only_segment(scratch.path());
  for (const auto& file : std::filesystem::directory_iterator(scratch.path()))
    if (file.path().filename().string().starts_with("postings-"))
      std::filesystem::resize_file(file.path(), whole.size() / 2);
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ((*index)->snapshot()->entries, 0u);
  ASSERT_TRUE((*index)->catch_up(entries.scan(3000), names(hash)).has_value());
  EXPECT_TRUE(bytes_of_only_segment(scratch.path()) == whole);
}

TEST(Index, AChangedByteIsFoundByItsDigest) {
  const storage::Scratch scratch;
  const Entries entries = invented(7, 3000, 300);
  const IdentifierHash hash(key_of(1));
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE((*index)->catch_up(entries.scan(3000), names(hash)).has_value());
  for (const auto& file : std::filesystem::directory_iterator(scratch.path())) {
    if (!file.path().filename().string().starts_with("postings-")) continue;
    std::string bytes = *storage::read_file(file.path(), 1u << 30);
    bytes[5000] = static_cast<char>(bytes[5000] ^ 1);
    const std::string copy = file.path().string() + ".flipped";
    ASSERT_TRUE(storage::replace_file(storage::system_disk(), copy, bytes).has_value());
    auto segment = Segment::open(copy);
    ASSERT_TRUE(segment.has_value());
    EXPECT_EQ(segment->check().error().reason, Reason::ledger_corrupt);
    break;
  }
}

TEST(Index, NineBytesADisclosureAreEnough) {
  const storage::Scratch scratch;
  auto writer = SegmentWriter::create(storage::system_disk(), scratch.path() + "/s");
  ASSERT_TRUE(writer.has_value());
  std::mt19937_64 draw(1);
  std::vector<std::uint64_t> postings;
  constexpr std::uint64_t kSubjects = 700'000;
  std::uint64_t disclosures = 0;
  for (std::uint64_t i = 0; i < kSubjects; ++i) {
    postings.resize(10);
    for (auto& p : postings) p = draw();
    std::sort(postings.begin(), postings.end());
    ASSERT_TRUE(
        writer->add((i * (~std::uint64_t{0} / kSubjects)) & kHashMask, postings).has_value());
    disclosures += postings.size();
  }
  ASSERT_TRUE(writer->finish({0, disclosures, {}, {"f"}}).has_value());
  auto segment = Segment::open(scratch.path() + "/s");
  ASSERT_TRUE(segment.has_value());
  EXPECT_LE(static_cast<double>(segment->file_bytes()), 9.0 * static_cast<double>(disclosures));
}

TEST(Index, StoppingLeavesItUsable) {
  const storage::Scratch scratch;
  const Entries entries = invented(8, 3000, 300);
  const IdentifierHash hash(key_of(1));
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  std::atomic<bool> stop = true;
  EXPECT_EQ((*index)->catch_up(entries.scan(3000), names(hash), &stop).error().reason,
            Reason::trace_stopped);
  stop = false;
  ASSERT_TRUE((*index)->catch_up(entries.scan(3000), names(hash), &stop).has_value());
  EXPECT_EQ((*index)->snapshot()->entries, 3000u);
}

MatchSummary match_csv(const std::string& csv, const Snapshot& snapshot, const IdentifierHash& hash,
                       const Aliases& aliases, std::size_t batch) {
  Matcher matcher(hash, std::make_shared<const Snapshot>(snapshot), aliases, {nullptr, batch});
  ReadOptions options;
  options.on_row = [&](const LeakRow& row) { matcher.take(row); };
  const auto summary = read_leak_bytes(csv, "leak.csv", options);
  EXPECT_TRUE(summary.has_value());
  return matcher.finish(*summary);
}

TEST(Match, RowsOfDisclosedCitizensAreFoundThroughEitherNumber) {
  const storage::Scratch scratch;
  Entries entries;
  for (std::uint32_t c = 0; c < 100; ++c) entries.disclosure(c, c % 5, 9000 + c % 3, 1, "f");
  const IdentifierHash hash(key_of(1));
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE((*index)->catch_up(entries.scan(100), names(hash)).has_value());
  Aliases aliases;
  for (std::uint64_t c = 0; c < 100; ++c)
    aliases.add(hash("92" + std::to_string(3001000000 + c)), hash(national_id(c)));
  aliases.sort();
  std::string csv = "cnic,phone,name\n";
  for (std::uint64_t c = 50; c < 150; ++c) csv += national_id(c) + ",,Ali\n";  // 50 of them
  for (std::uint64_t c = 0; c < 20; ++c)
    csv += "," + std::to_string(3001000000 + c) + ",Ali\n";  // 20
  for (std::uint64_t c = 0; c < 5; ++c)
    csv += national_id(c) + "," + std::to_string(3001000000 + c) + ",Ali\n";  // 5, once each
  csv += "3.52020E+12,,Ali\n";
  for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    const auto m = match_csv(csv, *(*index)->snapshot(), hash, aliases, batch);
    EXPECT_EQ(m.rows, 125u);
    EXPECT_EQ(m.rows_matched, 75u);
    EXPECT_EQ(m.citizens, 70u);
    EXPECT_EQ(m.first_day, 9000);
    EXPECT_EQ(m.last_day, 9002);
    EXPECT_EQ(m.rows_doubtful, 0u);
  }
}

TEST(Match, ARowFoundOnlyThroughTimesDoesNotCount) {
  const storage::Scratch scratch;
  Entries entries;
  for (std::uint32_t c = 0; c < 50; ++c) entries.disclosure(c, 1, 9000, 1, "f");
  const IdentifierHash hash(key_of(1));
  // Citizens whose number looks like a time in milliseconds.
  const auto number_of = [](std::uint64_t c) {
    return std::to_string(1'732'285'500'000 + c * 1000);
  };
  const NameOfLabel name = [&](const Label& l) {
    return std::optional(hash(number_of(citizen_of(l))));
  };
  auto index = Index::open({scratch.path(), nullptr, 1u << 20});
  ASSERT_TRUE((*index)->catch_up(entries.scan(50), name).has_value());
  std::string csv = "time,name\n";
  for (std::uint64_t c = 0; c < 50; ++c) csv += number_of(c) + ",Ali\n";
  const auto m = match_csv(csv, *(*index)->snapshot(), hash, {}, 1u << 20);
  EXPECT_EQ(m.rows_matched, 0u);
  EXPECT_EQ(m.rows_doubtful, 50u);
}

}  // namespace
}  // namespace amanat::trace
