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
