#pragma once
// What the tests of probe share: whom it asks as, what it found as words, and a desk with files.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "probe/probe.h"
#include "sample_app.h"

namespace amanat::test {

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Desk is a directory that is removed with everything in it.
class Desk {
 public:
  Desk() {
    directory_ = (std::filesystem::temp_directory_path() / "amanat-desk-XXXXXX").string();
    if (::mkdtemp(directory_.data()) == nullptr) std::abort();
  }
  ~Desk() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path(name), std::ios::binary) << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }

 private:
  std::string directory_;
};

inline const registry::Catalog& catalog() {
  static const registry::Catalog one = [] {
    auto loaded = registry::Catalog::load(AMANAT_SOURCE_DIR "/catalog/pakistan");
    EXPECT_TRUE(loaded);
    return *std::move(loaded);
  }();
  return one;
}

inline probe::Credential credential(const Citizen& citizen, bool lives = true) {
  probe::Credential made;
  made.headers.emplace_back("Authorization", "Bearer " + SampleApp::token(citizen, lives));
  made.values["national_id"] = citizen.national_id;
  return made;
}

inline probe::Options options_for(const std::string& url, std::string description) {
  probe::Options options;
  options.description = std::move(description);
  options.url = url;
  options.ca_file = ServedApp::ca_file();
  options.catalog = &catalog();
  options.own = credential(first_user());
  options.other = credential(second_user());
  options.expired = credential(first_user(), false);
  options.writes = probe::Writes::all;
  options.per_second = 1'000'000;
  return options;
}

using Holes = std::set<std::string>;  // "kind METHOD path"
inline Holes holes_of(const probe::Report& report) {
  Holes found;
  for (const auto& one : report.findings)
    found.insert(std::string(probe::row_of(one.kind).id) + " " + one.method + " " + one.path);
  return found;
}
inline std::string listed(const Holes& holes) {
  std::string out;
  for (const auto& one : holes) out += "\n  " + one;
  return out;
}

inline probe::Report probed(const probe::Options& options) {
  auto report = probe::run_probe(options);
  EXPECT_TRUE(report) << (report ? ""
                                 : std::string(row_of(report.error().reason).id) + " " +
                                       report.error().detail);
  return report ? *std::move(report) : probe::Report{};
}

}  // namespace amanat::test
