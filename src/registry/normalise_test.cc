#include <gtest/gtest.h>

#include <random>

#include "registry/normalise.h"
#include "registry/test_archive.h"

namespace amanat::registry {
namespace {

const Catalog& pakistan() {
  static const Catalog catalog = Exchange::load(kCatalogDirectory);
  return catalog;
}

/// normal returns the value, or the reason's id in angle brackets.
std::string normal(const Field& field, std::string_view cell, SubjectKind* kind_out = nullptr) {
  std::string out = "|";
  SubjectKind kind{};
  const auto reason = normalise(pakistan().rules(), field, trim(cell), out, kind);
  if (kind_out != nullptr) *kind_out = kind;
  EXPECT_EQ(out[0], '|');
  if (reason) {
    EXPECT_EQ(out.size(), 1U);
    return "<" + std::string(row_of(*reason).id) + ">";
  }
  return out.substr(1);
}
std::string normal(FieldType type, std::string_view cell) {
  Field field;
  field.type = type;
  return normal(field, cell);
}

TEST(Normalise, NationalIdsAreThirteenDigitsThatCanExist) {
  for (const char* form : {"35202-8184877-1", "3520281848771", " 35202 8184877 1 ",
                           "'35202-8184877-1", "=\"3520281848771\"", "٣٥٢٠٢-٨١٨٤٨٧٧-١",
                           "۳۵۲۰۲۸۱۸۴۸۷۷۱", "３５２０２８１８４８７７１", "35202–8184877—1",
                           "\xc2\xa0"
                           "3520281848771\xe2\x80\x8b",
                           "35202.8184877.1", "\t3520281848771,"})
    EXPECT_EQ(normal(FieldType::national_id, form), "3520281848771") << form;
  for (const char* form :
       {"352028184877", "35202818487711", "0520281848771", "9520281848771", "3520281848O71",
        "3.52028E+12", "35202-8184877-1 / 35202", "abc", "³520281848771"})
    EXPECT_EQ(normal(FieldType::national_id, form), "<national-id-impossible>") << form;
  EXPECT_EQ(normal(FieldType::national_id, ""), "");
  EXPECT_EQ(normal(FieldType::national_id, "N/A"), "");
  EXPECT_EQ(normal(FieldType::national_id, "--"), "");
}

TEST(Normalise, APassportMayStandInTheIdColumnWhereDeclared) {
  Field field;
  field.type = FieldType::national_id;
  field.or_passport = true;
  SubjectKind kind{};
  EXPECT_EQ(normal(field, "ab 1234567", &kind), "AB1234567");
  EXPECT_EQ(kind, SubjectKind::passport);
  EXPECT_EQ(normal(field, "35202-8184877-1", &kind), "3520281848771");
  EXPECT_EQ(kind, SubjectKind::national_id);
  EXPECT_EQ(normal(field, "ABC1234567"), "<national-id-impossible>");
  EXPECT_EQ(normal(field, "AB12C4567"), "<national-id-impossible>");
  EXPECT_EQ(normal(field, "AB123"), "<national-id-impossible>");
  field.or_passport = false;
  EXPECT_EQ(normal(field, "AB1234567"), "<national-id-impossible>");
}

TEST(Normalise, NumbersBecomeE164) {
  for (const char* form :
       {"03001234567", "3001234567", "+923001234567", "923001234567", "00923001234567",
        "+92 300 1234567", "+92 (0)300-1234567", "0300-1234567", "۰۳۰۰۱۲۳۴۵۶۷", "＋923001234567"}) {
    EXPECT_EQ(normal(FieldType::msisdn, form), "+923001234567") << form;
    EXPECT_EQ(normal(FieldType::phone, form), "+923001234567") << form;
  }
  EXPECT_EQ(normal(FieldType::phone, "042-35761999"), "+924235761999");
  EXPECT_EQ(normal(FieldType::phone, "+971 50 1234567"), "+971501234567");
  EXPECT_EQ(normal(FieldType::phone, "00971501234567"), "+971501234567");
  EXPECT_EQ(normal(FieldType::phone, "1122"), "1122");
  for (const char* form : {"04235761999", "+971501234567", "1122", "300123456", "30012345678",
                           "+9230012345678", "hello", "3.0E+09"})
    EXPECT_EQ(normal(FieldType::msisdn, form), "<phone-impossible>") << form;
  for (const char* form :
       {"+92", "+", "123456", "+1234567", "+1234567890123456", "03OO1234567", "1"})
    EXPECT_EQ(normal(FieldType::phone, form), "<phone-impossible>") << form;
}

TEST(Normalise, DatesBecomeIsoAndMustExist) {
  for (const char* form : {"1980-02-29", "29-02-1980", "29/02/1980", "29.2.1980", "1980/02/29",
                           "29-Feb-1980", "1980-02-29 00:00:00", "۲۹-۰۲-۱۹۸۰"})
    EXPECT_EQ(normal(FieldType::date, form), "1980-02-29") << form;
  for (const char* form :
       {"1981-02-29", "31-04-1980", "1980-13-01", "05-06-80", "1980-02-29 10:00", "19800229",
        "0000-00-00", "02-29-1980", "yesterday", "1980-02", "44927", "1500-01-01", "9999-12-31"})
    EXPECT_EQ(normal(FieldType::date, form), "<date-impossible>") << form;
  for (const char* form : {"2026-07-21 02:20", "20260721022000", "21-07-2026 02:20",
                           "2026-07-21T02:20:00Z", "21/07/2026 2:20:00"})
    EXPECT_EQ(normal(FieldType::datetime, form), "2026-07-21T02:20:00") << form;
  for (const char* form : {"2026-07-21", "2026-07-21 24:00", "2026-07-21 02:60", "2026072102200",
                           "2026-07-21T02:20:00+05:00"})
    EXPECT_EQ(normal(FieldType::datetime, form), "<date-impossible>") << form;
}

TEST(Normalise, SecondsAgreeWithTheCalendar) {
  EXPECT_EQ(seconds_of("1970-01-01"), 0);
  EXPECT_EQ(seconds_of("1970-01-01T00:00:01"), 1);
  EXPECT_EQ(seconds_of("1969-12-31"), -86400);
  EXPECT_EQ(seconds_of("2000-03-01"), 951868800);
  EXPECT_EQ(seconds_of("2026-07-21T02:20:00"), 1784600400);
  EXPECT_EQ(seconds_of("1850-01-01"), -3786825600);
  EXPECT_FALSE(seconds_of("2026"));
  EXPECT_FALSE(seconds_of(""));
}

TEST(Normalise, TextLosesOnlyWhatCannotBeSeen) {
  EXPECT_EQ(normal(FieldType::name, "  KASHIF \t MEHMOOD\r\n"), "KASHIF MEHMOOD");
  EXPECT_EQ(normal(FieldType::name, "Ali\xc2\xa0Khan"), "Ali Khan");
  EXPECT_EQ(normal(FieldType::name, "Ali\xe2\x80\xae Khan\xef\xbb\xbf"), "Ali Khan");
  EXPECT_EQ(normal(FieldType::name, "Ali\0Khan"), "Ali");
  EXPECT_EQ(normal(FieldType::name, std::string_view("Ali\0Khan", 8)), "Ali Khan");
  EXPECT_EQ(normal(FieldType::name, "می\xe2\x80\x8cخواهم"),
            "می\xe2\x80\x8cخواهم");  // a joiner that spelling needs
  EXPECT_EQ(normal(FieldType::name, "Jose\xcc\x81"), "Jos\xc3\xa9");  // NFC
  EXPECT_EQ(normal(FieldType::name, "آ"), "\xd8\xa2");                // alef + madda
  EXPECT_EQ(normal(FieldType::text, "\xc3\x28"), "<text-not-unicode>");
  EXPECT_EQ(normal(FieldType::text, "a\xed\xa0\x80"), "<text-not-unicode>");
  EXPECT_EQ(normal(FieldType::text, std::string(257, 'x')), "<value-too-long>");
  EXPECT_EQ(normal(FieldType::text, "null"), "");
}

TEST(Normalise, EnumsNumbersAndDigitsKeepToTheirLists) {
  Field gender = pakistan()
                     .dataset("identity.persons")
                     ->fields[*pakistan().dataset("identity.persons")->find("gender")];
  EXPECT_EQ(normal(gender, "male"), "M");
  EXPECT_EQ(normal(gender, "f"), "F");
  EXPECT_EQ(normal(gender, "Q"), "<value-not-listed>");
  Field count;
  count.type = FieldType::number;
  count.max_number = 100;
  EXPECT_EQ(normal(count, "007"), "7");
  EXPECT_EQ(normal(count, "۴۲"), "42");
  for (const char* form : {"101", "-1", "1.5", "1e3", "12a", "99999999999999999999999"})
    EXPECT_EQ(normal(count, form), "<number-impossible>") << form;
  Field imsi;
  imsi.type = FieldType::digits;
  imsi.digits_min = 14;
  imsi.digits_max = 15;
  EXPECT_EQ(normal(imsi, "410043413552383"), "410043413552383");
  EXPECT_EQ(normal(imsi, "4100434135523"), "<number-impossible>");
}

TEST(Normalise, WhatComesOutIsStableAndWellFormedWhateverComesIn) {
  std::random_device device;
  const auto seed = device();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string pieces[] = {"3520281848771",
                                "-",
                                " ",
                                "\xc2\xa0",
                                "\xe2\x80\x8c",
                                "\xd9\xa3",
                                "\xef\xbc\x93",
                                "\xcc\x81",
                                "e",
                                "A",
                                "\0",
                                "\xff",
                                "\xe2\x80",
                                "+92",
                                "300",
                                "2026-01-02",
                                ":",
                                "\xef\xbb\xbf",
                                "\"",
                                ";"};
  std::vector<const Field*> fields;
  for (const auto& d : pakistan().datasets())
    for (const auto& f : d.fields) fields.push_back(&f);
  for (int i = 0; i < 20'000; ++i) {
    std::string cell;
    for (auto n = random() % 6; n > 0; --n)
      cell += random() % 4 == 0 ? std::string(1, static_cast<char>(random()))
                                : pieces[random() % std::size(pieces)];
    const Field& field = *fields[random() % fields.size()];
    std::string once;
    SubjectKind kind{};
    if (normalise(pakistan().rules(), field, trim(cell), once, kind)) continue;
    EXPECT_TRUE(valid_utf8(once));
    EXPECT_LE(once.size(), field.length_max);
    EXPECT_EQ(trim(once), once);
    std::string twice;
    EXPECT_FALSE(normalise(pakistan().rules(), field, once, twice, kind));
    EXPECT_TRUE(twice == once || twice.empty()) << field.id;
  }
}

}  // namespace
}  // namespace amanat::registry
