#include <gtest/gtest.h>

#include <set>

#include "model/field.h"
#include "model/ids.h"
#include "model/passes.h"
#include "model/question.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat {
namespace {

TEST(Reasons, EveryReasonIsCompleteInEveryColumnAndBothLanguages) {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < reason_count(); ++i) {
    const ReasonRow& row = row_of(static_cast<Reason>(i));
    SCOPED_TRACE(row.id);
    EXPECT_TRUE(ids.insert(row.id).second);
    EXPECT_EQ(row.id.find('_'), std::string_view::npos);
    EXPECT_GE(row.http_status, 400);
    EXPECT_LT(row.http_status, 600);
    EXPECT_TRUE(row.exit_code == 1 || row.exit_code == 2);
    for (const auto text : {row.english, row.urdu, row.next_english, row.next_urdu})
      EXPECT_FALSE(text.empty());
    // Urdu is written in Arabic script: its UTF-8 begins with 0xD8..0xDB.
    bool arabic = false;
    for (const char c : row.urdu)
      arabic |= static_cast<unsigned char>(c) >= 0xd8 && static_cast<unsigned char>(c) <= 0xdb;
    EXPECT_TRUE(arabic);
  }
}

TEST(Names, ANationalIdIsMaskedToItsEdges) {
  EXPECT_EQ(masked({SubjectKind::national_id, "3520212345671"}), "35202-*****67-1");
  EXPECT_EQ(masked({SubjectKind::msisdn, "+923001234567"}), "***********67");
  EXPECT_EQ(masked({SubjectKind::passport, "AB1"}), "***");
}

FieldTable table() {
  std::vector<FieldInfo> fields(3);
  fields[0].id = "police.firs.status";
  fields[0].dataset = DatasetId{1};
  fields[1].id = "identity.persons.name";
  fields[2].id = "identity.persons.gender";
  return FieldTable(std::move(fields), {"identity.persons", "police.firs"});
}

TEST(FieldTable, OrdersFieldsByIdSoThatNumbersOrderLikeNames) {
  const FieldTable t = table();
  ASSERT_EQ(t.size(), 3u);
  EXPECT_EQ(t[FieldId{0}].id, "identity.persons.gender");
  EXPECT_EQ(t[FieldId{2}].id, "police.firs.status");
  EXPECT_EQ(t.find("identity.persons.name"), FieldId{1});
  EXPECT_FALSE(t.find("identity.persons.nam"));
}

TEST(FieldTable, MatchesExactNamesAndWholePrefixesOnly) {
  const FieldTable t = table();
  EXPECT_EQ(t.match("*").count(), 3u);
  EXPECT_EQ(t.match("identity.persons.*").count(), 2u);
  EXPECT_EQ(t.match("identity.*").count(), 2u);
  EXPECT_EQ(t.match("identity.per*").count(), 0u);
  EXPECT_EQ(t.match("police.firs.status").count(), 1u);
  EXPECT_EQ(t.match("").count(), 0u);
}

TEST(FieldTable, NamesTheNearestKnownField) {
  EXPECT_EQ(table().nearest("identity.persons.nmae"), "identity.persons.name");
  EXPECT_EQ(table().nearest("zzz"), "");
}

TEST(Question, FieldsAreEncodedWithTheirLengthsInOrder) {
  const std::string bytes = canonical_fields(table(), {FieldId{1}, FieldId{2}});
  EXPECT_EQ(bytes, std::string("\0\x15", 2) + "identity.persons.name" + std::string("\0\x12", 2) +
                       "police.firs.status");
}

// bytes spells the canonical form out by hand: every length is written as it must be read.
template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

FieldTable two_fields() {
  FieldInfo name{"r.p.name", "name", DatasetId{0}, {}, {}};
  FieldInfo city{"r.p.city", "city", DatasetId{0}, {}, {}};
  return FieldTable({name, city}, {"r.p"});
}

Question plain_question() {
  Question q;
  q.subject.search = "national_id";
  q.subject.value = "3520212345671";
  q.fields = {FieldId{0}, FieldId{1}};
  q.purpose = "complaint";
  q.case_ref = "FIR 1/26";
  q.max_subjects = 1;
  return q;
}

TEST(Question, OneCitizenByNumberHasTheBytesOfVersionOne) {
  const FieldTable table = two_fields();
  const auto made = canonical_question("PO-1", "console", plain_question(), table);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, bytes("\x01\x01\0\x04PO-1\0\x07"
                         "console\0\x09"
                         "complaint\0\x08"
                         "FIR 1/26\0\x01"
                         "3520212345671\0\x02\0\x08r.p.city\0\x08r.p.name\0\x01\0\0"));
}

TEST(Question, AnyOtherFormIsBoundWordForWordByVersionTwo) {
  const FieldTable table = two_fields();
  Question q = plain_question();
  q.kind = QuestionKind::list;
  q.fields = {FieldId{0}};
  q.subject = {};
  q.subject.search = "licence";
  q.subject.value = "HL-1";
  q.subject.from = Moment{5};
  q.subject.to = Moment{70};
  q.max_subjects = 300;
  const auto made = canonical_question("s", "s", q, table);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, bytes("\x02\x02\0\x01s\0\x01s\0\x09"
                         "complaint\0\x08"
                         "FIR 1/26\0\0\0\x01\0\x08r.p.city\x01\x2c\0\0\0\x03"
                         "\0\x04"
                         "from\0\x01"
                         "5\0\x07licence\0\x04HL-1\0\x02to\0\x02"
                         "70"));
}

TEST(Question, AListIsBoundByItsDigestAndNumber) {
  const FieldTable table = two_fields();
  Question q = plain_question();
  q.kind = QuestionKind::export_;
  q.fields = {FieldId{0}};
  q.subject = {};
  q.max_subjects = 100'000;
  q.list.emplace();
  q.list->citizens = 100'000;
  q.list->format = "csv";
  q.list->digest.fill(0xab);
  const auto made = canonical_question("s", "s", q, table);
  ASSERT_TRUE(made);
  std::string hex;
  for (int i = 0; i < 32; ++i) hex += "ab";
  EXPECT_EQ(*made, bytes("\x02\x03\0\x01s\0\x01s\0\x09"
                         "complaint\0\x08"
                         "FIR 1/26\0\0\0\x01\0\x08r.p.city\0\0\0\0\0\x03"
                         "\0\x08"
                         "citizens\0\x06"
                         "100000\0\x06"
                         "format\0\x03"
                         "csv\0\x04list\0\x40") +
                       hex);
  q.kind = QuestionKind::lookup;
  EXPECT_FALSE(canonical_question("s", "s", q, table)) << "a list is for a bulk question";
}

TEST(Question, WhateverIsAskedDifferentlyHasOtherBytes) {
  const FieldTable table = two_fields();
  std::vector<Question> questions(12, plain_question());
  questions[1].subject.value = "3520212345672";
  questions[2].purpose = "complain";
  questions[3].case_ref = "tFIR 1/26";
  questions[4].fields = {FieldId{0}};
  questions[5].max_subjects = 2;
  questions[6].reason = "x";
  questions[7].subject.hops = 1;
  questions[8].subject.narrowing = {{"name", "x"}};
  questions[9].kind = QuestionKind::break_glass;
  questions[10].more_of = EntryIndex{0};
  questions[11].more_of = EntryIndex{12};
  std::set<std::string> made;
  for (const Question& q : questions) {
    const auto one = canonical_question("a", "b", q, table);
    ASSERT_TRUE(one);
    EXPECT_TRUE(made.insert(*one).second);
  }
}

TEST(Question, WhatCannotBeReadOnAPageIsNotSigned) {
  const FieldTable table = two_fields();
  for (const char* number : {"352021234567", "35202-1234567-1", "352021234567x", ""}) {
    Question q = plain_question();
    q.subject.value = number;
    EXPECT_FALSE(canonical_question("a", "b", q, table));
  }
  Question control = plain_question();
  control.reason = "a\nb";
  EXPECT_FALSE(canonical_question("a", "b", control, table));
  Question loud = plain_question();
  loud.reason = std::string(501, 'x');
  EXPECT_FALSE(canonical_question("a", "b", loud, table));
}

TEST(Act, HasOneByteForm) {
  Act act;
  act.verb = "approve";
  act.target = "A7";
  act.subject.fill(0xab);
  act.reason = "seen";
  act.until = 0x0102;
  const auto made = canonical_act(act);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, bytes("\x01\0\x07"
                         "approve\0\x02"
                         "A7") +
                       std::string(32, '\xab') + bytes("\0\x04seen\0\0\0\0\0\0\x01\x02"));
  act.target = "A\t7";
  EXPECT_FALSE(canonical_act(act));
}

TEST(WipingBuffer, KeepsPlacesValidWhileItGrows) {
  WipingBuffer buffer;
  const auto first = buffer.append("first");
  for (int i = 0; i < 1000; ++i) buffer.append("more and more text");
  EXPECT_EQ(buffer.view(first), "first");
  buffer.truncate(5);
  EXPECT_EQ(buffer.view(), "first");
}

TEST(SecretKey, IsWipedWhenMovedFrom) {
  Key256 key;
  key.mutable_bytes()[0] = 7;
  const Key256 moved = std::move(key);
  EXPECT_EQ(moved.bytes()[0], 7);
  EXPECT_EQ(key.bytes()[0], 0);  // NOLINT(bugprone-use-after-move): that it is wiped is the point
}

TEST(InsistDeathTest, ABrokenInvariantEndsTheProcessWithItsPlace) {
  EXPECT_DEATH(insist(1 + 1 == 3), "invariant broken: 1 \\+ 1 == 3 .*model_test.cc");
}

}  // namespace
}  // namespace amanat
