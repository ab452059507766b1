#include <gtest/gtest.h>

#include "registry/test_archive.h"

namespace amanat::registry {
namespace {

const std::string kPersons =
    "CNIC,Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address\n"
    "1111111111111,Abba,,,,M,1955-01-01,\"House 1, Lahore\"\n"
    "1111111111112,Self,1111111111111,,1111111111113,M,1980-01-01,\"House 2, Lahore\"\n"
    "1111111111113,Wife,,,1111111111112,F,1984-01-01,\"House 2, Lahore\"\n"
    "1111111111114,Child,1111111111112,1111111111113,,F,2005-01-01,\"House 2, Lahore\"\n";
const std::string kSubscribers =
    "msisdn,cnic,operator,imsi,activated_on,status\n"
    "03001111111,1111111111112,Jazz,410063053568001,2020-01-01,ACTIVE\n"
    "03002222222,1111111111112,Jazz,410063053568002,2010-01-01,PORTED\n"
    "03002222222,1111111111113,Jazz,410063053568003,2020-01-01,ACTIVE\n";
const std::string kCalls =
    "a_number,b_number,type,start_time,duration_s,cell\n"
    "03001111111,03002222222,VOICE,20260101100000,60,c1\n";

std::unique_ptr<storage::Store> open_store(const std::string& kind,
                                           const TestDirectory& directory) {
  if (kind == "memory") return storage::open_memory();
  auto store =
      storage::open_rocks(directory.file("store"), {.cache_mib = 8, .background_threads = 1});
  EXPECT_TRUE(store);
  return store ? *std::move(store) : storage::open_memory();
}

class Erasure : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Stores, Erasure, testing::Values("memory", "rocks"),
                         [](const auto& param) { return param.param; });

void import_all(Exchange& exchange) {
  exchange.import_text("identity.persons", kPersons);
  exchange.import_text("telecom.subscribers", kSubscribers);
  exchange.import_text("telecom.calls", kCalls);
  // A past version, too.
  std::string moved = kPersons;
  moved.replace(moved.find("House 2"), 7, "House 5");
  exchange.import_text("identity.persons", moved);
}

TEST_P(Erasure, NothingOfTheErasedIsFoundAndOthersLoseOnlyTheLink) {
  const TestDirectory directory;
  Exchange exchange(open_store(GetParam(), directory));
  import_all(exchange);
  const SubjectName self{SubjectKind::national_id, "1111111111112"};
  auto erased = exchange.registry.erase(self);
  ASSERT_TRUE(erased) << erased.error().detail;
  EXPECT_EQ(erased->label, exchange.vault->label(self));
  EXPECT_EQ(erased->keys, 2U);     // his own, and that of the number only he held
  EXPECT_EQ(erased->records, 4U);  // a person, two subscriptions, one copy of the call
  auto gone = Asking(exchange, {"*"}).subject("national_id", self.value).ask();
  ASSERT_TRUE(gone);
  EXPECT_FALSE(gone->people.at(0).exists);
  EXPECT_TRUE(gone->people[0].records.empty());

  auto child =
      Asking(exchange, {"identity.persons.*"}).subject("national_id", "1111111111114").ask();
  ASSERT_TRUE(child);
  const auto values = told(exchange, *child, 0).at("identity.persons").at(0);
  EXPECT_EQ(values.count("father_id"), 0U);
  EXPECT_EQ(values.at("mother_id"), "1111111111113");
  auto tree = Asking(exchange, {"identity.persons.name"})
                  .subject("national_id", "1111111111111")
                  .hops(3)
                  .ask();
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->people.size(), 1U);

  auto call = Asking(exchange, {"telecom.calls.*", "telecom.subscribers.*"})
                  .subject("msisdn", "03002222222")
                  .ask();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->people.at(0).name.value, "1111111111113");
  const Told t = told(exchange, *call, 0);
  EXPECT_EQ(t.at("telecom.calls").at(0).count("counterparty"), 0U);
  EXPECT_EQ(t.at("telecom.calls").at(0).at("cell"), "c1");
  EXPECT_EQ(t.at("telecom.subscribers").size(), 1U);
  auto number = Asking(exchange, {"telecom.calls.*"}).subject("msisdn", "03001111111").ask();
  ASSERT_TRUE(number);
  EXPECT_FALSE(number->people.at(0).exists);

  auto again = exchange.registry.erase(self);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::no_record);
  for (const auto& c : *exchange.registry.counts()) {
    if (c.dataset == "identity.persons") {
      EXPECT_EQ(c.records, 3U);
    }
    if (c.dataset == "telecom.calls") {
      EXPECT_EQ(c.records, 1U);
    }
  }
}

TEST_P(Erasure, AnEarlierCopyOfTheStoreYieldsNothingWithTodaysKeys) {
  const TestDirectory directory;
  Exchange exchange(open_store(GetParam(), directory));
  import_all(exchange);
  auto backup = storage::open_memory();
  storage::Batch batch;
  for (std::uint8_t t = 0; t < storage::kTables; ++t)
    ASSERT_TRUE(exchange.store->scan(static_cast<storage::Table>(t), {}, {},
                                     [&](std::string_view k, std::string_view v) {
                                       batch.put(static_cast<storage::Table>(t), k, v);
                                       return true;
                                     }));
  ASSERT_TRUE(backup->write(batch, storage::Durability::synced));
  ASSERT_TRUE(exchange.registry.erase({SubjectKind::national_id, "1111111111112"}));
  exchange.store.swap(backup);  // today's vault over yesterday's records
  for (const auto& [word, value] : std::vector<std::pair<std::string, std::string>>{
           {"national_id", "1111111111112"}, {"msisdn", "03001111111"}}) {
    SCOPED_TRACE(word);
    auto found = Asking(exchange, {"*"}).subject(word, value).ask();
    ASSERT_TRUE(found) << found.error().detail;
    for (const auto& p : found->people) EXPECT_TRUE(p.records.empty());
  }
  auto child =
      Asking(exchange, {"identity.persons.*"}).subject("national_id", "1111111111114").ask();
  ASSERT_TRUE(child);
  EXPECT_EQ(told(exchange, *child, 0).at("identity.persons").at(0).count("father_id"), 0U);
  exchange.store.swap(backup);
}

TEST_P(Erasure, TheErasedMayBeSentAgainAndIsThenNew) {
  const TestDirectory directory;
  Exchange exchange(open_store(GetParam(), directory));
  import_all(exchange);
  ASSERT_TRUE(exchange.registry.erase({SubjectKind::national_id, "1111111111112"}));
  const ImportReport r = exchange.import_text("identity.persons", kPersons);
  EXPECT_EQ(r.quarantined, 0U);
  auto found =
      Asking(exchange, {"identity.persons.*"}).subject("national_id", "1111111111112").ask();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->people.at(0).exists);
  EXPECT_EQ(found->people[0].records.at(0).version, 1U);
  auto child =
      Asking(exchange, {"identity.persons.*"}).subject("national_id", "1111111111114").ask();
  ASSERT_TRUE(child);
  EXPECT_EQ(told(exchange, *child, 0).at("identity.persons").at(0).at("father_id"),
            "1111111111112");
}

TEST(ErasureCutShort, IsFinishedByTheNextCallAndByAnImport) {
  for (const bool by_import : {false, true}) {
    SCOPED_TRACE(by_import);
    Exchange exchange;
    import_all(exchange);
    const SubjectName self{SubjectKind::national_id, "1111111111112"};
    auto row = find_subject(*exchange.store, exchange.vault->tag(self));
    ASSERT_TRUE(row && *row);
    const auto slot = (*row)->slot;
    // What the first step of an erasure leaves when the process dies after it.
    storage::Batch batch;
    batch.put(storage::Table::subjects, view(exchange.vault->tag(self)),
              encode(SubjectRow{slot, false, true, {slot}}));
    ASSERT_TRUE(exchange.store->write(batch, storage::Durability::synced));
    auto meanwhile = Asking(exchange, {"*"}).subject("national_id", self.value).ask();
    ASSERT_TRUE(meanwhile);
    EXPECT_FALSE(meanwhile->people.at(0).exists);
    if (by_import) {
      Registry later(exchange.catalog, *exchange.store, *exchange.vault);
      EXPECT_TRUE(
          later.import("identity.persons", exchange.directory.write("p.csv", kPersons), {}));
    } else {
      EXPECT_TRUE(exchange.registry.erase(self));
    }
    auto key = exchange.vault->key_of(slot);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().reason, Reason::erased);
  }
}

}  // namespace
}  // namespace amanat::registry
