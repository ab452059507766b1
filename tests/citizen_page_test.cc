// The citizen's second verifier (web/verify, JavaScript, written apart from ours) and the page made
// of it: it agrees with amanat-verify on honest histories, on every kind of lie and on every
// flipped byte, in Node and in a real browser, and the page is what its sources make.

#include <gtest/gtest.h>

#include <cstring>

#include "export_folder.h"
#include "ledger/history.h"
#include "ledger/liar_for_tests.h"
#include "ledger/long_run_for_tests.h"
#include "net/json.h"
#include "node.h"

namespace amanat::ledger {
namespace {

using test::node;
using test::Ran;

std::string web_folder() { return std::string(AMANAT_SOURCE_DIR) + "/web/verify"; }

/// Court is three witnesses that cosign a history's checkpoint, and the policy that wants two.
struct Court {
  std::vector<Cosigner> witnesses;
  std::string policy;

  explicit Court(const VerifierKey& log, unsigned needed = 2) {
    policy = "# the log and who watches it\nlog " + log.text() + " https://log.example.org/\n";
    for (const std::string name : {"court", "ombudsman", "press"}) {
      witnesses.emplace_back("witness.example.org/" + name, crypto::random_key());
      policy += "witness " + name + "\t" + witnesses.back().verifier().text() + "\n";
    }
    policy += "group some " + std::to_string(needed) + " court ombudsman press\nquorum some\n";
  }
  std::string cosigned(const std::string& file, unsigned by, std::uint64_t time) const {
    History h = *parse_history(file);
    const std::string text = h.checkpoint.substr(0, h.checkpoint.rfind("\n\n") + 1);
    for (unsigned i = 0; i < by; ++i) h.checkpoint += witnesses[i].line(text, time);
    return write_history(h);
  }
};

/// Bench is a batch of cases for both verifiers.
class Bench {
 public:
  void add(const std::string& what, const std::string& file, const std::string& policy,
           const HistoryCheck& check) {
    const std::string name = folder_.path() + "/" + std::to_string(cases_.size());
    write_text(name, file);
    net::JsonWriter json;
    json.begin_object().key("file").string(name).key("policy").string(policy);
    json.key("subject").string(check.subject).key("at").number(check.unix_time);
    if (check.before) json.key("before").string(write_remembered(*check.before));
    lines_ += json.end_object().take() + "\n";
    cases_.push_back({what, std::string(text_of(verify_history(file, check).fault))});
  }
  /// agree runs the JavaScript and compares; gives how many do not hold.
  std::size_t agree() {
    write_text(folder_.path() + "/cases", lines_);
    const Ran ran = node("histories.mjs", "< '" + folder_.path() + "/cases'");
    EXPECT_EQ(ran.status, 0) << ran.said;
    std::istringstream said(ran.said);
    std::size_t refused = 0;
    for (const auto& [what, fault] : cases_) {
      std::string theirs;
      std::getline(said, theirs);
      EXPECT_EQ(theirs, fault) << what;
      refused += theirs != "none";
    }
    return refused;
  }
  std::size_t size() const { return cases_.size(); }

 private:
  TestFolder folder_;
  std::vector<std::pair<std::string, std::string>> cases_;
  std::string lines_;
};

/// Town is a running log with citizens; each of its histories is given its checks.
struct Town {
  CitizensForTests town;
  SimulatedDisk disk;
  std::unique_ptr<Ledger> ledger;
  std::string policy;

  Town() {
    const Options options = town.options(&disk);
    EXPECT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
    auto opened = Ledger::open(options, town.log.seed);
    EXPECT_TRUE(opened);
    ledger = *std::move(opened);
    policy = "log " + town.log.key().text() + "\nquorum none\n";
  }
  void record(const std::string& id, int n) {
    std::vector<std::vector<EntryContent>> appends;
    for (int i = 0; i < n; ++i)
      appends.push_back({town.entry(
          id, i % 7 == 6 ? "\xd8\xaa\xd9\x81\xd8\xaa\xdb\x8c\xd8\xb4" : "crime-investigation",
          i % 5 == 4 ? EntryType::denied : EntryType::disclosure)});
    for (const auto& outcome : record_all(*ledger, std::move(appends))) ASSERT_TRUE(outcome);
  }
  void seal(const std::string& id) {
    EntryContent covert = town.entry(id, "covert");
    covert.sealed_until = Moment{number(now()) + 3'600'000};
    ASSERT_TRUE(record_one(*ledger, std::move(covert)));
  }
  std::string history(const std::string& id) {
    auto file = town.history(*ledger, id, ledger->size());
    EXPECT_TRUE(file) << file.error().detail;
    return file.value_or("");
  }
};

// The two programs side by side: what they print of one history, byte for byte.
std::string both_print(const std::string& folder, const std::string& id) {
  const std::string arguments =
      " --json --policy '" + folder + "/policy' '" + folder + "/history' < '" + folder + "/id'";
  write_text(folder + "/id", id + "\n");
  const Ran ours = test::run(std::string(AMANAT_BINARY_DIR) + "/amanat-verify citizen" + arguments);
  const Ran theirs = test::run("node '" + web_folder() + "/citizen.mjs'" + arguments);
  EXPECT_EQ(ours.status, theirs.status) << ours.said << theirs.said;
  EXPECT_EQ(ours.said, theirs.said);
  return ours.said;
}

TEST(CitizenVerifier, BothProgramsPrintTheSameOfHonestHistories) {
  Town here;
  const std::string never = CitizensForTests::citizen(1), once = CitizensForTests::citizen(2),
                    often = CitizensForTests::citizen(3), forgotten = CitizensForTests::citizen(4);
  here.record(once, 1);
  here.record(often, 49);
  here.seal(often);
  here.record(forgotten, 3);
  ASSERT_TRUE(here.town.erase(*here.ledger, forgotten));
  here.record(forgotten, 2);
  const TestFolder folder;
  const Court court(here.town.log.key());
  write_text(folder.path() + "/policy", court.policy);
  const std::tuple<std::string, std::size_t, std::string> people[] = {
      {never, 0, "\"entries\":[]"},
      {once, 1, "crime-investigation"},
      {often, 50, "\"sealed_until\""},
      {forgotten, 6, "\"state\":\"erased\""}};
  for (const auto& [id, entries, holds] : people) {
    write_text(folder.path() + "/history",
               court.cosigned(here.history(id), 2, number(now()) / 1000));
    const std::string said = both_print(folder.path(), id);
    EXPECT_TRUE(said.starts_with("{\"holds\":true")) << said;
    EXPECT_NE(said.find(holds), said.npos) << said;
    std::size_t listed = 0;
    for (std::size_t at = 0; (at = said.find("{\"entry\":", at)) != said.npos; ++at) ++listed;
    EXPECT_EQ(listed, entries);
  }
  write_text(folder.path() + "/history", here.history(often));
  EXPECT_NE(both_print(folder.path(), often).find("\"fault\":\"quorum\""), std::string::npos);
}

TEST(CitizenVerifier, AgreesAboutWhatIsPastItsRetention) {
  CitizensForTests town;
  SimulatedDisk disk;
  const Options options = town.options(&disk, 40);
  ASSERT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
  auto ledger = Ledger::open(options, town.log.seed);
  ASSERT_TRUE(ledger);
  for (unsigned wave = 0; wave < 110; ++wave) {
    std::vector<std::vector<EntryContent>> appends(8);
    for (unsigned i = 0; i < appends.size(); ++i)
      appends[i].push_back(town.entry(CitizensForTests::citizen((wave + i) % 11)));
    for (const auto& outcome : record_all(**ledger, std::move(appends))) ASSERT_TRUE(outcome);
  }
  wait_published(**ledger, town.log.key());
  ASSERT_TRUE((*ledger)->trim());
  EntryContent policy_entry;
  policy_entry.type = EntryType::policy_key;
  policy_entry.actor = Actor{AccountId{7}, KeyKind::certificate, {}};
  policy_entry.tail = tail_of_policy_key(Digest{}, EntryIndex{600});
  policy_entry.slice = town.log.slice;
  auto recorded = record_one(**ledger, std::move(policy_entry));
  ASSERT_TRUE(recorded);
  ASSERT_TRUE((*ledger)->refuse_below({EntryIndex{600}, recorded->entries[0].index, AccountId{7}}));
  wait_published(**ledger, town.log.key());
  ASSERT_GT((*ledger)->prune().value_or(0), 200u);
  const std::string one = CitizensForTests::citizen(3);
  ASSERT_TRUE(record_one(**ledger, town.entry(one)));
  const auto file = town.history(**ledger, one, (*ledger)->size());
  ASSERT_TRUE(file) << file.error().detail;
  const auto check = town.check(one);
  const std::string policy = "log " + town.log.key().text() + "\nquorum none\n";
  const TestFolder folder;
  write_text(folder.path() + "/policy", policy);
  write_text(folder.path() + "/history", *file);
  EXPECT_NE(both_print(folder.path(), one).find("past-retention"), std::string::npos);

  Bench bench;
  const auto tell = [&](const std::string& what, auto change) {
    History h = *parse_history(*file);
    change(h);
    bench.add(what, write_history(h), policy, check);
  };
  tell("no POLICY entry", [](History& h) { h.minimum.reset(); });
  tell("another entry as POLICY", [](History& h) { h.minimum = h.epoch_entry; });
  tell("one above the minimum", [](History& h) {
    HistoryEntry& kept = h.entries.back();
    kept.leaf = leaf_hash(kept.proved.entry);
    kept.state = HistoryEntry::State::pruned;
  });
  tell("another hash", [](History& h) { h.entries.front().leaf[3] ^= 1; });
  EXPECT_EQ(bench.agree(), bench.size());
}

TEST(CitizenVerifier, AgreesOnEveryKindOfLie) {
  const std::uint64_t wanted = number_from("AMANAT_LIES", 400);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Liar liar;
  const std::string policy = "log " + liar.town.log.key().text() + "\nquorum none\n";
  Bench bench;
  std::set<std::string> kinds;
  for (std::size_t who = 0; who < liar.ids.size(); ++who) {
    ASSERT_EQ(verify_history(liar.files[who], liar.town.check(liar.ids[who])).problem, "");
    bench.add("honest", liar.files[who], policy, liar.town.check(liar.ids[who]));
  }
  const std::size_t honest = bench.size();
  while (bench.size() < wanted + honest) {
    const std::size_t who = random() % liar.ids.size();
    History h = *parse_history(liar.files[who]);
    const std::string what = liar.lie(random, who, h);
    const std::string told = write_history(h);
    if (what.empty() || told == liar.files[who]) continue;
    kinds.insert(what);
    bench.add(what, told, policy, liar.town.check(liar.ids[who]));
  }
  EXPECT_EQ(bench.agree(), wanted);
  EXPECT_GT(kinds.size(), 25u);
  std::printf("    %llu lies of %zu kinds, both verifiers name the same fault of each; %s\n",
              static_cast<unsigned long long>(wanted), kinds.size(), seed.text().c_str());
}

// What lies about the log rather than about the citizen: witnesses, ages, forms, the past.
TEST(CitizenVerifier, AgreesOnWitnessesAgesAndTheKnownPast) {
  Town here;
  const std::string id = CitizensForTests::citizen(1), sealed = CitizensForTests::citizen(2);
  here.record(id, 3);
  const std::string early = here.history(id);
  here.record(id, 4);
  here.seal(sealed);
  const std::string file = here.history(id), hidden = here.history(sealed);
  const Court court(here.town.log.key()), strict(here.town.log.key(), 3);
  const std::uint64_t time = number(now()) / 1000;
  Bench bench;
  const auto tell = [&](const std::string& what, const std::string& told, const Court& with,
                        std::int64_t later = 0, std::optional<Remembered> before = {},
                        std::string whose = {}) {
    HistoryCheck check = here.town.check(whose.empty() ? id : whose);
    check.policy = *parse_tlog_policy(with.policy);
    check.unix_time = time + static_cast<std::uint64_t>(later);
    check.before = std::move(before);
    bench.add(what, told, with.policy, check);
  };
  const std::string good = court.cosigned(file, 3, time);
  const auto seen = [&](const std::string& told) {
    HistoryCheck check = here.town.check(id);
    check.policy = *parse_tlog_policy(court.policy);
    check.unix_time = time;
    const auto verdict = verify_history(told, check);
    EXPECT_EQ(verdict.problem, "");
    return verdict.now;
  };
  const auto earlier = seen(court.cosigned(early, 3, time)), latest = seen(good);
  tell("honest", good, court);
  tell("two of three", court.cosigned(file, 2, time), court);
  tell("ten minutes old", good, court, 600);
  tell("known before", good, court, 0, earlier);
  tell("known as it is", good, court, 0, latest);
  tell("a seal before its date", court.cosigned(hidden, 2, time), court, 0, {}, sealed);
  const std::size_t honest = bench.size();
  tell("one of three", court.cosigned(file, 1, time), court);
  tell("none", file, court);
  tell("two where three must", strict.cosigned(file, 2, time), strict);
  tell("witnesses of another court", strict.cosigned(file, 3, time), court);
  tell("older than ten minutes", good, court, 601);
  tell("shorter than what was known", court.cosigned(early, 3, time), court, 0, latest);
  Remembered other = latest;
  other.head[5] ^= 1;
  tell("another past", good, court, 0, other);
  other = latest;
  other.origin += "x";
  tell("another log's past", good, court, 0, other);
  other = latest;
  other.epoch += 1;
  tell("a later epoch known", good, court, 0, other);
  tell("a seal past its date", court.cosigned(hidden, 2, time + 3'700), court, 3'700, {}, sealed);
  tell("somebody else's", good, court, 0, {}, CitizensForTests::citizen(9));
  const auto reworded = [&](const std::string& what, const std::string& from,
                            const std::string& to) {
    std::string told = good;
    const auto at = told.rfind(from);
    ASSERT_NE(at, told.npos) << what;
    told.replace(at, from.size(), to);
    tell(what, told, court);
  };
  reworded("CR LF", "\nopen ", "\r\nopen ");
  reworded("two spaces", "\nopen ", "\nopen  ");
  reworded("a leading zero", "\nentries 7", "\nentries 07");
  reworded("one entry fewer counted", "\nentries 7", "\nentries 6");
  reworded("too many", "\nentries 7", "\nentries 99999999999999999999");
  reworded("an unknown line", "\nafter ", "\nextra 1\nafter ");
  reworded("another version", "amanat-history/1", "amanat-history/2");
  reworded("a checkpoint without signatures", "\n\n\u2014 ", "\n\u2014 ");
  reworded("a dash that is none", "\u2014 witness.example.org/press",
           "- witness.example.org/press");
  reworded("no end", "\n", "");
  for (std::size_t cut : {std::size_t{0}, std::size_t{1}, good.size() / 3, good.size() / 2})
    tell("cut short", good.substr(0, cut), court);
  EXPECT_EQ(bench.agree(), bench.size() - honest);
}

// Real witnesses, none of them ours, cosigned this; both verifiers say so.
TEST(CitizenVerifier, OpensACheckpointThatPublicWitnessesCosigned) {
  const std::string vectors = std::string(AMANAT_SOURCE_DIR) + "/tests/vectors/witnessed/";
  const Ran ran = test::run(
      "cd '" + web_folder() +
      "' && node --input-type=module -e \"import { openWitnessed, parsePolicy } from './note.mjs';"
      "import { readFileSync } from 'node:fs'; const at = openWitnessed(readFileSync('" +
      vectors + "checkpoint'), parsePolicy(readFileSync('" + vectors +
      "policy'))); console.log(at.origin, at.size, at.youngest)\"");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.said, "arche2025h1.staging.ct.transparency.dev 1432088532n 1779573024n\n");
}

// Unlike the lies above these know nothing of the form. Lines of unknown signers prove nothing and
// are passed over; every other byte matters.
TEST(CitizenVerifier, AgreesOnEveryFlippedByte) {
  const std::uint64_t wanted = number_from("AMANAT_FLIPS", 500);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  std::mt19937_64 random(seed.value);
  Town here;
  const std::string id = CitizensForTests::citizen(1);
  here.record(id, 2);
  ASSERT_TRUE(here.town.erase(*here.ledger, id));
  here.seal(id);
  const Court court(here.town.log.key(), 3);
  const std::string told = court.cosigned(here.history(id), 3, number(now()) / 1000);
  HistoryCheck check = here.town.check(id);
  check.policy = *parse_tlog_policy(court.policy);
  ASSERT_EQ(verify_history(told, check).problem, "");
  const std::size_t signatures = told.rfind("\n\n");
  // Every byte once where the run is long, a spread of them otherwise.
  std::vector<std::pair<std::size_t, unsigned>> flips;
  const std::size_t step = wanted >= told.size() ? 1 : told.size() / wanted;
  for (std::size_t at = random() % step; at < told.size(); at += step)
    flips.emplace_back(at, 1u << random() % 8);
  const TestFolder folder;
  write_text(folder.path() + "/history", told);
  net::JsonWriter json;
  json.begin_object().key("file").string(folder.path() + "/history");
  json.key("policy").string(court.policy).key("subject").string(id);
  json.key("at").number(check.unix_time).key("flips").begin_array();
  for (const auto& [at, mask] : flips) json.begin_array().number(at).number(mask).end_array();
  write_text(folder.path() + "/cases", json.end_array().end_object().take() + "\n");
  const Ran ran = node("histories.mjs", "< '" + folder.path() + "/cases'");
  ASSERT_EQ(ran.status, 0) << ran.said;
  std::istringstream said(ran.said);
  std::size_t ignored = 0;
  for (const auto& [at, mask] : flips) {
    std::string changed = told, theirs;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ mask);
    const auto ours = verify_history(changed, check);
    said >> theirs;
    ASSERT_EQ(theirs, text_of(ours.fault))
        << "byte " << at << " ^ " << mask << ": " << ours.problem;
    if (ours.fault == HistoryFault::none) {
      ++ignored;
      ASSERT_GT(at, signatures) << "byte " << at;
    }
  }
  std::printf("    %zu flipped bytes of %zu, %zu of them in lines of unknown signers; %s\n",
              flips.size(), told.size(), ignored, seed.text().c_str());
  EXPECT_LT(ignored, flips.size() / 4);
}

TEST(CitizenPage, IsWhatItsSourcesMake) {
  const TestFolder folder;
  const std::string made = folder.path() + "/page.html";
  const Ran ran = test::run("node '" + web_folder() + "/build.mjs' --out '" + made + "'");
  ASSERT_EQ(ran.status, 0) << ran.said;
  const std::string page = read_text(made);
  EXPECT_TRUE(page == read_text(web_folder() + "/amanat-verify.html"))
      << "web/verify/amanat-verify.html is not what `node web/verify/build.mjs` makes";
  // It can load nothing and connect to nothing, and names no address at all.
  EXPECT_NE(page.find("default-src 'none'; script-src 'sha256-"), page.npos);
  EXPECT_EQ(page.find("'unsafe"), page.npos);
  EXPECT_EQ(page.find("src=\""), page.npos);
}

TEST(CitizenPage, ShowsInABrowserWhatHoldsAndWhatDoesNotInBothLanguages) {
  Town here;
  const std::string id = CitizensForTests::citizen(1), never = CitizensForTests::citizen(2);
  here.record(id, 5);
  const std::string early = here.history(id);
  ASSERT_TRUE(here.town.erase(*here.ledger, id));
  here.record(id, 43);
  here.seal(id);
  const Court court(here.town.log.key());
  const std::uint64_t time = number(now()) / 1000;
  const TestFolder folder;
  const auto file = [&](const std::string& name, const std::string& bytes) {
    write_text(folder.path() + "/" + name, bytes);
    return folder.path() + "/" + name;
  };
  const std::string good = court.cosigned(here.history(id), 3, time);
  History shorter = *parse_history(good);
  shorter.entries.erase(shorter.entries.begin() + 20);
  HistoryCheck check = here.town.check(id);
  check.policy = *parse_tlog_policy(court.policy);
  const auto first = verify_history(court.cosigned(early, 2, time), check);
  ASSERT_EQ(first.problem, "");
  const std::string policy = file("policy", court.policy);
  // The publisher's copy has the keys built in.
  const std::string page = folder.path() + "/page.html";
  const Ran built = test::run("node '" + web_folder() + "/build.mjs' --policy '" + policy +
                              "' --out '" + page + "'");
  ASSERT_EQ(built.status, 0) << built.said;
  net::JsonWriter json;
  json.begin_object().key("page").string(page).key("remembered").string(folder.path() + "/kept");
  json.key("tasks").begin_array();
  const auto task = [&](const char* name, const std::string& told, const std::string& whose,
                        const char* fault, std::size_t entries, const std::string& before = {}) {
    json.begin_object().key("name").string(name).key("id").string(whose);
    json.key("holds").boolean(fault == nullptr).key("fault").string(fault ? fault : "");
    json.key("entries").number(entries).key("files").begin_array().string(told);
    if (!before.empty()) json.string(before);
    json.end_array().end_object();
  };
  const std::string honest = file("my-history", good);
  task("honest", honest, id, nullptr, 50);
  task("one left out", file("one-less", write_history(shorter)), id, "chain", 0);
  task("somebody else's", honest, never, "label", 0);
  task("nobody looked", file("nobody", court.cosigned(here.history(never), 2, time)), never,
       nullptr, 0);
  task("too few witnesses", file("alone", court.cosigned(here.history(id), 1, time)), id, "quorum",
       0);
  task("not a history", file("cut", good.substr(0, good.size() / 2)), id, "malformed", 0);
  task("known before", honest, id, nullptr, 50, file("kept-before", write_remembered(first.now)));
  const auto config = file("config", json.end_array().end_object().take());
  const Ran ran = node("citizen-page.mjs", "use '" + config + "'");
  EXPECT_EQ(ran.status, 0) << ran.said;
  EXPECT_NE(ran.said.find(R"("name":"done")"), std::string::npos) << ran.said;
  // What the page lets him keep is what amanat-verify takes as its --state.
  EXPECT_EQ(read_text(folder.path() + "/kept"), write_remembered(verify_history(good, check).now));
}

}  // namespace
}  // namespace amanat::ledger
