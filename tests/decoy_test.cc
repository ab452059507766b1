// Decoys in extracts over the whole exchange, with an auditor as a process of its own: they are
// there, in no total, in the register for two people alone, whoever looks one up is noticed, and one
// that leaks names the account that it was given to.

#include <gtest/gtest.h>

#include <random>

#include "auditor.h"
#include "extract_world.h"
#include "second_checker.h"
#include "server/traces.h"
#include "trace/bundle.h"
#include "trace/decoys.h"
#include "trace/evidence.h"

namespace amanat::test {
namespace {

class DecoyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    w = new ExtractWorld;
    w->world->serve();
    auditor = new AuditorProcess(w->world->exchange->ledger().vkey());
    auditor->join(w->world->home);
    w->world->reopen();
    w->world->serve();
  }
  static void TearDownTestSuite() {
    delete w;
    delete auditor;
  }
  static std::vector<std::string> some(std::size_t n) {
    return {w->citizens.begin() + 1000,
            w->citizens.begin() + 1000 + static_cast<std::ptrdiff_t>(n)};
  }
  // Whose numbers are in a file of JSON lines and not in the list.
  static std::vector<std::string> strangers(const std::string& file,
                                            const std::vector<std::string>& list) {
    std::vector<std::string> out;
    for (const auto& line : split(file, '\n')) {
      auto json = net::parse_json(line);
      EXPECT_TRUE(json) << line;
      const std::string citizen = *json->find("citizen")->string();
      if (!std::binary_search(list.begin(), list.end(), citizen)) out.push_back(citizen);
    }
    return out;
  }
  static Result<Caller> confirms(const std::string& officer, const std::string& verb,
                                 const std::string& target) {
    Act act;
    act.verb = verb;
    act.target = target;
    const std::string tagged = std::string("amanat/act/v1") + '\0' + *canonical_act(act);
    auto signature = crypto::sign_with_key(read_all(w->world->directory.path / (officer + ".key")),
                                           crypto::bytes_of(tagged));
    EXPECT_TRUE(signature);
    return w->world->exchange->identity().confirm_signed(
        officer, act, read_all(w->world->directory.path / (officer + ".crt")),
        crypto::text_of(crypto::bytes_of(*signature)));
  }

  /// Row is a citizen with a phone, as a file of JSON lines shows them.
  struct Row {
    std::string citizen, phone;
  };
  static std::vector<Row> rows_of(const std::string& file) {
    std::vector<Row> out;
    for (const auto& line : split(file, '\n')) {
      const auto numbers = trace::numbers_of(line);
      if (numbers.citizens.empty() || numbers.phones.empty()) continue;
      out.push_back({numbers.citizens.front(), numbers.phones.front()});
    }
    return out;
  }
  // An extract of somebody's, and the decoys in it that have a phone.
  static std::vector<Row> decoys_of(const std::string& officer, std::string* file = nullptr) {
    const auto list = some(600);
    std::vector<Row> out;
    for (int i = 0; i < 4 && out.empty(); ++i) {
      const std::string all = w->fetch(officer, w->extract(officer, list, "jsonl"));
      for (const Row& row : rows_of(all))
        if (!std::binary_search(list.begin(), list.end(), row.citizen)) out.push_back(row);
      if (file != nullptr) *file = all;
    }
    EXPECT_FALSE(out.empty()) << "no decoy with a phone";
    return out;
  }
  /// traced takes a file through a whole trace.
  static server::TraceCase traced(const std::string& find) {
    server::Traces& traces = w->world->exchange->traces();
    const fs::path path = w->world->directory.path / "find.csv";
    write_all(path, find);
    auto id = traces.take_file(path.string(), {});
    EXPECT_TRUE(id) << id.error().detail;
    auto one = traces.rest(*id, {});
    EXPECT_TRUE(one && one->state == server::TraceState::waiting) << (one ? one->trouble : "");
    for (const char* who : {"TA-5", "TA-6"}) {
      auto caller = confirms(who, "open-trace", *id);
      EXPECT_TRUE(caller);
      if (!caller) return {};
      auto opened = traces.open_by(*caller, *id);
      EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
    }
    one = traces.rest(*id, {});
    EXPECT_TRUE(one && one->state == server::TraceState::closed) << (one ? one->trouble : "");
    return one ? *one : server::TraceCase{};
  }
  static trace::Files bundle_of(const server::TraceCase& one) {
    auto container = w->world->exchange->traces().bundle(one.id);
    EXPECT_TRUE(container) << (container ? "" : container.error().detail);
    auto files = container ? trace::read_container(*container) : fail(Reason::evidence_wrong);
    return files ? *std::move(files) : trace::Files{};
  }
  static trace::Anchors anchors() {
    trace::Anchors out;
    auto policy = ledger::parse_tlog_policy("log " + w->world->exchange->ledger().vkey() +
                                            "\nquorum none\n");
    EXPECT_TRUE(policy);
    out.policy = *policy;
    std::string key = read_all(fs::path(auditor->place()) / "auditor.vkey");
    key.pop_back();
    out.auditor = *ledger::parse_verifier_key(key);
    return out;
  }
  // What the verdict says of one account: the words of its line.
  static std::vector<std::string> line_of(const server::TraceCase& one, const std::string& kind) {
    for (const auto& line : split(one.findings, '\n'))
      if (line.starts_with(kind + " ")) return split(line, ' ');
    return {};
  }
  static inline ExtractWorld* w = nullptr;
  static inline AuditorProcess* auditor = nullptr;
};

using W = ExtractWorld;

TEST_F(DecoyTest, StandAmongTheRowsInNoTotalAndDifferFromExtractToExtract) {
  const auto list = some(300);
  const auto view = w->extract("TA-1", list, "jsonl");
  ASSERT_EQ(W::text(view, "state"), "ready") << W::text(view, "reason");
  EXPECT_EQ(W::number_at(view, "rows"), 300u);
  EXPECT_EQ(W::number_at(view, "citizens"), 300u);
  EXPECT_EQ(W::number_at(view, "export_entry"), W::number_at(view, "first_entry") + 300);
  const std::string file = w->fetch("TA-1", view);
  const auto decoys = strangers(file, list);
  ASSERT_EQ(decoys.size(), 3u);
  EXPECT_EQ(split(file, '\n').size(), 303u);
  const std::string manifest =
      w->send("TA-1", "GET", "/v1/extracts/" + W::text(view, "extract") + "/manifest").body;
  EXPECT_NE(manifest.find("\nseeded yes\n"), std::string::npos);
  EXPECT_NE(manifest.find("\nmarks this recipient's\n"), std::string::npos);
  const auto again = w->extract("TA-1", list, "jsonl");
  for (const auto& other : strangers(w->fetch("TA-1", again), list))
    EXPECT_EQ(std::count(decoys.begin(), decoys.end(), other), 0) << "each extract has its own";
  EXPECT_TRUE(strangers(w->fetch("TA-3", w->extract("TA-3", some(49), "jsonl")), list).empty())
      << "none in fewer than fifty";
}

TEST_F(DecoyTest, AreOpenedByTwoWithTheRightAndNoticedWhenLookedUp) {
  const auto list = some(120);
  const auto view = w->extract("TA-1", list, "jsonl");
  const auto decoys = strangers(w->fetch("TA-1", view), list);
  ASSERT_EQ(decoys.size(), 2u);

  auto& extracts = w->world->exchange->extracts();
  auto first = confirms("TA-5", "decoys", "trace-1"),
       second = confirms("TA-6", "decoys", "trace-1");
  ASSERT_TRUE(first && second);
  auto opened = extracts.decoys(*first, *second);
  ASSERT_TRUE(opened) << opened.error().detail;
  std::size_t found = 0;
  for (const auto& line : *opened)
    if (line.extract == W::text(view, "extract")) {
      EXPECT_EQ(line.recipient, "TA-1");
      EXPECT_EQ(std::count(decoys.begin(), decoys.end(), line.citizen), 1);
      ++found;
    }
  EXPECT_EQ(found, 2u);
  const auto refused = [&](Result<Caller> one, Result<Caller> other) {
    auto opened = extracts.decoys(*one, *other);
    return opened ? Reason::internal_error : opened.error().reason;
  };
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-5", "decoys", "t")),
            Reason::not_yourself);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-6", "decoys", "u")),
            Reason::act_wrong);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-6", "hold", "t")),
            Reason::act_wrong);
  EXPECT_EQ(refused(confirms("TA-5", "decoys", "t"), confirms("TA-3", "decoys", "t")),
            Reason::not_your_right);

  const auto reply =
      w->world->ask("TA-3", World::question(R"("national_id":")" + decoys[0] + "\"",
                                            R"("identity.persons.father_name")", "counting", ""));
  EXPECT_EQ(reply.status, 200u) << reply.body;
  EXPECT_NE(reply.body.find("no-record"), std::string::npos) << "it looks like nobody";
  bool alarmed = false;
  for (int i = 0; i < 100 && !alarmed; ++i) {
    alarmed = w->world->exchange->alerts_json(AccountId{}).find("\"canary\"") != std::string::npos;
    if (!alarmed) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(alarmed) << w->world->exchange->alerts_json(AccountId{});
}

TEST_F(DecoyTest, OneLeakedRowThatIsADecoyNamesTheAccountAndItsBundleHoldsOffline) {
  const auto mine = decoys_of("TA-1");
  const auto theirs = decoys_of("TA-3");
  ASSERT_FALSE(mine.empty());
  ASSERT_FALSE(theirs.empty());
  // One row, retyped, with a name that nobody has.
  const auto one =
      traced("naam,card,mobile\nSOMEBODY ELSE," + mine[0].citizen.substr(0, 5) + "-" +
             mine[0].citizen.substr(5, 7) + "-" + mine[0].citizen.substr(12) + ",0" +
             mine[0].phone.substr(2, 3) + "-" + mine[0].phone.substr(5) + "\n");
  ASSERT_EQ(one.named, std::vector<std::string>{"TA-1"}) << one.findings;
  EXPECT_EQ(line_of(one, "strays")[1], "pairs") << one.findings;
  EXPECT_EQ(line_of(one, "strays").back(), "alone") << "nobody has ten bits of coins";
  EXPECT_EQ(line_of(one, "decoys")[2], "1");
  EXPECT_EQ(line_of(one, "rows")[1], "0");

  const trace::Files files = bundle_of(one);
  const auto held_to = anchors();
  const auto verdict = trace::check_evidence(files, held_to);
  EXPECT_EQ(verdict.problem, "") << word_of(verdict.step);
  ASSERT_TRUE(files.contains("decoys/1"));
  ASSERT_TRUE(files.contains("decoys/1.tlog-proof"));
  for (const char* page : {"report/report.html", "report/report.ur.html"})
    EXPECT_NE(files.at(page).find("TA-1"), std::string::npos) << page;
  EXPECT_NE(files.at("report/report.html").find("seeded records"), std::string::npos);

  // The other holder's decoys are in no file of it, and neither are the numbers of others' rows.
  for (const auto& [path, text] : files)
    EXPECT_EQ(text.find(theirs[0].citizen), std::string::npos) << path;

  std::mt19937_64 random(5);
  for (const char* path : {"decoys/1", "decoys/1.tlog-proof"}) {
    SCOPED_TRACE(path);
    const std::string& text = files.at(path);
    for (std::size_t i = 0; i < 200; ++i) {
      trace::Files changed = files;
      const std::size_t at = random() % text.size();
      changed[path][at] = static_cast<char>(changed[path][at] ^ (1 << (random() % 8)));
      EXPECT_NE(trace::check_evidence(changed, held_to).problem, "") << "byte " << at;
    }
    trace::Files without = files;
    without.erase(path);
    EXPECT_EQ(trace::check_evidence(without, held_to).step, trace::EvidenceStep::files);
  }
  // A checker that shares no code with ours says the same of each.
  std::string key = read_all(fs::path(auditor->place()) / "auditor.vkey");
  key.pop_back();
  SecondChecker second(w->world->directory.path / "second",
                       "log " + w->world->exchange->ledger().vkey() + "\nquorum none\n", key);
  std::vector<std::string> ours;
  // And what the exchange alters and signs again.
  const std::atomic<bool> never{false};
  const auto rejected = [&](const std::function<void(trace::DecoyFile&)>& change) {
    trace::Files changed = files;
    auto decoy = trace::parse_decoy(changed["decoys/1"]);
    EXPECT_TRUE(decoy);
    change(*decoy);
    changed["decoys/1"] = trace::write_decoy(*decoy);
    changed["manifest"] = trace::manifest_of(changed);
    auto entry = w->world->exchange->record_trace(ledger::TraceStep::verdict,
                                                  crypto::sha256(changed["manifest"]));
    auto proof = entry ? w->world->exchange->cosigned(*entry, never) : fail(Reason::internal_error);
    EXPECT_TRUE(proof);
    if (proof) changed["verdict.tlog-proof"] = *proof;
    const auto step = trace::check_evidence(changed, held_to).step;
    second.add(changed);
    ours.emplace_back(step == trace::EvidenceStep::none ? "holds" : trace::word_of(step));
    return step;
  };
  using Step = trace::EvidenceStep;
  EXPECT_EQ(rejected([](auto&) {}), Step::none);
  EXPECT_EQ(rejected([](auto& d) { d.number ^= 1; }), Step::keys);
  EXPECT_EQ(rejected([](auto& d) { d.seed[3] ^= 1; }), Step::keys);
  EXPECT_EQ(rejected([](auto& d) { d.stray.citizen[6] = d.stray.citizen[6] == '1' ? '2' : '1'; }),
            Step::keys);
  EXPECT_EQ(rejected([](auto& d) { d.rows += " "; }), Step::rendering);
  EXPECT_EQ(rejected([](auto& d) { d.answers[0] ^= 1; }), Step::rendering);
  EXPECT_EQ(rejected([](auto& d) { d.shown.parts[1][5] ^= 1; }), Step::rendering);
  EXPECT_EQ(rejected([](auto& d) { d.shown.r_actor[0] ^= 1; }), Step::rendering);
  EXPECT_EQ(rejected([](auto& d) { d.salt[0] ^= 1; }), Step::symbols);
  EXPECT_EQ(rejected([](auto& d) { d.stray.offset += 1; }), Step::symbols);
  EXPECT_EQ(rejected([&](auto& d) { d.stray.phone = theirs[0].phone; }), Step::symbols);
  const auto said = second.judge();
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_EQ(said[i].substr(0, said[i].find(' ')), ours[i]) << "alteration " << i;
}

TEST_F(DecoyTest, PlantedRowsLikeDecoysNameNobody) {
  const auto theirs = decoys_of("TA-4");
  ASSERT_FALSE(theirs.empty());
  // A number of the same region, a decoy's number with another's phone, a phone with another's
  // number: whoever plants what he thinks up hits no decoy.
  std::string like = theirs[0].citizen;
  like[8] = like[8] == '4' ? '5' : '4';
  std::string phone = theirs[0].phone;
  phone[9] = phone[9] == '4' ? '5' : '4';
  const auto one = traced("card,mobile\n" + like + ",+" + theirs[0].phone + "\n" +
                          theirs[0].citizen + ",+" + phone + "\n" + like + ",+" + phone + "\n");
  EXPECT_TRUE(one.named.empty()) << one.findings;
  EXPECT_EQ(line_of(one, "strays")[2], "3") << one.findings;
  EXPECT_FALSE(one.bundle);
  // A number alone, without the phone, is too little by itself, and says so by naming nobody.
  const auto alone = traced("card\n" + theirs[0].citizen + "\n");
  EXPECT_TRUE(alone.named.empty()) << alone.findings;
  EXPECT_EQ(line_of(alone, "strays")[1], "numbers");
}

TEST_F(DecoyTest, AmongRealRowsItNamesItsAccountThoughColleaguesHadThemAll) {
  std::string file;
  const auto mine = decoys_of("TA-3", &file);
  const auto list = some(600);
  // Rows of the extract, names and addresses as they were shown; with and without decoys.
  std::string with = "card,naam,pata,mobile\n", without = with;
  std::size_t rows = 0;
  for (const auto& line : split(file, '\n')) {
    const auto json = net::parse_json(line, {.bytes_max = 1 << 20});
    ASSERT_TRUE(json);
    const std::string citizen = *json->find("citizen")->string();
    const auto* persons = json->find("records")->find("identity.persons");
    const auto numbers = trace::numbers_of(line);
    if (persons == nullptr || persons->array()->empty()) continue;
    const auto text = [&](const char* field) {
      const net::Json* value = (*persons->array())[0].find(field);
      return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
    };
    const bool decoy = !std::binary_search(list.begin(), list.end(), citizen);
    if (!decoy && ++rows > 120) continue;
    const std::string row = citizen + ",\"" + text("name") + "\",\"" + text("present_address") +
                            "\"," + (numbers.phones.empty() ? "" : "+" + numbers.phones[0]) + "\n";
    with += row;
    if (!decoy) without += row;
  }
  // Colleagues had the very same list: without a decoy nobody is told from another.
  const auto bare = traced(without + "9999999999999,\"NOBODY\",\"\",+923111111111\n");
  EXPECT_TRUE(bare.named.empty()) << bare.findings;
  EXPECT_EQ(line_of(bare, "rows")[2], "120") << bare.findings;
  const auto found = traced(with);
  ASSERT_EQ(found.named, std::vector<std::string>{"TA-3"}) << found.findings;
  EXPECT_EQ(line_of(found, "decoys")[2], std::to_string(std::min<std::size_t>(mine.size(), 16)));
  EXPECT_EQ(trace::check_evidence(bundle_of(found), anchors()).problem, "");
}

}  // namespace
}  // namespace amanat::test
