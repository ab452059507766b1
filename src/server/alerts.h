#pragma once
// server, alerts: detection as the exchange wires it: its parameters, its rebuilding from the
// ledger, its canaries.

#include <map>
#include <string>
#include <vector>

#include "detection/detection.h"
#include "ledger/ledger.h"
#include "model/result.h"
#include "server/exchange.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::server {

/// detection_options reads H/detection.toml over the standard values, and H/stations.toml. Errors: config_wrong,
/// file_failed, key_missing.
Result<detection::Options> detection_options(const Home& home, vault::Vault& vault,
                                             const FieldTable& fields);

/// tell hands one entry of the ledger to a detection that is being rebuilt; `unit` of its account.
void tell(detection::Detection& detection, const ledger::Opened& entry, const std::string& unit);

/// planted reads the labels of every canary. Errors: store_failed, seal_broken.
Result<std::vector<Label>> planted(const storage::Store& store, const vault::Vault& vault);
/// invented_records says how many records of each dataset are of invented citizens that the
/// exchange made itself: what a statistic leaves out. Errors: store_failed, seal_broken.
Result<std::map<std::string, std::uint64_t>> invented_records(const storage::Store& store,
                                                              const vault::Vault& vault);

}  // namespace amanat::server
