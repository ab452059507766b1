#include <gtest/gtest.h>

#include "registry/dataset.h"
#include "registry/test_archive.h"

namespace amanat::registry {
namespace {

TEST(Catalog, PakistansRegistriesAreDeclared) {
  auto catalog = Catalog::load(kCatalogDirectory);
  ASSERT_TRUE(catalog) << catalog.error().detail;
  EXPECT_EQ(catalog->dataset_names(),
            (std::vector<std::string>{"cases.cases", "documents.pages", "family.tree",
                                      "hotels.stays", "identity.persons", "personnel.roster",
                                      "police.firs", "telecom.calls", "telecom.subscribers"}));
  for (const char* id : {"identity.persons.name", "identity.persons.present_address",
                         "family.tree.relation", "police.firs.status", "telecom.calls.counterparty",
                         "hotels.stays.licence", "documents.pages.kind"})
    EXPECT_TRUE(catalog->fields().find(id)) << id;
  EXPECT_FALSE(catalog->fields().find("personnel.roster.name"));
  EXPECT_FALSE(catalog->fields().find("cases.cases.subjects"));
  EXPECT_EQ(catalog->search_words(),
            (std::vector<std::string>{"fir", "licence", "msisdn", "national_id", "passport"}));
  EXPECT_EQ(catalog->narrowing_words(),
            (std::vector<std::string>{"city", "district", "room", "station"}));
  EXPECT_EQ(catalog->dataset("identity.person"), nullptr);
}

/// A small catalog to spoil.
const std::string kRules =
    "[rules.national_id]\nlength = 4\n[rules.phone]\ncountry = \"92\"\n[rules.dates]\ndate = "
    "[\"YYYY-MM-DD\"]\n";
const std::string kGood =
    "registry = \"r\"\n"
    "department = \"d\"\n"
    "[[dataset]]\n"
    "name = \"s\"\n"
    "subject = \"who\"\n"
    "key = [\"who\"]\n"
    "[[dataset.field]]\n"
    "name = \"who\"\n"
    "column = \"Who\"\n"
    "type = \"national_id\"\n"
    "required = true\n"
    "[[dataset.field]]\n"
    "name = \"what\"\n"
    "column = \"What\"\n"
    "type = \"text\"\n";

std::string complaint(std::string from, const std::string& to, const std::string& more = {}) {
  std::string text = kGood;
  if (!from.empty()) {
    const auto at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
  }
  const TestDirectory directory;
  std::filesystem::create_directory(directory.file("c"));
  directory.write("c/a.toml", text + more);
  directory.write("c/rules.toml", kRules);
  auto catalog = Catalog::load(directory.file("c"));
  if (catalog) return {};
  EXPECT_EQ(catalog.error().reason, Reason::catalog_wrong);
  return catalog.error().detail;
}

TEST(Catalog, EachMistakeIsNamedWithFileLineAndTheNearestWord) {
  EXPECT_EQ(complaint("", ""), "");
  struct Mistake {
    const char *from, *to, *says;
  };
  const Mistake mistakes[] = {
      {"required = true", "requird = true",
       "a.toml:11: unknown key `requird`; did you mean `required`?"},
      {"\"national_id\"", "\"nationalid\"", "did you mean \"national_id\"?"},
      {"name = \"what\"", "name = \"date\"", "reserved"},
      {"name = \"what\"", "name = \"source\"", "reserved"},
      {"name = \"what\"", "name = \"who\"", "twice"},
      {"name = \"what\"", "name = \"What\"", "small letters"},
      {"subject = \"who\"", "subject = \"woh\"",
       "a.toml:3: unknown field in `subject`: \"woh\"; did you mean \"who\"?"},
      {"key = [\"who\"]", "", "`key` is missing"},
      {"key = [\"who\"]", "key = [\"wat\"]", "did you mean \"what\"?"},
      {"required = true", "", "required"},
      {"column = \"What\"\n", "", "has no `column`"},
      {"type = \"text\"", "type = \"text\"\nclass = \"sensitve\"", "did you mean \"sensitive\"?"},
      {"type = \"text\"", "type = \"text\"\nmasks = [\"last5\"]", "did you mean \"last"},
      {"type = \"text\"", "type = \"text\"\nlink = \"father\"", "names a subject"},
      {"type = \"text\"", "type = \"enum\"", "needs `values`"},
      {"type = \"text\"", "type = \"date\"\nformats = [\"DD-MM-YY\"]", "lacks YYYY"},
      {"type = \"text\"", "type = \"number\"\nmin = 5\nmax = 4", "`min` is above `max`"},
      {"type = \"text\"", "type = \"text\"\ngives = \"hops\"", "derived"},
      {"key = [\"who\"]", "key = [\"who\"]\nheld_by = \"r.s.what\"", "held_by needs"},
      {"key = [\"who\"]", "key = [\"who\"]\nwindow = [\"what\"]", "need a date"},
      {"key = [\"who\"]", "key = [\"what\"]\none = true", "subject as key"},
      {"department = \"d\"\n", "", "`department` is missing"},
      {"registry = \"r\"\n", "", "`registry` is missing"},
      {"name = \"s\"", "name = 5", "must be text"},
      {"[[dataset]]", "[[dataset]", "a.toml:3"},
  };
  for (const auto& m : mistakes) {
    SCOPED_TRACE(m.says);
    const std::string detail = complaint(m.from, m.to);
    EXPECT_NE(detail.find(m.says), std::string::npos) << detail;
    EXPECT_TRUE(detail.starts_with("a.toml:")) << detail;
  }
  EXPECT_NE(complaint("", "", kRules).find("two files"), std::string::npos);
}

std::string slots_of(const std::string& dataset, const std::string& more,
                     const std::string& version = "[rules]\nmarks_version = 4\n") {
  std::string text = kGood;
  text.replace(text.find("name = \"s\"\n"), 11, "name = \"s\"\n" + dataset);
  const TestDirectory directory;
  std::filesystem::create_directory(directory.file("c"));
  directory.write("c/a.toml", text + more);
  directory.write("c/rules.toml", version + kRules);
  auto catalog = Catalog::load(directory.file("c"));
  if (!catalog) {
    EXPECT_EQ(catalog.error().reason, Reason::catalog_wrong);
    return catalog.error().detail;
  }
  return catalog->slots();
}

TEST(Catalog, ItsSlotsMakeOneCanonicalText) {
  EXPECT_EQ(slots_of("", "", ""), "");
  const std::string what =
      "mark = 9\n[[dataset.slot]]\nkind = \"day\"\nnumber = 3\nfield = \"what\"\n"
      "weights = [\"3\", \"1\"]\n"
      "[[dataset.slot]]\nkind = \"withheld\"\nnumber = 0\nmembers = [\"what\"]\n";
  EXPECT_EQ(slots_of("mark = 5\n", what),
            "amanat-slots v1\nversion 4\nname 5 r.s\nname 9 r.s.what\n"
            "slot 5 0 withheld even - 9\nslot 9 3 day 3,1 - -\n");
  const auto says = [&](const std::string& text, const char* words) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  says(slots_of("mark = 9\n", what), "mark 9");
  says(slots_of("", what), "the dataset needs a `mark`");
  says(slots_of("mark = 5\n", what.substr(9)), "\"what\" needs a `mark`");
  says(slots_of("mark = 5\n", what, ""), "marks_version");
  says(slots_of("mark = 5\n",
                what + "[[dataset.slot]]\nkind = \"day\"\nnumber = 3\nfield = \"what\"\n"),
       "stands twice");
  says(slots_of("mark = 5\n", what + "[[dataset.slot]]\nkind = \"day\"\nfield = \"whta\"\n"),
       "unknown field");
  says(slots_of("mark = 5\n", what + "[[dataset.slot]]\nkind = \"day\"\n"), "either");
  says(slots_of("mark = 5\n", what + "weights = [\"x\"]\n"), "weights");
}

TEST(Catalog, ADirectoryWithoutRulesOrDatasetsIsRefused) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.file("c"));
  EXPECT_FALSE(Catalog::load(directory.file("c")));
  EXPECT_FALSE(Catalog::load(directory.file("none")));
  directory.write("c/rules.toml", kRules);
  EXPECT_FALSE(Catalog::load(directory.file("c")));
  directory.write("c/a.toml", kGood);
  EXPECT_TRUE(Catalog::load(directory.file("c")));
  directory.write("c/b.toml", kGood);
  auto twice = Catalog::load(directory.file("c"));
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().detail.find("twice"), std::string::npos);
}

TEST(Catalog, ANewRegistryIsANewFileAndOldRecordsStayReadable) {
  const TestDirectory directory;
  std::filesystem::copy(kCatalogDirectory, directory.file("c"));
  // A registry that comes before all others and takes their places in the catalog.
  std::string text = kGood;
  text.replace(text.find("registry = \"r\""), 14, "registry = \"aaa\"");
  Exchange before(nullptr, directory.file("c"));
  before.import_text(
      "hotels.stays",
      "Licence,Guest,CNIC/Passport,Check In\nHL-1,Sana,1111111111111,2026-01-01 10:00\n");
  std::filesystem::copy(kCatalogDirectory + "/hotels.toml", directory.file("c/hotels.toml"),
                        std::filesystem::copy_options::overwrite_existing);
  directory.write("c/0.toml", text);
  auto hotels = storage::read_file(directory.file("c/hotels.toml"), 1 << 20);
  // The guest's name moves to the end of the file.
  const auto from = hotels->find("[[dataset.field]]\nname = \"guest_name\"");
  const auto to = hotels->find("[[dataset.field]]\nname = \"guest_id\"");
  const std::string block = hotels->substr(from, to - from);
  directory.write("c/hotels.toml", hotels->substr(0, from) + hotels->substr(to) + "\n" + block);
  auto after = Catalog::load(directory.file("c"));
  ASSERT_TRUE(after) << after.error().detail;
  auto numbers = Numbers::load(*after, *before.store);
  ASSERT_TRUE(numbers);
  Archive archive{.catalog = *after,
                  .store = *before.store,
                  .vault = *before.vault,
                  .numbers = *numbers,
                  .writing = {},
                  .generation = 1,
                  .decoys = {}};
  Question question;
  question.subject.search = "licence";
  question.subject.value = "HL-1";
  question.fields = {*after->fields().find("hotels.stays.guest_name")};
  const std::vector<FieldRelease> releases{{question.fields[0], Level::full, 0, {}}};
  const std::vector<Tag> none;
  const std::vector<std::string> follow;
  const Wanted wanted{&question, {&releases, &releases, &releases}, &none, &follow};
  auto all = find(archive, wanted);
  ASSERT_TRUE(all) << all.error().detail;
  auto* const found = &all->content;
  ASSERT_EQ(found->people.at(0).records.size(), 1U);
  EXPECT_EQ(found->text.view(found->people[0].records[0].values.at(0).text), "Sana");
}

}  // namespace
}  // namespace amanat::registry
