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
