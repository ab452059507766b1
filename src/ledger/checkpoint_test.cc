#include "ledger/checkpoint.h"

#include <gtest/gtest.h>

#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

const std::string kRoot = "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=";

const NoteSigner& signer() {
  static const NoteSigner made("log.example.org/amanat1", Key256{});
  return made;
}

TEST(Checkpoint, IsReadAsItIsWritten) {
  for (const std::uint64_t size :
       {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{1'000'000'000}, UINT64_MAX}) {
    const std::string text = checkpoint_text("log.example.org/amanat1", size, leaf_hash("x"));
    const auto read = parse_checkpoint(text);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->origin, "log.example.org/amanat1");
    EXPECT_EQ(read->size, size);
    EXPECT_EQ(read->root, leaf_hash("x"));
    EXPECT_TRUE(read->extensions.empty());
  }
  EXPECT_EQ(checkpoint_text("a", 0, empty_root()),
            "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  EXPECT_TRUE(parse_checkpoint("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"));
}

TEST(Checkpoint, ExtensionLinesAreReadThoughNeverWritten) {
  const auto read = parse_checkpoint("a\n7\n" + kRoot + "\nextension one\nextension two\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->extensions, (std::vector<std::string>{"extension one", "extension two"}));
}

TEST(Checkpoint, AnyOtherFormIsRefused) {
  for (const std::string& text : {std::string(),
                                  std::string("a"),
                                  std::string("a\n"),
                                  std::string("a\n7"),
                                  std::string("a\n7\n"),
                                  "a\n7\n" + kRoot,
                                  "\n7\n" + kRoot + "\n",
                                  "a\n07\n" + kRoot + "\n",
                                  "a\n+7\n" + kRoot + "\n",
                                  "a\n-7\n" + kRoot + "\n",
                                  "a\n 7\n" + kRoot + "\n",
                                  "a\n7 \n" + kRoot + "\n",
                                  "a\n\n" + kRoot + "\n",
                                  "a\n0x7\n" + kRoot + "\n",
                                  "a\n00\n" + kRoot + "\n",
                                  "a\n18446744073709551616\n" + kRoot + "\n",
                                  "a\n7\n" + kRoot + "\n\n",
                                  "a\n7\n" + kRoot + "\nx\n\ny\n",
                                  "a\n7\n" + kRoot + "\nx",
                                  "a\n7\n" + kRoot + "\r\n",
                                  "a\n7\r\n" + kRoot + "\n",
                                  "a\r\n7\n" + kRoot + "\n",
                                  "a\n7\n" + kRoot + " \n",
                                  "a\n7\n" + kRoot + "=\n",
                                  "a\n7\n" + kRoot.substr(0, 43) + "\n",
                                  std::string("a\n7\nAAAA\n"),
                                  "a\n7\n\n" + kRoot + "\n",
                                  "a\n0\n" + kRoot + "\n",
                                  std::string(600 * 1024, 'a')}) {
    const auto refused = parse_checkpoint(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().reason, Reason::note_malformed);
  }
}

TEST(Checkpoint, DecimalsHaveOneSpelling) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "00", "01", "+1", "-1", " 1", "1 ", "1e3", "18446744073709551616",
                           "99999999999999999999", "123456789012345678901"})
    EXPECT_FALSE(parse_decimal(text)) << text;
}

TEST(Checkpoint, IsOpenedOnlyForItsOwnLog) {
  const std::string text = checkpoint_text("log.example.org/amanat1", 7, leaf_hash("x"));
  const auto good = open_checkpoint(signer().sign(text), signer().verifier());
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->checkpoint.size, 7u);
  // The log's key under a checkpoint that names another origin.
  const std::string foreign = checkpoint_text("log.example.org/other", 7, leaf_hash("x"));
  EXPECT_EQ(open_checkpoint(signer().sign(foreign), signer().verifier()).error().reason,
            Reason::note_signature_wrong);
  // A good note that is no checkpoint.
  EXPECT_EQ(open_checkpoint(signer().sign("text\n"), signer().verifier()).error().reason,
            Reason::note_malformed);
}

TEST(Checkpoint, AWitnessAloneDoesNotVouchForIt) {
  const Cosigner witness("witness.example", Key256{});
  const std::string text = checkpoint_text("log.example.org/amanat1", 7, leaf_hash("x"));
  const auto alone = open_checkpoint(text + "\n" + witness.line(text, 5), signer().verifier(),
                                     std::span(&witness.verifier(), 1));
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().reason, Reason::note_signature_wrong);
  const auto both = open_checkpoint(signer().sign(text) + witness.line(text, 5),
                                    signer().verifier(), std::span(&witness.verifier(), 1));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->signed_by.size(), 2u);
  EXPECT_FALSE(open_checkpoint(signer().sign(text) + witness.line("other\n", 5),
                               signer().verifier(), std::span(&witness.verifier(), 1)));
}

}  // namespace
}  // namespace amanat::ledger
