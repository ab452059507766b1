#include "net/address.h"

#include <gtest/gtest.h>

namespace amanat::net {
namespace {

bool holds(const char* network, const char* address) {
  const auto n = parse_network(network);
  const auto a = parse_address(address);
  EXPECT_TRUE(n && a) << network << " " << address;
  return n && a && n->holds(*a);
}

TEST(Address, ANetworkHoldsTheAddressesOfItsPrefixAlone) {
  EXPECT_TRUE(holds("10.20.0.0/16", "10.20.255.255"));
  EXPECT_FALSE(holds("10.20.0.0/16", "10.21.0.0"));
  EXPECT_TRUE(holds("10.20.96.0/19", "10.20.127.1"));
  EXPECT_FALSE(holds("10.20.96.0/19", "10.20.128.1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("192.0.2.7", "::ffff:192.0.2.7")) << "one host has one address";
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.8"));
}

TEST(Address, OtherSpellingsAreRefused) {
  for (const char* wrong :
       {"", "10.20.0.0/", "10.20.0.0/33", "10.20.0.1/16", "10.20.0.0/016", "10.20.0/16", "::/129",
        "2001:db8::1/64", "10.20.0.0/16 ", "lahore", "10.20.0.0/-1", "10.20.0.0/1x"})
    EXPECT_FALSE(parse_network(wrong)) << wrong;
  EXPECT_FALSE(parse_address("10.20.0.0/16"));
  EXPECT_FALSE(parse_address(std::string_view("10.0.0.1\0", 9)));
}

}  // namespace
}  // namespace amanat::net
