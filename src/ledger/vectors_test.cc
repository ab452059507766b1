// Every probe of tests/vectors: the RFC 6962 reference tree and transparency-dev/merkle's proofs.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ledger/proof.h"
#include "ledger/tlog_policy.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path vectors() { return fs::path(AMANAT_SOURCE_DIR) / "tests/vectors"; }

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return Json::parse(file);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Reads base64 with unused bits and all, as the probes' authors' decoder does.
std::string bytes_of_field(const Json& field) {
  if (field.is_null()) return {};
  const auto value = crypto::from_base64(field.get<std::string>());
  EXPECT_TRUE(value) << field;
  return value.value_or("");
}

struct Probe {
  fs::path path;
  Json json;
  std::vector<std::string> proof;

  std::uint64_t number(const char* name) const { return json.at(name).get<std::uint64_t>(); }
  std::string bytes(const char* name) const { return bytes_of_field(json.at(name)); }
  std::vector<RawHash> hashes() const {
    std::vector<RawHash> out;
    for (const std::string& hash : proof) out.push_back(crypto::bytes_of(hash));
    return out;
  }
};

using Check = std::function<Result<void>(const Probe&)>;

void run(const char* folder, int probes, int accepted, const Check& check) {
  int seen = 0, yes = 0;
  for (const auto& file : fs::recursive_directory_iterator(vectors() / "merkle" / folder)) {
    if (file.path().extension() != ".json") continue;
    Probe probe{file.path(), read_json(file.path()), {}};
    if (probe.json.at("proof").is_array())
      for (const Json& hash : probe.json.at("proof")) probe.proof.push_back(bytes_of_field(hash));
    const bool must_fail = probe.json.at("wantErr").get<bool>();
    const auto verdict = check(probe);
    EXPECT_EQ(!verdict, must_fail) << probe.path << (verdict ? "" : ": " + verdict.error().detail);
    ++seen;
    yes += must_fail ? 0 : 1;
  }
  EXPECT_EQ(seen, probes);
  EXPECT_EQ(yes, accepted);
}

TEST(Vectors, TheReferenceTreeOfRfc6962) {
  const Json reference = read_json(vectors() / "rfc6962.json");
  EXPECT_EQ(crypto::hex(empty_root()), reference.at("empty_root").get<std::string>());
  CompactRange range;
  std::size_t i = 0;
  for (const Json& input : reference.at("inputs")) {
    range.append(leaf_hash(*crypto::from_hex(input.get<std::string>())));
    EXPECT_EQ(crypto::hex(range.root()), reference.at("roots").at(i++).get<std::string>());
  }
  EXPECT_EQ(i, 8u);
}

TEST(Vectors, EveryInclusionProbe) {
  run("inclusion", 65, 4, [](const Probe& p) {
    const std::string leaf = p.bytes("leafHash"), root = p.bytes("root");
    return verify_inclusion(p.number("leafIdx"), p.number("treeSize"), crypto::bytes_of(leaf),
                            p.hashes(), crypto::bytes_of(root));
  });
}

TEST(Vectors, EveryConsistencyProbe) {
  run("consistency", 65, 4, [](const Probe& p) {
    const std::string older = p.bytes("root1"), newer = p.bytes("root2");
    return verify_consistency(p.number("size1"), p.number("size2"), p.hashes(),
                              crypto::bytes_of(older), crypto::bytes_of(newer));
  });
}

TEST(Vectors, EverySubtreeInclusionProbe) {
  run("subtreeinclusion", 138, 8, [](const Probe& p) {
    const std::string leaf = p.bytes("leafHash"), root = p.bytes("root");
    return verify_subtree_inclusion(p.number("leafIdx"),
                                    Subtree{p.number("start"), p.number("end")},
                                    crypto::bytes_of(leaf), p.hashes(), crypto::bytes_of(root));
  });
}

TEST(Vectors, EverySubtreeConsistencyProbe) {
  run("subtreeconsistency", 84, 10, [](const Probe& p) {
    const std::string part = p.bytes("root1"), whole = p.bytes("root2");
    return verify_subtree_consistency(Subtree{p.number("start"), p.number("end")}, p.number("size"),
                                      p.hashes(), crypto::bytes_of(part), crypto::bytes_of(whole));
  });
}

// A real log and real witnesses, none of them ours: what they signed is what we verify.
TEST(Vectors, ACheckpointThatPublicWitnessesCosignedHolds) {
  const std::string note = read_file(vectors() / "witnessed/checkpoint");
  const auto policy = parse_tlog_policy(read_file(vectors() / "witnessed/policy"));
  ASSERT_TRUE(policy) << policy.error().detail;
  const auto opened = open_witnessed(note, *policy);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->at.signed_by.size(), 5u) << "the log and four witnesses";
  EXPECT_EQ(opened->at.checkpoint.size, 1'432'088'532u);
  EXPECT_EQ(opened->youngest, 0x6a122120u);
  // Nothing that is signed for may differ, nor any of the five signatures.
  std::size_t refused = 0;
  for (std::size_t at = 0; at < note.size(); ++at) {
    std::string changed = note;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto verdict = open_witnessed(changed, *policy);
    const std::size_t first = note.find("\n\n") + 2, second = note.find('\n', first) + 1;
    const bool skipped = at >= first && at < second;  // the signature of a type we do not know
    if (!skipped) EXPECT_FALSE(verdict) << at;
    refused += !verdict;
  }
  EXPECT_GT(refused, note.size() * 3 / 4);
}

}  // namespace
}  // namespace amanat::ledger
