// Where questions come from: stations, networks, impossible travel.

#include <gtest/gtest.h>

#include "detection/alert.h"
#include "detection/habits.h"

namespace amanat::detection {
namespace {

constexpr const char* kStations = R"([[station]]
name = "Lahore"
latitude = "31.5497"
longitude = "74.3436"
networks = ["10.1.0.0/16", "10.9.1.0/24"]
[[station]]
name = "Karachi"
latitude = "24.8607"
longitude = "67.0011"
networks = ["10.2.0.0/16", "2001:db8:2::/48"]
[[station]]
name = "Kasur"
latitude = "31.1187"
longitude = "74.4500"
networks = "10.9.0.0/16"
)";

Stations stations() {
  auto read = Stations::read(kStations, "stations.toml");
  EXPECT_TRUE(read) << read.error().detail;
  return read ? *std::move(read) : Stations{};
}

std::uint64_t zone(const char* address) { return stations().zone_of(*net::parse_address(address)); }

TEST(Stations, TheLongestPrefixSaysWhoseAnAddressIs) {
  const Stations s = stations();
  EXPECT_EQ(zone("10.1.200.3"), s.zone_named("Lahore"));
  EXPECT_EQ(zone("10.9.1.7"), s.zone_named("Lahore")) << "the longer prefix";
  EXPECT_EQ(zone("10.9.2.7"), s.zone_named("Kasur"));
  EXPECT_EQ(zone("2001:db8:2::9"), s.zone_named("Karachi"));
  EXPECT_EQ(zone("203.0.113.9"), kNowhere);
  EXPECT_EQ(s.zone_of(Address{}), kNoZone) << "a caller on the same machine";
  EXPECT_EQ(s.zone_named("Quetta"), kNoZone);
  EXPECT_EQ(Stations{}.zone_of(*net::parse_address("10.1.0.1")), kNoZone);
}

TEST(Stations, DistancesAreThoseOfTheGreatCircle) {
  const Stations s = stations();
  EXPECT_NEAR(s.km(s.zone_named("Lahore"), s.zone_named("Karachi")), 1034, 5);
  EXPECT_NEAR(s.km(s.zone_named("Lahore"), s.zone_named("Kasur")), 49, 2);
  EXPECT_EQ(s.km(s.zone_named("Lahore"), s.zone_named("Lahore")), 0);
  EXPECT_EQ(s.km(s.zone_named("Lahore"), kNowhere), 0);
}

TEST(Stations, AFileThatIsWrongIsNamedWithItsLine) {
  const std::string place = "latitude = \"1\"\nlongitude = \"2\"\n";
  for (const std::string& wrong : std::vector<std::string>{
           "[[station]]\nname = \"A\"\n", "[[station]]\nname = \"\"\n" + place,
           "[[station]]\nname = \"A\"\nlatitude = \"91\"\nlongitude = \"2\"\n",
           "[[station]]\nname = \"A\"\nlatitude = \"nan\"\nlongitude = \"2\"\n",
           "[[station]]\nname = \"A\"\n" + place + "networks = [\"10.0.0.1/8\"]\n",
           "[[station]]\nname = \"A\"\n" + place + "networks = [\"10.0.0.0/8\", \"10.0.0.0/8\"]\n",
           "[[station]]\nname = \"A\"\n" + place + "[[station]]\nname = \"A\"\n" + place,
           "[[station]]\nname = \"A\"\nnetwork = \"10.0.0.0/8\"\n" + place, "[[stations]]\n"}) {
    const auto read = Stations::read(wrong, "stations.toml");
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().reason, Reason::config_wrong);
    EXPECT_TRUE(read.error().detail.starts_with("stations.toml:")) << read.error().detail;
  }
  EXPECT_TRUE(Stations::read("", "stations.toml")->empty());
}

// An officer of Lahore whose explained questions come from somewhere.
struct Traveller {
  std::optional<Trip> ask(const char* address, std::uint64_t minutes_later, bool fresh = false) {
    at += minutes_later * kMinuteMs;
    Look look;
    look.order = ++order;
    look.subject = order;
    look.at = at;
    look.why = Why::named;
    look.fresh = fresh;
    look.zone = tuned.stations.zone_of(*net::parse_address(address));
    look.away = look.zone != tuned.stations.zone_named("Lahore");
    habits.advance(tuned, at, nullptr);
    const Tried tried = habits.judge(tuned, {&look, 1}, {});
    if (!tried.trip)
      habits.apply(tuned, {&look, 1}, tried, {});
    else if (row_of(tried.trip->rule).tier == Tier::friction && !tried.trip->repeated)
      habits.ask_friction(tried.trip->rule, at);
    return tried.trip;
  }
  static Parameters parameters() {
    Parameters p;
    p.robot_on = 0;
    return p;
  }
  Tuned tuned{parameters(), stations()};
  Habits habits;
  std::uint64_t at = 1'767'243'600'000, order = 0;
};

TEST(Travel, AStolenDeviceInAnotherCityIsAskedForATouchAtTheFirstQuestion) {
  Traveller officer;
  EXPECT_FALSE(officer.ask("10.1.0.5", 0));
  const auto trip = officer.ask("10.2.0.5", 60);
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->rule, Rule::impossible_travel) << "1,034 km in an hour";
  EXPECT_NEAR(trip->score, 1034, 5);
  EXPECT_TRUE(officer.ask("10.2.0.5", 300)->repeated) << "no waiting makes it pass";
  EXPECT_TRUE(officer.ask("10.1.0.5", 300)->repeated);
}

TEST(Travel, AnotherStationsNetworkIsAskedForATouchHoweverLongTheWayTook) {
  Traveller officer;
  EXPECT_FALSE(officer.ask("10.1.0.5", 0));
  EXPECT_EQ(officer.ask("10.2.0.5", 24 * 60)->rule, Rule::strange_network);
  EXPECT_FALSE(officer.ask("10.2.0.5", 1, true)) << "the officer themself, with a touch";
  EXPECT_FALSE(officer.ask("10.2.0.6", 30)) << "good for that network for twelve hours";
  EXPECT_EQ(officer.ask("10.2.0.6", 13 * 60)->rule, Rule::strange_network);
}

TEST(Travel, AnAddressOfNoStationIsStrangeAndOneTownIsNot) {
  Traveller officer;
  EXPECT_FALSE(officer.ask("10.1.0.5", 0));
  EXPECT_EQ(officer.ask("203.0.113.9", 24 * 60)->rule, Rule::strange_network);
  Traveller neighbour;
  EXPECT_FALSE(neighbour.ask("10.1.0.5", 0));
  const auto near = neighbour.ask("10.9.2.7", 2);
  ASSERT_TRUE(near);
  EXPECT_EQ(near->rule, Rule::strange_network) << "49 km in two minutes is no travel";
}

TEST(Travel, NineThousandAddressesOfOneStationAreOneOfficer) {
  Traveller officer;
  for (unsigned i = 0; i < 60; ++i)
    EXPECT_FALSE(officer.ask(("10.1." + std::to_string(i) + ".9").c_str(), 7)) << i;
}

TEST(Travel, WithoutTheFileOrWithTheSwitchesOffNothingIsJudged) {
  Traveller off;
  off.tuned.p.travel_on = off.tuned.p.strange_on = 0;
  EXPECT_FALSE(off.ask("10.1.0.5", 0));
  EXPECT_FALSE(off.ask("10.2.0.5", 5));
  Traveller none;
  none.tuned.stations = Stations{};
  EXPECT_FALSE(none.ask("10.1.0.5", 0));
}

}  // namespace
}  // namespace amanat::detection
