#include "cli/demo_leak.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/ask.h"
#include "cli/terminal.h"
#include "crypto/certificate.h"
#include "ledger/tlog_policy.h"
#include "net/csv.h"
#include "net/json.h"
#include "server/traces.h"
#include "storage/file.h"
#include "trace/bundle.h"
#include "trace/evidence.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kCitizens = 8;  // ten questions may follow at once (docs/detection.md)
constexpr std::string_view kCase = "FIR 900/26 PS Model Town Lahore";
constexpr std::string_view kFields =
    "identity.persons.national_id,identity.persons.name,identity.persons.gender,identity.persons."
    "date_of_birth,"
    "identity.persons.present_address,identity.persons.issued_on,identity.persons.expires_on";

using Shown = std::map<std::string, std::string>;

class Leak {
 public:
  Leak(Stage& stage, const LeakScene& scene) : stage_(stage), s_(scene) {}
  void play() {
    if (!prepare() || !look() || !sell() || !trace()) return;
    verify();
  }

 private:
  bool wrong(std::string_view sentence, const std::string& why) {
    stage_.step(sentence, "", {visible(why.substr(0, 400))}, false);
    return false;
  }
  bool run(std::string_view sentence, std::vector<std::string> words, Ran& ran, int wanted = 0) {
    ran = s_.type(std::move(words));
    if (ran.code == wanted) return true;
    return wrong(sentence, ran.err + ran.out);
  }
  static std::string digits(std::string_view text) {
    std::string out;
    for (const char c : text)
      if (c >= '0' && c <= '9') out += c;
    return out;
  }
  bool put(const std::string& name, const std::string& text, unsigned mode = 0644) {
    return storage::replace_file(storage::system_disk(), path(name), text, mode).has_value();
  }
  std::string path(const std::string& name) const { return s_.scratch + "/" + name; }

  std::vector<std::vector<std::string>> table(const std::string& file) const {
    std::vector<std::vector<std::string>> rows;
    auto reader = net::CsvReader::open(s_.files + "/" + file);
    net::CsvReader::Row row;
    while (reader && rows.size() < 4000) {
      auto more = reader->next(row);
      if (!more || !*more) break;
      rows.emplace_back(row.cells.begin(), row.cells.end());
    }
    return rows;
  }

  bool prepare() {
    constexpr std::string_view kSentence = "Two officers work on one case; two auditors stand by";
    for (const auto& row : table("hr_roster.csv"))
      if (row.size() >= 10 && row[5] == "investigator" && row[9].empty() &&
          row[0] != s_.investigator && colleague_.empty())
        (seller_.empty() ? seller_ : colleague_) = row[0];
    std::set<std::string> seen;  // officers too: nobody looks at a colleague
    for (const auto& row : table("hr_roster.csv"))
      if (row.size() > 2) seen.insert(digits(row[2]));
    // From the end: the first families are the officers' own.
    auto people = table("nadra_identity.csv");
    std::reverse(people.begin(), people.end());
    for (const auto& row : people) {
      if (row.size() < 14 || citizens_.size() == kCitizens + 1) continue;
      const std::string id = digits(row[0]);
      if (id.size() == 13 && !row[7].empty() && !row[9].empty() && !row[12].empty() &&
          !row[13].empty() && seen.insert(id).second)
        citizens_.push_back(id);
    }
    std::string subjects;
    for (const auto& id : citizens_) subjects += (subjects.empty() ? "" : ";") + id;
    const bool written =
        put("leak-case.csv", "Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC\n" +
                                 std::string(kCase) + ",fir,2026-01-05,,Investigation Lahore," +
                                 seller_ + ";" + colleague_ + "," + subjects + "\n") &&
        put("auditors.csv",
            "Officer No,Name,CNIC,Department,Unit,Role,Station,Shift,Joined,Left\n"
            "OM-1,First Auditor,61101-0000001-1,police,Ombudsman,auditor,Islamabad,,2020-01-01,\n"
            "OM-2,Second "
            "Auditor,61101-0000002-1,police,Ombudsman,auditor,Islamabad,,2020-01-01,\n");
    Ran ran;
    const std::string home = s_.exchange->home().root;
    if (!written || colleague_.empty() || citizens_.size() < kCitizens)
      return wrong(kSentence, "the country has not enough people");
    if (!run(kSentence, {"enrol", "--home", home, "officers", path("auditors.csv")}, ran) ||
        !run(kSentence, {"case", "--home", home, "import", path("leak-case.csv")}, ran))
      return false;
    for (const std::string& who : {seller_, colleague_, std::string("OM-1"), std::string("OM-2")}) {
      auto key = crypto::make_device_key(who);
      auto enrolled = key ? s_.exchange->enrol(who, key->csr_pem) : fail(Reason::internal_error);
      if (!enrolled || !put(who + ".crt", enrolled->certificate_pem) ||
          !put(who + ".key", std::string(key->key_pem.view()), 0600))
        return wrong(kSentence, "a device could not be enrolled for " + who);
    }
    return true;
  }

  Shown ask(const std::string& officer, const std::string& citizen) {
    const Ran ran =
        s_.type({"lookup", "--url", s_.url, "--ca", s_.exchange->home().ca_certificate(), "--cert",
                 path(officer + ".crt"), "--key", path(officer + ".key"), "--purpose",
                 "crime-investigation", "--case", std::string(kCase), "--national-id", citizen,
                 "--fields", std::string(kFields)});
    Shown out;
    const auto end = ran.out.find_last_not_of('\n');
    auto json = end == std::string::npos ? fail(Reason::malformed_json)
                                         : parse_answer(ran.out.substr(0, end + 1));
    const net::Json* answers = json ? json->find("answers") : nullptr;
    if (answers == nullptr || answers->array() == nullptr || answers->array()->empty()) {
      trouble_ = ran.err + ran.out;
      return out;
    }
    const net::Json* records = answers->array()->front().find("records");
    const net::Json* persons = records != nullptr ? records->find("identity.persons") : nullptr;
    if (persons == nullptr || persons->array() == nullptr || persons->array()->empty()) return out;
    for (const auto& member : *persons->array()->front().object())
      if (const auto* text = member.value.string()) out[member.name] = *text;
    return out;
  }

  bool look() {
    std::size_t both = 0;
    for (const auto& id : citizens_) {
      Shown own = ask(seller_, id);
      if (own.empty() || sold_.size() == kCitizens) continue;
      both += !ask(colleague_, id).empty();
      sold_.emplace(id, std::move(own));
    }
    if (sold_.size() < kCitizens / 2)
      return wrong("Two officers look at the same citizens", trouble_);
    stage_.step("Two officers look at the same citizens; each gets a copy of their own", "",
                {grouped(sold_.size()) + " citizens asked for by " + seller_ + ", " +
                 grouped(both) + " of them by " + colleague_ + " too"},
                both > 0);
    return true;
  }

  // Other headings, another order, a column cut, strangers in between.
  bool sell() {
    std::string leak = "naam,shanakhti card,pata,jins,jari,khatam\n";
    std::uint64_t stranger = 3'110'000'000'001;
    for (const auto& [id, copy] : sold_) {
      const auto at = [&copy](const std::string& name) {
        const auto found = copy.find(name);
        return found == copy.end() ? std::string() : found->second;
      };
      leak += at("name") + "," + id + ",\"" + at("present_address") + "\"," + at("gender") + "," +
              at("issued_on") + "," + at("expires_on") + "\n";
      for (int i = 0; i < 3; ++i)
        leak += "koi aur," + std::to_string(stranger += 7'919'000'077) +
                ",\"Mohalla, Kasur\",M,2020-01-01,2030-01-01\n";
    }
    if (!put("group.csv", leak))
      return wrong("One of them sells what was shown", "the file could not be written");
    stage_.step(
        "One of them sells what was shown: other headings, a column cut, three strangers a row", "",
        {path("group.csv") + ", " + grouped(sold_.size() * 4) +
         " rows; every row of it was shown to the colleague as well"},
        true);
    return true;
  }

  bool trace() {
    constexpr std::string_view kSentence = "The file is traced: whose copy is it?";
    const std::string home = s_.exchange->home().root;
    Ran ran;
    if (!run(kSentence, {"trace", "--home", home, path("group.csv"), "--brought-by", "a reader"},
             ran, 1))
      return false;
    const auto all = s_.exchange->traces().list();
    if (all.empty()) return wrong(kSentence, ran.out);
    id_ = all.back().id;
    for (const std::string who : {"OM-1", "OM-2"})
      if (!run(kSentence,
               {"trace", "open", id_, "--url", s_.url, "--ca", s_.exchange->home().ca_certificate(),
                "--cert", path(who + ".crt"), "--key", path(who + ".key"), "--reason",
                "found in a chat group"},
               ran))
        return false;
    if (!run(kSentence, {"trace", "show", id_, "--home", home, "--wait"}, ran)) return false;
    auto one = s_.exchange->traces().find(id_);
    if (!one) return wrong(kSentence, "the trace is gone");
    const bool good = one->named == std::vector<std::string>{seller_};
    std::vector<std::string> back = {"sealed as entry " + std::to_string(one->seal.value_or(0)) +
                                     ", unlocked as " + std::to_string(one->unlock.value_or(0)) +
                                     ", verdict " + std::to_string(one->verdict.value_or(0))};
    for (const auto& who : one->named) back.push_back("the copies delivered to account " + who);
    back.push_back("not " + colleague_ + ", who was shown every one of these rows too");
    stage_.step(
        kSentence,
        "amanat trace $D/group.csv --home $D/home    (then two auditors: amanat trace open " + id_ +
            ")",
        back, good);
    return good;
  }

  void verify() {
    constexpr std::string_view kSentence =
        "The evidence is checked offline; with one bit changed it is refused";
    Ran ran;
    if (!run(kSentence,
             {"trace", "bundle", id_, "--home", s_.exchange->home().root, "--out",
              path("evidence.tar")},
             ran))
      return;
    const std::string policy_text = "log " + s_.exchange->ledger().vkey() + "\nquorum none\n";
    auto policy = ledger::parse_tlog_policy(policy_text);
    auto key = storage::read_file(s_.auditor + "/auditor.vkey", 4096);
    while (key && key->ends_with('\n')) key->pop_back();
    auto auditor = key ? ledger::parse_verifier_key(*key) : fail(Reason::file_failed);
    auto files = trace::read_bundle(path("evidence.tar"));
    if (!put("policy", policy_text) || !policy || !auditor || !files) {
      wrong(kSentence, "the bundle could not be read");
      return;
    }
    const trace::Anchors anchors{*policy, *auditor};
    const auto holds = trace::check_evidence(*files, anchors);
    trace::Files changed = *files;
    std::string& row = changed["rows/1"];
    row[row.size() / 2] = static_cast<char>(row[row.size() / 2] ^ 1);
    const auto refused = trace::check_evidence(changed, anchors);
    stage_.step(kSentence,
                "amanat-verify evidence --policy $D/policy --auditor $D/auditor/auditor.vkey "
                "$D/evidence.tar",
                {holds.problem.empty() ? "it holds: " + grouped(holds.files) + " files, " +
                                             grouped(holds.rows) + " rows, nine checks"
                                       : holds.problem,
                 "changed: one bit of rows/1",
                 "found:   step " + std::to_string(static_cast<unsigned>(refused.step)) + ", " +
                     std::string(word_of(refused.step)) + ": " + refused.problem},
                holds.problem.empty() && !refused.problem.empty());
  }

  Stage& stage_;
  const LeakScene& s_;
  std::string seller_, colleague_, id_, trouble_;
  std::vector<std::string> citizens_;
  std::map<std::string, Shown> sold_;
};

}  // namespace

void play_leak(Stage& stage, const LeakScene& scene) { Leak(stage, scene).play(); }

}  // namespace amanat::cli
