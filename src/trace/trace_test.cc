#include "trace/trace.h"

#include <gtest/gtest.h>

#include "storage/scratch.h"

namespace amanat::trace {
namespace {

/// House is a small exchange: who is in the records, and the ledger's entries.
struct House {
  std::vector<ledger::Opened> entries;
  std::vector<std::pair<SubjectName, Label>> subjects;
  std::vector<std::pair<SubjectName, SubjectName>> numbers;
  std::uint64_t mark = 1;
  int reads = 0;

  static Label label_of(const SubjectName& name) {
    Label label{};
    std::copy_n(name.value.begin(), std::min(name.value.size(), label.size()), label.begin());
    return label;
  }
  static SubjectName citizen(int i) {
    return {SubjectKind::national_id, std::to_string(3'520'200'000'000 + i)};
  }
  static SubjectName number(int i) {
    return {SubjectKind::msisdn, "+92300" + std::to_string(1'000'000 + i)};
  }

  void know(const SubjectName& name) { subjects.emplace_back(name, label_of(name)); }
  void disclose(const SubjectName& name, std::uint32_t account, std::uint64_t day,
                bool readable = true) {
    ledger::Opened e;
    e.index = EntryIndex{entries.size()};
    e.type = EntryType::disclosure;
    e.time = Moment{kDayZeroMs + day * 86'400'000};
    if (readable) {
      e.subject = label_of(name);
      e.actor = Actor{AccountId{account}, KeyKind::certificate, {}};
    }
    entries.push_back(std::move(e));
  }
  void erase(int i) {
    for (auto& e : entries)
      if (e.subject == label_of(citizen(i))) e.subject.reset(), e.actor.reset();
    std::erase_if(subjects, [&](const auto& s) { return s.first == citizen(i); });
    ledger::Opened e;
    e.index = EntryIndex{entries.size()};
    e.type = EntryType::erasure;
    e.time = entries.back().time;
    entries.push_back(std::move(e));
    ++mark;
  }
  Sources sources() {
    return {[this](EntryIndex from, const auto& visit) -> Result<void> {
              for (auto i = static_cast<std::size_t>(amanat::number(from)); i < entries.size(); ++i)
                if (!visit(entries[i])) return {};
              return {};
            },
            [this](const auto& subject, const auto& number_of) -> Result<void> {
              ++reads;
              for (const auto& [name, label] : subjects) subject(name, label);
              for (const auto& [n, c] : numbers) number_of(n, c);
              return {};
            },
            [this]() -> Result<std::uint64_t> { return mark; }};
  }
};

Key256 some_key() {
  Key256 key;
  key.mutable_bytes()[3] = 9;
  return key;
}

std::string leak_of(const storage::Scratch& scratch, const std::string& text) {
  const std::string path = scratch.path() + "/leak";
  EXPECT_TRUE(storage::replace_file(storage::system_disk(), path, text).has_value());
  return path;
}

TEST(Trace, ALeakIsReadAndMatchedAndNobodyIsNamed) {
  const storage::Scratch scratch;
  House house;
  for (int i = 0; i < 20; ++i) house.know(House::citizen(i));
  for (int i = 0; i < 20; ++i) house.numbers.emplace_back(House::number(i), House::citizen(i));
  for (int i = 0; i < 10; ++i)
    house.disclose(House::citizen(i), 7, 9000 + static_cast<std::uint64_t>(i));
  house.know(House::number(99));
  house.disclose(House::number(99), 8, 9100);
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  ASSERT_TRUE(trace.has_value());
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += "send 500 rs for " +
            (i % 2 == 0 ? House::citizen(i).value : "0" + House::number(i).value.substr(3)) + "\n";
  text += "0" + House::number(99).value.substr(3) + "\n";  // a number that was asked about itself
  auto outcome = (*trace)->run(leak_of(scratch, text), {});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->match.rows, 21u);
  EXPECT_EQ(outcome->match.rows_matched, 11u);
  EXPECT_EQ(outcome->match.citizens, 11u);
  EXPECT_EQ(outcome->match.disclosures, 11u);
  EXPECT_EQ(outcome->match.first_day, 9000);
  EXPECT_EQ(outcome->match.last_day, 9100);
  EXPECT_EQ(outcome->ledger_entries, 11u);
}

TEST(Trace, WhatIsDisclosedAfterwardsIsFoundNextTime) {
  const storage::Scratch scratch;
  House house;
  for (int i = 0; i < 4; ++i) house.know(House::citizen(i));
  house.disclose(House::citizen(0), 1, 9000);
  const std::string leak =
      leak_of(scratch, House::citizen(0).value + "\n" + House::citizen(1).value + "\n");
  {
    auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
    EXPECT_EQ((*trace)->run(leak, {})->match.rows_matched, 1u);
    house.disclose(House::citizen(1), 1, 9001);
    EXPECT_EQ((*trace)->run(leak, {})->match.rows_matched, 2u);
  }
  // And by another process, which need not ask who is who again.
  EXPECT_EQ(house.reads, 1);
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  EXPECT_EQ((*trace)->run(leak, {})->match.rows_matched, 2u);
  EXPECT_EQ(house.reads, 1);
}

TEST(Trace, NothingOfAnErasedCitizenStaysInTheIndex) {
  const storage::Scratch scratch;
  House house;
  for (int i = 0; i < 4; ++i) house.know(House::citizen(i));
  for (int i = 0; i < 4; ++i) house.disclose(House::citizen(i), 1, 9000);
  const std::string leak =
      leak_of(scratch, House::citizen(0).value + "\n" + House::citizen(1).value + "\n");
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  EXPECT_EQ((*trace)->run(leak, {})->match.rows_matched, 2u);
  house.erase(0);
  auto outcome = (*trace)->run(leak, {});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->match.rows_matched, 1u);
  EXPECT_EQ(outcome->disclosures, 3u);
}

TEST(Trace, DisclosuresOfPeopleNoRecordNamesAreCounted) {
  const storage::Scratch scratch;
  House house;
  house.know(House::citizen(0));
  house.disclose(House::citizen(0), 1, 9000);
  house.disclose(House::citizen(1), 1, 9000);
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  auto outcome = (*trace)->run(leak_of(scratch, "x\n"), {});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->nameless, 1u);
  // Once a record names them, they are found.
  house.know(House::citizen(1));
  ++house.mark;
  outcome = (*trace)->run(leak_of(scratch, House::citizen(1).value + "\n"), {});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->nameless, 0u);
  EXPECT_EQ(outcome->match.rows_matched, 1u);
}

TEST(Trace, StoppingEndsItAndBeginningAgainWorks) {
  const storage::Scratch scratch;
  House house;
  house.know(House::citizen(0));
  house.disclose(House::citizen(0), 1, 9000);
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  const std::string leak = leak_of(scratch, House::citizen(0).value + "\n");
  std::atomic<bool> stop = true;
  RunOptions options;
  options.stop = &stop;
  EXPECT_EQ((*trace)->run(leak, options).error().reason, Reason::trace_stopped);
  stop = false;
  EXPECT_EQ((*trace)->run(leak, options)->match.rows_matched, 1u);
}

TEST(Trace, AMissingFileIsSaidSo) {
  const storage::Scratch scratch;
  House house;
  auto trace = Trace::open({scratch.path() + "/trace", some_key()}, house.sources());
  EXPECT_EQ((*trace)->run(scratch.path() + "/nothing", {}).error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::trace
