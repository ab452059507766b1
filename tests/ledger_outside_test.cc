// The ledger as outsiders meet it: three witnesses as processes of their own, a citizen and an
// auditor with amanat-verify, a monitor; all over real TLS, files and signals.

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "ledger/tlog_policy.h"
#include "server/exchange.h"
#include "witnesses.h"

namespace amanat::test {
namespace {

TEST(LedgerOutside, WitnessesCosignACitizenAndAnAuditorCheckAndAMonitorFollows) {
  World world;
  const std::string vkey = world.exchange->ledger().vkey();
  Witnesses witnesses(vkey, world.home);
  ASSERT_NO_FATAL_FAILURE(world.reopen());
  world.serve();
  const auto cases = world.open_cases("fir");
  ASSERT_FALSE(cases.empty());
  const OpenCase& one = cases[0];
  world.device(one.officer);
  const auto reply = world.ask(
      one.officer, World::question("\"national_id\":\"" + one.citizen + "\"",
                                   "\"identity.persons.name\"", "crime-investigation", one.ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;

  // Everything durable is cosigned by a quorum soon after.
  const auto policy = ledger::parse_tlog_policy(witnesses.policy);
  ASSERT_TRUE(policy) << policy.error().detail;
  const auto size = world.exchange->ledger().size();
  bool cosigned = false;
  for (int i = 0; i < 200 && !cosigned; ++i) {
    const auto opened = ledger::open_witnessed(world.exchange->ledger().checkpoint(), *policy);
    cosigned = opened && opened->at.checkpoint.size >= size;
    ::usleep(50'000);
  }
  ASSERT_TRUE(cosigned);

  const auto status = world.exchange->status();
  ASSERT_TRUE(status) << status.error().detail;
  EXPECT_TRUE(status->witnesses.has_witnesses);
  EXPECT_GE(status->witnesses.cosignatures, 2u);
  EXPECT_EQ(status->witnesses.without_quorum_ms, 0u);

  // The monitor sees every entry, verified.
  std::string printed;
  EXPECT_EQ(run(kProgram + " ledger follow --url " + world.url + " --ca " +
                    (world.home / "ca.crt").string() + " --vkey '" + vkey +
                    "' --format ecs --count " + std::to_string(size),
                &printed),
            0)
      << printed;
  EXPECT_NE(printed.find("\"action\":\"DISCLOSURE\""), printed.npos) << printed;
  EXPECT_NE(printed.find("\"sequence\":0"), printed.npos);
  // One that was interrupted goes on where it stood, and a SIEM's copy is held to the log.
  const std::string follow = kProgram + " ledger follow --url " + world.url + " --ca " +
                             (world.home / "ca.crt").string() + " --vkey '" + vkey + "' --count ";
  EXPECT_EQ(run(follow + "1 --format json --from-entry " + std::to_string(size - 1), &printed), 0)
      << printed;
  EXPECT_NE(printed.find("\"index\":" + std::to_string(size - 1) + ","), printed.npos) << printed;
  EXPECT_EQ(std::ranges::count(printed, '\n'), 1) << printed;
  const fs::path siem = world.directory.path / "siem", log = world.directory.path / "log.json";
  ASSERT_EQ(run(follow + std::to_string(size) + " --format ocsf > " + siem.string()), 0);
  ASSERT_EQ(run(follow + std::to_string(size) + " --format json > " + log.string()), 0);
  const auto pairs = [](const fs::path& file, const std::string& index, const std::string& leaf) {
    std::vector<std::pair<std::uint64_t, std::string>> out;
    std::istringstream lines(read_all(file));
    for (std::string line; std::getline(lines, line);)
      out.emplace_back(std::stoull(line.substr(line.find(index) + index.size())),
                       line.substr(line.find(leaf) + leaf.size(), 64));
    return out;
  };
  const auto kept = pairs(siem, "\"sequence\":", "\"leaf_hash\":\"");
  EXPECT_EQ(kept, pairs(log, "\"index\":", "\"leaf\":\""));
  ASSERT_EQ(kept.size(), size);
  for (std::uint64_t i = 0; i < size; ++i) EXPECT_EQ(kept[i].first, i);

  // A restart covers the disclosure with an EPOCH; the history and the feed leave the house.
  ASSERT_NO_FATAL_FAILURE(world.reopen());
  auto citizen = SubjectName{SubjectKind::national_id, one.citizen};
  Result<std::string> history = fail(Reason::too_busy);
  for (int i = 0; i < 200 && !history; ++i) {
    history = world.exchange->history(citizen);
    if (!history) ::usleep(50'000);
  }
  ASSERT_TRUE(history) << history.error().detail;
  const fs::path at = world.directory.path;
  write_all(at / "mine.history", *history);
  write_all(at / "policy", witnesses.policy);
  const std::string check = "printf %s " + one.citizen + " | " + kVerify + " citizen --policy " +
                            (at / "policy").string() + " --state " + (at / "state").string() + " " +
                            (at / "mine.history").string();
  EXPECT_EQ(run(check, &printed), 0) << printed;
  EXPECT_NE(printed.find("crime-investigation"), printed.npos) << printed;
  EXPECT_EQ(run(check, &printed), 0) << "again, with what it remembers: " << printed;
  std::string changed = *history;
  changed[changed.find("\nentry ") + 20] ^= 1;
  write_all(at / "mine.history", changed);
  EXPECT_EQ(run(check, &printed), 1) << printed;
  EXPECT_EQ(run("printf 3520200000008 | " + kVerify + " citizen --policy " +
                (at / "policy").string() + " " + (at / "mine.history").string()),
            1)
      << "another citizen's";

  std::string feed;
  ASSERT_TRUE(world.exchange->ledger().audit_feed(
      EntryIndex{0}, [&feed](std::string_view line) { feed += line; }));
  write_all(at / "feed", feed);
  const auto map_key = world.exchange->map_key();
  ASSERT_TRUE(map_key);
  write_all(at / "map.key", crypto::hex(map_key->bytes()) + "\n");
  ASSERT_TRUE(world.exchange->ledger().export_to((at / "log").string()));
  const std::string refold = kVerify + " refold --vkey '" + vkey + "' --dir " +
                             (at / "log").string() + " --feed " + (at / "feed").string() +
                             " --map-key " + (at / "map.key").string();
  EXPECT_EQ(run(refold, &printed), 0) << printed;
  const std::size_t label = feed.find(' ') + 1;
  feed[label] = feed[label] == 'a' ? 'b' : 'a';
  write_all(at / "feed", feed);
  EXPECT_EQ(run(refold, &printed), 1) << printed;

  // Two witnesses die: what was cosigned stays served, and a new start still works.
  witnesses.processes[0]->kill(SIGKILL);
  witnesses.processes[1]->kill(SIGKILL);
  EXPECT_TRUE(ledger::open_witnessed(world.exchange->ledger().checkpoint(), *policy));
}

const std::string kInterop = std::string(AMANAT_SOURCE_DIR) + "/tests/interop/witness/run";

// A log written by others is cosigned by our witness, and every refusal has the specified status.
TEST(LedgerOutside, OurWitnessSpeaksTheProtocolWithOthersLogs) {
  std::string printed;
  if (run(kInterop + " log", &printed) == 77) GTEST_SKIP() << printed;
  TemporaryDirectory directory;
  const std::string place = (directory.path / "w").string();
  ASSERT_EQ(run(kProgram + " ledger witness init --dir " + place + " --name witness.example.org/w"),
            0);
  // A key as Go's note package writes it: PRIVATE+KEY+name+id+base64(1 || seed).
  const Key256 seed = crypto::random_key();
  const auto key = ledger::NoteSigner("log.example.org/go", seed).verifier();
  std::string typed(1, '\x01');
  typed += crypto::text_of(seed.bytes());
  const std::string vkey = key.text();
  const std::string id = vkey.substr(vkey.find('+') + 1, 8);
  const std::string skey =
      "PRIVATE+KEY+" + key.name + "+" + id + "+" + crypto::base64(crypto::bytes_of(typed));
  write_all(fs::path(place) / "logs", vkey + "\n");
  Process witness(
      {kProgram, "ledger", "witness", "serve", "--dir", place, "--listen", "127.0.0.1:0"});
  const std::string address = witness.address();
  ASSERT_NE(address, "") << witness.said();
  EXPECT_EQ(run(kInterop + " log https://" + address + " " + place + "/ca.crt '" + skey + "' '" +
                    trimmed(read_all(fs::path(place) / "witness.vkey")) + "'",
                &printed),
            0)
      << printed;
}

// Our log is cosigned by a witness that others wrote.
TEST(LedgerOutside, OurLogSpeaksTheProtocolWithOthersWitnesses) {
  std::string printed;
  if (run(kInterop + " log", &printed) == 77) GTEST_SKIP() << printed;
  World world;
  const std::string vkey = world.exchange->ledger().vkey();
  TemporaryDirectory directory;
  const std::string place = (directory.path / "w").string();
  ASSERT_EQ(run(kProgram + " ledger witness init --dir " + place + " --name unused"), 0);
  Process witness({kInterop, "serve", place + "/server.crt", place + "/server.key",
                   "witness.example.org/go", vkey});
  const std::string address = witness.address(120);
  ASSERT_NE(address, "") << witness.said();
  const auto at = witness.said().find("vkey=") + 5;
  const std::string witness_vkey = witness.said().substr(at, witness.said().find(' ', at) - at);
  fs::create_directories(world.home / "witnesses");
  const std::string policy =
      "log " + vkey + "\nwitness go " + witness_vkey + " https://" + address + "\nquorum go\n";
  write_all(world.home / "witnesses/policy", policy);
  write_all(world.home / "witnesses/ca.crt", read_all(fs::path(place) / "ca.crt"));
  ASSERT_NO_FATAL_FAILURE(world.reopen());
  ASSERT_TRUE(world.exchange->add_service("svc-a", "fia", {"case-registrar"}));
  auto key = crypto::make_device_key("any name");
  ASSERT_TRUE(key);
  ASSERT_TRUE(world.exchange->enrol("svc-a", key->csr_pem));
  const auto size = world.exchange->ledger().size();
  const auto parsed = ledger::parse_tlog_policy(policy);
  ASSERT_TRUE(parsed) << parsed.error().detail;
  bool cosigned = false;
  for (int i = 0; i < 200 && !cosigned; ++i) {
    const auto opened = ledger::open_witnessed(world.exchange->ledger().checkpoint(), *parsed);
    cosigned = opened && opened->at.checkpoint.size >= size;
    ::usleep(50'000);
  }
  EXPECT_TRUE(cosigned);
}

TEST(LedgerOutside, AnOlderCopyOfTheHomeDoesNotStart) {
  World world;
  Witnesses witnesses(world.exchange->ledger().vkey(), world.home);
  ASSERT_NO_FATAL_FAILURE(world.reopen());
  world.exchange->stop();
  world.exchange.reset();
  const fs::path copy = world.directory.path / "copy";
  fs::copy(world.home, copy, fs::copy_options::recursive);
  {
    auto again = server::Exchange::open(world.home.string());
    ASSERT_TRUE(again) << again.error().detail;
    ASSERT_TRUE((*again)->add_service("svc-a", "fia", {"case-registrar"}));
    auto key = crypto::make_device_key("any name");
    ASSERT_TRUE(key);
    ASSERT_TRUE((*again)->enrol("svc-a", key->csr_pem));
    const auto size = (*again)->ledger().size();
    for (int i = 0; i < 200 && (*again)->ledger().witness_standing().cosigned_size < size; ++i)
      ::usleep(50'000);
    ASSERT_GE((*again)->ledger().witness_standing().cosigned_size, size);
  }
  auto old = server::Exchange::open(copy.string());
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().reason, Reason::log_rolled_back) << old.error().detail;
}

}  // namespace
}  // namespace amanat::test
