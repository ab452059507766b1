#include "net/toml.h"

#include <gtest/gtest.h>

namespace amanat::net {
namespace {

std::string complaint(std::string_view text) {
  const auto parsed = parse_toml(text, "x.toml");
  EXPECT_FALSE(parsed.has_value()) << text;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().reason, Reason::config_wrong);
  return parsed.error().detail;
}

TEST(Toml, ADocumentKeepsItsOrderAndItsLines) {
  const auto parsed = parse_toml(
      "zebra = 1\napple = \"x\"\n\n[[field]]\nname = \"b\"\n[[field]]\nname = \"a\"\n[other]\nyes "
      "= true\nlist = [1,\n2]\n",
      "x.toml");
  ASSERT_TRUE(parsed.has_value());
  const auto& top = *parsed->table();
  ASSERT_EQ(top.size(), 4U);
  EXPECT_EQ(top[0].key, "zebra");
  EXPECT_EQ(top[1].key, "apple");
  EXPECT_EQ(top[2].key, "field");
  EXPECT_EQ(*top[0].value.integer(), 1);
  EXPECT_EQ(top[1].value.line, 2U);
  const auto& fields = *top[2].value.array();
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(*fields[1].find("name")->string(), "a");
  EXPECT_EQ(fields[1].find("name")->line, 7U);
  EXPECT_EQ((*top[3].value.find("list")->array())[1].line, 11U);
  EXPECT_TRUE(*top[3].value.find("yes")->boolean());
}

TEST(Toml, WhatNothingHereNeedsIsRefusedWithItsLine) {
  EXPECT_TRUE(complaint("a = 1\nb = 1.5\n").starts_with("x.toml:2: fractions"));
  EXPECT_TRUE(complaint("a = 2020-01-01\n").starts_with("x.toml:1: dates"));
  EXPECT_TRUE(complaint("a = [\n 1,\n 07:00:00 ]\n").starts_with("x.toml:3: dates"));
  EXPECT_TRUE(complaint("a = 1\na = 2\n").starts_with("x.toml:2: "));
  EXPECT_TRUE(complaint("a = \"x\n").starts_with("x.toml:1: "));
  EXPECT_TRUE(complaint("a = \"\xC3\"\n").starts_with("x.toml:1: "));
}

TEST(Toml, WhatItsReaderAssertsIsAComplaintNotTheEnd) {
  for (const char* text : {"[!x]",         "[[!x]]",        "[]",           "[[]]",
                           "[ ]",          "[.a]",          "[a.]",         "[a.!]",
                           "!x = 1",       "= 1",           ".a = 1",       "a. = 1",
                           "a = {!x = 1}", "a = {,}",       "[a",           "[[a]",
                           "[a]]",         "[\"\"",         "a = [!]",      "[x]\n[x]",
                           "[[x]]\n[x]",   "x = []\n[[x]]", "x.y = 1\n[x]", "a = \"\\x\"",
                           "a = 0x",       "a = 1__0",      "a = +",        "a"})
    complaint(text);
}

TEST(Toml, LettersOfAnyScriptAreReadAndUnknownWhiteSpaceRefused) {
  const auto parsed =
      parse_toml("a = \"\xD8\xA7\xEF\xBB\xBB\xEF\xBB\xB9\"  # \xEF\xBB\xBC\n", "x.toml");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed->find("a")->string(), "\xD8\xA7\xEF\xBB\xBB\xEF\xBB\xB9");
  for (const char* text :
       {"\xEF\xBB\xBB = 1", "a \xEF\xBB\xB9= 1", "a\xE2\x80\x83= 1", "a = 1\xEF\xBB\xBE"})
    complaint(text);
}

TEST(Toml, DepthAndSizeAreBounded) {
  complaint(std::string((1 << 20) + 1, '#'));
  complaint("a = " + std::string(100000, '[') + std::string(100000, ']'));
  complaint("a" + [] {
    std::string s;
    for (int i = 0; i < 100000; ++i) s += ".a";
    return s;
  }() + " = 1");
  complaint("x = \"\"\"\n\" \"\"\"\n[a" + [] {
    std::string s;
    for (int i = 0; i < 100000; ++i) s += ".a";
    return s;
  }() + "]");
  std::string many = "a = \"" + std::string(5000, '.') + "\"  # " + std::string(5000, '.') + "\n";
  EXPECT_TRUE(parse_toml(many, "x.toml").has_value());
  EXPECT_TRUE(parse_toml("a.b.c.d.e.f.g.h.i.j.k.l = 1", "x.toml").has_value());
  complaint("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t = 1");
}

// What toml++ 3.3 itself would stop the process over.
// What toml++ 3.3 itself would stop the process over, or read by undefined behaviour.
TEST(Toml, WhatBreaksTheLibraryIsOnlyMalformed) {
  for (const char* text : {"[!x]\n", "[[%]]\n", "[\x18]\n", "[.a]\n", "[=]\n", "a = [[!]\n"})
    complaint(text);
  for (const char* text :
       {"\xEF\xBB\xB7s ", "a = 1 \xEF\xAD\x90\n", "\xCB\xB2rw", "\xC3\xA9 = 1\n",
        "a = 2G\"\xC3\xA9\"\n", "\"\"\"x]#\\\xEF\xBB\xA0 = \"x\"\n", "a = ~C3~\n", "a = \"\xC3\"\n",
        "a = \"\xED\xA0\x80\"\n", "a = \"\xC0\x80\"\n", "# \xFF\n", "a = \"\\u007eC3~\"\n"})
    complaint(text);
}

TEST(Toml, EveryLetterComesBackAsItWasWritten) {
  const auto t = parse_toml(
      "\xEF\xBB\xBF"
      "a = \"\xC3\xA9 ~ ~C3~ \\u00e9 \xEF\xB7\xBA\"  # \xF0\x9F\x98\x80\n'\xD9\xBE~' = '\xD9\xBE'\n"
      "b = \"\"\"\n\xC3\xA9\n\"\"\"\n",
      "x.toml");
  ASSERT_TRUE(t) << t.error().detail;
  EXPECT_EQ(*t->find("a")->string(), "\xC3\xA9 ~ ~C3~ \xC3\xA9 \xEF\xB7\xBA");
  EXPECT_EQ(*t->find("\xD9\xBE~")->string(), "\xD9\xBE");
  EXPECT_EQ(*t->find("b")->string(), "\xC3\xA9\n");
  EXPECT_EQ(t->find("b")->line, 3u);
}

TEST(TomlReader, KnownKeysAreReadAndUnknownOnesNamedWithTheirNearest) {
  const auto parsed = parse_toml(
      "origin = \"x\"\nthreads = 4\nprots = 5\nwords = [\"a\", \"b\"]\nword = \"a\"\n[[t]]\n[u]\n",
      "x.toml");
  ASSERT_TRUE(parsed.has_value());
  TomlReader reader(*parsed, "x.toml", Reason::catalog_wrong);
  EXPECT_EQ(*reader.string("origin"), "x");
  EXPECT_EQ(*reader.string_or("absent", "d"), "d");
  EXPECT_EQ(*reader.integer_or("threads", 1, 0, 8), 4);
  EXPECT_EQ(*reader.strings("words"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*reader.strings("word"), std::vector<std::string>{"a"});
  EXPECT_TRUE(reader.strings("none")->empty());
  EXPECT_EQ(reader.tables("t")->size(), 1U);
  EXPECT_TRUE(reader.tables("no_tables")->empty());
  EXPECT_NE(*reader.table("u"), nullptr);
  EXPECT_EQ(*reader.table("v"), nullptr);
  EXPECT_EQ(*reader.boolean_or("flag", true), true);
  EXPECT_EQ(*reader.integer_or("ports", 3, 0, 8), 3);
  const auto finished = reader.finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().reason, Reason::catalog_wrong);
  EXPECT_EQ(finished.error().detail, "x.toml:3: unknown key `prots`; did you mean `ports`?");
}

TEST(TomlReader, AWrongKindOrRangeNamesLineAndKey) {
  const auto parsed = parse_toml("\na = 1\nb = \"x\"\nc = [1]\nd = 3\n", "x.toml");
  TomlReader reader(*parsed, "x.toml", Reason::policy_wrong);
  EXPECT_EQ(reader.string("a").error().detail, "x.toml:2: `a` must be text in quotes");
  EXPECT_EQ(reader.string("gone").error().detail, "x.toml:1: `gone` is missing");
  EXPECT_EQ(reader.string_or("a", "").error().reason, Reason::policy_wrong);
  EXPECT_EQ(reader.integer_or("b", 0, 0, 1).error().detail, "x.toml:3: `b` must be an integer");
  EXPECT_EQ(reader.integer_or("d", 0, 0, 2).error().detail, "x.toml:5: `d` must be from 0 to 2");
  EXPECT_FALSE(reader.boolean_or("a", true).has_value());
  EXPECT_FALSE(reader.strings("a").has_value());
  EXPECT_FALSE(reader.strings("c").has_value());
  EXPECT_FALSE(reader.tables("c").has_value());
  EXPECT_FALSE(reader.tables("a").has_value());
  EXPECT_FALSE(reader.table("a").has_value());
  EXPECT_TRUE(reader.finish().has_value());
}

TEST(TomlReader, AWordUnlikeAnyOtherGetsNoSuggestion) {
  EXPECT_EQ(nearest_word("listen", {"listne", "threads"}), "listne");
  EXPECT_EQ(nearest_word("zzzzzz", {"listen", "threads"}), "");
}

}  // namespace
}  // namespace amanat::net
