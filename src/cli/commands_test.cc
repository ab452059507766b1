#include "cli/commands.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/import.h"
#include "cli/terminal.h"

namespace amanat::cli {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

struct Said {
  int code = 0;
  std::string out, err;
};
Said say(const std::vector<std::string>& arguments, Manner manner = {}) {
  Said said;
  said.code = run(arguments, manner, [&](int stream, std::string_view text) { (stream == 1 ? said.out : said.err) += text; });
  return said;
}

TEST(CommandTable, EveryRowIsComplete) {
  std::set<std::string_view> paths;
  for (const auto& row : command_rows()) {
    EXPECT_TRUE(paths.insert(row.path).second) << row.path;
    EXPECT_FALSE(row.summary.empty()) << row.path;
    EXPECT_FALSE(row.summary.ends_with('.')) << row.path;
    EXPECT_TRUE(row.example.starts_with("amanat")) << row.path;
    EXPECT_NE(row.here != nullptr, row.on_home != nullptr) << row.path;
  }
}

TEST(CommandTable, EveryOptionACommandTakesHasARow) {
  std::set<std::string> known, used;
  for (const auto& row : option_rows()) {
    EXPECT_TRUE(known.insert(std::string(row.name)).second) << row.name;
    EXPECT_EQ(row.value.empty(), row.kind == ValueKind::none) << row.name;
  }
  for (const auto& row : command_rows())
    for (auto name : split(row.options)) {
      if (name.back() == '!') name.pop_back();
      EXPECT_TRUE(known.contains(name)) << row.path << " takes --" << name;
      used.insert(name);
    }
  for (const auto& name : known)
    EXPECT_TRUE(used.contains(name) || name == "manner" || name == "help" || name == "version") << name << " is taken by nobody";
}

TEST(CommandTable, EveryExampleIsACommandLineThatParses) {
  for (const auto& row : command_rows()) {
    // The examples quote one value; a shell would join it.
    std::vector<std::string> arguments;
    std::string open;
    for (const auto& word : split(row.example)) {
      if (!open.empty()) open += " " + word;
      else if (word.starts_with("'")) open = word;
      else arguments.push_back(word);
      if (!open.empty() && open.ends_with("'")) {
        arguments.push_back(open.substr(1, open.size() - 2));
        open.clear();
      }
    }
    arguments.erase(arguments.begin());
    auto call = parse(arguments);
    ASSERT_TRUE(call.has_value()) << row.example << ": " << call.error().detail;
    EXPECT_TRUE(call->command->path == row.path || row.path == "version") << row.example;
  }
}

TEST(Parse, OptionsMayStandAnywhere) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"enrol", "--home", "/h", "officers", "/f.csv"}, {"enrol", "officers", "/f.csv", "--home=/h"},
        {"--home", "/h", "enrol", "officers", "--", "/f.csv"}}) {
    auto call = parse(line);
    ASSERT_TRUE(call.has_value()) << call.error().detail;
    EXPECT_EQ(call->command->path, "enrol officers");
    EXPECT_EQ(call->option("home"), "/h");
    EXPECT_EQ(call->words, std::vector<std::string>{"/f.csv"});
  }
}

TEST(Parse, PathsAreMadeAbsoluteForTheProcessThatOpensThem) {
  auto call = parse({"import", "--home", "h", "identity.persons", "some/../file.csv"});
  ASSERT_TRUE(call.has_value());
  EXPECT_TRUE(call->option("home").starts_with("/"));
  EXPECT_TRUE(call->words[1].starts_with("/"));
  EXPECT_TRUE(call->words[1].ends_with("/file.csv"));
  EXPECT_EQ(call->words[1].find(".."), std::string::npos);
  EXPECT_EQ(call->words[0], "identity.persons");
}

TEST(Parse, ACallWrittenDownIsTheSameCall) {
  auto call = parse({"import", "--home", "/h", "identity.persons", "/a file, with -- dashes.csv", "--json"});
  ASSERT_TRUE(call.has_value());
  auto again = parse(as_arguments(*call));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->command, call->command);
  EXPECT_EQ(again->options, call->options);
  EXPECT_EQ(again->words, call->words);
}

TEST(Parse, AMistypedWordIsAnsweredWithTheNearest) {
  const auto detail = [](const std::vector<std::string>& line) {
    auto call = parse(line);
    return call ? std::string("it parsed") : call.error().detail;
  };
  EXPECT_EQ(detail({"improt"}), "there is no command improt; did you mean import?");
  EXPECT_TRUE(detail({"ledger", "verfy"}).starts_with("ledger has no verfy, only: verify, "));
  EXPECT_TRUE(detail({"ledger", "verfy"}).ends_with("; did you mean verify?"));
  EXPECT_EQ(detail({"status", "--hmoe", "x"}), "there is no option --hmoe; did you mean --home?");
  EXPECT_TRUE(detail({"enrol"}).starts_with("enrol needs one of: officers, device, "));
  EXPECT_EQ(detail({"status", "--csr", "x"}), "status takes no --csr");
}

TEST(Parse, WhatIsMissingOrTooMuchIsNamed) {
  const auto reason = [](const std::vector<std::string>& line) {
    auto call = parse(line);
    return call ? std::string("it parsed") : call.error().detail;
  };
  ::unsetenv("AMANAT_HOME");
  EXPECT_EQ(reason({"init", "--home", "/h"}), "init needs --origin NAME");
  EXPECT_EQ(reason({"import", "identity.persons", "--home", "/h"}), "import needs FILE");
  EXPECT_EQ(reason({"import", "a", "b", "c", "--home", "/h"}), "one word too many: c");
  EXPECT_EQ(reason({"status", "--home"}), "--home needs a value: DIR");
  EXPECT_EQ(reason({"status", "--home", "/a", "--home", "/b"}), "--home is given twice");
  EXPECT_EQ(reason({"status", "--json=1"}), "--json takes no value");
  EXPECT_EQ(reason({"ledger", "vkey"}), "ledger vkey needs --home DIR (or AMANAT_HOME)");
}

TEST(Parse, TheHomeMayComeFromTheEnvironment) {
  ::setenv("AMANAT_HOME", "/from/environment", 1);
  auto call = parse({"ledger", "vkey"});
  auto given = parse({"ledger", "vkey", "--home", "/given"});
  ::unsetenv("AMANAT_HOME");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->option("home"), "/from/environment");
  ASSERT_TRUE(given.has_value());
  EXPECT_EQ(given->option("home"), "/given");
}

TEST(Parse, NoWordsMeanStatus) {
  auto call = parse({});
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->command->path, "status");
}

TEST(Run, ComplaintsAreWhatWhyAndHint) {
  const Said said = say({"improt"});
  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err,
            "amanat: The command line is wrong.\nwhy: usage-wrong: there is no command improt; did you mean import?\n"
            "hint: See amanat help COMMAND.\n");
}

TEST(Run, ComplaintsSpeakUrduWhereTheTerminalDoes) {
  Manner urdu;
  urdu.urdu = true;
  const Said said = say({"improt"}, urdu);
  EXPECT_NE(said.err.find("کمانڈ غلط لکھی گئی ہے۔"), std::string::npos);
}

TEST(Run, WithJsonAComplaintIsAnObjectOnStandardOutput) {
  const Said said = say({"improt", "--json"});
  EXPECT_EQ(said.code, 2);
  EXPECT_TRUE(said.out.starts_with("{\"reason\":\"usage-wrong\"")) << said.out;
  EXPECT_NE(said.err, "");
}

TEST(Run, AHomeThatIsNoneIsNamed) {
  const Said said = say({"status", "--home", "/nonexistent/amanat"});
  EXPECT_EQ(said.code, 2);
  EXPECT_NE(said.err.find("exchange-missing"), std::string::npos) << said.err;
}

TEST(Run, WithoutAHomeStatusIsAShortHelp) {
  ::unsetenv("AMANAT_HOME");
  const Said said = say({});
  EXPECT_EQ(said.code, 0);
  for (const auto& row : command_rows()) EXPECT_NE(said.out.find("amanat " + std::string(row.path)), std::string::npos);
}

TEST(Help, EveryCommandExplainsItsOptions) {
  for (const auto& row : command_rows()) {
    std::vector<std::string> line = split(row.path);
    if (row.path == "help") line.emplace_back("help");
    else line.emplace_back("--help");
    const Said said = say(line);
    EXPECT_EQ(said.code, 0) << row.path;
    for (auto name : split(row.options)) {
      if (name.back() == '!') name.pop_back();
      EXPECT_NE(said.out.find("--" + name), std::string::npos) << row.path << " " << name;
    }
  }
}

TEST(Help, CommandsThatTakePersonalValuesSayThatPsShowsThem) {
  EXPECT_NE(say({"help", "lookup"}).out.find("process list"), std::string::npos);
  EXPECT_NE(say({"help", "erase"}).out.find("process list"), std::string::npos);
  EXPECT_EQ(say({"help", "status"}).out.find("process list"), std::string::npos);
}

TEST(Help, ManPageAndCompletionsKnowEveryCommand) {
  const std::string man = say({"help", "--man"}).out, bash = say({"help", "--completion", "bash"}).out,
                    zsh = say({"help", "--completion", "zsh"}).out;
  EXPECT_TRUE(man.starts_with(".TH AMANAT 1"));
  // In a man page a bare "-" is a hyphen, which cannot be copied as a minus.
  const auto in_roff = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '-' ? std::string("\\-") : std::string(1, c);
    return out;
  };
  for (const auto& row : command_rows()) {
    EXPECT_NE(man.find(".SS " + in_roff(row.path)), std::string::npos) << row.path;
    EXPECT_NE(bash.find("'" + std::string(row.path) + "'"), std::string::npos) << row.path;
    EXPECT_NE(zsh.find("'" + std::string(row.path) + "'"), std::string::npos) << row.path;
  }
  for (std::size_t i = 0; i < reason_count(); ++i) {
    const std::string id = in_roff(row_of(static_cast<Reason>(i)).id);
    EXPECT_NE(man.find(".B " + id), std::string::npos) << id;
  }
  EXPECT_EQ(man.find("manner"), std::string::npos);
}

TEST(Terminal, TextFromOutsideCannotMoveTheCursor) {
  EXPECT_EQ(visible("a\x1b[2Jb\rc\x7f\xC2\x9B" "31m"), "a?[2Jb?c??31m");
  EXPECT_EQ(visible("کاشف"), "کاشف");
}

TEST(Terminal, ColumnsAlignAndColoursTakeNoRoom) {
  Manner colour;
  colour.colour = true;
  Columns table({Columns::Align::left, Columns::Align::right});
  table.add({painted(colour, Paint::good, "ab"), "1"});
  table.add({"abc", "1,000"});
  EXPECT_EQ(table.render(), "\x1b[32mab\x1b[0m       1\nabc  1,000\n");
  EXPECT_EQ(painted(Manner{}, Paint::good, "ab"), "ab");
}

TEST(Terminal, NumbersAreGrouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(ImportReport, TheJsonObjectHasItsPartsInOrder) {
  registry::ImportReport report;
  report.dataset = "police.firs";
  report.rows = 10;
  report.accepted = 5;
  report.repeated = 2;
  report.blank = 1;
  report.quarantined = 2;
  report.reasons["date-impossible"] = 2;
  EXPECT_EQ(report_as_json(report),
            "{\"dataset\":\"police.firs\",\"rows\":10,\"accepted\":5,\"repeated\":2,\"blank\":1,\"quarantined\":2,"
            "\"reasons\":{\"date-impossible\":2}}");
}

TEST(ImportReportDeathTest, APartThatIsMissingStopsTheProgram) {
  registry::ImportReport report;
  report.rows = 1;
  EXPECT_DEATH((void)report_as_json(report), "accepted");
}

}  // namespace
}  // namespace amanat::cli
