#include "ledger/receipt_file.h"

#include <gtest/gtest.h>

namespace amanat::ledger {
namespace {

TEST(ReceiptFile, ATextIsOneReceipt) {
  const auto found = receipts_in("c2sp.org/tlog-proof@v1\nindex 1\n");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].text, "c2sp.org/tlog-proof@v1\nindex 1\n");
  EXPECT_FALSE((*found)[0].entry);
}

TEST(ReceiptFile, AnAnswerGivesTheReceiptOfEachCitizenWithItsEntry) {
  const auto found = receipts_in(
      R"( {"answers":[{"entry":7,"note":"\u0041\ud83d\ude00 \"receipt\": 1","receipt":"a\nb\u0022\\\/"},
          {"receipt":"second","deep":{"entry":9,"other":[[],{}, -1.5e+3, true, null]}},{"entry":3}]} )");
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].text, "a\nb\"\\/");
  EXPECT_EQ((*found)[0].entry, 7u);
  EXPECT_EQ((*found)[1].text, "second");
  EXPECT_FALSE((*found)[1].entry) << "an entry of another object is not this receipt's";
}

TEST(ReceiptFile, EscapesBecomeUtf8) {
  const auto found = receipts_in(R"({"receipt":"\u2014 \u00e9 \ud83d\ude00 \b\f\r\t"})");
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)[0].text, "\u2014 \u00e9 \U0001F600 \b\f\r\t");
}

TEST(ReceiptFile, AnythingElseIsRefused) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += '[';
  for (const std::string& text : {std::string(),
                                  std::string(" \n"),
                                  std::string("{"),
                                  std::string("{}"),
                                  std::string("[]"),
                                  std::string("{\"receipt\":1}"),
                                  std::string("{\"receipt\":\"a\"}x"),
                                  std::string("{\"receipt\":\"a\",}"),
                                  std::string("{\"receipt\":\"a\"]"),
                                  std::string("{\"receipt\":\"a\n\"}"),
                                  std::string("{\"receipt\":\"\\x\"}"),
                                  std::string("{\"receipt\":\"\\u12\"}"),
                                  std::string("{\"receipt\":\"\\ud800\"}"),
                                  std::string("{\"receipt\":\"\\udc00\"}"),
                                  std::string("{\"receipt\":\"\\ud800\\u0041\"}"),
                                  std::string("{\"receipt\":\"a\",\"receipt\":\"b\"}"),
                                  std::string("{\"receipt\":\"a\",\"entry\":1,\"entry\":2}"),
                                  std::string("{\"receipt\":\"a\",\"entry\":01}"),
                                  std::string("{\"receipt\":\"a\",\"entry\":1.5}"),
                                  std::string("{\"receipt\":\"a\",\"entry\":-1}"),
                                  std::string("{\"receipt\":\"a\",\"entry\":1e2}"),
                                  std::string("{receipt:\"a\"}"),
                                  std::string("{\"receipt\":\"a\" \"b\":1}"),
                                  std::string("{\"a\":+1,\"receipt\":\"a\"}"),
                                  std::string("{\"a\":1.,\"receipt\":\"a\"}"),
                                  std::string("{\"a\":tru,\"receipt\":\"a\"}"),
                                  deep,
                                  deep + "]"}) {
    const auto found = receipts_in(text);
    ASSERT_FALSE(found) << text.substr(0, 60);
    EXPECT_EQ(found.error().reason, Reason::note_malformed);
  }
}

}  // namespace
}  // namespace amanat::ledger
