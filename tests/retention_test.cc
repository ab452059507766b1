// Retention as an exchange does it: what the policy lets go is refused by one person's act and
// deleted by another's; citizens, auditors and readers of the log go on.

#include <gtest/gtest.h>

#include "ledger/log_for_tests.h"
#include "vault/vault.h"
#include "witnesses.h"

namespace amanat::test {
namespace {

constexpr const char* kPolicy = R"toml(
[[role]]
id = "keeper"
says = "Who decides what goes from the ledger"
rights = ["policy"]

[[retention]]
says = "One year, for this test"
entries = ["disclosure", "denied", "export", "erasure", "alert", "trace"]
years = 1
)toml";

constexpr std::uint64_t kDayMs = 86'400'000;

// Writes alerts into the closed exchange's log at a time of the test's choice.
void write_alerts(const fs::path& home, unsigned days_ahead, unsigned count) {
  auto vault = vault::Vault::open(storage::system_disk(), (home / "keys").string());
  ASSERT_TRUE(vault);
  auto seed = (*vault)->named_secret("ledger-signer");
  auto slice = (*vault)->system_slice(now());
  ASSERT_TRUE(seed && slice);
  ledger::Options options;
  options.directory = (home / "ledger").string();
  options.origin = "exchange.test/one";
  options.segment_bytes = 1u << 20;
  options.clock = [days_ahead] { return Moment{number(now()) + days_ahead * kDayMs}; };
  auto log = ledger::Ledger::open(options, *seed);
  ASSERT_TRUE(log) << log.error().detail;
  for (unsigned i = 0; i < count; ++i) {
    EntryContent alert;
    alert.type = EntryType::alert;
    alert.part(BodyPart::denial) = std::string(8000, 'a');
    alert.slice = *slice;
    ASSERT_TRUE(ledger::record_one(**log, std::move(alert)));
  }
}

TEST(RetentionTest, TwoPeopleLetGoWhatThePolicySaysAndTheRestStillHolds) {
  World::more_policy = {{"retention.toml", kPolicy}};
  World world(1);
  World::more_policy.clear();
  world.serve();
  const auto cases = world.open_cases("fir");
  ASSERT_FALSE(cases.empty());
  const OpenCase& one = cases[0];
  for (const char* keeper : {"keeper-one", "keeper-two"}) {
    ASSERT_TRUE(world.exchange->add_service(keeper, "police", {"keeper"}));
    world.device(keeper);
  }
  world.device(one.officer);
  const std::string question =
      World::question("\"national_id\":\"" + one.citizen + "\"", "\"identity.persons.name\"",
                      "crime-investigation", one.ref);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(world.ask(one.officer, question).status, 200u);
  auto nothing = world.exchange->retention();
  ASSERT_TRUE(nothing);
  EXPECT_EQ(number(nothing->allowed), 0u) << "all of it is young";

  world.exchange->stop();
  world.exchange.reset();
  ASSERT_NO_FATAL_FAILURE(write_alerts(world.home, 0, 400));
  ASSERT_NO_FATAL_FAILURE(write_alerts(world.home, 500, 1));
  auto opened = server::Exchange::open(world.home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  world.exchange = *std::move(opened);
  world.serve();

  const std::string home = " --home " + world.home.string() + " ";
  auto plan = world.exchange->retention();
  ASSERT_TRUE(plan) << plan.error().detail;
  const std::uint64_t allowed = number(plan->allowed);
  EXPECT_GT(allowed, 400u);
  EXPECT_NE(plan->held_by.find("younger than 1 years"), std::string::npos) << plan->held_by;

  const auto act = [&](const std::string& verb, std::uint64_t target, const std::string& as,
                       std::string* printed) {
    const fs::path at = world.directory.path;
    return run(kProgram + " ledger " + verb + " " + std::to_string(target) +
                   " --reason 'a year has passed' --json --url " + world.url + " --ca " +
                   (world.home / "ca.crt").string() + " --cert " + (at / (as + ".crt")).string() +
                   " --key " + (at / (as + ".key")).string(),
               printed);
  };
  std::string printed;
  EXPECT_NE(act("retain", allowed, one.officer, &printed), 0);
  EXPECT_NE(printed.find("not-your-right"), std::string::npos) << printed;
  EXPECT_NE(act("retain", allowed + 1, "keeper-one", &printed), 0);
  EXPECT_NE(printed.find("retention-missing"), std::string::npos) << printed;
  EXPECT_NE(act("prune", allowed, "keeper-two", &printed), 0) << "nothing is refused yet";
  EXPECT_EQ(act("retain", allowed, "keeper-one", &printed), 0) << printed;
  EXPECT_EQ(number(world.exchange->ledger().minimum().index), allowed);

  auto client = world.client("");
  ASSERT_TRUE(client);
  EXPECT_EQ(client->ask("GET", "/ledger/tile/entries/000", "")->status, 410u);
  EXPECT_EQ(client->ask("GET", "/ledger/tile/0/000", "")->status, 200u);
  EXPECT_NE(act("prune", allowed, "keeper-one", &printed), 0);
  EXPECT_NE(printed.find("not-yourself"), std::string::npos) << printed;
  ASSERT_EQ(act("prune", allowed, "keeper-two", &printed), 0) << printed;
  const auto done = net::parse_json(printed);
  ASSERT_TRUE(done) << printed;
  EXPECT_GE(done->find("slices")->integer(), 1u) << printed;
  EXPECT_GT(done->find("entries")->integer(), 100u) << printed;

  // The exchange answers on, and starts again over what is left.
  EXPECT_EQ(world.ask(one.officer, question).status, 200u);
  ASSERT_NO_FATAL_FAILURE(world.reopen());
  world.serve();
  EXPECT_EQ(world.ask(one.officer, question).status, 200u);
  EXPECT_EQ(run(kProgram + " ledger verify" + home, &printed), 0) << printed;
  // It opens the exchange itself: no other process may have it open.
  world.exchange->stop();
  world.exchange.reset();
  EXPECT_EQ(run(kProgram + " ledger fsck" + home, &printed), 0) << printed;
  EXPECT_EQ(run(kProgram + " ledger fsck --json" + home, &printed), 0) << printed;
  const auto checked = net::parse_json(printed);
  ASSERT_TRUE(checked) << printed;
  EXPECT_EQ(checked->find("pruned")->integer(), done->find("entries")->integer()) << printed;
  opened = server::Exchange::open(world.home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  world.exchange = *std::move(opened);
  world.serve();

  // The citizen sees that somebody looked before, and that it is past its retention.
  const SubjectName citizen{SubjectKind::national_id, one.citizen};
  Result<std::string> history = fail(Reason::too_busy);
  for (int i = 0; i < 300 && !history; ++i) {
    history = world.exchange->history(citizen);
    if (!history) ::usleep(50'000);
  }
  ASSERT_TRUE(history) << history.error().detail;
  const fs::path at = world.directory.path;
  write_all(at / "mine.history", *history);
  write_all(at / "policy", "log " + world.exchange->ledger().vkey() + "\nquorum none\n");
  EXPECT_EQ(run("printf %s " + one.citizen + " | " + kVerify + " citizen --at " +
                    std::to_string((number(now()) + 500 * kDayMs) / 1000) + " --policy " +
                    (at / "policy").string() + " " + (at / "mine.history").string(),
                &printed),
            0)
      << printed;
  EXPECT_NE(printed.find("retention"), std::string::npos) << printed;
  // An outsider accepts the export, and says what is gone.
  ASSERT_TRUE(world.exchange->ledger().export_to((at / "log").string()));
  EXPECT_EQ(run(kVerify + " --vkey '" + world.exchange->ledger().vkey() + "' --dir " +
                    (at / "log").string(),
                &printed),
            0)
      << printed;
}

}  // namespace
}  // namespace amanat::test
