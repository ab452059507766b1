#include "policy/tables.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/crypto.h"
#include "policy/invented.h"

namespace amanat::policy {
namespace {

FieldTable fields() {
  FieldInfo name{"a.people.name", "name", DatasetId{0}, Sensitivity::open, {}};
  FieldInfo number{
      "a.people.number", "number", DatasetId{0}, Sensitivity::sensitive, {"last2", "last4"}};
  FieldInfo place{"b.stays.place", "place", DatasetId{1}, Sensitivity::ordinary, {"city"}};
  return FieldTable({name, number, place}, {"a.people", "b.stays"});
}

const std::string kPeople = R"([[role]]
id = "investigator"
says = "Investigator"
rights = ["approve"]
[[purpose]]
id = "crime"
says = "crime"
law = "law"
cases = ["fir"]
[[quota]]
id = "case-std"
distinct_subjects = [{ per = "officer", n = 5, window = "7d" }]
)";

std::string grant(const std::string& more, const std::string& id = "G1") {
  return "[[grant]]\nid = \"" + id +
         "\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n" + more;
}

std::string complaint(const std::string& text) {
  const FieldTable table = fields();
  const auto tables = read_tables({{"p.toml", text}}, table);
  if (tables) return "";
  EXPECT_EQ(tables.error().reason, Reason::policy_wrong);
  return tables.error().detail;
}

void expect_complaint(const std::string& text, std::initializer_list<const char*> words) {
  const std::string said = complaint(text);
  EXPECT_TRUE(said.starts_with("p.toml:")) << said;
  for (const char* word : words)
    EXPECT_NE(said.find(word), std::string::npos) << "'" << said << "' lacks '" << word << "'";
}

TEST(Tables, AWordTheyDoNotKnowIsNamedWithTheNearestOne) {
  expect_complaint(kPeople + "[[grants]]\n", {"grants", "grant"});
  expect_complaint(kPeople + grant("fields = [\"a.people.nmae\"]\n"),
                   {"a.people.nmae", "a.people.name"});
  expect_complaint(kPeople + grant("fields = [\"a.people.*\"]\nquotas = \"case-std\"\n"),
                   {"quotas", "quota"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nquota = \"case-sdt\"\n"),
                   {"case-sdt", "case-std"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { case = [\"fri\"] }\n"),
                   {"fri", "fir"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { case_opne = true }\n"),
                   {"case_opne", "case_open"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nlevel = \"ful\"\n"), {"ful", "full"});
  expect_complaint(
      kPeople + grant("fields = [\"*\"]\nmask = { \"a.people.number\" = \"last5\" }\n"),
      {"last5", "last"});
  expect_complaint(kPeople + "[[role]]\nid = \"x\"\nsays = \"s\"\nrights = [\"aprove\"]\n",
                   {"aprove", "approve"});
  std::string other = grant("fields = [\"*\"]\n");
  other.replace(other.find("investigator"), 12, "investigater");
  expect_complaint(kPeople + other, {"investigater", "investigator"});
}

TEST(Tables, WhatIsMissingOrEmptyIsRefused) {
  expect_complaint("[[role]]\nid = \"x\"\n", {"says"});
  expect_complaint("[[role]]\nid = \"x\"\nsays = \" \"\n", {"says", "auditors"});
  expect_complaint("[[role]]\nid = \"x y\"\nsays = \"s\"\n", {"id"});
  expect_complaint("[[purpose]]\nid = \"x\"\nsays = \"s\"\nlaw = \"\"\n", {"law"});
  expect_complaint(kPeople + grant(""), {"fields"});
  expect_complaint(
      kPeople + "[[grant]]\nid = \"G\"\nsays = \"s\"\npurposes = [\"crime\"]\nfields = [\"*\"]\n",
      {"roles"});
  expect_complaint(kPeople + "[[quota]]\nid = \"q\"\n", {"distinct_subjects"});
  expect_complaint(kPeople + "[[quota]]\nid = \"q\"\ndistinct_subjects = [{ per = \"officer\" }]\n",
                   {"n"});
  expect_complaint(
      kPeople + "[[quota]]\nid = \"q\"\ndistinct_subjects = [{ per = \"ofices\", n = 1 }]\n",
      {"officer"});
  expect_complaint(kPeople +
                       "[[quota]]\nid = \"q\"\ndistinct_subjects = [{ per = \"unit\", n = 1, "
                       "window = \"7w\" }]\n",
                   {"window"});
}

TEST(Tables, ContradictionsAreRefused) {
  const std::string twice = grant("fields = [\"*\"]\n");
  expect_complaint(kPeople + twice + twice, {"G1", "taken"});
  expect_complaint(kPeople + twice + "[[forbid]]\nid = \"G1\"\nsays = \"s\"\nfields = [\"*\"]\n",
                   {"G1", "taken"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nlevel = \"none\"\n"), {"none"});
  expect_complaint(
      kPeople + "[[forbid]]\nid = \"F\"\nsays = \"s\"\nfields = [\"*\"]\nlevel = \"full\"\n",
      {"full"});
  expect_complaint(
      kPeople + grant("fields = [\"a.people.name\"]\nmask = { \"b.stays.place\" = \"city\" }\n"),
      {"b.stays.place"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { kin = true }\n"),
                   {"kin", "subject_in_case"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { hours = \"8-20\" }\n"), {"hours"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { uv_max_age = \"soon\" }\n"),
                   {"uv_max_age"});
  expect_complaint(kPeople + grant("fields = [\"*\"]\nneeds = { evidence = \"oath\" }\n"),
                   {"evidence"});
  expect_complaint("[[field]]\nid = \"a.people.number\"\nmasks = [\"city\"]\n", {"city"});
  expect_complaint("[[field]]\nid = \"a.people.number\"\nclass = \"secret\"\n", {"secret"});
}

TEST(Tables, AnExtractIsBoundedAndNeedsASecondPersonUnlessItSaysOtherwise) {
  const auto with = [](const std::string& more) {
    return kPeople + grant("fields = [\"*\"]\n" + more);
  };
  expect_complaint(with("extract = {}\n"), {"most"});
  expect_complaint(with("extract = { most = 100001 }\n"), {"most"});
  expect_complaint(with("extract = { most = 10, formats = [\"cvs\"] }\n"), {"cvs", "csv"});
  expect_complaint(with("extract = { most = 10, keep = \"8d\" }\n"), {"keep"});
  expect_complaint(with("extract = { most = 10 }\nneeds = { break_glass = true }\n"),
                   {"break_glass"});
}

TEST(Tables, AComplaintNamesTheLineOfTheRow) {
  EXPECT_TRUE(complaint(kPeople + grant("fields = [\"x.y.z\"]\n")).starts_with("p.toml:13:"))
      << complaint(kPeople + grant("fields = [\"x.y.z\"]\n"));
}

TEST(Tables, AFieldRowNarrowsTheMasksARuleMayUse) {
  const std::string narrowed =
      "[[field]]\nid = \"a.people.number\"\nclass = \"secret_existence\"\nmasks = [\"last2\"]\n";
  const std::string wide = grant("fields = [\"*\"]\nmask = { \"a.people.number\" = \"last4\" }\n");
  EXPECT_EQ(complaint(kPeople + wide), "");
  expect_complaint(narrowed + kPeople + wide, {"last4"});
  const FieldTable table = fields();
  const auto tables = read_tables({{"p.toml", narrowed + kPeople}}, table);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->classes[1], Sensitivity::secret_existence);
}

TEST(Tables, WildcardsExpandToFieldsAndTablesMayStandInSeveralFiles) {
  const FieldTable table = fields();
  const auto tables = read_tables(
      {{"1.toml", grant("fields = [\"a.*\"]\nquota = \"case-std\"\n")}, {"2.toml", kPeople}},
      table);
  ASSERT_TRUE(tables) << tables.error().detail;
  ASSERT_EQ(tables->grants.size(), 1u);
  ASSERT_EQ(tables->grants[0].cells.size(), 2u);
  EXPECT_EQ(table[tables->grants[0].cells[1].field].id, "a.people.number");
  EXPECT_EQ(tables->grants[0].cells[1].rank, kFull);
  ASSERT_EQ(tables->quotas[0].limits.size(), 1u);
  EXPECT_EQ(tables->quotas[0].limits[0].window_ms, 7u * 86'400'000);
}

TEST(Tables, HoursRunOverMidnightAndFollowTheirOffset) {
  const Hours day{8, 20, 5}, night{22, 6, 5}, west{8, 20, -4};
  EXPECT_TRUE(day.covers(3));     // 8 o'clock
  EXPECT_FALSE(day.covers(15));   // 20 o'clock
  EXPECT_TRUE(night.covers(17));  // 22 o'clock
  EXPECT_TRUE(night.covers(0));   // 5 o'clock
  EXPECT_FALSE(night.covers(1));  // 6 o'clock
  EXPECT_TRUE(west.covers(12));
  EXPECT_FALSE(west.covers(11));
}

std::string hash_of(const std::vector<Document>& documents) {
  const FieldTable table = fields();
  const auto tables = read_tables(documents, table);
  EXPECT_TRUE(tables) << (tables ? "" : tables.error().detail);
  return tables ? crypto::hex(crypto::sha256(canonical_text(*tables, table))) : "";
}

TEST(Tables, OptionalFieldsAreThoseShownInFull) {
  const FieldTable table = fields();
  const std::string rows =
      "fields = [\"a.*\", \"b.stays.place\"]\n"
      "mask = { \"b.stays.place\" = \"city\" }\n";
  const auto tables = read_tables(
      {{"p.toml", kPeople + grant(rows + "optional = [\"a.*\"]\nmarks = false\n")}}, table);
  ASSERT_TRUE(tables) << tables.error().detail;
  const GrantRow& row = tables->grants.at(0);
  EXPECT_EQ(row.optional.count(), 2u);
  EXPECT_TRUE(row.optional.test(number(*table.find("a.people.number"))));
  EXPECT_FALSE(row.marks);
  EXPECT_TRUE(read_tables({{"p.toml", kPeople + grant(rows)}}, table)->grants.at(0).marks);
  expect_complaint(kPeople + grant(rows + "optional = [\"b.stays.place\"]\n"),
                   {"b.stays.place", "not shown in full"});
  expect_complaint(kPeople + grant(rows + "optional = [\"a.people.nmae\"]\n"), {"a.people.name"});
  expect_complaint(kPeople + grant(rows + "marks = 1\n"), {"marks"});
}

TEST(CanonicalText, KeepsWhatItWasForAGrantThatSaysNothingOfMarks) {
  const std::string rows = "fields = [\"a.*\"]\n";
  const std::string plain = hash_of({{"p.toml", kPeople + grant(rows)}});
  EXPECT_EQ(plain, hash_of({{"p.toml", kPeople + grant(rows + "marks = true\noptional = []\n")}}));
  const std::string off = hash_of({{"p.toml", kPeople + grant(rows + "marks = false\n")}});
  const std::string some =
      hash_of({{"p.toml", kPeople + grant(rows + "optional = [\"a.people.name\"]\n")}});
  EXPECT_EQ(std::set({plain, off, some}).size(), 3u);
}

TEST(CanonicalText, DoesNotChangeWithCommentsOrderAndFiles) {
  const std::string g1 = grant("fields = [\"a.people.name\", \"a.people.number\"]\n");
  const std::string g2 = grant("fields = [\"b.stays.*\"]\n", "G2");
  const std::string one = hash_of({{"p.toml", kPeople + g1 + g2}});
  EXPECT_EQ(one, hash_of({{"a.toml", "# a comment\n" + g2}, {"b.toml", kPeople + g1}}));
  EXPECT_EQ(one, hash_of({{"p.toml", kPeople + grant("fields = [\"a.*\"]\n") + g2}}));
  EXPECT_NE(
      one, hash_of({{"p.toml", kPeople + grant("fields = [\"a.*\"]\nlevel = \"exists\"\n") + g2}}));
  EXPECT_NE(
      one, hash_of({{"p.toml",
                     kPeople + grant("fields = [\"a.*\"]\nneeds = { case_open = true }\n") + g2}}));
  EXPECT_NE(one, hash_of({{"p.toml", kPeople + g1}}));
}

TEST(CanonicalText, TellsEveryTwoInventedPoliciesApart) {
  const invented::Sizes sizes;
  const FieldTable table = invented::field_table(sizes.fields);
  std::set<std::string> texts;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto tables = read_tables({{"p.toml", invented::policy_text(sizes, seed, table)}}, table);
    ASSERT_TRUE(tables) << tables.error().detail;
    texts.insert(canonical_text(*tables, table));
  }
  EXPECT_EQ(texts.size(), 200u);
}

}  // namespace
}  // namespace amanat::policy
