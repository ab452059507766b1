#include <gtest/gtest.h>

#include "disclosure/disclosure.h"

namespace amanat::disclosure {
namespace {

TEST(Masks, ShowTheEndTheBeginningTheYearOrTheCity) {
  EXPECT_EQ(masked_value("last4", "+923001234567"), "*********4567");
  EXPECT_EQ(masked_value("last2", "410-05-2283"), "*********83");
  EXPECT_EQ(masked_value("prefix5", "410043413552383"), "41004**********");
  EXPECT_EQ(masked_value("year", "1954-06-02"), "1954");
  EXPECT_EQ(masked_value("city", "House 668, Street 25, Ichhra, Lahore"), "Lahore");
  EXPECT_EQ(masked_value("first_letter", "Kashif Mehmood"), "K. M.");
}

TEST(Masks, CutBetweenCharactersNotInsideThem) {
  EXPECT_EQ(masked_value("first_letter", "کاشف محمود"), "ک. م.");
  EXPECT_EQ(masked_value("last2", "کاشف محمود"), "********ود");
}

TEST(Masks, AShortValueIsHiddenWhole) {
  EXPECT_EQ(masked_value("last4", "1234567"), "*******");
  EXPECT_EQ(masked_value("last2", "12"), "**");
  EXPECT_EQ(masked_value("prefix5", "123456789"), "*********");
  EXPECT_EQ(masked_value("year", "??"), "****");
  EXPECT_EQ(masked_value("city", "no comma"), "***");
}

TEST(Masks, AnUnknownMaskHidesEverything) {
  EXPECT_EQ(masked_value("everything", "secret"), "***");
  EXPECT_FALSE(known_mask("everything"));
  EXPECT_TRUE(known_mask("last4"));
}

}  // namespace
}  // namespace amanat::disclosure
