#pragma once
// server, configuration: exchange.toml. At most a dozen keys; an unknown key is an error with the
// nearest match; no plaintext mode exists. `amanat config --explain` is printed from this table.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::server {

struct Config {
  std::string origin;  // name of the exchange and of its log; fixed at init
  std::string listen = "127.0.0.1:8443";
  unsigned threads = 0;             // 0: one a core
  unsigned cache_mib = 256;         // record cache
  unsigned segment_mib = 64;        // size of a ledger segment
  unsigned certificate_days = 365;  // validity of device certificates
  unsigned publish_ms = 1000;       // how often the ledger's head is published
  unsigned snapshot_entries = 200'000;  // a start reads at most about so many; not explained
  unsigned connections_max = 8192;
  unsigned request_seconds_max = 15;  // from first to last byte of a request; not in the file
  std::vector<std::string> origins = {"https://localhost:8443"};  // of the own pages; first: rp id
  std::string store = "local";      // where rows rest: "local" or a postgresql:// URL
  std::string ledger_store = "local";  // where the ledger rests, as `store`; not explained
  std::string metrics;              // host:port on loopback for Prometheus; empty: none
  std::string log_level = "info";                                 // error, warning, info, debug
};

/// ConfigKey explains one key.
struct ConfigKey {
  std::string_view name, type, standard, explanation_english, explanation_urdu;
};
const std::vector<ConfigKey>& config_keys();

/// read_config reads exchange.toml. Errors: config_wrong ("file:line: unknown key …, did you mean
/// …"), file_failed.
Result<Config> read_config(const std::string& file);
/// check_origin says whether a name is fit for an exchange and its ledger. Errors: config_wrong.
Result<void> check_origin(std::string_view origin);
/// config_value is the value of one of config_keys(), as written in the file.
std::string config_value(const Config& config, std::string_view key);
/// write_config renders a configuration with its explanations as comments.
std::string write_config(const Config& config);

}  // namespace amanat::server
