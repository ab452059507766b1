#include "server/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace amanat::server {
namespace {

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "amanat-config.XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& text) const {
    const std::string file = (directory_ / "exchange.toml").string();
    std::ofstream(file) << text;
    return file;
  }
  std::string complaint(const std::string& text) const {
    auto config = read_config(write(text));
    if (config) return "it was read";
    EXPECT_EQ(config.error().reason, Reason::config_wrong);
    return config.error().detail;
  }
  std::filesystem::path directory_;
};

TEST_F(ConfigFile, WhatIsWrittenIsReadBack) {
  Config config;
  config.origin = "exchange.test/one";
  config.listen = "0.0.0.0:443";
  config.threads = 3;
  config.cache_mib = 64;
  config.segment_mib = 16;
  config.certificate_days = 30;
  config.publish_ms = 500;
  config.connections_max = 100;
  config.store = "postgresql://amanat@db.test/amanat?sslcert=/etc/amanat/db.crt";
  config.metrics = "127.0.0.1:9464";
  config.log_level = "error";
  auto read = read_config(write(write_config(config)));
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  for (const auto& key : config_keys())
    EXPECT_EQ(config_value(*read, key.name), config_value(config, key.name)) << key.name;
  EXPECT_EQ(read->origin, "exchange.test/one");
  EXPECT_EQ(read->segment_mib, 16u);
}

TEST_F(ConfigFile, TheStandardsExplainedAreTheStandardsUsed) {
  auto read = read_config(write("origin = \"exchange.test/one\"\n"));
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  for (const auto& key : config_keys()) {
    if (key.name == "origin") continue;
    std::string value = config_value(*read, key.name);
    std::erase(value, '"');
    std::string standard(key.standard);
    std::erase(standard, '"');
    EXPECT_EQ(value, standard) << key.name;
  }
}

TEST_F(ConfigFile, AnUnknownKeyIsNamedWithItsLineAndTheNearestOne) {
  const std::string said =
      complaint("origin = \"exchange.test/one\"\nlisten_at = \"127.0.0.1:1\"\ncache_mbi = 3\n");
  EXPECT_NE(said.find("exchange.toml:2"), std::string::npos) << said;
  EXPECT_NE(complaint("origin = \"exchange.test/one\"\ncache_mbi = 3\n").find("cache_mib"),
            std::string::npos);
}

TEST_F(ConfigFile, EachWrongValueIsRefused) {
  const std::string origin = "origin = \"exchange.test/one\"\n";
  EXPECT_EQ(complaint(origin), "it was read");
  for (const char* wrong :
       {"threads = -1", "threads = 257", "cache_mib = 7", "publish_ms = 9", "certificate_days = 0",
        "certificate_days = 826", "segment_mib = \"64\"", "listen = \"8443\"",
        "log_level = \"loud\"", "store = \"rocks\"",
        "store = \"postgresql://amanat:word@db.test/amanat\"", "metrics = \"0.0.0.0:9464\"",
        "metrics = \"localhost\"", "plaintext = true"})
    EXPECT_NE(complaint(origin + wrong + "\n"), "it was read") << wrong;
  EXPECT_NE(complaint("listen = \"127.0.0.1:1\"\n"), "it was read") << "an exchange has a name";
}

TEST_F(ConfigFile, AFileThatIsNotThereIsAFailure) {
  auto config = read_config((directory_ / "none.toml").string());
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().reason, Reason::file_failed);
}

TEST(Config, HasAtMostADozenKeysEachExplainedInTwoLanguages) {
  std::set<std::string_view> names;
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(key.type.empty() || key.explanation_english.empty() ||
                 key.explanation_urdu.empty())
        << key.name;
  }
  EXPECT_LE(names.size(), 12u);
}

TEST(Config, AnOriginIsASchemelessPrefixAndAKeyName) {
  for (const char* good : {"exchange.test/one", "a", "log.example.org/amanat1", "localhost:8443/x"})
    EXPECT_TRUE(check_origin(good).has_value()) << good;
  for (const char* wrong :
       {"", "https://x.test", "Exchange", "x/", "a+b", "a b", "a\nb", "\xD8\xA7"})
    EXPECT_FALSE(check_origin(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace amanat::server
