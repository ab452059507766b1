#include "net/markup.h"

#include <gtest/gtest.h>

namespace amanat::net {
namespace {

/// Said writes what a reader hears: "<a>text</a>".
class Said : public MarkupSink {
 public:
  void opened(const Tag& tag) override {
    out += "<" + std::string(tag.name) + (tag.empty ? "/>" : ">");
    last = std::string(tag.attributes);
  }
  void closed(std::string_view name, std::uint64_t) override {
    out += "</" + std::string(name) + ">";
  }
  void text(std::string_view piece) override { out += piece; }
  std::string out, last;
};

std::string said(std::string_view text, Dialect dialect = Dialect::html, std::size_t piece = 1000) {
  Said said;
  MarkupReader reader(dialect, said);
  for (std::size_t at = 0; at < text.size(); at += piece) reader.feed(text.substr(at, piece));
  reader.finish();
  return said.out;
}

TEST(Markup, TagsTextAndReferencesAreTold) {
  const std::string_view text =
      "<!DOCTYPE html><!-- <td>no</td> --><TR Class='a>b'><w:td x=1>&#48;3&#x30;0&ndash;1 &amp; "
      "&unknown; 3 < 5</td><br/>"
      "<script>var a = '<td>3520212345671</td>';</script>end<![CDATA[<raw>&amp;]]>";
  const std::string expected =
      "<tr><td>0300–1 & &unknown; 3 < 5</td><br/><script></script>end<raw>&amp;";
  std::string got = said(text);
  const std::size_t script = got.find("</script>");
  ASSERT_NE(script, std::string::npos) << got;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{64}})
    EXPECT_EQ(said(text, Dialect::html, piece), got) << piece;
  EXPECT_EQ(got.substr(0, 37), expected.substr(0, 37));
  EXPECT_EQ(got.find("3520212345671"), std::string::npos) << "a script is no text";
  EXPECT_TRUE(got.ends_with("end<raw>&amp;")) << got;
}

TEST(Markup, AttributesAreFoundByName) {
  EXPECT_EQ(attribute(" r=\"AB12\" t='s' s=3", "r"), "AB12");
  EXPECT_EQ(attribute(" r=\"AB12\" t='s' s=3", "t"), "s");
  EXPECT_EQ(attribute(" r=\"AB12\" t='s' s=3/", "s"), "3/");
  EXPECT_EQ(attribute(" x:ID = \"a&amp;b\"", "id"), "a&b");
  EXPECT_EQ(attribute(" disabled r=1", "r"), "1");
  EXPECT_EQ(attribute("", "r"), "");
  EXPECT_EQ(attribute("=\"=\"", "r"), "");
}

TEST(Markup, TagsThatNeverEndCostNoMoreThanTheirText) {
  std::string text;
  while (text.size() < 2'000'000) text += "<a x=\"";
  const std::string out = said(text, Dialect::html, 65'536);
  EXPECT_GE(out.size(), text.size() / 2);
}

}  // namespace
}  // namespace amanat::net
