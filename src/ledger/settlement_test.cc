#include "ledger/settlement.h"

#include <gtest/gtest.h>

#include "ledger/log_for_tests.h"

namespace amanat::ledger {
namespace {

// What a gate that believes nobody accepts: nothing but this citizen's entry, as it stands in the
// log (ledger page 5.7).
TEST(Settlement, OnlyAReceiptOfThisCitizensDisclosureSettles) {
  LogForTests log;
  SimulatedDisk disk;
  ASSERT_TRUE(Ledger::create(log.options(&disk), log.seed, log.slice));
  auto ledger = Ledger::open(log.options(&disk), log.seed);
  ASSERT_TRUE(ledger);
  EntryContent alert = log.denial(2);
  alert.type = EntryType::alert;
  std::vector<EntryContent> entries;
  entries.push_back(log.denial(1));
  entries.push_back(std::move(alert));
  auto recorded = wait(record_task(**ledger, std::move(entries)));
  ASSERT_TRUE(recorded);
  std::vector<Opened> opened;
  ASSERT_TRUE((*ledger)->scan(recorded->entries[0].index, log.key_of(), [&](const Opened& e) {
    opened.push_back(e);
    return true;
  }));
  ASSERT_EQ(opened.size(), 2u);
  const auto blind = [&](const Opened& e) {
    Opening opening;
    opening.nonce = e.nonce;
    return blinds_of(log.slice.key, opening).subject;
  };
  const Digest r = blind(opened[0]), r_alert = blind(opened[1]);
  const Label mine = *opened[0].subject, other = *opened[1].subject;
  const std::string& receipt = recorded->entries[0].proof;

  const auto settled = settlement_of(receipt, log.key(), mine, r);
  ASSERT_TRUE(settled) << settled.error().detail;
  EXPECT_EQ(settled->index, recorded->entries[0].index);
  EXPECT_EQ(settled->time, recorded->entries[0].time);

  const auto refused = [&](const std::string& text, const VerifierKey& key, const Label& subject,
                           const Digest& blinding) {
    return !settlement_of(text, key, subject, blinding);
  };
  EXPECT_TRUE(refused(receipt, log.key(), other, r)) << "another citizen";
  EXPECT_TRUE(refused(receipt, log.key(), mine, r_alert)) << "another blinding";
  EXPECT_TRUE(refused(receipt, LogForTests{}.key(), mine, r)) << "another log";
  EXPECT_TRUE(refused(recorded->entries[1].proof, log.key(), other, r_alert)) << "no disclosure";
  EXPECT_TRUE(refused("", log.key(), mine, r));
  for (std::size_t i = 0; i < receipt.size(); ++i) {
    std::string changed = receipt;
    changed[i] ^= 1;
    EXPECT_TRUE(refused(changed, log.key(), mine, r)) << i;
  }
}

}  // namespace
}  // namespace amanat::ledger
