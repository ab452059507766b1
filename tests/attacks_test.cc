// Attacks as they happened or will, replayed over the real HTTP interface with real TLS. Days pass
// by moving this process's clocks (moved_clock.h); the exchange has no switch for it. The long
// runs, each some minutes:
//   AMANAT_ESTONIA=286438    every lookup of Estonia's nine days (standard: 400, spread as they
//   were) AMANAT_SEQUENCE=1000000  numbers in a row (standard: 400) AMANAT_YEAR_DAYS=364     days
//   of the one who asks forty a day (standard: 6)

#include <gtest/gtest.h>

#include <cstdlib>

#include "alerts.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "moved_clock.h"
#include "world.h"

namespace amanat::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kField = "telecom.subscribers.operator";

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// The shipped rules; off_duty and the rules about networks are the roster's business, and every
// address of these tests is this machine's.
constexpr const char* kShipped = "";
// A thief who has the officer's passkey as well, and touches it whenever a touch is asked for: the
// rules that ask for one stop nothing.
constexpr const char* kTouched =
    "robot_on = 0\nrun_on = 0\ntwo_places_on = 0\noff_duty_friction = 0\n";

class Scene {
 public:
  explicit Scene(const std::string& judged) : world(64, judged) {
    cases = world.open_cases("fir");
    const Table persons = read_table(World::data() / "nadra_identity.csv");
    for (std::size_t i = 1; i < persons.size(); ++i)
      if (const std::string id = persons[i].empty() ? "" : digits_of(persons[i][0]);
          id.size() == 13 && id[0] >= '1' && id[0] <= '8')
        citizens.push_back(id);
    world.serve();
  }
  ~Scene() { own_address = 0; }

  std::vector<std::string> strangers(const OpenCase& one) const {
    std::vector<std::string> out;
    for (const auto& c : citizens)
      if (std::find(one.citizens.begin(), one.citizens.end(), c) == one.citizens.end())
        out.push_back(c);
    return out;
  }
  static std::string about(const OpenCase& one, const std::string& citizen) {
    return World::question("\"national_id\":\"" + citizen + '"', '"' + std::string(kField) + '"',
                           "crime-investigation", one.ref);
  }
  World::Reply ask(const OpenCase& one, const std::string& citizen) const {
    return world.ask(one.officer, about(one, citizen));
  }
  // to_morning moves the clocks to nine o'clock of the next day, in the exchange's zone.
  static void to_morning() {
    constexpr std::int64_t kDay = 86'400'000, kZone = 5 * 3'600'000, kNine = 9 * 3'600'000;
    const auto local = static_cast<std::int64_t>(number(now())) + kZone;
    move_clock(milliseconds(kDay - local % kDay + kNine));
  }
  std::vector<std::string> alerts() const { return alerts_in_ledger(*world.exchange); }

  World world;
  std::vector<OpenCase> cases;
  std::vector<std::string> citizens;
};

std::string reason_of(const std::string& body) {
  const auto json = net::parse_json(body);
  const net::Json* reason = json ? json->find("reason") : nullptr;
  return reason != nullptr && reason->string() != nullptr ? *reason->string() : "?";
}

struct Extraction {
  std::uint64_t asked = 0, disclosed = 0;
  std::set<std::uint32_t> addresses;
  std::map<std::string, std::uint64_t> refusals;
};

// estonia asks as the photo service was asked in July 2021: one citizen at a time, 286,438 times in
// nine days from 9,000 addresses, day and night, so that an address asks three or four times a day;
// in the long run those of a day one after the other, over one connection.
Extraction estonia(Scene& scene, const OpenCase& one, std::uint64_t lookups) {
  constexpr std::uint64_t kAddresses = 9000;
  const auto strangers = scene.strangers(one);
  const auto nine_days = std::chrono::duration_cast<milliseconds>(hours(9 * 24));
  const auto apart = nine_days / static_cast<std::int64_t>(lookups);
  const std::uint64_t at_once = lookups > kAddresses ? 4 : 1;
  Extraction done;
  std::optional<net::Client> client;
  for (unsigned failed = 0; done.asked < lookups && failed < 1000;) {
    const std::uint64_t i = done.asked;
    if (i % at_once == 0) client.reset();
    if (!client) {
      // 127.1.0.1 and on: each is an address of its own to whoever counts addresses.
      own_address = 0x7f010001u + static_cast<std::uint32_t>(i / at_once * 7919 % kAddresses);
      done.addresses.insert(own_address);
      auto made = scene.world.client(one.officer);
      if (!made) {
        ++failed;
        continue;
      }
      client.emplace(*std::move(made));
    }
    const auto reply =
        client->ask("POST", "/v1/lookups", Scene::about(one, strangers[i % strangers.size()]));
    if (!reply) {
      client.reset();
      ++failed;
      continue;
    }
    ++done.asked;
    if (reply->status == 200)
      ++done.disclosed;
    else
      ++done.refusals[reason_of(reply->body)];
    if (lookups > kAddresses && done.asked % 50'000 == 0)
      std::fprintf(stderr, "  %llu of %llu asked\n", static_cast<unsigned long long>(done.asked),
                   static_cast<unsigned long long>(lookups));
    move_clock(apart);
  }
  own_address = 0;
  return done;
}

void print(const char* what, const Extraction& e) {
  std::printf("  %s: %llu asked from %zu addresses, %llu citizens lost;", what,
              static_cast<unsigned long long>(e.asked), e.addresses.size(),
              static_cast<unsigned long long>(e.disclosed));
  for (const auto& [reason, n] : e.refusals)
    std::printf(" %s %llu", reason.c_str(), static_cast<unsigned long long>(n));
  std::printf("\n");
}

TEST(Attacks, EstoniaWithAValidAccountLosesAHandfulInNineDays) {
  const std::uint64_t lookups = number_from("AMANAT_ESTONIA", 400);
  for (const char* judged : {kShipped, kTouched}) {
    Scene scene(judged);
    const OpenCase& one = scene.cases.at(0);
    scene.world.device(one.officer);
    const Extraction e = estonia(scene, one, lookups);
    print(judged == kShipped ? "a certificate" : "and every touch given", e);
    EXPECT_LE(e.disclosed, 50u);
    EXPECT_GE(e.disclosed, 1u) << "the account was valid";
    EXPECT_EQ(e.asked, lookups);
    scene.world.exchange->stop();
    EXPECT_FALSE(scene.alerts().empty());
  }
}

TEST(Attacks, EstoniaWithCredentialsThatWereNeverEnrolledLosesNobody) {
  Scene scene(kShipped);
  const OpenCase& one = scene.cases.at(0);
  scene.world.device(one.officer);
  // A certificate of the same name from an authority of the thief's own.
  auto forger = crypto::make_authority("Amanat devices", 10);
  ASSERT_TRUE(forger);
  auto key = crypto::make_device_key(one.officer);
  ASSERT_TRUE(key);
  auto certified = crypto::certify(*forger, key->csr_pem, one.officer, 365);
  ASSERT_TRUE(certified);
  write_all(scene.world.directory.path / "thief.crt", certified->certificate_pem);
  write_all(scene.world.directory.path / "thief.key", key->key_pem.view());
  const auto strangers = scene.strangers(one);
  unsigned answered = 0, connected = 0, asked = 0;
  for (unsigned i = 0; i < 300; ++i, ++asked) {
    own_address = 0x7f010001u + i % 9000;
    const std::string who = i % 3 == 0 ? "" : "thief";
    auto client = scene.world.client(who);
    if (!client) continue;
    ++connected;
    const auto response =
        client->ask("POST", "/v1/lookups", Scene::about(one, strangers[i % strangers.size()]));
    if (response && response->status == 200) ++answered;
    move_clock(minutes(40));
  }
  own_address = 0;
  std::printf("  %u asked, %u connections taken, %u citizens lost\n", asked, connected, answered);
  EXPECT_EQ(answered, 0u);
}

TEST(Attacks, TenPeopleOnOneLoginAreFoundBeforeTheyHaveShared) {
  Scene scene(kShipped);
  const OpenCase& one = scene.cases.at(0);
  // Each has a device of the account, and asks every hour or so, as work comes.
  std::vector<std::string> device;
  for (unsigned who = 0; who < 10; ++who) {
    scene.world.device(one.officer);
    for (const char* end : {".crt", ".key"})
      fs::copy_file(scene.world.directory.path / (one.officer + end),
                    scene.world.directory.path / ("desk" + std::to_string(who) + end));
    device.push_back("desk" + std::to_string(who));
  }
  Scene::to_morning();
  std::uint64_t foreign = 0, asked = 0;
  std::string stopped;
  std::uint64_t dice = 99;
  for (; asked < 400 && stopped.empty(); ++asked) {
    dice = dice * 6364136223846793005ull + 1442695040888963407ull;
    move_clock(seconds(20 + (dice >> 33) % 680));  // ten people, ten an hour in all
    const unsigned who = static_cast<unsigned>(dice >> 40) % 10;
    const auto reply = scene.world.ask(device[who], Scene::about(one, one.citizen));
    if (reply.status != 200)
      stopped = reply.reason();
    else if (who != 0)
      ++foreign;
  }
  std::printf("  stopped (%s) after %llu answers to the nine others\n", stopped.c_str(),
              static_cast<unsigned long long>(foreign));
  EXPECT_EQ(stopped, "touch-and-reason");
  EXPECT_LE(foreign, 50u);
}

TEST(Attacks, AStolenDeviceInAnotherCityIsWorthAHandfulUntilItIsReportedAndNothingAfter) {
  Scene scene(kTouched);
  const OpenCase& one = scene.cases.at(0);
  scene.world.device(one.officer);
  Scene::to_morning();
  EXPECT_EQ(scene.ask(one, one.citizen).status, 200u);
  // Stolen at ten, used from another network through the night at the pace a person keeps.
  move_clock(hours(1));
  const auto strangers = scene.strangers(one);
  unsigned lost = 0;
  own_address = 0x7f4b0a01;
  for (unsigned i = 0; i < 120; ++i) {
    move_clock(minutes(9));
    if (scene.ask(one, strangers[i]).status == 200) ++lost;
  }
  std::printf("  %u citizens lost in eighteen hours\n", lost);
  EXPECT_LE(lost, 20u);
  // Reported in the morning: from then on not one question.
  ASSERT_TRUE(scene.world.exchange->revoke(one.officer));
  auto client = scene.world.client(one.officer);
  if (client) {
    const auto response = client->ask("POST", "/v1/lookups", Scene::about(one, one.citizen));
    if (response) {
      EXPECT_EQ(response->status, 401u);
    }
  }
  own_address = 0;
}

TEST(Attacks, SequentialNumbersStopWithinAHandfulAndStayStopped) {
  const std::uint64_t asked = number_from("AMANAT_SEQUENCE", 400);
  Scene scene(kTouched);
  const OpenCase& one = scene.cases.at(0);
  scene.world.device(one.officer);
  Scene::to_morning();
  unsigned shown = 0, answered = 0;
  std::map<std::string, std::uint64_t> refusals;
  std::optional<net::Client> client;
  for (std::uint64_t i = 0; i < asked; ++i) {
    // Inside the pace as long as anything is answered; then as fast as refusals are told.
    move_clock(seconds(refusals.empty() ? 20 : 2));
    if (!client) {
      auto made = scene.world.client(one.officer);
      ASSERT_TRUE(made);
      client.emplace(*std::move(made));
    }
    const std::string id = std::to_string(3520200000000ull + i * 10 + 1);
    const auto response = client->ask("POST", "/v1/lookups", Scene::about(one, id));
    if (!response) {
      client.reset();  // an idle connection that the moved clock has closed
      --i;
      continue;
    }
    if (response->status == 200) {
      ++answered;
      if (response->body.find("\"operator\"") != std::string::npos) ++shown;
      continue;
    }
    ++refusals[reason_of(response->body)];
  }
  std::printf("  %llu numbers: %u answered, %u of them somebody\n",
              static_cast<unsigned long long>(asked), answered, shown);
  EXPECT_LE(answered, 25u);
  EXPECT_EQ(refusals.size(), 1u);
  EXPECT_EQ(refusals.begin()->first, "account-on-hold");
  EXPECT_EQ(refusals.begin()->second + answered, asked) << "the state refuses all the rest";
  scene.world.exchange->stop();
  EXPECT_EQ(scene.alerts().size(), 1u);
}

// What a year of an officer looks like who asks for forty citizens a day, each named by an open
// case of the officer's own: explained, unhurried, inside every quota.
TEST(Attacks, FortyADayOfCasesThatNameThemIsBoundedByTheYearsBudget) {
  const std::uint64_t days = number_from("AMANAT_YEAR_DAYS", 6);
  constexpr std::size_t kADay = 40, kCases = 60;
  Scene scene("off_duty_on = 0\n");
  const OpenCase& first = scene.cases.at(0);
  std::string csv = "Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC\n";
  std::string unit;
  for (const auto& row : read_table(World::data() / "hr_roster.csv"))
    if (!row.empty() && row[0] == first.officer) unit = row[4];
  std::vector<OpenCase> made;
  for (std::size_t c = 0; c < kCases; ++c) {
    OpenCase one = first;
    one.ref = "FIR " + std::to_string(9000 + c) + "/26 PS Cantt Multan";
    one.citizens.assign(scene.citizens.begin() + static_cast<std::ptrdiff_t>(c * kADay),
                        scene.citizens.begin() + static_cast<std::ptrdiff_t>((c + 1) * kADay));
    csv += one.ref + ",fir,2026-01-05,," + unit + "," + one.officer + ",";
    for (std::size_t i = 0; i < kADay; ++i) csv += (i > 0 ? ";" : "") + one.citizens[i];
    csv += "\n";
    made.push_back(std::move(one));
  }
  write_all(scene.world.directory.path / "cases.csv", csv);
  auto imported =
      scene.world.exchange->import_cases((scene.world.directory.path / "cases.csv").string(), {});
  ASSERT_TRUE(imported) << imported.error().detail;
  ASSERT_EQ(imported->accepted, kCases);
  scene.world.device(first.officer);
  std::uint64_t disclosed = 0, seen_at = 0;
  std::set<std::string> distinct;
  std::map<std::string, std::uint64_t> refusals;
  for (std::uint64_t day = 0; day < days; ++day) {
    Scene::to_morning();
    const OpenCase& one = made[day % kCases];
    for (const std::string& citizen : one.citizens) {
      move_clock(seconds(60 + std::hash<std::string>{}(citizen) % 1200));
      const auto reply = scene.ask(one, citizen);
      if (reply.status == 200) {
        ++disclosed;
        distinct.insert(citizen);
      } else {
        ++refusals[reply.reason()];
      }
    }
    if (seen_at == 0) {
      for (const auto& told : scene.world.exchange->detection().alerts(100))
        if (told.alert.rule == detection::Rule::coverage) seen_at = distinct.size();
    }
  }
  std::printf("  %llu days: %llu answers, %zu citizens; the auditor was told after %llu;",
              static_cast<unsigned long long>(days), static_cast<unsigned long long>(disclosed),
              distinct.size(), static_cast<unsigned long long>(seen_at));
  for (const auto& [reason, n] : refusals)
    std::printf(" %s %llu", reason.c_str(), static_cast<unsigned long long>(n));
  std::printf("\n");
  // No statistic stops what the case system vouches for: the budget does.
  EXPECT_LE(distinct.size(), 2000u);
  if (days * kADay <= 1000) {
    EXPECT_EQ(distinct.size(), days * kADay) << "inside every quota";
  }
  if (days > 60) {
    EXPECT_GT(refusals["quota-spent"], 0u);
  }
}

}  // namespace
}  // namespace amanat::test
