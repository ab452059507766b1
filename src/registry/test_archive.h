#pragma once
// For the tests of this room: a catalog, a store and a vault as in a new exchange.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "registry/archive.h"
#include "registry/fetch.h"
#include "registry/normalise.h"
#include "registry/registry.h"
#include "storage/file.h"

namespace amanat::registry {

inline const std::string kCatalogDirectory = std::string(AMANAT_SOURCE_DIR) + "/catalog/pakistan";
inline const std::string kDepartments = std::string(AMANAT_SOURCE_DIR) + "/tests/data/departments/";

/// TestDirectory is a directory that goes with its test.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "amanat-registry-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

 private:
  std::string path_;
};

/// Exchange is a registry with everything below it real; the store is in memory unless given.
struct Exchange {
  explicit Exchange(std::unique_ptr<storage::Store> given = nullptr,
                    const std::string& catalog_directory = kCatalogDirectory)
      : catalog(load(catalog_directory)),
        vault(*vault::Vault::create(storage::system_disk(), directory.file("keys"))),
        store(given ? std::move(given) : storage::open_memory()),
        registry(catalog, *store, *vault) {}
  static Catalog load(const std::string& path) {
    auto loaded = Catalog::load(path);
    if (!loaded) ADD_FAILURE() << loaded.error().detail;
    return *std::move(loaded);
  }

  ImportReport import(const std::string& dataset, const std::string& file) {
    auto report = registry.import(dataset, file, {});
    EXPECT_TRUE(report) << (report ? "" : report.error().detail);
    return report ? *report : ImportReport{};
  }
  ImportReport import_text(const std::string& dataset, const std::string& csv) {
    return import(dataset, directory.write("rows-" + std::to_string(++files) + ".csv", csv));
  }
  void import_departments() {
    import("identity.persons", kDepartments + "nadra_identity.csv");
    import("telecom.subscribers", kDepartments + "telecom_subscribers.csv");
    import("telecom.calls", kDepartments + "telecom_cdr.csv");
    import("police.firs", kDepartments + "police_firs.csv");
    import("hotels.stays", kDepartments + "hotel_guests.csv");
  }

  TestDirectory directory;
  Catalog catalog;
  std::unique_ptr<vault::Vault> vault;
  std::unique_ptr<storage::Store> store;
  Registry registry;
  int files = 0;
};

/// Asking puts a question to an exchange as a granted one would be.
class Asking {
 public:
  Asking(Exchange& exchange, const std::vector<std::string>& patterns) : exchange_(exchange) {
    const FieldTable& table = exchange.catalog.fields();
    FieldSet set;
    for (const auto& p : patterns) {
      EXPECT_TRUE(table.match(p).any()) << p;
      set |= table.match(p);
    }
    for (std::uint16_t f = 0; f < table.size(); ++f)
      if (set[f]) question.fields.push_back(FieldId{f});
    question.max_subjects = 100;
    for (auto& releases : releases_)
      for (const auto f : question.fields) releases.push_back(FieldRelease{f, Level::full, 0, {}});
    follow = {"father", "mother", "spouse", "child"};
  }
  Asking& subject(const std::string& word, const std::string& value) {
    question.subject.search = word;
    question.subject.value = value;
    return *this;
  }
  Asking& narrow(const std::string& word, const std::string& value) {
    question.subject.narrowing.emplace_back(word, value);
    return *this;
  }
  Asking& hops(unsigned n) {
    question.subject.hops = static_cast<std::uint8_t>(n);
    return *this;
  }
  /// window takes two ISO dates or datetimes.
  Asking& window(const std::string& from, const std::string& to) {
    question.subject.from = Moment{static_cast<std::uint64_t>(seconds_of(from).value() * 1000)};
    question.subject.to = Moment{static_cast<std::uint64_t>(seconds_of(to).value() * 1000)};
    return *this;
  }
  Asking& level(const std::string& pattern, Level level, Standing standing) {
    const FieldSet set = exchange_.catalog.fields().match(pattern);
    for (auto& r : releases_[static_cast<std::size_t>(standing)])
      if (set[number(r.field)]) r.level = level;
    return *this;
  }
  Asking& names_in_case(const SubjectName& name) {
    case_subjects.push_back(exchange_.vault->tag(name));
    std::sort(case_subjects.begin(), case_subjects.end());
    return *this;
  }

  Result<Findings::Content> ask() {
    auto numbers = Numbers::load(exchange_.catalog, *exchange_.store);
    EXPECT_TRUE(numbers);
    Archive archive{.catalog = exchange_.catalog,
                    .store = *exchange_.store,
                    .vault = *exchange_.vault,
                    .numbers = *numbers,
                    .writing = {},
                    .generation = 1,
                    .decoys = {}};
    EXPECT_TRUE(archive.decoys.sample(archive.catalog, archive.numbers, archive.store));
    Wanted wanted;
    wanted.question = &question;
    for (std::size_t s = 0; s < kStandings; ++s) wanted.releases[s] = &releases_[s];
    wanted.case_subjects = &case_subjects;
    wanted.follow = &follow;
    LiveDesks desks(archive);
    return wait(find_everywhere(archive, desks, wanted));
  }

  Question question;
  std::vector<Tag> case_subjects;
  std::vector<std::string> follow;

 private:
  Exchange& exchange_;
  std::vector<FieldRelease> releases_[kStandings];
};

/// Told is what an answer says, as text: dataset -> records -> field -> value.
using Told = std::map<std::string, std::vector<std::map<std::string, std::string>>>;
inline Told told(const Exchange& exchange, const Findings::Content& content, std::size_t person) {
  Told out;
  const FieldTable& table = exchange.catalog.fields();
  for (const auto& record : content.people.at(person).records) {
    std::map<std::string, std::string> values;
    for (const auto& v : record.values) values[table[v.field].name] = content.text.view(v.text);
    out[table.dataset_name(record.dataset)].push_back(std::move(values));
  }
  return out;
}

}  // namespace amanat::registry
