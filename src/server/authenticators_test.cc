#include "server/authenticators.h"

#include <gtest/gtest.h>

#include <fstream>

#include "crypto/certificate.h"
#include "storage/scratch.h"

namespace amanat::server {
namespace {

constexpr const char* kAaguid = "aaguid = \"01020304-0506-0708-090a-0b0c0d0e0f10\"\n";

class AuthenticatorsFile : public testing::Test {
 protected:
  Result<identity::PasskeyRules> read(const std::string& text) {
    const std::string file = scratch_ / "authenticators.toml";
    std::ofstream(file, std::ios::binary) << text;
    return read_authenticators(file, config_, fields_);
  }
  static std::string root() {
    auto authority = crypto::make_authority("Maker", 1);
    EXPECT_TRUE(authority);
    return "root = \"\"\"\n" + authority->certificate_pem + "\"\"\"\n";
  }
  storage::Scratch scratch_;
  Config config_;
  FieldTable fields_{{{"telecom.calls.start", "start", DatasetId{0}, Sensitivity::ordinary, {}},
                      {"identity.persons.name", "name", DatasetId{1}, Sensitivity::open, {}}},
                     {"telecom.calls", "identity.persons"}};
};

TEST_F(AuthenticatorsFile, NoneMeansThatNoMakeIsListed) {
  const auto rules = read_authenticators(scratch_ / "none.toml", config_, fields_);
  ASSERT_TRUE(rules);
  EXPECT_TRUE(rules->authenticators.empty());
  EXPECT_EQ(rules->rp_id, "localhost");
  EXPECT_EQ(rules->origins, config_.origins);
  EXPECT_TRUE(rules->verify_always.test(number(*fields_.find("telecom.calls.start"))));
  EXPECT_FALSE(rules->verify_always.test(number(*fields_.find("identity.persons.name"))));
}

TEST_F(AuthenticatorsFile, ARowIsAMakeItsRolesAndItsRoot) {
  const auto rules = read("verify_always = [\"identity.persons.name\"]\n[[authenticator]]\n" +
                          std::string(kAaguid) + "says = \"A key\"\nroles = [\"investigator\"]\n" +
                          root());
  ASSERT_TRUE(rules) << rules.error().detail;
  ASSERT_EQ(rules->authenticators.size(), 1u);
  EXPECT_EQ(rules->authenticators[0].aaguid[15], 0x10);
  EXPECT_EQ(rules->authenticators[0].roles, std::vector<std::string>{"investigator"});
  EXPECT_TRUE(rules->verify_always.test(number(*fields_.find("identity.persons.name"))));
}

TEST_F(AuthenticatorsFile, EachWrongRowIsRefusedWithItsPlace) {
  const std::string row = "[[authenticator]]\n";
  const std::string says = "says = \"A key\"\n";
  for (const std::string& text :
       {row + says + root(), row + kAaguid + root(), row + kAaguid + says,
        row + kAaguid + says + "root = \"no certificate\"\n",
        row + "aaguid = \"0102030405060708090a0b0c0d0e0f10\"\n" + says + root(),
        row + "aaguid = \"01020304-0506-0708-090A-0b0c0d0e0f10\"\n" + says + root(),
        row + kAaguid + says + "role = \"investigator\"\n" + root(),
        std::string("verify_always = [\"no.such.field\"]\n"), std::string("[authenticators]\n")}) {
    const auto rules = read(text);
    ASSERT_FALSE(rules) << text;
    EXPECT_EQ(rules.error().reason, Reason::config_wrong);
    EXPECT_NE(rules.error().detail.find("authenticators.toml"), std::string::npos);
  }
}

}  // namespace
}  // namespace amanat::server
