// The witness by the letter of its protocol, and the log's dialogue with several of them.

#include "ledger/witness.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "ledger/drafts_for_tests.h"
#include "ledger/log_for_tests.h"
#include "ledger/tlog_policy.h"
#include "ledger/witness_circle.h"

namespace amanat::ledger {
namespace {

/// LoopbackLine is a way to a witness in this process that can be cut.
class LoopbackLine : public WitnessLine {
 public:
  LoopbackLine(Witness& witness, const std::atomic<bool>& cut) : witness_(witness), cut_(cut) {}
  Result<WitnessReply> post(const std::string& body) override {
    if (cut_) return fail(Reason::peer_unreachable, "cut");
    auto said = witness_.add_checkpoint(body);
    return WitnessReply{said.status, said.content_type, said.body};
  }

 private:
  Witness& witness_;
  const std::atomic<bool>& cut_;
};

/// Town is a log with three witnesses, each with a state file on a simulated disk.
struct Town {
  LogForTests log;
  SimulatedDisk disk;
  struct One {
    Key256 seed = crypto::random_key();
    std::unique_ptr<Witness> witness;
    std::atomic<bool> cut{false};
  };
  std::array<One, 3> witnesses;

  Town() {
    EXPECT_TRUE(disk.make_directory("/w"));
    for (std::size_t i = 0; i < witnesses.size(); ++i) {
      EXPECT_TRUE(Witness::create(disk, state(i)));
      open(i);
    }
  }
  static std::string state(std::size_t i) { return "/w/state" + std::to_string(i); }
  static std::string name(std::size_t i) { return "witness.example.org/w" + std::to_string(i); }
  void open(std::size_t i) {
    auto opened = Witness::open(disk, state(i), name(i), witnesses[i].seed, {log.key()});
    ASSERT_TRUE(opened) << opened.error().detail;
    witnesses[i].witness = *std::move(opened);
  }
  std::string policy() const {
    std::string text = "log " + log.key().text() + "\n";
    for (std::size_t i = 0; i < witnesses.size(); ++i)
      text += "witness w" + std::to_string(i) + " " + witnesses[i].witness->verifier().text() +
              " " + std::to_string(i) + "\n";
    return text + "group all 2 w0 w1 w2\nquorum all\n";
  }
  Options options(storage::Disk* at) {
    Options o = log.options(at);
    o.witnesses.emplace();
    o.witnesses->policy = policy();
    o.witnesses->resubmit_ms = 40;
    o.witnesses->start_ms = 2000;
    o.witnesses->open_line = [this](const std::string& url) -> std::unique_ptr<WitnessLine> {
      One& one = witnesses[static_cast<std::size_t>(std::stoul(url))];
      return std::make_unique<LoopbackLine>(*one.witness, one.cut);
    };
    return o;
  }
};

std::string head_of(const CompactRange& range, const LogForTests& log) {
  return NoteSigner(log.origin, log.seed)
      .sign(checkpoint_text(log.origin, range.size(), range.root()));
}

// A tree of `size` leaves as a source of proofs.
struct Tree {
  std::vector<Digest> leaves;
  explicit Tree(std::uint64_t size, char salt = 'a') {
    for (std::uint64_t i = 0; i < size; ++i)
      leaves.push_back(leaf_hash(std::string(1, salt) + std::to_string(i)));
  }
  CompactRange range(std::uint64_t size) const {
    CompactRange r;
    for (std::uint64_t i = 0; i < size; ++i) r.append(leaves[i]);
    return r;
  }
  std::vector<Digest> proof(std::uint64_t m, std::uint64_t n) const {
    const ReadNode read = [this](unsigned level, std::uint64_t index) -> Result<Digest> {
      CompactRange r;
      for (std::uint64_t i = index << level; i < (index + 1) << level; ++i) r.append(leaves[i]);
      return r.root();
    };
    return *consistency_path(m, n, read);
  }
};

std::string submission(std::uint64_t old, std::vector<Digest> proof, std::string note) {
  return write_add_checkpoint({old, std::move(proof), std::move(note)});
}

TEST(Witness, AnswersWithTheStatusTheProtocolNames) {
  Town town;
  Witness& w = *town.witnesses[0].witness;
  const Tree tree(40), other(40, 'b');
  const auto note = [&](std::uint64_t n) { return head_of(tree.range(n), town.log); };

  EXPECT_EQ(w.add_checkpoint("old 01\n\n" + note(5)).status, 400u);
  EXPECT_EQ(w.add_checkpoint("old 0\r\n\n" + note(5)).status, 400u);
  EXPECT_EQ(w.add_checkpoint("old 0\n" + note(5)).status, 400u);
  EXPECT_EQ(w.add_checkpoint("old 6\n\n" + note(5)).status, 400u) << "old above the checkpoint";
  LogForTests stranger;
  stranger.origin = "log.example.org/unknown";
  EXPECT_EQ(w.add_checkpoint(submission(0, {}, head_of(tree.range(5), stranger))).status, 404u);
  LogForTests forger;  // the same origin, another key
  EXPECT_EQ(w.add_checkpoint(submission(0, {}, head_of(tree.range(5), forger))).status, 403u);
  std::string flipped = note(5);
  flipped[flipped.size() - 8] = flipped[flipped.size() - 8] == 'A' ? 'B' : 'A';
  EXPECT_EQ(w.add_checkpoint(submission(0, {}, flipped)).status, 403u);

  EXPECT_EQ(w.add_checkpoint(submission(0, {tree.leaves[0]}, note(5))).status, 422u)
      << "a proof from nothing";
  const auto first = w.add_checkpoint(submission(0, {}, note(5)));
  ASSERT_EQ(first.status, 200u);
  const auto stale = w.add_checkpoint(submission(0, {}, note(9)));
  EXPECT_EQ(stale.status, 409u);
  EXPECT_EQ(stale.body, "5\n");
  EXPECT_EQ(stale.content_type, "text/x.tlog.size");
  EXPECT_EQ(w.add_checkpoint(submission(5, {}, note(9))).status, 422u) << "no proof";
  EXPECT_EQ(w.add_checkpoint(submission(5, tree.proof(6, 9), note(9))).status, 422u);
  EXPECT_EQ(w.add_checkpoint(submission(5, {}, head_of(other.range(5), town.log))).status, 422u)
      << "the same size with another root";
  EXPECT_EQ(w.add_checkpoint(submission(5, {}, note(5))).status, 200u) << "a sign of life";
  EXPECT_EQ(w.add_checkpoint(submission(5, tree.proof(5, 9), note(9))).status, 200u);
  EXPECT_EQ(w.add_checkpoint(submission(9, {}, note(5))).status, 400u);

  // 63 proof lines are read, 64 are not.
  EXPECT_EQ(w.add_checkpoint(submission(9, std::vector<Digest>(63), note(12))).status, 422u);
  std::string many = "old 9\n";
  for (int i = 0; i < 64; ++i) many += crypto::base64(Digest{}) + "\n";
  EXPECT_EQ(w.add_checkpoint(many + "\n" + note(12)).status, 400u);

  // What it said is a note its key has signed, and the monitor reads the same.
  const std::string text = checkpoint_text(town.log.origin, 5, tree.range(5).root());
  const VerifierKey keys[] = {w.verifier()};
  EXPECT_TRUE(open_note(text + "\n" + first.body, keys));
  const auto latest = w.answer("GET", monitoring_path(town.log.origin), "");
  EXPECT_EQ(latest.status, 200u);
  auto opened = open_checkpoint(latest.body, town.log.key(), keys);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->checkpoint.size, 9u);
  EXPECT_EQ(opened->signed_by.size(), 2u);
  EXPECT_EQ(w.answer("GET", monitoring_path("log.example.org/unknown"), "").status, 404u);
  EXPECT_EQ(w.answer("GET", "/add-checkpoint", "").status, 405u);
  EXPECT_EQ(w.answer("POST", "/elsewhere", "").status, 404u);
}

// What litewitness, a witness that others wrote, is asked in its own test, and what it said (the
// dialogue of cmd/litewitness/testdata/litewitness.txt, FiloSottile/litetlog 006b647; there over
// Sigsum's form of the request, whose signature is that of the checkpoint). Another log is 403
// there and, since the protocol's version of 2026, 404.
TEST(Witness, AnswersARecordedDialogueAsAnotherWitnessDid) {
  const auto bytes_of_hex = [](std::string_view hex) { return *crypto::from_hex(hex); };
  const std::string public_key =
      bytes_of_hex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f");
  const std::string origin =
      "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
  crypto::Ed25519Public key;
  std::memcpy(key.data(), public_key.data(), key.size());
  const auto log = make_verifier_key(origin, SignatureType::ed25519, key);
  SimulatedDisk disk;
  ASSERT_TRUE(disk.make_directory("/w"));
  ASSERT_TRUE(Witness::create(disk, "/w/state"));
  auto witness =
      Witness::open(disk, "/w/state", "example.com/witness", crypto::random_key(), {log});
  ASSERT_TRUE(witness);
  struct Step {
    const char* why;
    unsigned status, old_size, size;
    const char *root, *signature;
    std::vector<const char*> proof;
  };
  const char* const one = "2a00000000000000000000000000000000000000000000000000000000000000";
  const char* const three = "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d";
  const char* const five = "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36";
  const char* const by_one =
      "b7cf653aa9c565a1ca359db81bd3bc656ab2890c6ea4c0aec42295e80aa05049"
      "423505026434f987923ccdf07d440c152cd59e736e5914d8ada8d7a4d51b2106";
  const char* const by_three =
      "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def9"
      "71b023d9a418c3226b7b7ea47b33686d9b3849451dadc6b07c007c595af1ea0a";
  const char* const not_by_three =
      "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def9"
      "71b023d9a418c3226b7b7ea47b33686d9b3849451dadc6b07c007c595af1ea0b";
  const char* const by_five =
      "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d5"
      "9b2119b5dbe5d54d8a1262ce67f01245c5898b4b56f747495804a17a2eec0f0c";
  const char* const leaf1 = "2a01000000000000000000000000000000000000000000000000000000000000";
  const char* const leaf2 = "2a02000000000000000000000000000000000000000000000000000000000000";
  const char* const leaf3 = "2a03000000000000000000000000000000000000000000000000000000000000";
  const char* const leaf4 = "2a04000000000000000000000000000000000000000000000000000000000000";
  const std::vector<Step> dialogue{
      {"first", 200, 0, 1, one, by_one, {}},
      {"a wrong signature", 403, 1, 3, three, not_by_three, {leaf1, leaf2}},
      {"no proof", 422, 1, 3, three, by_three, {}},
      {"a wrong proof",
       422,
       1,
       3,
       three,
       by_three,
       {leaf1, "2a02000000000000000000000000000000000000000000000000000000000001"}},
      {"growing", 200, 1, 3, three, by_three, {leaf1, leaf2}},
      {"from where it no longer stands",
       409,
       1,
       5,
       five,
       by_five,
       {leaf1, "f9f50357e93def4078237b8aaea24ce1a3f5965a0f64ff26bebd99e30470d8b2", leaf4}},
      {"growing on",
       200,
       3,
       5,
       five,
       by_five,
       {leaf2, leaf3, "c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41", leaf4}}};
  const auto id = [](std::uint32_t n) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift));
    return out;
  };
  for (const Step& step : dialogue) {
    SCOPED_TRACE(step.why);
    const std::string text = origin + "\n" + std::to_string(step.size) + "\n" +
                             crypto::base64(crypto::bytes_of(bytes_of_hex(step.root))) + "\n";
    std::string body = "old " + std::to_string(step.old_size) + "\n";
    for (const char* hash : step.proof)
      body += crypto::base64(crypto::bytes_of(bytes_of_hex(hash))) + "\n";
    body += "\n" + text + "\n\u2014 " + origin + " " +
            crypto::base64(crypto::bytes_of(id(log.id) + bytes_of_hex(step.signature))) + "\n";
    const auto said = (*witness)->add_checkpoint(body);
    EXPECT_EQ(said.status, step.status) << said.body;
    if (step.status == 409) EXPECT_EQ(said.body, "3\n");
    if (step.status != 200) continue;
    const VerifierKey cosigner = (*witness)->verifier();
    EXPECT_TRUE(open_note(text + "\n" + said.body, std::span(&cosigner, 1))) << said.body;
    // The same request in the form of today, byte for byte as litewitness's newer tests send it.
    if (step.size == 1)
      EXPECT_NE(
          body.find("\n\u2014 " + origin +
                    " UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVn"
                    "nNuWRTYrajXpNUbIQY=\n"),
          body.npos)
          << body;
  }
  std::string other = "old 0\n\n" + origin + "x\n1\n" +
                      crypto::base64(crypto::bytes_of(bytes_of_hex(one))) + "\n\n\u2014 " + origin +
                      "x " + crypto::base64(crypto::bytes_of(id(1) + bytes_of_hex(by_one))) + "\n";
  EXPECT_EQ((*witness)->add_checkpoint(other).status, 404u);
}

TEST(Witness, AnEmptyTreeHasOneRootOnly) {
  Town town;
  Witness& w = *town.witnesses[0].witness;
  const NoteSigner signer(town.log.origin, town.log.seed);
  EXPECT_EQ(w.add_checkpoint(
                 submission(0, {}, signer.sign(checkpoint_text(town.log.origin, 0, Digest{}))))
                .status,
            422u);
  EXPECT_EQ(w.add_checkpoint(
                 submission(0, {}, signer.sign(checkpoint_text(town.log.origin, 0, empty_root()))))
                .status,
            200u);
}

TEST(Witness, LosesNothingItSaidToACrashAndSaysNothingItCannotKeep) {
  Town town;
  const Tree tree(60);
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uint64_t held = 0;
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t next = std::min<std::uint64_t>(60, held + random() % 3);
    if (next == 0) continue;
    const bool fails = random() % 3 == 0;
    if (fails) town.disk.die_at(random() % 6);
    const auto proof = held == 0 || held == next ? std::vector<Digest>{} : tree.proof(held, next);
    const auto said = town.witnesses[0].witness->add_checkpoint(
        submission(held, proof, head_of(tree.range(next), town.log)));
    if (said.status == 200)
      held = next;
    else
      EXPECT_EQ(said.status, fails ? 503u : 200u) << said.body;
    if (!fails) continue;
    // Power is lost: whatever was cosigned is still known; never less.
    auto after = town.disk.crash(random, 512, 0.5);
    auto again = Witness::open(*after, Town::state(0), Town::name(0), town.witnesses[0].seed,
                               {town.log.key()});
    ASSERT_TRUE(again) << again.error().detail;
    const auto told =
        (*again)->add_checkpoint(submission(0, {}, head_of(tree.range(60), town.log)));
    if (held > 0) {
      ASSERT_EQ(told.status, 409u);
      EXPECT_GE(std::stoull(told.body), held);
    }
    // Go on from a disk that works, with the state that was safe before.
    Town fresh;
    fresh.log = town.log;
    fresh.open(0);
    break;
  }
}

TEST(Witness, RefusesADamagedOrMissingState) {
  Town town;
  const Tree tree(9);
  ASSERT_EQ(town.witnesses[0]
                .witness->add_checkpoint(submission(0, {}, head_of(tree.range(9), town.log)))
                .status,
            200u);
  auto file = town.disk.open(Town::state(0), storage::Disk::Open::existing);
  ASSERT_TRUE(file);
  std::string bytes;
  const auto size = *(*file)->size();
  ASSERT_TRUE((*file)->read_at(0, size, bytes));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    ASSERT_TRUE((*file)->write_at(0, damaged));
    EXPECT_FALSE(Witness::open(town.disk, Town::state(0), Town::name(0), town.witnesses[0].seed,
                               {town.log.key()}))
        << at;
  }
  ASSERT_TRUE((*file)->write_at(0, bytes));
  EXPECT_TRUE(Witness::open(town.disk, Town::state(0), Town::name(0), town.witnesses[0].seed,
                            {town.log.key()}));
  EXPECT_FALSE(Witness::open(town.disk, Town::state(0), Town::name(0), crypto::random_key(),
                             {town.log.key()}))
      << "a state that another key cosigned";
  EXPECT_FALSE(Witness::open(town.disk, "/w/none", Town::name(0), town.witnesses[0].seed, {}));
  EXPECT_FALSE(Witness::create(town.disk, Town::state(0)));
}

// The race of N and N + K: whatever the interleaving, no cosigned size ever goes back.
TEST(Witness, AThousandPostsAtOnceNeverRollItBack) {
  Town town;
  Witness& w = *town.witnesses[0].witness;
  const Tree tree(200);
  std::vector<std::string> bodies(201);
  std::atomic<std::uint64_t> cosigned{0}, answered{0};
  std::atomic<bool> back{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      std::uint64_t held = 0;
      for (int i = 0; i < 125; ++i) {
        const std::uint64_t next = std::min<std::uint64_t>(200, held + 1 + random() % 7);
        const auto proof =
            held == 0 || held == next ? std::vector<Digest>{} : tree.proof(held, next);
        const std::uint64_t before = cosigned.load();
        const auto said =
            w.add_checkpoint(submission(held, proof, head_of(tree.range(next), town.log)));
        ++answered;
        if (said.status == 200) {
          // Sizes cosigned before this one was asked for are never above it.
          if (before > next) back = true;
          std::uint64_t seen = cosigned.load();
          while (seen < next && !cosigned.compare_exchange_weak(seen, next)) {
          }
          held = next;
        } else if (said.status == 409) {
          held = std::stoull(said.body);
        } else {
          ADD_FAILURE() << said.status << " " << said.body;
        }
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(answered.load(), 1000u);
  EXPECT_FALSE(back);
  const auto latest = w.answer("GET", monitoring_path(town.log.origin), "");
  auto opened = open_checkpoint(latest.body, town.log.key());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->checkpoint.size, cosigned.load());
}

// Waits until the served checkpoint covers `size` with at least two cosignatures.
bool wait_cosigned(const Ledger& ledger, std::uint64_t size, int ms_max = 4000) {
  for (int i = 0; i < ms_max; ++i) {
    const auto s = ledger.witness_standing();
    if (s.cosigned_size >= size && s.cosignatures >= 2) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(Witnesses, CosignWhatIsPublishedAndReceiptsCarryIt) {
  Town town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(record_one(**ledger, town.log.denial(i)));
  ASSERT_TRUE(wait_cosigned(**ledger, 21));
  const auto policy = parse_tlog_policy(town.policy());
  ASSERT_TRUE(policy);
  const auto witnessed = open_witnessed((*ledger)->checkpoint(), *policy);
  ASSERT_TRUE(witnessed) << witnessed.error().detail;
  EXPECT_EQ(witnessed->at.checkpoint.size, 21u);
  const auto proof = (*ledger)->prove(EntryIndex{7});
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->find("grease"), proof->npos);
  const auto proven = verify_tlog_proof(*proof, town.log.key(), policy->keys());
  ASSERT_TRUE(proven);
  EXPECT_TRUE(policy->reached(proven->at.signed_by));
  // An idle log shows its life: a newer time on the same head.
  const auto first = witnessed->youngest;
  for (int i = 0; i < 4000; ++i) {
    const auto now = open_witnessed((*ledger)->checkpoint(), *policy);
    ASSERT_TRUE(now);
    if (now->youngest > first) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "the cosignatures' time stands still";
}

EntryContent disclosure(const LogForTests& log, std::uint64_t salt) {
  EntryContent c = log.denial(salt);
  c.type = EntryType::disclosure;
  return c;
}

Task<Result<Receipt>> append_task(Ledger& ledger, const Draft& draft) {
  auto pending = ledger.append(draft);
  auto receipt = co_await pending;
  co_return receipt;
}

Draft draft_of(const LogForTests& log, std::size_t citizens) {
  std::vector<EntryContent> entries;
  for (std::size_t i = 0; i < citizens; ++i) entries.push_back(disclosure(log, i));
  std::optional<EntryContent> closing;
  if (citizens > 1) {
    closing = log.denial(0);
    closing->type = EntryType::export_;
    closing->subject.reset();
  }
  Draft draft = disclosure::Disclosure::draft(std::move(entries), std::move(closing), Digest{});
  draft.stands(identity::Identity::stands());
  return draft;
}

TEST(Witnesses, ABulkAnswerWaitsForTheQuorumAndCarriesIt) {
  Town town;
  SimulatedDisk disk;
  Options options = town.options(&disk);
  options.witnesses->subjects_max = 3;
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  const auto policy = parse_tlog_policy(town.policy());
  const Draft draft = draft_of(town.log, 40);
  auto receipt = wait(append_task(**ledger, draft));
  ASSERT_TRUE(receipt) << row_of(receipt.error().reason).id << receipt.error().detail;
  ASSERT_EQ(receipt->entries().size(), 40u);
  for (const auto& entry : receipt->entries()) {
    const auto proven = verify_tlog_proof(entry.proof, town.log.key(), policy->keys());
    ASSERT_TRUE(proven);
    EXPECT_EQ(proven->index, number(entry.index));
    EXPECT_TRUE(policy->reached(proven->at.signed_by));
  }
}

TEST(Witnesses, WithoutAQuorumTheBulkStopsFirstThenEverythingAndAllGoesOnByItself) {
  Town town;
  SimulatedDisk disk;
  Options options = town.options(&disk);
  options.witnesses->subjects_max = 3;
  options.witnesses->alarm_ms = 150;
  options.witnesses->all_stop_ms = 900;
  std::mutex mutex;
  std::vector<std::string> alarms;
  options.alarm = [&](std::string_view words) {
    const std::lock_guard lock(mutex);
    alarms.emplace_back(words);
  };
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  ASSERT_TRUE(wait_cosigned(**ledger, 1));
  town.witnesses[1].cut = true;
  const Draft one = draft_of(town.log, 1), bulk = draft_of(town.log, 4);
  EXPECT_TRUE(wait(append_task(**ledger, bulk))) << "two of three are enough";
  town.witnesses[2].cut = true;
  const auto lacking = [&](std::uint64_t ms) {
    for (int i = 0; i < 5000 && (*ledger)->witness_standing().without_quorum_ms < ms; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  // Recorded, but never covered: it must not be released.
  const auto in_time = wait(append_task(**ledger, bulk));
  ASSERT_FALSE(in_time);
  EXPECT_EQ(in_time.error().reason, Reason::witnesses_silent);
  lacking(150);
  const auto before = (*ledger)->size();
  const auto refused = wait(append_task(**ledger, bulk));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::witnesses_silent);
  EXPECT_EQ((*ledger)->size(), before) << "refused before anything was recorded";
  EXPECT_TRUE(wait(append_task(**ledger, one))) << "single answers go on";
  lacking(900);
  EXPECT_FALSE(wait(append_task(**ledger, one)));
  EXPECT_TRUE((*ledger)->witness_standing().all_stopped);
  EXPECT_TRUE(record_one(**ledger, town.log.denial(1)))
      << "what releases nothing is still recorded";
  town.witnesses[1].cut = false;
  ASSERT_TRUE(wait_cosigned(**ledger, before));
  for (int i = 0; i < 2000 && (*ledger)->witness_standing().without_quorum_ms > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(wait(append_task(**ledger, one)));
  EXPECT_TRUE(wait(append_task(**ledger, bulk)));
  ledger->reset();
  const std::lock_guard lock(mutex);
  std::string all;
  for (const auto& a : alarms) all += a + "\n";
  EXPECT_NE(all.find("witness w2"), all.npos) << all;
  EXPECT_NE(all.find("what needs witnesses is refused"), all.npos) << all;
  EXPECT_NE(all.find("every disclosure is refused"), all.npos) << all;
}

TEST(Witnesses, ARolledBackLogDoesNotStart) {
  Town town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  std::unique_ptr<SimulatedDisk> backup;
  std::mt19937_64 random(1);
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(record_one(**ledger, town.log.denial(i)));
    ASSERT_TRUE(wait_cosigned(**ledger, 11));
  }
  backup = disk.crash(random, 512, 1.0);  // a copy of everything
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(record_one(**ledger, town.log.denial(i)));
    ASSERT_TRUE(wait_cosigned(**ledger, 16));
  }
  Options old = town.options(backup.get());
  auto restored = Ledger::open(old, town.log.seed);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().reason, Reason::log_rolled_back);
  EXPECT_NE(restored.error().detail.find("16 entries"), std::string::npos)
      << restored.error().detail;
  // The newest one starts, also when one of the witnesses is away.
  town.witnesses[0].cut = true;
  EXPECT_TRUE(Ledger::open(options, town.log.seed));
}

TEST(Witnesses, OfTwoClonesAtMostOneGetsAQuorum) {
  Town town;
  SimulatedDisk disk;
  const Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  {
    auto ledger = Ledger::open(options, town.log.seed);
    ASSERT_TRUE(ledger);
    ASSERT_TRUE(record_one(**ledger, town.log.denial(1)));
    ASSERT_TRUE(wait_cosigned(**ledger, 2));
  }
  std::mt19937_64 random(1);
  auto copy = disk.crash(random, 512, 1.0);
  const Options others = town.options(copy.get());
  auto a = Ledger::open(options, town.log.seed);
  auto b = Ledger::open(others, town.log.seed);
  ASSERT_TRUE(a);
  ASSERT_TRUE(b);
  // Each goes on with entries of its own: same sizes, different roots.
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(record_one(**a, town.log.denial(100 + i)));
    ASSERT_TRUE(record_one(**b, town.log.denial(200 + i)));
  }
  wait_cosigned(**a, 32, 1500);
  wait_cosigned(**b, 32, 300);
  const auto policy = parse_tlog_policy(town.policy());
  std::map<std::uint64_t, std::set<Digest>> roots;
  for (const auto* ledger : {a->get(), b->get()}) {
    const auto opened = open_witnessed((*ledger).checkpoint(), *policy);
    if (opened && opened->at.checkpoint.size > 2)
      roots[opened->at.checkpoint.size].insert(opened->at.checkpoint.root);
  }
  std::size_t with_quorum = 0;
  for (const auto& [size, at] : roots) with_quorum += at.size();
  EXPECT_LE(with_quorum, 1u);
}

TEST(Witnesses, APolicyOfAnotherLogIsRefused) {
  Town town;
  SimulatedDisk disk;
  Options options = town.options(&disk);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  options.witnesses->policy = "quorum none\n";
  auto opened = Ledger::open(options, town.log.seed);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::config_wrong);
}

}  // namespace
}  // namespace amanat::ledger
