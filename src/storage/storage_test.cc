// What every engine must do. An engine is a row of kEngines.

#include "storage/storage.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "storage/postgres_server.h"
#include "storage/scratch.h"

namespace amanat::storage {
namespace {

struct Engine {
  const char* name;
  bool lasts;  // what was written is there when it is opened again
  std::unique_ptr<Store> (*open)(const std::string& directory);
};

std::unique_ptr<Store> memory(const std::string&) { return open_memory(); }
std::unique_ptr<Store> rocks(const std::string& directory) {
  auto store = open_rocks(directory + "/store", {.cache_mib = 8, .background_threads = 1});
  return store ? std::move(*store) : nullptr;
}
// Its own database for each scratch directory, there again when that is opened again.
std::string name_of(const std::string& directory) {
  std::string name = "t";
  for (const char c : directory.substr(directory.rfind('-') + 1)) {
    // A name is folded to small letters, so capitals are told apart by a letter after them.
    const bool capital = c >= 'A' && c <= 'Z';
    name.push_back(capital ? static_cast<char>(c + 32) : c);
    if (capital) name.push_back('_');
  }
  return name;
}
std::unique_ptr<Store> postgres(const std::string& directory) {
  auto store = open_postgres(PostgresServer::shared().database(name_of(directory)), {});
  return store ? std::move(*store) : nullptr;
}
// The tables in shards on two further servers.
std::unique_ptr<Store> placed(const std::string& directory) {
  const std::string name = name_of(directory), url = PostgresServer::shared().database(name);
  const bool fresh =
      PostgresServer::shared().sql(name, "SELECT to_regclass('pg_dist_node')").empty();
  if (fresh) {
    if (!open_postgres(url, {})) return nullptr;
    PlacedDatabase::place(name);
  }
  auto store = open_postgres(url, {});
  return store ? std::move(*store) : nullptr;
}
constexpr Engine kEngines[] = {{"memory", false, memory},
                               {"rocks", true, rocks},
                               {"postgres", true, postgres},
                               {"postgres_in_shards", true, placed}};

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows all(const Reader& reader, Table table, std::string_view prefix = {},
         std::string_view from = {}) {
  Rows rows;
  EXPECT_TRUE(reader.scan(table, prefix, from, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return true;
  }));
  return rows;
}

class Store : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { open(); }
  void open() {
    store_.reset();
    store_ = GetParam().open(scratch_.path());
    ASSERT_NE(store_, nullptr);
  }
  void put(Table table, std::string_view key, std::string_view value) {
    Batch batch;
    batch.put(table, key, value);
    ASSERT_TRUE(store_->write(batch, Durability::buffered));
  }
  void erase(Table table, std::string_view key) {
    Batch batch;
    batch.erase(table, key);
    ASSERT_TRUE(store_->write(batch, Durability::synced));
  }
  std::optional<std::string> get(Table table, std::string_view key) const {
    std::string out;
    const auto found = store_->get(table, key, out);
    EXPECT_TRUE(found);
    return found && *found ? std::optional(out) : std::nullopt;
  }

  Scratch scratch_;
  std::unique_ptr<storage::Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Every, Store, testing::ValuesIn(kEngines),
                         [](const auto& engine) { return std::string(engine.param.name); });

TEST_P(Store, AValueIsReadBackAndAppended) {
  put(Table::records, "k", "value");
  std::string out = "before ";
  EXPECT_TRUE(store_->get(Table::records, "k", out).value());
  EXPECT_EQ(out, "before value");
  EXPECT_FALSE(store_->get(Table::records, "none", out).value());
  EXPECT_EQ(out, "before value");
}

TEST_P(Store, TablesAreApart) {
  for (std::size_t t = 0; t < kTables; ++t) put(static_cast<Table>(t), "k", std::to_string(t));
  for (std::size_t t = 0; t < kTables; ++t) {
    EXPECT_EQ(get(static_cast<Table>(t), "k"), std::to_string(t));
    EXPECT_EQ(all(*store_, static_cast<Table>(t)).size(), 1u);
  }
}

TEST_P(Store, KeysAndValuesAreAnyBytes) {
  std::string every;
  for (int i = 0; i < 256; ++i) every.push_back(static_cast<char>(i));
  put(Table::cases, every, every);
  put(Table::cases, std::string(1, '\0'), "");
  put(Table::cases, "\xff\xff", "last");
  EXPECT_EQ(get(Table::cases, every), every);
  EXPECT_EQ(get(Table::cases, std::string(1, '\0')), "");
  EXPECT_EQ(all(*store_, Table::cases),
            (Rows{{std::string(1, '\0'), ""}, {every, every}, {"\xff\xff", "last"}}));
  EXPECT_EQ(all(*store_, Table::cases, "\xff"), (Rows{{"\xff\xff", "last"}}));
}

TEST_P(Store, TheLaterOfTwoWritesInABatchWins) {
  for (const std::size_t others : {std::size_t{0}, std::size_t{300}}) {
    Batch batch;
    batch.put(Table::spent, "a", "first");
    batch.erase(Table::spent, "b");
    for (std::size_t i = 0; i < others; ++i) batch.put(Table::spent, "x" + std::to_string(i), "");
    batch.put(Table::spent, "a", "second");
    batch.put(Table::spent, "b", "there");
    batch.put(Table::spent, "c", "gone");
    batch.erase(Table::spent, "c");
    ASSERT_TRUE(store_->write(batch, Durability::synced));
    EXPECT_EQ(get(Table::spent, "a"), "second");
    EXPECT_EQ(get(Table::spent, "b"), "there");
    EXPECT_EQ(get(Table::spent, "c"), std::nullopt);
  }
}

TEST_P(Store, AnEmptyBatchChangesNothing) {
  EXPECT_TRUE(store_->write(Batch(), Durability::synced));
  EXPECT_TRUE(store_->sync());
  EXPECT_TRUE(all(*store_, Table::records).empty());
}

TEST_P(Store, AScanVisitsItsPrefixInOrderFromWhereItIsTold) {
  // Prefixes shorter than, as long as and longer than those the engine has filters for.
  const std::string subject(10, 's'), other(10, 't');
  for (const char* tail : {"a", "b", "ba", "c"}) put(Table::records, subject + tail, tail);
  put(Table::records, other + "z", "z");
  EXPECT_EQ(all(*store_, Table::records, subject), (Rows{{subject + "a", "a"},
                                                         {subject + "b", "b"},
                                                         {subject + "ba", "ba"},
                                                         {subject + "c", "c"}}));
  EXPECT_EQ(all(*store_, Table::records, subject, subject + "b").size(), 3u);
  EXPECT_EQ(all(*store_, Table::records, subject, subject + "bb").size(), 1u);
  EXPECT_EQ(all(*store_, Table::records, subject + "b").size(), 2u);
  EXPECT_EQ(all(*store_, Table::records, "s").size(), 4u);
  EXPECT_EQ(all(*store_, Table::records).size(), 5u);
  EXPECT_TRUE(all(*store_, Table::records, "u").empty());
  EXPECT_TRUE(all(*store_, Table::records, std::string(10, 'r')).empty());
}

TEST_P(Store, AScanStopsWhenItIsTold) {
  for (char c = 'a'; c <= 'z'; ++c) put(Table::index, std::string(16, 'i') + c, "");
  int seen = 0;
  ASSERT_TRUE(store_->scan(Table::index, "", "", [&](auto, auto) { return ++seen < 5; }));
  EXPECT_EQ(seen, 5);
}

TEST_P(Store, AVisitorMayWrite) {
  for (const char* key : {"a", "b", "c"}) put(Table::accounts, key, "");
  int seen = 0;
  ASSERT_TRUE(store_->scan(Table::accounts, "", "", [&](std::string_view key, auto) {
    ++seen;
    erase(Table::accounts, key);
    put(Table::accounts, "z" + std::string(key), "");
    return true;
  }));
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(all(*store_, Table::accounts), (Rows{{"za", ""}, {"zb", ""}, {"zc", ""}}));
}

TEST_P(Store, ASnapshotDoesNotMove) {
  put(Table::records, "a", "1");
  put(Table::records, "b", "1");
  const auto snapshot = store_->snapshot();
  put(Table::records, "a", "2");
  erase(Table::records, "b");
  put(Table::records, "c", "2");
  EXPECT_EQ(all(*snapshot, Table::records), (Rows{{"a", "1"}, {"b", "1"}}));
  std::string out;
  EXPECT_TRUE(snapshot->get(Table::records, "b", out).value());
  EXPECT_FALSE(snapshot->get(Table::records, "c", out).value());
  EXPECT_EQ(all(*store_, Table::records), (Rows{{"a", "2"}, {"c", "2"}}));
}

TEST_P(Store, PurgeTakesNothingThatIsThere) {
  for (int i = 0; i < 1'000; ++i)
    put(Table::records, "key " + std::to_string(i), std::string(100, 'v'));
  for (int i = 0; i < 1'000; i += 2) erase(Table::records, "key " + std::to_string(i));
  ASSERT_TRUE(store_->purge(Table::records, "key 5"));
  ASSERT_TRUE(store_->purge(Table::records, ""));
  ASSERT_TRUE(store_->purge(Table::slices, "\xff"));
  EXPECT_EQ(all(*store_, Table::records).size(), 500u);
  EXPECT_EQ(get(Table::records, "key 500"), std::nullopt);
  EXPECT_EQ(get(Table::records, "key 501"), std::string(100, 'v'));
}

TEST_P(Store, WhatWasWrittenIsThereWhenItIsOpenedAgain) {
  if (!GetParam().lasts) GTEST_SKIP() << "an engine in memory forgets";
  put(Table::settings, "buffered", "1");
  Batch batch;
  batch.put(Table::settings, "synced", "2");
  ASSERT_TRUE(store_->write(batch, Durability::synced));
  open();
  EXPECT_EQ(all(*store_, Table::settings), (Rows{{"buffered", "1"}, {"synced", "2"}}));
}

TEST_P(Store, ItDoesWhatAnOrderedMapDoes) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<std::string, std::string> model;
  const auto key = [&] {
    std::string k(10 + random() % 3, static_cast<char>('a' + random() % 3));
    k[9] = static_cast<char>('a' + random() % 26);
    k.back() = static_cast<char>('a' + random() % 26);
    return k;
  };
  for (int round = 0; round < 300; ++round) {
    Batch batch;
    for (std::size_t n = random() % 200; n > 0; --n) {
      const std::string k = key();
      if (random() % 3 == 0) {
        batch.erase(Table::past, k);
        model.erase(k);
      } else {
        const std::string v(random() % 200, static_cast<char>(random()));
        batch.put(Table::past, k, v);
        model[k] = v;
      }
    }
    ASSERT_TRUE(
        store_->write(batch, random() % 20 == 0 ? Durability::synced : Durability::buffered));
    if (random() % 100 == 0) {
      ASSERT_TRUE(store_->purge(Table::past, key().substr(0, random() % 11)));
    }
    if (GetParam().lasts && random() % 100 == 0) open();
    const std::string k = key(), prefix = k.substr(0, random() % (k.size() + 1));
    const auto it = model.find(k);
    ASSERT_EQ(get(Table::past, k), it == model.end() ? std::nullopt : std::optional(it->second));
    Rows expected;
    for (auto at = model.lower_bound(prefix); at != model.end() && at->first.starts_with(prefix);
         ++at)
      expected.push_back(*at);
    ASSERT_EQ(all(*store_, Table::past, prefix), expected);
  }
}

TEST_P(Store, ABatchIsSeenWholeOrNotAtAll) {
  std::atomic<bool> stop = false;
  std::atomic<int> broken = 0;
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      while (!stop) {
        const auto snapshot = store_->snapshot();
        std::string a, b;
        const auto found = snapshot->get(Table::spent, "a", a),
                   other = snapshot->get(Table::spent, "b", b);
        if (!found || !other || a != b) ++broken;
      }
    });
  for (int i = 0; i < 500; ++i) {
    Batch batch;
    batch.put(Table::spent, "a", std::to_string(i));
    batch.put(Table::spent, "b", std::to_string(i));
    ASSERT_TRUE(store_->write(batch, i % 50 == 0 ? Durability::synced : Durability::buffered));
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(broken, 0);
}

TEST(Batch, ItGivesBackWhatWasPutIn) {
  Batch batch;
  EXPECT_TRUE(batch.empty());
  batch.put(Table::records, "key", "value");
  batch.erase(Table::index, "gone");
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch.bytes(), 12u);
  EXPECT_EQ(batch[0].table, Table::records);
  EXPECT_FALSE(batch[0].erase);
  EXPECT_EQ(batch[0].key, "key");
  EXPECT_EQ(batch[0].value, "value");
  EXPECT_TRUE(batch[1].erase);
  EXPECT_EQ(batch[1].key, "gone");
  EXPECT_EQ(batch[1].value, "");
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.bytes(), 0u);
}

TEST(BatchDeathTest, AnEmptyKeyIsAProgrammersError) {
  Batch batch;
  EXPECT_DEATH(batch.put(Table::records, "", "value"), "storage/batch");
  EXPECT_DEATH(batch.erase(Table::records, std::string(2'000, 'k')), "storage/batch");
}

}  // namespace
}  // namespace amanat::storage
