#include "cli/country.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "cli/families.h"
#include "cli/stage.h"
#include "net/csv.h"

namespace amanat::cli {
namespace {

constexpr std::int32_t kToday = 20'000;   // 2024-10-04

struct Made {
  Scratch scratch;
  Country country;
};

Made make(std::uint64_t citizens, std::uint64_t seed) {
  auto scratch = Scratch::temporary();
  EXPECT_TRUE(scratch.has_value());
  CountryOptions options;
  options.directory = scratch->path();
  options.citizens = citizens;
  options.seed = seed;
  options.today = kToday;
  auto country = write_country(options, nullptr);
  EXPECT_TRUE(country.has_value());
  return {*std::move(scratch), *std::move(country)};
}

std::string bytes(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

using Rows = std::vector<std::vector<std::string>>;
Rows rows_of(const Made& made, const std::string& file) {
  auto reader = net::CsvReader::open(made.scratch.path() + "/" + file);
  EXPECT_TRUE(reader.has_value());
  Rows out;
  net::CsvReader::Row row;
  while (*reader->next(row)) {
    EXPECT_FALSE(row.malformed) << file << ":" << row.line;
    out.emplace_back(row.cells.begin(), row.cells.end());
  }
  out.erase(out.begin());   // header
  return out;
}

std::string plain(std::string id) {
  std::erase(id, '-');
  return id;
}

bool exists(const std::string& id) {
  return id.size() == 13 && id.find_first_not_of("0123456789") == std::string::npos && id[0] != '0';
}

std::string last_ten(const std::string& number) { return number.size() < 10 ? number : number.substr(number.size() - 10); }

TEST(Country, TheSameSeedMakesTheSameFiles) {
  const Made one = make(700, 5), again = make(700, 5), other = make(700, 6);
  for (const auto& file : one.country.files) {
    EXPECT_EQ(bytes(one.scratch.path() + "/" + file.name), bytes(again.scratch.path() + "/" + file.name)) << file.name;
    EXPECT_NE(bytes(one.scratch.path() + "/" + file.name), bytes(other.scratch.path() + "/" + file.name)) << file.name;
  }
  EXPECT_EQ(one.country.cast.case_ref, again.country.cast.case_ref);
}

TEST(Country, TheCountsAddUpToTheRows) {
  const Made made = make(3000, 1);
  for (const auto& file : made.country.files) {
    EXPECT_EQ(file.rows, file.accepted + file.repeated + file.blank + file.quarantined) << file.name;
    EXPECT_EQ(rows_of(made, file.name).size(), file.rows) << file.name;
  }
  EXPECT_EQ(made.country.file("nadra_identity.csv").accepted, 3000 + made.country.canaries);
}

TEST(Country, NoTwoCitizensShareAnIdAndNoTwoLinesANumber) {
  const Made made = make(5000, 2);
  std::map<std::string, std::vector<std::string>> people, lines;
  for (const auto& row : rows_of(made, "nadra_identity.csv")) {
    const std::string id = plain(row[0]);
    if (!exists(id)) continue;
    const auto [at, fresh] = people.emplace(id, row);
    if (!fresh) {
      EXPECT_EQ(at->second, row) << "two citizens with one ID";   // a repeated row
    }
    EXPECT_EQ((id.back() - '0') % 2 == 1, row[7] == "M") << "the last digit says the sex";
  }
  EXPECT_EQ(people.size(), 5000 + made.country.canaries);
  for (const auto& row : rows_of(made, "telecom_subscribers.csv")) {
    if (row[0].empty()) continue;
    const auto [at, fresh] = lines.emplace(last_ten(row[0]), row);
    if (!fresh) {
      EXPECT_EQ(at->second, row);
    }
  }
}

TEST(Country, KinExistAreOlderThanTheirChildrenAndSpousesNameEachOther) {
  const Made made = make(4000, 3);
  std::map<std::string, std::vector<std::string>> people;
  for (const auto& row : rows_of(made, "nadra_identity.csv"))
    if (exists(plain(row[0]))) people[plain(row[0])] = row;
  std::size_t parents = 0, spouses = 0;
  for (const auto& [id, row] : people) {
    for (const int column : {4, 5, 6}) {
      const std::string kin = plain(row[static_cast<std::size_t>(column)]);
      if (kin.empty()) continue;
      ASSERT_TRUE(people.contains(kin));
      if (column < 6) ++parents;
      if (column < 6) {
        EXPECT_EQ(people[kin][7], column == 4 ? "M" : "F");
      }
      if (column == 6) {
        ++spouses;
        const std::string back = plain(people[kin][6]);
        EXPECT_TRUE(back.empty() || back == id);
      }
    }
  }
  EXPECT_GT(parents, 3000u);
  EXPECT_GT(spouses, 1000u);
}

TEST(Country, GenerationsFollowEachOther) {
  Chance chance(9);
  const Block block = make_block(500, kToday, chance);
  ASSERT_EQ(block.citizens.size(), 500u);
  std::size_t grandchildren = 0;
  for (const auto& c : block.citizens) {
    EXPECT_LE(c.born, kToday);
    if (c.mother == kNobody) continue;
    const auto& mother = block.citizens[static_cast<std::size_t>(c.mother)];
    EXPECT_GT(c.born, mother.born + 18 * 365);
    if (mother.mother != kNobody) ++grandchildren;
    if (c.spouse != kNobody) {
      EXPECT_NE(block.citizens[static_cast<std::size_t>(c.spouse)].father, c.father) << "siblings";
    }
  }
  EXPECT_GT(grandchildren, 20u);
}

TEST(Country, CanariesAreInEveryRegisterOfPeopleAndInNoCase) {
  const Made made = make(20'000, 4);
  std::set<std::string> canaries, seen_persons, seen_lines;
  for (const auto& row : rows_of(made, "canaries.csv")) canaries.insert(row[0]);
  EXPECT_EQ(canaries.size(), made.country.canaries);
  for (const auto& row : rows_of(made, "nadra_identity.csv"))
    if (canaries.contains(plain(row[0]))) seen_persons.insert(plain(row[0]));
  EXPECT_EQ(seen_persons, canaries);
  for (const auto& row : rows_of(made, "telecom_subscribers.csv"))
    if (canaries.contains(plain(row[1]))) {
      seen_lines.insert(plain(row[1]));
    }
  EXPECT_GT(seen_lines.size(), canaries.size() / 3);
  for (const auto& row : rows_of(made, "cases.csv")) {
    std::istringstream subjects(row[6]);
    for (std::string id; std::getline(subjects, id, ';');) EXPECT_FALSE(canaries.contains(plain(id)));
  }
}

TEST(Country, TheCastIsInTheFiles) {
  for (const std::uint64_t citizens : {100u, 1000u, 10'000u}) {
    const Made made = make(citizens, 1);
    const Cast& cast = made.country.cast;
    bool found_case = false, found_number = false, found_outsider = false, found_hotel = false;
    for (const auto& row : rows_of(made, "cases.csv")) {
      if (row[0] != cast.case_ref) continue;
      found_case = true;
      EXPECT_EQ(row[3], "") << "the case is open";
      EXPECT_EQ(row[5], cast.investigator);
      EXPECT_EQ(plain(row[6]), cast.subject);
    }
    for (const auto& row : rows_of(made, "telecom_subscribers.csv"))
      found_number = found_number || last_ten(row[0]) == last_ten(cast.subject_number);
    for (const auto& row : rows_of(made, "hr_roster.csv"))
      if (row[0] == cast.outsider) {
        found_outsider = true;
        EXPECT_EQ(row[5], "investigator");
        EXPECT_EQ(row[9], "") << "still in service";
      }
    for (const auto& row : rows_of(made, "hotel_guests.csv")) found_hotel = found_hotel || row[0] == cast.licence;
    EXPECT_TRUE(found_case && found_number && found_outsider && found_hotel) << citizens;
  }
}

TEST(Country, ACountryOfNobodyIsRefused) {
  CountryOptions options;
  options.directory = ".";
  options.citizens = 0;
  auto country = write_country(options, nullptr);
  ASSERT_FALSE(country.has_value());
  EXPECT_EQ(country.error().reason, Reason::usage_wrong);
}

TEST(Country, ADirectoryThatIsNotThereIsNamed) {
  CountryOptions options;
  options.directory = "/nonexistent/country";
  auto country = write_country(options, nullptr);
  ASSERT_FALSE(country.has_value());
  EXPECT_EQ(country.error().reason, Reason::file_failed);
}

}  // namespace
}  // namespace amanat::cli
