// Marked answers over the real server, with the auditor as a process of its own: truthful, sticky,
// committed before they leave, and impossible without the auditor's share.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "auditor.h"
#include "disclosure/slots.h"

namespace amanat::test {
namespace {

const std::string kPersons =
    R"("identity.persons.national_id","identity.persons.name","identity.persons.name_urdu",)"
    R"("identity.persons.gender","identity.persons.date_of_birth",)"
    R"("identity.persons.present_address","identity.persons.permanent_address",)"
    R"("identity.persons.issued_on","identity.persons.expires_on")";
const std::string kAll = kPersons + R"(,"telecom.subscribers.*","telecom.calls.number",)"
                                    R"("telecom.calls.started_at","telecom.calls.duration_s",)"
                                    R"("police.firs.*","hotels.stays.*")";

// A purpose whose answers are parsed by a machine.
const server::Document kParsed = {"parsed.toml", R"([[purpose]]
id = "parsed"
says = "A machine reads the answer"
law = "law"

[[grant]]
id = "M01"
says = "The date of birth, for a machine"
roles = ["investigator"]
purposes = ["parsed"]
fields = ["identity.persons.date_of_birth", "identity.persons.national_id"]
marks = false
)"};

using Fields = std::map<std::string, std::string>;           // name -> text
using Records = std::map<std::string, std::vector<Fields>>;  // dataset -> records

std::string text_of(const net::Json& json) {
  if (const auto* s = json.string()) return *s;
  return json.boolean().value_or(false) ? "true" : "";
}

Records records_of(const World::Reply& reply) {
  Records out;
  const auto* answers = reply.at("answers").array();
  if (answers == nullptr || answers->empty()) return out;
  const net::Json* records = (*answers)[0].find("records");
  for (const auto& dataset : *records->object())
    for (const net::Json& record : *dataset.value.array()) {
      Fields fields;
      for (const auto& member : *record.object()) fields[member.name] = text_of(member.value);
      out[dataset.name].push_back(std::move(fields));
    }
  return out;
}

std::set<std::string> behind_of(const World::Reply& reply) {
  std::set<std::string> out;
  for (const net::Json& one : *(*reply.at("answers").array())[0].find("withheld")->array())
    if (*one.find("reason")->string() == "behind-show-more")
      out.insert(*one.find("field")->string());
  return out;
}

std::uint64_t entry_of(const World::Reply& reply) {
  return *(*reply.at("answers").array())[0].find("entry")->integer();
}

std::string digits(const std::string& text) { return digits_of(text); }

// What an honest reader would accept as the same truth, told without the code that renders.
bool same_truth(const std::string& field, const std::string& shown, const std::string& truth) {
  if (shown == truth) return true;
  const std::string d = digits(shown), t = digits(truth);
  if (field.ends_with("_id") || field == "msisdn" || field == "number" || field == "counterparty") {
    const auto tail = [](const std::string& s) {
      return s.substr(s.size() - std::min<std::size_t>(10, s.size()));
    };
    return field.ends_with("_id") ? d == t : tail(d) == tail(t);
  }
  if (field == "name_urdu") return shown.size() > truth.size();  // decomposed
  if (field.ends_with("address")) {
    // The same words in the same order, but for the first part and the words for house and street.
    const std::string parts = truth.substr(truth.find(", ") + 2);
    return shown.ends_with(parts.substr(parts.find(", "))) && t.ends_with(d);
  }
  if (field.ends_with("_on") || field == "date_of_birth") {
    static const std::vector<std::string> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::string y = truth.substr(0, 4), m = truth.substr(5, 2), day = truth.substr(8, 2);
    const std::string name = months[static_cast<std::size_t>(std::stoi(m)) - 1];
    return shown == day + "-" + m + "-" + y || shown == day + "/" + m + "/" + y ||
           shown == day + " " + name + " " + y || shown == y + "-" + m;
  }
  if (field == "started_at" || field == "checked_in" || field == "checked_out") {
    const int minute = std::stoi(truth.substr(14, 2));
    return shown.starts_with(truth.substr(0, 14)) && std::stoi(shown.substr(14, 2)) <= minute &&
           minute < std::stoi(shown.substr(14, 2)) + 5 && shown[16] == '/';
  }
  if (field == "duration_s") {
    const int minutes = std::stoi(shown);
    return shown == std::to_string(minutes) + "-" + std::to_string(minutes + 1) + " min" &&
           std::stoi(truth) / 60 == minutes;
  }
  if (field == "cell") return truth.starts_with(shown + "-");
  if (field == "sections") {
    std::string a = shown, b = truth;
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
  }
  return false;
}

bool told_by(const Fields& shown, const Fields& truth) {
  return std::all_of(shown.begin(), shown.end(), [&](const auto& one) {
    const auto at = truth.find(one.first);
    return at != truth.end() && same_truth(one.first, one.second, at->second);
  });
}

class MarksSystem : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    World::more_policy = {kParsed};
    world = new World;
    World::more_policy = {};
    world->serve();
    for (const OpenCase& one : world->open_cases("fir"))
      if (asked.size() < 6 && std::none_of(asked.begin(), asked.end(), [&](const auto& other) {
            return other.officer == one.officer;
          }))
        asked.push_back(one);
    for (const OpenCase& one : asked) {
      world->device(one.officer);
      unmarked[one.ref] = ask(one);
    }
    auditor = new AuditorProcess(world->exchange->ledger().vkey());
    auditor->join(world->home);
    world->reopen();
    world->serve();
  }
  static void TearDownTestSuite() {
    delete world;
    delete auditor;
    world = nullptr;
  }
  static World::Reply ask(const OpenCase& one, const std::string& fields = kAll) {
    return world->ask(one.officer, World::question("\"national_id\":\"" + one.citizen + "\"",
                                                   fields, "crime-investigation", one.ref));
  }
  static ledger::Opened entry(std::uint64_t index) {
    ledger::Opened out;
    EXPECT_TRUE(world->exchange->scan_ledger(EntryIndex{index}, [&](const ledger::Opened& e) {
      out = e;
      return false;
    }));
    return out;
  }
  static const std::string& marks_of(const ledger::Opened& e) {
    return e.parts[static_cast<std::size_t>(BodyPart::marks) - 1];
  }

  static inline World* world = nullptr;
  static inline AuditorProcess* auditor = nullptr;
  static inline std::vector<OpenCase> asked;
  static inline std::map<std::string, World::Reply> unmarked;
};

TEST_F(MarksSystem, EveryMarkedAnswerTellsTheTruthAndNothingElse) {
  std::size_t differing = 0;
  for (const OpenCase& one : asked) {
    SCOPED_TRACE(one.ref);
    const auto& before = unmarked[one.ref];
    ASSERT_EQ(before.status, 200u) << before.body;
    EXPECT_TRUE(behind_of(before).empty());
    const auto reply = ask(one);
    ASSERT_EQ(reply.status, 200u) << reply.body;
    const Records truth = records_of(before), shown = records_of(reply);
    const auto behind = behind_of(reply);
    for (const auto& [dataset, records] : shown)
      for (const Fields& record : records) {
        const auto& all = truth.at(dataset);
        EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                                [&](const Fields& t) { return told_by(record, t); }))
            << dataset << ": an answer says what no record does";
      }
    // What is missing is said to wait.
    for (const auto& [dataset, records] : truth)
      for (const Fields& record : records)
        for (const auto& [field, text] : record) {
          const auto now = shown.find(dataset);
          const bool there =
              now != shown.end() &&
              std::any_of(now->second.begin(), now->second.end(), [&](const Fields& r) {
                const auto at = r.find(field);
                return at != r.end() && same_truth(field, at->second, text);
              });
          EXPECT_TRUE(there || behind.contains(dataset + "." + field)) << dataset << "." << field;
        }
    differing += shown != truth ? 1 : 0;
  }
  EXPECT_GT(differing, asked.size() / 2);
}

TEST_F(MarksSystem, TheSameQuestionFallsTheSameWayAndOfficersDiffer) {
  const auto first = ask(asked[0]), again = ask(asked[0]);
  ASSERT_EQ(first.status, 200u) << first.body;
  EXPECT_EQ(records_of(first), records_of(again));
  EXPECT_EQ(behind_of(first), behind_of(again));
  EXPECT_NE(entry_of(first), entry_of(again));
}

TEST_F(MarksSystem, TheEntryCommitsToKeyCatalogueAndWhatMayWait) {
  const auto reply = ask(asked[0]);
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const ledger::Opened e = entry(entry_of(reply));
  const auto record = disclosure::parse_marks(marks_of(e));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, disclosure::MarksRecord::Kind::coins);
  EXPECT_EQ(record->catalogue, 1);
  EXPECT_FALSE(record->optional.empty());
  const auto key = world->exchange->marks().key(e.actor->account);
  ASSERT_TRUE(key);
  EXPECT_EQ(record->commitment, key->commitment);
  EXPECT_EQ(record->epoch, key->epoch);
  // Slot catalogue and year keys stand before it, as documents whose digest is public.
  bool slots = false, keys = false;
  ASSERT_TRUE(world->exchange->scan_ledger(EntryIndex{0}, [&](const ledger::Opened& one) {
    const std::string& note = one.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
    if (number(one.index) < number(e.index)) {
      slots = slots || (note == "slot catalogue" &&
                        one.evidence == world->exchange->marks().catalogue().text());
      keys = keys || note == "marks year keys";
    }
    return true;
  }));
  EXPECT_TRUE(slots && keys);
}

TEST_F(MarksSystem, ShowMoreIsASecondEntryThatNamesTheFirst) {
  for (const OpenCase& one : asked) {
    const auto reply = ask(one, kPersons);
    ASSERT_EQ(reply.status, 200u) << reply.body;
    const auto behind = behind_of(reply);
    if (behind.empty()) continue;
    const std::string field = *behind.begin(), name = field.substr(field.rfind('.') + 1);
    const std::string question =
        World::question("\"national_id\":\"" + one.citizen + "\"", "\"" + field + "\"",
                        "crime-investigation", one.ref);
    const auto more = [&](std::uint64_t index) {
      return question.substr(0, question.size() - 1) + ",\"more_of\":" + std::to_string(index) +
             "}";
    };
    const auto shown = world->ask(one.officer, more(entry_of(reply)));
    ASSERT_EQ(shown.status, 200u) << shown.body;
    const Records truth = records_of(unmarked[one.ref]);
    EXPECT_TRUE(same_truth(name, records_of(shown).at("identity.persons").at(0).at(name),
                           truth.at("identity.persons").at(0).at(name)));
    EXPECT_TRUE(behind_of(shown).empty());
    const auto record = disclosure::parse_marks(marks_of(entry(entry_of(shown))));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->kind, disclosure::MarksRecord::Kind::more);
    EXPECT_EQ(number(record->parent), entry_of(reply));
    // Somebody else's entry, one that is itself a second, or none at all: refused and recorded.
    EXPECT_EQ(world->ask(one.officer, more(0)).reason(), "parent-wrong");
    EXPECT_EQ(world->ask(one.officer, more(entry_of(shown))).reason(), "parent-wrong");
    EXPECT_EQ(world->ask(one.officer, more(1'000'000)).reason(), "parent-wrong");
    return;
  }
  FAIL() << "no coin kept anything back";
}

TEST_F(MarksSystem, AGrantForMachinesIsExemptAndItsEntrySaysSo) {
  const OpenCase& one = asked[0];
  const auto reply = world->ask(
      one.officer,
      World::question("\"national_id\":\"" + one.citizen + "\"",
                      R"("identity.persons.date_of_birth","identity.persons.national_id")",
                      "parsed", ""));
  ASSERT_EQ(reply.status, 200u) << reply.body;
  const Records truth = records_of(unmarked[one.ref]);
  EXPECT_EQ(records_of(reply).at("identity.persons").at(0).at("date_of_birth"),
            truth.at("identity.persons").at(0).at("date_of_birth"));
  EXPECT_EQ(marks_of(entry(entry_of(reply))), std::string(1, '\0'));
}

TEST_F(MarksSystem, TheAuditorAnswersNobodyWithoutItsCertificate) {
  const std::string folder = auditor->place() + "/exchange/";
  const std::string url = "https://" + auditor->address();
  const auto stranger = disclosure::https_auditor({url, folder + "ca.crt", "", ""});
  const auto refused = stranger->key(2026);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::auditor_refused);
  const auto known = disclosure::https_auditor(
      {url, folder + "ca.crt", folder + "client.crt", folder + "client.key"});
  EXPECT_TRUE(known->key(2026));
  EXPECT_EQ(known->evaluate(1999, {}).error().reason, Reason::auditor_refused);
  EXPECT_EQ(known->unlock("x", "y").error().reason, Reason::auditor_refused);
}

TEST_F(MarksSystem, ARekeyedAccountHasOtherCoinsFromThenOnAndAfterARestart) {
  const OpenCase& one = asked[1];
  const auto before = disclosure::parse_marks(marks_of(entry(entry_of(ask(one)))));
  ASSERT_TRUE(before);
  const AccountId account = entry(entry_of(ask(one))).actor->account;
  ASSERT_TRUE(world->exchange->rekey_marks(account));
  const auto after = disclosure::parse_marks(marks_of(entry(entry_of(ask(one)))));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->epoch, before->epoch + 1);
  EXPECT_NE(after->commitment, before->commitment);
  world->reopen();
  world->serve();
  const auto again = disclosure::parse_marks(marks_of(entry(entry_of(ask(one)))));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->epoch, after->epoch);
  EXPECT_EQ(again->commitment, after->commitment);
}

// Runs last: the custodian has its home, all its secrets and the ledger, and no auditor.
TEST_F(MarksSystem, WithoutTheAuditorsProcessTheCustodianHasNoKeysAndGivesNoAnswer) {
  EXPECT_EQ(ask(asked[0]).status, 200u);  // its key is fetched: a start forgets them all
  auditor->stop();
  EXPECT_EQ(ask(asked[0]).status, 200u) << "a key once fetched lasts for the day";
  world->reopen();
  world->serve();
  const auto refused = ask(asked[0]);
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(refused.reason(), "marks-key-missing");
  EXPECT_EQ(refused.at("answers").array(), nullptr);
  // At rest neither side holds what the other's half is made of.
  const std::string secret = read_all(fs::path(auditor->place()) / "auditor.key");
  for (const auto& file : fs::recursive_directory_iterator(world->home)) {
    if (!file.is_regular_file()) continue;
    EXPECT_EQ(read_all(file.path()).find(secret.substr(0, 40)), std::string::npos) << file.path();
  }
  auditor->start();
  ::usleep(1'100'000);  // after a failure nobody is asked for a second
  const auto again = ask(asked[0]);
  EXPECT_EQ(again.status, 200u) << again.body;
}

}  // namespace
}  // namespace amanat::test
