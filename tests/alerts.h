#pragma once
// The alerts of an exchange under test, as its ledger has them.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "detection/alert.h"
#include "detection/parameters.h"
#include "world.h"

namespace amanat::test {

/// alerts_in_ledger are the rules of the ALERT entries, in order.
inline std::vector<std::string> alerts_in_ledger(server::Exchange& exchange) {
  std::vector<std::string> rules;
  const auto scanned = exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::alert) return true;
    const auto alert =
        detection::decode_alert(e.parts[static_cast<std::size_t>(BodyPart::denial) - 1]);
    if (alert) rules.emplace_back(detection::row_of(alert->rule).id);
    return true;
  });
  EXPECT_TRUE(scanned);
  return rules;
}

}  // namespace amanat::test
