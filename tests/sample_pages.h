#pragma once
// Every page of the console once, with values as they occur in an invented country, the same each
// time: what the golden pictures in tests/pictures are made from.

#include <string>
#include <vector>

#include "console/auditor_pages.h"
#include "console/citizen_pages.h"
#include "console/notice_pages.h"
#include "console/pages.h"
#include "console/supervisor_pages.h"
#include "console/trace_pages.h"
#include "console/watch_pages.h"

namespace amanat::test {

struct SamplePage {
  std::string name, document;
};

class SamplePages {
 public:
  explicit SamplePages(console::Language language) : l_(language) {
    strangers();
    officers();
    supervisors();
    auditors();
    citizens();
    files();
  }
  std::vector<SamplePage> pages;

 private:
  using Word = console::Word;
  bool urdu() const { return l_ == console::Language::urdu; }
  std::string say(const char* english, const char* other) const { return urdu() ? other : english; }
  console::Reader reader(const std::string& account, const std::string& path) const {
    return {l_, account, path};
  }
  void add(const std::string& name, std::string document) {
    pages.push_back({name, std::move(document)});
  }
  static console::ToSign to_sign() { return {"bm9uY2U", R"({"publicKey":{"challenge":"YQ"}})"}; }

  void strangers() {
    using namespace console;
    const Reader r = reader("", "/sign-in");
    add("sign-in", sign_in_page(r, to_sign(), nullptr));
    add("sign-in-ended", sign_in_page(r, to_sign(), &row_of(Reason::no_session)));
    add("enrol", code_page(reader("", "/enrol"), nullptr));
    add("register", register_page(reader("", ""), "PO-1204", "ABCD", to_sign()));
    add("register-citizen", register_page(reader("", ""), "citizen-9214d609", "ABCD", to_sign()));
    add("registered-citizen", registered_page(reader("", ""), "", 0, ""));
    add("registered", registered_page(reader("", ""), "YubiKey 5 NFC", 1, "ABCD"));
    add("ledger",
        ledger_page(reader("", "/ledger"),
                    {"exchange.example/one", "n4pPLwDHRkYOmJjFYCvvZ1ZlvJ0rQm0ZLmYvIm0TgWw=",
                     "exchange.example/one+7f3a91c2+AWh3k0n5rY8mQ0mN2o2r3xkq9J6c8Jm3s6u1", 48213}));
    add("notice-check", check_notice_page(reader("", "/notice"), std::nullopt, nullptr, kZone));
    CheckedNotice genuine;
    genuine.genuine = true;
    genuine.sent = kNoon;
    genuine.text = say(
        "Amanat: your record was looked at. police, Investigation Lahore, 22 November 2026, 17:00. "
        "Code 7K2MQ-X9F4T.",
        "امانت: آپ کا ریکارڈ دیکھا گیا۔ پولیس، تفتیش لاہور، 22 نومبر 2026، 17:00۔ کوڈ "
        "7K2MQ-X9F4T۔");
    add("notice-genuine", check_notice_page(reader("", ""), genuine, nullptr, kZone));
    add("notice-forged", check_notice_page(reader("", ""), CheckedNotice{}, nullptr, kZone));
    add("api", api_page(reader("", "/api"),
                        {{"POST", "/v1/lookups", "officer, service", "Ask a question."},
                         {"GET", "/v1/me/disclosures", "citizen", "Who looked at my record."},
                         {"GET", "/ledger/checkpoint", "anyone", "The ledger's signed head."}}));
  }

  std::vector<console::OfferedPurpose> purposes() const {
    return {
        {"crime-investigation",
         say("the investigation of a registered crime", "درج مقدمے کی تفتیش"),
         {{"identity.persons.name", say("Name", "نام"), "C01", false,
           say("National identity record", "قومی شناختی ریکارڈ")},
          {"identity.persons.national_id", say("Identity card number (CNIC)", "شناختی کارڈ نمبر"),
           "C01", false, say("National identity record", "قومی شناختی ریکارڈ")},
          {"identity.persons.present_address", say("Present address", "موجودہ پتہ"), "C01", false,
           say("National identity record", "قومی شناختی ریکارڈ")},
          {"telecom.calls.counterparty", say("The other number", "دوسرا نمبر"), "C04", true,
           say("Call or message", "کال یا پیغام")}}},
        {"desk-verification",
         say("checking at the desk that a person is who they say", "کاؤنٹر پر شناخت کی تصدیق"),
         {{"identity.persons.name", say("Name", "نام"), "D01", false,
           say("National identity record", "قومی شناختی ریکارڈ")}}}};
  }

  console::Purposes in_words() const {
    console::Purposes out;
    for (const auto& one : purposes()) out.emplace_back(one.id, one.says);
    return out;
  }

  void officers() {
    using namespace console;
    const Reader r = reader("PO-1204", "/ask");
    StartFor officer;
    officer.asks = officer.waits = true;
    add("start-officer", start_page(reader("PO-1204", "/"), officer));
    AskForm form;
    add("ask", ask_page(r, purposes(), form));
    form.citizen = "35202-123456-1";
    form.purpose = "crime-investigation";
    form.mistakes = {{Word::citizen_number_wrong, "12"}, {Word::fields_missing, ""}};
    add("ask-mistake", ask_page(r, purposes(), form));
    add("ask-nothing", ask_page(r, {}, {}));
    form.citizen = "35202-1234567-1";
    form.fields = {"identity.persons.name"};
    form.mistakes.clear();
    add("check",
        check_page(reader("PO-1204", ""),
                   {say("Asked by: PO-1204 (police, Investigation Lahore)",
                        "سائل: \u2068PO-1204 (police, Investigation Lahore)\u2069"),
                    say("A question about one citizen.", "ایک شہری کا سوال۔"),
                    say("About: identity card number 35202-1234567-1",
                        "موضوع: شناختی نمبر \u206835202-1234567-1\u2069"),
                    say("Fields: Name, Present address", "خانے: نام، موجودہ پتہ"),
                    say("Purpose: the investigation of a registered crime (crime-investigation)",
                        "مقصد: درج مقدمے کی تفتیش \u2068(crime-investigation)\u2069"),
                    say("Case: FIR 214/26 PS Model Town Lahore",
                        "مقدمہ: \u2068FIR 214/26 PS Model Town Lahore\u2069"),
                    say("Citizens shown at most: 1", "زیادہ سے زیادہ شہری: 1"),
                    say("This question is recorded, and the citizen can see it.",
                        "یہ سوال درج ہوگا، اور شہری اسے دیکھ سکے گا۔")},
                   form, to_sign()));
    AnsweredCitizen citizen;
    citizen.citizen = "35202-1234567-1";
    citizen.receipt =
        "c2sp.org/tlog-proof@v1\nindex 48212\nn4pPLwDHRkYOmJjFYCvvZ1ZlvJ0rQm0ZLmYvIm0TgWw=\n";
    citizen.entry = 48212;
    citizen.records = {
        {say("National identity record", "قومی شناختی ریکارڈ"),
         say("Registration authority (NADRA)", "نادرا"),
         "2026-11-20",
         {{say("Name", "نام"), "Ayesha Khan"},
          {say("Name in Urdu", "نام اردو میں"), "عائشہ خان"},
          {say("Date of birth", "تاریخِ پیدائش"), "1989-04-12"},
          {say("Present address", "موجودہ پتہ"), "House 14, Street 3, Gulberg III, Lahore"}}},
        {say("Phone number held", "زیرِ استعمال فون نمبر"),
         say("Telecom authority (PTA)", "پی ٹی اے"),
         "2026-11-21",
         {{say("Phone number", "فون نمبر"), "+92 300 1234567"}}}};
    citizen.withheld = {{say("Permanent address", "مستقل پتہ"), &row_of(Reason::behind_show_more)},
                        {say("Family number", "خاندان نمبر"), &row_of(Reason::field_not_granted)}};
    add("answer", answer_page(reader("PO-1204", ""), {citizen}));
    AnsweredCitizen nothing;
    nothing.citizen = "35202-7654321-9";
    nothing.entry = 48215;
    nothing.receipt = "c2sp.org/tlog-proof@v1\nindex 48215\n";
    add("answer-nothing", answer_page(reader("PO-1204", ""), {nothing}));
    add("refused", refused_page(reader("PO-1204", ""), Failure{Reason::officer_not_assigned,
                                                               "FIR 214/26 PS Model Town Lahore"}));
    add("waiting",
        refused_page(reader("PO-1204", ""),
                     Failure{Reason::approval_required,
                             "identity.persons.name, rule A01, approval be9edd68feb92a10"}));
    add("record",
        record_page(reader("PO-1204", "/record"),
                    {{48212, kNoon, "disclosure", "", "crime-investigation"},
                     {48199, Moment{number(kNoon) - 4'000'000}, "denied", "", "desk-verification"}},
                    in_words(), kZone));
    add("record-none", record_page(reader("PO-1204", "/record"), {}, in_words(), kZone));
    add("devices",
        devices_page(
            reader("PO-1204", "/devices"),
            {{"3f9ac1d2" + std::string(56, '0'), Word::kind_passkey, "2026-03-02", false, true},
             {"77b0e4aa" + std::string(56, '0'), Word::kind_passkey, "2026-03-02", false, false},
             {"1c44de90" + std::string(56, '0'), Word::kind_certificate, "2025-01-14", true,
              false}}));
    add("who",
        who_page(
            reader("PO-1204", "/who"), "telecom.calls.*",
            {{"investigator", purposes()[0].says, "masked", "C04",
              "An investigator of the case sees it partly hidden while the case is open."},
             {"fia.investigator",
              say("the inquiry into a cyber crime complaint", "سائبر جرم کی شکایت کی انکوائری"),
              "full", "F03", "An FIA investigator sees it with a court's order and one approval."}},
            nullptr));
  }

  console::ShownMonth month() const {
    console::ShownMonth month;
    constexpr unsigned kDays[30] = {3, 4, 2, 0, 0, 5, 4, 3, 6, 2, 0, 0, 4,  5,  3,
                                    2, 4, 0, 0, 6, 5, 4, 7, 3, 0, 0, 9, 12, 14, 6};
    for (unsigned i = 0; i < 30; ++i) {
      const Moment day{number(kNoon) - (29 - i) * 86'400'000ull};
      month.days.push_back(
          {console::written_day(day, kZone, l_), kDays[i], i > 25 ? kDays[i] / 2 : 0});
    }
    month.citizens = 4.2;
    month.peer_citizens = 3.6;
    month.unexplained = 0.9;
    month.peer_unexplained = 0.2;
    month.peers = 11;
    return month;
  }

  console::ShownRequest request() const {
    console::ShownRequest one;
    one.id = "9f3c21aa04be77d1";
    one.asker = "PO-1204";
    one.department = say("Police", "پولیس");
    one.unit = "Investigation Lahore";
    one.asked = kNoon;
    one.expires = Moment{number(kNoon) + 3'600'000 * 5};
    one.wanted = 2;
    one.given = 1;
    one.asks = {
        {std::string(console::say(Word::purpose, l_)),
         say("the investigation of a registered crime", "درج مقدمے کی تفتیش")},
        {std::string(console::say(Word::case_number, l_)), "FIR 214/26 PS Model Town Lahore"},
        {std::string(console::say(Word::citizen_number, l_)), "35202-*****67-1"},
        {std::string(console::say(Word::what_to_see, l_)),
         say("The other number, Cell", "دوسرا نمبر، سیل ٹاور")}};
    one.decided = {
        {"SP-1", say("the order of the court is on file", "عدالت کا حکم فائل پر ہے"), true}};
    return one;
  }

  void supervisors() {
    using namespace console;
    StartFor supervisor;
    supervisor.asks = supervisor.waits = supervisor.decides = supervisor.holds = true;
    add("start-supervisor", start_page(reader("SP-1", "/"), supervisor));
    add("requests",
        requests_page(reader("SP-1", "/approvals"), {request()}, {request()}, kNoon, kZone));
    ShownRequest approved = request();
    approved.given = approved.wanted;
    add("requests-approved",
        requests_page(reader("PO-1204", "/approvals"), {}, {approved}, kNoon, kZone));
    add("requests-none", requests_page(reader("SP-1", "/approvals"), {}, {}, kNoon, kZone));
    add("request", request_page(reader("SP-1", "/approvals/9f3c21aa04be77d1"), request(), month(),
                                kZone, nullptr));
    ActToSign act;
    act.sentences = {
        say("Confirmed by: SP-1 (police, Investigation Lahore)",
            "تصدیق کنندہ: \u2068SP-1 (police, Investigation Lahore)\u2069"),
        say("Act: approve (approve)", "کام: منظور کرنا \u2068(approve)\u2069"),
        say("On: 9f3c21aa04be77d1", "بابت: \u20689f3c21aa04be77d1\u2069"),
        say("Reason: the order of the court is on file", "وجہ: عدالت کا حکم فائل پر ہے"),
        say("This confirmation is recorded.", "یہ تصدیق درج ہوگی۔")};
    act.sign = to_sign();
    add("sign-act", act_page(reader("SP-1", ""), act, console::Address("/approvals")));
    add("done", done_page(reader("SP-1", ""), Word::decided_done, 48230,
                          console::Address("/approvals"), Word::requests));
    ShownHold hold;
    hold.hold = 48190;
    hold.says =
        say("So many questions about citizens who do not exist: numbers are being tried out.",
            "بہت سے سوال ایسے شہریوں کے بارے میں جو موجود نہیں: نمبر آزمائے جا رہے ہیں۔");
    hold.tier = "suspend";
    hold.account = "PO-1377";
    hold.since = kNoon;
    hold.month = month();
    hold.may_release = true;
    ShownAlert alert{48190, hold.says, "suspend", "PO-1377", "Investigation Lahore",
                     "",    "",        kNoon,     "9.31",    "8.00"};
    add("alerts", alerts_page(reader("SP-1", "/alerts"), {hold}, {alert}, kZone, true, nullptr));
    add("alerts-none", alerts_page(reader("SP-1", "/alerts"), {}, {}, kZone, true, nullptr));
    add("reviews",
        reviews_page(
            reader("AU-1", "/reviews"),
            {{"51aa", "PO-1204", say("saving a life", "جان بچانا"), "FIR 220/26 PS Cantt",
              say("a kidnapped child, minutes count", "اغوا شدہ بچہ، وقت کم ہے"), "", kNoon, false,
              false},
             {"51ab", "PO-1311", say("saving a life", "جان بچانا"), "FIR 190/26 PS Cantt",
              say("caller in danger", "فون کرنے والا خطرے میں"), "AU-1", kNoon, true, false}},
            kZone));
    ShownProposal proposal;
    proposal.id = "6be1f0";
    proposal.documents = std::string(64, 'b');
    proposal.proposed = kNoon;
    proposal.widens = true;
    proposal.changes = {{"C04: clerks see telecom.calls.number masked", true},
                        {"C09: at most 20 citizens a day", false}};
    proposal.signers = {"PK-1"};
    proposal.wanted = 2;
    add("policy",
        proposals_page(reader("PK-2", "/policy"), {proposal}, std::string(64, 'a'), kZone));
    Team team;
    team.department = say("Police", "پولیس");
    team.unit = "Investigation Lahore";
    const std::string crime = say("the investigation of a registered crime", "درج مقدمے کی تفتیش"),
                      desk = say("checking at the desk that a person is who they say",
                                 "کاؤنٹر پر شناخت کی تصدیق");
    team.officers = {{"PO-1204", 24, 2, {{crime, 24}}, {desk}, 4.2, 3.6},
                     {"PO-1311", 9, 0, {{crime, 6}, {desk, 3}}, {}, 1.8, 3.6},
                     {"PO-1377", 0, 41, {}, {crime, desk}, 0, 3.6}};
    add("team", team_page(reader("SP-1", "/team"), team));
    add("operations", operations_page(reader("SP-1", "/operations"),
                                      {{"Investigation Lahore", "SP-1", kNoon,
                                        Moment{number(kNoon) + 36'000'000}, 48101}},
                                      "Investigation Lahore", kZone, nullptr));
  }

  console::ShownLook look(console::ShownLook::State state, std::uint64_t entry) const {
    console::ShownLook one;
    one.state = state;
    one.entry = entry;
    one.time = Moment{number(kNoon) - (48212 - entry) * 3'600'000};
    one.opens = Moment{number(kNoon) + 90ull * 86'400'000};
    one.purpose = say("the investigation of a registered crime", "درج مقدمے کی تفتیش");
    one.law = say("Code of Criminal Procedure 1898, sections 156 to 157",
                  "ضابطۂ فوجداری 1898، دفعات 156 تا 157");
    one.department = say("Police", "پولیس");
    one.unit = "Investigation Lahore";
    one.officer = 1204;
    one.fields = {say("Name", "نام"), say("Present address", "موجودہ پتہ")};
    return one;
  }

  void auditors() {
    using namespace console;
    StartFor auditor;
    auditor.audits = auditor.holds = auditor.reviews = auditor.waits = true;
    add("start-auditor", start_page(reader("AU-1", "/"), auditor));
    StartFor op;
    op.operates = op.waits = true;
    add("start-operator", start_page(reader("OP-1", "/"), op));
    Search search;
    search.account = "PO-1204";
    search.entries = 48231;
    for (std::uint64_t i = 0; i < 6; ++i)
      search.found.push_back({48212 - i * 7, Moment{number(kNoon) - i * 4'000'000},
                              i == 2 ? "denied" : "disclosure", "PO-1204", "crime-investigation"});
    search.before = 48170;
    add("entries", search_page(reader("AU-1", "/entries"), search, in_words(), kZone));
    Search none;
    none.entries = 48231;
    add("entries-none", search_page(reader("AU-1", "/entries"), none, in_words(), kZone));
    add("entry",
        entry_page(reader("AU-1", "/entries/48212"),
                   {{48212, kNoon, "disclosure", "PO-1204", purposes()[0].says},
                    "c2sp.org/tlog-proof@v1\nindex 48212\nn4pPLwDHRkYOmJjFYCvvZ1ZlvJ0rQm0Z=\n",
                    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                   kZone));
    add("trails", trails_page(reader("AU-1", "/trails"), nullptr));
    Trail trail;
    trail.account = "PO-1204";
    trail.recorded = 48232;
    trail.looks = {look(ShownLook::State::open, 48212), look(ShownLook::State::sealed, 48205),
                   look(ShownLook::State::erased, 48199)};
    add("trail", trail_page(reader("AU-1", ""), trail, kZone));
    add("complaints-open",
        open_complaints_page(
            reader("AU-1", "/complaints"),
            {{"77", say("I do not know this office.", "میں اس دفتر کو نہیں جانتا۔"), 48212, kNoon,
              Moment{number(kNoon) + 30ull * 86'400'000}, false}},
            kZone, nullptr));
    const std::string name(console::say(Word::ledger_name, l_));
    add("state",
        state_page(reader("OP-1", "/state"),
                   {{{name, "exchange.example/one"},
                     {std::string(console::say(Word::state_listening, l_)), "127.0.0.1:8443"},
                     {std::string(console::say(Word::state_entries, l_)), "48231"},
                     {std::string(console::say(Word::state_witnesses, l_)),
                      "2 " + console::say(Word::witnesses_confirm, l_, "48230")}},
                    {}}));
    add("state-broken", state_page(reader("OP-1", "/state"),
                                   {{{name, "exchange.example/one"}},
                                    {std::string(console::say(Word::broken_all_stopped, l_))}}));
    ShownReport report;
    report.from = "2026-11-15";
    report.to = "2026-11-21";
    report.made = true;
    report.lookups = 18'204;
    report.officers = 412;
    report.findings = {
        {say("Officers worked, each through a part of their own, along one ordered list of "
             "citizens whom no case explains.",
             "افسر ایک ترتیب وار فہرست کے الگ الگ حصے نمٹا رہے ہیں جس کے شہریوں کی کوئی مقدمہ "
             "وضاحت نہیں کرتا۔"),
         "18 citizens in 3 runs",
         "5.20 / 4.00",
         {"PO-1204", "PO-1377"},
         {48101, 48105, 48110}}};
    report.alerts = {{say("Asked outside the hours of the roster, more than once in thirty days.",
                          "ڈیوٹی کے اوقات سے باہر سوال، تیس دن میں ایک سے زیادہ بار۔"),
                      4}};
    add("reports", report_page(reader("AU-1", "/reports"), report, false, nullptr));
  }

  void citizens() {
    using namespace console;
    StartFor citizen;
    citizen.citizen = true;
    add("start-citizen", start_page(reader("citizen-9214d609", "/"), citizen));
    LooksList list;
    list.looks = {look(ShownLook::State::open, 48212), look(ShownLook::State::sealed, 48205),
                  look(ShownLook::State::erased, 48150)};
    list.looks.push_back(look(ShownLook::State::open, 48149));
    list.looks.back().kind = ShownLook::Kind::refusal;
    list.total = 4;
    list.sealed = 1;
    list.departments = {{"fia", say("Federal Investigation Agency (FIA)", "ایف آئی اے")},
                        {"police", say("Police", "پولیس")}};
    list.zone = kZone;
    add("me", looks_page(reader("citizen-9214d609", "/me"), list));
    add("me-empty", looks_page(reader("citizen-9214d609", "/me"), {}));
    add("look",
        look_page(reader("citizen-9214d609", "/me/look/48212"), list.looks[0], kZone, true));
    add("look-sealed",
        look_page(reader("citizen-9214d609", "/me/look/48205"), list.looks[1], kZone, false));
    add("complain", complain_page(reader("citizen-9214d609", "/me/complain/48212"), list.looks[0],
                                  kZone, nullptr));
    const std::string said = say("I do not know this office.", "میں اس دفتر کو نہیں جانتی۔");
    ShownComplaint waiting{"11", 48212, kNoon, Moment{number(kNoon) + 30ull * 86'400'000},
                           {},   said,  "",    false};
    ShownComplaint answered = waiting;
    answered.entry = 48149;
    answered.answered = kNoon;
    answered.answer = say("The officer had no case. The account is paused.",
                          "افسر کے پاس کوئی مقدمہ نہیں تھا۔ کھاتہ معطل ہے۔");
    answered.upheld = true;
    add("my-complaints",
        complaints_page(reader("citizen-9214d609", "/me/complaints"), {waiting, answered}, kZone));
    add("leaks", leaks_page(reader("citizen-9214d609", "/me/leaks"),
                            {{written_day("2026-11-02", l_),
                              {say("Name", "نام"), say("Present address", "موجودہ پتہ")}}}));
    add("leaks-none", leaks_page(reader("citizen-9214d609", "/me/leaks"), {}));
    NoticeWish wish;
    wish.offered = true;
    wish.number_end = "567";
    add("notices", notices_page(reader("citizen-9214d609", "/me/notices"), wish));
  }

  void files() {
    using namespace console;
    add("traces", traces_page(reader("AU-1", "/traces"),
                              {{"t2-9f86d081", "group.csv", TraceStage::closed, kNoon},
                               {"t1-77aa01bc", "cards.zip", TraceStage::cancelled, kNoon}},
                              kZone, nullptr));
    ShownTrace trace;
    trace.id = "t3";
    trace.name = "group.csv";
    trace.brought_by = say("a journalist", "ایک صحافی");
    trace.leak_day = "2026-11-20";
    trace.bytes = 48'213'004;
    trace.stage = TraceStage::reading;
    trace.done = 31'000'000;
    trace.total = 48'213'004;
    trace.refreshes = true;
    trace.events = {{Word::event_begun, "", std::nullopt, kNoon}};
    add("trace-reading", trace_page(reader("AU-1", "/traces/t3"), trace, kZone, nullptr));
    trace.stage = TraceStage::waiting;
    trace.refreshes = false;
    trace.opened_by = {"AU-1"};
    trace.read = TraceRead{
        412'000, 409'112, 500, 480,
        26,      812,     3,   "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        {}};
    trace.events.push_back({Word::event_opened, "AU-1", std::nullopt, std::nullopt});
    add("trace-waiting", trace_page(reader("AU-2", "/traces/t3"), trace, kZone, nullptr));
    trace.stage = TraceStage::closed;
    trace.opened_by = {"AU-1", "AU-2"};
    trace.bundle = true;
    trace.events.push_back({Word::event_sealed, "", 48'240, kNoon});
    trace.events.push_back({Word::event_unlocked, "", 48'241, kNoon});
    trace.events.push_back({Word::event_verdict, "", 48'242, kNoon});
    TraceVerdict verdict;
    verdict.copies = {{"PO-1377", "A", "61.402", "2026-11-18", 88, 86, 24}};
    verdict.bound_bits = "31.485";
    verdict.not_before = "2026-11-18";
    verdict.evaluations = 3;
    verdict.rows = 480;
    verdict.sourced = 470;
    verdict.foreign = 6;
    verdict.unknown = 4;
    verdict.coins_read = 812;
    verdict.coins_erased = 190;
    verdict.margins = {{"PO-1377", "24", "", 1, 6}, {"PO-1204", "2", "PO-1311", 1, 6}};
    verdict.days = {{"2026-11-16", 120}, {"2026-11-17", 210}, {"2026-11-18", 140}};
    verdict.leads = {"device 3f9ac1d2 was used at the station of PO-1377 on each of these days"};
    trace.verdict = verdict;
    add("trace-closed", trace_page(reader("AU-2", "/traces/t3"), trace, kZone, nullptr));
    trace.verdict->copies.clear();
    trace.bundle = false;
    add("trace-nobody", trace_page(reader("AU-2", "/traces/t3"), trace, kZone, nullptr));
  }

  static constexpr Moment kNoon{1'795'348'800'000};  // 22 November 2026, 12:00 UTC
  static constexpr console::Zone kZone{300};
  const console::Language l_;
};

}  // namespace amanat::test
