#include "console/pages.h"
#include "console/auditor_pages.h"
#include "console/citizen_pages.h"
#include "console/supervisor_pages.h"
#include "console/trace_pages.h"
#include "console/watch_pages.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace amanat::console {
namespace {

std::string source(const std::filesystem::path& file) {
  std::ifstream in(std::filesystem::path(AMANAT_SOURCE_DIR) / file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

ToSign to_sign() { return {"bm9uY2U", R"({"publicKey":{"challenge":"YQ"}})"}; }

// some_pages draws the pages of sign-in and asking once, with values that try to break out of it.
std::vector<std::string> some_pages(Language language) {
  const std::string evil = "<b>\"'&</b>";
  Reader reader{language, "PO-1", "/ask"};
  AskForm form;
  form.citizen = evil;
  form.purpose = "p1";
  form.case_ref = evil;
  form.more_of = evil;
  form.fields = {"a.b.c"};
  form.mistakes = {{Word::citizen_number_wrong, "3"}, {Word::purpose_missing, ""}};
  form.refused = &row_of(Reason::case_unknown);
  const std::vector<OfferedPurpose> purposes = {{"p1", evil, {{"a.b.c", evil, "G1", true, evil}}},
                                                {"p2", "x", {{"a.b.d", "d", "G2", false, "x"}}}};
  AnsweredCitizen citizen;
  citizen.citizen = "35202-*****67-1";
  citizen.receipt = evil;
  citizen.entry = 7;
  citizen.records = {{"a.b", evil, "2026-11-22", {{"name", evil}}}};
  citizen.withheld = {{evil, &row_of(Reason::field_not_granted)}};
  return {sign_in_page(reader, to_sign(), &row_of(Reason::no_session)),
          code_page(reader, nullptr),
          register_page(reader, evil, evil, to_sign()),
          registered_page(reader, evil, 1, evil),
          registered_page(reader, evil, 0, evil),
          start_page(reader, {true, true, true, true, true, true, true, true, true}),
          ask_page(reader, purposes, form),
          ask_page(reader, {}, {}),
          check_page(reader, {evil}, form, to_sign()),
          answer_page(reader, {citizen, AnsweredCitizen{}}),
          refused_page(reader, Failure{Reason::field_not_granted, evil}),
          refused_page(reader, Failure{Reason::approval_required, evil}),
          register_page(reader, "citizen-1", evil, to_sign()),
          registered_page(reader, "", 0, evil),
          devices_page(reader, {{std::string(64, 'a'), Word::kind_key, "2026-11-22", true, true},
                                {std::string(64, 'b'), Word::kind_key, evil, false, false}}),
          ledger_page(reader, {"a.example/one", "cm9vdA==", "key", 9})};
}

const Moment kNoon{1'795'348'800'000};  // 22 November 2026, 12:00 UTC

ShownLook look_of(ShownLook::State state, const std::string& text) {
  ShownLook look;
  look.state = state;
  look.entry = 12;
  look.time = look.opens = kNoon;
  look.purpose = look.law = look.department = look.unit = text;
  look.officer = 7;
  look.fields = {text};
  return look;
}

std::vector<std::string> every_citizen_page(Language language, const std::string& evil) {
  const Reader reader{language, "C-1", "/me"};
  LooksList list;
  for (const auto state :
       {ShownLook::State::open, ShownLook::State::sealed, ShownLook::State::erased})
    list.looks.push_back(look_of(state, evil));
  list.total = 3;
  list.sealed = 1;
  list.before = 12;
  list.departments = {{evil, evil}, {"police", "Police"}};
  list.department = "police";
  list.zone = {300};
  ShownComplaint waiting{"0011", 12, kNoon, kNoon, {}, evil, "", false};
  ShownComplaint answered{"0012", 13, kNoon, kNoon, kNoon, evil, evil, true};
  const ShownLook look = list.looks[0];
  return {looks_page(reader, list),
          looks_page(reader, {}),
          look_page(reader, look, {300}, true),
          look_page(reader, list.looks[1], {300}, false),
          complain_page(reader, look, {}, &row_of(Reason::malformed_value)),
          complaints_page(reader, {waiting, answered}, {}),
          complaints_page(reader, {}, {}),
          leaks_page(reader, {{evil, {evil}}}),
          leaks_page(reader, {})};
}

std::vector<std::string> every_decision_page(Language language, const std::string& evil) {
  const Reader reader{language, "PO-1", "/approvals"};
  ShownMonth month;
  month.days = {{evil, 4, 1}, {"b", 0, 0}};
  month.peer_citizens = 2.5;
  ShownRequest request{"ab",
                       evil,
                       evil,
                       evil,
                       kNoon,
                       kNoon,
                       2,
                       1,
                       {{evil, evil}},
                       false,
                       {{evil, evil, true}, {evil, evil, false}}};
  ShownHold hold{3, evil, evil, evil, evil, kNoon, month, true};
  ShownAlert alert{9, evil, evil, evil, evil, evil, evil, kNoon, "1.00", "2.00"};
  ShownProposal proposal{"cd", "ef", kNoon, true, false, {{evil, true}, {evil, false}}, {evil}, 2};
  ActToSign act;
  act.sentences = {evil};
  act.sign = to_sign();
  return {act_page(reader, act, Address("/approvals")),
          done_page(reader, Word::decided_done, 7, Address("/approvals"), Word::requests),
          requests_page(reader, {request}, {request}, kNoon, {}),
          requests_page(reader, {}, {}, kNoon, {}),
          request_page(reader, request, month, {}, &row_of(Reason::act_wrong)),
          alerts_page(reader, {hold}, {alert}, {}, true, nullptr),
          alerts_page(reader, {}, {}, {}, false, nullptr),
          reviews_page(reader,
                       {{"ab", evil, evil, evil, evil, "", kNoon, false, false},
                        {"cd", evil, evil, evil, evil, evil, kNoon, true, false}},
                       {}),
          proposals_page(reader, {proposal}, evil, {}),
          open_complaints_page(reader, {{"ab", evil, 4, kNoon, kNoon, true}}, {}, nullptr)};
}

std::vector<std::string> every_audit_page(Language language, const std::string& evil) {
  const Reader reader{language, "AU-1", "/entries"};
  Search search;
  search.account = search.purpose = evil;
  search.found = {{3, kNoon, "disclosure", evil, evil}};
  search.before = 3;
  Trail trail;
  trail.account = evil;
  trail.looks = {look_of(ShownLook::State::open, evil), look_of(ShownLook::State::sealed, evil)};
  return {search_page(reader, search, {{evil, evil}, {"x", "y"}}, {}),
          search_page(reader, {}, {}, {}),
          entry_page(reader, {{3, kNoon, "denied", evil, evil}, evil, evil}, {}),
          trails_page(reader, &row_of(Reason::malformed_value)),
          trail_page(reader, trail, {}),
          who_page(reader, evil, {{evil, evil, "full", evil, evil}}, nullptr),
          who_page(reader, "a.b", {}, nullptr),
          record_page(reader, {{3, kNoon, "denied", "", evil}}, {{evil, evil}}, {}),
          record_page(reader, {}, {}, {}),
          state_page(reader, {{{evil, evil}}, {evil}}),
          state_page(reader, {}),
          api_page(reader, {{"GET", "/x", evil, evil}})};
}

std::vector<std::string> every_watch_page(Language language, const std::string& evil) {
  const Reader reader{language, "AU-1", "/traces"};
  std::vector<std::string> pages = {
      operations_page(reader, {{evil, evil, kNoon, kNoon, 4}}, evil, {}, nullptr),
      operations_page(reader, {}, "", {}, &row_of(Reason::malformed_value))};
  ShownReport report;
  report.from = report.to = evil;
  pages.push_back(report_page(reader, report, false, &row_of(Reason::too_busy)));
  report.made = true;
  report.findings = {{evil, evil, evil, {evil, evil}, {3, 4}}};
  report.alerts = {{evil, 3}};
  pages.push_back(report_page(reader, report, false, nullptr));
  report.being_made = true;
  pages.push_back(report_page(reader, report, true, nullptr));
  Team team;
  team.department = team.unit = evil;
  pages.push_back(team_page(reader, team));
  team.officers = {{evil, 3, 1, {{evil, 2}}, {evil}, 1.5, 2.5}};
  team.cut = true;
  pages.push_back(team_page(reader, team));
  pages.push_back(traces_page(reader, {}, {}, &row_of(Reason::malformed_value)));
  pages.push_back(traces_page(reader, {{"t1", evil, TraceStage::waiting, kNoon}}, {}, nullptr));
  ShownTrace trace;
  trace.id = "t1";
  trace.name = trace.brought_by = trace.leak_day = trace.trouble = evil;
  trace.bytes = trace.done = 3;
  trace.total = 4;
  trace.opened_by = {evil};
  trace.events = {{Word::event_begun, evil, 7, kNoon}, {Word::event_opened, "", {}, {}}};
  trace.read = TraceRead{1, 2, 3, 4, 5, 6, 7, evil, {evil}};
  trace.verdict = TraceVerdict{{{evil, evil, evil, evil, 4, 3, 2}},
                               evil,
                               evil,
                               3,
                               1,
                               2,
                               3,
                               4,
                               5,
                               6,
                               {{evil, evil, evil, 1, 2}},
                               {{evil, 3}, {"", 1}},
                               {evil}};
  trace.bundle = true;
  for (const TraceStage stage : {TraceStage::receiving, TraceStage::reading, TraceStage::waiting,
                                 TraceStage::sealing, TraceStage::unlocking, TraceStage::weighing,
                                 TraceStage::closed, TraceStage::cancelled, TraceStage::failed}) {
    trace.stage = stage;
    trace.refreshes = stage == TraceStage::reading;
    pages.push_back(trace_page(reader, trace, {}, nullptr));
  }
  trace.verdict->copies.clear();
  trace.opened_by_reader = true;
  trace.stage = TraceStage::waiting;
  pages.push_back(trace_page(reader, trace, {}, nullptr));
  return pages;
}

// every_page draws each page once, with values that try to break out of it.
std::vector<std::string> every_page(Language language) {
  const std::string evil = "<b>\"'&</b>";
  std::vector<std::string> pages = some_pages(language);
  for (auto* more : {every_citizen_page, every_decision_page, every_audit_page, every_watch_page})
    for (std::string& page : more(language, evil)) pages.push_back(std::move(page));
  return pages;
}

TEST(Page, ShowsWhatItWasGivenAsTextOnly) {
  for (const Language language : {Language::english, Language::urdu})
    for (const std::string& page : every_page(language)) {
      EXPECT_EQ(page.find("<b>"), std::string::npos);
      EXPECT_EQ(page.find("\"'&<"), std::string::npos);
    }
}

TEST(Page, HasNoScriptStyleOrHandlerOfItsOwn) {
  for (const std::string& page : every_page(Language::english)) {
    EXPECT_EQ(page.find(" style="), std::string::npos);
    EXPECT_EQ(page.find("<style"), std::string::npos);
    EXPECT_EQ(page.find("javascript:"), std::string::npos);
    EXPECT_FALSE(std::regex_search(page, std::regex(" on[a-z]+=")));
    // The one script is a file.
    std::size_t scripts = 0;
    for (std::size_t at = page.find("<script"); at != page.npos; at = page.find("<script", at + 1))
      ++scripts;
    EXPECT_EQ(scripts, 1u);
    EXPECT_NE(page.find("/console.js\" defer></script>"), std::string::npos);
  }
}

TEST(Page, NamesItsLanguageAndItsDirection) {
  for (const std::string& page : every_page(Language::english))
    EXPECT_NE(page.find("<html lang=\"en\" dir=\"ltr\">"), std::string::npos);
  for (const std::string& page : every_page(Language::urdu))
    EXPECT_NE(page.find("<html lang=\"ur\" dir=\"rtl\">"), std::string::npos);
}

TEST(Page, HasOneHeadingAndItsTitleSaysNothingOfAnybody) {
  for (const std::string& page : every_page(Language::english)) {
    EXPECT_NE(page.find("<h1>"), std::string::npos);
    EXPECT_EQ(page.find("<h1>", page.find("<h1>") + 1), std::string::npos);
    const std::size_t from = page.find("<title>"), to = page.find("</title>");
    const std::string title = page.substr(from, to - from);
    EXPECT_EQ(title.find("35202"), std::string::npos);
    EXPECT_NE(title.find("Amanat"), std::string::npos);
  }
}

TEST(Page, EveryFieldHasALabel) {
  for (const std::string& page : every_page(Language::english)) {
    const std::regex input("<(?:input|select|textarea)([^>]*)>");
    for (std::sregex_iterator at(page.begin(), page.end(), input), end; at != end; ++at) {
      const std::string attributes = (*at)[1];
      if (attributes.find("type=\"hidden\"") != std::string::npos) continue;
      const std::size_t id = attributes.find("id=\"");
      const bool in_label =
          page.rfind("<label", static_cast<std::size_t>(at->position())) != std::string::npos;
      if (id == std::string::npos) {
        EXPECT_TRUE(in_label);
        continue;
      }
      const std::string name = attributes.substr(id + 4, attributes.find('"', id + 4) - id - 4);
      EXPECT_NE(page.find("for=\"" + name + "\""), std::string::npos) << name;
    }
  }
}

TEST(Words, EveryWordIsThereInBothLanguagesWithTheSameGap) {
  for (std::size_t i = 0; i < word_count(); ++i) {
    const auto word = static_cast<Word>(i);
    const std::string_view english = say(word, Language::english), urdu = say(word, Language::urdu);
    SCOPED_TRACE(english);
    EXPECT_FALSE(english.empty());
    EXPECT_FALSE(urdu.empty());
    EXPECT_EQ(english.find("{}") == english.npos, urdu.find("{}") == urdu.npos);
    if (word == Word::language_other) continue;
    bool arabic = false;
    for (const char c : urdu)
      arabic |= static_cast<unsigned char>(c) >= 0xd8 && static_cast<unsigned char>(c) <= 0xdb;
    EXPECT_TRUE(arabic);
  }
}

TEST(Words, EveryWordIsUsed) {
  std::string code;
  for (const char* folder : {"src/console", "src/server"})
    for (const auto& file :
         std::filesystem::directory_iterator(std::filesystem::path(AMANAT_SOURCE_DIR) / folder))
      if ((file.path().extension() == ".cc" || file.path().extension() == ".h") &&
          !file.path().stem().string().ends_with("_test"))
        code += source(std::filesystem::path(folder) / file.path().filename());
  const std::string table = source("src/console/words.def");
  const std::regex row("(?:^|\\n)WORD\\(([a-z_]+),");
  std::size_t rows = 0;
  for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at, ++rows)
    EXPECT_TRUE(std::regex_search(code, std::regex("Word::" + (*at)[1].str() + "\\b")))
        << (*at)[1].str();
  EXPECT_EQ(rows, word_count());
}

TEST(Dates, AreWrittenOutInTheReadersLanguageAndZone) {
  EXPECT_EQ(written(kNoon, {}, Language::english), "22 November 2026, 12:00");
  EXPECT_EQ(written(kNoon, {300}, Language::english), "22 November 2026, 17:00");
  EXPECT_EQ(written(kNoon, {780}, Language::english), "23 November 2026, 01:00");
  EXPECT_EQ(written_day(kNoon, {}, Language::urdu), "22 نومبر 2026");
  EXPECT_EQ(written(Moment{0}, {-60}, Language::english), "31 December 1969, 23:00");
  EXPECT_EQ(zone_name({300}), "UTC+05:00");
  EXPECT_EQ(zone_name({-210}), "UTC-03:30");
  EXPECT_EQ(zone_name({}), "UTC");
  EXPECT_NE(day_number(kNoon, {}), day_number(kNoon, {780}));
}

TEST(Plot, StandsBesideTheSameFiguresAsATable) {
  BarPlot plot;
  plot.bars = {{"22 November 2026", 4, 1}, {"23 November 2026", 9, 0}};
  plot.level = 2.5;
  plot.title = "Citizens";
  const Markup drawn = bar_plot(plot, Language::english);
  const std::string text(drawn.view());
  EXPECT_NE(text.find("role=\"img\" aria-label=\"Citizens\""), text.npos);
  EXPECT_NE(text.find("22 November 2026"), text.npos);
  EXPECT_NE(text.find(">9<"), text.npos);
  EXPECT_NE(text.find("2.5"), text.npos);
  // Bars lie within the drawing, the tallest as high as it goes.
  const std::regex rectangle("y=\"([0-9.]+)\" width=\"[0-9.]+\" height=\"([0-9.]+)\"");
  std::size_t bars = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), rectangle), end; at != end; ++at, ++bars)
    EXPECT_NEAR(std::stod((*at)[1]) + std::stod((*at)[2]), 140, 0.2);
  EXPECT_EQ(bars, 3u);
}

TEST(Plot, HidesNoShapeInsideAnother) {
  BarPlot bars;
  bars.bars = {{"a", 4, 1}, {"b", 2, 0}};
  bars.level = 3;
  SharePlot shares;
  shares.rows = {{"PO-1", 3, 4}, {"PO-2", 1, 4}};
  for (const Markup& plot :
       {bar_plot(bars, Language::english), share_plot(shares, Language::urdu)}) {
    const std::string text(plot.view());
    std::size_t shapes = 0;
    for (const char* shape : {"rect", "line"})
      for (std::size_t at = text.find(std::string("<") + shape + " "); at != text.npos;
           at = text.find(std::string("<") + shape + " ", at + 1)) {
        ++shapes;
        EXPECT_EQ(text.substr(text.find('>', at) + 1, 7), std::string("</") + shape + ">");
      }
    EXPECT_GE(shapes, 4u);
  }
}

TEST(Words, AReadersChoiceGoesBeforeTheBrowsers) {
  EXPECT_EQ(language_of("", "ur,en;q=0.8"), Language::urdu);
  EXPECT_EQ(language_of("en", "ur"), Language::english);
  EXPECT_EQ(language_of("ur", "en"), Language::urdu);
  EXPECT_EQ(language_of("xx", "de"), Language::english);
}

TEST(Stylesheet, ServesBothDirections) {
  const std::string css = source("console/console.css");
  ASSERT_GT(css.size(), 1000u);
  // Physical sides have no meaning when a page turns round.
  const std::regex physical(
      "(?:^|[\\s;{])(?:left|right|top|bottom|(?:margin|padding|border)-(?:left|right|top|bottom)|"
      "text-align:\\s*(?:left|right)|float|width|height|(?:min|max)-(?:width|height))\\s*:");
  std::smatch found;
  const bool any = std::regex_search(css, found, physical);
  EXPECT_FALSE(any) << (any ? found.str() : "");
}

TEST(Assets, AreSmallAndHaveAnAddressOfTheirContent) {
  EXPECT_LT(asset("console.js")->content.size(), 12'000u);
  EXPECT_LT(asset("console.css")->content.size(), 16'000u);
  EXPECT_LT(asset("nastaliq.woff2")->content.size(), 163'840u);
  EXPECT_TRUE(asset("nastaliq.woff2")->content.starts_with("wOF2"));
  EXPECT_FALSE(asset("../console.js"));
  EXPECT_EQ(asset_tag().size(), 16u);
}

}  // namespace
}  // namespace amanat::console
