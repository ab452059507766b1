#include "lookup/trails.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace amanat::lookup {
namespace {

struct Folder {
  Folder() {
    std::string made = (std::filesystem::temp_directory_path() / "amanat-test-XXXXXX").string();
    insist(::mkdtemp(made.data()) != nullptr);
    path = made;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// Log is a ledger as a scan shows it.
struct Log {
  std::vector<ledger::Opened> entries;
  Trails::Scan scan() const {
    return [this](EntryIndex from,
                  const std::function<bool(const ledger::Opened&)>& visit) -> Result<void> {
      for (std::size_t i = number(from); i < entries.size(); ++i)
        if (!visit(entries[i])) break;
      return {};
    };
  }
  void grow(std::size_t n, std::mt19937_64& draw) {
    static const char* kPurposes[] = {"", "crime-investigation", "desk-verification", "audit"};
    for (; n > 0; --n) {
      ledger::Opened entry;
      entry.index = EntryIndex{entries.size()};
      time += draw() % 2000;
      entry.time = Moment{time};
      entry.type = static_cast<EntryType>(1 + draw() % 9);
      if (draw() % 5 != 0) {
        entry.actor.emplace();
        entry.actor->account = AccountId{static_cast<std::uint32_t>(1 + draw() % 40)};
      }
      entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1] = kPurposes[draw() % 4];
      entries.push_back(std::move(entry));
    }
  }
  std::uint64_t time = 1'795'348'800'000;
};

// What a search must find, by going through everything.
TrailPage slowly(const Log& log, const TrailQuery& query) {
  TrailPage page;
  page.entries = log.entries.size();
  for (std::size_t i = log.entries.size(); i-- > 0;) {
    const auto& e = log.entries[i];
    const AccountId account = e.actor ? e.actor->account : AccountId{0};
    const auto& purpose = e.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
    if (query.before && i >= number(*query.before)) continue;
    if (query.from && e.time < *query.from) continue;
    if (query.to && e.time >= *query.to) continue;
    if (query.account && account != *query.account) continue;
    if (query.type && e.type != *query.type) continue;
    if (!query.purpose.empty() && purpose != query.purpose) continue;
    if (page.lines.size() == query.most) {
      page.more_before = EntryIndex{i + 1};
      break;
    }
    page.lines.push_back({e.index, e.time, e.type, account, purpose});
  }
  return page;
}

TrailQuery some_query(const Log& log, std::mt19937_64& draw) {
  TrailQuery query;
  query.most = 1 + draw() % 60;
  const auto moment = [&] { return log.entries[draw() % log.entries.size()].time; };
  if (draw() % 2) query.account = AccountId{static_cast<std::uint32_t>(draw() % 42)};
  if (draw() % 2) query.type = static_cast<EntryType>(1 + draw() % 9);
  if (draw() % 2) query.purpose = draw() % 8 == 0 ? "unheard of" : "crime-investigation";
  if (draw() % 3 == 0) query.from = moment();
  if (draw() % 3 == 0) query.to = moment();
  if (draw() % 2) query.before = EntryIndex{draw() % (log.entries.size() + 10)};
  return query;
}

void expect_same(const Log& log, const Trails& trails, std::mt19937_64& draw) {
  for (int i = 0; i < 60; ++i) {
    const TrailQuery query = some_query(log, draw);
    const TrailPage expected = slowly(log, query);
    auto found = trails.find(query);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->entries, expected.entries);
    ASSERT_EQ(found->lines.size(), expected.lines.size());
    for (std::size_t n = 0; n < expected.lines.size(); ++n) {
      EXPECT_EQ(found->lines[n].entry, expected.lines[n].entry);
      EXPECT_EQ(found->lines[n].time, expected.lines[n].time);
      EXPECT_EQ(found->lines[n].account, expected.lines[n].account);
      EXPECT_EQ(found->lines[n].type, expected.lines[n].type);
      EXPECT_EQ(found->lines[n].purpose, expected.lines[n].purpose);
    }
    // Where there is more, going on from there misses nothing and repeats nothing.
    EXPECT_EQ(found->more_before, expected.more_before);
  }
}

Result<std::unique_ptr<Trails>> opened(const Folder& folder, std::uint8_t key = 7) {
  Trails::Options options;
  options.file = (folder.path / "trails").string();
  options.key.mutable_bytes()[0] = key;
  return Trails::open(options);
}

TEST(Trails, FindWhatGoingThroughEverythingFindsAlsoAfterARestart) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 draw(seed);
  Folder folder;
  Log log;
  {
    auto trails = opened(folder);
    ASSERT_TRUE(trails);
    log.grow(10, draw);
    ASSERT_TRUE((*trails)->catch_up(log.scan(), 1'000'000));
    expect_same(log, **trails, draw);
    // Over the edges of blocks, taken in by pieces.
    log.grow(65'536 * 2, draw);
    for (;;) {
      auto more = (*trails)->catch_up(log.scan(), 20'000);
      ASSERT_TRUE(more);
      if (!*more) break;
    }
    expect_same(log, **trails, draw);
  }
  auto again = opened(folder);
  ASSERT_TRUE(again);
  ASSERT_TRUE((*again)->catch_up(log.scan(), 1'000'000));
  expect_same(log, **again, draw);
}

TEST(Trails, CountWhatSomebodyDidAsGoingThroughEverythingDoes) {
  std::mt19937_64 draw(11);
  Folder folder;
  Log log;
  log.grow(90'000, draw);
  auto trails = opened(folder);
  ASSERT_TRUE(trails);
  for (;;) {
    auto more = (*trails)->catch_up(log.scan(), 40'000);
    ASSERT_TRUE(more);
    if (!*more) break;
  }
  const std::set<AccountId> some = {AccountId{3}, AccountId{17}};
  for (const std::size_t at : {std::size_t{0}, std::size_t{40'000}, log.entries.size() - 1}) {
    const Moment from = log.entries[at].time;
    std::map<TrailTally::Key, std::uint64_t> counts;
    std::uint64_t within = 0;
    for (const auto& e : log.entries) {
      if (e.time < from) continue;
      ++within;
      if (e.actor && some.contains(e.actor->account))
        ++counts[{e.actor->account, e.parts[static_cast<std::size_t>(BodyPart::purpose) - 1],
                  e.type}];
    }
    auto tally = (*trails)->tally(some, from, 1'000'000);
    ASSERT_TRUE(tally);
    EXPECT_EQ(tally->counts, counts);
    EXPECT_EQ(tally->looked_at, within);
    EXPECT_FALSE(tally->cut);
    if (within > 100) EXPECT_TRUE((*trails)->tally(some, from, 100)->cut);
  }
}

TEST(Trails, AreNoiseWithoutTheirKeyAndSayWhenTheyAreDamaged) {
  std::mt19937_64 draw(5);
  Folder folder;
  Log log;
  log.grow(65'536 + 5, draw);
  {
    auto trails = opened(folder);
    ASSERT_TRUE(trails);
    ASSERT_TRUE((*trails)->catch_up(log.scan(), 1'000'000));
  }
  std::string bytes;
  {
    std::ifstream in(folder.path / "trails", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_GT(bytes.size(), 65'536u * 12);
  EXPECT_EQ(bytes.find("crime-investigation"), bytes.npos);
  auto foreign = opened(folder, 8);
  ASSERT_TRUE(foreign);
  TrailQuery all;
  all.account = AccountId{999};
  auto found = (*foreign)->find(all);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, Reason::seal_broken);
  // Any flipped bit of a block is found, and what is forgotten is made again.
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  std::ofstream(folder.path / "trails", std::ios::binary) << bytes;
  auto damaged = opened(folder);
  ASSERT_TRUE(damaged);
  EXPECT_FALSE((*damaged)->find(all));
  ASSERT_TRUE((*damaged)->forget());
  ASSERT_TRUE((*damaged)->catch_up(log.scan(), 1'000'000));
  expect_same(log, **damaged, draw);
}

TEST(Trails, ATornLastBlockIsTakenInAgain) {
  std::mt19937_64 draw(6);
  Folder folder;
  Log log;
  log.grow(65'536 * 2 + 5, draw);
  {
    auto trails = opened(folder);
    ASSERT_TRUE(trails);
    ASSERT_TRUE((*trails)->catch_up(log.scan(), 1'000'000));
  }
  const auto file = folder.path / "trails";
  for (const std::uintmax_t cut : {std::uintmax_t{1}, std::uintmax_t{40}, std::uintmax_t{5000}}) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - cut);
    auto trails = opened(folder);
    ASSERT_TRUE(trails);
    ASSERT_TRUE((*trails)->catch_up(log.scan(), 1'000'000));
    expect_same(log, **trails, draw);
  }
}

}  // namespace
}  // namespace amanat::lookup
