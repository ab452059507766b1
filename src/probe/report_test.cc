#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "net/json.h"
#include "probe/probe.h"

namespace amanat::probe {
namespace {

bool urdu(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) & 0xE0) == 0xC0; });
}

Report sample() {
  Report report;
  report.title = "Land & <licences>";
  report.origin = "https://land.example.test";
  report.began = "2026-11-22T18:00:00Z";
  report.asked = 1234;
  for (std::size_t i = 0; i < kind_count(); ++i)
    report.findings.push_back({static_cast<Kind>(i),
                               "GET",
                               "/v1/<x>/{id}",
                               {"trailing slash", "\"quoted\""},
                               200,
                               Difference::same_body,
                               {{registry::PersonalType::national_id, 12, "00000-0000000-0"},
                                {registry::PersonalType::name, 12, "A A"}}});
  report.visits = {{"GET", "/v1/<x>/{id}", false, Outcome::answered, 200, 200},
                   {"POST", "/v1/x", false, Outcome::not_asked, 0, 0}};
  report.notes = {"a note with <b>"};
  return report;
}

TEST(Kinds, AreCompleteInTwoLanguages) {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < kind_count(); ++i) {
    const KindRow& row = row_of(static_cast<Kind>(i));
    EXPECT_EQ(row.kind, static_cast<Kind>(i));
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_EQ(row.id.find('_'), std::string_view::npos);
    for (const auto text : {row.urdu, row.means_urdu, row.next_urdu})
      EXPECT_TRUE(urdu(text)) << row.id;
    for (const auto text : {row.means_english, row.next_english})
      EXPECT_TRUE(text.ends_with('.')) << row.id;
  }
  EXPECT_GE(ids.size(), 20u);
}

TEST(Report, ThePageNeedsNothingBesideItself) {
  const std::string page = report_html(sample(), {});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_FALSE(
      std::regex_search(page, std::regex(R"((src|href)\s*=|url\(|@import|http-equiv="refresh")")));
  EXPECT_FALSE(std::regex_search(
      page, std::regex(R"re((left|right)\s*[:;])re")));  // both directions, one style
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.find("@media print"), std::string::npos);
  EXPECT_LT(page.size(), 120'000u);
}

TEST(Report, AFontTravelsInsideThePage) {
  const std::string page = report_html(sample(), {.font = "wOF2 and so on"});
  EXPECT_NE(page.find("; font-src data:"), std::string::npos);
  EXPECT_NE(page.find("src:url(data:font/woff2;base64,d09GMiBhbmQgc28gb24=)"), std::string::npos);
}

TEST(Report, ThePageSpeaksBothLanguagesAndEscapesWhatItWasTold) {
  const std::string page = report_html(sample(), {});
  for (std::size_t i = 0; i < kind_count(); ++i) {
    EXPECT_NE(page.find(row_of(static_cast<Kind>(i)).english), std::string::npos);
    EXPECT_NE(page.find(row_of(static_cast<Kind>(i)).urdu), std::string::npos);
  }
  EXPECT_NE(page.find("<main class=\"ur\" lang=\"ur\" dir=\"rtl\">"), std::string::npos);
  EXPECT_EQ(page.find("<licences>"), std::string::npos);
  EXPECT_EQ(page.find("<x>"), std::string::npos);
  EXPECT_EQ(page.find("with <b>"), std::string::npos);
  EXPECT_NE(page.find("Land &amp; &lt;licences&gt;"), std::string::npos);
  EXPECT_NE(report_html(sample(), {.language = PageOptions::Language::urdu, .font = {}})
                .find("id=\"ur\" checked"),
            std::string::npos);
  // Every tag that is opened is closed.
  for (const std::string tag :
       {"main", "article", "table", "tbody", "thead", "tr",   "td",   "th",  "p",
        "ul",   "li",      "div",   "bdi",   "code",  "h1",   "h2",   "h3",  "span",
        "b",    "strong",  "label", "style", "title", "body", "html", "head"}) {
    const auto count = [&page](const std::string& what) {
      std::size_t n = 0;
      for (std::size_t at = 0; (at = page.find(what, at)) != std::string::npos; at += what.size())
        ++n;
      return n;
    };
    EXPECT_EQ(count("<" + tag + ">") + count("<" + tag + " "), count("</" + tag + ">")) << tag;
  }
}

TEST(Report, TheJsonIsOneObjectWithEveryHole) {
  const auto json =
      net::parse_json(report_json(sample()), {.bytes_max = 1 << 20, .values_max = 10'000});
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("holes")->integer(), kind_count());
  const auto& first = json->find("findings")->array()->front();
  EXPECT_EQ(*first.find("kind")->string(), "no-credential");
  EXPECT_EQ(*first.find("personal")->array()->front().find("shape")->string(), "00000-0000000-0");
  EXPECT_EQ(json->find("operations")->array()->size(), 2u);
}

TEST(Report, NoHoleIsNoProof) {
  Report report = sample();
  report.findings.clear();
  EXPECT_NE(report_html(report, {}).find("That is not proof that there is none."),
            std::string::npos);
}

}  // namespace
}  // namespace amanat::probe
