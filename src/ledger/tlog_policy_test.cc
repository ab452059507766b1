#include "ledger/tlog_policy.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

std::string log_key(const std::string& name = "log.example.org/a") {
  return NoteSigner(name, crypto::random_key()).verifier().text();
}
std::string witness_key(const std::string& name = "witness.example.org/w") {
  return Cosigner(name, crypto::random_key()).verifier().text();
}

TEST(TlogPolicy, ReadsTheSpecificationsExample) {
  std::string text = "# two levels\n\t log " + log_key() + " \thttps://log.example.org/ \n\n";
  for (const char* w : {"X1", "X2", "X3"})
    text += std::string("witness ") + w + " " + witness_key(w) + "\n";
  text += "group X-witnesses 2 X1 X2 X3\n";
  for (const char* w : {"Y1", "Y2", "Y3"})
    text += std::string("witness ") + w + " " + witness_key(w) + " https://" + w + "\n";
  text += "group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\n";
  text += "quorum X-and-Y\n";
  const auto policy = parse_tlog_policy(text);
  ASSERT_TRUE(policy) << policy.error().detail;
  EXPECT_EQ(policy->witnesses.size(), 6u);
  EXPECT_EQ(policy->logs[0].url, "https://log.example.org/");
  const auto by = [&](std::initializer_list<int> which) {
    std::vector<NoteSigned> out;
    for (const int i : which) {
      const auto& key = policy->witnesses[static_cast<std::size_t>(i)].key;
      out.push_back({key.name, key.id, key.type, 1});
    }
    return policy->reached(out);
  };
  EXPECT_TRUE(by({0, 2, 4}));
  EXPECT_TRUE(by({0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(by({0, 1, 2}));
  EXPECT_FALSE(by({0, 3, 4, 5}));
  EXPECT_FALSE(by({}));
}

TEST(TlogPolicy, RefusesWhatTheSpecificationForbids) {
  const std::string key = witness_key("a"), other = witness_key("b"), log = log_key();
  const std::string a = "witness a " + key + "\n", b = "witness b " + other + "\n";
  const std::string wrong[] = {
      "",
      "log " + log + "\n",         // no quorum
      a + "quorum a\nquorum a\n",  // two
      "quorum a\n" + a,            // not yet defined
      a + "quorum b\n",
      a + "witness c " + key + "\nquorum a\n",    // the same key twice
      a + "witness a " + other + "\nquorum a\n",  // the same name twice
      a + "witness none " + other + "\nquorum none\n",
      a + "group g 0 a\nquorum g\n",
      a + "group g 2 a\nquorum g\n",
      a + "group g 01 a\nquorum g\n",
      a + "group g any\nquorum g\n",
      a + "group g any g\nquorum g\n",
      a + "group g any none\nquorum g\n",
      a + b + "group g any a a\nquorum g\n",
      a + b + "group g any a\ngroup h any a b\nquorum h\n",  // a in two groups
      a + "quorum a",                                        // no line feed
      a + "quorum a\r\n",
      a + "quorum\va\n",
      a + "quorum \x7f\n",
      a + "quorum a # comment\n",
      "witness l " + log + "\nquorum l\n",  // a log's key
      "log " + key + "\nquorum none\n",     // a witness's key
      "log " + log + "\nlog " + log + "\nquorum none\n",
      "Log " + log + "\nquorum none\n",
      std::string(kTlogPolicyBytesMax + 1, '\n'),
  };
  for (const auto& text : wrong) {
    const auto policy = parse_tlog_policy(text);
    EXPECT_FALSE(policy) << text.substr(0, 300);
    if (!policy) EXPECT_EQ(policy.error().reason, Reason::note_malformed);
  }
  EXPECT_TRUE(parse_tlog_policy("quorum none\n"));
  EXPECT_TRUE(parse_tlog_policy(a + b + "group \xe2\x84\xaa any a\nquorum \xe2\x84\xaa\n"));
}

TEST(TlogPolicy, AtLeastThirtyTwoOfEachAreRead) {
  std::string text;
  for (int i = 0; i < 32; ++i) {
    const std::string n = std::to_string(i);
    text += "log " + log_key("log.example.org/" + n) + "\nwitness w" + n + " " +
            witness_key("w" + n) + "\ngroup g" + n + " all w" + n + "\n";
  }
  text += "quorum g31\n";
  EXPECT_TRUE(parse_tlog_policy(text));
}

TEST(TlogPolicy, AQuorumIsWhatMakesACheckpointValid) {
  const Key256 seed = crypto::random_key();
  const NoteSigner log("log.example.org/a", seed);
  const Cosigner one("w1", crypto::random_key()), two("w2", crypto::random_key());
  const std::string text = checkpoint_text("log.example.org/a", 1, leaf_hash("x"));
  const std::string note = log.sign(text);
  const auto policy =
      parse_tlog_policy("log " + log.verifier().text() + "\nwitness 1 " + one.verifier().text() +
                        "\nwitness 2 " + two.verifier().text() + "\ngroup q all 1 2\nquorum q\n");
  ASSERT_TRUE(policy);
  const auto bare = open_witnessed(note + one.line(text, 100), *policy);
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().reason, Reason::quorum_missing);
  const auto whole = open_witnessed(note + one.line(text, 100) + two.line(text, 99), *policy);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->youngest, 100u);
  EXPECT_FALSE(open_witnessed(note + one.line(text, 100) + two.line(text + "x\n", 99), *policy));
}

}  // namespace
}  // namespace amanat::ledger
