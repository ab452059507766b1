#include <gtest/gtest.h>

#include <algorithm>

#include "registry/keep.h"
#include "registry/progress.h"
#include "registry/test_archive.h"

namespace amanat::registry {
namespace {

struct Expected {
  const char* dataset;
  const char* file;
  std::uint64_t rows, accepted, repeated, blank, quarantined;
};
// As planted by whoever made the files (for the calls: in their first 3000 rows).
constexpr Expected kExpected[] = {
    {"identity.persons", "nadra_identity.csv", 5015, 4987, 12, 3, 13},
    {"telecom.subscribers", "telecom_subscribers.csv", 7320, 7251, 18, 6, 45},
    {"telecom.calls", "telecom_cdr.csv", 3000, 2989, 9, 2, 0},
    {"police.firs", "police_firs.csv", 200, 200, 0, 0, 0},
    {"hotels.stays", "hotel_guests.csv", 1254, 1250, 4, 0, 0},
};

bool adds_up(const ImportReport& r) {
  std::uint64_t reasons = 0;
  for (const auto& [id, n] : r.reasons) reasons += n;
  return r.rows == r.accepted + r.repeated + r.blank + r.quarantined && reasons == r.quarantined;
}

TEST(Import, EveryDepartmentsFileGoesInAsPlanted) {
  Exchange exchange;
  for (const auto& e : kExpected) {
    SCOPED_TRACE(e.dataset);
    const ImportReport r = exchange.import(e.dataset, kDepartments + e.file);
    EXPECT_EQ(r.rows, e.rows);
    EXPECT_EQ(r.accepted, e.accepted);
    EXPECT_EQ(r.repeated, e.repeated);
    EXPECT_EQ(r.blank, e.blank);
    EXPECT_EQ(r.quarantined, e.quarantined);
    EXPECT_TRUE(adds_up(r));
    EXPECT_EQ(r.first_quarantined.size(), e.quarantined);
  }
  auto again = exchange.registry.counts();
  ASSERT_TRUE(again);
  std::map<std::string, std::uint64_t> counts;
  for (const auto& c : *again) counts[c.dataset] = c.records;
  EXPECT_EQ(counts["identity.persons"], 4987U);
  EXPECT_EQ(counts["telecom.calls"], 2 * 2989U);
  EXPECT_GT(counts["police.firs"], 200U);
}

TEST(Import, TheSameFileAgainChangesNothing) {
  Exchange exchange;
  for (const auto& e : kExpected) exchange.import(e.dataset, kDepartments + e.file);
  const auto everything = [&] {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto table :
         {storage::Table::subjects, storage::Table::records, storage::Table::past,
          storage::Table::index, storage::Table::imports, storage::Table::settings})
      EXPECT_TRUE(exchange.store->scan(table, {}, {}, [&](std::string_view k, std::string_view v) {
        rows.emplace_back(k, v);
        return true;
      }));
    return rows;
  };
  const auto before = everything();
  for (const auto& e : kExpected) {
    SCOPED_TRACE(e.dataset);
    const ImportReport r = exchange.import(e.dataset, kDepartments + e.file);
    EXPECT_EQ(r.accepted, 0U);
    EXPECT_EQ(r.repeated, e.accepted + e.repeated);
    EXPECT_EQ(r.quarantined, e.quarantined);
    EXPECT_TRUE(adds_up(r));
  }
  EXPECT_EQ(everything(), before);
}

TEST(Import, ReasonsNameTheRuleAndTheRowButNeverTheValue) {
  Exchange exchange;
  ImportOptions options;
  options.quarantine_file = exchange.directory.file("quarantine.csv");
  auto r =
      exchange.registry.import("identity.persons", kDepartments + "nadra_identity.csv", options);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->reasons["national-id-missing"], 5U);
  EXPECT_EQ(r->reasons["national-id-impossible"], 8U);
  auto text = storage::read_file(options.quarantine_file, 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(std::count(text->begin(), text->end(), '\n'), 14);
  EXPECT_TRUE(text->starts_with("row,line,field,reason\n"));
  EXPECT_NE(text->find(",national_id,national-id-impossible\n"), text->npos);
  EXPECT_EQ(text->find("421013114521"), text->npos);
}

const std::string kHeader =
    "CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,"
    "Present Address,Permanent Address,Family No,Issue Date,Expiry Date\n";
std::string person(const std::string& id, const std::string& name,
                   const std::string& born = "1980-01-02") {
  return id + "," + name + ",,,,,,M," + born + ",,,,,\n";
}

TEST(Import, EachRuleSendsItsRowToQuarantineWithItsOwnReason) {
  Exchange exchange;
  const std::pair<std::string, const char*> rows[] = {
      {person("0520281848771", "A"), "national-id-impossible"},
      {person("35202818487", "A"), "national-id-impossible"},
      {person("3520281848O71", "A"), "national-id-impossible"},
      {person("", "A"), "national-id-missing"},
      {person("3520281848771", ""), "value-missing"},
      {person("3520281848771", "A", "31-02-1980"), "date-impossible"},
      {person("3520281848771", "A", "05-06-80"), "date-impossible"},
      {person("3520281848771", "A\xff"), "text-not-unicode"},
      {person("3520281848771", std::string(300, 'a')), "value-too-long"},
      {"3520281848771,A,,,,,,Q,1980-01-02,,,,,\n", "value-not-listed"},
      {"3520281848771,A\n", "row-wrong-width"},
      {person("3520281848771", "A").insert(14, "x,"), "row-wrong-width"},
      {"3520281848771,A\"b,,,,,,M,1980-01-02,,,,,\n", "csv-malformed"},
      {"3520281848771,A,,,123,,,M,1980-01-02,,,,,\n", "national-id-impossible"},
  };
  for (const auto& [row, reason] : rows) {
    SCOPED_TRACE(reason);
    // The row after it shows that the rest goes in; the width case needs a non-empty 15th cell.
    std::string bad = row;
    if (std::string(reason) == "row-wrong-width" && bad.size() > 20)
      bad.insert(bad.size() - 1, "z");
    const ImportReport r =
        exchange.import_text("identity.persons", kHeader + bad + person("3520281848772", "B"));
    EXPECT_EQ(r.rows, 2U);
    EXPECT_EQ(r.quarantined, 1U);
    EXPECT_EQ(r.reasons.count(reason), 1U) << (r.reasons.empty() ? "" : r.reasons.begin()->first);
    EXPECT_TRUE(adds_up(r));
  }
  const ImportReport calls =
      exchange.import_text("telecom.calls",
                           "a_number,b_number,type,start_time,duration_s,cell\n"
                           "03001234567,03001234568,VOICE,20260101000000,-5,c\n03001234567,99,"
                           "VOICE,20260101000000,5x,c\n"
                           "0300123456,03001234568,VOICE,20260101000000,5,c\n");
  EXPECT_EQ(calls.reasons.at("number-impossible"), 2U);
  EXPECT_EQ(calls.reasons.at("phone-impossible"), 1U);
  const ImportReport firs = exchange.import_text(
      "police.firs",
      "FIR No,Police Station,District,Date,Sections,Accused CNIC,Accused Name,Status\n"
      "1/26,PS A,B,2026-01-01,379,3520281848771;3520281848772,One,Open\n");
  EXPECT_EQ(firs.reasons.at("lists-of-two-lengths"), 1U);
}

TEST(Import, ColumnsMayComeInAnyOrderAndCaseAndOthersAreIgnored) {
  Exchange exchange;
  const ImportReport r = exchange.import_text(
      "identity.persons",
      "\xef\xbb\xbf date of birth , NAME,Shoe "
      "Size,cnic\r\n02-01-1980,\"Ali\r\nKhan\",44,35202-8184877-1\r\n\r\n,,,\r\n");
  EXPECT_EQ(r.accepted, 1U);
  EXPECT_EQ(r.blank + r.accepted, r.rows);
  ASSERT_EQ(r.notes.size(), 2U);
  EXPECT_NE(r.notes[1].find("shoe size"), std::string::npos);
  auto found =
      Asking(exchange, {"identity.persons.*"}).subject("national_id", "3520281848771").ask();
  ASSERT_TRUE(found);
  const Told t = told(exchange, *found, 0);
  EXPECT_EQ(t.at("identity.persons").at(0).at("name"), "Ali Khan");
  EXPECT_EQ(t.at("identity.persons").at(0).at("date_of_birth"), "1980-01-02");
}

TEST(Import, AFileWithoutItsColumnsIsRefusedWithoutRepeatingItsWords) {
  Exchange exchange;
  const auto file =
      exchange.directory.write("x.csv", "3520281848771,Ali Khan\n3520281848772,Sana\n");
  auto r = exchange.registry.import("identity.persons", file, {});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().reason, Reason::columns_missing);
  EXPECT_EQ(r.error().detail.find("Ali"), std::string::npos);
  EXPECT_EQ(r.error().detail.find("35202"), std::string::npos);
  EXPECT_NE(r.error().detail.find("cnic"), std::string::npos);
  for (const auto& [header, hint] :
       std::map<std::string, std::string>{{"CNIC;Name;Date of Birth\n1;2;3\n", "semicolons"},
                                          {"CNIC\tName\tDate of Birth\n", "tabs"},
                                          {"CNIC\rName\r", "LF or CRLF"},
                                          {std::string("\xff\xfe"
                                                       "C\0N\0\n",
                                                       7),
                                           "UTF-8"}}) {
    auto other =
        exchange.registry.import("identity.persons", exchange.directory.write("h.csv", header), {});
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().detail.find(hint), std::string::npos) << other.error().detail;
  }
  auto empty =
      exchange.registry.import("identity.persons", exchange.directory.write("y.csv", ""), {});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().reason, Reason::csv_malformed);
  auto none = exchange.registry.import("identity.persons", exchange.directory.file("none.csv"), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, Reason::file_failed);
  auto near = exchange.registry.import("identity.person", file, {});
  ASSERT_FALSE(near);
  EXPECT_EQ(near.error().reason, Reason::unknown_dataset);
  EXPECT_NE(near.error().detail.find("identity.persons"), std::string::npos);
  EXPECT_FALSE(exchange.registry.import("family.tree", file, {}));
  EXPECT_FALSE(exchange.registry.import("cases.cases", file, {}));
}

TEST(Import, ACorrectionMakesTheNextVersionAndKeepsTheOneBefore) {
  Exchange exchange;
  exchange.import_text("identity.persons", kHeader + person("3520281848771", "Ali Khan"));
  const ImportReport r =
      exchange.import_text("identity.persons", kHeader + person("35202-8184877-1", " Ali  Khan ") +
                                                   person("3520281848771", "Ali Raza Khan") +
                                                   person("3520281848771", "Ali Reza Khan") +
                                                   person("3520281848771", "Ali Reza Khan"));
  EXPECT_EQ(r.repeated, 2U);  // other forms of the same values, and the last row
  EXPECT_EQ(r.accepted, 2U);
  auto found =
      Asking(exchange, {"identity.persons.name"}).subject("national_id", "3520281848771").ask();
  ASSERT_TRUE(found);
  EXPECT_EQ(told(exchange, *found, 0).at("identity.persons").at(0).at("name"), "Ali Reza Khan");
  EXPECT_EQ(found->people[0].records[0].version, 3U);
  std::size_t past = 0;
  ASSERT_TRUE(exchange.store->scan(storage::Table::past, {}, {},
                                   [&](std::string_view, std::string_view) { return ++past; }));
  EXPECT_EQ(past, 2U);
  auto counts = exchange.registry.counts();
  for (const auto& c : *counts)
    if (c.dataset == "identity.persons") {
      EXPECT_EQ(c.records, 1U);
    }
}

TEST(Import, ACorrectedLinkIsNoLongerFoundByItsOldValue) {
  Exchange exchange;
  const auto child = [](const std::string& father) {
    return "3520281848773,Child,,," + father + ",,,F,2001-01-02,,,,,\n";
  };
  exchange.import_text("identity.persons", kHeader + person("3520281848771", "One") +
                                               person("3520281848772", "Two") +
                                               child("3520281848771"));
  exchange.import_text("identity.persons", kHeader + child("3520281848772"));
  const auto kin = [&](const std::string& root) {
    auto found =
        Asking(exchange, {"identity.persons.name"}).subject("national_id", root).hops(1).ask();
    EXPECT_TRUE(found);
    return found ? found->people.size() : 0;
  };
  EXPECT_EQ(kin("3520281848771"), 1U);
  EXPECT_EQ(kin("3520281848772"), 2U);
}

TEST(Import, JsonLinesFollowTheSameRules) {
  Exchange exchange;
  auto r = exchange.registry.import_lines(
      "police.firs",
      "{\"FIR No\":\"1/26\",\"station\":\"PS "
      "A\",\"district\":\"B\",\"Date\":\"01-02-2026\",\"accused_id\":[\"35202-8184877-1\",null],"
      "\"accused_name\":[\"One\",\"Two\"]}\n\n{}\n[1]\n{\"fir\":{}}\n{\"fir\":\"2/26\"}\n");
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->rows, 6U);
  EXPECT_EQ(r->accepted, 1U);
  EXPECT_EQ(r->blank, 2U);
  EXPECT_EQ(r->reasons["malformed-json"], 2U);
  EXPECT_EQ(r->reasons["value-missing"], 1U);
  auto found = Asking(exchange, {"police.firs.*"}).subject("fir", "1/26").ask();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->people.size(), 2U);
  const auto file = exchange.directory.write(
      "firs.jsonl", "{\"fir\":\"3/26\",\"station\":\"PS A\",\"registered_on\":\"2026-01-01\"}\r\n");
  EXPECT_EQ(exchange.import("police.firs", file).accepted, 1U);
  EXPECT_EQ(exchange.import("police.firs", file).repeated, 1U);
}

TEST(Import, TwoWithoutIdAndOfOneNameInOneReportAreTwoPeople) {
  Exchange exchange;
  exchange.import_text(
      "police.firs",
      "FIR No,Police Station,District,Date,Sections,Accused CNIC,Accused Name,Status\n"
      "1/26,PS A,B,2026-01-01,379,;,Aslam;Aslam,Open\n"
      "2/26,PS A,B,2026-01-01,379,,,Open\n");
  auto found = Asking(exchange, {"police.firs.*"}).subject("fir", "1/26").ask();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->people.size(), 2U);
  auto nameless = Asking(exchange, {"police.firs.*"}).subject("fir", "2/26").ask();
  ASSERT_TRUE(nameless);
  ASSERT_EQ(nameless->people.size(), 1U);
  EXPECT_EQ(nameless->people[0].name.kind, SubjectKind::unidentified);
}

/// FailingStore stops after some writes, as a killed process does.
class FailingStore final : public storage::Store {
 public:
  explicit FailingStore(storage::Store& below) : below_(below) {}
  Result<bool> get(storage::Table t, std::string_view k, std::string& out) const override {
    return below_.get(t, k, out);
  }
  Result<void> scan(storage::Table t, std::string_view p, std::string_view f,
                    const storage::Visitor& v) const override {
    return below_.scan(t, p, f, v);
  }
  Result<void> write(const storage::Batch& batch, storage::Durability d) override {
    if (writes_left == 0) return fail(Reason::store_failed, "killed");
    --writes_left;
    return below_.write(batch, d);
  }
  Result<void> sync() override { return below_.sync(); }
  std::unique_ptr<storage::Reader> snapshot() const override { return below_.snapshot(); }
  Result<void> purge(storage::Table t, std::string_view p) override { return below_.purge(t, p); }
  int writes_left = 1 << 30;

 private:
  storage::Store& below_;
};

TEST(Import, AKilledImportGoesOnAndReportsAsIfNothingHadHappened) {
  // Five batches of rows with every outcome in each, killed after each of them in turn.
  std::string csv = kHeader;
  for (int i = 0; i < 45'000; ++i) {
    std::string id = "35202" + std::to_string(10'000'000 + i % 44'990);
    if (i % 1000 == 7) id = "123";
    csv += i % 1000 == 9 ? std::string(",,,,,,,,,,,,,\n")
                         : person(id, i % 3 == 0 ? "\"Ali,\nKhan\"" : "Sana");
  }
  const TestDirectory files;
  const std::string file = files.write("many.csv", csv);
  Exchange whole;
  ImportOptions options;
  options.quarantine_file = whole.directory.file("q.csv");
  auto expected = whole.registry.import("identity.persons", file, options);
  ASSERT_TRUE(expected);
  auto expected_quarantine = storage::read_file(options.quarantine_file, 1 << 20);
  ASSERT_TRUE(expected_quarantine);
  for (int kill_after = 0; kill_after < 5; ++kill_after) {
    SCOPED_TRACE(kill_after);
    Exchange broken;
    FailingStore failing(*broken.store);
    options.quarantine_file = broken.directory.file("q.csv");
    {
      Registry registry(broken.catalog, failing, *broken.vault);
      failing.writes_left = kill_after;
      auto cut = registry.import("identity.persons", file, options);
      ASSERT_FALSE(cut);
      EXPECT_EQ(cut.error().reason, Reason::store_failed);
    }
    Registry registry(broken.catalog, *broken.store, *broken.vault);
    auto resumed = registry.import("identity.persons", file, options);
    ASSERT_TRUE(resumed) << resumed.error().detail;
    EXPECT_EQ(resumed->rows, expected->rows);
    EXPECT_EQ(resumed->accepted, expected->accepted);
    EXPECT_EQ(resumed->repeated, expected->repeated);
    EXPECT_EQ(resumed->blank, expected->blank);
    EXPECT_EQ(resumed->quarantined, expected->quarantined);
    EXPECT_EQ(resumed->reasons, expected->reasons);
    ASSERT_EQ(resumed->first_quarantined.size(), expected->first_quarantined.size());
    for (std::size_t i = 0; i < expected->first_quarantined.size(); ++i) {
      EXPECT_EQ(resumed->first_quarantined[i].row, expected->first_quarantined[i].row);
      EXPECT_EQ(resumed->first_quarantined[i].line, expected->first_quarantined[i].line);
    }
    auto quarantine = storage::read_file(options.quarantine_file, 1 << 20);
    ASSERT_TRUE(quarantine);
    EXPECT_EQ(*quarantine, *expected_quarantine);
    EXPECT_EQ((*registry.counts())[4].records, (*whole.registry.counts())[4].records);
    std::size_t running = 0;
    ASSERT_TRUE(broken.store->scan(storage::Table::imports, {}, {},
                                   [&](std::string_view, std::string_view) { return ++running; }));
    EXPECT_EQ(running, 0U);
  }
}

TEST(Import, ProgressThatCannotBeReadStartsOver) {
  Progress p;
  p.offset = 5;
  p.line = 3;
  p.report.rows = 2;
  p.report.reasons["national-id-missing"] = 1;
  p.report.first_quarantined.push_back({1, 2, Reason::national_id_missing, "national_id"});
  const std::string text = encode(p);
  auto back = decode_progress(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->offset, 5U);
  EXPECT_EQ(back->report.reasons, p.report.reasons);
  EXPECT_EQ(back->report.first_quarantined[0].field, "national_id");
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_FALSE(decode_progress(std::string_view(text).substr(0, cut)));
  EXPECT_FALSE(decode_progress("{}"));
}

TEST(Import, RostersAndCasesAreReadAndNothingOfThemKept) {
  Exchange exchange;
  std::map<std::string, int> officers;
  auto roster = exchange.registry.read_rows("personnel.roster", kDepartments + "hr_roster.csv", {},
                                            [&](const Row& row) -> Result<Registry::Taken> {
                                              return officers[row.value("officer")]++ == 0
                                                         ? Registry::Taken::accepted
                                                         : Registry::Taken::repeated;
                                            });
  ASSERT_TRUE(roster) << roster.error().detail;
  EXPECT_EQ(roster->accepted, 125U);
  EXPECT_EQ(officers.size(), 125U);
  std::size_t subjects = 0, two_officers = 0;
  auto cases = exchange.registry.read_rows(
      "cases.cases", kDepartments + "cases.csv", {},
      [&](const Row& row) -> Result<Registry::Taken> {
        EXPECT_FALSE(row.value("opened_on").empty());
        subjects +=
            row.value("subjects").empty()
                ? 0
                : 1 + std::count(row.value("subjects").begin(), row.value("subjects").end(), '\n');
        two_officers += row.value("officers").find('\n') != std::string::npos;
        if (row.row == 3) return fail(Reason::unknown_officer);
        return Registry::Taken::accepted;
      });
  ASSERT_TRUE(cases) << cases.error().detail;
  EXPECT_EQ(cases->rows, 300U);
  EXPECT_EQ(cases->quarantined, 1U);
  EXPECT_EQ(cases->reasons["unknown-officer"], 1U);
  EXPECT_GT(subjects, 300U);
  EXPECT_EQ(two_officers, 97U);
  auto trouble = exchange.registry.read_rows(
      "cases.cases", kDepartments + "cases.csv", {},
      [&](const Row&) -> Result<Registry::Taken> { return fail(Reason::store_failed); });
  EXPECT_FALSE(trouble);
  std::size_t records = 0;
  ASSERT_TRUE(exchange.store->scan(storage::Table::subjects, {}, {},
                                   [&](std::string_view, std::string_view) { return ++records; }));
  EXPECT_EQ(records, 0U);
}

TEST(Import, ProgressIsToldAndEndsAtTheEnd) {
  Exchange exchange;
  std::uint64_t last_done = 0, total = 0, calls = 0, rows = 0;
  ImportOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t all, std::uint64_t n) {
    EXPECT_GE(done, last_done);
    last_done = done;
    total = all;
    rows = n;
    ++calls;
  };
  ASSERT_TRUE(exchange.registry.import("hotels.stays", kDepartments + "hotel_guests.csv", options));
  EXPECT_GE(calls, 1U);
  EXPECT_EQ(last_done, total);
  EXPECT_EQ(rows, 1254U);
}

TEST(Import, NothingThatWentInLiesInTheStoreInTheClear) {
  Exchange exchange;
  exchange.import_departments();
  const std::string secrets[] = {"3520281848771",   "35202-8184877", "3311140702", "+923311140702",
                                 "Kashif",          "KASHIF",        "Ichhra",     "HL-0022",
                                 "410043413552383", "PS Cantt"};
  for (std::uint8_t t = 0; t < storage::kTables; ++t)
    ASSERT_TRUE(exchange.store->scan(static_cast<storage::Table>(t), {}, {},
                                     [&](std::string_view k, std::string_view v) {
                                       for (const auto& s : secrets) {
                                         EXPECT_EQ(k.find(s), k.npos) << s;
                                         EXPECT_EQ(v.find(s), v.npos) << s;
                                       }
                                       return true;
                                     }));
}

}  // namespace
}  // namespace amanat::registry
