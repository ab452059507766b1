// amanat demo: the whole story with an invented country, through the very commands one would type and
// real HTTPS on loopback. Every figure it prints was measured while it played.

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/country.h"
#include "cli/demo_leak.h"
#include "cli/demo_people.h"
#include "cli/neighbour.h"
#include "cli/passkey_client.h"
#include "cli/stage.h"
#include "cli/terminal.h"
#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "model/insist.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::string_view kOrigin = "exchange.demo/one";
constexpr std::string_view kPurpose = "crime-investigation";
constexpr std::string_view kGranted = "identity.persons.name,identity.persons.present_address";
constexpr std::string_view kRoomy =
    "identity.persons.name,identity.persons.gender,identity.persons.date_of_birth,identity.persons.present_address,"
    "identity.persons.permanent_address,identity.persons.issued_on,identity.persons.expires_on";
constexpr std::string_view kFirstKey = ".first", kSecondKey = ".second";
constexpr std::string_view kNotGranted = "identity.persons.family_number";

// What ends a demo: Ctrl-C, a polite kill, a closed terminal.
sigset_t stop_signals() {
  sigset_t stops;
  ::sigemptyset(&stops);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&stops, signal);
  return stops;
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::uint64_t member(const net::Json& json, std::string_view name) {
  const net::Json* found = json.find(name);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

std::string_view text_member(const net::Json& json, std::string_view name) {
  const net::Json* found = json.find(name);
  const std::string* text = found == nullptr ? nullptr : found->string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

// The last line of a command's output is its JSON object.
net::Json last_json(const std::string& out) {
  const auto end = out.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const auto begin = out.rfind('\n', end);
  auto parsed = parse_answer(std::string_view(out).substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1));
  return parsed ? *std::move(parsed) : net::Json{};
}

class Demo {
 public:
  Demo(const Call& call, const Emit& emit, Scratch scratch)
      : manner_(call.manner), emit_(emit), stage_(manner_, emit), scratch_(std::move(scratch)),
        home_(scratch_.path() + "/home") {}

  Result<void> play(std::uint64_t citizens, std::uint64_t seed);
  int end() { return stage_.end(); }
  void stay_up();
  void tell_links();
  bool interrupted();

 private:
  Ran type(std::vector<std::string> arguments);
  Ran ask(const std::string& officer, const std::string& fields);
  void wrong(std::string_view sentence, const Ran& ran);

  Result<void> invent(std::uint64_t citizens, std::uint64_t seed);
  Result<void> make_authenticators();
  Result<void> found();
  Result<void> find_an_auditor();
  Result<void> take_in();
  Result<void> enrol();
  Result<void> open_the_doors();
  Result<void> register_passkeys();
  void allowed();
  void marked();
  void withheld();
  void stranger();
  void outsider();
  void check_ledger();
  void flip_a_byte();
  void leak();
  void people();

  std::string files() const { return scratch_.path() + "/files"; }
  std::string device(const std::string& officer, std::string_view end) const {
    return scratch_.path() + "/devices/" + officer + std::string(end);
  }
  std::string lookup_command(const std::string& officer, std::string_view fields) const;

  Manner manner_;
  const Emit& emit_;
  Stage stage_;
  Scratch scratch_;
  server::Home home_;
  Country country_;
  std::optional<Neighbour> auditor_;             // after scratch_: ended before its files go
  std::unique_ptr<server::Exchange> exchange_;   // after scratch_: closed before it is removed
  std::string url_, web_origin_;
  std::string receipt_;
  std::optional<Maker> maker_;
  DemoPeople people_;  // after exchange_: their doors close first
};

// Runs a command line exactly as the tool would, in this process, on the demo's own exchange.
Ran Demo::type(std::vector<std::string> arguments) {
  Ran ran;
  arguments.emplace_back("--json");
  const double began = now_seconds();
  const Emit collect = [&ran, this](int stream, std::string_view text) {
    if (stream == 1) ran.out += text;
    else if (text.starts_with("\r")) emit_(2, text);   // progress
    else ran.err += text;
  };
  auto call = parse(arguments);
  if (!call) {
    ran.code = complain(collect, manner_, call.error());
    return ran;
  }
  call->manner = manner_;
  call->manner.json = true;
  call->manner.colour = false;
  if (call->command->here != nullptr) {
    ran.code = call->command->here(*call, collect);
  } else {
    insist(exchange_ != nullptr);
    ran.code = call->command->on_home(*exchange_, *call, collect);
  }
  ran.seconds = now_seconds() - began;
  return ran;
}

void Demo::wrong(std::string_view sentence, const Ran& ran) {
  stage_.step(sentence, "", {"exit " + std::to_string(ran.code), visible(ran.err.substr(0, 400)), visible(ran.out.substr(0, 400))}, false);
}

Result<void> Demo::invent(std::uint64_t citizens, std::uint64_t seed) {
  for (const char* folder : {"/files", "/devices"})
    if (auto made = storage::system_disk().make_directory(scratch_.path() + folder); !made) return made;
  CountryOptions options;
  options.directory = files();
  options.citizens = citizens;
  options.seed = seed;
  options.today = today_utc();
  const double began = now_seconds();
  {
    Progress progress(manner_, emit_, "inventing");
    auto country = write_country(options, [&](std::uint64_t done) { progress.show(done, citizens, done, "citizens"); });
    if (!country) return std::unexpected(country.error());
    country_ = *std::move(country);
  }
  const double took = now_seconds() - began;
  std::uint64_t rows = 0;
  for (const auto& file : country_.files) rows += file.rows;
  stage_.step("A country is invented; nobody in it is real", "",
              {grouped(country_.citizens) + " citizens in families of several generations, " +
                   grouped(country_.canaries) + " canaries, " + grouped(country_.officers) + " officers of four departments",
               grouped(rows) + " rows in " + std::to_string(country_.files.size()) + " files, as untidy as real ones, in " +
                   seconds(took)},
              true);
  return {};
}

// Two authenticators an officer, of a maker that only this home lists.
Result<void> Demo::make_authenticators() {
  auto maker = make_maker("Demo Authenticators");
  if (!maker) return std::unexpected(maker.error());
  maker_.emplace(*std::move(maker));
  auto listed = storage::replace_file(storage::system_disk(), home_.authenticators(),
                                      allow_list(*maker_, "the demo's software authenticator"), 0644);
  if (!listed) return listed;
  for (const auto& officer : {country_.cast.investigator, country_.cast.outsider})
    for (const std::string_view end : {kFirstKey, kSecondKey}) {
      auto one = Authenticator::make(*maker_);
      if (!one) return std::unexpected(one.error());
      if (auto kept = keep_authenticator(device(officer, end), *one); !kept) return kept;
    }
  return {};
}

Result<void> Demo::found() {
  const Ran ran = type({"init", "--home", home_.root, "--origin", std::string(kOrigin)});
  if (ran.code != 0) {
    wrong("An exchange is founded", ran);
    return fail(Reason::internal_error, "init");
  }
  // The server's log would talk into the play; what is wrong it still says.
  auto config = server::read_config(home_.config());
  if (!config) return std::unexpected(config.error());
  config->log_level = "warning";
  auto kept = storage::replace_file(storage::system_disk(), home_.config(), server::write_config(*config), 0644);
  if (!kept) return kept;
  if (auto made = make_authenticators(); !made) return made;
  auto opened = server::Exchange::open(home_.root);
  if (!opened) return std::unexpected(opened.error());
  exchange_ = *std::move(opened);
  stage_.step("An exchange is founded: keys, certificate authority, ledger",
              "amanat init --home $D/home --catalog catalog/pakistan --origin " + std::string(kOrigin),
              {"verifier key for outsiders: " + exchange_->ledger().vkey()}, true);
  return {};
}

// Half of every key of the marks is another body's: a process of its own with its own directory.
Result<void> Demo::find_an_auditor() {
  const std::string place = scratch_.path() + "/auditor";
  const Ran made = type({"auditor", "init", "--dir", place, "--name", "auditor.demo/a1"});
  if (made.code != 0) wrong("An auditor is found", made);
  const std::string policy = "log " + exchange_->ledger().vkey() + "\nquorum none\n";
  if (auto kept = storage::replace_file(storage::system_disk(), place + "/policy", policy, 0644); !kept) return kept;
  auto neighbour = Neighbour::start({"auditor", "serve", "--dir", place, "--listen", "127.0.0.1:0"}, place + "/log");
  if (!neighbour) return std::unexpected(neighbour.error());
  auditor_.emplace(*std::move(neighbour));
  const std::string url = "https://" + auditor_->address();
  exchange_.reset();
  const Ran joined = type({"auditor", "join", place + "/exchange", "--home", home_.root, "--url", url});
  if (joined.code != 0) wrong("The auditor is joined", joined);
  auto opened = server::Exchange::open(home_.root);
  if (!opened) return std::unexpected(opened.error());
  exchange_ = *std::move(opened);
  stage_.step("An auditor holds half of every key of the marks that answers will carry",
              "amanat auditor join $D/auditor/exchange --home $D/home --url " + url,
              {"a process of its own; without it no answer leaves. What coins decide is entry " +
               std::to_string(exchange_->ledger().size() - 1) + " of the ledger, before any falls"},
              made.code == 0 && joined.code == 0 && exchange_->marks().configured());
  return {};
}

Result<void> Demo::take_in() {
  Columns table({Columns::Align::left, Columns::Align::right, Columns::Align::right, Columns::Align::right,
                 Columns::Align::right, Columns::Align::right});
  table.add({"dataset", "rows", "accepted", "repeated", "blank", "quarantined"});
  bool all_agree = true;
  std::uint64_t rows = 0;
  double took = 0;
  for (const auto& file : country_.files) {
    if (file.dataset.empty()) continue;
    const Ran ran = type({"import", "--home", home_.root, file.dataset, files() + "/" + file.name});
    const net::Json report = last_json(ran.out);
    const bool agrees = ran.code == 0 && member(report, "rows") == file.rows && member(report, "accepted") == file.accepted &&
                        member(report, "repeated") == file.repeated && member(report, "blank") == file.blank &&
                        member(report, "quarantined") == file.quarantined;
    if (ran.code != 0) wrong("Import of " + file.dataset, ran);
    table.add({file.dataset, grouped(member(report, "rows")), grouped(member(report, "accepted")),
               grouped(member(report, "repeated")), grouped(member(report, "blank")), grouped(member(report, "quarantined"))});
    if (!agrees)
      table.add({"  planted", grouped(file.rows), grouped(file.accepted), grouped(file.repeated), grouped(file.blank),
                 grouped(file.quarantined)});
    all_agree = all_agree && agrees;
    rows += file.rows;
    took += ran.seconds;
  }
  std::vector<std::string> back;
  std::string text = table.render();
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) back.push_back(text.substr(at, end - at));
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(rows) / std::max(took, 1e-9));
  back.push_back(grouped(rows) + " rows parsed, normalised, encrypted and indexed in " + seconds(took) + ": " + grouped(rate) + " rows/s");
  stage_.figure("import_rows_per_second", rate);
  stage_.step("The departments' files are taken in; every planted fault is found",
              "amanat import --home $D/home identity.persons $D/files/nadra_identity.csv    (and four more)", back, all_agree);
  return {};
}

Result<void> Demo::enrol() {
  const Ran roster = type({"enrol", "--home", home_.root, "officers", files() + "/hr_roster.csv"});
  const bool good = roster.code == 0 && member(last_json(roster.out), "accepted") == country_.officers;
  if (roster.code != 0) wrong("The roster is taken in", roster);
  stage_.step("Officers come from the personnel roster", "amanat enrol --home $D/home officers $D/files/hr_roster.csv",
              {grouped(country_.officers) + " officers"}, good);

  const Ran cases = type({"case", "--home", home_.root, "import", files() + "/cases.csv"});
  const auto& planted = country_.file("cases.csv");
  if (cases.code != 0) wrong("The cases are taken in", cases);
  stage_.step("The cases are taken in: who works on what, and whom it names", "amanat case --home $D/home import $D/files/cases.csv",
              {grouped(member(last_json(cases.out), "accepted")) + " cases; " + country_.cast.case_ref + " is open and assigned to " +
               country_.cast.investigator},
              cases.code == 0 && member(last_json(cases.out), "accepted") == planted.accepted);
  return {};
}

Result<void> Demo::open_the_doors() {
  auto address = exchange_->serve("127.0.0.1:0", run_on_home);
  if (!address) return std::unexpected(address.error());
  url_ = "https://" + *address;
  web_origin_ = "https://localhost:" + address->substr(address->rfind(':') + 1);
  stage_.step("The exchange answers on loopback over TLS 1.3", "amanat serve --home $D/home --listen " + *address,
              {url_}, true);
  return {};
}

Result<void> Demo::register_passkeys() {
  bool good = true;
  for (const auto& officer : {country_.cast.investigator, country_.cast.outsider}) {
    const Ran told = type({"enrol", "--home", home_.root, "passkey", officer});
    if (told.code != 0) wrong("An enrolment code is made", told);
    const std::string code(text_member(last_json(told.out), "code"));
    for (const std::string_view end : {kFirstKey, kSecondKey}) {
      const Ran ran = type({"passkey", "register", "--url", url_, "--web-origin", web_origin_, "--ca", home_.ca_certificate(),
                            "--authenticator", device(officer, end), "--code", code});
      if (ran.code != 0) wrong("A passkey is registered", ran);
      good = good && ran.code == 0;
    }
  }
  stage_.step("Each officer registers two passkeys with a code; each is an entry of the ledger before it counts",
              "amanat enrol --home $D/home passkey " + country_.cast.investigator,
              {"passkeys for " + country_.cast.investigator + " and " + country_.cast.outsider +
               "; every question below is signed by one, over exactly what is asked"},
              good);
  return {};
}

std::string Demo::lookup_command(const std::string& officer, std::string_view fields) const {
  std::string out = "echo " + country_.cast.subject + " | amanat lookup --url " + url_ + " --ca $D/home/ca.crt";
  if (!officer.empty()) out += " --web-origin " + web_origin_ + " --authenticator $D/devices/" + officer + std::string(kFirstKey);
  return out + " --purpose " + std::string(kPurpose) + " --case '" + country_.cast.case_ref + "' --national-id - --fields " +
         std::string(fields);
}

// An empty officer has no passkey.
Ran Demo::ask(const std::string& officer, const std::string& fields) {
  std::vector<std::string> arguments = {"lookup", "--url", url_, "--ca", home_.ca_certificate(), "--purpose", std::string(kPurpose),
                                        "--case", country_.cast.case_ref, "--national-id", country_.cast.subject, "--fields", fields};
  if (!officer.empty())
    for (const std::string& word : {std::string("--web-origin"), web_origin_, std::string("--authenticator"), device(officer, kFirstKey)})
      arguments.push_back(word);
  return type(std::move(arguments));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) out.push_back(text.substr(at, end - at));
  return out;
}

// Nothing is withheld but what a coin keeps behind "show more".
bool only_marks_wait(const net::Json& answer) {
  const net::Json* answers = answer.find("answers");
  if (answers == nullptr || answers->array() == nullptr || answers->array()->empty()) return false;
  const net::Json* withheld = answers->array()->front().find("withheld");
  if (withheld == nullptr || withheld->array() == nullptr) return false;
  for (const net::Json& one : *withheld->array())
    if (text_member(one, "reason") != row_of(Reason::behind_show_more).id) return false;
  return true;
}

// What is shown, without the entry and the receipt, which differ each time.
std::string shown_by(const net::Json& answer) {
  std::string out;
  const net::Json* answers = answer.find("answers");
  if (answers == nullptr || answers->array() == nullptr) return out;
  for (const net::Json& one : *answers->array())
    if (const net::Json* records = one.find("records"); records != nullptr && records->object() != nullptr)
      for (const auto& dataset : *records->object())
        for (const net::Json& record : *dataset.value.array())
          for (const auto& member : *record.object())
            if (const std::string* text = member.value.string()) out += member.name + "=" + *text + "\n";
  return out;
}

void Demo::marked() {
  constexpr std::string_view kSentence = "The answer is this officer's copy: where the purpose leaves room, a coin decided, and asking again changes nothing";
  const Ran first = ask(country_.cast.investigator, std::string(kRoomy));
  const Ran again = ask(country_.cast.investigator, std::string(kRoomy));
  if (first.code != 0 || again.code != 0) return wrong(kSentence, first.code != 0 ? first : again);
  const net::Json answer = last_json(first.out), other = last_json(again.out);
  const bool good = !shown_by(answer).empty() && shown_by(answer) == shown_by(other) && only_marks_wait(answer);
  stage_.step(kSentence, lookup_command(country_.cast.investigator, kRoomy), lines_of(answer_for_people(answer, manner_)), good);
}

void Demo::allowed() {
  const Ran ran = ask(country_.cast.investigator, std::string(kGranted));
  const net::Json answer = last_json(ran.out);
  const auto receipts = receipts_of(answer);
  const bool good = ran.code == 0 && receipts.size() == 1 && ran.out.find("\"present_address\":") != std::string::npos &&
                    only_marks_wait(answer);
  if (ran.code != 0) return wrong("An officer asks about the citizen the case names", ran);
  if (!receipts.empty()) receipt_ = receipts[0];
  auto back = lines_of(answer_for_people(answer, manner_));
  back.push_back("answered in " + seconds(ran.seconds) + ", new connection and durable record included");
  stage_.figure("first_answer_microseconds", static_cast<std::uint64_t>(ran.seconds * 1e6));
  stage_.step("An officer asks about the citizen the case names, and is answered",
              lookup_command(country_.cast.investigator, kGranted), back, good);
}

void Demo::withheld() {
  const std::string fields = "identity.persons.name," + std::string(kNotGranted);
  const Ran ran = ask(country_.cast.investigator, fields);
  const net::Json answer = last_json(ran.out);
  const bool good = ran.code == 0 && ran.out.find("\"name\":") != std::string::npos &&
                    ran.out.find("\"field\":\"" + std::string(kNotGranted) + "\"") != std::string::npos &&
                    ran.out.find("\"family_number\":") == std::string::npos;
  if (ran.code != 0) return wrong("The same officer asks for more than the policy grants", ran);
  stage_.step("The same officer asks for more than the policy grants: that field is withheld, with the reason and what to do",
              lookup_command(country_.cast.investigator, fields), lines_of(answer_for_people(answer, manner_)), good);
}

void Demo::stranger() {
  const Ran ran = ask("", std::string(kGranted));
  const bool good = ran.code == 1 && text_member(last_json(ran.out), "reason") == row_of(Reason::no_credential).id;
  stage_.step("A stranger without a passkey or certificate learns nothing", lookup_command("", kGranted), lines_of(ran.err), good);
}

void Demo::outsider() {
  const Ran ran = ask(country_.cast.outsider, std::string(kGranted));
  const bool good = ran.code == 1 && text_member(last_json(ran.out), "reason") == row_of(Reason::officer_not_assigned).id;
  stage_.step("Another investigator, not assigned to the case, is refused; the refusal is recorded too",
              lookup_command(country_.cast.outsider, kGranted), lines_of(ran.err), good);
}

void Demo::check_ledger() {
  const Ran ran = type({"ledger", "verify", "--home", home_.root});
  const net::Json verdict = last_json(ran.out);
  const std::uint64_t size = member(verdict, "size");
  stage_.step("The whole ledger is checked: every entry, hash and signature", "amanat ledger verify --home $D/home",
              {"it holds: " + grouped(size) + " entries in " + seconds(ran.seconds)}, ran.code == 0 && size > 0);

  auto log = ledger::parse_verifier_key(exchange_->ledger().vkey());
  bool proven = false;
  std::string said = "no receipt";
  if (log && !receipt_.empty()) {
    auto entry = ledger::verify_tlog_proof(receipt_, *log);
    proven = entry.has_value();
    said = proven ? "entry " + std::to_string(entry->index) + " is in the tree of " + std::to_string(entry->at.checkpoint.size) +
                        " entries that the log signed"
                  : std::string(row_of(entry.error().reason).english) + " " + entry.error().detail;
  }
  stage_.step("The officer's receipt is checked, offline, with the verifier key alone",
              "amanat-verify --vkey '" + exchange_->ledger().vkey() + "' r.tlog-proof",
              {said, "(lookup --receipt r.tlog-proof writes it; amanat-verify links nothing but proofs and crypto)"}, proven);
}

// Finds the receipt's entry in the copied segments, byte for byte, and flips one bit of it.
Result<std::string> flip_entry(const std::string& directory, const std::string& entry) {
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (!file.is_regular_file()) continue;
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    const auto at = bytes.find(entry);
    if (at == std::string::npos || bytes.find("AMNFRM01") == std::string::npos) continue;
    const auto place = at + entry.size() / 2;
    stream.clear();
    stream.seekp(static_cast<std::streamoff>(place));
    stream.put(static_cast<char>(bytes[place] ^ 0x04));
    if (!stream.flush()) return fail(Reason::file_failed, file.path().string());
    return std::filesystem::relative(file.path(), directory).string() + ", byte " + std::to_string(place);
  }
  return fail(Reason::no_record, "the receipt's entry is not in the copy");
}

// copy_ledger copies a ledger that is being written: the published head first, since the frames
// only grow; files that are about to be renamed into place are not part of it.
std::error_code copy_ledger(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(to, error);
  if (!error) fs::copy_file(from + "/published", to + "/published", error);
  for (fs::recursive_directory_iterator at(from, error), end; !error && at != end;
       at.increment(error)) {
    const fs::path target = fs::path(to) / fs::relative(at->path(), from);
    if (at->is_directory(error)) {
      fs::create_directories(target, error);
      continue;
    }
    error.clear();  // gone since it was listed
    if (at->path().extension() == ".new" || at->path().filename() == "published") continue;
    fs::copy_file(at->path(), target, error);
  }
  return error;
}

void Demo::flip_a_byte() {
  constexpr std::string_view kSentence = "One bit of one entry is changed in a copy of the ledger, and found";
  const server::Home copy(scratch_.path() + "/copy");
  std::error_code error;
  std::filesystem::create_directories(copy.root, error);
  if (!error) error = copy_ledger(home_.ledger(), copy.ledger());
  if (!error) std::filesystem::copy_file(home_.vkey(), copy.vkey(), error);
  if (error) return stage_.step(kSentence, "", {"the copy failed: " + error.message()}, false);
  auto proof = ledger::parse_tlog_proof(receipt_);
  if (!proof || !proof->extra) return stage_.step(kSentence, "", {"there is no receipt to find the entry by"}, false);
  const Ran before = type({"ledger", "verify", "--home", copy.root});
  auto place = flip_entry(copy.ledger(), *proof->extra);
  if (!place) return stage_.step(kSentence, "", {place.error().detail}, false);
  const Ran after = type({"ledger", "verify", "--home", copy.root});
  const auto problem = std::string(text_member(last_json(after.out), "problem"));
  stage_.step(kSentence, "amanat ledger verify --home $D/copy",
              {"changed: " + *place + " (entry " + std::to_string(proof->index) + ")", "found:   " + visible(problem)},
              before.code == 0 && after.code == 1 && !problem.empty());
  std::filesystem::remove_all(copy.root, error);
}

void Demo::leak() {
  LeakScene scene;
  scene.exchange = exchange_.get();
  scene.url = url_;
  scene.files = files();
  scene.scratch = scratch_.path();
  scene.auditor = scratch_.path() + "/auditor";
  scene.investigator = country_.cast.investigator;
  scene.type = [this](std::vector<std::string> words) { return type(std::move(words)); };
  play_leak(stage_, scene);
}

void Demo::people() {
  PeopleScene scene;
  scene.exchange = exchange_.get();
  scene.url = url_;
  scene.origin = web_origin_;
  scene.scratch = scratch_.path();
  scene.investigator = country_.cast.investigator;
  scene.subject = country_.cast.subject;
  scene.maker = &*maker_;
  people_ = DemoPeople::gather(stage_, scene);
}

bool Demo::interrupted() {
  const sigset_t stops = stop_signals();
  const timespec at_once{};
  return ::sigtimedwait(&stops, nullptr, &at_once) > 0;
}

Result<void> Demo::play(std::uint64_t citizens, std::uint64_t seed) {
  stage_.title("Amanat: departments keep records, officers ask, nothing is answered unrecorded.",
               {"D=" + scratch_.path() + "    stands for this directory below"});
  if (auto done = invent(citizens, seed); !done) return done;
  for (const auto act : {&Demo::found, &Demo::find_an_auditor, &Demo::take_in, &Demo::enrol, &Demo::open_the_doors, &Demo::register_passkeys}) {
    if (interrupted()) return fail(Reason::shutting_down, "interrupted");
    if (auto done = (this->*act)(); !done) return done;
  }
  for (const auto act : {&Demo::allowed, &Demo::marked, &Demo::withheld, &Demo::stranger, &Demo::outsider, &Demo::check_ledger, &Demo::flip_a_byte, &Demo::leak, &Demo::people}) {
    if (interrupted()) return fail(Reason::shutting_down, "interrupted");
    (this->*act)();
  }
  return {};
}

void Demo::stay_up() {
  stage_.line("\nThe exchange stays up at " + url_ + ". In another terminal:");
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) stage_.line("  PATH=" + program.parent_path().string() + ":$PATH");
  stage_.line("  D=" + scratch_.path());
  for (const std::string& command :
       {std::string("amanat status --home $D/home"), lookup_command(country_.cast.investigator, std::string(kGranted) + ",identity.persons.father_name"),
        std::string("amanat policy who identity.persons.present_address --home $D/home"),
        "amanat enrol --home $D/home revoke " + country_.cast.investigator,
        "echo " + country_.cast.subject + " | amanat erase --home $D/home --national-id -",
        std::string("amanat ledger verify --home $D/home")})
    stage_.line("  " + command);
  tell_links();
  stage_.line("Ctrl-C ends it and removes what it made.");
  // A line on the terminal asks for fresh links; its end does not end the demo.
  const sigset_t stops = stop_signals();
  for (bool listens = ::isatty(STDIN_FILENO) == 1;;) {
    const timespec a_moment{0, 200'000'000};
    if (::sigtimedwait(&stops, nullptr, &a_moment) > 0) return;
    pollfd in{STDIN_FILENO, POLLIN, 0};
    if (!listens || ::poll(&in, 1, 0) <= 0) continue;
    char line[256];
    if (::read(STDIN_FILENO, line, sizeof line) <= 0)
      listens = false;
    else
      tell_links();
  }
}

void Demo::tell_links() {
  if (!people_.complete()) return;
  stage_.line("\nSign in as one of five people; a link works once, Enter here makes fresh ones. The");
  stage_.line("browser asks whether to trust this demo's own certificate:");
  for (const std::string& line : people_.links()) stage_.line(line);
}

Result<std::uint64_t> number(const Call& call, std::string_view option, std::uint64_t otherwise) {
  if (!call.has(option)) return otherwise;
  const std::string& text = call.option(option);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Reason::usage_wrong, "--" + std::string(option) + " is a number");
  return value;
}

}  // namespace

int run_demo(const Call& call, const Emit& emit) {
  if (call.has("serve") && call.has("exit"))
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--serve or --exit, not both"});
  auto citizens = number(call, "citizens", 10'000);
  auto seed = number(call, "seed", 1);
  if (!citizens || !seed) return complain(emit, call.manner, (citizens ? seed : citizens).error());
  auto scratch = call.has("keep") ? Scratch::keep(call.option("keep")) : Scratch::temporary();
  if (!scratch) return complain(emit, call.manner, scratch.error());

  // Blocked before any thread exists: a Ctrl-C is noticed between steps, so that everything is removed.
  const sigset_t stops = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);

  Demo demo(call, emit, *std::move(scratch));
  auto played = demo.play(*citizens, *seed);
  if (!played) {
    complain(emit, call.manner, played.error());
    return played.error().reason == Reason::usage_wrong ? 2 : 1;
  }
  const int code = demo.end();
  // Where nobody sits in front of it (a pipe, CI) it ends with the story.
  const bool somebody = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const bool stays = call.has("serve") || (somebody && !call.has("exit") && !call.manner.json);
  if (code == 0 && stays) demo.stay_up();
  return code;
}

}  // namespace amanat::cli
