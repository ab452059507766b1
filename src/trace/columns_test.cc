#include "trace/columns.h"

#include <gtest/gtest.h>

#include "trace/dates.h"
#include "trace/names.h"

namespace amanat::trace {
namespace {

ColumnSummary of(const std::vector<std::string>& values) {
  Column column;
  for (const auto& v : values) column.see(v);
  return column.summary();
}

Column with_ids(const std::vector<std::uint64_t>& numbers) {
  Column column;
  for (const auto n : numbers) {
    std::vector<Identifier> found;
    find_identifiers(std::to_string(n), found);
    for (const auto& id : found) column.see_plain_id(id);
  }
  return column;
}

TEST(Columns, AColumnIsJudgedByItsValues) {
  EXPECT_EQ(of({"35202-1234567-1", "3520212345672", "=\"3520212345673\"", ""}).kind,
            ColumnKind::national_id);
  EXPECT_EQ(of({"0300-1234567", "3001234567", "NULL", "+92 300 1234568"}).kind, ColumnKind::msisdn);
  EXPECT_EQ(of({"Muhammad Ali", "فاطمہ بی بی", "A. K. Khan"}).kind, ColumnKind::name);
  EXPECT_EQ(of({"2026-11-22", "22-11-2026", "22 Nov 2026", "20261122"}).kind, ColumnKind::date);
  EXPECT_EQ(of({"46348", "46349", "45000"}).kind, ColumnKind::date);
  EXPECT_EQ(of({"46348", "54000", "1234567", "7"}).kind, ColumnKind::number);
  EXPECT_EQ(of({"House 12, Street 5, Lahore", "H# 7 St 3", "Flat 9-B"}).kind, ColumnKind::text);
  EXPECT_EQ(of({"", "NULL", "\\N"}).kind, ColumnKind::empty);
  EXPECT_EQ(of({"call 0300-1234567 after six", "my cnic is 35202-1234567-1 ok"}).kind,
            ColumnKind::text);
}

TEST(Columns, TimesInMillisecondsAreDoubted) {
  EXPECT_TRUE(with_ids({1732285500000, 1732285512000, 1732285515000}).summary().doubtful)
      << "whole seconds";
  EXPECT_TRUE(with_ids({1732285500123, 1732285512456, 1732285515789}).summary().doubtful)
      << "rising";
  EXPECT_FALSE(
      with_ids({1730112345671, 1110198765432, 1620111111111, 1430122222223}).summary().doubtful)
      << "of Khyber";
  EXPECT_FALSE(
      with_ids({1732285500000, 1732285512000, 1732285515000, 3520212345671}).summary().doubtful);
}

TEST(Columns, DayAndMonthAreDecidedByTheWholeColumn) {
  Column american;
  for (const char* v : {"03/04/2026", "12/22/2026", "01/02/2026"}) american.see(v);
  EXPECT_TRUE(american.summary().month_first);
  Column ours;
  for (const char* v : {"03/04/2026", "22/12/2026"}) ours.see(v);
  EXPECT_FALSE(ours.summary().month_first);
  EXPECT_TRUE(ours.summary().order_decided);
  Column open;
  open.see("03/04/2026");
  EXPECT_FALSE(open.summary().order_decided);
}

TEST(Columns, AFirstRowOfWordsIsAHeading) {
  EXPECT_TRUE(looks_like_heading({"CNIC", "Name", "Phone No"}));
  EXPECT_TRUE(looks_like_heading({"شناختی کارڈ", "نام", "موبائل"}));
  EXPECT_FALSE(looks_like_heading({"35202-1234567-1", "Ali", "0300-1234567"}));
  EXPECT_FALSE(looks_like_heading({"Ali Khan", "Lahore", "Sales"}));
}

TEST(Dates, EveryFormGivesTheSameDay) {
  for (const char* text :
       {"2026-11-22", "22-11-2026", "22/11/2026", "22.11.26", "22 Nov 2026", "22-Nov-26",
        "November 22, 2026", "20261122", "20261122143500", "2026-11-22T14:35:00Z",
        "22/11/2026 2:35 pm", "46348", "46348.0", "۲۲-۱۱-۲۰۲۶"}) {
    const auto cell = read_date(text);
    ASSERT_TRUE(cell) << text;
    EXPECT_EQ(canonical_date(*cell, DateOrder::day_first), "2026-11-22") << text;
  }
  EXPECT_EQ(canonical_date(*read_date("11/22/2026"), DateOrder::month_first), "2026-11-22");
  EXPECT_EQ(canonical_date(*read_date("31/02/2026"), DateOrder::day_first), "");
  for (const char* text : {"", "hello", "35202-1234567-1", "0300-1234567", "14:35", "99999999",
                           "1.2.3.4", "12", "22/11", "13/13/2026"})
    EXPECT_FALSE(read_date(text)) << text;
}

TEST(Names, UrduAndRomanSpellingsHaveOneKey) {
  for (const char* name : {"Muhammad", "Mohammad", "Mohammed", "Muhammed", "Mohamad", "Mohamed",
                           "Muhamad", "Mohammod", "Mohd", "Md", "M.", "MUHAMMAD", "محمد", "مُحَمَّد"})
    EXPECT_EQ(skeleton(name), "MHMD") << name;
  EXPECT_EQ(skeleton("Muhammad Ali"), skeleton("محمد علی"));
  EXPECT_EQ(skeleton("Hussain"), skeleton("حسین"));
  EXPECT_EQ(skeleton("Fatima"), skeleton("فاطمہ"));
  EXPECT_EQ(skeleton("Khalid"), skeleton("خالد"));
  EXPECT_EQ(skeleton("Sheikh Rasheed"), skeleton("شیخ رشید"));
  EXPECT_EQ(skeleton("Chaudhry"), skeleton("چودھری"));
  EXPECT_EQ(skeleton("Zafar"), skeleton("ظفر"));
  EXPECT_NE(skeleton("Hussain"), skeleton("Hassan Ali"));
  EXPECT_EQ(skeleton("12345"), "");
}

}  // namespace
}  // namespace amanat::trace
