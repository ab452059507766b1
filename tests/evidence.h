#pragma once
// Evidence of an answered question, exported and verified by programs that share no code with the
// exchange: the OpenSSL command line under a shell, and node.

#include <functional>
#include <optional>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "node.h"
#include "world.h"

namespace amanat::test {

inline std::optional<EntryIndex> entry_of_kind(const World& world, std::uint8_t kind) {
  std::optional<EntryIndex> found;
  auto scanned = world.exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type == EntryType::disclosure && !e.evidence.empty() &&
        static_cast<std::uint8_t>(e.evidence[0]) == kind)
      found = e.index;
    return true;
  });
  EXPECT_TRUE(scanned);
  return found;
}

inline void write_files(const std::vector<server::Document>& files, const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directory(folder);
  for (const auto& file : files) write_all(folder / file.name, file.content);
}

inline bool openssl_holds(const fs::path& folder, std::string* said = nullptr) {
  const Ran ran = run("sh '" + (folder / "verify.sh").string() + "'");
  if (said != nullptr) *said = ran.said;
  return ran.status == 0;
}

inline bool node_holds(const fs::path& folder, std::string* said = nullptr) {
  const Ran ran = node("verify-evidence.mjs", "'" + folder.string() + "'");
  if (said != nullptr) *said = ran.said;
  return ran.status == 0;
}

/// every_change_is_found makes one change at a time; each verifier must say no.
inline void every_change_is_found(const std::vector<server::Document>& files,
                                  const fs::path& folder, const std::string& question) {
  const crypto::Es256Key other = crypto::Es256Key::generate();
  const auto change = [&](const char* what, const std::string& name,
                          const std::function<void(std::string&)>& bend) {
    std::vector<server::Document> bent = files;
    bool there = false;
    for (auto& file : bent)
      if (file.name == name) {
        bend(file.content);
        there = true;
      }
    EXPECT_TRUE(there) << name;
    write_files(bent, folder);
    EXPECT_FALSE(openssl_holds(folder)) << "OpenSSL takes " << what;
    EXPECT_FALSE(node_holds(folder)) << "node takes " << what;
  };
  change("another body", question, [](std::string& s) { s[s.size() / 2] ^= 1; });
  change("a blank more in the body", question, [](std::string& s) { s += ' '; });
  change("another key", "key.pem", [&](std::string& s) { s = crypto::spki_pem(other.point()); });
  change("another signature", "signature.der", [](std::string& s) { s[s.size() - 1] ^= 1; });
  if (question == "question.bin") {
    change("another nonce", "nonce.bin", [](std::string& s) { s[3] ^= 1; });
    change("other client data", "clientData.json", [](std::string& s) { s[40] ^= 1; });
  } else {
    change("another nonce", "signed.txt", [](std::string& s) {
      // Of a signature base the nonce's first letter; of a proof a letter of its claims.
      const auto at = s.find("nonce=\"");
      char& c = at == std::string::npos ? s[s.size() - 60] : s[at + 7];
      c = c == 'A' ? 'B' : 'A';
    });
  }
  change("another time", "entry.bin", [](std::string& s) { s[7] ^= 16; });
  change("another actor", "actor.bin", [](std::string& s) { s[s.size() - 1] ^= 1; });
  change("another commitment", "body.bin", [](std::string& s) { s[20] ^= 1; });
}

/// shown_to_an_outsider exports the last evidence of a kind; `question` is the file that holds it.
inline void shown_to_an_outsider(const World& world, std::uint8_t kind,
                                 const std::string& question) {
  const auto index = entry_of_kind(world, kind);
  ASSERT_TRUE(index) << "no entry with evidence of this kind";
  // Its receipt is against a published head, which comes within a second.
  auto files = world.exchange->evidence(*index);
  for (int i = 0; i < 100 && files && !world.exchange->ledger().prove(*index); ++i)
    ::usleep(50'000);
  files = world.exchange->evidence(*index);
  ASSERT_TRUE(files) << files.error().detail;
  const fs::path folder = world.directory.path / ("evidence-" + std::to_string(kind));
  write_files(*files, folder);
  EXPECT_TRUE(fs::exists(folder / "receipt.tlog-proof"));
  std::string said;
  EXPECT_TRUE(openssl_holds(folder, &said)) << said;
  EXPECT_NE(said.find("EVERYTHING HOLDS"), std::string::npos) << said;
  EXPECT_TRUE(node_holds(folder, &said)) << said;
  EXPECT_NE(said.find("the ledger signed its head"), std::string::npos) << said;
  every_change_is_found(*files, folder, question);
}

}  // namespace amanat::test
