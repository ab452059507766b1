#pragma once
// The evidence bundle's second checker (web/verify/evidence.mjs, JavaScript, written apart from
// ours): a batch of bundles, and what it says of each.

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "net/json.h"
#include "trace/bundle.h"
#include "world.h"

namespace amanat::test {

/// SecondChecker collects bundles; judge() gives a line of each: the step that does not hold, or
/// "holds ACCOUNT:MILLIBITS ...".
class SecondChecker {
 public:
  SecondChecker(std::filesystem::path folder, std::string policy, std::string auditor)
      : folder_(std::move(folder)), policy_(std::move(policy)), auditor_(std::move(auditor)) {
    std::filesystem::create_directories(folder_);
  }
  void add(const trace::Files& files) { add(trace::write_container(files)); }
  void add(const std::string& container) {
    const std::string tar = (folder_ / std::to_string(added_++)).string();
    write_all(tar, container);
    net::JsonWriter json;
    json.begin_object().key("tar").string(tar).key("policy").string(policy_);
    cases_ += json.key("auditor").string(auditor_).end_object().take() + "\n";
  }
  std::vector<std::string> judge() {
    write_all(folder_ / "cases", cases_);
    const std::string clients = std::string(AMANAT_SOURCE_DIR) + "/tests/clients";
    const std::string said = (folder_ / "verdicts").string();
    EXPECT_EQ(std::system(("node '" + clients + "/evidences.mjs' < '" +
                           (folder_ / "cases").string() + "' > '" + said + "' 2>&1")
                              .c_str()),
              0)
        << read_all(said);
    std::vector<std::string> verdicts;
    std::istringstream lines(read_all(said));
    for (std::string line; std::getline(lines, line);) verdicts.push_back(line);
    EXPECT_EQ(verdicts.size(), added_) << read_all(said);
    verdicts.resize(added_);
    return verdicts;
  }

 private:
  std::filesystem::path folder_;
  std::string policy_, auditor_, cases_;
  std::size_t added_ = 0;
};

}  // namespace amanat::test
