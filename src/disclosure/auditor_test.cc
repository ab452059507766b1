// What the auditor gives up, and for what: a real log, a real seal, no mocks.

#include "disclosure/auditor.h"

#include <gtest/gtest.h>

#include <thread>

#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "net/json.h"
#include "storage/scratch.h"

namespace amanat::disclosure {
namespace {

constexpr Moment kNow{1'795'305'600'000};  // 22 November 2026
const std::string kOrigin = "log.example.org/amanat1";
const std::string kExtraction =
    "amanat-extraction v1\nleak x\nacct 7 400 12000\nacct 9 416 15000\nnc 2\n";

Task<Result<ledger::Recorded>> record(ledger::Ledger& log, std::vector<EntryContent> entries) {
  auto pending = log.record(std::move(entries));
  auto recorded = co_await pending;
  co_return recorded;
}

class AuditorTest : public testing::Test {
 protected:
  AuditorTest() {
    crypto::random_bytes(slice.id);
    slice.key = crypto::random_key();
    ledger::Options options;
    options.directory = scratch.path() + "/ledger";
    options.origin = kOrigin;
    options.label_key = crypto::sha256("labels");
    options.publish_every_ms = 10;
    EXPECT_TRUE(ledger::Ledger::create(options, log_seed, slice));
    auto opened = ledger::Ledger::open(options, log_seed);
    EXPECT_TRUE(opened);
    log = *std::move(opened);
    open_auditor("log " + log->vkey() + "\nquorum none\n");
  }
  void open_auditor(const std::string& policy) {
    Auditor::Setup setup;
    setup.disk = &storage::system_disk();
    setup.state_file = scratch.path() + "/state";
    setup.name = "auditor.test/a1";
    setup.seed = seed;
    setup.clock = [] { return kNow; };
    auto parsed = ledger::parse_tlog_policy(policy);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    setup.policy = *std::move(parsed);
    if (!auditor) {
      ASSERT_TRUE(Auditor::create(storage::system_disk(), setup.state_file));
    }
    auditor.reset();
    auto opened = Auditor::open(std::move(setup));
    ASSERT_TRUE(opened);
    auditor = *std::move(opened);
  }
  // sealed records a TRACE entry over `text` and gives its receipt.
  std::string sealed(ledger::TraceStep step, std::string_view text) {
    EntryContent entry;
    entry.type = EntryType::trace;
    entry.tail = ledger::tail_of_trace(step, crypto::sha256(text));
    entry.actor = Actor{AccountId{1}, KeyKind::passkey, {}};
    entry.slice = slice;
    std::vector<EntryContent> entries;
    entries.push_back(std::move(entry));
    auto recorded = wait(record(*log, std::move(entries)));
    EXPECT_TRUE(recorded) << recorded.error().detail;
    for (int i = 0; i < 1000; ++i) {
      if (auto proof = log->prove(recorded->entries[0].index)) return *proof;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "never published";
    return {};
  }
  Auditor::Said unlock(const std::string& proof, const std::string& extraction) {
    net::JsonWriter json;
    json.begin_object()
        .key("proof")
        .string(proof)
        .key("extraction")
        .string(extraction)
        .end_object();
    return auditor->answer("POST", "/v1/unlock", json.take());
  }

  storage::Scratch scratch;
  Slice slice;
  const Key256 log_seed = crypto::random_key(), seed = crypto::random_key();
  std::unique_ptr<ledger::Ledger> log;
  std::unique_ptr<Auditor> auditor;
};

TEST_F(AuditorTest, UnlocksExactlyTheAccountsOfASealedExtractionLastYearsIncluded) {
  const auto said = unlock(sealed(ledger::TraceStep::seal, kExtraction), kExtraction);
  ASSERT_EQ(said.status, 200u) << said.body;
  const auto json = net::parse_json(said.body);
  const auto note = ledger::open_note(*json->find("statement")->string(),
                                      std::vector<ledger::VerifierKey>{auditor->verifier()});
  ASSERT_TRUE(note);
  const auto unlocked = parse_unlocked(note->text, kOrigin);
  ASSERT_TRUE(unlocked) << unlocked.error().detail;
  EXPECT_EQ(unlocked->extraction, crypto::sha256(kExtraction));
  ASSERT_EQ(unlocked->shares.size(), 2u);
  ASSERT_EQ(unlocked->years.size(), 2u);
  for (const Shares& share : unlocked->shares) {
    const auto bare =
        crypto::voprf_element(crypto::bytes_of(share_input(share.account, share.epoch)));
    EXPECT_TRUE(
        crypto::voprf_verify(auditor->year_key(year_of(share.epoch)), *bare, share.auditor));
  }
  EXPECT_EQ(number(unlocked->shares[0].account), 7u);
  EXPECT_EQ(year_of(unlocked->shares[0].epoch), 2025u) << "a year that is over, by an unlock";
}

TEST_F(AuditorTest, NothingElseUnlocks) {
  const std::string seal = sealed(ledger::TraceStep::seal, kExtraction);
  const std::string more =
      kExtraction.substr(0, kExtraction.size() - 5) + "acct 10 416 12000\nnc 3\n";
  EXPECT_EQ(unlock(seal, more).status, 403u) << "an account more than was sealed";
  EXPECT_EQ(unlock(sealed(ledger::TraceStep::verdict, kExtraction), kExtraction).status, 403u)
      << "an entry of another step";
  std::string changed = seal;
  changed[changed.find("index ") + 6] ^= 1;
  EXPECT_NE(unlock(changed, kExtraction).status, 200u);
  EXPECT_EQ(unlock("", kExtraction).status, 400u);
  const std::string none = "not an extraction\n";
  EXPECT_EQ(unlock(sealed(ledger::TraceStep::seal, none), none).status, 400u);
  // A log it does not know, and a seal that no witness saw.
  const std::string other = ledger::NoteSigner(kOrigin, crypto::random_key()).verifier().text();
  open_auditor("log " + other + "\nquorum none\n");
  EXPECT_EQ(unlock(seal, kExtraction).status, 403u);
  const std::string witness = ledger::Cosigner("w.test/1", crypto::random_key()).verifier().text();
  open_auditor("log " + log->vkey() + "\nwitness one " + witness + "\nquorum one\n");
  const auto said = unlock(seal, kExtraction);
  EXPECT_EQ(said.status, 403u);
  EXPECT_NE(said.body.find("quorum"), std::string::npos) << said.body;
}

TEST_F(AuditorTest, StrangeRequestsAreRefusedWithoutACount) {
  const auto post = [&](std::string_view path, std::string_view body) {
    return auditor->answer("POST", path, body).status;
  };
  EXPECT_EQ(post("/v1/evaluate", "{}"), 400u);
  EXPECT_EQ(post("/v1/evaluate", "nonsense"), 400u);
  EXPECT_EQ(post("/v1/evaluate", R"({"year":2026,"blinded":"00"})"), 400u);
  EXPECT_EQ(post("/v1/evaluate", R"({"year":2026,"blinded":")" + std::string(64, '0') + "\"}"),
            400u);
  EXPECT_EQ(post("/v1/evaluate", R"({"year":1999,"blinded":")" + std::string(64, '0') + "\"}"),
            400u);
  EXPECT_EQ(post("/v1/day", R"({"day":"22-11-2026","disclosing":1,"others":0})"), 400u);
  EXPECT_EQ(post("/v1/nothing", ""), 404u);
  EXPECT_EQ(auditor->answer("GET", "/v1/keys/20x6", "").status, 404u);
  EXPECT_EQ(auditor->answer("GET", "/v1/keys/2026", "").status, 200u);
  EXPECT_EQ(auditor->answer("GET", "/v1/counts", "").body, R"({"days":[],"unlocked":0})");
}

TEST_F(AuditorTest, ADamagedStateIsNotBegunAnew) {
  auditor.reset();
  for (const char* state :
       {"", "amanat-auditor v1\nday x 1 1 1 yes\n", "amanat-auditor v1\nday 2026-11-22 1 1\n"}) {
    ASSERT_TRUE(
        storage::replace_file(storage::system_disk(), scratch.path() + "/state", state, 0600));
    Auditor::Setup setup;
    setup.disk = &storage::system_disk();
    setup.state_file = scratch.path() + "/state";
    setup.name = "auditor.test/a1";
    EXPECT_EQ(Auditor::open(std::move(setup)).error().reason, Reason::ledger_corrupt) << state;
  }
}

}  // namespace
}  // namespace amanat::disclosure
