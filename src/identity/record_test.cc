#include "identity/record.h"

#include <gtest/gtest.h>

#include <random>

namespace amanat::identity {
namespace {

AccountRecord an_account() {
  AccountRecord r;
  r.account = AccountId{7};
  r.id = "PO-1000";
  r.department = "police";
  r.unit = "Investigation Lahore";
  r.station = "Lahore";
  r.shift = "08:00-16:00";
  r.roles = {"investigator"};
  r.joined = Moment{5};
  r.left = Moment{9};
  r.name_at = NameAt::slot;
  r.slot = 3;
  r.sealed_name = "sealed";
  r.own = Tag{1, 2, 3};
  return r;
}

template <class Decode>
void expect_one_form(const std::string& bytes, std::uint64_t seed, Decode decode) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode(bytes + '\0'));
  std::mt19937_64 draw(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = bytes;
    bent[draw() % bent.size()] = static_cast<char>(draw());
    const auto decoded = decode(bent);
    ASSERT_TRUE(!decoded || encode(*decoded) == bent);
  }
}

TEST(AccountBytes, HaveOneFormOnly) {
  const AccountRecord r = an_account();
  ASSERT_TRUE(decode_account(encode(r)));
  EXPECT_EQ(*decode_account(encode(r)), r);
  expect_one_form(encode(r), 11, decode_account);
  AccountRecord bare;
  bare.account = AccountId{1};
  bare.id = "x";
  EXPECT_EQ(*decode_account(encode(bare)), bare);
  expect_one_form(encode(bare), 12, decode_account);
}

TEST(DeviceBytes, HaveOneFormOnly) {
  DeviceRecord d;
  d.thumbprint[0] = 0xab;
  d.account = AccountId{7};
  d.enrolled = Moment{1};
  d.not_after = Moment{2};
  d.revoked = Moment{3};
  const auto back = decode_device(encode(d));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->thumbprint, d.thumbprint);
  EXPECT_EQ(back->revoked, d.revoked);
  expect_one_form(encode(d), 13, decode_device);
  d.revoked.reset();
  expect_one_form(encode(d), 14, decode_device);
}

}  // namespace
}  // namespace amanat::identity
