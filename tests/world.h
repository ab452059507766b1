#pragma once
// A whole exchange for tests: a home in a temporary directory, the departments' sample files
// imported, devices enrolled, served on loopback. Real TLS, real RocksDB, real ledger.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "net/csv.h"
#include "net/http.h"
#include "net/json.h"
#include "server/exchange.h"
#include "storage/postgres_server.h"

namespace amanat::test {

namespace fs = std::filesystem;

inline std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_all(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<server::Document> documents_of(const fs::path& directory) {
  std::vector<server::Document> documents;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == ".toml")
      documents.push_back({entry.path().filename().string(), read_all(entry.path())});
  return documents;
}

/// TemporaryDirectory is removed with everything in it.
struct TemporaryDirectory {
  fs::path path;
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "amanat-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
};

/// Table is a CSV file in memory: rows of cells, the header first.
using Table = std::vector<std::vector<std::string>>;
inline Table read_table(const fs::path& path) {
  Table table;
  auto reader = net::CsvReader::open(path.string());
  if (!reader) return table;
  net::CsvReader::Row row;
  while (true) {
    auto more = reader->next(row);
    if (!more || !*more) return table;
    table.emplace_back(row.cells.begin(), row.cells.end());
  }
}

inline std::string digits_of(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c >= '0' && c <= '9') out.push_back(c);
  return out;
}

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

/// OpenCase is a case of the sample that is open, with an officer in service and a known citizen.
struct OpenCase {
  std::string ref, officer, citizen;
  std::vector<std::string> officers, citizens;
};

/// kNothingJudged is a detection.toml for tests that ask as no person does: budgets, holds and
/// canaries alone.
inline constexpr const char* kNothingJudged =
    "slow_on = 0\nburst_on = 0\nrobot_on = 0\nrun_on = 0\nunexplained_on = 0\nweek_on = "
    "0\nabsent_on = 0\n"
    "near_on = 0\ntwo_places_on = 0\noff_duty_on = 0\nmismatch_on = 0\n"
    "padding_on = 0\ncoverage_on = 0\nmagnet_on = 0\n";

class World {
 public:
  /// on_postgres says that this run tries exchanges whose rows rest in PostgreSQL
  /// (AMANAT_TEST_STORE=postgresql) and not in RocksDB.
  static bool on_postgres() {
    const char* wanted = std::getenv("AMANAT_TEST_STORE");
    return wanted != nullptr && std::string_view(wanted) == "postgresql";
  }
  static std::string store_of_its_own() {
    static int made = 0;
    return storage::PostgresServer::shared().database("world" + std::to_string(++made));
  }

  static fs::path data() { return fs::path(AMANAT_SOURCE_DIR) / "tests/data/departments"; }

  /// more_policy is added to the example policy of every World made from here on.
  static inline std::vector<server::Document> more_policy;
  /// more_catalog is added to the example catalog in the same way.
  static inline std::vector<server::Document> more_catalog;

  /// gateways makes Worlds, from here on, whose records and ledger rest in PostgreSQL.
  static inline bool gateways = false;

  explicit World(unsigned segment_mib = 64, std::string judged = kNothingJudged) {
    make(segment_mib, judged);
  }
  ~World() {
    if (exchange) exchange->stop();
  }

  /// reopen closes the exchange and opens its home again.
  void reopen() {
    exchange->stop();
    exchange.reset();
    auto opened = server::Exchange::open(home.string());
    ASSERT_TRUE(opened) << opened.error().detail;
    exchange = *std::move(opened);
  }

  void serve() {
    auto address = exchange->serve("127.0.0.1:0", {});
    ASSERT_TRUE(address) << address.error().detail;
    url = "https://" + *address;
  }

  /// device enrols a fresh device for an officer and leaves <officer>.crt and .key.
  void device(const std::string& officer) {
    auto key = crypto::make_device_key("any name");
    ASSERT_TRUE(key);
    auto enrolled = exchange->enrol(officer, key->csr_pem);
    ASSERT_TRUE(enrolled) << row_of(enrolled.error().reason).id << " " << enrolled.error().detail;
    write_all(directory.path / (officer + ".crt"), enrolled->certificate_pem);
    write_all(directory.path / (officer + ".key"), key->key_pem.view());
    thumbprints[officer] = enrolled->thumbprint;
  }

  Result<net::Client> client(const std::string& officer) const {
    net::ClientOptions options;
    options.url = url;
    options.ca_file = (home / "ca.crt").string();
    if (!officer.empty()) {
      options.certificate_file = (directory.path / (officer + ".crt")).string();
      options.key_file = (directory.path / (officer + ".key")).string();
    }
    options.source = source;
    return net::Client::connect(options);
  }

  /// ask posts one question as an officer ("" = no certificate) and returns status and JSON.
  struct Reply {
    unsigned status = 0;
    std::string body;
    net::Json json;
    const net::Json& at(std::string_view name) const {
      static const net::Json none;
      const net::Json* found = json.find(name);
      return found ? *found : none;
    }
    std::string reason() const {
      const std::string* r = at("reason").string();
      return r ? *r : "";
    }
  };
  Reply ask(const std::string& officer, const std::string& body,
            const std::string& target = "/v1/lookups") const {
    Reply reply;
    auto c = client(officer);
    if (!c) {
      ADD_FAILURE() << "no connection: " << c.error().detail;
      return reply;
    }
    auto response = c->ask("POST", target, body);
    if (!response) {
      ADD_FAILURE() << "no reply: " << row_of(response.error().reason).id << " "
                    << response.error().detail;
      return reply;
    }
    reply.status = response->status;
    reply.body = response->body;
    net::JsonLimits limits;
    limits.bytes_max = 16 << 20;
    limits.values_max = 1 << 20;
    if (auto json = net::parse_json(reply.body, limits)) reply.json = *std::move(json);
    return reply;
  }

  static std::string question(const std::string& subject, const std::string& fields,
                              const std::string& purpose, const std::string& case_ref) {
    return R"({"subject":{)" + subject + R"(},"fields":[)" + fields + R"(],"purpose":")" + purpose +
           R"(","case":")" + case_ref + R"("})";
  }

  /// open_cases lists the sample's usable cases of a kind.
  std::vector<OpenCase> open_cases(const std::string& kind,
                                   const std::string& role = "investigator") const {
    std::set<std::string> citizens, serving;
    const Table persons = read_table(data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size(); ++i)
      if (!persons[i].empty()) citizens.insert(digits_of(persons[i][0]));
    const Table roster = read_table(data() / "hr_roster.csv");
    for (std::size_t i = 1; i < roster.size(); ++i)
      if (roster[i].size() >= 10 && roster[i][9].empty() && roster[i][5] == role)
        serving.insert(roster[i][0]);
    std::vector<OpenCase> found;
    const Table cases = read_table(data() / "cases.csv");
    for (std::size_t i = 1; i < cases.size(); ++i) {
      const auto& row = cases[i];
      if (row.size() < 7 || row[1] != kind || !row[3].empty()) continue;
      OpenCase one;
      one.ref = row[0];
      for (const auto& o : split(row[5], ';'))
        if (serving.count(o)) one.officers.push_back(o);
      for (const auto& c : split(row[6], ';'))
        if (citizens.count(digits_of(c))) one.citizens.push_back(digits_of(c));
      if (one.officers.empty() || one.citizens.empty()) continue;
      one.officer = one.officers[0];
      one.citizen = one.citizens[0];
      found.push_back(std::move(one));
    }
    return found;
  }

  TemporaryDirectory directory;
  fs::path home = directory.path / "home";
  std::unique_ptr<server::Exchange> exchange;
  std::string url;
  std::string source;  // the address that clients connect from; empty: the system's choice
  std::map<std::string, Digest> thumbprints;

 private:
  void make(unsigned segment_mib, const std::string& judged) {
    server::InitOptions options;
    options.home = home.string();
    options.origin = "exchange.test/one";
    options.segment_mib = segment_mib;
    if (on_postgres() || gateways) options.store = store_of_its_own();
    if (on_postgres() || gateways) options.ledger_store = options.store;
    options.catalog = documents_of(fs::path(AMANAT_SOURCE_DIR) / "catalog/pakistan");
    options.catalog.insert(options.catalog.end(), more_catalog.begin(), more_catalog.end());
    options.policy = documents_of(fs::path(AMANAT_SOURCE_DIR) / "examples/policy");
    options.policy.insert(options.policy.end(), more_policy.begin(), more_policy.end());
    auto made = server::Exchange::init(options);
    ASSERT_TRUE(made) << row_of(made.error().reason).id << " " << made.error().detail;
    write_all(home / "detection.toml", judged);
    auto opened = server::Exchange::open(home.string());
    ASSERT_TRUE(opened) << row_of(opened.error().reason).id << " " << opened.error().detail;
    exchange = *std::move(opened);
    const std::pair<const char*, const char*> files[] = {
        {"identity.persons", "nadra_identity.csv"},
        {"telecom.subscribers", "telecom_subscribers.csv"},
        {"telecom.calls", "telecom_cdr.csv"},
        {"police.firs", "police_firs.csv"},
        {"hotels.stays", "hotel_guests.csv"}};
    for (const auto& [dataset, file] : files) {
      auto report = exchange->import(dataset, (data() / file).string(), {});
      ASSERT_TRUE(report) << dataset << ": " << report.error().detail;
      reports[dataset] = *report;
    }
    auto officers = exchange->import_officers((data() / "hr_roster.csv").string(), {});
    ASSERT_TRUE(officers) << officers.error().detail;
    reports["personnel.roster"] = *officers;
    auto cases = exchange->import_cases((data() / "cases.csv").string(), {});
    ASSERT_TRUE(cases) << cases.error().detail;
    reports["cases.cases"] = *cases;
  }

 public:
  std::map<std::string, registry::ImportReport> reports;
};

}  // namespace amanat::test
