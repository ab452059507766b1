#include "ledger/proof.h"

#include <gtest/gtest.h>

#include <random>

#include "ledger/long_run_for_tests.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

// RFC 6962 section 2.1, 2.1.1 and 2.1.2 word for word, sharing nothing with the code under test but
// the node hash; roots of ranges are remembered, or 300 trees would take minutes.
class NaiveTree {
 public:
  explicit NaiveTree(std::size_t count) : known_((count + 1) * (count + 1)) {
    for (std::size_t i = 0; i < count; ++i)
      leaves_.push_back(leaf_hash("leaf " + std::to_string(i)));
  }
  const Digest& leaf(std::size_t i) const { return leaves_[i]; }
  Digest root(std::size_t from, std::size_t to) {
    if (to - from == 1) return leaves_[from];
    auto& known = known_[from * (leaves_.size() + 1) + to];
    if (!known) {
      const std::size_t k = split(to - from);
      known = node_hash(root(from, from + k), root(from + k, to));
    }
    return *known;
  }
  std::vector<Digest> path(std::size_t m, std::size_t from, std::size_t to) {
    if (to - from == 1) return {};
    const std::size_t k = split(to - from);
    auto rest = m < k ? path(m, from, from + k) : path(m - k, from + k, to);
    rest.push_back(m < k ? root(from + k, to) : root(from, from + k));
    return rest;
  }
  std::vector<Digest> subproof(std::size_t m, std::size_t from, std::size_t to, bool whole) {
    if (m == to - from) return whole ? std::vector<Digest>{} : std::vector<Digest>{root(from, to)};
    const std::size_t k = split(to - from);
    auto rest = m <= k ? subproof(m, from, from + k, whole) : subproof(m - k, from + k, to, false);
    rest.push_back(m <= k ? root(from + k, to) : root(from, from + k));
    return rest;
  }
  ReadNode reader() {
    return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
      const std::size_t from = index << level, to = (index + 1) << level;
      if (to > leaves_.size())
        return fail(Reason::internal_error, "a node outside the tree was read");
      return root(from, to);
    };
  }

 private:
  static std::size_t split(std::size_t n) {
    std::size_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
  std::vector<Digest> leaves_;
  std::vector<std::optional<Digest>> known_;
};

TEST(Proof, EveryPairOfSizesEqualsTheRfcsRecursion) {
  const std::size_t most = number_from("AMANAT_PROOF_SIZES", 300);
  NaiveTree tree(most);
  const ReadNode read = tree.reader();
  for (std::size_t n = 1; n <= most; ++n) {
    const Digest root = tree.root(0, n);
    ASSERT_EQ(root_of(n, read).value_or(Digest{}), root);
    for (std::size_t m = 1; m <= n; ++m) {
      const auto path = inclusion_path(m - 1, n, read);
      ASSERT_TRUE(path);
      ASSERT_EQ(*path, tree.path(m - 1, 0, n)) << m - 1 << " in " << n;
      ASSERT_TRUE(verify_inclusion(m - 1, n, tree.leaf(m - 1), *path, root))
          << m - 1 << " in " << n;
      const auto growth = consistency_path(m, n, read);
      ASSERT_TRUE(growth);
      ASSERT_EQ(*growth, tree.subproof(m, 0, n, true)) << m << " to " << n;
      ASSERT_TRUE(verify_consistency(m, n, *growth, tree.root(0, m), root)) << m << " to " << n;
    }
  }
  EXPECT_EQ(*root_of(0, read), empty_root());
}

TEST(Proof, AFailingReadEndsTheMaking) {
  const ReadNode broken = [](unsigned, std::uint64_t) -> Result<Digest> {
    return fail(Reason::store_failed);
  };
  EXPECT_EQ(root_of(5, broken).error().reason, Reason::store_failed);
  EXPECT_EQ(inclusion_path(2, 5, broken).error().reason, Reason::store_failed);
  EXPECT_EQ(consistency_path(3, 5, broken).error().reason, Reason::store_failed);
  EXPECT_TRUE(inclusion_path(0, 1, broken));
  EXPECT_TRUE(consistency_path(5, 5, broken));
}

TEST(Proof, EveryFlippedBitIsRefused) {
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  NaiveTree tree(300);
  std::uint64_t flipped = 0;
  const std::size_t rounds = number_from("AMANAT_FLIPPED_PROOFS", 300);
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::size_t n = 2 + random() % 299, m = 1 + random() % (n - 1);
    const Digest root = tree.root(0, n), older = tree.root(0, m), leaf = tree.leaf(m - 1);
    const auto path = tree.path(m - 1, 0, n), growth = tree.subproof(m, 0, n, true);
    ASSERT_TRUE(verify_inclusion(m - 1, n, leaf, path, root));
    ASSERT_TRUE(verify_consistency(m, n, growth, older, root));
    // Every bit of every hash, one at a time.
    const auto each_bit = [&](std::vector<Digest> hashes, const auto& accepted) {
      for (Digest& hash : hashes)
        for (std::size_t at = 0; at < 256; ++at, ++flipped) {
          const auto turn = [&] {
            hash[at / 8] = static_cast<std::uint8_t>(hash[at / 8] ^ (1 << (at % 8)));
          };
          turn();
          ASSERT_FALSE(accepted(hashes)) << m << " to " << n << ", bit " << at;
          turn();
        }
    };
    each_bit(path,
             [&](const auto& p) { return verify_inclusion(m - 1, n, leaf, p, root).has_value(); });
    each_bit(growth,
             [&](const auto& p) { return verify_consistency(m, n, p, older, root).has_value(); });
    each_bit({leaf, root}, [&](const auto& p) {
      return verify_inclusion(m - 1, n, p[0], path, p[1]).has_value();
    });
    each_bit({older, root}, [&](const auto& p) {
      return verify_consistency(m, n, growth, p[0], p[1]).has_value();
    });
    if (HasFatalFailure()) return;
    auto longer = path;
    longer.push_back(root);
    EXPECT_FALSE(verify_inclusion(m - 1, n, leaf, longer, root));
    EXPECT_FALSE(verify_inclusion(m - 1, n, leaf, std::span(path).first(path.size() - 1), root));
    EXPECT_FALSE(verify_consistency(m, n, std::span(growth).first(growth.size() - 1), older, root));
    const auto wrong_index = verify_inclusion(m % n, n, leaf, path, root);
    EXPECT_FALSE(wrong_index);
    EXPECT_EQ(wrong_index.error().reason, Reason::ledger_proof_wrong);
  }
  std::printf("    %zu proofs of each kind, %llu flipped bits refused; %s\n", rounds,
              static_cast<unsigned long long>(flipped), seed.text().c_str());
}

TEST(Proof, TheEdgesAreRefused) {
  const Digest root = leaf_hash("one");
  EXPECT_TRUE(verify_inclusion(0, 1, root, std::span<const Digest>(), root));
  EXPECT_FALSE(verify_inclusion(0, 0, root, std::span<const Digest>(), root));
  EXPECT_FALSE(verify_inclusion(1, 1, root, std::span<const Digest>(), root));
  EXPECT_FALSE(verify_inclusion(UINT64_MAX, UINT64_MAX, root, std::span<const Digest>(), root));
  const std::vector<Digest> long_path(64, root), longest(63, root);
  EXPECT_FALSE(verify_inclusion(0, UINT64_MAX, root, long_path, root));
  EXPECT_FALSE(verify_inclusion(0, UINT64_MAX, root, longest, root));
  EXPECT_FALSE(verify_consistency(0, 5, longest, empty_root(), root));
  EXPECT_FALSE(verify_consistency(0, 0, std::span<const Digest>(), empty_root(), empty_root()));
  EXPECT_FALSE(verify_consistency(2, 1, std::span<const Digest>(), root, root));
  EXPECT_FALSE(verify_consistency(1, UINT64_MAX, long_path, root, root));
  EXPECT_FALSE(verify_consistency(UINT64_MAX - 1, UINT64_MAX, longest, root, root));
  // A leaf hash of another length fails even where it equals the root.
  const RawHash short_hash = crypto::bytes_of("short");
  EXPECT_FALSE(verify_inclusion(0, 1, short_hash, std::span<const RawHash>(), short_hash));
}

// The whole receipt of the ledger page 1.9: leaf 6 of the RFC 6962 reference tree at size 7.
constexpr std::string_view kLogKey =
    "log.example.org/amanat1+ba03c0cf+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
constexpr std::string_view kWitnessKey =
    "witness.example.org/w1+f3c080b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
constexpr std::string_view kReceipt =
    "c2sp.org/tlog-proof@v1\n"
    "index 6\n"
    "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=\n"
    "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n"
    "\n"
    "log.example.org/amanat1\n"
    "7\n"
    "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n"
    "\n"
    "\u2014 log.example.org/amanat1 "
    "ugPAzx4y5OFTdQBSZ0gtUx+72CSe3Pg4EwgWquqyn50fVZUsmeRiFjDHfaqxspYtwudPf9PceHCiiQqFiT/PTvy3Swk=\n"
    "\u2014 witness.example.org/w1 "
    "88CAtgAAAABlU/"
    "EAqiNGoX3Fc2uWvUtHgdGBhyfUZ3nTA9PWjya3sKLirkCQKnDUiRbR6f9aP6ZdVxdKm0m0YkwYmUXKRVUZXKdaCQ==\n";
constexpr std::string_view kLeafSix = "PQRSTUVW";  // 5051525354555657

Key256 counting_seed(std::uint8_t from) {
  Key256 seed;
  for (auto& byte : seed.mutable_bytes()) byte = from++;
  return seed;
}

TEST(Receipt, TheKnownAnswerIsReproducedByteForByte) {
  ASSERT_EQ(crypto::hex(crypto::sha256(kReceipt)),
            "9054e658955ebf80715f150e8cb3d119199090c418a6061eb316ec81a7a9b49e");
  const char* inputs[] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657"};
  std::vector<Digest> leaves;
  for (const char* input : inputs) leaves.push_back(leaf_hash(*crypto::from_hex(input)));
  BatchTree batch;
  batch.fold(CompactRange{}, leaves);
  std::vector<Digest> path;
  batch.path(6, path);

  const NoteSigner log("log.example.org/amanat1", counting_seed(0));
  const Cosigner witness("witness.example.org/w1", counting_seed(0x20));
  EXPECT_EQ(log.verifier().text(), kLogKey);
  EXPECT_EQ(witness.verifier().text(), kWitnessKey);
  const std::string text = checkpoint_text("log.example.org/amanat1", 7, batch.root());
  std::string made;
  append_tlog_proof(made, {}, 6, path, log.sign(text) + witness.line(text, 1'700'000'000));
  EXPECT_EQ(made, kReceipt);
}

TEST(Receipt, TheKnownAnswerVerifies) {
  const auto log = parse_verifier_key(kLogKey), witness = parse_verifier_key(kWitnessKey);
  ASSERT_TRUE(log && witness);
  const auto proven = verify_tlog_proof(kReceipt, *log, std::span(&*witness, 1), kLeafSix);
  ASSERT_TRUE(proven) << proven.error().detail;
  EXPECT_EQ(proven->index, 6u);
  EXPECT_EQ(proven->entry, kLeafSix);
  EXPECT_EQ(proven->at.checkpoint.size, 7u);
  ASSERT_EQ(proven->at.signed_by.size(), 2u);
  EXPECT_EQ(proven->at.signed_by[1].name, "witness.example.org/w1");
  EXPECT_EQ(proven->at.signed_by[1].time, 1'700'000'000u);
  EXPECT_TRUE(verify_tlog_proof(kReceipt, *log, {}, kLeafSix));
  EXPECT_FALSE(verify_tlog_proof(kReceipt, *witness, {}, kLeafSix))
      << "a witness cannot stand for the log";
  EXPECT_FALSE(verify_tlog_proof(kReceipt, *log)) << "without extra line the entry must be given";
  EXPECT_EQ(verify_tlog_proof(kReceipt, *log, {}, "PQRSTUVX").error().reason,
            Reason::ledger_proof_wrong);
}

TEST(Receipt, EveryFlippedBitOfItIsRefused) {
  const auto log = parse_verifier_key(kLogKey), witness = parse_verifier_key(kWitnessKey);
  ASSERT_TRUE(log && witness);
  const std::size_t witness_line = kReceipt.rfind("\u2014");
  for (std::size_t i = 0; i < kReceipt.size() * 8; ++i) {
    std::string changed(kReceipt);
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    const auto proven = verify_tlog_proof(changed, *log, std::span(&*witness, 1), kLeafSix);
    // The witness's name or ID changed is an unknown line, which a verifier ignores.
    if (proven) {
      EXPECT_GE(i / 8, witness_line) << i;
      EXPECT_EQ(proven->at.signed_by.size(), 1u);
    }
  }
}

// The reference tree with the entry in the extra line, as the log hands it out.
struct Made {
  NoteSigner log{"log.example.org/amanat1", counting_seed(0)};
  std::string entry = "the public entry";
  std::string checkpoint, receipt;
  Made() {
    std::vector<Digest> leaves{leaf_hash("first"), leaf_hash(entry), leaf_hash("third")};
    BatchTree batch;
    batch.fold(CompactRange{}, leaves);
    std::vector<Digest> path;
    batch.path(1, path);
    checkpoint = log.sign(checkpoint_text(log.verifier().name, 3, batch.root()));
    append_tlog_proof(receipt, entry, 1, path, checkpoint);
  }
};

TEST(Receipt, CarriesItsEntryInTheExtraLine) {
  const Made made;
  EXPECT_TRUE(made.receipt.starts_with("c2sp.org/tlog-proof@v1\nextra " +
                                       crypto::base64(crypto::bytes_of(made.entry)) +
                                       "\nindex 1\n"));
  const auto proven = verify_tlog_proof(made.receipt, made.log.verifier());
  ASSERT_TRUE(proven) << proven.error().detail;
  EXPECT_EQ(proven->entry, made.entry);
  EXPECT_TRUE(verify_tlog_proof(made.receipt, made.log.verifier(), {}, made.entry));
  EXPECT_FALSE(verify_tlog_proof(made.receipt, made.log.verifier(), {}, "another"));
  const auto parsed = parse_tlog_proof(made.receipt);
  ASSERT_TRUE(parsed);
  std::string again;
  append_tlog_proof(again, *parsed->extra, parsed->index, parsed->path, parsed->checkpoint);
  EXPECT_EQ(again, made.receipt);
}

TEST(Receipt, AnExtraLineIsBelievedOnlyThroughItsHash) {
  const Made made;
  std::string changed = made.receipt;
  const std::string other = crypto::base64(crypto::bytes_of("the public entrY"));
  changed.replace(changed.find("extra ") + 6, other.size(), other);
  const auto proven = verify_tlog_proof(changed, made.log.verifier());
  ASSERT_FALSE(proven);
  EXPECT_EQ(proven.error().reason, Reason::ledger_proof_wrong);
}

TEST(Receipt, AnyOtherFormIsRefused) {
  const Made made;
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string text = made.receipt;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::string hash = crypto::base64(leaf_hash("x")) + "\n";
  std::string many, most;
  for (int i = 0; i < 63; ++i) most += hash;
  many = most + hash;
  const std::string cases[] = {
      "",
      "c2sp.org/tlog-proof@v1",
      "c2sp.org/tlog-proof@v1\n",
      replaced("@v1", "@v2"),
      replaced("@v1\n", "@v1\r\n"),
      replaced("@v1\n", "@v1 \n"),
      replaced("index 1", "index 01"),
      replaced("index 1", "index +1"),
      replaced("index 1", "index  1"),
      replaced("index 1", "index 1 "),
      replaced("index 1", "index 18446744073709551616"),
      replaced("index 1\n", ""),
      replaced("index 1\n", "index 1\r\n"),
      replaced("extra ", "extra  "),
      replaced("extra ", "Extra "),
      replaced("index 1\n", "index 1\n" + many),
      replaced("index 1\n", "index 1\nAAAA\n"),
      replaced("index 1\n", "index 1\nextra AAAA\n"),
      replaced("\n\n", "\n"),
      made.receipt.substr(0, made.receipt.find("\n\n") + 1),
      made.receipt + "\n",
      made.receipt + " ",
      std::string(700 * 1024, 'x'),
  };
  for (const std::string& text : cases) {
    const auto proven = verify_tlog_proof(text, made.log.verifier());
    ASSERT_FALSE(proven) << text;
    EXPECT_EQ(proven.error().reason, Reason::note_malformed) << text;
  }
  // A blank line too early makes the proof lines part of another text than the log signed.
  EXPECT_EQ(
      verify_tlog_proof(replaced("index 1\n", "index 1\n\n"), made.log.verifier()).error().reason,
      Reason::note_signature_wrong);
  // 63 lines are a legal form, whatever they prove.
  const auto longest =
      parse_tlog_proof(std::string(kTlogProofHead) + "\nindex 1\n" + most + "\n" + made.checkpoint);
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->path.size(), 63u);
  EXPECT_EQ(longest->checkpoint, made.checkpoint);
}

TEST(Receipt, AnotherLogsCheckpointIsRefused) {
  const Made made;
  const NoteSigner other("log.example.org/other", counting_seed(1));
  const auto proven = verify_tlog_proof(made.receipt, other.verifier());
  ASSERT_FALSE(proven);
  EXPECT_EQ(proven.error().reason, Reason::note_signature_wrong);
}

}  // namespace
}  // namespace amanat::ledger
