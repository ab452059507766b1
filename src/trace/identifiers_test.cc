#include "trace/identifiers.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace amanat::trace {
namespace {

std::vector<Identifier> found_in(std::string_view text) {
  std::vector<Identifier> found;
  find_identifiers(text, found);
  return found;
}

// said writes what was found in one line: "id grouped 3520212345671; phone trunk 923001234567".
std::string said(std::string_view text) {
  std::string out;
  for (const auto& id : found_in(text)) {
    if (!out.empty()) out += "; ";
    out += id.kind == Kind::national_id ? "id " : "phone ";
    out += word_of(id.layout);
    out += ' ';
    out += id.canonical();
    if (id.partial) out += '*';
  }
  return out;
}

TEST(Identifiers, EveryLayoutOfANationalIdIsRead) {
  for (const char* text :
       {"35202-1234567-1", "35202–1234567–1", "35202—1234567—1", "35202‑1234567‑1",
        "35202−1234567−1", "35202‐1234567‐1", "35202 - 1234567 - 1", "35202.1234567.1",
        "35202/1234567/1", "35202_1234567_1", "35202-12345671", "352021234567-1"})
    EXPECT_EQ(said(text), "id grouped 3520212345671") << text;
  for (const char* text : {"35202 1234567 1", "35202\u00A01234567\u00A01",
                           "35202\u202F1234567\u202F1", "35202  1234567 1"})
    EXPECT_EQ(said(text), "id spaced 3520212345671") << text;
  for (const char* text : {"3520212345671", "'3520212345671", "=\"3520212345671\"",
                           "3520212345671.0", "(3520212345671)", "CNIC:3520212345671",
                           "cnic3520212345671", "No.3520212345671", "#3520212345671,"})
    EXPECT_EQ(said(text), "id plain 3520212345671") << text;
}

TEST(Identifiers, DigitsOfThreeScriptsAreMixedInOneNumber) {
  EXPECT_EQ(said("۳۵۲۰۲-۱۲۳۴۵۶۷-۱"), "id grouped 3520212345671");
  EXPECT_EQ(said("٣٥٢٠٢١٢٣٤٥٦٧١"), "id plain 3520212345671");
  EXPECT_EQ(said("35۲٠2-1٢۳4567-۱"), "id grouped 3520212345671");
  EXPECT_EQ(said("３５２０２－１２３４５６７－１"), "id grouped 3520212345671");
  EXPECT_EQ(said("۰۳۰۰-۱۲۳۴۵۶۷"), "phone trunk 923001234567");
  EXPECT_EQ(said("فون ۰۳۰۰۱۲۳۴۵۶۷ ہے"), "phone trunk 923001234567");
}

TEST(Identifiers, WhatIsInvisibleIsNotThere) {
  EXPECT_EQ(said("\u200F35202\u200E-1234567\u200B-1\u202C"), "id grouped 3520212345671");
  EXPECT_EQ(said("3520\u00AD2123\u200D4567\uFEFF1"), "id plain 3520212345671");
  EXPECT_EQ(said("\u2066\u202A0300\u06401234567\u2069"), "phone trunk 923001234567");
}

TEST(Identifiers, EveryLayoutOfAPhoneIsRead) {
  for (const char* text :
       {"0300-1234567", "03001234567", "0300 1234567", "0300 123 4567", "0300-123-4567",
        "(0300) 1234567", "0300/1234567", "0300.1234567", "03001-234567"})
    EXPECT_EQ(said(text), "phone trunk 923001234567") << text;
  for (const char* text :
       {"+923001234567", "923001234567", "00923001234567", "+92 300 1234567", "+92-300-1234567",
        "+92 (300) 1234567", "(+92) 300 1234567", "+92 300 123 4567", "0092 300 1234567",
        "92 3001234567", "+92 (0) 300 1234567", "+92 0300 1234567", "92300-1234567",
        "+9203001234567", "+ 92 300 1234567"})
    EXPECT_EQ(said(text), "phone country 923001234567") << text;
  for (const char* text :
       {"3001234567", "300-1234567", "300 1234567", "300-123-4567", "3001234567.0"})
    EXPECT_EQ(said(text), "phone bare 923001234567") << text;
}

TEST(Identifiers, ScientificNotationIsAPrefixAndMarkedSo) {
  EXPECT_EQ(said("3.52021E+12"), "id scientific 352021*");
  EXPECT_EQ(said("3.00E+09"), "phone scientific 92300*");
  EXPECT_EQ(said("9.23001E+11"), "phone scientific 923001*");
  // With every digit there it is the number itself, as programs in Java and Python write it.
  EXPECT_EQ(said("3.520212345671E12"), "id scientific 3520212345671");
  EXPECT_EQ(said("1.5E+12x"), "");
  EXPECT_EQ(said("3.52021E+13"), "");
  EXPECT_EQ(said("2.5e6"), "");
}

TEST(Identifiers, ALongerRunIsNeverCut) {
  for (const char* text :
       {"352021234567181", "410012345678901", "35202123456711", "00003520212345671",
        "PK36SCBL0000001123456702", "4111111111111111", "35202-1234567-12", "135202-1234567-1",
        "۳۵۲۰۲۱۲۳۴۵۶۷۱۵", "030012345678", "03001234567890123"})
    EXPECT_EQ(said(text), "") << text;
}

TEST(Identifiers, WhatOnlyLooksLikeOneIsNotOne) {
  for (const char* text :
       {"0520212345671",  // no national ID begins with 0
        "2026-11-22 14:35:00", "22/11/2026", "192.168.100.200", "0.3520212345671",
        "3520212345671.55", "3001234567.50", "a3520212345671bf", "img_3520212345671.jpg",
        "+44 3001234567", "+13001234567", "042-35761234", "021 111 000 111",
        "550e8400-e29b-41d4-a716-446655440000", "12-34567-1234567", "2.3001234567",
        "PK-2026-1234567"})
    EXPECT_EQ(said(text), "") << text;
}

TEST(Identifiers, NumbersSideBySideAreToldApart) {
  EXPECT_EQ(said("35202-1234567-1,0300-1234567"),
            "id grouped 3520212345671; phone trunk 923001234567");
  EXPECT_EQ(said("35202 1234567 1 0300 1234567"),
            "id spaced 3520212345671; phone trunk 923001234567");
  EXPECT_EQ(said("3520212345671 03001234567"), "id plain 3520212345671; phone trunk 923001234567");
  EXPECT_EQ(said("03001234567/03211234567"), "phone trunk 923001234567; phone trunk 923211234567");
  EXPECT_EQ(said("03001234567-3520212345671"), "phone trunk 923001234567; id plain 3520212345671");
  EXPECT_EQ(said("1- 35202-1234567-1"), "id grouped 3520212345671");
  EXPECT_EQ(said("House 12 Street 5 35202-1234567-1"), "id grouped 3520212345671");
  EXPECT_EQ(said("0300-1234567 35202-1234567-1 22-11-2026"),
            "phone trunk 923001234567; id grouped 3520212345671");
  EXPECT_EQ(said("92300-1234567 5"), "phone country 923001234567");
  EXPECT_EQ(said("1\t3520212345671\t3001234567\n2\t3520212345672\t3001234568"),
            "id plain 3520212345671; phone bare 923001234567; id plain 3520212345672; phone bare "
            "923001234568");
}

TEST(Identifiers, PlaceAndLengthAreThoseOfTheDigits) {
  const std::string_view text = "cnic: ۳۵۲۰۲-1234567-1.";
  const auto found = found_in(text);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(text.substr(found[0].offset, found[0].length), "۳۵۲۰۲-1234567-1");
}

// A text of the pieces numbers are made of, in any order.
std::string jumble(std::mt19937_64& draw) {
  static const std::vector<std::string> kPieces = {
      "35202",  "1234567", "1",    "0300",       "03001234567", "3520212345671",
      "92",     "+",       "0092", "300",        "-",           " ",
      ".",      "/",       "_",    "(",          ")",           ",",
      "\n",     "\t",      "۳",    "٥",          "\u200F",      "\u2013",
      "\u00A0", "５",      "E+12", "3.52021",    "a",           "cnic",
      "ع",      "0",       "12",   "3001234567", "\xDB",        "\xE2\x80",
      "\xFF",   "00",      "9"};
  std::string text;
  for (std::uint64_t n = 1 + draw() % 60; n > 0; --n) text += kPieces[draw() % kPieces.size()];
  return text;
}

bool same(const Identifier& a, const Identifier& b) {
  return a.offset == b.offset && a.length == b.length && a.kind == b.kind && a.layout == b.layout &&
         a.partial == b.partial && a.canonical() == b.canonical();
}

TEST(Identifiers, TheFastSearchFindsExactlyWhatTheSlowOneFinds) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 draw(seed);
  std::vector<Identifier> fast, slow;
  std::size_t total = 0;
  for (int round = 0; round < 30'000; ++round) {
    const std::string text = jumble(draw);
    fast.clear();
    slow.clear();
    find_identifiers(text, fast);
    find_identifiers_slowly(text, slow);
    ASSERT_TRUE(std::equal(fast.begin(), fast.end(), slow.begin(), slow.end(), same)) << text;
    total += fast.size();
  }
  EXPECT_GT(total, 1000u);
}

}  // namespace
}  // namespace amanat::trace
