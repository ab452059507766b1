// Bulk answers over the whole exchange: approvals and budgets, one entry a citizen before the first
// row can be fetched, the file in three formats, restarts and kills. AMANAT_EXTRACT sets how many
// citizens the large one has (standard 2000), AMANAT_EXTRACT_KILLS how many kills (standard 4).

#include <gtest/gtest.h>

#include <random>

#include "extract_world.h"
#include "ledger/note.h"
#include "net/zip.h"
#include "process.h"

namespace amanat::test {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

class ExtractTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    w = new ExtractWorld;
    w->world->serve();
  }
  static void TearDownTestSuite() {
    delete w;
    w = nullptr;
  }
  static std::vector<std::string> some(std::size_t n, std::size_t from = 0) {
    return {w->citizens.begin() + static_cast<std::ptrdiff_t>(from),
            w->citizens.begin() + static_cast<std::ptrdiff_t>(from + n)};
  }
  static ExtractWorld* w;
};
ExtractWorld* ExtractTest::w = nullptr;

using W = ExtractWorld;

TEST_F(ExtractTest, WritesAnEntryForEachCitizenAndTheExportBeforeItsFirstRowLeaves) {
  const std::size_t n = from_environment("AMANAT_EXTRACT", 2000);
  w->grow(n);
  const auto list = some(n);
  const std::string body = W::question(w->send_list("TA-1", list), "data-transfer", "jsonl");

  // Four eyes first.
  const auto refused = w->world->ask("TA-1", body, "/v1/extracts");
  EXPECT_EQ(refused.status, 403u);
  ASSERT_EQ(refused.reason(), "approval-required") << refused.body;
  w->approve(W::text(refused.json.find("needs")->array()->front(), "approval"));
  const std::uint64_t before = w->world->exchange->ledger().size();
  const auto asked = w->world->ask("TA-1", body, "/v1/extracts");
  ASSERT_EQ(asked.status, 202u) << asked.body;
  const auto view = w->settled("TA-1", W::text(asked.json, "extract"));
  ASSERT_EQ(W::text(view, "state"), "ready") << W::text(view, "reason");
  EXPECT_EQ(W::number_at(view, "citizens"), n);

  // Contiguous disclosures, then their EXPORT: all there before anything was fetched.
  const std::uint64_t first = W::number_at(view, "first_entry");
  const std::uint64_t closing = W::number_at(view, "export_entry");
  EXPECT_GE(first, before);
  ASSERT_EQ(closing, first + n);
  const auto all = w->entries();
  ASSERT_GT(all.size(), closing);
  std::set<Label> subjects;
  for (std::uint64_t i = first; i < closing; ++i) {
    ASSERT_EQ(all[i].type, EntryType::disclosure) << i;
    ASSERT_TRUE(all[i].subject);
    subjects.insert(*all[i].subject);
    EXPECT_EQ(W::part(all[i], BodyPart::purpose), "data-transfer");
    EXPECT_TRUE(all[i].evidence.empty()) << "the question is kept once";
    EXPECT_EQ(crypto::hex(crypto::bytes_of(W::part(all[i], BodyPart::export_id))),
              W::text(view, "extract"));
  }
  EXPECT_EQ(subjects.size(), n);
  EXPECT_EQ(all[closing].type, EntryType::export_);
  EXPECT_NE(all[closing].evidence.find(crypto::hex(registry::Registry::list_digest(list))),
            std::string::npos)
      << "what was asked binds exactly this list";

  // Each line is what its entry says was released, and the EXPORT says it of the whole file.
  const std::string file = w->fetch("TA-1", view);
  EXPECT_EQ(file.size(), W::number_at(view, "bytes"));
  EXPECT_EQ(crypto::hex(crypto::sha256(file)), W::text(view, "sha256"));
  EXPECT_EQ(W::part(all[closing], BodyPart::released_digest),
            crypto::text_of(crypto::sha256(file)));
  const auto lines = split(file, '\n');
  ASSERT_EQ(lines.size(), n);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(W::part(all[first + i], BodyPart::released_digest),
              crypto::text_of(crypto::sha256(lines[i] + "\n")));
    EXPECT_NE(lines[i].find("{\"citizen\":\"" + list[i] + "\""), std::string::npos);
  }
  EXPECT_EQ(w->world->ask("TA-1", body, "/v1/extracts").reason(), "approval-required")
      << "the approval was used up";
}

TEST_F(ExtractTest, IsForWhoAskedAloneAndEndsWhenTheySaySo) {
  const auto view = w->extract("TA-1", some(40), "csv");
  ASSERT_EQ(W::text(view, "state"), "ready");
  const std::string at = "/v1/extracts/" + W::text(view, "extract");
  EXPECT_EQ(w->send("", "GET", at + "/rows").status, 401u);
  for (const char* what : {"", "/rows", "/manifest", "/receipt"})
    EXPECT_NE(w->send("TA-3", "GET", at + what).body.find("extract-unknown"), std::string::npos)
        << what;
  EXPECT_EQ(w->send("TA-3", "DELETE", at).status, 404u);
  EXPECT_EQ(w->json("TA-3", "GET", "/v1/extracts").find("extracts")->array()->size(), 0u);
  const auto whole = w->send("TA-1", "GET", at + "/rows");
  EXPECT_EQ(whole.status, 200u);
  EXPECT_EQ(w->fetch("TA-1", view, 7), whole.body) << "ranges of any size give the same bytes";
  const std::pair<const char*, unsigned> ranges[] = {
      {"bytes=0-", 206},  {"bytes=5-4", 416}, {"bytes=9999999-", 416},
      {"lines=0-1", 416}, {"bytes=-5", 416},  {"bytes=0-1,3-4", 416}};
  for (const auto& [range, status] : ranges)
    EXPECT_EQ(w->send("TA-1", "GET", at + "/rows", "", {{"Range", range}}).status, status) << range;
  EXPECT_NE(w->send("TA-1", "GET", at + "/rows", "", {{"Range", "bytes=9999999-"}})
                .body.find("range-wrong"),
            std::string::npos);
  const fs::path file = w->world->home / "extracts" / W::text(view, "extract");
  EXPECT_TRUE(fs::exists(file));
  EXPECT_EQ(read_all(file).find(w->citizens[0]), std::string::npos) << "it rests sealed";
  EXPECT_EQ(w->send("TA-1", "DELETE", at).status, 200u);
  EXPECT_FALSE(fs::exists(file));
  const auto gone = w->send("TA-1", "GET", at + "/rows");
  EXPECT_EQ(gone.status, 410u);
  EXPECT_NE(gone.body.find("extract-gone"), std::string::npos);
  EXPECT_EQ(w->send("TA-1", "GET", at + "/manifest").status, 200u) << "what was given stays said";
}

TEST_F(ExtractTest, IsRefusedWhereTheGrantTheListOrTheFormatDoNotFit) {
  const auto reason = [&](const std::string& body, const char* target = "/v1/extracts") {
    return w->world->ask("TA-1", body, target).reason();
  };
  const std::string list = w->send_list("TA-1", some(10));
  const std::string gender = R"("identity.persons.gender")";
  EXPECT_EQ(reason(W::question(list, "counting", "csv", R"("identity.persons.father_name")")),
            "extract-not-granted");
  EXPECT_EQ(reason(W::question(list, "small-things", "xlsx", gender)), "format-not-granted");
  EXPECT_EQ(reason(W::question(w->send_list("TA-1", some(41)), "small-things", "csv", gender)),
            "too-many-subjects");
  EXPECT_EQ(reason(W::question(R"({"sha256":")" + std::string(64, '0') + R"(","citizens":10})",
                               "counting", "csv")),
            "list-unknown");
  std::string nine = list;
  nine.replace(nine.rfind("10}"), 3, "9}");
  EXPECT_EQ(reason(W::question(nine, "counting", "csv")), "list-unknown");
  EXPECT_EQ(w->world->ask("TA-3", W::question(list, "counting", "csv"), "/v1/extracts").reason(),
            "list-unknown")
      << "a list is its sender's";
  EXPECT_EQ(reason(W::question(list, "counting", "csv"), "/v1/lookups"), "malformed-value");
  EXPECT_EQ(reason(World::question(R"("national_id":")" + w->citizens[1000] + "\"", gender,
                                   "small-things", ""),
                   "/v1/lookups"),
            "extract-only");
  EXPECT_EQ(reason(World::question(R"("national_id":")" + w->citizens[1000] + "\"", gender,
                                   "small-things", ""),
                   "/v1/extracts"),
            "malformed-value");
  EXPECT_EQ(w->send("TA-1", "PUT", "/v1/extracts/lists/" + std::string(64, '0') + "/0",
                    "3520200353346\n12345\n")
                .status,
            400u);
  EXPECT_EQ(w->send("TA-1", "GET", "/v1/extracts/" + std::string(32, '0')).status, 404u);
}

TEST_F(ExtractTest, BudgetsHoldForTheWholeListOrForNoneOfIt) {
  // TA-4's unit may see thirty citizens a year, and has seen nobody.
  const auto extract = [&](std::size_t n, std::size_t from) {
    const auto asked =
        w->world->ask("TA-4",
                      W::question(w->send_list("TA-4", some(n, from)), "small-things", "csv",
                                  R"("identity.persons.gender")"),
                      "/v1/extracts");
    return asked.status == 202 ? w->settled("TA-4", W::text(asked.json, "extract")) : asked.json;
  };
  const std::uint64_t before = w->world->exchange->ledger().size();
  EXPECT_EQ(W::text(extract(31, 1000), "reason"), "quota-spent");
  for (const auto& e : w->entries())
    if (number(e.index) >= before)
      EXPECT_NE(e.type, EntryType::disclosure) << "a refused list was disclosed in part";
  EXPECT_EQ(W::text(extract(29, 1000), "state"), "ready");
  EXPECT_EQ(W::text(extract(30, 1000), "state"), "ready") << "who was seen costs nothing";
  EXPECT_EQ(W::text(extract(1, 1030), "reason"), "quota-spent");
  EXPECT_EQ(W::text(extract(30, 1000), "state"), "ready");
}

TEST_F(ExtractTest, KeepsEightListsOfAnAccountAndANewOneInPlaceOfOneThatWasUsed) {
  const auto digest = [&](std::size_t i) {
    return crypto::hex(registry::Registry::list_digest(some(1, 900 + i)));
  };
  const auto send = [&](std::size_t i) {
    return w->send("TA-4", "PUT", "/v1/extracts/lists/" + digest(i) + "/0", some(1, 900 + i)[0]);
  };
  const auto ask = [&](std::size_t i) {
    return w->world->ask(
        "TA-4", W::question(R"({"sha256":")" + digest(i) + R"(","citizens":1})", "counting", "csv"),
        "/v1/extracts");
  };
  std::size_t kept = 0;  // beside those of other tests
  while (kept < 9 && send(kept).status == 200) ++kept;
  ASSERT_GE(kept, 2u);
  ASSERT_LE(kept, 8u);
  const auto ninth = send(kept);
  EXPECT_EQ(ninth.status, 429u) << ninth.body;
  EXPECT_NE(ninth.body.find("waiting-full"), std::string::npos) << ninth.body;
  EXPECT_EQ(send(0).status, 200u) << "one that is there may be sent again";
  const auto used = ask(1);
  ASSERT_EQ(used.status, 202u) << used.body;
  EXPECT_EQ(W::text(w->settled("TA-4", W::text(used.json, "extract")), "state"), "ready");
  EXPECT_EQ(send(kept).status, 200u);
  EXPECT_EQ(send(kept + 1).status, 429u) << "the others wait for their question";
  EXPECT_EQ(ask(1).reason(), "list-unknown");
  const auto other = ask(0);
  EXPECT_EQ(other.status, 202u) << other.body;
  w->settled("TA-4", W::text(other.json, "extract"));
}

TEST_F(ExtractTest, GivesTheSameValuesInEveryFormat) {
  const auto list = some(60, 100);
  const std::string csv = w->fetch("TA-1", w->extract("TA-1", list, "csv"));
  const std::string jsonl = w->fetch("TA-1", w->extract("TA-1", list, "jsonl"));
  const std::string xlsx = w->fetch("TA-1", w->extract("TA-1", list, "xlsx"));
  write_all(w->world->directory.path / "rows.csv", csv);
  const Table table = read_table(w->world->directory.path / "rows.csv");
  ASSERT_GT(table.size(), 60u);
  const std::vector<std::string> columns = {
      "citizen", "dataset", "source", "date", "identity.persons.name", "telecom.subscribers.msisdn",
      "withheld"};
  EXPECT_EQ(table[0], columns);
  // Every value of the JSON stands in the table once, as its own text behind at most one
  // apostrophe.
  std::multiset<std::string> in_json, in_table;
  for (const auto& line : split(jsonl, '\n')) {
    auto json = net::parse_json(line);
    ASSERT_TRUE(json);
    for (const auto& dataset : *json->find("records")->object())
      for (const auto& record : *dataset.value.array())
        for (const auto& value : *record.object())
          if (value.name == "name" || value.name == "msisdn") in_json.insert(*value.value.string());
  }
  for (std::size_t i = 1; i < table.size(); ++i)
    for (const std::size_t column : {4u, 5u}) {
      std::string cell = table[i][column];
      if (!cell.empty()) EXPECT_EQ(std::string("=+-@\t\r").find(cell[0]), std::string::npos);
      if (!cell.empty() && cell[0] == '\'') cell.erase(0, 1);
      if (!cell.empty()) in_table.insert(cell);
    }
  EXPECT_EQ(in_json, in_table);
  EXPECT_GT(in_json.size(), 60u);

  const net::ReadAt read = [&](std::uint64_t at, std::size_t size,
                               std::string& out) -> Result<void> {
    out += xlsx.substr(std::min<std::size_t>(at, xlsx.size()), size);
    return {};
  };
  auto entries = net::zip_entries(read, xlsx.size());
  ASSERT_TRUE(entries);
  std::string sheet;
  for (const auto& entry : *entries) {
    auto stream = net::ZipStream::open(read, entry);
    ASSERT_TRUE(stream) << entry.name;
    std::string content;
    for (bool more = true; more;) {
      auto next = stream->next(1 << 20, content);
      ASSERT_TRUE(next) << entry.name;
      more = *next;
    }
    if (entry.name == "xl/worksheets/sheet1.xml") sheet = content;
  }
  for (const auto& value : in_json)
    EXPECT_NE(sheet.find(">" + value + "<"), std::string::npos) << "in the sheet as it is";
  EXPECT_EQ(sheet.find("<f>"), std::string::npos) << "no formula";
}

TEST_F(ExtractTest, SignsAManifestThatHoldsForThisFileAlone) {
  const auto view = w->extract("TA-1", some(20, 300), "csv");
  const std::string at = "/v1/extracts/" + W::text(view, "extract");
  const std::string manifest = w->send("TA-1", "GET", at + "/manifest").body;
  auto key = ledger::parse_verifier_key(w->world->exchange->ledger().vkey());
  ASSERT_TRUE(key);
  const std::vector<ledger::VerifierKey> known = {*key};
  auto note = ledger::open_note(manifest, known);
  ASSERT_TRUE(note) << manifest;
  for (const std::string& line :
       {std::string("amanat/extract-manifest/v1"), "sha256 " + W::text(view, "sha256"),
        "rows " + std::to_string(W::number_at(view, "rows")), std::string("recipient TA-1"),
        std::string("purpose counting"), std::string("citizens 20"),
        "export " + std::to_string(W::number_at(view, "export_entry"))})
    EXPECT_NE(manifest.find(line + "\n"), std::string::npos) << line;
  // What an outsider does, with the program for outsiders.
  const fs::path& at_hand = w->world->directory.path;
  write_all(at_hand / "m", manifest);
  write_all(at_hand / "f", w->fetch("TA-1", view));
  std::string receipt;
  for (int i = 0; i < 100 && receipt.empty(); ++i) {
    const auto reply = w->send("TA-1", "GET", at + "/receipt");
    if (reply.status == 200) receipt = reply.body;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  write_all(at_hand / "r", receipt);
  const auto verify = [&](const std::string& arguments) {
    const std::string command = std::string(AMANAT_BINARY_DIR) + "/amanat-verify extract --vkey '" +
                                w->world->exchange->ledger().vkey() + "' " + arguments +
                                " > /dev/null 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  const std::string m = (at_hand / "m").string(), f = (at_hand / "f").string(),
                    r = (at_hand / "r").string();
  EXPECT_EQ(verify(m), 0);
  EXPECT_EQ(verify("--receipt " + r + " " + m + " " + f), 0);
  EXPECT_EQ(verify(m + " " + r), 1) << "another file";
  EXPECT_EQ(verify("--receipt " + f + " " + m), 1) << "no receipt";
  EXPECT_EQ(verify(""), 2);
  std::string changed = manifest;
  changed[changed.find("citizens 20") + 9] = '3';
  EXPECT_FALSE(ledger::open_note(changed, known));
  write_all(at_hand / "m", changed);
  EXPECT_EQ(verify(m), 1) << "a changed number";
}

TEST_F(ExtractTest, AnswersLookupsWhileItIsBeingMade) {
  const auto asked = w->world->ask(
      "TA-3", W::question(w->send_list("TA-3", some(1500)), "counting", "jsonl"), "/v1/extracts");
  ASSERT_EQ(asked.status, 202u) << asked.body;
  const std::string id = W::text(asked.json, "extract");
  const auto early = w->send("TA-3", "GET", "/v1/extracts/" + id + "/rows");
  if (W::text(w->json("TA-3", "GET", "/v1/extracts/" + id), "state") == "making") {
    EXPECT_EQ(early.status, 409u);
    EXPECT_NE(early.body.find("extract-unfinished"), std::string::npos);
  }
  std::size_t answered = 0;
  while (W::text(w->json("TA-3", "GET", "/v1/extracts/" + id), "state") == "making") {
    const auto reply = w->world->ask(
        "TA-1", World::question(R"("national_id":")" + w->citizens[1000 + answered % 50] + "\"",
                                R"("identity.persons.father_name")", "counting", ""));
    ASSERT_EQ(reply.status, 200u) << reply.body;
    ++answered;
  }
  EXPECT_EQ(W::text(w->settled("TA-3", id), "state"), "ready");
  EXPECT_EQ(w->world
                ->ask("TA-3", W::question(w->send_list("TA-3", some(5)), "counting", "csv"),
                      "/v1/extracts")
                .status,
            202u);
}

TEST_F(ExtractTest, OutlivesARestartAndItsRecipientGoesOnWhereTheyWere) {
  const auto view = w->extract("TA-1", some(80, 500), "jsonl");
  const std::string before = w->fetch("TA-1", view);
  w->world->reopen();
  w->world->serve();
  const auto again = w->settled("TA-1", W::text(view, "extract"));
  EXPECT_EQ(W::text(again, "state"), "ready");
  EXPECT_EQ(w->fetch("TA-1", again), before);
  // A file that was touched is not handed out.
  const fs::path file = w->world->home / "extracts" / W::text(view, "extract");
  std::string bytes = read_all(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_all(file, bytes);
  EXPECT_EQ(w->send("TA-1", "GET", "/v1/extracts/" + W::text(view, "extract") + "/rows").status,
            500u);
}

TEST_F(ExtractTest, ErasingACitizenWipesEveryFileThatIsStillToBeFetched) {
  const auto view = w->extract("TA-1", some(10, 700), "csv");
  ASSERT_EQ(W::text(view, "state"), "ready");
  ASSERT_TRUE(w->world->exchange->erase({SubjectKind::national_id, w->citizens[705]}));
  const std::string at = "/v1/extracts/" + W::text(view, "extract");
  EXPECT_EQ(w->send("TA-1", "GET", at + "/rows").status, 410u);
  EXPECT_FALSE(fs::exists(w->world->home / "extracts" / W::text(view, "extract")));
}

// A server is killed at any moment. Afterwards an extract is ready, with every entry there and the
// rows as their EXPORT says, or void: never fetched without its entries.
TEST_F(ExtractTest, KilledAtAnyMomentIsReadyOrVoidAndNeverMissesAnEntry) {
  const std::uint64_t kills = from_environment("AMANAT_EXTRACT_KILLS", 4);
  const std::uint64_t seed = from_environment("AMANAT_SEED", std::random_device{}());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 dice(seed);
  unsigned ready = 0, voided = 0;
  const fs::path binary = fs::path(AMANAT_BINARY_DIR) / "amanat";
  w->world->exchange->stop();
  w->world->exchange.reset();
  for (std::uint64_t round = 0; round < kills; ++round) {
    std::string id;
    {
      Process process(
          {binary.string(), "serve", "--home", w->world->home.string(), "--listen", "127.0.0.1:0"});
      const std::string address = process.address();
      ASSERT_FALSE(address.empty()) << process.said();
      w->world->url = "https://" + address;
      const auto asked = w->world->ask(
          "TA-1", W::question(w->send_list("TA-1", some(600, 800)), "counting", "jsonl"),
          "/v1/extracts");
      ASSERT_EQ(asked.status, 202u) << asked.body;
      id = W::text(asked.json, "extract");
      std::this_thread::sleep_for(std::chrono::milliseconds(dice() % 400));
      process.kill(SIGKILL);
    }
    auto opened = server::Exchange::open(w->world->home.string());
    ASSERT_TRUE(opened) << opened.error().detail;
    w->world->exchange = *std::move(opened);
    w->world->serve();
    const auto view = w->settled("TA-1", id);
    const std::string state = W::text(view, "state");
    ASSERT_TRUE(state == "ready" || state == "void") << state;
    if (state == "void") {
      ++voided;
      EXPECT_EQ(w->send("TA-1", "GET", "/v1/extracts/" + id + "/rows").status, 410u);
      EXPECT_FALSE(fs::exists(w->world->home / "extracts" / id));
    } else {
      ++ready;
      const auto all = w->entries();
      const std::uint64_t closing = W::number_at(view, "export_entry");
      EXPECT_EQ(closing, W::number_at(view, "first_entry") + 600);
      EXPECT_EQ(W::part(all.at(closing), BodyPart::released_digest),
                crypto::text_of(crypto::sha256(w->fetch("TA-1", view))));
    }
    w->world->exchange->stop();
    w->world->exchange.reset();
  }
  RecordProperty("ready", static_cast<int>(ready));
  RecordProperty("void", static_cast<int>(voided));
  std::printf("  %u ready, %u void\n", ready, voided);
}

}  // namespace
}  // namespace amanat::test
