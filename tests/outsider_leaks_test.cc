// Leaks as strangers make them: what officers were shown over HTTPS, written down again in every
// manner files of this kind have. Each goes through a trace of the running exchange up to the
// envelope, and must keep so many rows and coins of the plain copy.

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "auditor.h"
#include "crypto/crypto.h"
#include "outsider_files.h"
#include "server/traces.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr std::size_t kCitizens = 20;
const std::string kCase = "FIR 900/26 PS Cantt Multan";
const std::string kFields =
    R"("identity.persons.national_id","identity.persons.name","identity.persons.gender",)"
    R"("identity.persons.date_of_birth","identity.persons.present_address",)"
    R"("identity.persons.permanent_address","identity.persons.issued_on","identity.persons.expires_on")";

class OutsiderLeaks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world = new World;
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    std::set<std::string> seen;
    for (std::size_t i = 1; i < persons.size() && citizens.size() < kCitizens; ++i) {
      if (persons[i].size() < 14 || persons[i][9].empty() || persons[i][7].empty() ||
          persons[i][12].empty() || persons[i][13].empty())
        continue;
      const std::string id = digits_of(persons[i][0]);
      if (id.size() == 13 && seen.insert(id).second) citizens.push_back(id);
    }
    std::set<std::string> officers;
    for (const auto& one : world->open_cases("fir"))
      if (officers.size() < 2) officers.insert(one.officer);
    std::string subjects, assigned;
    for (const auto& id : citizens) subjects += (subjects.empty() ? "" : ";") + id;
    for (const auto& who : officers) assigned += (assigned.empty() ? "" : ";") + who;
    write_all(world->directory.path / "cases.csv",
              "Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC\n" + kCase +
                  ",fir,2026-01-05,,Investigation Multan," + assigned + "," + subjects + "\n");
    ASSERT_TRUE(world->exchange->import_cases((world->directory.path / "cases.csv").string(), {}));
    for (const auto& who : officers) world->device(who);
    auditor = new AuditorProcess(world->exchange->ledger().vkey());
    auditor->join(world->home);
    world->reopen();
    world->serve();
    seller = *officers.begin();
    for (const auto& who : officers)
      for (const auto& id : citizens) {
        const auto reply = world->ask(who, World::question("\"national_id\":\"" + id + "\"",
                                                           kFields, "crime-investigation", kCase));
        if (reply.status != 200 || who != seller) continue;
        const auto* answers = reply.at("answers").array();
        const net::Json* records = (*answers)[0].find("records");
        const net::Json* found = records != nullptr ? records->find("identity.persons") : nullptr;
        if (found == nullptr || found->array()->empty()) continue;
        outsider::Copy copy;
        copy.id = id;
        for (const auto& member : *(*found->array())[0].object())
          if (const auto* text = member.value.string()) copy.shown[member.name] = *text;
        copies.push_back(std::move(copy));
      }
    ASSERT_GT(copies.size(), kCitizens / 2);
  }
  static void TearDownTestSuite() {
    delete world;
    delete auditor;
    world = nullptr;
  }

  struct Seen {
    std::uint64_t matched = 0, sourced = 0, coins = 0, candidates = 0;
    std::string trouble;
  };
  static Seen traced(const outsider::Leak& leak) {
    Seen seen;
    auto& traces = world->exchange->traces();
    server::Traces::Begin begin{leak.name, "a stranger", {}, leak.bytes.size()};
    auto id = traces.begin(begin);
    if (!id) return seen.trouble = row_of(id.error().reason).id, seen;
    for (std::size_t at = 0; at < leak.bytes.size(); at += 49'152)
      if (auto had = traces.append(*id, at, leak.bytes.substr(at, 49'152)); !had)
        return seen.trouble = row_of(had.error().reason).id, seen;
    auto one = traces.rest(*id, [] { return false; });
    while (one && one->state == server::TraceState::reading) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      one = traces.rest(*id, [] { return true; });
    }
    if (!one || one->state != server::TraceState::waiting)
      return seen.trouble = one ? one->trouble : "gone", seen;
    auto summary = traces.summary(*id);
    auto json = summary ? net::parse_json(*summary) : fail(Reason::malformed_json);
    if (json) {
      const auto figure = [&](const char* name) { return json->find(name)->integer().value_or(0); };
      seen = {figure("rows_matched"),
              figure("rows_with_sources"),
              figure("coins_read"),
              figure("accounts_under_test"),
              {}};
    }
    EXPECT_TRUE(traces.cancel(*id));
    return seen;
  }

  static inline World* world = nullptr;
  static inline AuditorProcess* auditor = nullptr;
  static inline std::string seller;
  static inline std::vector<std::string> citizens;
  static inline std::vector<outsider::Copy> copies;
};

TEST_F(OutsiderLeaks, KeepTheirRowsAndCoinsHoweverTheyAreWrittenDown) {
  const auto leaks = outsider::leaks_of(copies);
  const auto rows = static_cast<double>(copies.size());
  double coins = 0;  // of the plain table, the first
  for (const auto& leak : leaks) {
    SCOPED_TRACE(leak.name);
    const Seen seen = traced(leak);
    if (&leak == &leaks.front()) {
      coins = static_cast<double>(seen.coins);
      EXPECT_GE(coins, rows);
    }
    if (std::getenv("AMANAT_SHOW_LEAKS") != nullptr)
      std::printf("%-44s matched %3lu sourced %3lu of %zu coins %3lu candidates %lu %s\n",
                  leak.name.c_str(), seen.matched, seen.sourced, copies.size(), seen.coins,
                  seen.candidates, seen.trouble.c_str());
    EXPECT_EQ(seen.trouble, "");
    EXPECT_GE(static_cast<double>(seen.sourced), leak.rows * rows);
    EXPECT_GE(static_cast<double>(seen.coins), leak.coins * coins);
  }
}

}  // namespace
}  // namespace amanat::test
