#include "console/pages.h"

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

// every_page draws each page once, with values that try to break out of it.
std::vector<std::string> every_page(Language language) {
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
  const std::vector<OfferedPurpose> purposes = {{"p1", evil, {{"a.b.c", "G1", true}}},
                                                {"p2", "x", {{"a.b.d", "G2", false}}}};
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
          start_page(reader, true),
          ask_page(reader, purposes, form),
          ask_page(reader, {}, {}),
          check_page(reader, {evil}, form, to_sign()),
          answer_page(reader, {citizen, AnsweredCitizen{}}),
          refused_page(reader, Failure{Reason::field_not_granted, evil}),
          devices_page(reader, {{std::string(64, 'a'), Word::kind_key, "2026-11-22", true, true}}),
          ledger_page(reader, {"a.example/one", "cm9vdA==", "key", 9})};
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
    const std::regex input("<(?:input|select)([^>]*)>");
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
      if (file.path().extension() == ".cc" && !file.path().stem().string().ends_with("_test"))
        code += source(std::filesystem::path(folder) / file.path().filename());
  const std::string table = source("src/console/words.def");
  const std::regex row("(?:^|\\n)WORD\\(([a-z_]+),");
  std::size_t rows = 0;
  for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at, ++rows)
    EXPECT_TRUE(std::regex_search(code, std::regex("Word::" + (*at)[1].str() + "\\b")))
        << (*at)[1].str();
  EXPECT_EQ(rows, word_count());
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
