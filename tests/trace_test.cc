// A leak of a whole exchange: officers ask over HTTPS, somebody sells what was answered, retyped
// and mixed with strangers' rows; amanat trace finds the rows that were disclosed and names nobody.

#include <gtest/gtest.h>

#include <string>

#include "cli/commands.h"
#include "world.h"

namespace amanat {
namespace {

using test::World;

struct Said {
  int code = 0;
  std::string out, err;
};

Said trace(World& world, std::vector<std::string> arguments) {
  Said said;
  arguments.insert(arguments.begin(), {"trace", "match"});
  arguments.insert(arguments.end(), {"--home", world.home.string()});
  said.code = cli::run_on_home(*world.exchange, arguments, [&](int stream, std::string_view text) {
    (stream == 1 ? said.out : said.err) += text;
  });
  return said;
}

std::uint64_t number_at(const net::Json& json, std::string_view group, std::string_view name) {
  const net::Json* inside = json.find(group);
  EXPECT_NE(inside, nullptr) << group;
  const net::Json* found = inside != nullptr ? inside->find(name) : nullptr;
  EXPECT_NE(found, nullptr) << name;
  return found != nullptr ? found->integer().value_or(~0ull) : ~0ull;
}

net::Json parsed(const std::string& text) {
  net::JsonLimits limits;
  limits.bytes_max = 16 << 20;
  limits.values_max = 1 << 20;
  auto json = net::parse_json(text, limits);
  EXPECT_TRUE(json.has_value()) << text;
  return json ? *std::move(json) : net::Json{};
}

TEST(TraceOfAnExchange, WhatWasDisclosedIsFoundInADirtyFileAndNobodyIsNamed) {
  World world;
  if (HasFatalFailure()) return;
  const auto cases = world.open_cases("fir");
  ASSERT_FALSE(cases.empty());
  const auto& open = cases.at(0);
  world.device(open.officer);
  world.serve();
  const auto reply = world.ask(
      open.officer, World::question(R"("national_id":")" + open.citizen + '"',
                                    R"("identity.persons.name","identity.persons.present_address")",
                                    "crime-investigation", open.ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;

  // One row is theirs; the others are of people nobody asked about, and of nobody at all.
  const std::string& id = open.citizen;
  std::string leak = "Naam,Shanakhti card,Mobile\n";
  leak += "x,\u200F" + id.substr(0, 5) + "–" + id.substr(5, 7) + "–" + id.substr(12) +
          ",0300 1234567\n";
  for (int i = 0; i < 40; ++i) leak += "y," + std::to_string(9'100'000'000'000 + i * 7919) + ",\n";
  test::write_all(world.directory.path / "leak.txt", leak);
  const std::string file = (world.directory.path / "leak.txt").string();

  const Said first = trace(world, {file, "--json"});
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  const net::Json json = parsed(first.out);
  EXPECT_EQ(number_at(json, "matching", "rows"), 41u);
  EXPECT_EQ(number_at(json, "matching", "rows_matched"), 1u);
  EXPECT_EQ(number_at(json, "matching", "citizens"), 1u);
  EXPECT_EQ(number_at(json, "matching", "disclosures"), 1u);
  EXPECT_EQ(*json.find("verdict")->string(), "no account is named");
  // Neither a citizen's number nor an account is in what is printed.
  EXPECT_EQ(first.out.find(id), std::string::npos);
  EXPECT_EQ(first.out.find(open.officer), std::string::npos);
  EXPECT_EQ(first.out.find("1234567"), std::string::npos);

  const Said words = trace(world, {file});
  EXPECT_EQ(words.code, 0);
  EXPECT_NE(words.out.find("1 of 41 rows are of citizens whose data was disclosed"),
            std::string::npos)
      << words.out;
  EXPECT_NE(words.out.find("no account is named"), std::string::npos);
  EXPECT_EQ(words.out.find(id), std::string::npos);

  // After the erasure of the citizen nothing in the index leads to them.
  auto erased = world.exchange->erase({SubjectKind::national_id, id});
  ASSERT_TRUE(erased.has_value());
  const net::Json after = parsed(trace(world, {file, "--json"}).out);
  EXPECT_EQ(number_at(after, "matching", "rows_matched"), 0u);
}

TEST(TraceOfAnExchange, AFileThatCannotBeReadIsSaidSo) {
  World world;
  if (HasFatalFailure()) return;
  test::write_all(world.directory.path / "scan.pdf", "%PDF-1.7");
  const Said said = trace(world, {(world.directory.path / "scan.pdf").string()});
  EXPECT_EQ(said.code, 2);
  EXPECT_NE(said.err.find("leak-unreadable: a PDF that is damaged or locked"), std::string::npos)
      << said.err;
}

TEST(TraceOfAnExchange, AFileIsReadWithoutAnyExchange) {
  const test::TemporaryDirectory directory;
  test::write_all(directory.path / "leak.csv", "cnic,phone\n35202-1234567-1,3001234567\n");
  std::string out;
  const int code = cli::run({"trace", "read", (directory.path / "leak.csv").string(), "--json"},
                            {.json = true}, [&](int stream, std::string_view text) {
                              if (stream == 1) out += text;
                            });
  EXPECT_EQ(code, 0);
  const net::Json json = parsed(out);
  EXPECT_EQ(json.find("rows_with_identifiers")->integer(), 1u);
  EXPECT_EQ(out.find("35202"), std::string::npos);
}

}  // namespace
}  // namespace amanat
