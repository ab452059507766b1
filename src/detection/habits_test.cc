#include "detection/habits.h"

#include <gtest/gtest.h>

#include "detection/alert.h"

namespace amanat::detection {
namespace {

constexpr std::uint64_t kNine = 1'767'243'600'000;  // 2026-01-01 10:00 in Pakistan

// An officer whose lookups are a minute apart unless said otherwise.
struct Desk {
  explicit Desk(Parameters p = {}) : tuned(p) {}
  std::optional<Trip> ask(std::uint64_t subject, Why why, bool exists = true,
                          std::uint64_t gap = 61'000 + 7'000) {
    // Gaps differ from each other as people's do.
    at += gap + (subject * 7919) % 23'000;
    Look look;
    look.order = ++order;
    look.subject = subject;
    look.at = at;
    look.why = why;
    look.exists = exists;
    look.fresh = fresh;
    habits.advance(tuned, at, &peers);
    const Tried tried = habits.judge(tuned, {&look, 1}, {&peers, &unit, nullptr});
    if (!tried.trip) habits.apply(tuned, {&look, 1}, tried, {&peers, &unit, nullptr});
    return tried.trip;
  }
  void to_day(unsigned day) { at = kNine + day * kDayMs; }
  Tuned tuned;
  Habits habits;
  Peers peers;
  Shared unit;
  std::uint64_t at = kNine, order = 0;
  bool fresh = false;
};

Parameters without_friction() {
  Parameters p;
  p.run_on = 0;
  p.robot_on = 0;  // gaps here are too even for a person's
  return p;
}

TEST(Habits, ExactlyTwentyUnexplainedCitizensAWeekPass) {
  Parameters p = without_friction();
  p.unexplained_on = 0;
  Desk desk(p);
  unsigned passed = 0;
  for (std::uint64_t i = 1; i <= 30; ++i)
    if (!desk.ask(i, Why::unexplained)) ++passed;
  EXPECT_EQ(passed, 20u);
  EXPECT_EQ(desk.ask(99, Why::unexplained)->rule, Rule::unexplained_week);
  EXPECT_FALSE(desk.ask(3, Why::unexplained)) << "a citizen of the week costs nothing again";
  EXPECT_FALSE(desk.ask(100, Why::named)) << "explained ones go on";
}

TEST(Habits, ExplainedLookupsNeverEnterTheSuspendingTest) {
  Desk desk(without_friction());
  for (unsigned day = 0; day < 60; ++day) {
    desk.to_day(day);
    for (std::uint64_t i = 0; i < 30; ++i)
      ASSERT_FALSE(desk.ask(day * 1000 + i, Why::named)) << day;
  }
  EXPECT_EQ(desk.habits.scores().sum, 0);
}

TEST(Habits, FourUnexplainedInARowAskForATouchAndAReason) {
  Desk desk;
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_FALSE(desk.ask(i, Why::unexplained));
  const auto trip = desk.ask(4, Why::unexplained);
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->rule, Rule::unexplained_run);
  desk.habits.ask_friction(trip->rule, desk.at);
  EXPECT_TRUE(desk.ask(5, Why::named)->repeated) << "nothing passes before the touch";
  desk.fresh = true;
  EXPECT_FALSE(desk.ask(4, Why::unexplained));
  desk.fresh = false;
  EXPECT_FALSE(desk.ask(6, Why::unexplained)) << "and then it begins anew";
}

TEST(Habits, TwoADayMoreThanPeersClosesTheClassWithinDays) {
  Desk desk(without_friction());
  unsigned lost = 0, day = 0;
  std::optional<Trip> trip;
  for (; day < 60 && !trip; ++day) {
    desk.to_day(day);
    for (std::uint64_t i = 0; i < 6; ++i) ASSERT_FALSE(desk.ask(day * 100 + i, Why::named));
    for (std::uint64_t i = 10; i < 12 && !trip; ++i) {
      trip = desk.ask(day * 100 + i, Why::unexplained);
      if (!trip) ++lost;
    }
  }
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->rule, Rule::unexplained);
  EXPECT_LE(lost, 20u);
  EXPECT_TRUE(desk.ask(77'777, Why::unexplained)) << "the one refused changed nothing";
  desk.habits.lift(Rule::unexplained);
  EXPECT_EQ(desk.habits.scores().sum, 0);
}

TEST(Habits, ABaselineThatCreepsUpStaysUnderThriceThePeers) {
  Parameters p = without_friction();
  p.week_on = 0;
  p.threshold = 100;
  Desk desk(p);
  for (unsigned day = 0; day < 500; ++day) {
    desk.to_day(day);
    for (std::uint64_t i = 0; i < 2 + day / 100; ++i) desk.ask(day * 100 + i, Why::unexplained);
    Peers alone;  // peers who do as they always did
    alone.days = 1000;
    alone.sum = 400;
    desk.peers = alone;
  }
  EXPECT_LE(desk.habits.scores().mean, 3 * 0.41);
}

TEST(Habits, NumbersTriedOutAreStoppedWithinSevenMisses) {
  Desk desk(without_friction());
  unsigned misses = 0;
  std::optional<Trip> trip;
  for (std::uint64_t i = 1; i < 50 && !trip; ++i) {
    trip = desk.ask(i, Why::unexplained, false);
    ++misses;
  }
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->rule, Rule::absent_names);
  EXPECT_EQ(misses, 5u);
}

TEST(Habits, WhetherACitizenExistsDoesNotShowInTheCap) {
  Parameters p = without_friction();
  p.unexplained_on = p.absent_on = 0;
  Desk desk(p);
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_FALSE(desk.ask(i, Why::unexplained));
  EXPECT_EQ(desk.ask(50, Why::unexplained, true)->rule, Rule::unexplained_week);
  EXPECT_EQ(desk.ask(51, Why::unexplained, false)->rule, Rule::unexplained_week);
}

TEST(Habits, NoHourShowsMoreThanFortyAndAMachineIsNoticedWithinTwentyFive) {
  Desk fast(without_friction());
  fast.tuned = Tuned([] {
    Parameters p = without_friction();
    p.burst_per_minute = 600;
    p.burst_at_once = 100;
    p.robot_on = 0;
    return p;
  }());
  unsigned passed = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Look look;
    look.order = look.subject = i + 1;
    look.at = kNine + i * 5000;
    look.why = Why::named;
    fast.habits.advance(fast.tuned, look.at, nullptr);
    const Tried tried = fast.habits.judge(fast.tuned, {&look, 1}, {});
    if (tried.trip) continue;
    fast.habits.apply(fast.tuned, {&look, 1}, tried, {});
    ++passed;
  }
  EXPECT_EQ(passed, 40u);

  Parameters even = without_friction();
  even.robot_on = 1;
  Habits machine;
  const Tuned tuned(even);
  unsigned before = 0;
  std::optional<Trip> trip;
  for (std::uint64_t i = 0; i < 60 && !trip; ++i) {
    Look look;
    look.order = look.subject = i + 1;
    look.at = kNine + i * 12'000;
    look.why = Why::named;
    machine.advance(tuned, look.at, nullptr);
    const Tried tried = machine.judge(tuned, {&look, 1}, {});
    trip = tried.trip;
    if (!trip) machine.apply(tuned, {&look, 1}, tried, {});
    ++before;
  }
  ASSERT_TRUE(trip);
  EXPECT_EQ(trip->rule, Rule::robot);
  EXPECT_LE(before, 25u);
}

TEST(Alert, IsReadBackExactlyAsWrittenAndInNoOtherForm) {
  Alert alert;
  alert.rule = Rule::unexplained;
  alert.tier = Tier::close_class;
  alert.actor = Actor{AccountId{17}, KeyKind::passkey, Digest{1, 2, 3}};
  alert.unit = "Investigation Lahore";
  alert.case_ref = "FIR 1/19 PS Cantt";
  alert.at = 1'767'243'600'123;
  alert.order = 42;
  alert.score = 0.1 + 0.2;
  alert.threshold = 8;
  alert.entries = {7, 9};
  Look look;
  look.order = 41;
  look.subject = 0xfedcba9876543210;
  look.at = alert.at;
  look.near = Near{16, 32, 48, 7, true};
  look.fresh = true;
  alert.looks = {look};
  alert.note = "line\nbreak";
  const std::string text = encode(alert);
  const auto read = decode_alert(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(encode(*read), text);
  EXPECT_EQ(read->score, alert.score);
  EXPECT_EQ(read->looks.at(0).near, look.near);
  EXPECT_EQ(read->note, "line break");
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    if (const auto other = decode_alert(damaged)) {
      EXPECT_EQ(encode(*other), damaged);
    }
    EXPECT_FALSE(decode_alert(text.substr(0, i)) &&
                 encode(*decode_alert(text.substr(0, i))) == text);
  }
}

TEST(Parameters, AreReadBackAsWrittenAndComplainInWords) {
  const auto read = read_parameters(write_parameters(Parameters{}), "detection.toml");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(write_parameters(*read), write_parameters(Parameters{}));
  const auto unknown = read_parameters("\nweek_mots = 3\n", "d.toml");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().detail,
            "d.toml:2: unknown parameter week_mots, did you mean week_most?");
  EXPECT_FALSE(read_parameters("week_most = 600\n", "d.toml"));
  EXPECT_FALSE(read_parameters("run_p0 = \"0.05x\"\n", "d.toml"));
  EXPECT_EQ(read_parameters("run_p0 = \"0.06\"\n", "d.toml")->run_p0, 0.06);
}

}  // namespace
}  // namespace amanat::detection
