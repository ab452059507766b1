// Datasets that stay with their department: a real PostgreSQL 15 and a real HTTPS server, up, down,
// slow, cut, wrong and hostile.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "net/test_certificates.h"
#include "registry/declaration.h"
#include "registry/live.h"
#include "registry/test_archive.h"
#include "storage/postgres_server.h"

namespace amanat::registry {
namespace {

namespace fs = std::filesystem;

const std::string kKnown = "3520281848771", kUnknown = "3520100000009";

const net::TestCertificates& certificates() {
  static const net::TestCertificates all;
  static const bool closed = [] {
    for (const char* name : {"client", "stranger"}) ::chmod(all.key(name).c_str(), 0600);
    return true;
  }();
  EXPECT_TRUE(closed);
  return all;
}

const std::string kFields = R"(
[[dataset.field]]
name = "owner_id"
column = "CNIC"
type = "national_id"
required = true

[[dataset.field]]
name = "registration"
column = "Reg No"
type = "text"
class = "open"
required = true

[[dataset.field]]
name = "make"
column = "Make"
type = "text"

[[dataset.field]]
name = "registered"
column = "Registered"
type = "date"

[[dataset.field]]
name = "seats"
column = "Seats"
type = "number"
max = 80
)";

std::string declaration(const std::string& live) {
  return "registry = \"excise\"\ndepartment = \"excise\"\n[[dataset]]\nname = \"vehicles\"\n"
         "subject = \"owner_id\"\nkey = [\"registration\"]\nwindow = [\"registered\"]\n" +
         live + kFields;
}

/// Home is an exchange's home with a catalog in it.
struct Home {
  explicit Home(const std::string& live) {
    fs::create_directory(directory.file("catalog"));
    fs::create_directory(directory.file("keys"));
    for (const auto& one : fs::directory_iterator(kCatalogDirectory))
      fs::copy(one.path(), directory.file("catalog"));
    directory.write("catalog/excise.toml", declaration(live));
  }
  TestDirectory directory;
};

/// World is an exchange that asks a department, and its desks.
struct World : Home {
  explicit World(const std::string& live)
      : Home(live),
        exchange(nullptr, directory.file("catalog")),
        numbers(*Numbers::load(exchange.catalog, *exchange.store)) {
    exchange.import_text("identity.persons",
                         "CNIC,Name,Gender,Date of Birth\n" + kKnown + ",Kashif,M,1954-06-02\n");
    desks = std::make_unique<LiveDesks>(archive);
  }
  ~World() { desks.reset(); }

  Result<Findings::Content> ask(
      const std::string& id,
      const std::vector<std::string>& patterns = {"excise.vehicles.*", "identity.persons.name"},
      const std::function<void(Asking&)>& more = nullptr) {
    Asking asking(exchange, patterns);
    asking.subject("national_id", id);
    if (more) more(asking);
    releases.clear();
    for (const auto f : asking.question.fields) releases.push_back({f, Level::full, 0, {}});
    Wanted wanted;
    wanted.question = &asking.question;
    for (std::size_t s = 0; s < kStandings; ++s) wanted.releases[s] = &releases;
    const std::vector<Tag> none;
    const std::vector<std::string> follow{"father", "mother", "spouse", "child"};
    wanted.case_subjects = &none;
    wanted.follow = &follow;
    return wait(find_everywhere(archive, *desks, wanted));
  }
  /// makes lists what was found: "registration make registered" of each vehicle, or the reason its
  /// fields are withheld.
  std::vector<std::string> makes(const Result<Findings::Content>& found) {
    std::vector<std::string> out;
    if (!found) return {"failed: " + found.error().detail};
    const Person& person = found->people.at(0);
    const FieldTable& table = exchange.catalog.fields();
    for (const FoundRecord& record : person.records) {
      if (table.dataset_name(record.dataset) != "excise.vehicles") continue;
      std::string line;
      for (const FoundValue& value : record.values)
        if (table[value.field].id != "excise.vehicles.owner_id")
          line += (line.empty() ? "" : " ") + std::string(found->text.view(value.text));
      out.push_back(line);
    }
    if (!person.releases) return out;
    for (const FieldRelease& release : *person.releases)
      if (release.level == Level::none)
        out.push_back(table[release.field].id + "=" + std::string(row_of(release.withheld).id));
    return out;
  }
  std::vector<std::string> makes(const std::string& id) { return makes(ask(id)); }
  std::string name_shown(const Result<Findings::Content>& found) {
    for (const FoundRecord& record : found->people.at(0).records)
      for (const FoundValue& value : record.values)
        if (exchange.catalog.fields()[value.field].id == "identity.persons.name")
          return std::string(found->text.view(value.text));
    return {};
  }
  LiveDesks::Standing standing() { return desks->standings().at(0); }

  Exchange exchange;
  Numbers numbers;
  Archive archive{.catalog = exchange.catalog,
                  .store = *exchange.store,
                  .vault = *exchange.vault,
                  .numbers = numbers,
                  .writing = {},
                  .generation = 1,
                  .decoys = {}};
  std::vector<FieldRelease> releases;
  std::unique_ptr<LiveDesks> desks;
};

std::vector<std::string> withheld(const std::string& reason) {
  std::vector<std::string> out;
  for (const char* field : {"owner_id", "registration", "make", "registered", "seats"})
    out.push_back("excise.vehicles." + std::string(field) + "=" + reason);
  std::ranges::sort(out);
  return out;
}
std::vector<std::string> sorted(std::vector<std::string> list) {
  std::ranges::sort(list);
  return list;
}
const std::vector<std::string> kBoth{"Suzuki Mehran 2007-03-01 LEA-07-1234 4",
                                     "Honda CD 70 2019-11-30 LEB-19-77 2"};

/// Words brings a line's values into one order, whatever the catalog numbers its fields.
std::vector<std::string> words(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    std::vector<std::string> parts;
    std::stringstream in(line);
    for (std::string part; in >> part;) parts.push_back(part);
    std::ranges::sort(parts);
    line.clear();
    for (const auto& part : parts) line += part + " ";
  }
  return sorted(lines);
}

// ---- PostgreSQL

constexpr const char* kTable =
    "CREATE SCHEMA reg; CREATE TABLE reg.\"Owners \"\"live\"\"\" (\"CNIC\" bigint, \"Reg No\" "
    "text, "
    "\"Make\" text, \"Registered\" date, \"Seats\" int, \"Colour\" text);"
    "INSERT INTO reg.\"Owners \"\"live\"\"\" VALUES (3520281848771, 'LEA-07-1234', 'Suzuki "
    "Mehran', "
    "'2007-03-01', 4, 'white'), (3520281848771, 'LEB-19-77', 'Honda CD 70', '2019-11-30', 2, "
    "'red'), "
    "(3520100000010, 'X-1', 'Other', '2020-01-01', 4, 'red');"
    "GRANT USAGE ON SCHEMA reg TO amanat; GRANT SELECT ON ALL TABLES IN SCHEMA reg TO amanat;"
    "ALTER DATABASE %D SET search_path TO public;";

/// Register is a department's database on the shared server.
struct Register {
  Register() : server(storage::PostgresServer::shared(0)) {
    static int n = 0;
    name = "excise" + std::to_string(++n);
    server.database(name);
    std::string text = kTable;
    text.replace(text.find("%D"), 2, name);
    sql(text);
  }
  ~Register() { server.drop(name); }
  void sql(const std::string& text) { server.sql(name, text); }
  /// becomes puts a view with the table's columns in its place.
  void becomes(const std::string& select) {
    sql("ALTER TABLE reg.\"Owners \"\"live\"\"\" RENAME TO real; CREATE VIEW reg.\"Owners "
        "\"\"live\"\"\" AS " +
        select + "; GRANT SELECT ON reg.\"Owners \"\"live\"\"\" TO amanat;");
  }
  std::string live(const std::string& more = {}) const {
    return "live = \"postgresql://amanat@/" + name + "?host=" + server.host() +
           "\"\n[dataset.ask]\nplain = true\nschema = \"reg\"\ntable = 'Owners \"live\"'\n" + more;
  }
  storage::PostgresServer& server;
  std::string name;
};

TEST(LiveTable, ACitizensRecordsAreReadFromTheDepartmentsOwnTable) {
  Register reg;
  World world(reg.live());
  auto found = world.ask(kKnown);
  EXPECT_EQ(words(world.makes(found)), words(kBoth));
  EXPECT_EQ(world.name_shown(found), "Kashif");
  const auto& record = found->people.at(0).records.front();
  EXPECT_EQ(record.source, "excise");
  EXPECT_EQ(record.version, 1U);
  // Known to the department alone, and to nobody.
  EXPECT_EQ(world.makes("3520100000010").size(), 1U);
  EXPECT_TRUE(world.makes(kUnknown).empty());
  EXPECT_FALSE(world.ask(kUnknown)->people.at(0).exists);
  EXPECT_EQ(world.standing().failed, 0U);
}

TEST(LiveTable, OnlyWhatIsGrantedIsAskedOfTheDepartment) {
  Register reg;
  // A role that may read these columns and no other would be refused anything else.
  reg.sql(
      "REVOKE SELECT ON ALL TABLES IN SCHEMA reg FROM amanat; GRANT SELECT (\"CNIC\", \"Reg No\", "
      "\"Make\") ON reg.\"Owners \"\"live\"\"\" TO amanat;");
  World world(reg.live());
  EXPECT_EQ(words(world.makes(world.ask(kKnown, {"excise.vehicles.make"}))),
            words({"Suzuki Mehran", "Honda CD 70"}));
  EXPECT_EQ(world.makes(world.ask(kKnown, {"excise.vehicles.make", "excise.vehicles.seats"})),
            (std::vector<std::string>{"excise.vehicles.make=department-reply-wrong",
                                      "excise.vehicles.seats=department-reply-wrong"}));
  EXPECT_NE(world.standing().last_failure.find("42501"), std::string::npos);
  // A window asks for its column too, and filters.
  reg.sql("GRANT SELECT ON ALL TABLES IN SCHEMA reg TO amanat");
  EXPECT_EQ(words(world.makes(world.ask(kKnown, {"excise.vehicles.make"},
                                        [](Asking& a) { a.window("2010-01-01", "2020-01-01"); }))),
            words({"Honda CD 70"}));
}

TEST(LiveTable, AnIdInTheDepartmentsOwnFormIsAParameter) {
  Register reg;
  reg.sql(
      "ALTER TABLE reg.\"Owners \"\"live\"\"\" ALTER \"CNIC\" TYPE text USING "
      "regexp_replace(\"CNIC\"::text, '^(.{5})(.{7})(.)$', '\\1-\\2-\\3')");
  World world(reg.live("form = \"00000-0000000-0\"\n"));
  EXPECT_EQ(words(world.makes(kKnown)), words(kBoth));
  EXPECT_EQ(in_form("00000-0000000-0", kKnown), "35202-8184877-1");
  EXPECT_EQ(in_form("", kKnown), kKnown);
}

TEST(LiveTable, ADepartmentThatIsDownWithholdsItsFieldsAndNothingElse) {
  storage::PostgresServer own;
  own.database("gone");
  World world("live = \"postgresql://amanat@/gone?host=" + own.host() +
              "\"\n[dataset.ask]\nplain = true\ntable = \"t\"\n");
  own.stop(SIGQUIT);
  auto found = world.ask(kKnown);
  EXPECT_EQ(sorted(world.makes(found)), withheld("department-silent"));
  EXPECT_EQ(world.name_shown(found), "Kashif");
}

TEST(LiveTable, ADepartmentThatFailsThreeTimesIsLeftAloneAndComesBackByItself) {
  Register reg;
  World world(reg.live("connect_ms = 200\ntotal_ms = 300\n"));
  reg.becomes("SELECT r.* FROM reg.real r, LATERAL (SELECT pg_sleep(60)) s");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
  EXPECT_TRUE(world.standing().resting);
  const auto failed = world.standing().failed;
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
  EXPECT_EQ(world.standing().failed, failed);  // it was not asked
  EXPECT_EQ(world.standing().spared, 20U);
  // Whoever cannot be asked about waits for nothing either.
  EXPECT_EQ(world.standing().answered, 0U);
}

TEST(LiveTable, ASessionCutInTheMiddleShowsNothingAndTheNextQuestionConnectsAgain) {
  Register reg;
  World world(reg.live());
  EXPECT_EQ(world.makes(kKnown).size(), 2U);
  reg.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND pid <> pg_backend_pid()");
  EXPECT_EQ(world.makes(kKnown).size(), 2U);  // closed while nobody asked
  reg.sql(
      "CREATE FUNCTION reg.cut(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF $1 = 2 THEN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; RETURN $1; END'; "
      "GRANT EXECUTE ON FUNCTION reg.cut TO amanat");
  reg.becomes(
      "SELECT \"CNIC\", \"Reg No\", \"Make\", \"Registered\", reg.cut(\"Seats\") AS \"Seats\" FROM "
      "reg.real");
  EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
  EXPECT_EQ(world.standing().failed, 1U);
}

TEST(LiveTable, WhatIsTooLargeIsNotRead) {
  Register reg;
  World world(reg.live("bytes = 20000\nrows = 5\n"));
  reg.becomes(
      "SELECT \"CNIC\", \"Reg No\", repeat('x', 60000) AS \"Make\", \"Registered\", \"Seats\" FROM "
      "reg.real");
  EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-reply-wrong"));
  EXPECT_NE(world.standing().last_failure.find("bytes"), std::string::npos);
  reg.sql(
      "CREATE OR REPLACE VIEW reg.\"Owners \"\"live\"\"\" AS SELECT \"CNIC\", \"Reg No\" || "
      "g::text AS "
      "\"Reg No\", \"Make\", \"Registered\", \"Seats\" FROM reg.real, generate_series(1, 10) g");
  EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-reply-wrong"));
  EXPECT_NE(world.standing().last_failure.find("rows"), std::string::npos);
}

TEST(LiveTable, AValueThatBreaksItsRuleIsNamedAndNotShown) {
  Register reg;
  World world(reg.live());
  reg.becomes(
      "SELECT \"CNIC\", \"Reg No\", \"Make\", 'yesterday'::text AS \"Registered\", \"Seats\" * "
      "1000 AS \"Seats\" FROM reg.real");
  EXPECT_EQ(words(world.makes(kKnown)), words({"Suzuki Mehran LEA-07-1234", "Honda CD 70 LEB-19-77",
                                               "excise.vehicles.registered=department-value-wrong",
                                               "excise.vehicles.seats=department-value-wrong"}));
  EXPECT_EQ(world.standing().wrong_values, 2U);
  EXPECT_FALSE(world.standing().resting);
}

TEST(LiveTable, ARecordOfAnotherCitizenIsNeverShown) {
  Register reg;
  World world(reg.live("id_column = \"asked\"\n"));
  reg.becomes(
      "SELECT 3520100000010 AS \"CNIC\", \"Reg No\", \"Make\", \"Registered\", \"Seats\", \"CNIC\" "
      "AS asked FROM reg.real");
  EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-reply-wrong"));
  EXPECT_NE(world.standing().last_failure.find("another citizen"), std::string::npos);
  EXPECT_EQ(world.standing().last_failure.find("3520"), std::string::npos);
}

TEST(LiveTable, WhatWasShownIsKeptAsAVersionAndSharedByTheSameAnswerAgain) {
  Register reg;
  World world(reg.live());
  const SubjectName citizen{SubjectKind::national_id, kKnown};
  const auto versions = [&] {
    auto kept = world.exchange.registry.versions_of(citizen);
    EXPECT_TRUE(kept);
    return std::ranges::count_if(*kept, [&](const Registry::Version& v) {
      return world.exchange.catalog.dataset(v.dataset).name == "excise.vehicles";
    });
  };
  EXPECT_EQ(world.ask(kKnown)->people.at(0).records.front().version, 1U);
  EXPECT_EQ(versions(), 2);
  EXPECT_EQ(world.ask(kKnown)->people.at(0).records.front().version, 1U);
  EXPECT_EQ(versions(), 2);
  // The department overwrites: what was shown before stays, for the trace.
  reg.sql(
      "UPDATE reg.\"Owners \"\"live\"\"\" SET \"Make\" = 'Toyota Corolla' WHERE \"Reg No\" = "
      "'LEB-19-77'");
  EXPECT_EQ(words(world.makes(kKnown)), words({kBoth[0], "Toyota Corolla 2019-11-30 LEB-19-77 2"}));
  EXPECT_EQ(versions(), 3);
  // Fewer fields make a version of those alone.
  EXPECT_EQ(world.makes(world.ask(kKnown, {"excise.vehicles.make"})).size(), 2U);
  EXPECT_EQ(versions(), 5);
  // A citizen the exchange had no record of is found again by the trace.
  world.ask("3520100000010");
  std::vector<std::string> seen;
  ASSERT_TRUE(world.exchange.registry.each_subject(
      [&](const SubjectName& name, const Label&) { seen.push_back(name.value); },
      [](const SubjectName&, const SubjectName&) {}));
  EXPECT_EQ(sorted(seen), (std::vector<std::string>{"3520100000010", kKnown}));
}

TEST(LiveTable, ErasureTakesWhatWasKeptAndTheDepartmentKeepsItsOwn) {
  Register reg;
  World world(reg.live());
  const SubjectName citizen{SubjectKind::national_id, kKnown};
  EXPECT_EQ(world.makes(kKnown).size(), 2U);
  auto erased = world.exchange.registry.erase(citizen);
  ASSERT_TRUE(erased) << erased.error().detail;
  EXPECT_EQ(erased->records, 3U);  // a person and two vehicles
  EXPECT_TRUE(world.exchange.registry.versions_of(citizen)->empty());
  std::size_t past = 0;
  ASSERT_TRUE(
      world.exchange.store->scan(storage::Table::past, {}, {},
                                 [&](std::string_view, std::string_view) { return ++past > 0; }));
  EXPECT_EQ(past, 0U);
  // Whoever asks again asks the department again, under a new key.
  auto again = world.ask(kKnown);
  EXPECT_EQ(words(world.makes(again)), words(kBoth));
  EXPECT_EQ(world.name_shown(again), "");
}

TEST(LiveTable, NothingIsImportedIntoALiveDataset) {
  Register reg;
  World world(reg.live());
  auto refused = world.exchange.registry.import(
      "excise.vehicles", world.directory.write("v.csv", "CNIC,Reg No\n" + kKnown + ",A-1\n"), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::dataset_is_live);
  auto lines =
      world.exchange.registry.import_lines("excise.vehicles", "{\"CNIC\":\"" + kKnown + "\"}\n");
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().reason, Reason::dataset_is_live);
}

TEST(LiveTable, AnExtractNeverAsksADepartment) {
  Register reg;
  World world(reg.live());
  Asking asking(world.exchange, {"excise.vehicles.make", "identity.persons.name"});
  asking.question.list.emplace();
  std::vector<FieldRelease> releases;
  for (const auto f : asking.question.fields) releases.push_back({f, Level::full, 0, {}});
  Wanted wanted;
  wanted.question = &asking.question;
  for (std::size_t s = 0; s < kStandings; ++s) wanted.releases[s] = &releases;
  const std::vector<Tag> none;
  wanted.case_subjects = &none;
  auto roll = find_roll(world.archive, wanted, {kKnown});
  ASSERT_TRUE(roll);
  auto part = find_part(world.archive, wanted, roll->people, 0, 1);
  ASSERT_TRUE(part) << part.error().detail;
  const Result<Findings::Content> found(*std::move(part));
  EXPECT_EQ(world.makes(found),
            std::vector<std::string>{"excise.vehicles.make=live-not-in-extract"});
  EXPECT_EQ(world.name_shown(found), "Kashif");
  EXPECT_EQ(world.standing().answered, 0U);
}

TEST(LiveTable, ANumberNobodyHoldsWaitsAsLongAsADepartmentTakes) {
  Register reg;
  World world(reg.live());
  for (int i = 0; i < 3; ++i) world.makes(kKnown);
  Asking asking(world.exchange, {"excise.vehicles.make"});
  asking.subject("msisdn", "03001234567");
  std::vector<FieldRelease> releases{{asking.question.fields.at(0), Level::full, 0, {}}};
  Wanted wanted;
  wanted.question = &asking.question;
  for (std::size_t s = 0; s < kStandings; ++s) wanted.releases[s] = &releases;
  const std::vector<Tag> none;
  const std::vector<std::string> follow;
  wanted.case_subjects = &none;
  wanted.follow = &follow;
  auto only_here = find(world.archive, wanted);
  ASSERT_TRUE(only_here);
  ASSERT_EQ(only_here->live.size(), 1U);
  EXPECT_TRUE(only_here->live[0].name.value.empty());  // waited for, and nobody is asked about
  const auto answered = world.standing().answered;
  auto found = wait(find_everywhere(world.archive, *world.desks, wanted));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->people.at(0).exists);
  EXPECT_EQ(world.standing().answered, answered);
}

TEST(LiveTable, OverTheNetworkTheServersNameIsCheckedAndACertificateShown) {
  // The server's key belongs to its own account.
  TestDirectory files;
  fs::permissions(fs::path(files.file(".")), fs::perms::others_read | fs::perms::others_exec,
                  fs::perm_options::add);
  for (const auto& [from, to] : {std::pair{certificates().crt("server"), "server.crt"},
                                 std::pair{certificates().key("server"), "server.key"},
                                 std::pair{certificates().crt("ours"), "ours.crt"}})
    fs::copy_file(from, files.file(to));
  ::chmod(files.file("server.key").c_str(), 0600);
  if (::geteuid() == 0)
    storage::PostgresServer::run({"chown", "postgres:", files.file("server.key")});
  const std::string port = std::to_string(20'000 + ::getpid() % 20'000);
  storage::PostgresServer server(
      "listen_addresses = '127.0.0.1,127.0.0.2'\nssl = on\nssl_cert_file = '" +
          files.file("server.crt") + "'\nssl_key_file = '" + files.file("server.key") +
          "'\nssl_ca_file = '" + files.file("ours.crt") + "'\n",
      "local all all trust\nhostssl all client 127.0.0.1/32 cert\nhostssl all amanat 127.0.0.1/32 "
      "scram-sha-256\n",
      static_cast<unsigned>(std::stoul(port)));
  server.database("excise");
  server.sql("excise",
             "CREATE ROLE client LOGIN; ALTER ROLE amanat PASSWORD 'pass-word-1'; CREATE TABLE "
             "owners (\"CNIC\" text, \"Reg No\" text, \"Make\" text, \"Registered\" text, "
             "\"Seats\" text); INSERT INTO owners VALUES ('" +
                 kKnown +
                 "', 'LEA-07-1234', 'Suzuki Mehran', '2007-03-01', '4'); GRANT SELECT ON owners TO "
                 "client, amanat");
  const auto live = [&](const std::string& user, const std::string& host, const std::string& more) {
    return "live = \"postgresql://" + user + "@" + host + ":" + port +
           "/excise\"\n[dataset.ask]\ntable = \"owners\"\n" + more;
  };
  const std::string trusted = "ca = \"" + certificates().crt("ours") + "\"\n";
  const std::string shown = "certificate = \"" + certificates().crt("client") + "\"\nkey = \"" +
                            certificates().key("client") + "\"\n";
  EXPECT_EQ(World(live("client", "localhost", trusted + shown)).makes(kKnown).size(), 1U);
  // Without our certificate, with a stranger's, and to a server whose authority we do not trust.
  const auto refused = [&](const std::string& declared, const std::string& why) {
    World world(declared);
    EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
    EXPECT_NE(world.standing().last_failure.find(why), std::string::npos)
        << world.standing().last_failure;
  };
  refused(live("client", "localhost", trusted), "certificate");
  refused(live("client", "localhost", shown), "certificate verify failed");
  refused(live("client", "localhost", "ca = \"" + certificates().crt("foreign") + "\"\n" + shown),
          "certificate verify failed");
  // A name the certificate is not for.
  refused(live("client", "127.0.0.2", trusted + shown), "does not match host name");
  // A password comes from a file that nobody else reads, in the home's keys.
  const std::string password = "secret = \"keys/excise.password\"\n";
  {
    World world(live("amanat", "localhost", trusted + password));
    world.directory.write("keys/excise.password", "pass-word-1\n");
    ::chmod(world.directory.file("keys/excise.password").c_str(), 0640);
    EXPECT_EQ(world.makes(kKnown).size(), 5U);
    EXPECT_NE(world.standing().last_failure.find("chmod 600"), std::string::npos);
    ::chmod(world.directory.file("keys/excise.password").c_str(), 0600);
    EXPECT_EQ(world.makes(kKnown).size(), 1U);
  }
}

// ---- an HTTPS interface

/// Interface is tests/clients/department.mjs running.
struct Interface {
  explicit Interface(const std::string& certificate = "server") {
    mode("up");
    directory.write("log", "");
    const std::string script = std::string(AMANAT_SOURCE_DIR) + "/tests/clients/department.mjs";
    pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execlp("node", "node", script.c_str(), directory.file("port").c_str(),
               directory.file("mode").c_str(), directory.file("log").c_str(),
               certificates().crt(certificate).c_str(), certificates().key(certificate).c_str(),
               certificates().crt("ours").c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 3000 && port.find('\n') == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      port = text("port");
    }
    EXPECT_TRUE(port.ends_with('\n'));
    port.pop_back();
  }
  ~Interface() { stop(); }
  void stop() {
    if (pid > 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    pid = -1;
  }
  void mode(const std::string& word) { directory.write("mode", word); }
  std::string text(const std::string& name) const {
    std::stringstream out;
    out << std::ifstream(directory.file(name)).rdbuf();
    return out.str();
  }
  std::string live(const std::string& more = {}) const {
    return "live = \"https://localhost:" + port +
           "/lookup\"\n[dataset.ask]\nbody = '{\"cnic\":\"{id}\",\"want\":\"{fields}\"}'\nrecords "
           "= "
           "\"data.items\"\nform = \"00000-0000000-0\"\nca = \"" +
           certificates().crt("ours") + "\"\n" + more;
  }
  TestDirectory directory;
  pid_t pid = -1;
  std::string port;
};

TEST(LiveRest, ACitizensRecordsAreReadAndTheIdIsInNoUrl) {
  Interface department;
  World world(department.live("secret = \"keys/excise.token\"\ncertificate = \"" +
                              certificates().crt("client") + "\"\nkey = \"" +
                              certificates().key("client") + "\"\n"));
  world.directory.write("keys/excise.token", "tok.en_1\n");
  ::chmod(world.directory.file("keys/excise.token").c_str(), 0600);
  auto found = world.ask(kKnown);
  EXPECT_EQ(words(world.makes(found)), words(kBoth));
  EXPECT_EQ(world.name_shown(found), "Kashif");
  EXPECT_TRUE(world.makes(kUnknown).empty());
  EXPECT_EQ(words(world.makes(world.ask(kKnown, {"excise.vehicles.make"}))),
            words({"Suzuki Mehran", "Honda CD 70"}));
  const std::string log = department.text("log");
  EXPECT_TRUE(log.starts_with(
      "POST /lookup Bearer tok.en_1 true {\"cnic\":\"35202-8184877-1\",\"want\":["));
  // The third question granted one field: the ID, the key and that field were asked for.
  const auto third = log.substr(log.rfind("POST "));
  EXPECT_NE(third.find("\"want\":[\"CNIC\",\"Reg No\",\"Make\"]"), std::string::npos) << third;
}

TEST(LiveRest, WhateverElseItSaysWithholdsItsFieldsAndNothingElse) {
  Interface department;
  for (const auto& [mode, reason] :
       std::vector<std::pair<std::string, std::string>>{{"cut", "department-reply-wrong"},
                                                        {"large", "department-reply-wrong"},
                                                        {"many", "department-reply-wrong"},
                                                        {"deep", "department-reply-wrong"},
                                                        {"html", "department-reply-wrong"},
                                                        {"shape", "department-reply-wrong"},
                                                        {"types", "department-reply-wrong"},
                                                        {"stranger", "department-reply-wrong"},
                                                        {"key", "department-value-wrong"},
                                                        {"twice", "department-value-wrong"},
                                                        {"refuse", "department-silent"},
                                                        {"redirect", "department-silent"},
                                                        {"broken", "department-silent"}}) {
    SCOPED_TRACE(mode);
    World world(department.live());
    department.mode(mode);
    auto found = world.ask(kKnown);
    EXPECT_EQ(sorted(world.makes(found)), withheld(reason));
    EXPECT_EQ(world.name_shown(found), "Kashif");
    EXPECT_EQ(world.standing().last_failure.find("35202"), std::string::npos);
  }
}

TEST(LiveRest, WhatWasNotAskedForIsNotTakenAndADirtyValueIsNamed) {
  Interface department;
  World world(department.live());
  department.mode("extra");
  EXPECT_EQ(words(world.makes(world.ask(kKnown, {"excise.vehicles.make"}))),
            words({"Suzuki Mehran", "Honda CD 70"}));
  department.mode("dirty");
  EXPECT_EQ(words(world.makes(kKnown)),
            words({"Suzuki Mehran LEA-07-1234 4", "Honda CD 70 LEB-19-77 2",
                   "excise.vehicles.registered=department-value-wrong"}));
}

TEST(LiveRest, ASilentInterfaceEndsAtTheLimitAndIsThenLeftAlone) {
  Interface department;
  World world(department.live("connect_ms = 200\ntotal_ms = 300\n"));
  department.mode("slow");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
  EXPECT_EQ(world.standing().failed, 3U);
  EXPECT_EQ(world.standing().spared, 2U);
  EXPECT_TRUE(world.standing().resting);
}

TEST(LiveRest, AServerThatCannotProveItsNameIsNotAsked) {
  Interface department("stranger");
  World world(department.live());
  EXPECT_EQ(sorted(world.makes(kKnown)), withheld("department-silent"));
  EXPECT_NE(world.standing().last_failure.find("certificate"), std::string::npos);
  EXPECT_EQ(department.text("log"), "");
  department.stop();
  World gone(department.live());
  EXPECT_EQ(sorted(gone.makes(kKnown)), withheld("department-silent"));
}

// ---- the declaration

TEST(LiveDeclared, WhatIsUnsafeOrUnfitIsRefusedWithALine) {
  const auto complaint = [](const std::string& live, const std::string& change = {},
                            const std::string& into = {}) {
    Home home(live);
    if (!change.empty()) {
      std::string text = declaration(live);
      const auto at = text.find(change);
      EXPECT_NE(at, text.npos) << change;
      text.replace(at, change.size(), into);
      home.directory.write("catalog/excise.toml", text);
    }
    auto loaded = Catalog::load(home.directory.file("catalog"));
    return loaded ? std::string() : loaded.error().detail;
  };
  const std::string ask = "[dataset.ask]\ntable = \"t\"\n";
  const std::string rest = "[dataset.ask]\nbody = '{\"id\":\"{id}\",\"f\":\"{fields}\"}'\n";
  const auto pg = [&](const std::string& url) { return "live = \"" + url + "\"\n" + ask; };
  EXPECT_EQ(complaint(pg("postgresql://amanat@db.excise.gov.pk:5433/vehicles")), "");
  EXPECT_EQ(complaint("live = \"https://excise.gov.pk/v1/owners\"\n" + rest), "");
  const std::vector<std::pair<std::string, std::string>> wrong{
      {pg("postgresql://amanat:secret@db.excise.gov.pk/vehicles"), "no password"},
      {pg("postgresql://db.excise.gov.pk/vehicles"), "USER@HOST"},
      {pg("postgresql://amanat@db.excise.gov.pk/v?sslmode=disable"), "[dataset.ask]"},
      {pg("postgresql://amanat@db.excise.gov.pk:x/v"), "port"},
      {pg("mysql://a@b/c"), "begins with"},
      {"live = \"postgresql://a@b/c\"\n", "[dataset.ask]"},
      {pg("postgresql://amanat@db.excise.gov.pk/vehicles") + "plain = true\n", "over TLS"},
      {"live = \"http://excise.gov.pk/\"\n" + rest, "begins with"},
      {"live = \"https://localhost/\"\n" + rest + "plain = true\n", "over https"},
      {"live = \"https://u:p@excise.gov.pk/\"\n" + rest, "port"},
      {"live = \"https://excise.gov.pk/?id={id}\"\n" + rest, "the ID goes in the `body`"},
      {"live = \"https://excise.gov.pk/\"\n[dataset.ask]\nbody = '{\"f\":\"{fields}\"}'\n", "{id}"},
      {"live = \"https://excise.gov.pk/\"\n[dataset.ask]\nbody = '{\"f\":\"{id}\"}'\n", "{fields}"},
      {"live = \"https://excise.gov.pk/\"\n[dataset.ask]\nbody = 'x'\n", "JSON"},
      {pg("postgresql://a@b.test/c") + "certificate = \"c\"\n", "belong together"},
      {pg("postgresql://a@b.test/c") + "connect_ms = 5000\n", "above"},
      {pg("postgresql://a@b.test/c") + "pasword = \"x\"\n", "pasword"}};
  for (const auto& [live, says] : wrong) {
    SCOPED_TRACE(live);
    const std::string told = complaint(live);
    EXPECT_NE(told.find(says), std::string::npos) << told;
    EXPECT_TRUE(told.starts_with("excise.toml:")) << told;
  }
  EXPECT_NE(complaint(pg("postgresql://a@b.test/c"), "class = \"open\"", "search = \"plate\"")
                .find("by ID alone"),
            std::string::npos);
}

}  // namespace
}  // namespace amanat::registry
