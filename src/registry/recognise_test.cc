#include "registry/recognise.h"

#include <gtest/gtest.h>

namespace amanat::registry {
namespace {

const Recogniser& recogniser() {
  static const Recogniser one = [] {
    auto catalog = Catalog::load(AMANAT_SOURCE_DIR "/catalog/pakistan");
    EXPECT_TRUE(catalog);
    return Recogniser(*catalog);
  }();
  return one;
}

std::string seen(const std::vector<Sighting>& found) {
  std::string out;
  for (const auto& one : found)
    out += (out.empty() ? "" : " ") + std::string(personal_word(one.type)) + "(" + one.shape + ")" +
           (one.alone ? "" : "?");
  return out;
}
std::string member(std::string_view name, std::string_view value) {
  return seen(recogniser().in_member(name, value));
}
std::string text(std::string_view value) { return seen(recogniser().in_text(value)); }

TEST(Recogniser, FindsIdsAndNumbersInRunningText) {
  EXPECT_EQ(text("citizen 35202-8184877-1 not found"), "national-id(00000-0000000-0)");
  EXPECT_EQ(text("{\"x\":3520281848771}"), "national-id(0000000000000)");
  EXPECT_EQ(text("35202-8184877-1,0300-1234567\n3520281848771;+923001234567"),
            "national-id(00000-0000000-0) phone(0000-0000000) national-id(0000000000000) "
            "phone(+000000000000)");
}

TEST(Recogniser, TakesNoOtherNumberForAPerson) {
  for (const std::string_view other :
       {"1767225600000", "2026-11-22T10:00:00Z", "9520281848771", "35202818487712",
        "3.520281848771", "a3520281848771", "3520281848771x",
        "550e8400-e29b-41d4-a716-446655440000", "3001234567", "127.0.0.1", "15", "1122",
        "0000000000000", "10000000000000", "v1.2.3", "_3520281848771", "4111 1111 1111 1111"})
    EXPECT_EQ(text(other), "") << other;
}

TEST(Recogniser, AMembersNameSaysWhatItsValueIs) {
  EXPECT_EQ(member("Father Name", "Nadeem Sarwar"), "name(A A)");
  EXPECT_EQ(member("fatherName", "Nadeem Sarwar"), "name(A A)");
  EXPECT_EQ(member("name", "Nadeem Sarwar"), "name(A A)?");
  EXPECT_EQ(member("cnic", "1730112345671"), "national-id(0000000000000)");
  EXPECT_EQ(member("created", "1730112345671"), "");
  EXPECT_EQ(member("mobile", "3001234567"), "phone(0000000000)");
  EXPECT_EQ(member("phone", "15"), "");
  EXPECT_EQ(member("dob", "1974-06-02"), "birth-date(0000-00-00)");
  EXPECT_EQ(member("present_address", "House 668, Street 25, Ichhra, Lahore"),
            "address(A 0, A 0, A, A)");
  EXPECT_EQ(member("address", "https://example.test/a b"), "");
  EXPECT_EQ(member("status", "open"), "");
  EXPECT_EQ(member("surname", "https://x"), "");
}

TEST(Recogniser, AShapeHoldsNoCharacterOfTheValue) {
  EXPECT_EQ(shape_of(PersonalType::national_id, "35202-8184877-1"), "00000-0000000-0");
  EXPECT_EQ(shape_of(PersonalType::name, "Muhammad Ali"), shape_of(PersonalType::name, "Bo Xi"));
  EXPECT_EQ(shape_of(PersonalType::name, "کاشف محمود"), "a a");
  EXPECT_EQ(shape_of(PersonalType::passport, "AB1234567"), "AA0000000");
}

}  // namespace
}  // namespace amanat::registry
